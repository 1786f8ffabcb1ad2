/**
 * Engine "pull": base backups and WAL over PostgreSQL's replication protocol, spoken by Holdfast itself.
 * The server holds no credential of the vault and runs nothing of ours; Holdfast comes and takes.
 *
 * One WAL stream for all backups of a target: it starts with the first that needs it and goes on until
 * `close`, since a base backup is consistent only with the WAL beside it.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { Witness } from '../../drills/witness.ts';
import { lsnOf } from '../../lsn.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import { openSession, withDatabase } from '../../target-session.ts';
import type { Engine, Restored, RestoreGoal, ServerFacts, Tell } from '../engine.ts';
import { changesSlot, dropLeftSlot } from '../left-slot.ts';
import { RECORD_SQL, witnessNow } from '../witness-now.ts';
import { type TakenBackup, takeBaseBackup } from './base-backup.ts';
import { fullPlan, type Plan, planBackup, type SentManifest } from './foundation.ts';
import type { PullOptions } from './pull-options.ts';
import { restorePoint } from './restore.ts';
import { readServerFacts } from './server-facts.ts';
import { PullWalStream } from './wal-stream.ts';

/** Of the WAL up to the witness. */
const WITNESS_MS_MAX = 60_000;

export class PullEngine implements Engine {
  readonly kind = 'pull';
  readonly needsStream = true;
  readonly #options: PullOptions;
  #facts: Promise<ServerFacts> | null = null;
  #stream: PullWalStream | null = null;
  #sent: SentManifest | null = null;

  constructor(options: PullOptions) {
    this.#options = options;
  }

  /** Rejects with HF_RECOVERY_SERVER when it cannot be pulled from. */
  async facts(): Promise<ServerFacts> {
    this.#facts ??= withDatabase(this.#options, readServerFacts);
    try {
      return await this.#facts;
    } catch (error) {
      this.#facts = null;
      throw error;
    }
  }

  async stream(): Promise<PullWalStream> {
    const facts = await this.facts();
    if (this.#stream === null) await this.#dropLeft();
    this.#stream ??= new PullWalStream(this.#options, facts);
    return this.#stream;
  }

  /** `distrusted`: ids of points that nothing may be built on. */
  async backup(
    tell: Tell,
    signal: AbortSignal,
    distrusted: ReadonlySet<string> = new Set(),
  ): Promise<RecoveryPoint> {
    const stream = await this.stream();
    // The slot must keep WAL before the backup begins: nothing is durable before there is one.
    await stream.durableUpTo(0n, signal);
    const facts = await this.facts();
    const take = (plan: Plan): Promise<TakenBackup> =>
      takeBaseBackup(this.#options, facts, plan, stream, tell, signal);
    const plan = await planBackup(this.#options, facts, this.#sent, distrusted);
    const { point, sent } = await take(plan).catch((error: unknown) => {
      if (plan.on === null || !isRefused(error)) throw error;
      // It may not know what changed that long ago; it can still send everything.
      const because = `The server took no increment: ${error.found}`;
      return take(fullPlan(this.#options, because));
    });
    this.#sent = sent;
    stream.baseTaken(lsnOf(point.wal?.startLsn ?? '') ?? 0n);
    return point;
  }

  async witness(_point: RecoveryPoint, signal: AbortSignal): Promise<Witness | null> {
    const witness = await witnessNow(this.#options);
    if (witness === null) return null;
    const end = await this.#mark();
    const waiting = AbortSignal.any([signal, AbortSignal.timeout(WITNESS_MS_MAX)]);
    await (await this.stream()).durableUpTo(end, waiting);
    return witness;
  }

  restore(
    point: RecoveryPoint,
    goal: RestoreGoal,
    folder: string,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Restored> {
    return restorePoint(this.#options, point, goal, folder, tell, signal);
  }

  async close(): Promise<void> {
    await this.#stream?.close();
    this.#stream = null;
  }

  /** Dumps of the same target may have been followed before. */
  async #dropLeft(): Promise<void> {
    const left = changesSlot(this.#options.slot);
    await withDatabase(this.#options, (database) => dropLeftSlot(database, left));
  }

  /** Writes one empty message into the WAL, and says where it is durable at the server. */
  async #mark(): Promise<bigint> {
    const client = await openSession(this.#options.connection, 'sql');
    try {
      await client.query(RECORD_SQL);
      const { rows } = await client.query<{ lsn: string }>(
        'select pg_current_wal_flush_lsn()::text as lsn',
      );
      return lsnOf(rows[0]?.lsn ?? '') ?? 0n;
    } finally {
      await client.end().catch(() => {});
    }
  }
}

function isRefused(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === 'HF_RECOVERY_SERVER';
}
