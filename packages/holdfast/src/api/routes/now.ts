import type { Clock } from '../../model/clock.ts';
import type { EventKind } from '../../model/event.ts';
import type { Protection } from '../../model/reversal.ts';
import type { Policy } from '../../policy/policy.ts';
import type { SqlOverview } from '../../store/overview-store.ts';
import type { TrailFollower } from '../../trail/trail-finder.ts';
import type { NOW_ROUTES } from '../contract/now.ts';
import type { Handlers } from '../handler.ts';
import type { News } from '../news.ts';
import { trailLine } from '../trail-lines.ts';

export interface NowRouteParts {
  readonly overview: SqlOverview;
  readonly follower: Pick<TrailFollower, 'freshen'>;
  readonly clock: Clock;
  readonly policy: () => Policy;
  readonly targets: readonly { readonly name: string; readonly environment: string }[];
  /** As it was seen last; null: nobody has looked. */
  readonly protectionOf: (target: string) => Protection | null;
  readonly news: News;
}

const SIGNALS_MAX = 20;
const SESSIONS_SHOWN_MAX = 200;

/** What somebody should look at, whoever did it. */
const SIGNALS: readonly EventKind[] = [
  'foreign-credential',
  'session-refused',
  'protocol-error',
  'sign-in-refused',
  'break-glass',
  'recovery-used',
  'person-roles',
  'protection-drift',
  'protection-removed',
  'target-unprotected',
  'vault-trouble',
  'reads-not-recorded',
  'outcome-ignored',
];

export function nowRoutes(parts: NowRouteParts): Handlers<typeof NOW_ROUTES> {
  const { clock, follower, news, overview, policy, protectionOf, targets } = parts;
  return {
    'now.show': async () => {
      await follower.freshen();
      const now = clock.now();
      const seen = await overview.look(now);
      const sessions = await overview.agentSessions();
      const signals = await overview.newestOf(SIGNALS, SIGNALS_MAX);
      const { deferrals, holds, undo } = seen;
      const { rules, version } = policy();
      const leftMs = (tick: bigint): number => Math.max(0, Number(tick - seen.tickMs));
      return {
        at: now.toISOString(),
        holds: { ...holds },
        proposals: { open: seen.proposalsOpen },
        deferrals: {
          open: deferrals.open,
          nextDueAt:
            deferrals.nextDueTickMs === null
              ? null
              : new Date(now.getTime() + leftMs(deferrals.nextDueTickMs)).toISOString(),
        },
        sessions: sessions
          .slice(0, SESSIONS_SHOWN_MAX)
          .map((one) => ({ ...one, since: one.since.toISOString() })),
        undo: {
          items: undo.items,
          nextPurgeMs: undo.nextPurgeTickMs === null ? null : leftMs(undo.nextPurgeTickMs),
        },
        targets: targets.map(({ environment, name }) => {
          const protection = protectionOf(name);
          return {
            name,
            environment,
            level: protection?.level ?? 'none',
            trouble: protection?.trouble ?? null,
          };
        }),
        signals: signals.map((entry) => {
          const { at, index, kind, text } = trailLine({ ...entry, outcome: null });
          return { index, kind, at, words: text };
        }),
        trail: { size: Number(seen.trailSize) },
        policy: { version, rules: rules.length },
      };
    },
    'events.stream': async ({ gone, lastEventId }) => news.listen(lastEventId, gone),
  };
}
