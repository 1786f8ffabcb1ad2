/**
 * Engine "dump": for servers that do not let a base backup be pulled. Dumps by pg_dump over an ordinary
 * login, and, where the server decodes changes for that login, what commits between two dumps.
 *
 * What it cannot have is said (`lacks`), not hidden: without decoded changes a point holds its own moment
 * only, and what is lost counts from the newest dump.
 */

import pg from 'pg';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import type { Witness } from '../../drills/witness.ts';
import { lsnOf } from '../../lsn.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import { withDatabase } from '../../target-session.ts';
import type { Engine, Restored, RestoreGoal, Tell } from '../engine.ts';
import { changesSlot, dropLeftSlot } from '../left-slot.ts';
import { openReplication } from '../pull/replication-connection.ts';
import { ChangeStream } from './change-stream.ts';
import { takeDump } from './dump-backup.ts';
import type { DumpOptions, DumpServer } from './dump-options.ts';
import { restoreDump } from './dump-restore.ts';
import { readDumpServer } from './server-facts.ts';
import { publish, readStructure } from './structure.ts';

export class DumpEngine implements Engine {
  readonly kind = 'dump';
  readonly needsStream = false;
  readonly #options: DumpOptions;
  /** Of the engine that may have taken the points before. */
  readonly #walSlot: string;
  #facts: Promise<DumpServer> | null = null;
  #opening: Promise<ChangeStream | null> | null = null;
  #noChanges: string | null = null;
  #leftSlots: readonly string[] = [];
  #witness: { readonly point: string; readonly witness: Witness } | null = null;

  constructor(options: DumpOptions) {
    this.#walSlot = options.slot;
    this.#options = { ...options, slot: changesSlot(options.slot) };
  }

  async facts(): Promise<DumpServer> {
    this.#facts ??= withDatabase(this.#options, readDumpServer);
    try {
      return await this.#facts;
    } catch (error) {
      this.#facts = null;
      throw error;
    }
  }

  async stream(): Promise<ChangeStream | null> {
    this.#opening ??= this.#open();
    try {
      return await this.#opening;
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  async backup(tell: Tell, signal: AbortSignal): Promise<RecoveryPoint> {
    const server = await this.facts();
    const stream = await this.stream();
    if (stream !== null) {
      // What commits after the snapshot must be kept: so the slot is there before it.
      await stream.ready(signal);
      await stream.publishAll();
    }
    const { point, witness } = await takeDump(this.#options, server, stream, tell, signal);
    this.#witness = witness === null ? null : { point: point.id, witness };
    stream?.dumpTaken(lsnOf(point.wal?.startLsn ?? '') ?? 0n, point.dump?.structure ?? '');
    return point;
  }

  async witness(point: RecoveryPoint): Promise<Witness | null> {
    return this.#witness?.point === point.id ? this.#witness.witness : null;
  }

  restore(
    point: RecoveryPoint,
    goal: RestoreGoal,
    folder: string,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Restored> {
    return restoreDump(this.#options, point, goal, folder, tell, signal);
  }

  lacks(): readonly string[] {
    if (this.#noChanges === null) return this.#leftSlots;
    return [
      ...this.#leftSlots,
      `No changes are decoded between dumps (${this.#noChanges}): all since the last dump would be lost.`,
    ];
  }

  async close(): Promise<void> {
    const stream = await this.#opening?.catch(() => null);
    this.#opening = null;
    await stream?.close();
  }

  /** Null: the server will not, whatever is tried again. */
  async #open(): Promise<ChangeStream | null> {
    const server = await this.facts();
    this.#noChanges = server.noChanges ?? (await this.#refusal());
    const left = [this.#walSlot, ...(this.#noChanges === null ? [] : [this.#options.slot])];
    const said = await withDatabase(this.#options, async (database) => {
      const sentences: (string | null)[] = [];
      for (const slot of left) sentences.push(await dropLeftSlot(database, slot));
      return sentences;
    });
    this.#leftSlots = said.filter((one) => one !== null);
    return this.#noChanges === null ? new ChangeStream(this.#options, server) : null;
  }

  /** What the server says to what a stream needs; null: nothing, it may. Rejects when it is away. */
  async #refusal(): Promise<string | null> {
    const { connection, slot } = this.#options;
    try {
      const replication = await openReplication(connection, 'logical');
      replication.close();
      await withDatabase(this.#options, async (database) => {
        const [row] = await database.query(
          `select current_setting('max_replication_slots')::int
                    - (select count(*) from pg_replication_slots where slot_name <> $1) as free`,
          [slot],
        );
        if (Number(row?.['free'] ?? 0) < 2) throw new Error('max_replication_slots leaves no two');
        await publish(database, slot, (await readStructure(database)).carried);
      });
      return null;
    } catch (error) {
      if (willPass(error instanceof HoldfastError ? error.cause : error)) throw error;
      if (error instanceof HoldfastError && error.code !== 'HF_RECOVERY_SERVER') throw error;
      if (error instanceof HoldfastError) return error.found;
      if (error instanceof pg.DatabaseError) return oneLine(error.message);
      if (error instanceof Error && /max_replication_slots/.test(error.message)) {
        return messageOf(error);
      }
      throw error;
    }
  }
}

/** No connection, no room, shutting down or starting up (SQLSTATE classes 08, 53, 57): it may let us later. */
function willPass(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(08|53|57)/.test(error.code ?? '');
}
