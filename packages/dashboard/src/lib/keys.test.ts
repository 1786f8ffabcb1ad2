import { expect, it } from 'vitest';
import { hear, moved, type Press } from './keys.ts';

const plain: Omit<Press, 'key'> = {
  ctrl: false,
  meta: false,
  alt: false,
  isRepeated: false,
  isTyping: false,
};

it('hears g and then a letter as one command', () => {
  const first = hear(null, { ...plain, key: 'g' });
  expect(first).toEqual({ prefix: 'g', command: null });
  expect(hear(first.prefix, { ...plain, key: 'h' })).toEqual({ prefix: null, command: 'g h' });
});

it('hears nothing while somebody types: an "a" in a comment approves nothing', () => {
  expect(hear(null, { ...plain, key: 'a', isTyping: true }).command).toBeNull();
  expect(hear('g', { ...plain, key: 'h', isTyping: true }).command).toBeNull();
});

it('opens the palette even while somebody types', () => {
  expect(hear(null, { ...plain, key: 'k', ctrl: true, isTyping: true }).command).toBe('palette');
  expect(hear(null, { ...plain, key: 'K', meta: true }).command).toBe('palette');
});

it('leaves the keys of the browser to the browser', () => {
  for (const held of ['ctrl', 'meta', 'alt']) {
    expect(hear(null, { ...plain, key: 'd', [held]: true }).command).toBeNull();
  }
});

it('takes a key that is held down for moving only', () => {
  expect(hear(null, { ...plain, key: 'a', isRepeated: true }).command).toBeNull();
  expect(hear(null, { ...plain, key: 'j', isRepeated: true }).command).toBe('j');
});

it('moves within a list', () => {
  expect(moved(-1, 1, 3)).toBe(0);
  expect(moved(2, 1, 3)).toBe(2);
  expect(moved(0, -1, 3)).toBe(0);
  expect(moved(0, 1, 0)).toBe(-1);
});
