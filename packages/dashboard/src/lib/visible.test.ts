import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, inert, oneLine, pieces } from './visible.ts';

describe('texts of strangers', () => {
  it.each([
    ['an override that turns letters round', 'a\u202eb', 'a⟨U+202E⟩b'],
    ['isolates', '\u2066x\u2069', '⟨U+2066⟩x⟨U+2069⟩'],
    ['an escape sequence of terminals', '\u001b[2K', '⟨U+001B⟩[2K'],
    ['NUL', 'a\u0000', 'a⟨U+0000⟩'],
    ['a carriage return alone, which would go back over the line', 'ok\rDROP', 'ok⟨U+000D⟩DROP'],
    ['a blank of no width inside a word', 'de\u200blete', 'de⟨U+200B⟩lete'],
    ['a line separator', 'a\u2028b', 'a⟨U+2028⟩b'],
    ['a blank that does not break', 'a\u00a0b', 'a⟨U+00A0⟩b'],
    ['a letter that looks like nothing', 'a\u3164b', 'a⟨U+3164⟩b'],
    ['tags outside the first plane', '\u{e0041}', '⟨U+E0041⟩'],
    ['half of a pair', 'a\ud83d', 'a⟨U+D83D⟩'],
  ])('shows %s', (_story, text, shown) => {
    expect(inert(text)).toBe(shown);
  });

  it('leaves line breaks, tabs and markup as they are: markup is text here', () => {
    expect(inert('a\n\tb\r\nc')).toBe('a\n\tb\nc');
    expect(pieces('<img src=x onerror=alert(1)>')).toEqual([
      { kind: 'plain', text: '<img src=x onerror=alert(1)>' },
    ]);
  });

  it('puts a text on one line, so that no row grows by what a stranger wrote', () => {
    expect(oneLine('  DROP\n\n TABLE\r\n\tx ')).toBe('DROP TABLE x');
  });

  it('cuts, and never between the halves of a pair', () => {
    expect(cutText('a😀b', 2)).toBe('a');
    expect(cutText('a😀b', 3)).toBe('a😀');
    expect(cutText('abc', 5)).toBe('abc');
  });

  it('lets nothing through that has no look, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(inert(text)).not.toMatch(/(?!\n|\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });
});
