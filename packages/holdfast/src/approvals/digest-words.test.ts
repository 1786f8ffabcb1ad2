import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestWords, isDigestWords } from './digest-words.ts';

const hex = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));

describe('a digest in words', () => {
  it('has one word for each byte, and no two begin alike', () => {
    const all = Array.from({ length: 256 }, (_, byte) =>
      digestWords(byte.toString(16).padStart(2, '0').repeat(6)),
    ).map((words) => words.split(' ')[0] ?? '');
    expect(new Set(all).size).toBe(256);
    expect(new Set(all.map((word) => word.slice(0, 4))).size).toBe(256);
    for (const word of all) expect(word).toMatch(/^[a-z]{3,9}$/);
  });

  it('is six words, and the same for nothing that differs in its first 48 bits', () => {
    fc.assert(
      fc.property(hex, hex, (a, b) => {
        expect(digestWords(a).split(' ')).toHaveLength(6);
        expect(isDigestWords(digestWords(a), b)).toBe(a.slice(0, 12) === b.slice(0, 12));
      }),
    );
  });

  it('stays what it is: words that were read out yesterday mean the same today', () => {
    expect(digestWords(`00017f80feff${'0'.repeat(52)}`)).toMatchInlineSnapshot(
      `"acorn actor hazel helmet zigzag zipper"`,
    );
  });

  it.each([
    ['in capitals', (words: string) => words.toUpperCase()],
    ['with hyphens', (words: string) => words.replaceAll(' ', '-')],
    ['with spaces too many', (words: string) => `  ${words.replaceAll(' ', '   ')}\n`],
  ])('may be typed %s', (_, typed) => {
    const digest = 'ab'.repeat(32);
    expect(isDigestWords(typed(digestWords(digest)), digest)).toBe(true);
  });

  it('is not compared by its beginning', () => {
    const digest = 'ab'.repeat(32);
    for (const typed of ['', ' ', '-', digestWords(digest).split(' ').slice(0, 5).join(' ')]) {
      expect(isDigestWords(typed, digest)).toBe(false);
    }
  });
});
