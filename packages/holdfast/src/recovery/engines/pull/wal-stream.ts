/**
 * Continuous WAL into the vault. In this order: connect, look at the slot, work out from the vault where
 * to go on, and stream; what is new is stored at most every quarter of a second as a piece, a full
 * segment whole; only what is durable in the vault is acknowledged to the server, which keeps the rest.
 *
 * Nothing is remembered elsewhere: after kill -9 the vault says how far it came. A connection that is cut,
 * falls silent or ends is made anew, with a growing pause, until it is closed; a timeline that ends is
 * followed into the next. What cannot be mended by itself, a slot that was lost, stays in `state()`.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../../protection/target-database.ts';
import { lsnOf, lsnText, segmentStart } from '../../lsn.ts';
import { packBytes } from '../../packing/pack.ts';
import { listPoints, readPoint } from '../../point-store.ts';
import type { StreamState, WalStream } from '../engine.ts';
import type { PullOptions, ServerFacts } from './pull-options.ts';
import {
  openReplication,
  type ReplicationConnection,
  ServerRefusal,
  type SystemIdentity,
} from './replication-connection.ts';
import { dropSlot, endOwnSender, isLost, lookAtSlot, type SlotLook, slotTrouble } from './slot.ts';
import { nextTimeline, readHistory } from './timelines.ts';
import { WalBuffer, type WalJob } from './wal-buffer.ts';
import {
  historyKey,
  pieceKey,
  readWalListing,
  type WalListing,
  type WalPosition,
  wholeKey,
} from './wal-listing.ts';

/** Between the starts of two pieces: four a second keep the loss under a second with room to spare. */
const FLUSH_MS = 250;
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

