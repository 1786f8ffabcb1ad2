/**
 * Whether a public key of age is one that can be encrypted to, by the checksum that it carries: Bech32
 * (BIP 173, without its bound on length), as age-encryption.org/v1 writes recipients. One letter wrong shows
 * when the file is read, and not when the first point should be stored.
 */

/** Its shape, letters aside. */
export const RECIPIENT = /^age1[a-z0-9]{50,}$/;
const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3] as const;
const CHECKSUM_LETTERS = 6;
/** Of an X25519 key: 32 bytes in groups of five bits, and four bits of nothing. */
const X25519_LETTERS = 52;
/** X25519, hybrid post-quantum, and keys in hardware: all that a header can be written for. */
const KINDS: readonly string[] = ['age', 'age1pq', 'age1tag', 'age1tagpq'];

/** What it is instead, as after "found"; null: nothing is wrong with it. */
export function recipientFault(recipient: string): string | null {
  const at = recipient.lastIndexOf('1');
  const kind = recipient.slice(0, at);
  const letters = recipient.slice(at + 1);
  if (/^q+$/.test(letters)) return 'a placeholder';
  const groups = [...letters].map((letter) => LETTERS.indexOf(letter));
  const odd = [...letters].find((letter) => !LETTERS.includes(letter));
  if (odd !== undefined) return `one with the letter ${odd}, which no key has`;
  if (checksum(kind, groups) !== 1) return MISTYPED;
  if (!KINDS.includes(kind)) return `one of a plugin (${kind}1...)`;
  const key = groups.slice(0, -CHECKSUM_LETTERS);
  if (kind !== 'age') return null;
  const isWhole = key.length === X25519_LETTERS && ((key.at(-1) ?? 0) & 0b1111) === 0;
  if (!isWhole) return 'one of another length';
  return key.every((group) => group === 0) ? 'a placeholder' : null;
}

const MISTYPED =
  'one whose checksum is wrong: a letter of it is another, is missing, or is one too many';

function checksum(kind: string, groups: readonly number[]): number {
  const codes = [...kind].map((letter) => letter.charCodeAt(0));
  const all = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...groups];
  return all.reduce((sum, group) => {
    const shifted = ((sum & 0x1ffffff) << 5) ^ group;
    const top = sum >> 25;
    return GENERATOR.reduce((one, of, bit) => ((top >> bit) & 1 ? one ^ of : one), shifted);
  }, 1);
}
