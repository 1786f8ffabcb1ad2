/**
 * The token of an agent, as text:
 *
 *     hf_  52 characters  7 characters
 *          32 random bytes  CRC-32 of the 52 characters, big-endian
 *
 * both in Crockford's base32, lower case (digits, and letters without i l o u). So:
 * - `hf_[0-9a-hjkmnp-tv-z]{59}` finds it in a file, and the check digits tell a token from chance, so
 *   that a scanner for leaked secrets can be sure without asking anybody;
 * - it needs no escaping in a connection URL, and a double click selects all of it.
 *
 * It says nothing: agent, environment, targets and life are ours to know (opaque, so revocable).
 */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Clock } from '../model/clock.ts';
import { base32 } from '../model/ids.ts';

const SECRET_BYTES = 32;
const SHAPE = /^hf_([0-9a-hjkmnp-tv-z]{52})([0-9a-hjkmnp-tv-z]{7})$/;

export function newToken(clock: Clock): string {
  const body = base32(clock.random(SECRET_BYTES));
  return `hf_${body}${checkDigits(body)}`;
}

/** True when the text is a token as to its form; whether it is live is another question. */
export function isTokenText(text: string): boolean {
  const found = SHAPE.exec(text);
  const [, body, check] = found ?? [];
  return body !== undefined && checkDigits(body) === check;
}

/** What is kept of a token: 256 random bits need no salt and no slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest();
}

function checkDigits(body: string): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(body), 0);
  return base32(sum);
}
