import { expect, it } from 'vitest';
import { atOnce, inSteps, type Steps } from './steps.ts';

function* counted(to: number, seen: string[]): Steps<number> {
  for (let at = 1; at <= to; at += 1) {
    seen.push(`step ${at}`);
    yield;
  }
  return to;
}

it('does steps at once, or lets others go on between two of them', async () => {
  const seen: string[] = [];
  setImmediate(() => seen.push('other'));
  expect(atOnce(counted(2, seen))).toBe(2);
  expect(seen).toEqual(['step 1', 'step 2']);
  expect(await inSteps(counted(2, seen))).toBe(2);
  expect(seen).toEqual(['step 1', 'step 2', 'step 1', 'other', 'step 2']);
});

it('ends with what a step throws', async () => {
  // biome-ignore lint/correctness/useYield: it throws before
  const failing = function* (): Steps<void> {
    throw new Error('no');
  };
  expect(() => atOnce(failing())).toThrow('no');
  await expect(inSteps(failing())).rejects.toThrow('no');
});
