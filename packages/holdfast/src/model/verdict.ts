/** The answer to an intent. Made by `policy/`, branched on in one place: `pipeline/`. */

import type { Reversal } from './reversal.ts';

export type ReversalName = Reversal['kind'];

interface Grounds {
  /** Id of the deciding rule, stable: `guarded.destroy`. */
  readonly rule: string;
  /** One sentence a person and an agent understand. */
  readonly reason: string;
}

export interface Forward extends Grounds {
  readonly kind: 'forward';
}
/** Made reversible first, then forwarded. */
export interface Protect extends Grounds {
  readonly kind: 'protect';
  /** How it is made reversible; named once the pipeline has found out. */
  readonly reversal?: ReversalName;
}
/** Waits for people. `people` distinct ones must sign (at least 1). */
export interface Hold extends Grounds {
  readonly kind: 'hold';
  readonly people: number;
}
export interface Refuse extends Grounds {
  readonly kind: 'refuse';
  /** What to do instead; never empty. */
  readonly hint: string;
}

export type Verdict = Forward | Protect | Hold | Refuse;

/** From mildest to strictest: the strictest of several verdicts is the one that stands. */
export const VERDICT_ORDER = ['forward', 'protect', 'hold', 'refuse'] as const;
