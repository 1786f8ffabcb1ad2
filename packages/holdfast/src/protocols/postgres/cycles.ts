/**
 * What has been forwarded and not yet answered. A cycle is everything the server ends with one
 * ReadyForQuery: one simple Query, or the extended messages up to Sync. Cycles end in order.
 */
import type { Outcome } from '../../model/outcome.ts';
import type { TransactionStatus } from './messages.ts';
import type { Replies } from './replies.ts';
import type { ServerError } from './server-stream.ts';
import type { SettingsAsked } from './setting-facts.ts';
import type { NameChange } from './statements.ts';

export interface Cycle {
  readonly kind: 'simple' | 'extended';
  /** Who wants to know how it ended; null: nobody, as for most. */
  reports: ((outcome: Outcome) => void)[] | null;
  /** Prepared-statement names whose meaning it changes. */
  changes: NameChange[] | null;
  /** Goes to the client in place of the server's error: the answer to a denied unit. */
  substitute: Buffer | null;
  /** What is answered to it, message by message, when something stands for a statement; else null. */
  replies: Replies | null;
  /** Something was bound in it: it may have run. */
  ran: boolean;
  error: ServerError | null;
  /** It may change what settings are in force: its tags are kept. */
  isWatched: boolean;
  /** Settings that it changes by itself; null: none. */
  settings: SettingsAsked | null;
  tag: string;
  /** False while its Sync has not been forwarded. */
  closed: boolean;
  /** Its Sync is ours, not the client's: the client does not see its ReadyForQuery. */
  silent: boolean;
}

export function newCycle(kind: Cycle['kind']): Cycle {
  return {
    kind,
    reports: null,
    changes: null,
    substitute: null,
    replies: null,
    ran: false,
    error: null,
    isWatched: false,
    settings: null,
    tag: '',
    closed: kind === 'simple',
    silent: false,
  };
}

export class Cycles {
  #open: Cycle[] = [];

  get isEmpty(): boolean {
    return this.#open.length === 0;
  }

  get count(): number {
    return this.#open.length;
  }

  /** The cycle the server is answering now. */
  get first(): Cycle | undefined {
    return this.#open[0];
  }

  /** The cycle that bytes forwarded now belong to, when its Sync has not gone yet. */
  get unclosed(): Cycle | undefined {
    const last = this.#open.at(-1);
    return last !== undefined && !last.closed ? last : undefined;
  }

  every(test: (cycle: Cycle) => boolean): boolean {
    return this.#open.every(test);
  }

  push(cycle: Cycle): void {
    this.#open.push(cycle);
  }

  /** The server said ReadyForQuery: tells everybody who asked. */
  end(status: TransactionStatus): Cycle | undefined {
    const cycle = this.#open.shift();
    if (cycle === undefined || cycle.reports === null) return cycle;
    const outcome: Outcome =
      cycle.error === null
        ? { kind: 'done', tag: cycle.tag, transaction: status === 'I' ? 'ended' : 'open' }
        : { kind: 'failed', code: cycle.error.code, message: failure(cycle.error, cycle.tag) };
    for (const report of cycle.reports) report(outcome);
    return cycle;
  }

  /** The connection is gone: what was forwarded may or may not have happened. */
  abandon(reason: string): void {
    for (const cycle of this.#open.splice(0)) {
      for (const report of cycle.reports ?? []) report({ kind: 'unknown', reason });
    }
  }
}

/** With what was complete by then: after a COMMIT of its own, that stands although the unit failed. */
function failure({ message }: ServerError, tag: string): string {
  return tag === '' ? message : `${message} (after: ${tag})`;
}
