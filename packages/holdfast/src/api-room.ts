/**
 * The API over the rooms: the same routes for the gateway, which listens with it, and for one command,
 * which asks it in its own process. What only a gateway knows (how far targets are protected, what is
 * said between processes) is handed in as `live`; a command has none of it, and its answers say so. What
 * few requests need (protocols, providers) is loaded by the first of them, so that no command waits for it.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Idempotency } from './api/idempotency.ts';
import type { Metrics } from './api/metrics.ts';
import { News } from './api/news.ts';
import type { Checks, Part } from './api/readiness.ts';
import { agentRoutes } from './api/routes/agents.ts';
import { cardRoutes } from './api/routes/cards.ts';
import { credentialRoutes } from './api/routes/credentials.ts';
import { deferralRoutes } from './api/routes/deferrals.ts';
import { deviceRoutes } from './api/routes/device.ts';
import { enrolmentRoutes } from './api/routes/enrolment.ts';
import { environmentRoutes } from './api/routes/environments.ts';
import { holdRoutes } from './api/routes/holds.ts';
import { noticeRoutes } from './api/routes/notices.ts';
import { nowRoutes } from './api/routes/now.ts';
import { openapiRoutes } from './api/routes/openapi.ts';
import { peopleRoutes } from './api/routes/people.ts';
import { policyRoutes } from './api/routes/policy.ts';
import { proposalRoutes } from './api/routes/proposals.ts';
import { rebuildRoutes } from './api/routes/rebuilds.ts';
import { recoveryRoutes } from './api/routes/recovery.ts';
import { reportRoutes } from './api/routes/report.ts';
import { restoreRoutes } from './api/routes/restores.ts';
import { selfRoutes } from './api/routes/self.ts';
import { sessionRoutes } from './api/routes/session.ts';
import { signInRoutes } from './api/routes/sign-in.ts';
import { targetRoutes } from './api/routes/targets.ts';
import { trailRoutes } from './api/routes/trail.ts';
import { trailEntryRoutes } from './api/routes/trail-entries.ts';
import { undoRoutes } from './api/routes/undo.ts';
import { Api, type ApiParts } from './api/server.ts';
import { WhoAsks } from './api/who.ts';
import type { Config, Env, TargetConfig } from './config/config.ts';
import { hasRecovery } from './config/recovery-config.ts';
import { resolveSecret, resolveUpstream } from './config/upstream.ts';
import type { TokenVerifier } from './identity/agent-directory.ts';
import { KnownBrowsers } from './identity/known-browsers.ts';
import { createSqlReader } from './languages/sql/reader.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Clock } from './model/clock.ts';
import { DIRECTORY_AGE_MS_MAX } from './model/limits.ts';
import { notLookedAt, type RecoveryOf } from './model/recovery-facts.ts';
import { type Protection, UNPROTECTED } from './model/reversal.ts';
import { CachedJudge } from './policy/cached-judge.ts';
import { loadPolicy, type Policy } from './policy/policy.ts';
import type { Undos } from './protection/undo/undos.ts';
import type { Provider } from './providers/provider.ts';
import type { OrderDesk } from './recovery/order-desk.ts';
import type { Restores } from './recovery/restore/restores.ts';
import type { TargetReport } from './recovery/target-report.ts';
import { recoveryCounter } from './recovery-folder.ts';
import type { Rooms } from './rooms.ts';
import { SqlIdempotencyStore } from './store/idempotency-store.ts';
import { SqlOverview } from './store/overview-store.ts';
import { SqlTrailIndex } from './store/trail-index-store.ts';
import { TrailFollower } from './trail/trail-finder.ts';
import { policySourceOf, targetsOf } from './wiring.ts';

export interface ApiRoomParts {
  readonly rooms: Rooms;
  readonly env: Env;
  readonly clock: Clock;
  readonly agentByHash: (hash: Buffer) => TokenVerifier | null;
  /** Opens what an undo needs, for one request. */
  readonly withUndos: <T>(work: (undos: Undos) => Promise<T>) => Promise<T>;
  /** Null: this is a command, and no gateway. */
  readonly live: Live | null;
  /** False: nobody but us asks, so that the pages are not looked up and laid out, and nothing is counted. */
  readonly hasPages?: false;
  readonly trouble: (error: unknown) => void;
  /** STREAM_BEAT_MS when left out. */
  readonly beatMs?: number;
}

