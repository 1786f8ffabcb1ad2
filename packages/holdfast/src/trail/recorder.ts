/**
 * What the pipeline asks of the trail. Record, then act (P1): `decide` resolves only when the entry
 * is durable. An outcome follows each decision exactly once. Reads go by batch, within a stated bound.
 */
import type { HoldfastEvent } from '../model/event.ts';
import type { Intent } from '../model/intent.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Target } from '../model/target.ts';
import type { Verdict } from '../model/verdict.ts';

export interface Decision {
  readonly intent: Intent;
  readonly target: Target;
  /** Lower-case hex SHA-256 of the exact acts and the target. */
  readonly digest: string;
  readonly verdict: Verdict;
  readonly policyVersion: string;
  readonly holdId: string | null;
}

/** Names a decision entry; opaque to everybody but the trail. */
export interface DecisionRef {
  /** Its place in the trail; null while it lies in the journal only. */
  readonly index: bigint | null;
}

export interface Recorder {
  /** Resolves when durable. Rejects with HF_TRAIL_UNAVAILABLE: then nothing may be forwarded. */
  decide(decision: Decision): Promise<DecisionRef>;
  /**
   * Written down when it returns: it survives the end of this process, kill -9 included, and that of
   * the machine when `durable` has resolved. For what a later unit must make permanent. Null when
   * this recorder cannot do that: then `decide`. Throws HF_TRAIL_UNAVAILABLE.
   */
  jot(decision: Decision): DecisionRef | null;
  /** Resolves when the decision and all before it are durable; null when they are. */
  durable(ref: DecisionRef): Promise<void> | null;
  /** `durable(ref)` will be asked for soon: begins with it, and nobody waits. Never throws. */
  hasten(ref: DecisionRef): void;
  /** Exactly once per decision; durable with the next batch. Never throws. */
  outcome(ref: DecisionRef, outcome: Outcome): void;
  /**
   * Counts one harmless unit into the current batch. False when reads cannot be recorded and the
   * configured rule says that they then may not pass.
   */
  read(intent: Intent, target: Target): boolean;
  /** Durable with the next batch. Never throws. */
  note(event: HoldfastEvent): void;
}
