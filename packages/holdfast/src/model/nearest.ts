/** The known word nearest to one that is not known, for "did you mean". */

/** Null when nothing is near: more than a third of the letters differ (at least two may). */
export function nearest(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestCost = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const cost = editCost(word.toLowerCase(), candidate.toLowerCase(), bestCost);
    if (cost < bestCost) [best, bestCost] = [candidate, cost];
  }
  return best;
}

/** Levenshtein distance with swapped neighbours as one step; `limit` when it is at least that. */
function editCost(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(
        (row[j - 1] ?? limit) + 1,
        (last[j] ?? limit) + 1,
        (last[j - 1] ?? limit) + same,
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, (before[j - 2] ?? limit) + 1);
      }
      row.push(cost);
    }
    [before, last] = [last, row];
  }
  return last[b.length] ?? limit;
}