/** What a gateway that runs has in memory. */
export interface Live {
  readonly policy: Policy;
  readonly reader: SqlReader;
  readonly providers: ReadonlyMap<string, Provider>;
  /** As of the last look; null: there is no such target. */
  readonly protectionOf: (target: string) => Protection | null;
  readonly recoveryOf: RecoveryOf;
  /** Null: nobody keeps recovery points in this process. */
  readonly restores: () => Restores | null;
  /** Null, as above. */
  readonly recoveryOrders: () => OrderDesk | null;
  readonly onHold: (handler: (id: string | null) => void) => () => void;
  /** How old the directory of agents in memory is. */
  readonly directoryAgeMs: () => number;
}

export interface ApiRoom {
  readonly api: Api;
  /** For whoever opened our store itself. */
  readonly machineAuthorization: string;
  close(): Promise<void>;
}

export async function openApiRoom(parts: ApiRoomParts): Promise<ApiRoom> {
  const { agentByHash, clock, env, live, rooms, trouble } = parts;
  const { config, database, sessions } = rooms;
  const who = new WhoAsks({ sessions, agentByHash, clock });
  const index = new SqlTrailIndex(database);
  const follower = new TrailFollower(index, trouble);
  const overview = new SqlOverview(database);
  const news = new News({
    head: () => rooms.trailStore.head(),
    kinds: (from, limit) => index.kinds(from, limit),
    holds: live?.onHold ?? null,
    trouble,
  });
  const tools = new Tools(parts);
  const handlers = handlersOf(parts, { follower, index, news, overview, tools });
  const { metrics: metricsConfig } = config;
  const api = await Api.create({
    handlers,
    who,
    browsers: new KnownBrowsers(rooms.seal),
    clock,
    url: new URL(config.dashboard.url),
    dashboardFolder: parts.hasPages === false ? null : builtDashboard(),
    idempotency: new Idempotency(new SqlIdempotencyStore(database), clock),
    metrics: parts.hasPages === false ? null : await metricsOf(parts, { index, overview, tools }),
    metricsToken: () =>
      metricsConfig.token === null ? null : resolveSecret(metricsConfig.token, env),
    checks: checksOf(parts),
    ...(parts.beatMs === undefined ? {} : { beatMs: parts.beatMs }),
    trouble,
  });
  if (live !== null) {
    follower.start();
    // A gateway of weeks would find it replaced by that of another version.
    import('./trying.ts').catch(trouble);
  }
  return {
    api,
    machineAuthorization: who.machineAuthorization,
    close: async () => {
      news.stop();
      await api.close();
      await follower.stop();
      await tools.close();
    },
  };
}

/** Nobody scrapes where no page is. */
async function metricsOf(
  { clock, rooms }: ApiRoomParts,
  { index, overview, tools }: Pick<Inside, 'index' | 'overview' | 'tools'>,
): Promise<Metrics> {
  const { Metrics } = await import('./api/metrics.ts');
  return new Metrics({
    overview: () => overview.look(clock.now()),
    counts: () => index.counts(),
    sessions: () => overview.agentSessions(),
    protections: () =>
      rooms.config.targets.map(({ name }) => {
        const { level, trouble: why } = tools.protectionOf(name) ?? UNPROTECTED;
        return { target: name, level, trouble: why !== null };
      }),
  });
}

interface Inside {
  readonly index: SqlTrailIndex;
  readonly follower: TrailFollower;
  readonly overview: SqlOverview;
  readonly news: News;
  readonly tools: Tools;
}

