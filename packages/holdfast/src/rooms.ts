/**
 * The rooms that keep state, opened: what a short command needs, and what the gateway stands on. In
 * this order: the store (an embedded server that runs already is used, else started), migrations,
 * then identity, approvals and the trail on top of it. `close` goes the other way round.
 *
 * The trail's recorder is opened when something is first to be recorded: a command that only reads
 * leaves no entry.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { breakGlassRunner } from './approvals/break-glass.ts';
import { hastenRunner } from './approvals/hasten.ts';
import { History } from './approvals/history.ts';
import type { HoldCard } from './approvals/hold.ts';
import { Holds } from './approvals/holds.ts';
import { KeptDeferrals } from './approvals/kept-deferrals.ts';
import { type ActRunners, Proposals } from './approvals/proposals.ts';
import { PushSubscriptions, type PushSubscriptionsParts } from './approvals/push-subscriptions.ts';
import { graceMsOf, holdLifeMsOf, peopleOf } from './config/by-environment.ts';
import { secretNamesIn } from './config/check-config.ts';
import type { Config, Env } from './config/config.ts';
import { resolveSecret } from './config/upstream.ts';
import { Agents } from './identity/agents.ts';
import { Credentials } from './identity/credentials.ts';
import type { People } from './identity/people.ts';
import type { ProofKeys } from './identity/proof-keys.ts';
import { loadPushKeys, type PushKeyPair } from './identity/push-keys.ts';
import type { Permission } from './identity/roles.ts';
import { RowKeys } from './identity/row-keys.ts';
import { loadSealKey, readSealKey, Seal } from './identity/seal.ts';
import { sealKeyFromProgram } from './identity/seal-program.ts';
import type { Sessions } from './identity/sessions.ts';
import { Totp } from './identity/totp.ts';
import type { Clock } from './model/clock.ts';
import type { HoldfastError } from './model/errors.ts';
import type { HoldfastEvent } from './model/event.ts';
import { newId } from './model/ids.ts';
import type { ForeignRow } from './model/row-macs.ts';
import type { Signed, Spoken } from './model/signed.ts';
import { cut, storable } from './model/text.ts';
import { openPeopleRoom, type PeopleRoom } from './people-room.ts';
import { SealedInverses } from './protection/sealed-inverses.ts';
import { purgeRunner } from './protection/undo/purge.ts';
import { WatchedClock } from './protection/watched-clock.ts';
import { Rebuilds } from './recovery/rebuild/rebuilds.ts';
import { SqlAgentRoleStore } from './store/agent-role-store.ts';
import { SqlAgentStore } from './store/agent-store.ts';
import { SqlCredentialStore } from './store/credential-store.ts';
import { type Database, openDatabase, type StoreConnection } from './store/database.ts';
import { SqlDeferralStore } from './store/deferral-store.ts';
import { EmbeddedPostgres } from './store/embedded-postgres.ts';
import { FileJournal } from './store/file-journal.ts';
import { SqlHistoryStore } from './store/history-store.ts';
import { HOLD_ROWS } from './store/hold-rows.ts';
import { SqlHoldStore } from './store/hold-store.ts';
import { PgInstanceBook } from './store/instances.ts';
import { addIntent } from './store/intent-store.ts';
import { SqlInverseStore } from './store/inverse-store.ts';
import { SqlLedgerStore } from './store/ledger-store.ts';
import { migrate } from './store/migrate.ts';
import { MIGRATIONS } from './store/migrations/index.ts';
import { SqlNoticeStore } from './store/notice-store.ts';
import type { JudgeCode } from './store/people-store.ts';
import type { PersonChecks } from './store/person-proof.ts';
import { SqlProposalStore } from './store/proposal-store.ts';
import { SqlPushStore } from './store/push-store.ts';
import { SqlRebuildStore } from './store/rebuild-store.ts';
import { proveSigned } from './store/signed-proof.ts';
import { type Stamped, stampRows } from './store/stamp-rows.ts';
import { PgTrailStore } from './store/trail-store.ts';
import { SqlUndoStore } from './store/undo-store.ts';
import { VaultLook } from './store/vault-look.ts';
import { SqlWallStore } from './store/wall-store.ts';
import { type Signer, signerFromFile } from './trail/signer.ts';
import { TrailLog } from './trail/trail-log.ts';

export interface RoomsOptions {
  readonly config: Config;
  readonly env: Env;
  readonly clock: Clock;
  /** For the operator's log. */
  readonly say: (level: 'info' | 'warn', message: string) => void;
  /** Where browsers may have us push to; `public` when left out, `loopback` for tests. */
  readonly pushTo?: PushSubscriptionsParts['allow'];
  /** Who carries out what people signed, beyond our own store; none when left out. */
  readonly runners?: (rooms: Pick<Rooms, 'wallStore' | 'rebuilds'>) => ActRunners;
}

