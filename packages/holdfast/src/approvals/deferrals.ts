/**
 * What the pipeline asks of approvals when something approved cannot be taken back: it is put off for
 * the grace, shown with its countdown, can be cancelled by whoever may approve, and is decided again
 * when due. Whoever schedules it does not run it.
 */
import type { Intent } from '../model/intent.ts';
import type { Target } from '../model/target.ts';
import type { Protect } from '../model/verdict.ts';
import type { HoldTicket } from './desk.ts';

export interface Deferral {
  readonly id: string;
  /** If watching goes on without a break. */
  readonly dueAt: Date;
}

export interface Deferrals {
  /** What waits for these very bytes already; to be asked before a hold is opened for them. */
  standing(intent: Intent, target: Target): Promise<Deferral | null>;
  /**
   * Durable when it resolves. The same digest on the same target is scheduled once: a second try
   * finds the first. `ticket`: the hold whose approval was used for it; null when nobody had to sign.
   * `searchPath`: as `Scope` has it; unqualified names are looked up there when it runs.
   * HF_UNSUPPORTED for what is not one statement, HF_LIMIT for one that is too long.
   */
  schedule(
    intent: Intent,
    target: Target,
    verdict: Protect,
    ticket: HoldTicket | null,
    searchPath: readonly string[],
  ): Promise<Deferral>;
}
