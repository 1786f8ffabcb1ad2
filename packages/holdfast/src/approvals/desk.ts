/**
 * What the pipeline asks of approvals: where does this intent stand? The desk keeps holds, wakes who
 * waits, and lets an approval pass exactly once.
 */
import type { Intent } from '../model/intent.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import type { Signature } from '../policy/judge.ts';
import type { Approval } from './hold-store.ts';
import type { Asked } from './release.ts';

export interface HoldTicket {
  readonly id: string;
  readonly digest: string;
  readonly expiresAt: Date;
  readonly peopleNeeded: number;
  readonly peopleSigned: number;
  /** Why those who signed are not enough, though they are as many as policy wants; left out: they are not. */
  readonly alone?: string;
  /** What was verified for what is about to run; null: it was not approved. */
  readonly approval: Approval | null;
}

/** A hold that counts no more, because a fact that people are asked about has changed. */
export interface Voided {
  readonly id: string;
  /** One sentence each. */
  readonly changes: readonly string[];
}

/** What would run after a wait, or why that cannot be told. */
export type AfterWait =
  | { readonly kind: 'asked'; readonly asked: Asked }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'lost'; readonly why: string };

export type Standing =
  | {
      readonly kind: 'waiting';
      readonly ticket: HoldTicket;
      /** The hold before this one; null: there was none, or it ended by itself. */
      readonly voided: Voided | null;
    }
  | {
      readonly kind: 'signed';
      readonly ticket: HoldTicket;
      /** Each verified just now, for exactly what is about to run. */
      readonly signatures: readonly Signature[];
      /** What their card said of taking it back; null: an older Holdfast opened it, which did not say. */
      readonly shown: TakingBack | null;
    }
  /** It was decided, and what would run now cannot be told. */
  | { readonly kind: 'lost'; readonly ticket: HoldTicket; readonly why: string }
  | {
      readonly kind: 'denied';
      readonly ticket: HoldTicket;
      readonly by: string;
      readonly note: string;
    };

export interface Desk {
  /**
   * Opens a hold for this digest, or finds the one that exists. Waits at most `waitMs` for people to
   * decide. The same digest never opens a second hold while one waits; a denial stays denied. `signed` is
   * said only of what was verified anew: bound facts, proofs, people who still count. `again`: what would run
   * as it is after a wait that ended with a decision; left out, it is what it was before.
   */
  submit(
    intent: Intent,
    target: Target,
    verdict: Hold,
    waitMs: number,
    takingBack: TakingBack,
    again?: (() => Promise<AfterWait>) | null,
  ): Promise<Standing>;
  /**
   * Uses the signatures up. False when somebody else did first, they expired meanwhile, or one of them
   * stopped counting since it was verified.
   */
  consume(ticket: HoldTicket): Promise<boolean>;
  /** What was signed is not so any more; the hold counts for nothing. */
  annul(ticket: HoldTicket, changes: readonly string[]): Promise<void>;
}
