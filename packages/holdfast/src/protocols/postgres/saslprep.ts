/**
 * SASLprep (RFC 4013) of a password before SCRAM, as PostgreSQL does it: when the profile forbids the
 * password, it is used as it is, so that both sides still agree.
 *
 * Deliberate simplification: normalisation is Node's NFKC (newer Unicode than the RFC's 3.2), and the
 * bidirectional rule goes by script rather than by the RFC's table D. Passwords of ASCII are untouched.
 */

/** RFC 3454 C.1.2: other spaces become a plain one. */
const OTHER_SPACES = /[\u00A0\u1680\u2000-\u200B\u202F\u205F\u3000]/gu;

/** RFC 3454 B.1: mapped to nothing. */
const NOTHING = /\u034F|[\u180B-\u180D]|[\uFE00-\uFE0F]|\u200D|[\u00AD\u1806\u200C\u2060\uFEFF]/gu;

/** RFC 3454 C.2.1, C.2.2, C.3 to C.9, and A.1 (unassigned): not allowed. */
const FORBIDDEN =
  /\u0340|\u0341|[\p{Cc}\p{Co}\p{Cs}\p{Cn}\u06DD\u070F\u180E\u200E\u200F\u2028-\u202E\u2061-\u2063\u206A-\u206F\u2FF0-\u2FFB\uFFF9-\uFFFD\u{1D173}-\u{1D17A}\u{E0001}\u{E0020}-\u{E007F}]/u;

const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u;
const LEFT_TO_RIGHT = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Han}]/u;

export function saslprep(password: string): string {
  if (/^[\x20-\x7E]*$/.test(password)) return password;
  const prepared = password.replaceAll(OTHER_SPACES, ' ').replaceAll(NOTHING, '').normalize('NFKC');
  const refused = prepared === '' || FORBIDDEN.test(prepared) || breaksBidi(prepared);
  return refused ? password : prepared;
}

/** RFC 3454 §6: with right-to-left text, no left-to-right text, and it begins and ends so. */
function breaksBidi(text: string): boolean {
  if (!RIGHT_TO_LEFT.test(text)) return false;
  const characters = [...text];
  const ends =
    RIGHT_TO_LEFT.test(characters[0] ?? '') && RIGHT_TO_LEFT.test(characters.at(-1) ?? '');
  return LEFT_TO_RIGHT.test(text) || !ends;
}
