/**
 * What the pipeline asks of approvals: where does this intent stand? The desk keeps holds, wakes who
 * waits, and lets an approval pass exactly once.
 */
import type { Intent } from '../model/intent.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import type { Signature } from '../policy/judge.ts';

export interface HoldTicket {
  readonly id: string;
  readonly digest: string;
  readonly expiresAt: Date;
  readonly peopleNeeded: number;
  readonly peopleSigned: number;
}

export type Standing =
  | { readonly kind: 'waiting'; readonly ticket: HoldTicket }
  | {
      readonly kind: 'signed';
      readonly ticket: HoldTicket;
      readonly signatures: readonly Signature[];
      /** What their card said of taking it back; null: an older Holdfast opened it, which did not say. */
      readonly shown: TakingBack | null;
    }
  | {
      readonly kind: 'denied';
      readonly ticket: HoldTicket;
      readonly by: string;
      readonly note: string;
    };

export interface Desk {
  /**
   * Opens a hold for this digest, or finds the one that exists. Waits at most `waitMs` for people to
   * decide. The same digest never opens a second hold while one waits; a denial stays denied.
   */
  submit(
    intent: Intent,
    target: Target,
    verdict: Hold,
    waitMs: number,
    takingBack: TakingBack,
  ): Promise<Standing>;
  /** Uses the signatures up. False when somebody else did first, or they expired meanwhile. */
  consume(holdId: string): Promise<boolean>;
}
