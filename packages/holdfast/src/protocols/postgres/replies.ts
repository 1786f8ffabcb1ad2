/**
 * What the server answers in a cycle in which something stands for statements of the client, message
 * by message: which answers are to ours and not seen by the client, and which completion, error or
 * notice belongs to which statement. Counted, never guessed: an agent's own CALL keeps its tag.
 */
import { BACKEND, FRONTEND } from './frames.ts';
import { commandComplete } from './messages.ts';
import { mendedReport, type PositionMap, type Stand } from './reports.ts';

export interface Step {
  /** The message that is answered, by its tag; a statement of a simple Query counts as Execute. */
  readonly to: number;
  /** Ours: the client does not see that it was answered. */
  readonly hidden: boolean;
  readonly stand: Stand | null;
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
    if (step.hidden) return NOTHING;
    if (tag !== BACKEND.commandComplete || step.stand === null) return null;
    return commandComplete(step.stand.tag);
  }

  /** An ErrorResponse or a NoticeResponse, as it would be without us. */
  reported(tag: number, body: Buffer): Buffer {
    return mendedReport(tag, body, this.#steps[this.#at]?.stand ?? null, this.#map);
  }
}
