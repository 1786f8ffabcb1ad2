/**
 * An approved act that has no reversal: it waits out the grace, and until then anyone who may approve
 * can cancel it. As data: no store, no clock, no wait.
 *
 *     scheduled --cancel--> cancelled    by one person; no quorum for a no
 *     scheduled --due, decided again: no--> void
 *     scheduled --due, decided again: yes--> running --> done | failed | unknown
 *
 * `running` is left once and never entered again: what was cut off is `unknown`, and whoever wants it
 * asks again and waits again.
 */
import type { HttpAct } from '../model/http-request.ts';
import type { Signature } from '../policy/judge.ts';
import type { HoldCard } from './hold.ts';
import type { BoundHold } from './release.ts';
import type { Parameter } from './runnable.ts';

export const DEFERRAL_STATES = [
  'scheduled',
  'cancelled',
  'running',
  'done',
  'failed',
  'unknown',
  'void',
] as const;
export type DeferralState = (typeof DEFERRAL_STATES)[number];
/** Those that may still come to run. */
export const OPEN_DEFERRAL_STATES: readonly DeferralState[] = ['scheduled', 'running'];

export interface NewDeferral {
  readonly id: string;
  /** As a hold's: what, where, who, and why it waits. `digest` covers `acts` and the target. */
  readonly card: HoldCard;
  /** The approval that it used up; null when policy asked for none. */
  readonly holdId: string | null;
  /**
   * `Intent.acts()`, what the digest covers: what the meaning of the text hung on, and the text with what
   * is bound to it (runnable.ts). Never empty.
   */
  readonly acts: readonly Buffer[];
  /** Schemas that unqualified names are looked up in, as in the agent's session. */
  readonly searchPath: readonly string[];
  readonly scheduledAt: Date;
  /** By the ledger of watched time. */
  readonly dueTickMs: bigint;
}

export interface DeferralRecord extends NewDeferral {
  readonly state: DeferralState;
  /** The exact text that will run, in UTF-8, read out of `acts`, so that it is what was signed. */
  readonly statement: Buffer;
  /** What is bound to it, from there too. */
  readonly parameters: readonly Parameter[];
  /** Null: it is SQL. */
  readonly request: HttpAct | null;
  /** Under the approval it used up, of people who still count. */
  readonly signatures: readonly Signature[];
  /** What these signed; null: nobody had to, or what they signed was denied or voided meanwhile. */
  readonly signed: BoundHold | null;
  readonly decidedAt: Date | null;
  /** Who cancelled it. */
  readonly decidedBy: string | null;
  /** Why it was cancelled or void; what the target said when it ran. */
  readonly note: string | null;
}

/** In lists: without what may be long. */
export type DeferralLine = Omit<
  DeferralRecord,
  'statement' | 'parameters' | 'request' | 'acts' | 'signatures' | 'signed'
>;
