import { describe, expect, it } from 'vitest';
import { inert } from './inert.ts';

const rows: readonly (readonly [story: string, text: string, shown: string])[] = [
  ['plain words', 'drop table bookings', 'drop table bookings'],
  ['a name with a schema', 'public.bookings', 'public.bookings'],
  ['lines', ' a\r\n\tb \u2028 c ', 'a b c'],
  ['control characters', 'a\u0000\u001b[2J', 'a\\u{0}\\u{1b}[2J'],
  ['letters turned round', 'a\u202eb\u2066', 'a\\u{202e}b\\u{2066}'],
  ['letters nobody sees', 'a\u200bb\ufeff', 'a\\u{200b}b'],
  ['a tag of the other kind', 'x\u{e0041}', 'x\\u{e0041}'],
  ['half a character', 'a\ud800', 'a\\u{d800}'],
  ['a link', 'https://evil.example/a', 'https[:]//evil[.]example/a'],
  ['a host', 'see evil.com now', 'see evil[.]com now'],
  ['a host with a port', 'evil.example:8080/x', 'evil[.]example:8080/x'],
  ['a host in capitals', 'WWW.EVIL.COM', 'WWW[.]EVIL[.]COM'],
  ['a link that runs', 'javascript:alert(1)', 'javascript[:]alert(1)'],
  ['a file that is no host', 'a.comb b.sql', 'a.comb b.sql'],
];

describe('a text of strangers', () => {
  it.each(rows)('is shown inert: %s', (_story, text, shown) => {
    expect(inert(text, 100)).toBe(shown);
  });

  it('is cut, said so, and never within a character', () => {
    expect(inert('x'.repeat(11), 10)).toBe(`${'x'.repeat(9)}…`);
    expect(inert('x'.repeat(10), 10)).toBe('x'.repeat(10));
    expect(inert(`${'x'.repeat(8)}😀y`, 10)).toBe(`${'x'.repeat(8)}…`);
    expect(inert('\u202e'.repeat(100), 12)).toBe('\\u{202e}\\u{…');
  });

  it('says that it was cut, though what was cut off was nothing to see', () => {
    expect(inert(`a${' '.repeat(1000)}b`, 10)).toBe('a…');
  });
});
