/**
 * The composition root: builds the gateway out of the rooms, starts and stops it. The order:
 *
 *   policy (an error in it stops here) -> rooms (store, identity, approvals, trail) -> reader
 *     -> directory of agents, kept fresh -> pipeline -> protocol -> listen
 *
 * and back. What it will not do: decide anything, or listen before everything that decides stands (P8).
 */
import { actRunnersOf } from './act-runners.ts';
import { joinUrl } from './api/routes/people.ts';
import { openApiRoom } from './api-room.ts';
import { type ReleaseParts, Releases } from './approvals/release.ts';
import { WaitingDesk } from './approvals/waiting-desk.ts';
import { holdLifeMsOf } from './config/by-environment.ts';
import type { Config, Env } from './config/config.ts';
import { hasRecovery } from './config/recovery-config.ts';
import { resolveSecret } from './config/upstream.ts';
import { executeWith, type LaterTarget, ownerWith, redecideWith } from './deferring.ts';
import { TargetFacts } from './fact-finding.ts';
import { Guarding } from './guarding.ts';
import { LiveDirectory } from './identity/live-directory.ts';
import { OpenCredentials } from './identity/open-credentials.ts';
import { TokenUses } from './identity/token-uses.ts';
import { createSqlReader } from './languages/sql/reader.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Clock } from './model/clock.ts';
import { messageOf } from './model/errors.ts';
import { notLookedAt, type RecoveryFacts, type RecoveryOf } from './model/recovery-facts.ts';
import { UNPROTECTED } from './model/reversal.ts';
import { createNotifier } from './notifying.ts';
import { DeferredRun } from './pipeline/deferred-run.ts';
import { Pipeline } from './pipeline/pipeline.ts';
import { CachedJudge } from './policy/cached-judge.ts';
import { loadPolicy, type Policy } from './policy/policy.ts';
import type { TargetGuard } from './protection/target-guard.ts';
import {
  Authority,
  createHttpProtocol,
  createPostgresProtocol,
  loadCertificate,
  runRequestWith,
} from './protocols/index.ts';
import type { ListenAddress, Protocol } from './protocols/protocol.ts';
import type { Provider } from './providers/provider.ts';
import { providersOf } from './providing.ts';
import { Recovering } from './recovering.ts';
import { keptNowhere, type Restores } from './recovery/restore/restores.ts';
import { Rooms } from './rooms.ts';
import { AGENTS_CHANNEL } from './store/agent-store.ts';
import { CREDENTIALS_CHANNEL } from './store/credential-store.ts';
import { HOLDS_CHANNEL } from './store/hold-store.ts';
import { Notices } from './store/notices.ts';
import { WALLS_CHANNEL } from './store/wall-store.ts';
import { withUndoRoom } from './undo-room.ts';
import {
  agentConnectionOf,
  openTarget,
  policySourceOf,
  postgresTargetsOf,
  targetsOf,
} from './wiring.ts';

export { loadConfig } from './config/load-config.ts';
export { systemClock } from './model/clock.ts';
export { HoldfastError } from './model/errors.ts';
export {
  formatMark,
  isSame,
  markOf,
  type ProcessMark,
  parseMark,
} from './programs/process-mark.ts';
export { Rooms } from './rooms.ts';
export { EmbeddedPostgres } from './store/embedded-postgres.ts';
export { verifyStore } from './trail/audit.ts';

export interface HoldfastOptions {
  readonly config: Config;
  readonly env: Env;
  readonly clock: Clock;
  /** For the operator's log; never an audit source. */
  readonly say: (level: 'info' | 'warn', message: string) => void;
}

export interface Holdfast {
  readonly rooms: Rooms;
  /** Resolves when agents can connect. */
  start(): Promise<ListenAddress>;
  /** Where providers are reached, once started; null: none is declared. */
  readonly httpAddress: ListenAddress | null;
  /** Where people look and decide, once started; null: it is off. */
  readonly dashboardUrl: string | null;
  /**
   * Where the first owner enrols, once started: for the operator's terminal and for nothing that is kept.
   * Null: somebody can sign in already.
   */
  readonly firstOwnerUrl: string | null;
  /** How well a target could be brought back, as rules may ask it; see `Recovering.factsOf`. */
  factsOf(target: string): RecoveryFacts;
  /** Ends sessions, writes the last entries, stops what was started. Idempotent. */
  stop(): Promise<void>;
}

