/**
 * Continuous WAL into the vault. In this order: connect, read in the vault how far it came, look at the
 * slot, work out where to go on, and stream; what is new is stored at most every quarter of a second as a piece, a full
 * segment whole; only what is durable in the vault is acknowledged to the server, which keeps the rest.
 *
 * Nothing is remembered elsewhere: after kill -9 the vault says how far it came. A connection that is cut,
 * falls silent or ends is made anew, with a growing pause, until it is closed; a timeline that ends is
 * followed into the next. What cannot be mended by itself, a slot that was lost, stays in `state()`.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnText, segmentStart } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import type { EngineStream, ServerFacts, StreamState } from '../engine.ts';
import { streamSealer } from '../stream-seal.ts';
import { mustBeSameSystem, SILENT_MS_MAX, SLOT_LOOK_MS, StreamUpkeep } from '../stream-upkeep.ts';
import type { PullOptions } from './pull-options.ts';
import {
  openReplication,
  type ReplicationConnection,
  ServerRefusal,
  type SystemIdentity,
} from './replication-connection.ts';
import { lookAtSlot, type SlotLook } from './slot.ts';
import { WalBuffer, type WalJob } from './wal-buffer.ts';
import { WalFlusher } from './wal-flusher.ts';
import { pieceKey, readWalListing, type WalPosition, wholeKey } from './wal-listing.ts';
import { knownGap, onTimeline, readySlot, storeHistory, wayOn } from './wal-resume.ts';

/** WAL in memory; more is not read before some of it is durable. */
const BUFFER_BYTES_MAX = 64 * 1024 * 1024;
/** We ask the server for a sign of life this often. */
const ASKED_MS = 3_000;
const TICK_MS = 500;
/** "requested WAL segment has already been removed" */
const REMOVED_STATE = '58P01';

export class PullWalStream implements EngineStream {
  readonly #options: PullOptions;
  readonly #facts: ServerFacts;
  readonly #database: TargetDatabase;
  readonly #running: Promise<void>;
  readonly #upkeep: StreamUpkeep;
  #timeline = 0;
  #durableAt: Date | null = null;
  /** Of WAL that is gone at the server and not in the vault; until a base backup begins behind it. */
  #gapEnd: bigint | null = null;
  #ownPid: number | null = null;
  #storedFrom: bigint | null = null;
  readonly #histories = new Set<number>();
  /** Where the vault ends, once read; the stream itself moves it on. */
  #position: WalPosition | null = null;

