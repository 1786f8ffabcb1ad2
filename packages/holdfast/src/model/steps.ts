/**
 * Work that is too long to be done in one go where others wait: written once, as steps, and done at once by a
 * command, or step by step by whoever answers requests meanwhile. A step is a few milliseconds; whoever writes the
 * steps counts rows or bytes for that.
 */
export type Steps<T> = Generator<void, T, void>;

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Everything else that is due is done between two steps. */
export async function inSteps<T>(steps: Steps<T>): Promise<T> {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await new Promise<void>((done) => setImmediate(done));
  }
}
