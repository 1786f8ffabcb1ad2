/** Work on several at a time, results in the order of what came in; the first failure ends it. */
export async function* inOrder<T, R>(
  source: AsyncIterable<T>,
  atOnce: number,
  work: (one: T) => Promise<R>,
): AsyncIterable<R> {
  const running: Promise<R>[] = [];
  try {
    for await (const one of source) {
      const result = work(one);
      // Its failure is met below, when its turn comes.
      result.catch(() => {});
      running.push(result);
      if (running.length < atOnce) continue;
      const first = running.shift();
      if (first) yield await first;
    }
    for (let next = running.shift(); next; next = running.shift()) yield await next;
  } finally {
    await Promise.allSettled(running);
  }
}
