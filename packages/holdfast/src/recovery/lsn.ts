/**
 * Positions in the WAL, and the names PostgreSQL gives to its segments. Pure.
 *
 * A segment's name is 24 hexadecimal digits: timeline, then the segment's number split where 4 GiB end
 * (xlog_internal.h, XLogFileName).
 */

const LSN_SHAPE = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i;
const SEGMENT_SHAPE = /^[0-9A-F]{24}$/;
const FOUR_GIB = 0x1_0000_0000n;

/** Null: not a position. */
export function lsnOf(text: string): bigint | null {
  const found = LSN_SHAPE.exec(text);
  return found ? BigInt(`0x${found[1]}`) * FOUR_GIB + BigInt(`0x${found[2]}`) : null;
}

export function lsnText(lsn: bigint): string {
  return `${hex(lsn / FOUR_GIB)}/${hex(lsn % FOUR_GIB)}`;
}

export interface SegmentPlace {
  readonly timeline: number;
  /** Position of its first byte. */
  readonly start: bigint;
}

export function segmentStart(lsn: bigint, segmentBytes: number): bigint {
  return lsn - (lsn % BigInt(segmentBytes));
}

export function segmentName({ timeline, start }: SegmentPlace, segmentBytes: number): string {
  const number = start / BigInt(segmentBytes);
  const perFile = FOUR_GIB / BigInt(segmentBytes);
  return timelineName(timeline) + hex(number / perFile, 8) + hex(number % perFile, 8);
}

export function segmentPlace(name: string, segmentBytes: number): SegmentPlace | null {
  if (!SEGMENT_SHAPE.test(name)) return null;
  const perFile = FOUR_GIB / BigInt(segmentBytes);
  const number = BigInt(`0x${name.slice(8, 16)}`) * perFile + BigInt(`0x${name.slice(16)}`);
  return { timeline: Number.parseInt(name.slice(0, 8), 16), start: number * BigInt(segmentBytes) };
}

/** As in the names of segments and history files: eight digits. */
export function timelineName(timeline: number): string {
  return hex(BigInt(timeline), 8);
}

function hex(value: bigint, digits = 1): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}
