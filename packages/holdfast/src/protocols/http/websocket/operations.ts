/**
 * The operations of one connection, by the agent's ids and by ours: what goes to the provider has a number
 * that was never used before, so that a late answer to an operation that ended is not taken for the answer
 * to another one. Each that was recorded gets exactly one outcome.
 */
import { HoldfastError } from '../../../model/errors.ts';
import { PROVIDER_ANSWER_LOOK_BYTES, SOCKET_OPERATIONS_MAX } from '../../../model/limits.ts';
import type { Outcome } from '../../../model/outcome.ts';
import type { Provider } from '../../../providers/provider.ts';

export type Report = (outcome: Outcome) => void;

export class Operation {
  /** The agent's. */
  readonly id: string;
  /** Ours; null: not sent. */
  sentAs: string | null = null;
  isOver = false;
  #report: Report | null = null;

  constructor(id: string) {
    this.id = id;
  }

  /** Null: nobody asks. */
  owe(report: Report | null): void {
    this.#report = report;
  }

  get isOwed(): boolean {
    return this.#report !== null;
  }

  /** The first word counts. */
  settle(outcome: Outcome): void {
    this.#report?.(outcome);
    this.#report = null;
  }
}

export class Operations {
  readonly #provider: Provider;
  readonly #open = new Map<string, Operation>();
  readonly #sent = new Map<string, Operation>();
  #count = 0;
  /** Those that the agent has ended while they were judged count, too. */
  #judged = 0;

  constructor(provider: Provider) {
    this.#provider = provider;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0 && this.#judged === 0;
  }

  get isFull(): boolean {
    return Math.max(this.#open.size, this.#judged) >= SOCKET_OPERATIONS_MAX;
  }

  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  begin(id: string): Operation {
    const operation = new Operation(id);
    this.#open.set(id, operation);
    return operation;
  }

  /** Never rejects. */
  async whileJudged(judging: Promise<void>): Promise<void> {
    this.#judged += 1;
    await judging.catch(() => {});
    this.#judged -= 1;
  }

  /** A number of its own, for the provider. */
  sent(operation: Operation): string {
    this.#count += 1;
    const number = String(this.#count);
    operation.sentAs = number;
    this.#sent.set(number, operation);
    return number;
  }

  ofAgent(id: string): Operation | undefined {
    return this.#open.get(id);
  }

  ofProvider(number: string): Operation | undefined {
    return this.#sent.get(number);
  }

  answered(operation: Operation, payload: string): void {
    if (!operation.isOwed) return;
    const begun = Buffer.from(payload).subarray(0, PROVIDER_ANSWER_LOOK_BYTES);
    operation.settle(this.#provider.outcomeOf(200, begun));
  }

  failed(operation: Operation, payload: string): void {
    operation.settle({ kind: 'failed', code: 'errors', message: payload.slice(0, 500) });
    this.end(operation);
  }

  completed(operation: Operation): void {
    this.answered(operation, '{}');
    this.end(operation);
  }

  /** An outcome that is still owed is unknown then. */
  end(operation: Operation): void {
    operation.isOver = true;
    operation.settle({ kind: 'unknown', reason: 'it was ended before an answer came' });
    if (this.#open.get(operation.id) === operation) this.#open.delete(operation.id);
    if (operation.sentAs !== null) this.#sent.delete(operation.sentAs);
  }

  endAll(): void {
    for (const operation of [...this.#open.values()]) this.end(operation);
  }
}

export function tooMany(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `at most ${SOCKET_OPERATIONS_MAX} operations open over one connection`,
    found: 'one more',
    hint: 'End one first, or open another connection.',
  });
}
