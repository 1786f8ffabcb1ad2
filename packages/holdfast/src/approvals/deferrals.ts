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
  readonly dueAt: Date;
}

export interface Deferrals {
  /**
   * Durable when it resolves. The same digest on the same target is scheduled once: a second try
   * finds the first. `ticket`: the hold whose approval was used for it; null when nobody had to sign.
   */
  schedule(
    intent: Intent,
    target: Target,
    verdict: Protect,
    ticket: HoldTicket | null,
  ): Promise<Deferral>;
}
