/**
 * The PostgreSQL v3 message frame: one tag byte, then a four-byte length that counts itself, then the
 * body (manual, "Message Formats"). Functions over bytes; no sockets, no state.
 */

/** Tags a client may send after startup. */
export const FRONTEND = {
  bind: 0x42, // B
  close: 0x43, // C
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyFail: 0x66, // f
  describe: 0x44, // D
  execute: 0x45, // E
  flush: 0x48, // H
  functionCall: 0x46, // F
  parse: 0x50, // P
  query: 0x51, // Q
  sync: 0x53, // S
  terminate: 0x58, // X
} as const;

/** Tags of a server that the relay has to understand; all others pass unread. */
export const BACKEND = {
  bindComplete: 0x32, // 2
  closeComplete: 0x33, // 3
  commandComplete: 0x43, // C
  copyInResponse: 0x47, // G
  copyBothResponse: 0x57, // W
  emptyQueryResponse: 0x49, // I
  errorResponse: 0x45, // E
  noData: 0x6e, // n
  noticeResponse: 0x4e, // N
  parameterStatus: 0x53, // S
  parseComplete: 0x31, // 1
  portalSuspended: 0x73, // s
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

/** Tag and length. */
export const HEADER_BYTES = 5;

/** Whole length of the message whose header starts at `at`, header included; -1 if not plausible. */
export function messageBytes(bytes: Buffer, at: number): number {
  const declared =
    (byteAt(bytes, at + 1) << 24) |
    (byteAt(bytes, at + 2) << 16) |
    (byteAt(bytes, at + 3) << 8) |
    byteAt(bytes, at + 4);
  return declared < 4 ? -1 : declared + 1;
}

/** Index of the NUL that ends the string starting at `from`; -1 when there is none before `end`. */
export function endOfString(bytes: Buffer, from: number, end: number): number {
  // Names are short: a look at each byte is dearer than a native search only for long strings.
  const near = Math.min(from + NEAR_BYTES, end);
  for (let at = from; at < near; at++) if (bytes[at] === 0) return at;
  const at = near < end ? bytes.indexOf(0, near) : -1;
  return at >= 0 && at < end ? at : -1;
}

const NEAR_BYTES = 24;

/** The string in `bytes[from, to)`; most are empty (the unnamed statement). */
export function stringAt(bytes: Buffer, from: number, to: number): string {
  return from === to ? '' : bytes.toString('utf8', from, to);
}

function byteAt(bytes: Buffer, at: number): number {
  return bytes[at] ?? 0;
}

/** The tag as a person would write it: `'F'`, or `0x07`. */
export function tagName(tag: number): string {
  return tag > 0x20 && tag < 0x7f
    ? `'${String.fromCharCode(tag)}'`
    : `0x${tag.toString(16).padStart(2, '0')}`;
}