/** How often holds that ran out are written down; their deadline counts at once all the same. */
const SWEEP_MS = 5_000;

/** Opens the rooms; rejects, with everything closed again, when something cannot enforce. */
export async function createHoldfast(options: HoldfastOptions): Promise<Holdfast> {
  const policy = loadPolicy(policySourceOf(options.config));
  for (const { where, found, hint } of policy.warnings) {
    options.say('warn', `policy ${where}: ${found}. ${hint}`);
  }
  const { clock, config, env } = options;
  // Acts are carried out long after the rooms are open.
  const late: { restores: () => Restores | null } = { restores: () => null };
  const rooms = await Rooms.open({
    ...options,
    runners: (opened) =>
      actRunnersOf(config, env, clock, opened, async (work) => {
        const restores = late.restores();
        if (restores === null) throw keptNowhere();
        return work(restores);
      }),
  });
  const gateway = new Gateway(options, rooms, policy);
  late.restores = () => gateway.restores();
  return gateway;
}

class Gateway implements Holdfast {
  readonly rooms: Rooms;
  readonly #options: HoldfastOptions;
  readonly #policy: Policy;
  /** Undone in reverse by `stop`. */
  readonly #undo: (() => unknown)[] = [];
  /** Of each target, whether it is protected or not. */
  #guards: ReadonlyMap<string, TargetGuard> = new Map();
  #providers: ReadonlyMap<string, Provider> = new Map();
  /** Null: no target has `recovery`. */
  #recovering: Recovering | null = null;
  readonly #recoveryOf: RecoveryOf = (target) =>
    this.#recovering?.factsOf(target) ??
    notLookedAt(hasRecovery(this.#options.config.targets, target));
  #stopped: Promise<void> | null = null;
  httpAddress: ListenAddress | null = null;
  dashboardUrl: string | null = null;
  firstOwnerUrl: string | null = null;

  constructor(options: HoldfastOptions, rooms: Rooms, policy: Policy) {
    this.rooms = rooms;
    this.#options = options;
    this.#policy = policy;
    this.#undo.push(() => rooms.close());
  }

  async start(): Promise<ListenAddress> {
    const { config } = this.#options;
    const trail = await this.rooms.trail('journaled');
    const { version, rules } = this.#policy;
    trail.note({
      kind: 'policy-loaded',
      facts: { version, rules: rules.length },
      message: `Policy ${version} with ${rules.length} rules is in force.`,
    });
    const reader = await createSqlReader({
      readBytesMax: config.limits.sqlReadBytesMax,
      readMsMax: config.limits.sqlReadMsMax,
    });
    this.#undo.push(() => reader.close());
    const { clock, env, say } = this.#options;
    const notices = new Notices(this.rooms.database);
    await notices.start();
    this.#undo.push(() => notices.close());
    const secretOf = this.#secrets(notices);
    this.#providers = providersOf(config, { env, clock, sql: reader, secretOf });
    const directory = await this.#directory(notices);
    const guarding = await Guarding.start({ rooms: this.rooms, env, clock, say });
    this.#undo.push(() => guarding.stop());
    const leave = notices.on(WALLS_CHANNEL, (target) => {
      // A notice that was lost is made up for by the next look of its own.
      if (target !== null) guarding.lookAt(target);
    });
    this.#undo.push(leave);
    this.#guards = guarding.guards();
    const recovering = Recovering.start({ rooms: this.rooms, env, clock, say });
    this.#recovering = recovering;
    this.#undo.push(() => recovering?.stop());
    const uses = this.#tokenUses();
    const release = this.#release(directory);
    const pipeline = await this.#pipeline(notices, directory, release);
    const protocol = await this.#protocol(directory, pipeline, reader, uses);
    this.#undo.push(() => protocol.close());
    guarding.onLook(() => protocol.lookAgain());
    directory.onEnded(({ tokenId, reason }) => protocol.endSessions({ tokenId, reason }));
    const address = await protocol.listen();
    this.httpAddress = await this.#listenHttp(directory, pipeline, uses);
    await this.#listenDashboard(directory, notices, reader);
    this.#sweep();
    await this.#runDeferred(reader, directory, release);
    this.#notify(notices);
    return address;
  }

  restores(): Restores | null {
    return this.#recovering?.restores() ?? null;
  }

  factsOf(target: string): RecoveryFacts {
    return this.#recoveryOf(target);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        this.#options.say('warn', messageOf(error));
      }
    }
  }

