/**
 * The trail as the pipeline sees it: decisions durable before they are acted on, exactly one outcome
 * each, reads counted in batches, notes.
 *
 * The order it keeps: at start, what lies in the store is held against its newest checkpoint, then
 * this instance announces itself, then decisions of instances that are gone get their `unknown`
 * outcome, and only then is anything new taken. At stop: outcomes for what is still open, the last
 * entry, the last checkpoint.
 *
 * What it will not do: forward a read or a decision on its own judgement (the pipeline asks), write a
 * second outcome, or call a decision recorded that is not.
 */
import type { Clock } from '../model/clock.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Intent } from '../model/intent.ts';
import { READ_BATCH_MS_MAX, READ_BATCH_UNITS_MAX, TRAIL_CHECKPOINT_MS } from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Target } from '../model/target.ts';
import { Checkpointer } from './checkpointer.ts';
import { EntryMaker, journaledDraft } from './entry.ts';
import type { InstanceBook } from './instance-book.ts';
import type { Journal } from './journal.ts';
import { ReadBatch } from './read-batch.ts';
import type { Decision, DecisionRef, Recorder } from './recorder.ts';
import { Sequencer } from './sequencer.ts';
import { settleGone, unknownForAll } from './settlement.ts';
import type { Signer } from './signer.ts';
import type { TrailHead, TrailStore } from './trail-store.ts';

export interface TrailParts {
  readonly store: TrailStore;
  readonly instances: InstanceBook;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly instanceId: string;
  /** Null: every decision waits for the store itself. */
  readonly journal: Journal | null;
  /** What happens to harmless units while the trail cannot be written. */
  readonly readsWhenUnavailable: 'refuse' | 'forward';
  /** For the operator's log; never throws. */
  readonly onFault: (error: HoldfastError) => void;
  readonly checkpointMs?: number;
}

export interface TrailStatus {
  readonly available: boolean;
  readonly size: bigint;
  /** Decisions of this instance whose outcome is not known yet. */
  readonly open: number;
}

export class TrailLog implements Recorder {
  readonly #parts: TrailParts;
  readonly #entries: EntryMaker;
  readonly #sequencer: Sequencer;
  readonly #checkpointer: Checkpointer;
  readonly #reads = new ReadBatch();
  readonly #open = new Set<DecisionRef>();
  #readTimer: NodeJS.Timeout | null = null;
  #checkpointTimer: NodeJS.Timeout | null = null;
  #keeping: Promise<void> | null = null;
  #readsLost = 0;
  #stopped: Promise<void> | null = null;

  /** Rejects when the store cannot be reached or the trail does not hold against its checkpoint. */
  static async start(parts: TrailParts): Promise<TrailLog> {
    const head = await parts.store.head();
    const checkpointer = await Checkpointer.open(parts.store, parts.signer, head);
    const log = new TrailLog(parts, head, checkpointer);
    try {
      await parts.instances.announce(parts.instanceId, head.size);
      await log.#begin();
      return log;
    } catch (cause) {
      log.#sequencer.close();
      await parts.instances.close();
      await parts.store.close();
      throw cause;
    }
  }

