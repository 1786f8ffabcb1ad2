/**
 * What the pipeline asks of policy. Judging is synchronous and, for a reading seen before in the same
 * scope, a look-up: Cedar costs 0.3-2 ms and is never paid per read.
 */
import type { AgentActor } from '../model/actor.ts';
import type { Allowance } from '../model/allowance.ts';
import type { Reading } from '../model/effect.ts';
import type { RecoveryFacts } from '../model/recovery-facts.ts';
import type { Protection } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Protect, Verdict } from '../model/verdict.ts';

/** Stable for as long as nothing in it changes; judges cache by its identity. */
export interface Scope {
  readonly actor: AgentActor;
  readonly target: Target;
  /** Schemas an unqualified name is looked up in; empty when not known. */
  readonly searchPath: readonly string[];
  /** Of the target; a change of it is a new scope. */
  readonly protection: Protection;
  /** Of the target, as known now; a change of it is a new scope. */
  readonly recovery: RecoveryFacts;
  /** What the agent itself may now; a change of it is a new scope. */
  readonly allowance: Allowance;
}

/** A person's signature under a digest, as approvals hand it over. */
export interface Signature {
  readonly personId: string;
  readonly personName: string;
  readonly method: 'totp' | 'passkey';
  readonly at: Date;
}

export interface Judge {
  /** Changes with every policy change; named in each decision entry. */
  readonly version: string;
  /**
   * Never throws: an error while judging is a `refuse` with the reason. With signatures, a `hold`
   * that has enough distinct people becomes `forward`, or `protect` where the target is protected and a
   * rule asks for it; nothing else is softened by them.
   */
  judge(scope: Scope, reading: Reading, signatures: readonly Signature[]): Verdict;
  /** What is left of a `hold` once people have signed; null: plain `forward`. */
  beneath(scope: Scope, reading: Reading): Protect | null;
}
