/**
 * One moment of a database that several sessions look at: of a slot where changes are decoded, so that its
 * place in the WAL is exact (all that committed before it is seen, nothing after), else of a transaction.
 * It lasts until it is released, and with its connections: nothing of it is left at the server.
 */
import type pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import type { AdminConnection } from '../../../protection/postgres/admin.ts';
import type { Lsn } from '../../recovery-point.ts';
import { openSession } from '../../target-session.ts';

export interface Snapshot {
  /** As `SET TRANSACTION SNAPSHOT` wants it. */
  readonly name: string;
  readonly lsn: Lsn;
  /** The position is exact, so changes can follow. */
  readonly isExact: boolean;
  /** A session that has it. */
  readonly client: pg.Client;
  release(): Promise<void>;
}

/** A slot waits for every transaction that is under way; longer is a failure, and nothing was dumped. */
const SLOT_MS_MAX = 10 * 60_000;

/** Rejects with HF_RECOVERY_SERVER when no exact one is had in time. */
export async function takeSnapshot(
  connection: AdminConnection,
  wantsExact: boolean,
  slot: string,
  signal: AbortSignal,
): Promise<Snapshot> {
  const client = await openSession(connection, 'sql');
  try {
    await client.query('begin transaction isolation level repeatable read read only');
    if (!wantsExact) {
      const { rows } = await client.query<{ name: string; lsn: string }>(
        'select pg_export_snapshot() as name, pg_current_wal_lsn()::text as lsn',
      );
      const [{ lsn = '0/0', name = '' } = {}] = rows;
      return { name, lsn, isExact: false, client, release: () => client.end() };
    }
    const holder = await openSession(connection, 'replication');
    try {
      const { lsn, name } = await bySlot(holder, slot, signal);
      await client.query(`set transaction snapshot ${client.escapeLiteral(name)}`);
      await client.query('select 1');
      const release = async (): Promise<void> => {
        await client.end().catch(() => {});
        await holder.end().catch(() => {});
      };
      return { name, lsn, isExact: true, client, release };
    } catch (error) {
      await holder.end().catch(() => {});
      throw error;
    }
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/** Temporary: it goes with its connection. */
async function bySlot(
  holder: pg.Client,
  slot: string,
  signal: AbortSignal,
): Promise<{ readonly name: string; readonly lsn: Lsn }> {
  let stop: (reason: unknown) => void = () => {};
  const stopped = new Promise<never>((_, fail) => {
    stop = fail;
  });
  const timer = setTimeout(() => stop(tooLong()), SLOT_MS_MAX);
  const aborted = (): void => stop(signal.reason);
  signal.addEventListener('abort', aborted);
  try {
    signal.throwIfAborted();
    const made = holder.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    made.catch(() => {});
    const { rows } = await Promise.race([made, stopped]);
    const { consistent_point: lsn, snapshot_name: name } = rows[0] ?? {};
    if (lsn === undefined || name === undefined) throw new Error('no snapshot was exported');
    return { name, lsn };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', aborted);
  }
}

function tooLong(): HoldfastError {
  return new HoldfastError('HF_RECOVERY_SERVER', {
    expected: `every transaction of the server to end within ${SLOT_MS_MAX / 60_000} minutes`,
    found: 'one that has been open for longer',
    hint: 'A dump that changes can follow begins where none is under way: end it (pg_stat_activity), and take the point again.',
  });
}