/** Where the keys lie that must never be in the database: seal.key, trail.key, our certificate. */
export const KEY_FOLDER_ENV = 'HOLDFAST_KEY_FOLDER';

const REBUILDS_PURPOSE = 'rebuilds';

export class Rooms {
  readonly config: Config;
  readonly database: Database;
  readonly credentials: Credentials;
  readonly agentStore: SqlAgentStore;
  readonly agents: Agents;
  readonly people: People;
  readonly sessions: Sessions;
  /** How people sign in, join and keep what they sign in with. */
  readonly ways: PeopleRoom;
  readonly holdStore: SqlHoldStore<HoldCard>;
  readonly holds: Holds;
  /** What cards say of the past. */
  readonly history: History;
  /** Started by the gateway; a short command reads it only. */
  readonly watchedClock: WatchedClock;
  readonly deferralStore: SqlDeferralStore;
  readonly deferrals: KeptDeferrals;
  readonly proposals: Proposals;
  readonly proposalStore: SqlProposalStore;
  readonly noticeStore: SqlNoticeStore;
  /** Browsers that people are pushed to. */
  readonly pushSubscriptions: PushSubscriptions;
  readonly undoStore: SqlUndoStore;
  /** Gap rebuilds between their steps. */
  readonly rebuilds: Rebuilds;
  readonly vault: VaultLook;
  /** What takes changes at providers back. */
  readonly inverses: SealedInverses;
  readonly agentRoleStore: SqlAgentRoleStore;
  readonly wallStore: SqlWallStore;
  readonly seal: Seal;
  /** With which people's words are proven. */
  readonly checks: PersonChecks;
  /** With which signatures and passkeys are proven. */
  readonly proofKeys: ProofKeys;
  readonly trailStore: PgTrailStore;
  readonly signer: Signer;
  readonly keyFolder: string;
  readonly note: (event: HoldfastEvent) => Promise<void>;
  readonly #options: RoomsOptions;
  readonly #close: () => Promise<void>;
  /** Of rows that are not ours; on their way into the trail. */
  readonly #noting = new Set<Promise<void>>();
  #trail: Promise<TrailLog> | null = null;
  #vapidKeys: Promise<PushKeyPair> | null = null;

