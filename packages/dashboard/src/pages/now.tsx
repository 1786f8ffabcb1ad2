/** What a person who opens the dashboard has to know first. It keeps itself up to date. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import type { Answer } from '../api/client.ts';
import { holdsQuery, nowQuery } from '../api/queries.ts';
import { countWords, plural } from '../lib/measures.ts';
import { spanWords } from '../lib/times.ts';
import { Badge, EnvironmentBadge } from '../ui/badge.tsx';
import { Loaded } from '../ui/loading.tsx';
import { Page, Panel } from '../ui/page.tsx';
import { Line, Text } from '../ui/text.tsx';
import { Countdown, Time } from '../ui/time.tsx';

type Now = Answer<'now.show'>;
const HOLDS_SHOWN = 5;

export function NowPage(): ReactNode {
  const query = useQuery(nowQuery);
  return (
    <Page title="Now" lead="What waits for people, who works, and what can still be taken back.">
      <Loaded query={query} what="what happens now">
        {(now) => (
          <>
            <Numbers now={now} />
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
              <Waiting now={now} />
              <Signals now={now} />
              <Sessions now={now} />
              <Walls now={now} />
            </div>
            <p className="text-[0.87rem] text-muted">
              Policy <span className="font-mono">{now.policy.version.slice(0, 16)}</span>,{' '}
              {plural(now.policy.rules, 'rule')}. Trail:{' '}
              {plural(now.trail.size, 'entry', 'entries')}. As of <Time at={now.at} />.
            </p>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Numbers({ now }: { readonly now: Now }): ReactNode {
  const { holds, proposals, deferrals, undo } = now;
  return (
    <ul className="grid grid-cols-2 gap-3 lg:grid-cols-4">
      <Tile
        to="/holds"
        value={holds.waiting}
        names={['hold waits for people', 'holds wait for people']}
        isLoud={holds.waiting > 0}
        more={holds.signed > 0 ? `${holds.signed} signed, not used yet` : 'none signed and unused'}
      />
      <Tile
        to="/holds"
        show="proposals"
        value={proposals.open}
        names={['proposal is open', 'proposals are open']}
        isLoud={proposals.open > 0}
        more="acts that take several people"
      />
      <Tile
        to="/undo"
        show="waiting"
        value={deferrals.open}
        names={['act waits out the grace', 'acts wait out the grace']}
        isLoud={deferrals.open > 0}
        more={
          deferrals.nextDueAt === null ? (
            'nothing is due'
          ) : (
            <>
              next <Time at={deferrals.nextDueAt} relative />
            </>
          )
        }
      />
      <Tile
        to="/undo"
        value={undo.items}
        names={['act can be taken back', 'acts can be taken back']}
        isLoud={false}
        more={
          undo.nextPurgeMs === null
            ? 'nothing is kept'
            : `the first for ${spanWords(undo.nextPurgeMs)} more`
        }
      />
    </ul>
  );
}

interface TileProps {
  readonly to: '/holds' | '/undo';
  readonly show?: 'proposals' | 'waiting';
  readonly value: number;
  /** Of one, and of any other number. */
  readonly names: readonly [one: string, many: string];
  readonly more: ReactNode;
  readonly isLoud: boolean;
}

function Tile({ to, show, value, names, more, isLoud }: TileProps): ReactNode {
  const className = `panel grid content-start p-4 hover:border-line-strong ${isLoud ? 'border-accent' : ''}`;
  const inside = (
    <>
      <span
        className={`text-[1.9rem] leading-tight font-semibold tabular-nums ${isLoud ? 'text-accent' : ''}`}
      >
        {countWords(value)}
      </span>
      <span className="text-[0.93rem] font-medium">{names[value === 1 ? 0 : 1]}</span>
      <span className="text-[0.82rem] text-muted">{more}</span>
    </>
  );
  return (
    <li className="grid">
      {to === '/holds' ? (
        <Link to={to} search={show === 'proposals' ? { show } : {}} className={className}>
          {inside}
        </Link>
      ) : (
        <Link to={to} search={show === 'waiting' ? { show } : {}} className={className}>
          {inside}
        </Link>
      )}
    </li>
  );
}

