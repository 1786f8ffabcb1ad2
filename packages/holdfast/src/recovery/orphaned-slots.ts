/**
 * Orphaned replication slots: named as Holdfast names its own, read by nobody, and of no target and vault of
 * this installation. The server keeps WAL for each until its disk is full: of a target that lost its
 * `recovery`, of a vault that was taken out, of an installation that is gone. They are told of and never
 * dropped: another gateway may be about to read one again.
 */
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError, messageOf } from '../model/errors.ts';
import { type AdminConnection, openTargetDatabase } from '../protection/postgres/admin.ts';
import type { TargetDatabase } from '../protection/target-database.ts';
import { HELD_BYTES_SQL } from './engines/pull/slot.ts';

export interface OrphanedSlot {
  readonly name: string;
  /** WAL that the server keeps for it; null: none any more. */
  readonly heldBytes: number | null;
}

const SLOT = z.object({
  /** All that a server lets a name have, so it stands in SQL as it is. */
  name: z.string().regex(/^[a-z0-9_]{1,63}$/),
  held: z.coerce.number(),
  is_lost: z.boolean(),
});
const SHOWN_MAX = 20;
const WAIT_MS_MAX = 5_000;
/** A gateway that starts anew leaves its slot for so long at most. */
const LOOK_MS = 30_000;

/** Those that hold most first. Needs an ordinary login; rejects with what the server said. */
export async function orphanedSlots(
  database: TargetDatabase,
  own: ReadonlySet<string>,
): Promise<readonly OrphanedSlot[]> {
  const rows = await database.query(
    `select slot_name::text as name, ${HELD_BYTES_SQL} as held,
            restart_lsn is null as is_lost
       from pg_replication_slots
      where starts_with(slot_name::text, 'holdfast_') and not active and not temporary
        and slot_name <> all ($1::text[])
      order by restart_lsn nulls last limit ${SHOWN_MAX}`,
    [[...own]],
  );
  return z
    .array(SLOT)
    .parse(rows)
    .map(({ held, is_lost, name }) => ({ name, heldBytes: is_lost ? null : held }));
}

/** What it is, and what it costs: half a sentence on. */
export function orphanWords({ heldBytes, name }: OrphanedSlot): string {
  const kept = heldBytes === null ? 'no WAL any more' : `${mebibytes(heldBytes)} of WAL`;
  return `nobody reads the replication slot ${name}, which is of no target and vault of this installation: the server keeps ${kept} for it`;
}

export function dropSql({ name }: OrphanedSlot): string {
  return `select pg_drop_replication_slot('${name}');`;
}

function mebibytes(bytes: number): string {
  const size = bytes / 1024 ** 2;
  return size < 1 ? 'less than 1 MiB' : `${Math.round(size)} MiB`;
}

interface WatchParts {
  readonly target: string;
  readonly connection: AdminConnection;
  readonly ownSlots: ReadonlySet<string>;
  readonly clock: Clock;
}

/** For reports, again and again: the server is asked every half a minute. */
export class OrphanWatch {
  readonly #parts: WatchParts;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #idle: ReadonlySet<string> = new Set();
  #troubles: readonly string[] = [];

  constructor(parts: WatchParts) {
    this.#parts = parts;
  }

  /** Sentences; `isOnce`: nobody looks again, so what is idle now is told. */
  async troubles(isOnce: boolean): Promise<readonly string[]> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (!isOnce && nowMs - this.#lookedMs < LOOK_MS) return this.#troubles;
    this.#lookedMs = nowMs;
    try {
      const found = await this.#look();
      const told = found.filter(({ name }) => isOnce || this.#idle.has(name));
      this.#idle = new Set(found.map(({ name }) => name));
      this.#troubles = told.map(
        (slot) =>
          `At the server ${orphanWords(slot)}. If no other Holdfast needs it: ${dropSql(slot)}`,
      );
    } catch (error) {
      // That a server is away is told elsewhere.
      this.#troubles =
        error instanceof HoldfastError
          ? []
          : [`Whether slots are left over at the server is not known: ${messageOf(error)}`];
    }
    return this.#troubles;
  }

  async #look(): Promise<readonly OrphanedSlot[]> {
    const { connection, ownSlots, target } = this.#parts;
    const reach = { target, connection, poolSize: 1, waitMsMax: WAIT_MS_MAX };
    const database = openTargetDatabase(reach);
    try {
      return await orphanedSlots(database, ownSlots);
    } finally {
      await database.close().catch(() => {});
    }
  }
}
