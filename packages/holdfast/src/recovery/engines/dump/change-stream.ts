/**
 * What commits, continuously into the vault, decoded by the server. In this order: the vault says how far
 * it came, the publication holds the tables that can be carried, the slot keeps WAL from there on, and
 * what is new is stored at most once a second as a piece; only what is durable in the vault is
 * acknowledged to the server, which keeps the rest.
 *
 * Nothing is remembered elsewhere. A connection that is cut, falls silent or ends is made anew, with a
 * growing pause, until it is closed. A slot that was lost, or tables that were built anew, leave a hole
 * that only a new dump closes: it stays in `state()` until there is one.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnOf, lsnText } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import { newestPoint } from '../../point-store.ts';
import type { EngineStream, StreamState } from '../engine.ts';
import {
  openReplication,
  type ReplicationConnection,
  ServerRefusal,
} from '../pull/replication-connection.ts';
import { dropSlot, endOwnSender, isLost, lookAtSlot } from '../pull/slot.ts';
import { streamSealer } from '../stream-seal.ts';
import { mustBeSameSystem, SILENT_MS_MAX, SLOT_LOOK_MS, StreamUpkeep } from '../stream-upkeep.ts';
import { ChangeBuffer, type ChangeJob } from './change-buffer.ts';
import type { DumpOptions, DumpServer } from './dump-options.ts';
import { endOf, listPieces, pieceKey } from './pieces.ts';
import { publish, readStructure, type Structure } from './structure.ts';

/** Between the starts of two pieces. */
const PIECE_MS = 1_000;
/** Of one transaction in memory; a larger one is stored in parts. */
const PART_BYTES_MAX = 32 * 1024 * 1024;
/** More is not read before some of it is stored. */
const BUFFER_BYTES_MAX = 64 * 1024 * 1024;
/** That nothing came is stored this often, so that a moment without changes can be restored to. */
const NOTHING_MS = 60_000;
const ASKED_MS = 1_000;
const STRUCTURE_MS = 30_000;
const TICK_MS = 250;
const STATEMENT_MS_MAX = 60_000;
/** A slot waits for every transaction that is under way. */
const SLOT_MS_MAX = 10 * 60_000;
/** undefined_object: the publication was dropped, and what was decoded since is lost with it. */
const NO_PUBLICATION_STATE = '42704';

export class ChangeStream implements EngineStream {
  readonly #options: DumpOptions;
  readonly #server: DumpServer;
  readonly #database: TargetDatabase;
  readonly #session: string;
  readonly #upkeep: StreamUpkeep;
  readonly #running: Promise<void>;
  #durableAt: Date | null = null;
  /** Of changes that are gone; until a dump begins behind it. */
  #gapEnd: bigint | null = null;
  #structure: Structure | null = null;
  /** Of the newest dump; null: there is none. */
  #dumped: string | null = null;
  #hasLooked = false;
  /** Positions of the server, and when they were its newest. */
  #seen: { readonly lsn: bigint; readonly at: Date }[] = [];
  #end: bigint | null = null;
  #storedFrom: bigint | null = null;