function handlersOf(parts: ApiRoomParts, inside: Inside): ApiParts['handlers'] {
  const { clock, env, live, rooms, withUndos } = parts;
  const { follower, index, news, overview, tools } = inside;
  const { config, deferrals, note, people, proposals, sessions, ways } = rooms;
  const { trailStore: store, vault } = rooms;
  const { sso } = ways;
  const origin = (): string => ways.site.origin;
  const { environments, providers, targets } = config;
  const declared = targetsOf(config);
  const targetOf = (asked: string) => declared.resolve({ asked, searchPath: [] });
  const freeBytesMin = config.limits.vaultFreeBytesMin;
  const { policy, protectionOf } = tools;
  const holds = holdRoutes({
    holds: rooms.holds,
    people,
    passkeys: ways.passkeys,
    history: rooms.history,
  });
  const waiting = deferralRoutes({ deferrals, proposals, people });
  return {
    ...sessionRoutes({
      sessions,
      note,
      isNew: () => people.isNobodyYet(),
      sso: sso === null ? null : { host: sso.host },
    }),
    ...signInRoutes({ ...ways, note, clock }),
    ...selfRoutes({ ...ways, note, clock }),
    ...noticeRoutes({
      notify: config.notify,
      subscriptions: rooms.pushSubscriptions,
      publicKey: async () => (await rooms.vapidKeys()).publicKey,
      // Web push is not loaded for who never tries it.
      tryPush: async (by, browsers) => {
        const { tryPush } = await import('./approvals/try-push.ts');
        const { pushSubscriptions: subscriptions } = rooms;
        const keys = () => rooms.vapidKeys();
        return await tryPush({ ...by, subscriptions, keys, clock, dashboard: origin() }, browsers);
      },
      clock,
      note,
    }),
    ...deviceRoutes({ ...ways, origin }),
    ...peopleRoutes({ ...ways, note, proposals, clock, origin }),
    ...enrolmentRoutes(people),
    ...environmentRoutes(config),
    ...agentRoutes({
      agents: rooms.agents,
      people,
      credentials: rooms.credentials,
      foreign: () => rooms.proofKeys.rows.foreign(),
      config,
      clock,
    }),
    ...credentialRoutes(rooms.credentials),
    ...trailEntryRoutes(store),
    ...nowRoutes({ overview, follower, clock, policy, targets, protectionOf, news }),
    ...holds,
    ...waiting,
    ...cardRoutes({ ...holds, ...waiting }),
    ...proposalRoutes({ proposals, people, passkeys: ways.passkeys }),
    ...undoRoutes({
      withUndos,
      isDrained: live !== null,
      proposals,
      people,
      vault,
      freeBytesMin,
      targetOf,
    }),
    ...recoveryRoutes({
      environments,
      targets,
      reportOf: reportsFor(config, env),
      orders: live === null ? null : live.recoveryOrders,
      clock,
    }),
    ...restoreRoutes({
      restores: () => live?.restores() ?? null,
      proposals,
      people,
      prove: (signed) => rooms.prove(signed, 'undo.apply'),
      targetOf,
    }),
    ...rebuildRoutes({ rebuilds: rooms.rebuilds, proposals, people, targetOf }),
    ...trailRoutes({ store, index, follower, signer: rooms.signer, clock }),
    ...reportRoutes({ store, signer: rooms.signer, clock }),
    ...targetRoutes({
      environments,
      targets,
      providers,
      upstreamOf: (target) => addressOf(target, env),
      protectionOf,
      walls: rooms.wallStore,
      roles: rooms.agentRoleStore,
      agentNames: () => rooms.agents.names(),
      vault,
      freeBytesMin,
    }),
    ...policyRoutes({
      source: policySourceOf(config),
      policy,
      explain: async (request) => {
        const { tryWith } = await import('./trying.ts');
        return await tryWith({
          judge: tools.judge,
          reader: tools.reader,
          providers: tools.providers,
          targets: declared,
          protectionOf,
          recoveryOf: tools.recoveryOf,
        })(request);
      },
      placeOf: (name) => ({
        target: targetOf(name),
        searchPath: targets.find((one) => one.name === name)?.searchPath ?? ['public'],
        protection: protectionOf(name) ?? UNPROTECTED,
        recovery: tools.recoveryOf(name),
      }),
      index,
      follower,
    }),
    ...openapiRoutes(),
  };
}

