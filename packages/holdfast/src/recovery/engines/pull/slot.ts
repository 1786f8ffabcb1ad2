/**
 * The physical replication slot that makes the server keep WAL until it is durable in the vault, over an
 * ordinary connection. It is made once, looked at often, and made anew when the server has given it up:
 * that is said, since WAL is missing then.
 *
 * A slot that nobody reads fills the server's disk unless `max_slot_wal_keep_size` caps it; so the cap is
 * looked at too. It changes no setting of the server.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnOf } from '../../lsn.ts';

export interface SlotLook {
  /** `reserved`, `extended`, `unreserved`, `lost`, as the server says it. */
  readonly status: string;
  readonly restartLsn: bigint | null;
  /** Of a logical slot: what committed before it is not sent again. */
  readonly confirmedLsn: bigint | null;
  readonly activePid: number | null;
  /** WAL that the server keeps for us. */
  readonly laggingBytes: number;
  /** Null: no cap, and a Holdfast that is away long enough fills the disk of the server. */
  readonly capBytes: number | null;
}

/** Of the cap; more is an alarm. */
const LAG_SHARE_MAX = 0.5;
/** Without a cap, so much is an alarm. */
const LAG_BYTES_MAX = 4 * 1024 ** 3;

/** WAL that the server keeps for a row of pg_replication_slots, in bytes. */
export const HELD_BYTES_SQL = `coalesce(pg_wal_lsn_diff(case when pg_is_in_recovery()
    then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, restart_lsn), 0)::text`;

/** Null: there is none of that name. */
export async function lookAtSlot(
  database: TargetDatabase,
  name: string,
  kind: 'physical' | 'logical' = 'physical',
): Promise<SlotLook | null> {
  const [row] = await database.query(
    `select slot_type, wal_status, restart_lsn::text as restart,
            confirmed_flush_lsn::text as confirmed, active_pid::text as pid,
            ${HELD_BYTES_SQL} as lag,
            (select setting from pg_settings where name = 'max_slot_wal_keep_size') as cap
       from pg_replication_slots where slot_name = $1`,
    [name],
  );
  if (row === undefined) return null;
  const text = (key: string): string => String(row[key] ?? '');
  if (text('slot_type') !== kind) {
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `${name} to be a ${kind} replication slot`,
      found: `a ${text('slot_type')} one`,
      hint: 'Give Holdfast a slot of its own.',
    });
  }
  const cap = Number(text('cap'));
  return {
    status: text('wal_status'),
    restartLsn: lsnOf(text('restart')),
    confirmedLsn: lsnOf(text('confirmed')),
    activePid: text('pid') === '' ? null : Number(text('pid')),
    laggingBytes: Number(text('lag')),
    capBytes: cap < 0 ? null : cap * 1024 * 1024,
  };
}

export function isLost(look: SlotLook): boolean {
  return look.status === 'lost' || look.restartLsn === null;
}

export async function dropSlot(database: TargetDatabase, name: string): Promise<void> {
  await database.query('select pg_drop_replication_slot($1)', [name]);
}

/** A connection of ours that we have lost, and the server has not noticed. */
export async function endOwnSender(database: TargetDatabase, pid: number): Promise<void> {
  await database.query(
    `select pg_terminate_backend(pid) from pg_stat_replication
      where pid = $1 and usename = current_user and application_name = 'holdfast'`,
    [pid],
  );
}

/** A sentence; null: nothing is wrong. */
export function slotTrouble(look: SlotLook): string | null {
  if (isLost(look)) {
    return 'The server has given up the replication slot: WAL is missing, a new base backup is needed.';
  }
  if (look.status === 'unreserved') {
    return 'The server is about to give up WAL that is not in the vault: the replication slot is over its cap.';
  }
  const most = look.capBytes === null ? LAG_BYTES_MAX : look.capBytes * LAG_SHARE_MAX;
  if (look.laggingBytes <= most) return null;
  const size = `${Math.round(look.laggingBytes / 1024 ** 2)} MiB`;
  return look.capBytes === null
    ? `The server keeps ${size} of WAL for the vault and max_slot_wal_keep_size sets no cap: its disk may fill.`
    : `The server keeps ${size} of WAL for the vault; over ${Math.round(look.capBytes / 1024 ** 2)} MiB it gives up.`;
}