  constructor(options: DumpOptions, server: DumpServer) {
    this.#options = options;
    this.#server = server;
    this.#session = options.clock.random(4).toString('hex');
    this.#database = openTargetDatabase({
      target: options.target,
      connection: options.connection,
      poolSize: 2,
      lockMsMax: SILENT_MS_MAX,
      statementMsMax: STATEMENT_MS_MAX,
    });
    this.#upkeep = new StreamUpkeep(options.clock, 'stream of changes', TICK_MS);
    this.#running = this.#upkeep.keep(() => this.#once());
  }

  /** All that reaches beyond it was stored by this process; null: nothing was yet. */
  get storedFrom(): bigint | null {
    return this.#storedFrom;
  }

  state(): StreamState {
    const { durable, heardAt, isStreaming } = this.#upkeep;
    return {
      isStreaming,
      timeline: 0,
      durableLsn: durable === null ? null : lsnText(durable),
      heardAt,
      durableAt: this.#durableAt,
      trouble: this.#holeWords() ?? this.#upkeep.troubleNow(),
      hasGap: this.#gapEnd !== null || this.#isBuiltAnew,
      notCarried: this.#structure?.notCarried ?? [],
    };
  }

  /** Resolves when changes are on their way, so that what commits from now on is kept. */
  async ready(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const upkeep = this.#upkeep;
    const began = clock.monotonicMs();
    await upkeep.until(() => {
      if (!upkeep.isStreaming && clock.monotonicMs() - began > SLOT_MS_MAX) {
        throw notDecoded(upkeep.trouble ?? 'no stream of changes');
      }
      return upkeep.isStreaming;
    }, signal);
  }

  /** Everything before it is durable in the vault. */
  durableUpTo(lsn: bigint, signal: AbortSignal): Promise<void> {
    return this.#upkeep.durableUpTo(lsn, signal);
  }

  /** Before a dump: tables that were made since are published, so that its snapshot is after that. */
  async publishAll(): Promise<void> {
    const structure = await readStructure(this.#database);
    await publish(this.#database, this.#options.slot, structure.carried);
    this.#structure = structure;
  }

  /** A dump with its snapshot there, of tables built like that. */
  dumpTaken(lsn: bigint, structure: string): void {
    if (this.#gapEnd !== null && lsn >= this.#gapEnd) this.#gapEnd = null;
    this.#dumped = structure;
  }

  async close(): Promise<void> {
    this.#upkeep.close();
    await this.#running;
    await this.#database.close();
  }

  get #isBuiltAnew(): boolean {
    return (
      this.#dumped !== null && this.#structure !== null && this.#dumped !== this.#structure.digest
    );
  }

  async #once(): Promise<void> {
    const { slot, target, vault } = this.#options;
    const { systemIdentifier } = this.#server;
    const connection = await openReplication(this.#options.connection, 'logical');
    this.#upkeep.holds(connection);
    const identity = await connection.identify();
    mustBeSameSystem(systemIdentifier, identity.systemIdentifier);
    // A vault that lets nobody in must leave no slot behind that nobody reads.
    const end = this.#end ?? endOf(await listPieces(vault, target, systemIdentifier));
    // First the publication: a slot that is older than it cannot decode what came between.
    if (this.#structure === null) await this.publishAll();
    const begin = await this.#readySlot(connection);
    if (!this.#hasLooked) await this.#lookForDump();
    if (end !== null && begin > end) this.#gapEnd = begin;
    const from = end === null || begin > end ? begin : end;
    this.#end = from;
    if (this.#storedFrom === null || from < this.#storedFrom) this.#storedFrom = from;
    this.#upkeep.durableIs(from);
    try {
      await this.#stream(connection, from);
    } catch (error) {
      if (error instanceof ServerRefusal && error.state === NO_PUBLICATION_STATE) {
        this.#structure = null;
        await dropSlot(this.#database, slot).catch(() => {});
      }
      throw error;
    }
  }

  /** Where the slot begins; one that the server gave up is made anew. */
  async #readySlot(connection: ReplicationConnection): Promise<bigint> {
    const { slot } = this.#options;
    const database = this.#database;
    let look = await lookAtSlot(database, slot, 'logical');
    if (look !== null && look.activePid !== null) await endOwnSender(database, look.activePid);
    if (look !== null && isLost(look)) {
      await dropSlot(database, slot);
      look = null;
    }
    if (look === null) {
      this.#upkeep.waitsFor(
        'The slot waits for the transactions that are under way at the server.',
      );
      await connection.createLogicalSlot(slot, SLOT_MS_MAX);
      look = await lookAtSlot(database, slot, 'logical');
    }
    if (look === null || look.confirmedLsn === null) {
      throw notDecoded('a slot that says no position');
    }
    this.#upkeep.slotIs(look);
    return look.confirmedLsn;
  }

  /** After a new start: how the tables were when the newest dump was taken, and from where it is followed. */
  async #lookForDump(): Promise<void> {
    const { seal, target, vault } = this.#options;
    const { systemIdentifier } = this.#server;
    const point = await newestPoint(vault, target, systemIdentifier, seal);
    this.#hasLooked = true;
    if (point === null) return;
    this.#dumped ??= point.dump?.structure ?? '';
    const snapshot = lsnOf(point.wal?.startLsn ?? '');
    const pieces = await listPieces(vault, target, systemIdentifier);
    const begin = this.#upkeep.slot?.confirmedLsn ?? null;
    const isReached =
      snapshot !== null &&
      (pieces.some(({ from }) => from <= snapshot) || (begin !== null && begin <= snapshot));
    // A dump that no change leads on from is followed by nothing: a new one is due.
    if (!isReached) this.#gapEnd ??= begin;
  }

  async #stream(connection: ReplicationConnection, from: bigint): Promise<void> {
    const { clock, slot } = this.#options;
    const upkeep = this.#upkeep;
    const buffer = new ChangeBuffer(from, PART_BYTES_MAX);
    const work = new AbortController();
    let isPaused = false;
    let serverEnd = from;
    let sentMicros = 0n;
    upkeep.heard();
    const acknowledge = (wantsReply: boolean): void =>
      connection.sendStatus(serverEnd, buffer.durable, clock.now(), wantsReply);
    const still = upkeep.beat(connection, () => isPaused, [
      {
        everyMs: ASKED_MS,
        first: 'at once',
        does: () => void this.#seePosition().then(() => acknowledge(true)),
      },
      { everyMs: SLOT_LOOK_MS, first: 'at once', does: () => void this.#watchSlot() },
      { everyMs: STRUCTURE_MS, first: 'later', does: () => void this.#watchStructure() },
    ]);
    const store = async (job: ChangeJob): Promise<void> => {
      await this.#store(job);
      buffer.done(job);
      if (job.to === null) return;
      this.#end = job.to;
      this.#isDurable(job.to);
      acknowledge(false);
      upkeep.change();
    };
    const storing = (async () => {
      let storedMs = clock.monotonicMs();
      while (!work.signal.aborted) {
        const sinceMs = clock.monotonicMs() - storedMs;
        const isDue = sinceMs >= PIECE_MS || buffer.bytes > PART_BYTES_MAX;
        const nothing = sinceMs >= NOTHING_MS ? buffer.nothingUntil(serverEnd, sentMicros) : null;
        const job = nothing ?? (isDue ? buffer.next() : null);
        if (job === null) await upkeep.changed();
        else {
          storedMs = clock.monotonicMs();
          await store(job);
        }
      }
    })().catch((error: unknown) => {
      connection.close();
      throw error;
    });
    storing.catch(() => {});
    try {
      for await (const event of connection.changes(slot, from, slot)) {
        upkeep.heard();
        if (event.kind === 'end') throw upkeep.serverStops();
        sentMicros = event.sentMicros;
        if (event.kind === 'wal') {
          buffer.append(event.start, event.bytes, event.sentMicros);
          isPaused = buffer.bytes > BUFFER_BYTES_MAX;
          while (buffer.bytes > BUFFER_BYTES_MAX && !upkeep.isClosed) {
            await upkeep.changed();
            upkeep.listensAgain();
          }
          isPaused = false;
        } else {
          if (event.serverEnd > serverEnd) serverEnd = event.serverEnd;
          // Nothing of ours lies before it that is not stored.
          if (buffer.isEmpty) this.#isDurable(serverEnd);
          if (event.wantsReply) acknowledge(false);
        }
        upkeep.goesWell();
      }
      throw upkeep.serverStops();
    } catch (error) {
      work.abort();
      upkeep.change();
      // What stopped the storing closed the connection, and is the better reason.
      await storing;
      throw error;
    } finally {
      still();
      work.abort();
      upkeep.change();
      await storing.catch(() => {});
    }
  }

  async #store(job: ChangeJob): Promise<void> {
    const { kept, recipients, seal, target, vault } = this.#options;
    const place = { from: job.from, session: this.#session, part: job.part, to: job.to };
    const key = pieceKey(target, this.#server.systemIdentifier, place);
    const sealer = streamSealer(seal, key);
    await this.#upkeep.storing(() =>
      vault.put(key, packBytes(job.bytes, recipients, sealer).body, kept()),
    );
  }

  /** The newest position that the server had at a known time, and that is stored: so much is not lost. */
  #isDurable(lsn: bigint): void {
    this.#upkeep.durableIs(lsn);
    const durable = this.#upkeep.durable ?? lsn;
    const reached = this.#seen.filter((one) => one.lsn <= durable);
    const last = reached.at(-1);
    if (last === undefined) return;
    this.#durableAt = last.at;
    this.#seen = this.#seen.filter((one) => one.lsn > durable);
    this.#upkeep.change();
  }

  async #seePosition(): Promise<void> {
    const at = this.#options.clock.now();
    try {
      const [row] = await this.#database.query('select pg_current_wal_flush_lsn()::text as lsn');
      const lsn = lsnOf(String(row?.['lsn'] ?? ''));
      if (lsn === null) return;
      this.#seen.push({ lsn, at });
      // A stream that is away for long need not remember each second of it.
      if (this.#seen.length > 3_600) this.#seen.splice(1, 1);
    } catch {
      // The stream itself tells when the server cannot be reached.
    }
  }

  async #watchSlot(): Promise<void> {
    const look = await lookAtSlot(this.#database, this.#options.slot, 'logical').catch(() => null);
    if (look !== null) this.#upkeep.slotIs(look);
  }

  async #watchStructure(): Promise<void> {
    const structure = await readStructure(this.#database).catch(() => null);
    if (structure !== null) this.#structure = structure;
  }

  #holeWords(): string | null {
    if (this.#gapEnd !== null) {
      return `Changes before ${lsnText(this.#gapEnd)} are not in the vault: a new dump is needed.`;
    }
    return this.#isBuiltAnew
      ? 'Tables were built anew since the last dump: a new one is due.'
      : null;
  }
}

function notDecoded(found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_SERVER', {
    expected: 'changes that the server decodes',
    found,
    hint: 'End transactions that have been open for long, and see the log of the server.',
  });
}