  private constructor(parts: TrailParts, head: TrailHead, checkpointer: Checkpointer) {
    const { store, clock, instanceId } = parts;
    this.#parts = parts;
    this.#checkpointer = checkpointer;
    this.#entries = new EntryMaker(instanceId, clock);
    this.#sequencer = new Sequencer({
      store,
      clock,
      instanceId,
      head,
      resumed: (awayMs, notesLost) =>
        this.#entries.event({
          kind: 'trail-resumed',
          facts: { awayMs, notesLost },
          message:
            'The trail could not be written for a while; decisions of that time were refused.',
        }),
      onResumed: () => this.#sayReadsLost(),
      onLateDecision: (index) => {
        const reason = 'The trail confirmed the decision too late; the agent was told no.';
        this.#sequencer.add(this.#entries.outcome(index, { kind: 'not-forwarded', reason }));
      },
      onOutcomeExists: (index) => this.#noteIgnored(index),
      onFault: parts.onFault,
    });
  }

  async #begin(): Promise<void> {
    this.#parts.store.onLost((cause) => this.#sequencer.storeLost(cause));
    this.note({
      kind: 'instance-started',
      facts: { instance: this.#parts.instanceId, trailSize: Number(this.#sequencer.head.size) },
      message: 'Holdfast started.',
    });
    await this.#takeOverLeftover();
    await this.#settle();
    if (!(await this.#sequencer.flush())) throw this.#sequencer.fault();
    this.#parts.journal?.forgetLeftover();
    const period = this.#parts.checkpointMs ?? TRAIL_CHECKPOINT_MS;
    this.#checkpointTimer = setInterval(() => {
      this.#keeping ??= this.#keepUp().finally(() => {
        this.#keeping = null;
      });
    }, period).unref();
  }

  /** Never rejects: when the store is away the sequencer says so, and the next turn catches up. */
  async #keepUp(): Promise<void> {
    if (!this.#sequencer.available) return;
    try {
      await this.#settle();
      await this.#checkpointer.sign(this.#sequencer.head);
    } catch {}
  }

  #settle(): Promise<void> {
    return settleGone(this.#parts, this.#entries, this.#sequencer);
  }

  /** Decisions that a dead process had written down and not yet appended: nobody knows their end. */
  async #takeOverLeftover(): Promise<void> {
    const known = new Map<string, number>();
    for (const { instanceId, sequence, bytes } of this.#parts.journal?.leftover ?? []) {
      let last = known.get(instanceId);
      if (last === undefined) {
        last = sequenceIn(await this.#parts.store.lastDecisionOf(instanceId));
        known.set(instanceId, last);
      }
      if (sequence > last) this.#sequencer.takeOver(journaledDraft(bytes, instanceId), () => {});
    }
    if (known.size === 0 || !(await this.#sequencer.flush())) return;
    // Asked of the trail, so that a take-over that is cut short here is finished by the next one.
    await unknownForAll(this.#parts.store, [...known.keys()], this.#entries, this.#sequencer);
    await this.#sequencer.flush();
  }

  async decide(decision: Decision): Promise<DecisionRef> {
    const jotted = this.jot(decision);
    if (jotted !== null) {
      await this.#durableOrNot(jotted);
      return jotted;
    }
    const index = await this.#sequencer.append(this.#entries.decision(decision));
    const ref: DecisionRef = { index };
    this.#open.add(ref);
    return ref;
  }

  jot(decision: Decision): DecisionRef | null {
    const { journal } = this.#parts;
    if (journal === null) return null;
    this.#sequencer.check();
    const ref = new JournaledRef(journal.next);
    const draft = this.#entries.decision(decision, ref.sequence);
    journal.write(draft.bytes);
    this.#sequencer.takeOver(draft, (index) => this.#placed(ref, index));
    this.#open.add(ref);
    return ref;
  }

  durable(ref: DecisionRef): Promise<void> | null {
    const { journal } = this.#parts;
    if (journal === null || !(ref instanceof JournaledRef)) return null;
    return journal.durable(ref.sequence);
  }

  hasten(ref: DecisionRef): void {
    if (ref instanceof JournaledRef) this.#parts.journal?.hasten(ref.sequence);
  }

  async #durableOrNot(ref: DecisionRef): Promise<void> {
    try {
      await this.durable(ref);
    } catch (cause) {
      const reason = 'The journal could not be made durable; the agent was told no.';
      this.outcome(ref, { kind: 'not-forwarded', reason });
      throw cause;
    }
  }

  #placed(ref: JournaledRef, index: bigint): void {
    ref.index = index;
    this.#parts.journal?.release(ref.sequence);
    if (ref.early !== null) this.#sequencer.add(this.#entries.outcome(index, ref.early));
  }

  outcome(ref: DecisionRef, outcome: Outcome): void {
    if (!this.#open.delete(ref)) this.#noteIgnored(ref.index);
    else if (ref.index !== null) this.#sequencer.add(this.#entries.outcome(ref.index, outcome));
    else if (ref instanceof JournaledRef) ref.early = outcome;
  }

  read(intent: Intent, target: Target): boolean {
    if (!this.#sequencer.available) {
      if (this.#parts.readsWhenUnavailable === 'refuse') return false;
      this.#readsLost += 1;
      return true;
    }
    this.#reads.count(intent, target, this.#parts.clock.now().getTime());
    if (this.#reads.total >= READ_BATCH_UNITS_MAX) this.#flushReads();
    else this.#readTimer ??= setTimeout(() => this.#flushReads(), READ_BATCH_MS_MAX).unref();
    return true;
  }

  note(event: HoldfastEvent): void {
    this.#sequencer.add(this.#entries.event(event));
  }

  /** As `note`, and durable when it resolves. HF_TRAIL_UNAVAILABLE, HF_TRAIL_BROKEN: then it is nowhere. */
  async record(event: HoldfastEvent): Promise<void> {
    await this.#sequencer.append(this.#entries.event(event));
  }

  /** Once it is settled, what this instance left open is `unknown` for everybody. */
  get instanceId(): string {
    return this.#parts.instanceId;
  }

  status(): TrailStatus {
    const { available, head } = this.#sequencer;
    return { available, size: head.size, open: this.#open.size };
  }

  /** All that was handed in so far is durable and signed; false when the trail is away. */
  async flush(): Promise<boolean> {
    this.#flushReads();
    const written = await this.#sequencer.flush();
    if (written) await this.#checkpointer.sign(this.#sequencer.head);
    return written;
  }

  /** Idempotent. Hand in nothing after it. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.#checkpointTimer) clearInterval(this.#checkpointTimer);
    await this.#keeping;
    const reason = 'Holdfast was stopped before the answer came.';
    for (const ref of [...this.#open]) this.outcome(ref, { kind: 'unknown', reason });
    // Decisions that are in the journal only get their places, and with them their outcomes.
    await this.#sequencer.flush();
    this.note({
      kind: 'instance-stopped',
      facts: { instance: this.#parts.instanceId, killed: false },
      message: 'Holdfast stopped.',
    });
    const written = await this.flush().catch(() => false);
    this.#sequencer.close();
    this.#parts.journal?.close();
    if (written) await this.#parts.instances.settled(this.#parts.instanceId).catch(() => {});
    await this.#parts.instances.close();
    await this.#parts.store.close();
  }

  #flushReads(): void {
    if (this.#readTimer) clearTimeout(this.#readTimer);
    this.#readTimer = null;
    const draft = this.#reads.take(this.#entries);
    if (draft === null) return;
    this.#sequencer.add(draft);
    void this.#sequencer.flush();
  }

  #sayReadsLost(): void {
    if (this.#readsLost === 0) return;
    this.note({
      kind: 'reads-not-recorded',
      facts: { units: this.#readsLost },
      message: 'Reads were forwarded while the trail could not be written, as configured.',
    });
    this.#readsLost = 0;
  }

  #noteIgnored(index: bigint | null): void {
    this.note({
      kind: 'outcome-ignored',
      facts: { decision: index === null ? null : Number(index) },
      message: 'A second outcome came for a decision; the first stands.',
    });
  }
}

/** A decision in the journal, on its way to the trail. */
class JournaledRef implements DecisionRef {
  readonly sequence: number;
  index: bigint | null = null;
  /** The outcome, when it came before the decision had its place. */
  early: Outcome | null = null;

  constructor(sequence: number) {
    this.sequence = sequence;
  }
}

function sequenceIn(entry: Buffer | null): number {
  if (entry === null) return 0;
  const parsed: unknown = JSON.parse(entry.toString('utf8'));
  const isRecord = typeof parsed === 'object' && parsed !== null && 'sequence' in parsed;
  return isRecord && typeof parsed.sequence === 'number' ? parsed.sequence : 0;
}
