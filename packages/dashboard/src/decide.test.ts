import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isBindingOf, isHashOf, type Seen } from './decide.ts';

const seen: Seen = {
  id: 'hold_1',
  digest: 'aa',
  target: 'main-db',
  level: 'sealed',
  peopleNeeded: 2,
  rowsAtMost: 100,
  typedName: 'pg-data',
  approvalUntil: '2026-01-02T03:04:05.000Z',
};
const facts = {
  domain: 'holdfast/approval/1',
  hold: 'hold_1',
  digest: 'aa',
  target: 'main-db',
  level: 'sealed',
  people: 2,
  rowsAtMost: 100,
  typedName: 'pg-data',
  until: '2026-01-02T03:04:05.000Z',
};
const hashed = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

describe('what is signed', () => {
  it('is what is on the screen', async () => {
    expect(await isBindingOf(JSON.stringify(facts), 'approve', seen)).toBe(true);
  });

  it('may name what is long by its hash', async () => {
    const long = 'x'.repeat(500);
    const binding = JSON.stringify({ ...facts, typedName: hashed(long) });
    expect(await isBindingOf(binding, 'approve', { ...seen, typedName: long })).toBe(true);
    expect(await isBindingOf(binding, 'approve', seen)).toBe(false);
  });

  it('is compared only by what is shown', async () => {
    const { approvalUntil: _u, rowsAtMost: _r, typedName: _t, ...less } = seen;
    expect(await isBindingOf(JSON.stringify(facts), 'approve', less)).toBe(true);
  });

  it.each([
    ['another digest', { digest: 'ab' }],
    ['another hold', { hold: 'hold_2' }],
    ['another target', { target: 'other-db' }],
    ['another level', { level: 'open' }],
    ['fewer people', { people: 1 }],
    ['more rows', { rowsAtMost: 101 }],
    ['no limit of rows', { rowsAtMost: null }],
    ['another name to type', { typedName: 'pg-other' }],
    ['nothing to type', { typedName: null }],
    ['a longer life', { until: '2026-01-02T03:04:06.000Z' }],
    ['no end', { until: null }],
    ['the domain of a no', { domain: 'holdfast/denial/1' }],
    ['no domain', { domain: undefined }],
  ])('is not, with %s', async (_story, other) => {
    const binding = JSON.stringify({ ...facts, ...other });
    expect(await isBindingOf(binding, 'approve', seen)).toBe(false);
  });

  it.each([
    ['something that is no object', '"aa"'],
    ['null', 'null'],
    ['no JSON', 'digest: aa'],
    ['nothing', ''],
  ])('is not, when the text is %s', async (_story, binding) => {
    expect(await isBindingOf(binding, 'approve', seen)).toBe(false);
  });

  it('is a no where a no is asked for, and only there', async () => {
    const no = JSON.stringify({ ...facts, domain: 'holdfast/denial/1' });
    expect(await isBindingOf(no, 'deny', seen)).toBe(true);
    expect(await isBindingOf(JSON.stringify(facts), 'deny', seen)).toBe(false);
  });

  it('has the challenge as its hash', async () => {
    const binding = JSON.stringify(facts);
    const challenge = createHash('sha256').update(binding).digest('base64url');
    expect(await isHashOf(challenge, binding)).toBe(true);
    expect(await isHashOf(challenge, `${binding} `)).toBe(false);
  });
});
