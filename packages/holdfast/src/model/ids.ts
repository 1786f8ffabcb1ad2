/**
 * Identifiers: a short prefix that says what it names, then 16 characters of Crockford base32
 * (80 bits: 32 of time in seconds, 48 random). They sort by time, survive being read aloud and
 * copied by a double click, and no two kinds can be confused on a screen.
 */
import type { Clock } from './clock.ts';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

export type IdPrefix =
  | 'agent'
  | 'person'
  | 'token'
  | 'session'
  | 'intent'
  | 'hold'
  | 'instance'
  | 'undo'
  | 'run'
  | 'receipt'
  | 'deferral'
  | 'proposal'
  | 'request'
  | 'invite'
  | 'ceremony'
  | 'notice'
  | 'push'
  | 'rebuild'
  | 'restore';

/** Makes an id such as `hold_06f3k9w2m4t8xq1c`. */
export function newId(prefix: IdPrefix, clock: Clock): string {
  const bytes = Buffer.alloc(10);
  bytes.writeUInt32BE(Math.floor(clock.now().getTime() / 1000) >>> 0, 0);
  clock.random(6).copy(bytes, 4);
  return `${prefix}_${base32(bytes)}`;
}

/** Crockford base32, lower case, no padding; 5 bits a character, most significant first. */
export function base32(bytes: Buffer): string {
  let text = '';
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = (value << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET[(value >>> bits) & 31];
    }
    value &= (1 << bits) - 1;
  }
  if (bits > 0) text += ALPHABET[(value << (5 - bits)) & 31];
  return text;
}
