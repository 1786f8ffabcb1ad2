/**
 * Whether an agent or a target is stopped; asked when an approval is about to be used. Nothing can be frozen yet: the
 * gateway hands none in, and so far only this place asks. An agent is stopped by a pause, which policy asks for.
 */
import type { Target } from '../model/target.ts';

export interface Freezes {
  /** One sentence, or null: nothing is frozen. */
  reasonFor(target: Target, agentId: string): string | null;
}

/** Where there is nothing yet that could freeze: no check that was made and found nothing. */
export const NO_FREEZES: Freezes = { reasonFor: () => null };
