/**
 * Reversal by the inverse operation, for what keeps its state behind an API: the state before is read and
 * kept, and another operation of the same API sets it again. Values are of whoever has the API (a provider):
 * text that is compared and handed back, never looked into and never shown, because it may be a secret.
 */
import type { AgentActor } from '../model/actor.ts';
import type { HttpAct } from '../model/http-request.ts';
import type { SessionFacts } from '../model/intent.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Target } from '../model/target.ts';

/** One value of the state of a resource. */
export interface StateSlot {
  /** Which value it is, for its provider: `{ of: 'variable', environmentId: '...', name: '...' }`. */
  readonly at: Readonly<Record<string, string | null>>;
  /** For people: `variable DATABASE_URL of service api`. Never a value. */
  readonly title: string;
}

/** A slot with what it holds; null: nothing is there. */
export interface StateValue extends StateSlot {
  readonly value: string | null;
}

export interface SlotChange extends StateSlot {
  readonly before: string | null;
  /** What the act makes of it. */
  readonly after: string | null;
}

/** Every value that an act changes, each once; at most INVERSE_VALUES_MAX. */
export interface Inverse {
  readonly changes: readonly SlotChange[];
  /** What does not come back with them, in sentences. */
  readonly notRestored: readonly string[];
}

/** What a provider lends the undo. */
export interface InverseSource {
  /** What the slots hold now, in their order. Rejects when that cannot be read whole. */
  stateOf(slots: readonly StateSlot[]): Promise<readonly StateValue[]>;
  /** One request that sets all of them, each to its value. */
  setting(values: readonly StateValue[]): HttpAct;
}

/** What is to be kept, and on whose account. */
export interface InverseToKeep {
  readonly inverse: Inverse;
  readonly provider: string;
  readonly target: Target;
  readonly actor: AgentActor | null;
  readonly client: SessionFacts['client'];
  /** The item that this one's act takes back; null: none. */
  readonly undoOf: string | null;
}

/**
 * An undo item whose act was not sent yet. It stands as one that is not known to have happened until
 * `settle` says what came of it: so a crash in between loses nothing.
 */
export interface KeptInverse {
  readonly id: string;
  /** What was not forwarded leaves nothing to take back. Never rejects. */
  settle(outcome: Outcome): Promise<void>;
}

export interface InverseKeeper {
  /** Durable when it resolves. Rejects when it is not: then nothing may be sent as if it were. */
  keep(what: InverseToKeep): Promise<KeptInverse>;
}

/** Whether an act whose state before is kept came about. */
export const HAPPENED = ['done', 'failed', 'unknown'] as const;
export type Happened = (typeof HAPPENED)[number];

export function slotKey({ at }: StateSlot): string {
  const entries = Object.entries(at).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(entries);
}
