/**
 * P1 after the fact, for tests whose writes are `insert into TABLE values (ID)`, each id once: the trail
 * holds a decision for each row that exists, and for each decision one outcome that is true.
 */
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { HoldfastProcess } from './process.ts';

interface Entry {
  readonly index: number;
  readonly kind: string;
  /** The statement, cut; the digest covers all of it. */
  readonly text?: { readonly start: string };
  readonly decision?: number;
  readonly outcome?: { readonly kind: string };
}

function idIn(text: Entry['text']): number {
  return Number(/\((\d+)\)/.exec(text?.start ?? '')?.[1]);
}

/** Holdfast has to be stopped. `rows`: the ids that exist upstream. */
export async function expectRecorded(
  holdfast: HoldfastProcess,
  file: string,
  rows: readonly number[],
): Promise<void> {
  const entries = await exported(holdfast, file);
  const decisions = entries.filter((entry) => entry.kind === 'decision');
  const decided = new Set(decisions.map((entry) => idIn(entry.text)));
  expect(rows.filter((id) => !decided.has(id))).toEqual([]);

  const outcomes = entries.filter((entry) => entry.kind === 'outcome');
  const counts = new Map<number, number>();
  for (const { decision } of outcomes) {
    counts.set(Number(decision), (counts.get(Number(decision)) ?? 0) + 1);
  }
  expect(decisions.map(({ index }) => counts.get(index) ?? 0).filter((n) => n !== 1)).toEqual([]);

  // What is told as done is there; what is told as failed or not forwarded is not.
  const there = new Set(rows);
  const told = new Map(outcomes.map((entry) => [Number(entry.decision), entry.outcome?.kind]));
  const wrong = decisions.filter(({ index, text }) => {
    const exists = there.has(idIn(text));
    const kind = told.get(index);
    return (kind === 'done' && !exists) || (kind !== 'done' && kind !== 'unknown' && exists);
  });
  expect(wrong).toEqual([]);
  expect(await holdfast.cli('trail', 'verify')).toMatchObject({
    ok: true,
    findingCount: 0,
    open: 0,
  });
}

/** The entries of an export (docs/trail-format.md): a header, its checkpoints, then one entry a line. */
async function exported(holdfast: HoldfastProcess, file: string): Promise<Entry[]> {
  await holdfast.cli('trail', 'export', '--out', file);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const { checkpoints }: { checkpoints: number } = JSON.parse(lines[0] ?? '');
  return lines
    .slice(1 + checkpoints)
    .map((line, index) => ({ ...(JSON.parse(line) as Omit<Entry, 'index'>), index }));
}