export class PullWalStream implements WalStream {
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
    const slot = await this.#readySlot(connection);
    let position = await this.#startPosition(connection, identity, slot);
    for (;;) {
      try {
        position = await this.#streamTimeline(connection, position);
      } catch (error) {
        if (!(error instanceof ServerRefusal) || error.state !== REMOVED_STATE) throw error;
        position = await this.#passGap(position, slot);
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
    const flusher = new Flusher(buffer, clock, (job) => this.#store(job, buffer, connection));
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
          return this.#onTimeline(event.next);
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
    await vault.put(key, packBytes(job.bytes, recipients).body, kept());
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

  async #readySlot(connection: ReplicationConnection): Promise<SlotLook> {
    const { slot } = this.#options;
    let look = await lookAtSlot(this.#database, slot);
    if (look?.activePid != null && look.activePid === this.#ownPid) {
      await endOwnSender(this.#database, look.activePid);
    }
    if (look && isLost(look)) {
      await dropSlot(this.#database, slot);
      look = null;
    }
    if (look === null) {
      await connection.createSlot(slot);
      look = await lookAtSlot(this.#database, slot);
    }
    if (look === null || look.restartLsn === null) {
      throw new HoldfastError('HF_RECOVERY_SERVER', {
        expected: `a replication slot ${slot} that reserves WAL`,
        found: 'none',
        hint: 'Check max_replication_slots, and that nobody drops the slot.',
      });
    }
    this.#slotLook = look;
    return look;
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
      const index = await readWalListing(vault, target, systemIdentifier, walSegmentBytes);
      this.#position = index.newest();
      this.#gapEnd ??= await this.#knownGap(index);
    }
    const known = this.#position;
    if (known === null) {
      const lsn = segmentStart(slot.restartLsn ?? identity.lsn, walSegmentBytes);
      return { timeline: identity.timeline, lsn };
    }
    this.#durable ??= known.lsn;
    if (known.timeline === identity.timeline) return this.#notAhead(known, identity);
    const history = readHistory(
      (await connection.timelineHistory(identity.timeline)).toString('utf8'),
    );
    const next = nextTimeline(history, identity.timeline, known.timeline);
    if (known.timeline > identity.timeline || next === null) {
      throw new HoldfastError('HF_RECOVERY_SERVER', {
        expected: `a server that goes on from timeline ${known.timeline}`,
        found: `timeline ${identity.timeline}, which does not`,
        hint: 'Another server of the same cluster has been promoted, or this one was restored: point Holdfast at the one that counts.',
      });
    }
    if (known.lsn < next.start) return known;
    return this.#onTimeline(next);
  }

  /** What the newest point cannot be brought forward over, on its own timeline. */
  async #knownGap(index: WalListing): Promise<bigint | null> {
    const { vault, target } = this.#options;
    const newest = (await listPoints(vault, target, this.#facts.systemIdentifier, null)).at(-1);
    const wal = newest === undefined ? null : (await readPoint(vault, newest)).wal;
    const lsn = lsnOf(wal?.startLsn ?? '');
    if (wal === null || lsn === null) return null;
    const covered = index.coveredTo({ timeline: wal.timeline, lsn });
    const end = index.newestOf(wal.timeline);
    return end !== null && (covered === null || covered < end) ? end : null;
  }

  #notAhead(known: WalPosition, identity: SystemIdentity): WalPosition {
    if (known.lsn <= identity.lsn) return known;
    throw new HoldfastError('HF_RECOVERY_SERVER', {
      expected: `a server that is at ${lsnText(known.lsn)} at least, where the vault is`,
      found: `${lsnText(identity.lsn)} on the same timeline`,
      hint: 'The server has lost what it had committed, or another copy of it answers. Nothing is stored until it is past that.',
    });
  }

  #onTimeline(next: { readonly timeline: number; readonly start: bigint }): WalPosition {
    return { timeline: next.timeline, lsn: segmentStart(next.start, this.#facts.walSegmentBytes) };
  }

  /** The server has not kept what comes next: said, and gone on with from where it has. */
  async #passGap(position: WalPosition, slot: SlotLook): Promise<WalPosition> {
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
    return { timeline: position.timeline, lsn: start };
  }

  async #storeHistory(connection: ReplicationConnection, timeline: number): Promise<void> {
    const { vault, recipients, kept, target } = this.#options;
    const key = historyKey(target, this.#facts.systemIdentifier, timeline);
    for await (const object of vault.list(key, null)) if (object.key === key) return;
    const history = await connection.timelineHistory(timeline);
    await vault.put(key, packBytes(history, recipients).body, kept());
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

/** Stores what the buffer has, one thing at a time, not more often than FLUSH_MS unless a segment is full. */
class Flusher {
  readonly #buffer: WalBuffer;
  readonly #clock: PullOptions['clock'];
  readonly #store: (job: WalJob) => Promise<void>;
  #isStopped = false;
  #isDraining = false;
  #wake: (() => void) | null = null;
  hasFailed = false;

  constructor(
    buffer: WalBuffer,
    clock: PullOptions['clock'],
    store: (job: WalJob) => Promise<void>,
  ) {
    this.#buffer = buffer;
    this.#clock = clock;
    this.#store = store;
  }

  async run(): Promise<void> {
    let startedMs = Number.NEGATIVE_INFINITY;
    while (!this.#isStopped) {
      const job = this.#buffer.nextJob();
      const waitMs = startedMs + FLUSH_MS - this.#clock.monotonicMs();
      if (job === null) await this.#pause(FLUSH_MS);
      else if (!job.isWhole && !this.#isDraining && waitMs > 0) await this.#pause(waitMs);
      else {
        startedMs = this.#clock.monotonicMs();
        try {
          await this.#store(job);
        } catch (error) {
          this.hasFailed = true;
          throw error;
        }
      }
    }
  }

  wake(): void {
    this.#wake?.();
  }

  /** Resolves when all of the buffer is durable. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    this.wake();
    while (!this.#buffer.isDrained && !this.hasFailed && !this.#isStopped) {
      await new Promise((done) => setTimeout(done, 10));
    }
    this.#isDraining = false;
  }

  stop(): void {
    this.#isStopped = true;
    this.wake();
  }

  #pause(ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        done();
      };
    });
  }
}

function sentenceOf(error: unknown): string {
  if (error instanceof HoldfastError) return `${error.message} ${error.hint}`;
  return error instanceof Error ? error.message : String(error);
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