function Waiting({ now }: { readonly now: Now }): ReactNode {
  const query = useInfiniteQuery(holdsQuery('open'));
  const items = query.data?.pages[0]?.items ?? [];
  return (
    <Panel
      title="Waits for you"
      aside={
        <Link to="/holds" className="link text-[0.87rem]">
          All holds
        </Link>
      }
    >
      {items.length === 0 ? (
        <p className="text-muted">
          {now.holds.waiting === 0
            ? 'Nothing. When an agent asks for something that destroys, it appears here at once.'
            : 'Looking them up …'}
        </p>
      ) : (
        <ul className="grid">
          {items.slice(0, HOLDS_SHOWN).map((hold) => (
            <li key={hold.id} className="border-t border-line first:border-0">
              <Link
                to="/holds/$id"
                params={{ id: hold.id }}
                className="-mx-2 grid gap-1 rounded-lg px-2 py-2 hover:bg-sunken"
              >
                <Line text={hold.statement} className="font-mono text-[0.87rem]" />
                <span className="flex flex-wrap items-center gap-2 text-[0.85rem] text-muted">
                  <EnvironmentBadge name={hold.environment} level={hold.level} />
                  <Text text={hold.agent} />
                  <span>
                    {hold.signatures.length} of {hold.peopleNeeded}
                  </span>
                  <Countdown to={hold.expiresAt} />
                </span>
              </Link>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Signals({ now }: { readonly now: Now }): ReactNode {
  return (
    <Panel
      title="Worth a look"
      aside={
        <Link to="/trail" className="link text-[0.87rem]">
          The trail
        </Link>
      }
    >
      {now.signals.length === 0 ? (
        <p className="text-muted">
          Nothing unusual: no refused sign-in, no foreign credential, no trouble with the vault.
        </p>
      ) : (
        <ul className="grid gap-2">
          {now.signals.map((signal) => (
            <li
              key={signal.index}
              className="grid gap-0.5 border-t border-line pt-2 first:border-0 first:pt-0"
            >
              <span className="flex flex-wrap items-baseline justify-between gap-2">
                <Link to="/trail" search={{ at: signal.index }} className="hover:underline">
                  <Badge tone="warn">{signal.kind}</Badge>
                </Link>
                <span className="text-[0.85rem] text-muted">
                  <Time at={signal.at} relative />
                </span>
              </span>
              <Text className="text-[0.93rem]" text={signal.words} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Sessions({ now }: { readonly now: Now }): ReactNode {
  return (
    <Panel
      title="Agents at work"
      aside={
        <span className="text-[0.87rem] text-muted">{plural(now.sessions.length, 'session')}</span>
      }
    >
      {now.sessions.length === 0 ? (
        <p className="text-muted">
          No agent is connected just now. Each shows here while it is; all that were added, and how
          to add one, are under{' '}
          <Link to="/agents" className="link">
            Agents
          </Link>
          .
        </p>
      ) : (
        <ul className="grid gap-1.5 text-[0.93rem]">
          {now.sessions.slice(0, 12).map((session) => (
            <li key={session.id} className="grid grid-cols-[minmax(0,1fr)_auto] gap-2">
              <Line
                text={`${session.agent ?? 'somebody unknown'} → ${session.target ?? 'nothing yet'}`}
              />
              <span className="text-[0.85rem] text-muted">
                <Time at={session.since} relative />
              </span>
            </li>
          ))}
          {now.sessions.length > 12 && (
            <li className="text-muted">and {now.sessions.length - 12} more</li>
          )}
        </ul>
      )}
    </Panel>
  );
}

const LEVEL_TONES: Readonly<Record<string, 'ok' | 'warn' | 'danger'>> = {
  full: 'ok',
  'no-fence': 'warn',
  'capture-only': 'warn',
  none: 'danger',
};

function Walls({ now }: { readonly now: Now }): ReactNode {
  return (
    <Panel
      title="Protection of targets"
      aside={
        <Link to="/targets" className="link text-[0.87rem]">
          The map
        </Link>
      }
    >
      {now.targets.length === 0 ? (
        <p className="text-muted">No target is declared in holdfast.yaml yet.</p>
      ) : (
        <ul className="grid gap-1.5 text-[0.93rem]">
          {now.targets.map((target) => (
            <li
              key={target.name}
              className="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-2"
            >
              <span className="min-w-0">
                <Line
                  text={`${target.environment} / ${target.name}`}
                  className="font-mono text-[0.87rem]"
                />
                {target.trouble !== null && (
                  <Text className="text-[0.87rem] text-danger" text={target.trouble} />
                )}
              </span>
              <Badge
                tone={target.trouble === null ? (LEVEL_TONES[target.level] ?? 'danger') : 'danger'}
              >
                {target.level}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
