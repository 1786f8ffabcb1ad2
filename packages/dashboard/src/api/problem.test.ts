import { describe, expect, it } from 'vitest';
import { Problem } from './problem.ts';

describe('problems', () => {
  it('has all three parts, whatever came', () => {
    for (const body of [null, 'text', {}, { expected: 7, found: '', hint: null }, []]) {
      const { expected, found, hint } = Problem.ofAnswer(502, body);
      expect(expected).not.toBe('');
      expect(found).not.toBe('');
      expect(hint).not.toBe('');
    }
  });

  it('keeps the words of the gateway', () => {
    const parts = { code: 'HF_QUORUM', title: 't', expected: 'e', found: 'f', hint: 'h' };
    expect(Problem.ofAnswer(409, parts)).toMatchObject({ ...parts, status: 409 });
  });

  it('tells a proof that is too old from nobody being signed in', () => {
    const older = { code: 'HF_SIGN_IN', found: 'an older one' };
    expect(Problem.ofAnswer(401, older).wantsProof).toBe(true);
    expect(Problem.ofAnswer(401, { ...older, found: 'none that is open' }).wantsProof).toBe(false);
    expect(Problem.ofAnswer(403, { ...older, code: 'HF_FORBIDDEN' }).wantsProof).toBe(false);
  });
});
