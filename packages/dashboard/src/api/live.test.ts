import { expect, it } from 'vitest';
import { kindOf } from './live.ts';

it('hears what changed, and nothing in what is no news', () => {
  expect(kindOf('{"kind":"hold","id":null}')).toBe('hold');
  for (const data of ['', '{', 'null', '[]', '{"kind":7}', '{}', undefined, { kind: 'hold' }]) {
    expect(kindOf(data)).toBeNull();
  }
});
