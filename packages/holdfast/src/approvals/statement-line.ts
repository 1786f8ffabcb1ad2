/**
 * A statement as one line for a notice, which leaves the house: comments are left out, since they say
 * what their writer likes, and what stands in string literals is left out, since passwords and the
 * data of customers stand there. Behind the link, for who has signed in, the card has all of it.
 *
 * It will not understand the statement: what it would do is said beside it, by whoever read it.
 */
import { inert } from './inert.ts';

/** Read of a long statement, and what is left of it when comments and strings are out. */
const READ_CHARS_MAX = 8_192;
const LEFT_CHARS_MAX = 2_048;

/** In this order: identifiers, comments, dollar quotes, strings. What does not end goes to the end. */
const PARTS =
  /"(?:[^"\\]|""|\\.)*(?:"|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|'(?:[^']|'')*(?:'|$)/g;

/** A name and the text in double quotes after it. Bounded, so that no text makes it slow. */
const NAMED_TEXTS = /([\w-]{1,64})(["']?\s{0,8}[:=]?\s{0,8})"[^"]*"?/g;
const SECRET_NAMES = /passw|secret|token|api_?key|authori[sz]|credential/i;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function statementLine(statement: string, charsMax: number): string {
  const start = statement.slice(0, READ_CHARS_MAX);
  // A backslash may be an escape or a letter: then nobody knows where a string ends.
  const read = start.includes('\\')
    ? start.replace(/'[\s\S]*/, "'…'")
    : start.replaceAll(PARTS, masked);
  const left = read.replaceAll(/\s+/g, ' ').slice(0, LEFT_CHARS_MAX);
  const line = left
    .replaceAll(NAMED_TEXTS, (whole, name: string, between: string) =>
      SECRET_NAMES.test(name) ? `${name}${between}"…"` : whole,
    )
    .replaceAll(/(:\/\/)[^\s/@'"]{1,256}@/g, '$1…@')
    .replaceAll(/[A-Za-z0-9+/_=-]{20,}/g, (word) => (isTokenLike(word) ? '…' : word));
  const isWhole = start.length === statement.length && read.length <= LEFT_CHARS_MAX;
  return inert(isWhole ? line : `${line} …`, charsMax);
}

function masked(part: string): string {
  if (part.startsWith('"')) return part;
  if (part.startsWith('--') || part.startsWith('/*')) return ' ';
  return part.startsWith('$') ? '$…$' : "'…'";
}

/** Letters and digits in one long word, and no UUID: those name things. */
function isTokenLike(word: string): boolean {
  return /\d/.test(word) && /[A-Za-z]/.test(word) && !UUID.test(word);
}
