/** What happened around it: this agent's last quarter of an hour, and how holds like this one ended. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ask } from '../../api/client.ts';
import type { HoldShown } from '../../api/hold-shown.ts';
import { countWords } from '../../lib/measures.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { Panel } from '../../ui/page.tsx';
import { Line } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';

const BEFORE_MS = 15 * 60_000;
const ENTRIES = 12;
/** Among how many of the newest holds alike ones are looked for. */
const HOLDS_LOOKED_AT = 200;
const ALIKE_SHOWN = 6;

export function LastMinutes({ hold }: { readonly hold: HoldShown }): ReactNode {
  const until = hold.openedAt;
  const since = new Date(new Date(until).getTime() - BEFORE_MS).toISOString();
  const query = useQuery({
    queryKey: ['trail', 'before', hold.id],
    queryFn: ({ signal }) =>
      ask('trail.list', { query: { agent: hold.agent, since, until, limit: ENTRIES }, signal }),
  });
  return (
    <Panel
      title="What it did in the 15 minutes before"
      aside={
        <Link to="/trail" search={{ agent: hold.agent }} className="link text-[0.87rem]">
          All of it
        </Link>
      }
    >
      <Loaded query={query} what="its last entries">
        {({ items, next }) =>
          items.length === 0 ? (
            <p className="text-muted">
              Nothing was recorded of this agent in the 15 minutes before it asked.
            </p>
          ) : (
            <ul className="grid gap-1 text-[0.9rem]">
              {items.map((entry) => (
                <li
                  key={entry.index}
                  className="grid grid-cols-[auto_auto_minmax(0,1fr)] items-baseline gap-2"
                >
                  <Time at={entry.at} />
                  <StateBadge state={entry.verdict ?? entry.kind} />
                  <Line text={entry.text} className="font-mono text-[0.85rem]" />
                </li>
              ))}
              {next !== null && <li className="text-muted">and more before these</li>}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

export function Alike({ hold }: { readonly hold: HoldShown }): ReactNode {
  const query = useQuery({
    queryKey: ['holds', 'alike', hold.id],
    queryFn: ({ signal }) =>
      ask('holds.list', { query: { state: 'all', limit: HOLDS_LOOKED_AT }, signal }),
    staleTime: 60_000,
  });
  return (
    <Panel title="Holds like this one">
      <Loaded query={query} what="holds like this one">
        {({ items }) => {
          const alike = items.filter(
            (one) => one.id !== hold.id && one.rule === hold.rule && one.target === hold.target,
          );
          const decided = (state: string): number =>
            alike.filter((one) => one.state === state).length;
          if (alike.length === 0) {
            return (
              <p className="text-muted">
                None with this rule on this target among the newest {countWords(items.length)}{' '}
                holds. This is the first of its kind.
              </p>
            );
          }
          return (
            <>
              <p className="text-[0.93rem]">
                Same rule, same target, among the newest {countWords(items.length)}:{' '}
                {[...new Set(alike.map((one) => one.state))]
                  .map((state) => `${decided(state)} ${state}`)
                  .join(', ')}
                .
              </p>
              <ul className="grid gap-1 text-[0.9rem]">
                {alike.slice(0, ALIKE_SHOWN).map((one) => (
                  <li
                    key={one.id}
                    className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-baseline gap-2"
                  >
                    <StateBadge state={one.state} />
                    <Link
                      to="/holds/$id"
                      params={{ id: one.id }}
                      className="min-w-0 hover:underline"
                    >
                      <Line text={one.statement} className="font-mono text-[0.85rem]" />
                    </Link>
                    <Time at={one.openedAt} relative />
                  </li>
                ))}
              </ul>
            </>
          );
        }}
      </Loaded>
    </Panel>
  );
}
