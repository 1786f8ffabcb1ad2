/**
 * Canonical JSON: the subset of RFC 8785 (JCS) that entries use. Keys sorted by UTF-16 code units, no
 * white space, ECMAScript string escapes. Strings, integers within 2^53, booleans, null, arrays and
 * plain objects only: no fractions, so that no two languages can print one number in two ways.
 */

/** Deeper than any entry; a hostile export must not exhaust the stack. */
const DEPTH_MAX = 32;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Throws TypeError, in a sentence, on whatever has no place in an entry. */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > DEPTH_MAX) throw new TypeError(`nested deeper than ${DEPTH_MAX}`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return canonicalString(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new TypeError(`the number ${value} is not an integer within 2^53`);
    }
    return String(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  }
  if (typeof value === 'object') {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${canonicalString(key)}:${canonicalJson(item, depth + 1)}`);
    return `{${members.join(',')}}`;
  }
  throw new TypeError(`a value of type ${typeof value} has no canonical form`);
}

function canonicalString(text: string): string {
  if (LONE_SURROGATE.test(text)) throw new TypeError('a string holds half a surrogate pair');
  return JSON.stringify(text);
}
