/**
 * What Holdfast finds out at the target before people are asked, by itself and within a time bound:
 * rows, size, what hangs on it, which recovery paths die with it. Never the agent's words.
 */
import type { Intent } from '../model/intent.ts';
import type { Target } from '../model/target.ts';
import type { Dependent, Measured, TouchedObject } from '../model/touched.ts';

export type { Dependent, Measured, TouchedObject };

export interface CardFacts {
  /** ISO 8601, UTC. */
  readonly lookedUpAt: string;
  /** Rows that the act itself changes or destroys. */
  readonly rows: Measured | null;
  /** At most CARD_OBJECTS_MAX of each list, the largest first. */
  readonly objects: readonly TouchedObject[];
  readonly objectsTotal: number;
  readonly dependents: readonly Dependent[];
  readonly dependentsTotal: number;
  /** Recovery paths that die with it, one sentence each: `3 backups lie in the volume pg-data`. */
  readonly recoveryLost: readonly string[];
  /** What could not be told, one sentence each: `rows: the server did not answer within 400 ms`. */
  readonly notTold: readonly string[];
}

/** Nothing was found out, and nothing said of why. */
export const NO_FACTS: Omit<CardFacts, 'lookedUpAt'> = {
  rows: null,
  objects: [],
  objectsTotal: 0,
  dependents: [],
  dependentsTotal: 0,
  recoveryLost: [],
  notTold: [],
};

/** Of a card without facts whose look-up never came to its turn, or to an end. */
export const NOT_IN_TIME = 'rows, size, dependents: they could not be looked up in time';

/** Looks facts up for a card that is about to be opened, and again when an approval is to be used. */
export interface FactFinder {
  /**
   * Takes at most CARD_FACTS_MS_MAX, and CARD_FACTS_TURN_MS_MAX until its turn comes; null: nothing can be looked
   * up for this. `isDue`: for a deferral, which waits behind no look-up of its agent's holds. Rejects when its turn did not come: then nothing is known, for want of time.
   */
  find(intent: Intent, target: Target, isDue?: boolean): Promise<CardFacts | null>;
}
