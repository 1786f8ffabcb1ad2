/** What happened around it: what this agent did of late, and how holds like this one ended. */
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Answer } from '../../api/client.ts';
import type { HoldShown } from '../../api/hold-shown.ts';
import { pastQuery } from '../../api/queries.ts';
import { StateBadge } from '../../ui/badge.tsx';
import { Loaded } from '../../ui/loading.tsx';
import { Panel } from '../../ui/page.tsx';
import { Line, Text } from '../../ui/text.tsx';
import { Time } from '../../ui/time.tsx';

export function LastMinutes({ hold }: { readonly hold: HoldShown }): ReactNode {
  const query = useQuery(pastQuery(hold.id));
  return (
    <Panel
      title="What it did in the last 15 minutes"
      aside={
        <Link to="/trail" search={{ agent: hold.agent }} className="link text-[0.87rem]">
          All of it
        </Link>
      }
    >
      <Loaded query={query} what="its last acts">
        {({ recent: { acts, isCut } }) =>
          acts.length === 0 && !isCut ? (
            <p className="text-muted">Nothing was decided about this agent in that time.</p>
          ) : (
            <ul className="grid gap-1.5 text-[0.9rem]">
              {acts.map((act) => (
                <li
                  key={act.index}
                  className="grid grid-cols-[auto_auto_minmax(0,1fr)] items-baseline gap-x-2"
                >
                  <Time at={act.at} />
                  <StateBadge state={act.verdict} />
                  <Line text={act.firstLine} className="font-mono text-[0.85rem]" />
                  <span className="col-span-3 text-[0.82rem] text-muted">
                    on <Text text={act.target} />
                    {act.effects.length > 0 && (
                      <>
                        : <Text text={act.effects.join(', ')} />
                      </>
                    )}
                    . {act.outcome === null ? 'No outcome yet' : <Text text={act.outcome} />}
                  </span>
                </li>
              ))}
              {isCut && <li className="text-muted">and more before these, not shown</li>}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

type Past = Answer<'holds.past'>['similar'][number];

export function Alike({ hold }: { readonly hold: HoldShown }): ReactNode {
  const query = useQuery(pastQuery(hold.id));
  return (
    <Panel title="Holds like this one">
      <Loaded query={query} what="holds like this one">
        {({ similar }) =>
          similar.length === 0 ? (
            <p className="text-muted">None is known. This is the first of its kind.</p>
          ) : (
            <ul className="grid gap-2 text-[0.9rem]">
              {similar.map((one) => (
                <AlikeLine key={one.id} past={one} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Panel>
  );
}

function AlikeLine({ past }: { readonly past: Past }): ReactNode {
  return (
    <li className="grid grid-cols-[auto_minmax(0,1fr)_auto] items-baseline gap-x-2">
      <StateBadge state={past.state} />
      <Link to="/holds/$id" params={{ id: past.id }} className="min-w-0 hover:underline">
        {past.likeness}, by <Text text={past.agent} /> on{' '}
        <Text text={past.target} className="font-mono" />
      </Link>
      <Time at={past.openedAt} relative />
      <span className="col-span-3 text-[0.82rem] text-muted">
        {OUTCOMES[past.state]}
        {past.people.length > 0 && (
          <>
            {' '}
            Decided by <Text text={past.people.join(', ')} />.
          </>
        )}
        {past.note !== null && past.note !== '' && (
          <>
            {' '}
            <Text text={`“${past.note}”`} />
          </>
        )}
      </span>
    </li>
  );
}

/** How it ended, in words. */
const OUTCOMES: Readonly<Record<Past['state'], string>> = {
  waiting: 'It waits, too.',
  signed: 'Enough people signed; it has not run yet.',
  denied: 'Somebody said no.',
  expired: 'Nobody decided in time.',
  consumed: 'It was approved, and ran.',
  void: 'The facts changed, so the approval counted no more.',
};
