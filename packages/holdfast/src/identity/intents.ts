/**
 * Changes of who may what are in the trail, whatever happens between the change and its entry. In this order:
 *
 *   the intent is kept -> the change -> its entries, durable -> the intent is forgotten
 *
 * Where we stopped on the way, the intent is found by `settle` later and goes into the trail as one whose end
 * nobody saw: an entry too many rather than one too few. A change that was refused leaves none.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import { INTENT_SETTLE_MS } from '../model/limits.ts';

export interface IntentStore {
  add(id: string, event: HoldfastEvent, now: Date): Promise<void>;
  forget(id: string): Promise<void>;
  /**
   * Those of before, oldest first, each by one process only: it is forgotten once `tell` resolves. One that
   * cannot be told is kept, stands behind the others from `now` on, and goes to `trouble`. How many were told.
   */
  settle(settling: Settling): Promise<number>;
}

export interface Settling {
  readonly before: Date;
  readonly now: Date;
  readonly tell: (event: HoldfastEvent) => Promise<void>;
  readonly trouble: (error: unknown) => void;
}

/** What a room that changes something is handed. */
export interface Recorded {
  /** `told`: what happened, as entries; none where nothing did. */
  around<T>(
    intent: HoldfastEvent,
    change: () => Promise<T>,
    told: (done: T) => readonly HoldfastEvent[],
  ): Promise<T>;
}

export interface IntentsParts {
  readonly store: IntentStore;
  readonly clock: Clock;
  /** Durable when it resolves. */
  readonly record: (event: HoldfastEvent) => Promise<void>;
  /** An entry could not be written now; its intent is kept. */
  readonly trouble: (error: unknown) => void;
}

export class Intents implements Recorded {
  readonly #parts: IntentsParts;

  constructor(parts: IntentsParts) {
    this.#parts = parts;
  }

  async around<T>(
    intent: HoldfastEvent,
    change: () => Promise<T>,
    told: (done: T) => readonly HoldfastEvent[],
  ): Promise<T> {
    const { clock, store, trouble } = this.#parts;
    const id = newId('intent', clock);
    await store.add(id, intent, clock.now());
    let done: T;
    try {
      done = await change();
    } catch (error) {
      // Of anything else, a lost connection say, nobody knows whether it was done.
      if (isRefusal(error)) await store.forget(id).catch(trouble);
      throw error;
    }
    await this.told(id, told(done));
    return done;
  }

  /** Of an intent that is kept already: what happened. Never rejects: else it is settled later. */
  async told(id: string, events: readonly HoldfastEvent[]): Promise<void> {
    const { record, store, trouble } = this.#parts;
    try {
      for (const event of events) await record(event);
      await store.forget(id);
    } catch (error) {
      trouble(error);
    }
  }

  /** How many there were. What one of them met is told to `trouble`, and stops none of the others. */
  settle(): Promise<number> {
    const { clock, record, store, trouble } = this.#parts;
    const now = clock.now();
    const before = new Date(now.getTime() - INTENT_SETTLE_MS);
    const tell = (event: HoldfastEvent): Promise<void> => record(unsettled(event));
    return store.settle({ before, now, tell, trouble });
  }
}

/** For where nobody keeps intents: the entries alone, afterwards. */
export function noting(note: Note): Recorded {
  return {
    around: async (_, change, told) => {
      const done = await change();
      for (const event of told(done)) await note(event);
      return done;
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof HoldfastError && !error.code.startsWith('HF_STORE');
}

function unsettled({ facts, kind, message }: HoldfastEvent): HoldfastEvent {
  return {
    kind: 'intent-unsettled',
    facts: { ...facts, intended: kind },
    message: `Holdfast stopped before it was written down whether this was done: ${message}`,
  };
}
