/**
 * A statement as one line for a notice, which leaves the house: comments are left out, since they say
 * what their writer likes, and what stands in string literals is left out, since passwords and the
 * data of customers stand there. Behind the link, for who has signed in, the card has all of it.
 *
 * It will not understand the statement: what it would do is said beside it, by whoever read it.
 */
import { inert } from './inert.ts';

/** Read of a long statement; what people are shown is shorter still. */
const LOOKED_AT_CHARS_MAX = 8_192;

/** In this order: identifiers, comments, dollar quotes, strings. What does not end goes to the end. */
const PARTS =
  /"(?:[^"\\]|""|\\.)*(?:"|$)|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$([A-Za-z_]\w*)?\$[\s\S]*?(?:\$\1\$|$)|'(?:[^']|'')*(?:'|$)/g;

const SECRET_NAMES =
  /(["']?\w*(?:passw|secret|token|api_?key|authori[sz]|credential)\w*["']?\s*[:=]?\s*)"[^"]*"?/gi;
const USER_IN_URL = /(:\/\/)[^\s/@'"]+@/g;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function statementLine(statement: string, charsMax: number): string {
  const start = statement.slice(0, LOOKED_AT_CHARS_MAX);
  // A backslash may be an escape or a letter: then a string is taken to go on to the last quote.
  const read = start.includes('\\')
    ? start.replaceAll(/'[\s\S]*(?:'|$)/g, "'…'")
    : start.replaceAll(PARTS, masked);
  const line = read
    .replaceAll(SECRET_NAMES, '$1"…"')
    .replaceAll(USER_IN_URL, '$1…@')
    .replaceAll(/[A-Za-z0-9+/_=-]{20,}/g, (word) => (isTokenLike(word) ? '…' : word));
  return inert(statement.length > start.length ? `${line} …` : line, charsMax);
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