  private constructor(
    options: RoomsOptions,
    ground: Ground,
    keys: {
      readonly seal: Seal;
      readonly totp: Totp;
      readonly signer: Signer;
      readonly folder: string;
    },
  ) {
    const { clock, config } = options;
    const { database } = ground;
    this.#options = options;
    this.#close = ground.close;
    this.config = config;
    this.database = database;
    this.trailStore = ground.trailStore;
    this.signer = keys.signer;
    this.keyFolder = keys.folder;
    this.note = async (event) => (await this.trail()).note(event);
    const { note } = this;
    const record = (event: HoldfastEvent): Promise<void> => this.record(event);
    const { totp } = keys;
    this.credentials = new Credentials({
      store: new SqlCredentialStore(database),
      seal: keys.seal,
      clock,
      note,
      rotation: config.credentials,
    });
    this.ways = openPeopleRoom({ ...options, database, seal: keys.seal, totp, note, record });
    const { people, sessions } = this.ways;
    this.people = people;
    this.sessions = sessions;
    const judgeCode: JudgeCode = (state, code) => totp.judge(state, code, 'daily');
    this.proofKeys = this.ways.site.proofKeys;
    const { rows } = this.proofKeys;
    rows.onForeign((row) => {
      const event = foreignEvent(row);
      options.say('warn', event.message);
      const noted = this.note(event)
        .catch((error: unknown) => options.say('warn', String(error)))
        .finally(() => this.#noting.delete(noted));
      this.#noting.add(noted);
    });
    this.agentStore = new SqlAgentStore(database, rows);
    this.agents = new Agents({
      store: this.agentStore,
      clock,
      note,
      recorded: this.ways.intents,
    });
    const checks: PersonChecks = { judgeCode, prover: this.proofKeys };
    this.checks = checks;
    this.undoStore = new SqlUndoStore(database, clock);
    this.rebuilds = new Rebuilds({
      journal: new SqlRebuildStore(database, checks, keys.seal.derive(REBUILDS_PURPOSE)),
      clock,
      note,
    });
    this.vault = new VaultLook(database, config.store.kind === 'embedded');
    this.inverses = new SealedInverses({
      store: new SqlInverseStore(database),
      seal: keys.seal,
      clock,
      graceMsOf: graceMsOf(config),
      requireRoom: () => this.vault.requireRoom(config.limits.vaultFreeBytesMin),
    });
    this.agentRoleStore = new SqlAgentRoleStore(database);
    this.wallStore = new SqlWallStore(database);
    this.seal = keys.seal;
    this.holdStore = new SqlHoldStore(database, checks, HOLD_ROWS);
    this.history = new History(new SqlHistoryStore(database, this.proofKeys), clock);
    const store = this.holdStore;
    this.holds = new Holds({ store, clock, note, holdLifeMsOf: holdLifeMsOf(config) });
    this.watchedClock = new WatchedClock({ ledger: new SqlLedgerStore(database), clock });
    const graceClock = this.watchedClock;
    this.deferralStore = new SqlDeferralStore(database, checks);
    this.deferrals = new KeptDeferrals({
      store: this.deferralStore,
      graceClock,
      clock,
      note,
      graceMsOf: graceMsOf(config),
    });
    this.noticeStore = new SqlNoticeStore(database);
    this.pushSubscriptions = new PushSubscriptions({
      store: new SqlPushStore(database, rows),
      clock,
      allow: options.pushTo ?? 'public',
    });
    this.proposalStore = new SqlProposalStore(database, checks);
    this.proposals = new Proposals({
      store: this.proposalStore,
      clock,
      note,
      record: (event) => this.record(event),
      signers: () => this.#signers(),
      peopleOf: peopleOf(config),
      runners: {
        ...options.runners?.(this),
        hasten: hastenRunner(this.deferralStore, graceClock),
        purge: purgeRunner(this.undoStore),
        'break-glass': breakGlassRunner({
          raise: (personId, until) => this.people.raise(personId, until),
          record: (event) => this.record(event),
          clock,
        }),
      },
    });
  }

  static async open(options: RoomsOptions): Promise<Rooms> {
    const { clock, config, env } = options;
    const folder = keyFolderOf(config, env);
    if (config.store.kind === 'embedded') {
      // Others may enter, so that the server's own user can reach its data; each thing inside is shut.
      mkdirSync(config.store.dataFolder, { recursive: true, mode: 0o711 });
    }
    const seal = new Seal(await sealKeyOf(options, folder), clock);
    const totp = new Totp(seal, clock);
    const ground = await openGround(options, new RowKeys(seal));
    try {
      const signer = await signerFromFile(join(folder, 'trail.key'), config.trail.origin, clock);
      const rooms = new Rooms(options, ground, { seal, totp, signer, folder });
      const { stamped } = ground;
      if (stamped !== null) await rooms.ways.intents.told(stamped.intent, [stamped.event]);
      return rooms;
    } catch (error) {
      await ground.close();
      throw error;
    }
  }

  /**
   * Opened at the first call, for as long as the rooms are open. `journaled`: for the gateway, which
   * records much; a short command appends to the store itself.
   */
  trail(how: 'journaled' | 'direct' = 'direct'): Promise<TrailLog> {
    const { clock, config, say } = this.#options;
    const instanceId = newId('instance', clock);
    const { kind } = config.store;
    this.#trail ??= TrailLog.start({
      journal:
        how === 'journaled' && kind === 'embedded'
          ? FileJournal.open(join(config.store.dataFolder, 'journal'), instanceId)
          : null,
      store: this.trailStore,
      instances: new PgInstanceBook(this.database),
      signer: this.signer,
      clock,
      instanceId,
      readsWhenUnavailable: config.trail.readsWhenUnavailable,
      onFault: (error: HoldfastError) => say('warn', error.message),
    });
    return this.#trail;
  }

  /** What web push is signed with; made at the first call. HF_SEAL. */
  vapidKeys(): Promise<PushKeyPair> {
    this.#vapidKeys ??= loadPushKeys(this.agentStore, this.seal).catch((error: unknown) => {
      this.#vapidKeys = null;
      throw error;
    });
    return this.#vapidKeys;
  }

  async #signers(): Promise<readonly string[]> {
    const people = await this.people.list();
    return people.filter(({ confirmedAt }) => confirmedAt !== null).map(({ name }) => name);
  }

  /** Of one person, for what one may do alone; rejects as `proveSigned`. */
  prove(signed: Signed, permission: Permission): Promise<Spoken> {
    const now = this.#options.clock.now();
    return proveSigned(this.database, signed, { permission, now }, this.checks);
  }

  /** For what must not be done unless it is written down first. */
  async record(event: HoldfastEvent): Promise<void> {
    await (await this.trail()).record(event);
  }

  /** The last entries are written and signed, then the store is left. */
  async close(): Promise<void> {
    try {
      await Promise.all(this.#noting);
      const trail = await this.#trail?.catch(() => null);
      await trail?.stop();
    } finally {
      await this.#close();
    }
  }
}

