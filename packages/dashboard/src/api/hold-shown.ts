/** A hold with its card. What people sign came after the first contract; where it is missing, it says so. */
import type { CardFacts } from '../../../holdfast/src/approvals/card-facts.ts';
import type { Answer } from './client.ts';

interface Bound {
  /** Six words of the hash that is signed, to compare by eye and ear. */
  readonly digestWords: string | null;
  /** What an approver types, since it goes for good; null: nothing. */
  readonly typedName: string | null;
  /** Rows it may change when it runs, or the approval is void. */
  readonly rowsAtMost: number | null;
  /** No approval is used after this. */
  readonly approvalUntil: string | null;
  readonly facts: CardFacts | null;
  /** What the agent says it is about. */
  readonly task: string | null;
  /** The person who answers for the agent. */
  readonly owner: string | null;
}

export type HoldShown = Answer<'holds.show'> & Partial<Bound>;
