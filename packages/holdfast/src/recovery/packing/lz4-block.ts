/**
 * LZ4 blocks (LZ4 block format, 2022-07-31), packed into memory that is used again and again. In JavaScript on
 * purpose: on a database's pages it is as fast as the native library, whose results lie in memory that the
 * collector does not see, so that a long backup grew without end (docs/decisions/0020). Pure.
 */

const HASH_BITS = 14;
const HASH_FACTOR = -1_640_531_535;
const MATCH_MIN = 4;
/** The format's own rules: the last match begins so far from the end, and the last bytes are literals. */
const LAST_MATCH_BEFORE_END = 12;
const LAST_LITERALS = 5;
const DISTANCE_MAX = 65_535;
/** After so many misses in a row it looks at every second place, then every third, and so on. */
const MISSES_PER_STEP_LOG = 5;
/** From there on a copy by the runtime is quicker than byte by byte. */
const COPIED_AT_ONCE_MIN = 32;

/** The most that a block of so many bytes can take. */
export function blockBytesMax(plainBytes: number): number {
  return plainBytes + Math.ceil(plainBytes / 255) + 16;
}

export class BlockPacker {
  readonly #table = new Int32Array(1 << HASH_BITS);

  /** Into the start of `out`, which has room for `blockBytesMax`; returns how many bytes it took. */
  pack(plain: Uint8Array, out: Uint8Array): number {
    const table = this.#table.fill(-1);
    const view = new DataView(plain.buffer, plain.byteOffset, plain.length);
    const matchBegin = plain.length - LAST_MATCH_BEFORE_END;
    const matchEnd = plain.length - LAST_LITERALS;
    let anchor = 0;
    let to = 0;
    let misses = 0;
    for (let at = 0; at < matchBegin; ) {
      const four = view.getInt32(at, true);
      const slot = Math.imul(four, HASH_FACTOR) >>> (32 - HASH_BITS);
      let from = table[slot] ?? -1;
      table[slot] = at;
      if (from < 0 || at - from > DISTANCE_MAX || view.getInt32(from, true) !== four) {
        at += 1 + (misses >> MISSES_PER_STEP_LOG);
        misses += 1;
        continue;
      }
      misses = 0;
      let begin = at;
      while (begin > anchor && from > 0 && plain[begin - 1] === plain[from - 1]) {
        begin -= 1;
        from -= 1;
      }
      const distance = begin - from;
      let end = at + MATCH_MIN;
      while (
        end + 4 <= matchEnd &&
        view.getInt32(end, true) === view.getInt32(end - distance, true)
      ) {
        end += 4;
      }
      while (end < matchEnd && plain[end] === plain[end - distance]) end += 1;
      to = putSequence(plain, anchor, begin, distance, end - begin, out, to);
      at = end;
      anchor = end;
    }
    return putSequence(plain, anchor, plain.length, 0, 0, out, to);
  }
}

/** Literals from `anchor` to `begin`, then a match; without one (length 0) it is the last sequence. */
function putSequence(
  plain: Uint8Array,
  anchor: number,
  begin: number,
  distance: number,
  matchBytes: number,
  out: Uint8Array,
  start: number,
): number {
  const literals = begin - anchor;
  const match = matchBytes === 0 ? 0 : matchBytes - MATCH_MIN;
  let to = start + 1;
  out[start] = (Math.min(literals, 15) << 4) | Math.min(match, 15);
  if (literals >= 15) to = putLength(literals - 15, out, to);
  if (literals >= COPIED_AT_ONCE_MIN) out.set(plain.subarray(anchor, begin), to);
  else
    for (let index = 0; index < literals; index += 1) out[to + index] = plain[anchor + index] ?? 0;
  to += literals;
  if (matchBytes === 0) return to;
  out[to] = distance & 0xff;
  out[to + 1] = distance >> 8;
  return match >= 15 ? putLength(match - 15, out, to + 2) : to + 2;
}

function putLength(length: number, out: Uint8Array, start: number): number {
  let to = start;
  let left = length;
  for (; left >= 255; left -= 255) {
    out[to] = 255;
    to += 1;
  }
  out[to] = left;
  return to + 1;
}
