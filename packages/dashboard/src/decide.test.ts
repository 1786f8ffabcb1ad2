import { describe, expect, it } from 'vitest';
import { isBindingOf } from './decide.ts';

const seen = { id: 'hold_1', digest: 'aa' };

describe('what is signed', () => {
  it('is of the hold on the screen', () => {
    expect(isBindingOf('{"digest":"aa","hold":"hold_1","people":2}', seen)).toBe(true);
  });

  it.each([
    ['another digest', '{"digest":"ab","hold":"hold_1"}'],
    ['another hold', '{"digest":"aa","hold":"hold_2"}'],
    ['no digest', '{"hold":"hold_1"}'],
    ['something that is no object', '"aa"'],
    ['null', 'null'],
    ['no JSON', 'digest: aa'],
    ['nothing', undefined],
    ['the facts, not their text', { digest: 'aa', hold: 'hold_1' }],
  ])('is not, with %s', (_story, binding) => {
    expect(isBindingOf(binding, seen)).toBe(false);
  });
});