  /** What cards say of the targets. */
  #facts(): TargetFacts {
    const { clock, config, env } = this.#options;
    const facts = new TargetFacts({
      config,
      env,
      clock,
      guards: this.#guards,
      providers: this.#providers,
    });
    this.#undo.push(() => facts.close());
    return facts;
  }

  /** Of the sealed credentials, for the way to a provider. */
  #secrets(notices: Notices): (name: string) => Promise<string> {
    const { clock } = this.#options;
    const { credentials } = this.rooms;
    const opened = new OpenCredentials({ clock, open: (name) => credentials.open(name) });
    this.#undo.push(notices.on(CREDENTIALS_CHANNEL, () => opened.forget()));
    this.#undo.push(credentials.onChange(() => opened.forget()));
    return (name) => opened.secret(name);
  }

  async #directory(notices: Notices): Promise<LiveDirectory> {
    const { clock, say } = this.#options;
    const directory = await LiveDirectory.start({
      store: this.rooms.agentStore,
      clock,
      trouble: (error) => say('warn', messageOf(error)),
    });
    const leave = notices.on(AGENTS_CHANNEL, () => void directory.look());
    this.#undo.push(leave);
    return directory;
  }

  /** Written for the last time when the protocols have closed. */
  #tokenUses(): TokenUses {
    const { clock, say } = this.#options;
    const uses = new TokenUses({
      store: this.rooms.agentStore,
      clock,
      trouble: (error) => say('warn', messageOf(error)),
    });
    uses.start();
    this.#undo.push(() => uses.stop());
    return uses;
  }

  /** What everybody asks who wants to know whether what was signed is still so. */
  #release(directory: LiveDirectory): ReleaseParts {
    return {
      store: this.rooms.holdStore,
      facts: this.#facts(),
      ownerOf: (agentId) => directory.ownerOf(agentId),
    };
  }

  async #pipeline(
    notices: Notices,
    directory: LiveDirectory,
    release: ReleaseParts,
  ): Promise<Pipeline> {
    const { clock, config } = this.#options;
    const { holdStore, note } = this.rooms;
    return new Pipeline({
      targets: targetsOf(config),
      judge: new CachedJudge(this.#policy),
      allowances: directory,
      recoveryOf: this.#recoveryOf,
      desk: new WaitingDesk({
        ...release,
        store: holdStore,
        news: { on: (handler) => notices.on(HOLDS_CHANNEL, handler) },
        clock,
        note,
        policyVersion: () => this.#policy.version,
        holdLifeMsOf: holdLifeMsOf(config),
      }),
      deferrals: this.rooms.deferrals,
      recorder: await this.rooms.trail(),
      holdWaitMs: config.approvals.holdWaitMs,
    });
  }

  async #protocol(
    directory: LiveDirectory,
    pipeline: Pipeline,
    reader: SqlReader,
    uses: TokenUses,
  ): Promise<Protocol> {
    const { clock, config, env } = this.#options;
    const { auth, host, port, tls } = config.listen;
    const own = tls.kind === 'files' ? { certificateFile: tls.cert, keyFile: tls.key } : null;
    const certificate =
      tls.kind === 'off'
        ? null
        : await loadCertificate({ folder: this.rooms.keyFolder, own, hosts: [host], clock });
    return createPostgresProtocol({
      listen: { host, port },
      door: {
        tls: certificate?.secureContext ?? null,
        auth,
        plaintext: tls.kind === 'off' ? 'anywhere' : 'loopback',
      },
      directory,
      targets: postgresTargetsOf(config, env, targetsOf(config), this.#guards),
      pipeline,
      reader,
      clock,
      unitBytesMax: config.limits.unitBytesMax,
      uses,
    });
  }

  /** Null: no provider is declared. */
  async #listenHttp(
    directory: LiveDirectory,
    pipeline: Pipeline,
    uses: TokenUses,
  ): Promise<ListenAddress | null> {
    const { clock, config } = this.#options;
    if (config.providers.length === 0) return null;
    const http = createHttpProtocol({
      listen: config.http,
      authority: await Authority.load(this.rooms.keyFolder, clock),
      allowed: config.http.allow,
      directory,
      providers: this.#providers,
      pipeline,
      clock,
      keeper: this.rooms.inverses,
      uses,
    });
    this.#undo.push(() => http.close());
    directory.onEnded(({ tokenId, reason }) => http.endSessions({ tokenId, reason }));
    return await http.listen();
  }

  async #listenDashboard(
    directory: LiveDirectory,
    notices: Notices,
    reader: SqlReader,
  ): Promise<void> {
    const { clock, config, env, say } = this.#options;
    const { listen, url } = config.dashboard;
    if (listen === null) return;
    // One that is named and not there stops here, not at the first scrape.
    if (config.metrics.token !== null) resolveSecret(config.metrics.token, env);
    const room = await openApiRoom({
      rooms: this.rooms,
      env,
      clock,
      withUndos: (work) => withUndoRoom(this.rooms, env, clock, work),
      live: {
        policy: this.#policy,
        reader,
        providers: this.#providers,
        protectionOf: (target) => this.#guards.get(target)?.protection ?? null,
        recoveryOf: this.#recoveryOf,
        restores: () => this.restores(),
        recoveryOrders: () => this.#recovering?.orders() ?? null,
        onHold: (handler) => notices.on(HOLDS_CHANNEL, handler),
        directoryAgeMs: () => directory.ageMs(),
      },
      agentByHash: (hash) => directory.byHash(hash),
      trouble: (error) => say('warn', messageOf(error)),
    });
    this.#undo.push(() => room.close());
    const address = await room.api.listen(listen);
    // On a free port the address is known only now.
    this.dashboardUrl = listen.port === 0 ? `http://localhost:${address.port}` : url;
    const { invites, site } = this.rooms.ways;
    site.isAt(this.dashboardUrl);
    const invitation = await invites.makeFirst();
    if (invitation !== null) this.firstOwnerUrl = joinUrl(site.origin, invitation);
  }

  #sweep(): void {
    const { say } = this.#options;
    const timer = setInterval(() => {
      // A store that is away is swept at the next turn: what ran out counts as such meanwhile.
      this.rooms.holds.sweep().catch(() => {});
      this.rooms.proposals.sweep().catch(() => {});
      this.rooms.ways.intents.settle().catch((error: unknown) => {
        say('warn', `Entries that wait could not be looked at: ${messageOf(error)}`);
      });
    }, SWEEP_MS);
    this.#undo.push(() => clearInterval(timer));
  }

  /** Watched time goes on from here, and what is due by it is run. */
  async #runDeferred(
    reader: SqlReader,
    directory: LiveDirectory,
    release: ReleaseParts,
  ): Promise<void> {
    const { clock, config, say } = this.#options;
    const { deferralStore, watchedClock } = this.rooms;
    watchedClock.start();
    this.#undo.push(() => watchedClock.stop());
    const trail = await this.rooms.trail();
    const trouble = (error: unknown): void => say('warn', messageOf(error));
    const targetOf = (target: string): LaterTarget | null => this.#laterTargetOf(target);
    const run = new DeferredRun({
      store: deferralStore,
      graceClock: watchedClock,
      clock,
      recorder: trail,
      instanceId: trail.instanceId,
      redecide: redecideWith({
        reader,
        judge: new CachedJudge(this.#policy),
        targets: targetsOf(config),
        providers: this.#providers,
        protectionOf: (target) => this.#guards.get(target)?.protection ?? UNPROTECTED,
        recoveryOf: this.#recoveryOf,
        agents: directory,
        ownerOf: ownerWith(targetOf),
      }),
      releases: new Releases(release),
      execute: executeWith({ targetOf, run: runRequestWith(this.#providers), clock, trouble }),
      trouble,
    });
    run.start();
    this.#undo.push(() => run.close());
  }

  /** Last, and first to stop: what happens while we stop is told by whoever comes next. */
  #notify(notices: Notices): void {
    const { clock, env, say } = this.#options;
    const notifier = createNotifier({
      rooms: this.rooms,
      env,
      clock,
      news: { on: (handler) => notices.on(HOLDS_CHANNEL, handler) },
      dashboard: this.rooms.config.dashboard.url,
      trouble: (error) => say('warn', messageOf(error)),
    });
    notifier?.start();
    this.#undo.push(() => notifier?.stop());
  }

  #laterTargetOf(name: string): LaterTarget | null {
    const { config, env } = this.#options;
    const target = config.targets.find((one) => one.name === name);
    if (target === undefined) return null;
    return {
      open: () => openTarget(target, env),
      loginOf: (role) => agentConnectionOf(target, env, role),
      owner: target.protection.owner,
    };
  }
}