interface Ground {
  readonly database: Database;
  readonly trailStore: PgTrailStore;
  readonly close: () => Promise<void>;
  /** That rows got their MAC now, kept with them until it is in the trail; null: none did. */
  readonly stamped: { readonly intent: string; readonly event: HoldfastEvent } | null;
}

async function openGround(options: RoomsOptions, rows: RowKeys): Promise<Ground> {
  const { clock, config, env, say } = options;
  const steps: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const step of steps.splice(0).reverse()) await step();
  };
  try {
    let connection: StoreConnection;
    if (config.store.kind === 'url') {
      connection = { url: resolveSecret(config.store.url, env) };
    } else {
      const server = await EmbeddedPostgres.start({
        folder: join(config.store.dataFolder, 'store'),
        clock,
        progress: (step) => say('info', step),
        trouble: (message) => say('warn', message),
      });
      steps.push(() => server.stop());
      connection = server.connection;
    }
    const database = await openDatabase({ connection });
    steps.push(() => database.close());
    let stamped: Ground['stamped'] = null;
    await migrate(database, MIGRATIONS, clock, async (trx, taken) => {
      const counts = await stampRows(trx, taken, rows);
      if (!hasAny(counts)) return;
      // In the transaction of the stamping: whoever stops us now does not keep it out of the trail.
      stamped = { intent: newId('intent', clock), event: stampedEvent(counts) };
      await addIntent(trx, rows, stamped.intent, stamped.event, clock.now());
    });
    const trailStore = await PgTrailStore.open({ database, requireDurable: true });
    steps.push(() => trailStore.close());
    return { database, trailStore, close, stamped };
  } catch (error) {
    await close();
    throw error;
  }
}

function hasAny(stamped: Stamped | null): stamped is Stamped {
  return stamped !== null && stamped.people + stamped.agents + stamped.tokens > 0;
}

/** What was there when rows got their MACs, once: a second such entry is somebody's doing. */
function stampedEvent({ agents, people, tokens }: Stamped): HoldfastEvent {
  return {
    kind: 'rows-stamped',
    facts: { people, agents, tokens },
    message: `Rows of before got their MACs: ${people} people, ${agents} agents, ${tokens} tokens.`,
  };
}

function foreignEvent({ id, kind }: ForeignRow): HoldfastEvent {
  const shown = storable(cut(id, 100));
  return {
    kind: 'row-foreign',
    facts: { row: kind, id: shown },
    message: `The row of ${kind} ${shown} in our own tables was not written by Holdfast, and counts as not there.`,
  };
}

/** The one way to it, for the gateway and for every command. Rejects with HF_SEAL. */
async function sealKeyOf({ clock, config, env }: RoomsOptions, keyFolder: string): Promise<Buffer> {
  const { key } = config.seal;
  switch (key.kind) {
    case 'kept':
      return loadSealKey(join(keyFolder, 'seal.key'), clock);
    case 'file':
      return readSealKey(key.path);
    case 'command': {
      const ours = secretNamesIn(config);
      const theirs = Object.entries(env).filter(([name]) => !ours.has(name));
      return await sealKeyFromProgram({ ...key, env: Object.fromEntries(theirs) });
    }
    default:
      return key satisfies never;
  }
}

export function keyFolderOf(config: Config, env: Env): string {
  const given = env[KEY_FOLDER_ENV];
  if (given) return resolve(given);
  if (config.store.kind === 'embedded') return join(config.store.dataFolder, 'keys');
  return resolve(dirname(config.path ?? '.'), '.holdfast', 'keys');
}