/** What a gateway has anyhow, and a command makes when it is first asked for. */
class Tools {
  readonly #parts: ApiRoomParts;
  #policy: Policy | null = null;
  #judge: CachedJudge | null = null;
  #reader: Promise<SqlReader> | null = null;
  #providers: ReadonlyMap<string, Provider> | null = null;

  constructor(parts: ApiRoomParts) {
    this.#parts = parts;
  }

  readonly policy = (): Policy => {
    this.#policy ??=
      this.#parts.live?.policy ?? loadPolicy(policySourceOf(this.#parts.rooms.config));
    return this.#policy;
  };

  readonly judge = (): CachedJudge => {
    this.#judge ??= new CachedJudge(this.policy());
    return this.#judge;
  };

  readonly protectionOf = (target: string): Protection | null =>
    this.#parts.live?.protectionOf(target) ?? null;

  /** Only a gateway that runs knows any. */
  readonly recoveryOf: RecoveryOf = (target) =>
    this.#parts.live?.recoveryOf(target) ??
    notLookedAt(hasRecovery(this.#parts.rooms.config.targets, target));

  readonly reader = async (): Promise<SqlReader> => {
    const { live, rooms } = this.#parts;
    if (live !== null) return live.reader;
    const { sqlReadBytesMax: readBytesMax, sqlReadMsMax: readMsMax } = rooms.config.limits;
    this.#reader ??= createSqlReader({ readBytesMax, readMsMax });
    return await this.#reader;
  };

  readonly providers = async (): Promise<ReadonlyMap<string, Provider>> => {
    const { clock, env, live, rooms } = this.#parts;
    if (live !== null) return live.providers;
    const { config, credentials } = rooms;
    const { providersOf } = await import('./providing.ts');
    this.#providers ??= providersOf(config, {
      env,
      clock,
      sql: { read: async (...text) => (await this.reader()).read(...text) },
      secretOf: (name) => credentials.open(name),
    });
    return this.#providers;
  };

  async close(): Promise<void> {
    await (await this.#reader)?.close();
  }
}

function checksOf({ live, rooms }: ApiRoomParts): Checks {
  const ok: Part = { ok: true, why: '' };
  return {
    store: async () => {
      await rooms.trailStore.head();
      return ok;
    },
    trail: async () => {
      const { available } = (await rooms.trail()).status();
      return available ? ok : { ok: false, why: 'it cannot be written' };
    },
    ...(live === null
      ? {}
      : {
          directory: async () =>
            live.directoryAgeMs() <= DIRECTORY_AGE_MS_MAX
              ? ok
              : { ok: false, why: 'what is known of agents is old' },
        }),
  };
}

/** As whoever keeps recovery on this machine left it; opened when it is first asked for. */
function reportsFor(config: Config, env: Env): (target: string) => TargetReport | null {
  let counter: ReturnType<typeof recoveryCounter> | null = null;
  return (target) => {
    counter ??= recoveryCounter(config, env);
    return counter.report(target);
  };
}

function addressOf(target: TargetConfig, env: Env): string | null {
  try {
    const { host, port } = resolveUpstream(target.upstream, env);
    return `${decodeURIComponent(host)}:${port}`;
  } catch {
    return null;
  }
}

/** Beside our own built files, or where those are when we run from source; null where it was not built. */
function builtDashboard(): string | null {
  const places = ['./dashboard/', '../dist/dashboard/'];
  const folders = places.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  return folders.find((folder) => existsSync(folder)) ?? null;
}
