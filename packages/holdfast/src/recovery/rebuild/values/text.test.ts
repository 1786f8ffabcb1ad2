import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readText } from './text.ts';

describe('text of strangers', () => {
  it.each([
    ['a formula', '=HYPERLINK("http://x","y")'],
    ['HTML', '<img src=x onerror=alert(1)>'],
    ['SQL', "'; DROP TABLE bookings; --"],
    ['another script', 'מלון ירושלים'],
    ['an emoji of many parts', '👩‍👩‍👧'],
  ])('keeps %s to the letter', (_story, text) => {
    expect(readText(` ${text} `, 'one')).toEqual({ kind: 'value', value: { kind: 'text', text } });
  });

  it.each([
    ['a header that is injected', 'Ada\r\nBcc: eve@example.com'],
    ['NUL', 'a\0b'],
    ['an escape of a terminal', 'a\u001b[31mb'],
    ['letters turned round', 'a\u202etxt.exe'],
    ['isolates', '\u2066a\u2069'],
    ['a space of no width', 'pay\u200bpal'],
    ['half a character', 'a\ud800'],
    ['bytes that were no text', 'a\ufffdb'],
    ['letters that nobody sees', 'a\u{e0041}'],
    ['a book', 'x'.repeat(10_001)],
  ])('leaves %s to a person', (_story, text) => {
    expect(readText(text, 'one').kind).toBe('unread');
  });

  it('takes several lines where they are expected, and nothing else that does not show', () => {
    expect(readText('one\r\ntwo', 'many')).toMatchObject({ value: { text: 'one\ntwo' } });
    expect(readText('one\u0007', 'many').kind).toBe('unread');
  });

  it('never keeps what a column cannot hold', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('one' as const, 'many' as const),
        (text, lines) => {
          const reading = readText(text, lines);
          if (reading.kind !== 'value' || reading.value.kind !== 'text') return;
          expect(Buffer.from(reading.value.text).toString()).toBe(reading.value.text);
          expect(reading.value.text).not.toContain('\0');
        },
      ),
    );
  });
});
