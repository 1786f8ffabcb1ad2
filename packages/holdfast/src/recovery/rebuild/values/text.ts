/**
 * Text that strangers wrote, on its way into a column: kept to the letter, or not read at all. Formulas,
 * HTML and SQL are letters like others. Characters that no column holds, that turn the text round on a
 * screen or begin a new line where one is expected, are for a person to look at.
 */
import { found, type Reading, unread } from './reading.ts';

export type Lines = 'one' | 'many';

/** More than a column is filled with from a mail; larger things are no facts. */
const TEXT_CHARS_MAX = 10_000;
const CONTROL = /\p{Cc}/u;
const CONTROL_BUT_LINES = /(?![\n\t])\p{Cc}/u;
/**
 * Overrides and isolates (UAX #9), marks of width zero that make two names look like one, separators, and
 * what stands for bytes that were no text.
 */
const TURNING =
  /[\ufffd\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\u2028\u2029\u00ad]|\p{Surrogate}|[\u{e0000}-\u{e007f}]/u;

export function readText(text: string, lines: Lines): Reading {
  const kept = lines === 'many' ? text.replaceAll('\r\n', '\n').trim() : text.trim();
  const why = faultOf(kept, lines);
  return why === null ? found({ kind: 'text', text: kept }) : unread(why);
}

function faultOf(text: string, lines: Lines): string | null {
  if (text.length > TEXT_CHARS_MAX) return `longer than ${TEXT_CHARS_MAX} characters`;
  if (lines === 'one' && CONTROL.test(text)) return 'a line break or control character in one line';
  if (CONTROL_BUT_LINES.test(text)) return 'a control character';
  if (TURNING.test(text)) return 'a character that hides or turns text round';
  return null;
}
