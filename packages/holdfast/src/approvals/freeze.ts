/** Whether an agent or a target is stopped; asked when an approval is about to be used. */
import type { Target } from '../model/target.ts';

export interface Freezes {
  /** One sentence, or null: nothing is frozen. */
  reasonFor(target: Target, agentId: string): string | null;
}

export const NO_FREEZES: Freezes = { reasonFor: () => null };