  constructor(options: PullOptions, facts: ServerFacts) {
    this.#options = options;
    this.#facts = facts;
    this.#database = openTargetDatabase({
      target: options.target,
      connection: options.connection,
      poolSize: 1,
      waitMsMax: SILENT_MS_MAX,
    });
    this.#upkeep = new StreamUpkeep(options.clock, 'WAL stream', TICK_MS);
    this.#running = this.#upkeep.keep(() => this.#session());
  }

  state(): StreamState {
    const { durable, heardAt, isStreaming } = this.#upkeep;
    return {
      isStreaming,
      timeline: this.#timeline,
      durableLsn: durable === null ? null : lsnText(durable),
      heardAt,
      durableAt: this.#durableAt,
      trouble: this.#gapWords() ?? this.#upkeep.troubleNow(),
      hasGap: this.#gapEnd !== null,
    };
  }

  /** All that reaches beyond it was stored by this process; null: nothing was yet. */
  get storedFrom(): bigint | null {
    return this.#storedFrom;
  }

  /** As the server last said it; null before that. */
  slot(): SlotLook | null {
    return this.#upkeep.slot;
  }

  /** Resolves when everything before `lsn` is durable in the vault. */
  durableUpTo(lsn: bigint, signal: AbortSignal): Promise<void> {
    return this.#upkeep.durableUpTo(lsn, signal);
  }

  /** A base backup that begins here needs nothing of what was lost before. */
  baseTaken(startLsn: bigint): void {
    if (this.#gapEnd !== null && startLsn >= this.#gapEnd) this.#gapEnd = null;
  }

  async close(): Promise<void> {
    this.#upkeep.close();
    await this.#running;
    await this.#database.close();
  }

  async #session(): Promise<void> {
    const connection = await openReplication(this.#options.connection);
    this.#upkeep.holds(connection);
    const identity = await connection.identify();
    mustBeSameSystem(this.#facts.systemIdentifier, identity.systemIdentifier);
    // A vault that lets nobody in must leave no slot behind that nobody reads.
    await this.#lookAtVault();
    const slot = await readySlot(this.#database, connection, this.#options.slot, this.#ownPid);
    this.#upkeep.slotIs(slot);
    let position = await this.#startPosition(connection, identity, slot);
    for (;;) {
      try {
        position = await this.#streamTimeline(connection, position);
      } catch (error) {
        if (!(error instanceof ServerRefusal) || error.state !== REMOVED_STATE) throw error;
        position = this.#passGap(position, slot, identity);
      }
    }
  }

  /** Up to the end of the timeline; resolves to where the next one begins. */
  async #streamTimeline(
    connection: ReplicationConnection,
    from: WalPosition,
  ): Promise<WalPosition> {
    const { clock, slot } = this.#options;
    const upkeep = this.#upkeep;
    const start = segmentStart(from.lsn, this.#facts.walSegmentBytes);
    const buffer = new WalBuffer(
      this.#facts.walSegmentBytes,
      BUFFER_BYTES_MAX,
      start,
      from.lsn,
      from.timeline,
    );
    const flusher = new WalFlusher(buffer, clock, (job) => this.#store(job, buffer, connection));
    let isPaused = false;
    this.#timeline = from.timeline;
    // A timeline may begin before where the one before it had come to.
    if (this.#storedFrom === null || from.lsn < this.#storedFrom) this.#storedFrom = from.lsn;
    upkeep.heard();
    const still = upkeep.beat(connection, () => isPaused, [
      {
        everyMs: ASKED_MS,
        first: 'later',
        does: () => this.#acknowledge(connection, buffer, true),
      },
      { everyMs: SLOT_LOOK_MS, first: 'at once', does: () => void this.#watchSlot() },
    ]);
    const flushing = flusher.run().catch((error: unknown) => {
      connection.close();
      throw error;
    });
    // Met below; until then it must not count as unhandled.
    flushing.catch(() => {});
    try {
      for await (const event of connection.wal(slot, start, from.timeline)) {
        upkeep.heard();
        if (event.kind === 'wal') {
          if (!buffer.append(event.start, event.bytes))
            throw outOfStep(buffer.received, event.start);
          flusher.wake();
          isPaused = buffer.isFull;
          while (buffer.isFull && !flusher.hasFailed) await upkeep.changed();
          isPaused = false;
          upkeep.listensAgain();
        }
        if (event.kind === 'alive') {
          if (event.serverEnd <= buffer.durable) this.#isDurable(buffer.durable, clock.now());
          if (event.wantsReply) this.#acknowledge(connection, buffer, false);
        }
        upkeep.goesWell();
        if (event.kind === 'end') {
          await flusher.drain();
          if (event.next === null) throw upkeep.serverStops();
          await this.#storeHistory(connection, event.next.timeline);
          return onTimeline(event.next, this.#facts.walSegmentBytes);
        }
      }
      throw upkeep.serverStops();
    } catch (error) {
      // What stopped the flusher closed the connection, and is the better reason.
      if (flusher.hasFailed) await flushing;
      throw error;
    } finally {
      still();
      flusher.stop();
      await flushing.catch(() => {});
    }
  }

  async #store(job: WalJob, buffer: WalBuffer, connection: ReplicationConnection): Promise<void> {
    const { vault, recipients, kept, seal, target, clock } = this.#options;
    const { systemIdentifier, walSegmentBytes } = this.#facts;
    const receivedAt = clock.now();
    const key = job.isWhole
      ? wholeKey(target, systemIdentifier, job.place, walSegmentBytes)
      : pieceKey(target, systemIdentifier, job.place, walSegmentBytes, job);
    const sealer = streamSealer(seal, key);
    await this.#upkeep.storing(() =>
      vault.put(key, packBytes(job.bytes, recipients, sealer).body, kept()),
    );
    buffer.done(job);
    const durable = job.place.start + BigInt(job.to);
    this.#position = { timeline: job.place.timeline, lsn: durable };
    this.#isDurable(durable, receivedAt);
    this.#acknowledge(connection, buffer, false);
  }

  #isDurable(lsn: bigint, at: Date): void {
    // A new timeline begins with bytes of the old one.
    this.#upkeep.durableIs(lsn);
    this.#durableAt = at;
    this.#upkeep.change();
  }

  #acknowledge(connection: ReplicationConnection, buffer: WalBuffer, wantsReply: boolean): void {
    const durable = this.#upkeep.durable ?? 0n;
    const written = buffer.received > durable ? buffer.received : durable;
    connection.sendStatus(written, durable, this.#options.clock.now(), wantsReply);
  }

  async #lookAtVault(): Promise<void> {
    if (this.#position !== null) return;
    const { vault, target } = this.#options;
    const { systemIdentifier, walSegmentBytes } = this.#facts;
    const listing = await readWalListing(vault, target, systemIdentifier, walSegmentBytes);
    this.#position = listing.newest();
    this.#gapEnd ??= await knownGap(this.#options, this.#facts, listing);
  }

  /** Where the vault ends, on the way to the timeline of the server; else where the slot begins. */
  async #startPosition(
    connection: ReplicationConnection,
    identity: SystemIdentity,
    slot: SlotLook,
  ): Promise<WalPosition> {
    const { walSegmentBytes } = this.#facts;
    if (identity.timeline > 1) await this.#storeHistory(connection, identity.timeline);
    if (this.#position === null) {
      const lsn = segmentStart(slot.restartLsn ?? identity.lsn, walSegmentBytes);
      return { timeline: identity.timeline, lsn };
    }
    this.#upkeep.durableIs(this.#position.lsn);
    return wayOn(this.#position, identity, connection, walSegmentBytes);
  }

  /** Once by each process, whatever lies there: it may be somebody else's. */
  async #storeHistory(connection: ReplicationConnection, timeline: number): Promise<void> {
    if (this.#histories.has(timeline)) return;
    await storeHistory(this.#options, this.#facts, connection, timeline);
    this.#histories.add(timeline);
  }

  /** The server has not kept what comes next: said, and gone on with from where it has. */
  #passGap(position: WalPosition, slot: SlotLook, identity: SystemIdentity): WalPosition {
    const restart = slot.restartLsn;
    const start = restart === null ? null : segmentStart(restart, this.#facts.walSegmentBytes);
    if (start === null || start <= position.lsn) {
      throw new HoldfastError('HF_RECOVERY_SLOT', {
        expected: `WAL from ${lsnText(position.lsn)} on`,
        found: 'that the server has removed it',
        hint: 'Take a new base backup.',
      });
    }
    this.#gapEnd = start;
    return { timeline: identity.timeline, lsn: start };
  }

  async #watchSlot(): Promise<void> {
    try {
      const look = await lookAtSlot(this.#database, this.#options.slot);
      if (look === null) return;
      this.#upkeep.slotIs(look);
      if (this.#upkeep.isStreaming) this.#ownPid = look.activePid;
    } catch {
      // The stream itself tells when the server cannot be reached.
    }
  }

  #gapWords(): string | null {
    if (this.#gapEnd === null) return null;
    return `WAL before ${lsnText(this.#gapEnd)} was lost at the server: a new base backup is needed.`;
  }
}

function outOfStep(expected: bigint, found: bigint): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    expected: `WAL from ${lsnText(expected)} on`,
    found: `WAL from ${lsnText(found)} on`,
    hint: 'Check that the port is that of a PostgreSQL server.',
  });
}
