/**
 * The contract between a protocol and the spine: what a protocol lends the pipeline for each unit
 * that can be forwarded whole. Duties of an implementation:
 *
 * - It is made before anything of the unit reached upstream, and holds all of the unit's bytes.
 * - `forward` is the only path upstream and is called at most once; after it, nothing is refused.
 * - Exactly one of `forward` and `refuse` is called, and then the exchange is dead.
 * - `refuse` answers in the caller's own tongue and leaves the session correct or closed.
 * - `forward` may have to prepare something outside first (receipts); then it returns a promise that
 *   never rejects, and nothing else of the session is looked at until it resolves. Should it find that
 *   it cannot forward, it answers no by itself and reports `not-forwarded`.
 * - Nothing here throws; a session that has gone away reports `not-forwarded` or `unknown`.
 */
import type { ErrorCode } from '../model/errors.ts';
import type { Intent } from '../model/intent.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Protection, Reversal } from '../model/reversal.ts';
import type { Target, TargetFacts } from '../model/target.ts';

/**
 * When the effects of a unit become permanent:
 * - `at-once`    with the unit, or it may make permanent what went before (COMMIT); when in doubt.
 * - `on-commit`  only when a later unit of the same session says so; if the session ends, never.
 */
export type Lasting = 'at-once' | 'on-commit';

/** A no, for the agent: what, why, and what to do instead. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
  /** Character offset (1-based) in the statement, when the fault has a place; else null. */
  readonly position: number | null;
}

export interface Exchange {
  readonly intent: Intent;
  /** The same object for as long as the facts stay the same. */
  locate(): TargetFacts;
  readonly lasting: Lasting;
  /** How it could be taken back, or why not. */
  readonly reversal: Reversal;
  /**
   * For reversal `inverse`: makes what takes it back durable, before anything is sent. False when that
   * cannot be done: `reversal` and the reading of `intent` then say what is so without it. Again: the
   * same answer. Never rejects.
   */
  keep?(target: Target): Promise<boolean>;
  /**
   * After a wait: what was looked up for it is looked up anew, and `intent` and `reversal` say what is so now. Why
   * that cannot be told, as the end of a sentence; null: it is told. Left out: nothing is looked up. Never rejects.
   */
  freshen?(): Promise<string | null>;
  /** Of its target, now. The same object for as long as nothing changes. */
  readonly protection: Protection;
  /** `report` gets exactly one outcome; null when nobody asks (harmless reads). */
  forward(report: ((outcome: Outcome) => void) | null): Promise<void> | undefined;
  refuse(refusal: Refusal): void;
}
