/**
 * Continuous WAL into the vault. In this order: connect, look at the slot, work out from the vault where
 * to go on, and stream; what is new is stored at most every quarter of a second as a piece, a full
 * segment whole; only what is durable in the vault is acknowledged to the server, which keeps the rest.
 *
 * Nothing is remembered elsewhere: after kill -9 the vault says how far it came. A connection that is cut,
 * falls silent or ends is made anew, with a growing pause, until it is closed; a timeline that ends is
 * followed into the next. What cannot be mended by itself, a slot that was lost, stays in `state()`.
 */
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnText, segmentStart } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import type { EngineStream, ServerFacts, StreamState } from '../engine.ts';
import type { PullOptions } from './pull-options.ts';
import {
  openReplication,
  type ReplicationConnection,
  ServerRefusal,
  type SystemIdentity,
} from './replication-connection.ts';
import { lookAtSlot, type SlotLook, slotTrouble } from './slot.ts';
import { WalBuffer, type WalJob } from './wal-buffer.ts';
import { WalFlusher } from './wal-flusher.ts';
import { pieceKey, readWalListing, type WalPosition, wholeKey } from './wal-listing.ts';
import { knownGap, onTimeline, readySlot, storeHistory, wayOn } from './wal-resume.ts';

/** WAL in memory; more is not read before some of it is durable. */
const BUFFER_BYTES_MAX = 64 * 1024 * 1024;
/** We ask the server for a sign of life this often ... */
const ASKED_MS = 3_000;
/** ... and take it for gone when there was none for so long. */
const SILENT_MS_MAX = 10_000;
const SLOT_LOOK_MS = 10_000;
const TICK_MS = 500;
const BACKOFF_MS_MIN = 250;
const BACKOFF_MS_MAX = 8_000;
/** "requested WAL segment has already been removed" */
const REMOVED_STATE = '58P01';

export class PullWalStream implements EngineStream {
  readonly #options: PullOptions;
  readonly #facts: ServerFacts;
  readonly #database: TargetDatabase;
  readonly #running: Promise<void>;
  #isClosed = false;
  #isStreaming = false;
  #timeline = 0;
  #durable: bigint | null = null;
  #heardAt: Date | null = null;
  #heardMs = 0;
  #durableAt: Date | null = null;
  /** Since when the vault has been at something; null: it is not. */
  #storingMs: number | null = null;
  #trouble: string | null = null;
  /** Of WAL that is gone at the server and not in the vault; until a base backup begins behind it. */
  #gapEnd: bigint | null = null;
  #slotLook: SlotLook | null = null;
  #ownPid: number | null = null;
  /** Where the vault ends, once read; the stream itself moves it on. */
  #position: WalPosition | null = null;
  #connection: ReplicationConnection | null = null;
  readonly #changes = new Set<() => void>();

