import { describe, expect, it } from 'vitest';
import { checkedOf } from './verification.ts';

const report = {
  ok: true,
  from: 0,
  to: 9,
  root: 'r',
  checkpoints: 1,
  decisions: 4,
  outcomes: 4,
  open: 0,
  findings: [],
  findingCount: 0,
};
const said = (value: unknown) => checkedOf(JSON.stringify(value));

describe('a verification', () => {
  it('is fine when the gateway says so and nothing was found', () => {
    expect(said({ kind: 'report', report })).toMatchObject({
      kind: 'report',
      report: { ok: true },
    });
  });

  it.each([
    ['ok beside a finding', { ...report, findings: [{ code: 'x', index: 1, message: 'm' }] }],
    ['ok beside a count of findings', { ...report, findingCount: 3 }],
    ['not ok', { ...report, ok: false }],
  ])('is not fine with %s', (_story, value) => {
    expect(said({ kind: 'report', report: value })).toMatchObject({ report: { ok: false } });
  });

  it.each([
    ['a report without a root', { ...report, root: undefined }],
    ['a report whose ok is a word', { ...report, ok: 'true' }],
    ['no report', null],
  ])('is broken, not fine, with %s', (_story, value) => {
    expect(said({ kind: 'report', report: value })).toEqual({ kind: 'broken' });
  });

  it('is nothing when it cannot be read', () => {
    for (const data of ['', '{', 'null', '[]', '{"kind":"progress"}', 7]) {
      expect(checkedOf(data)).toBeNull();
    }
  });
});
