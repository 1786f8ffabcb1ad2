import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { intentOf, TARGET } from '../testing/trail-fixtures.ts';
import { digestOf } from './digest.ts';
import type { Intent } from './intent.ts';
import type { Target } from './target.ts';

/** The encoding written down again, field by field. */
function again(fields: readonly (string | Uint8Array)[]): string {
  const sum = createHash('sha256').update('holdfast/act/1');
  for (const field of fields) {
    const bytes = Buffer.from(field);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    sum.update(length).update(bytes);
  }
  return sum.digest('hex');
}

const HEAD = ['agent_06f3k9w2m4t8xq1c', 'main-db', 'production', 'guarded'];
const withActs = (...acts: string[]): Intent => ({
  ...intentOf('x'),
  acts: () => acts.map((act) => Buffer.from(act)),
});

it('is SHA-256 over length-prefixed fields', () => {
  expect(digestOf(intentOf('delete from t'), TARGET)).toBe(again([...HEAD, 'delete from t']));
  expect(digestOf(withActs('a', '', 'b'), TARGET)).toBe(again([...HEAD, 'a', '', 'b']));
});

it('is the same sum for acts that are too large to be copied together', () => {
  const large = 'x'.repeat(200_000);
  expect(digestOf(withActs('a', large), TARGET)).toBe(again([...HEAD, 'a', large]));
});

it('tells apart what joins to the same bytes', () => {
  const all = [withActs('ab', 'c'), withActs('a', 'bc'), withActs('abc'), withActs('abc', '')];
  expect(new Set(all.map((intent) => digestOf(intent, TARGET))).size).toBe(all.length);
});

it('changes with the target, also within one session', () => {
  const intent = intentOf('delete from t');
  const other: Target = { ...TARGET, name: 'other-db' };
  expect(digestOf(intent, other)).not.toBe(digestOf(intent, TARGET));
  expect(digestOf(intent, TARGET)).toBe(again([...HEAD, 'delete from t']));
});
