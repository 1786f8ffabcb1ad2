/**
 * What the server answers in a cycle in which something stands for statements of the client, message
 * by message: which answers are to ours and not seen by the client, and which completion, error or
 * notice belongs to which statement. Counted, never guessed: an agent's own CALL keeps its tag.
 */
import { BACKEND, FRONTEND } from './frames.ts';
import { commandComplete } from './messages.ts';
import { mendedReport, type PositionMap, rowsIn, type Stand, saysSkipped } from './reports.ts';

export interface Step {
  /** The message that is answered, by its tag; a statement of a simple Query counts as Execute. */
  readonly to: number;
  /** Ours: the client does not see that it was answered. */
  readonly hidden: boolean;
  readonly stand: Stand | null;
  /** What the statement would answer besides: its description, its one row. Ours has neither. */
  readonly row: { readonly head: Buffer; readonly body: Buffer } | null;
}

const NOTHING = Buffer.alloc(0);

/** By what each message is answered when it is done. */
const ENDS: Readonly<Record<number, readonly number[]>> = {
  [FRONTEND.parse]: [BACKEND.parseComplete],
  [FRONTEND.bind]: [BACKEND.bindComplete],
  [FRONTEND.close]: [BACKEND.closeComplete],
  [FRONTEND.describe]: [BACKEND.rowDescription, BACKEND.noData],
  [FRONTEND.execute]: [
    BACKEND.commandComplete,
    BACKEND.emptyQueryResponse,
    BACKEND.portalSuspended,
  ],
};

export class Replies {
  readonly #steps: Step[] = [];
  readonly #map: PositionMap | null;
  #at = 0;
  /** Of the statement that runs now, as our own function said. */
  #rows: string | null = null;
  #isSkipped = false;
  /** Of the completion that was answered last. */
  tag = '';

  constructor(map: PositionMap | null) {
    this.#map = map;
  }

  expect(steps: readonly Step[]): void {
    for (const step of steps) this.#steps.push(step);
  }

  /** What goes to the client in place of this message; null: the message itself. */
  answered(tag: number): Buffer | null {
    const step = this.#steps[this.#at];
    if (step === undefined || ENDS[step.to]?.includes(tag) !== true) return null;
    this.#at += 1;
    const rows = this.#rows;
    this.#rows = null;
    if (step.hidden) return NOTHING;
    if (tag === BACKEND.noData && step.row !== null) return step.row.head;
    if (tag !== BACKEND.commandComplete || step.stand === null) return null;
    const isCounted = step.stand.answers === 'count' && rows !== null;
    this.tag = isCounted ? `SELECT ${rows}` : step.stand.tag;
    const complete = commandComplete(this.tag);
    return step.row === null ? complete : Buffer.concat([step.row.head, step.row.body, complete]);
  }

  /** An ErrorResponse or a NoticeResponse, as it would be without us. */
  reported(tag: number, body: Buffer): Buffer {
    const stand = this.#steps[this.#at]?.stand ?? null;
    if (stand !== null && tag === BACKEND.noticeResponse) {
      const rows = rowsIn(body);
      if (rows !== null) {
        // It ran, and made none because it was there: the server says so, and has no count then.
        this.#rows = this.#isSkipped ? null : rows;
        this.#isSkipped = false;
        return NOTHING;
      }
      if (stand.answers === 'count' && saysSkipped(body)) this.#isSkipped = true;
    }
    const report = mendedReport(tag, body, stand, this.#map);
    const row = this.#steps[this.#at]?.row ?? null;
    // What a query would answer is described before it runs.
    return tag === BACKEND.errorResponse && row !== null
      ? Buffer.concat([row.head, report])
      : report;
  }
}