  constructor(options: PullOptions, facts: ServerFacts) {
    this.#options = options;
    this.#facts = facts;
    this.#database = openTargetDatabase({
      target: options.target,
      connection: options.connection,
      poolSize: 1,
      waitMsMax: SILENT_MS_MAX,
    });
    this.#running = this.#run();
  }

  state(): StreamState {
    const silentMs = this.#options.clock.monotonicMs() - this.#heardMs;
    const isStreaming = this.#isStreaming && silentMs < SILENT_MS_MAX;
    return {
      isStreaming,
      timeline: this.#timeline,
      durableLsn: this.#durable === null ? null : lsnText(this.#durable),
      heardAt: this.#heardAt,
      durableAt: this.#durableAt,
      trouble: this.#troubleNow(isStreaming),
      hasGap: this.#gapEnd !== null,
    };
  }

  /** As the server last said it; null before that. */
  slot(): SlotLook | null {
    return this.#slotLook;
  }

  /** Resolves when everything before `lsn` is durable in the vault. */
  async durableUpTo(lsn: bigint, signal: AbortSignal): Promise<void> {
    while (this.#durable === null || this.#durable < lsn) {
      signal.throwIfAborted();
      if (this.#isClosed) throw closed();
      await this.#changed(TICK_MS);
    }
  }

  /** A base backup that begins here needs nothing of what was lost before. */
  baseTaken(startLsn: bigint): void {
    if (this.#gapEnd !== null && startLsn >= this.#gapEnd) this.#gapEnd = null;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#connection?.close();
    this.#change();
    await this.#running;
    await this.#database.close();
  }

  async #run(): Promise<void> {
    for (let backoffMs = BACKOFF_MS_MIN; !this.#isClosed; ) {
      const heardBefore = this.#heardMs;
      try {
        await this.#session();
      } catch (error) {
        this.#trouble = sentenceOf(error);
      }
      this.#isStreaming = false;
      this.#connection?.close();
      this.#connection = null;
      backoffMs =
        this.#heardMs > heardBefore ? BACKOFF_MS_MIN : Math.min(backoffMs * 2, BACKOFF_MS_MAX);
      this.#change();
      const until = this.#options.clock.monotonicMs() + backoffMs;
      while (!this.#isClosed && this.#options.clock.monotonicMs() < until)
        await this.#changed(TICK_MS);
    }
  }

  async #session(): Promise<void> {
    const connection = await openReplication(this.#options.connection);
    this.#connection = connection;
    if (this.#isClosed) throw closed();
    const identity = await connection.identify();
    this.#mustBeSameSystem(identity);
    const slot = await readySlot(this.#database, connection, this.#options.slot, this.#ownPid);
    this.#slotLook = slot;
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
    let askedMs = clock.monotonicMs();
    let lookedMs = Number.NEGATIVE_INFINITY;
    this.#timeline = from.timeline;
    this.#heard();
    const tick = setInterval(() => {
      const nowMs = clock.monotonicMs();
      if (!isPaused && nowMs - this.#heardMs > SILENT_MS_MAX) connection.close();
      if (nowMs - askedMs > ASKED_MS) {
        askedMs = nowMs;
        this.#acknowledge(connection, buffer, true);
      }
      if (nowMs - lookedMs > SLOT_LOOK_MS) {
        lookedMs = nowMs;
        void this.#watchSlot();
      }
    }, TICK_MS);
    const flushing = flusher.run().catch((error: unknown) => {
      connection.close();
      throw error;
    });
    // Met below; until then it must not count as unhandled.
    flushing.catch(() => {});
    try {
      for await (const event of connection.wal(slot, start, from.timeline)) {
        this.#heard();
        if (event.kind === 'wal') {
          if (!buffer.append(event.start, event.bytes))
            throw outOfStep(buffer.received, event.start);
          flusher.wake();
          isPaused = buffer.isFull;
          while (buffer.isFull && !flusher.hasFailed) await this.#changed(TICK_MS);
          isPaused = false;
          // It was we who did not listen.
          this.#heardMs = clock.monotonicMs();
        }
        if (event.kind === 'alive') {
          if (event.serverEnd <= buffer.durable) this.#isDurable(buffer.durable, clock.now());
          if (event.wantsReply) this.#acknowledge(connection, buffer, false);
        }
        this.#isStreaming = true;
        this.#trouble = null;
        if (event.kind === 'end') {
          await flusher.drain();
          if (event.next === null) throw serverStops();
          await this.#storeHistory(connection, event.next.timeline);
          return onTimeline(event.next, this.#facts.walSegmentBytes);
        }
      }
      throw serverStops();
    } catch (error) {
      // What stopped the flusher closed the connection, and is the better reason.
      if (flusher.hasFailed) await flushing;
      throw error;
    } finally {
      clearInterval(tick);
      flusher.stop();
      await flushing.catch(() => {});
    }
  }

  async #store(job: WalJob, buffer: WalBuffer, connection: ReplicationConnection): Promise<void> {
    const { vault, recipients, kept, target, clock } = this.#options;
    const { systemIdentifier, walSegmentBytes } = this.#facts;
    const receivedAt = clock.now();
    const key = job.isWhole
      ? wholeKey(target, systemIdentifier, job.place, walSegmentBytes)
      : pieceKey(target, systemIdentifier, job.place, walSegmentBytes, job);
    this.#storingMs = clock.monotonicMs();
    try {
      await vault.put(key, packBytes(job.bytes, recipients).body, kept());
    } finally {
      this.#storingMs = null;
    }
    buffer.done(job);
    const durable = job.place.start + BigInt(job.to);
    this.#position = { timeline: job.place.timeline, lsn: durable };
    this.#isDurable(durable, receivedAt);
    this.#acknowledge(connection, buffer, false);
  }

  #isDurable(lsn: bigint, at: Date): void {
    // A new timeline begins with bytes of the old one: what is durable does not go back.
    if (this.#durable === null || lsn > this.#durable) this.#durable = lsn;
    this.#durableAt = at;
    this.#change();
  }

  #acknowledge(connection: ReplicationConnection, buffer: WalBuffer, wantsReply: boolean): void {
    const durable = this.#durable ?? 0n;
    const written = buffer.received > durable ? buffer.received : durable;
    connection.sendStatus(written, durable, this.#options.clock.now(), wantsReply);
  }

  /** Where the vault ends, on the way to the timeline of the server; else where the slot begins. */
  async #startPosition(
    connection: ReplicationConnection,
    identity: SystemIdentity,
    slot: SlotLook,
  ): Promise<WalPosition> {
    const { vault, target } = this.#options;
    const { systemIdentifier, walSegmentBytes } = this.#facts;
    if (identity.timeline > 1) await this.#storeHistory(connection, identity.timeline);
    if (this.#position === null) {
      const listing = await readWalListing(vault, target, systemIdentifier, walSegmentBytes);
      this.#position = listing.newest();
      this.#gapEnd ??= await knownGap(this.#options, this.#facts, listing);
    }
    if (this.#position === null) {
      const lsn = segmentStart(slot.restartLsn ?? identity.lsn, walSegmentBytes);
      return { timeline: identity.timeline, lsn };
    }
    this.#durable ??= this.#position.lsn;
    return wayOn(this.#position, identity, connection, walSegmentBytes);
  }

  #storeHistory(connection: ReplicationConnection, timeline: number): Promise<void> {
    return storeHistory(this.#options, this.#facts, connection, timeline);
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
      this.#slotLook = look;
      if (this.#isStreaming) this.#ownPid = look.activePid;
    } catch {
      // The stream itself tells when the server cannot be reached.
    }
  }

  #mustBeSameSystem({ systemIdentifier }: SystemIdentity): void {
    if (systemIdentifier === this.#facts.systemIdentifier) return;
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `the cluster ${this.#facts.systemIdentifier}`,
      found: `${systemIdentifier} at the same address`,
      hint: 'The cluster was made anew. Start Holdfast again; it takes new recovery points beside the old ones.',
    });
  }

  #troubleNow(isStreaming: boolean): string | null {
    if (this.#gapEnd !== null) {
      return `WAL before ${lsnText(this.#gapEnd)} was lost at the server: a new base backup is needed.`;
    }
    const storingMs =
      this.#storingMs === null ? 0 : this.#options.clock.monotonicMs() - this.#storingMs;
    if (storingMs > SILENT_MS_MAX) {
      return `The vault has taken nothing for ${Math.round(storingMs / 1000)} seconds; the server keeps the WAL.`;
    }
    const slot = this.#slotLook === null ? null : slotTrouble(this.#slotLook);
    if (isStreaming) return slot ?? this.#trouble;
    return this.#trouble ?? slot ?? 'The WAL stream is not connected.';
  }

  #heard(): void {
    this.#heardAt = this.#options.clock.now();
    this.#heardMs = this.#options.clock.monotonicMs();
  }

  #change(): void {
    for (const wake of this.#changes) wake();
    this.#changes.clear();
  }

  #changed(msMax: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, msMax);
      this.#changes.add(() => {
        clearTimeout(timer);
        done();
      });
    });
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.message} ${error.hint}`;
  return messageOf(error);
}

function closed(): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_LOST', {
    expected: 'the WAL stream to be open',
    found: 'that it was closed',
    hint: 'Start it again.',
  });
}

function serverStops(): HoldfastError {
  return new HoldfastError('HF_UPSTREAM_LOST', {
    expected: 'the WAL stream to last',
    found: 'that the server ended it',
    hint: 'It is connected again by itself; check that the server runs.',
  });
}

function outOfStep(expected: bigint, found: bigint): HoldfastError {
  return new HoldfastError('HF_PROTOCOL', {
    expected: `WAL from ${lsnText(expected)} on`,
    found: `WAL from ${lsnText(found)} on`,
    hint: 'Check that the port is that of a PostgreSQL server.',
  });
}
