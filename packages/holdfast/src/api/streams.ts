/**
 * Answers that come piece by piece, as server-sent events (WHATWG HTML, 9.2). Between events there is a
 * sign of life, and at each the session is asked for again: one that ended ends the stream. One person may
 * have a bounded number of them open.
 */
import { HoldfastError } from '../model/errors.ts';
import { STREAMS_PER_PERSON_MAX } from '../model/limits.ts';
import type { StreamEvent } from './handler.ts';
import { problemOf } from './problem.ts';

export interface StreamOptions {
  readonly gone: AbortSignal;
  readonly beatMs: number;
  /** Whoever asked may still hear this. */
  readonly maySay: () => Promise<boolean>;
  /** By the contract: what is not named there does not leave. */
  readonly shown: (data: unknown) => unknown;
  readonly trouble: (error: unknown) => void;
}

/**
 * A file of lines, while whoever asked may still have it: asked again every `beatMs`. One that is cut ends
 * without its end, as a broken connection, so that nobody takes it for whole.
 */
export async function* heldPieces(
  pieces: AsyncIterable<unknown>,
  { beatMs, gone, maySay }: Pick<StreamOptions, 'beatMs' | 'gone' | 'maySay'>,
): AsyncGenerator<unknown> {
  let isDue = false;
  const asking = setInterval(() => {
    isDue = true;
  }, beatMs);
  try {
    for await (const piece of pieces) {
      if (gone.aborted) return;
      if (isDue) {
        isDue = false;
        if (!(await maySay())) throw new Error('the session of whoever asked has ended');
      }
      yield piece;
    }
  } finally {
    clearInterval(asking);
  }
}

/** The text of an event stream. Ends, and ends its source, when whoever asked is gone. */
export async function* eventText(
  source: AsyncIterable<StreamEvent<unknown>>,
  { beatMs, gone, maySay, shown, trouble }: StreamOptions,
): AsyncGenerator<string> {
  const events = source[Symbol.asyncIterator]();
  yield 'retry: 2000\n\n';
  let isDue = false;
  const asking = setInterval(() => {
    isDue = true;
  }, beatMs);
  try {
    let next = events.next();
    while (!gone.aborted) {
      const came = await eitherOr(next, beatMs, gone);
      if (came === 'gone') return;
      // Also where something comes all the time: it is said to who may still hear it.
      if (came === 'beat' || isDue) {
        isDue = false;
        if (!(await maySay())) {
          yield 'event: signed-out\ndata: {}\n\n';
          return;
        }
      }
      if (came === 'beat') {
        yield ': here\n\n';
        continue;
      }
      if (came.done === true) return;
      yield textOf(came.value.id, shown(came.value.data));
      next = events.next();
    }
  } catch (error) {
    if (gone.aborted) return;
    const problem = problemOf(error);
    if (problem.code === 'HF_INTERNAL') trouble(error);
    yield `event: problem\ndata: ${JSON.stringify(problem)}\n\n`;
  } finally {
    clearInterval(asking);
    // Not awaited: it may wait for what never comes, and is told by `gone` too.
    void events.return?.()?.catch(() => {});
  }
}

function textOf(id: string | null, data: unknown): string {
  return `${id === null ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

async function eitherOr<T>(
  next: Promise<T>,
  beatMs: number,
  gone: AbortSignal,
): Promise<T | 'beat' | 'gone'> {
  let timer: NodeJS.Timeout | undefined;
  let leave = (): void => {};
  const otherwise = new Promise<'beat' | 'gone'>((done) => {
    timer = setTimeout(() => done('beat'), beatMs);
    leave = () => done('gone');
    gone.addEventListener('abort', leave);
  });
  try {
    return await Promise.race([next, otherwise]);
  } finally {
    clearTimeout(timer);
    gone.removeEventListener('abort', leave);
  }
}

/** How many streams each has open. */
export class OpenStreams {
  readonly #open = new Map<string, number>();

  /** HF_RATE when there are too many; the answer is to be called once when this one ends. */
  enter(who: string): () => void {
    const open = this.#open.get(who) ?? 0;
    if (open >= STREAMS_PER_PERSON_MAX) {
      throw new HoldfastError('HF_RATE', {
        expected: `at most ${STREAMS_PER_PERSON_MAX} streams of one person at a time`,
        found: 'one more',
        hint: 'Close another page of the dashboard.',
      });
    }
    this.#open.set(who, open + 1);
    return () => {
      const left = (this.#open.get(who) ?? 1) - 1;
      if (left > 0) this.#open.set(who, left);
      else this.#open.delete(who);
    };
  }
}
