/**
 * One-dimensional arrays in PostgreSQL's binary format, for statements that carry thousands of rows in
 * a few parameters. As text, a bytea array costs two hex digits a byte and quoting on top.
 *
 * Format (array_send, utils/adt/arrayfuncs.c), all big-endian int32: dimensions, has nulls, element
 * oid, length, lower bound; then for each element its length (-1: null) and its bytes.
 */
const HEADER_BYTES = 20;

export function binaryArray(elementOid: number, elements: readonly (Buffer | null)[]): Buffer {
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (const element of elements) {
    size += 4 + (element?.length ?? 0);
    if (element === null) hasNull = 1;
  }
  const array = Buffer.allocUnsafe(size);
  array.writeInt32BE(1, 0);
  array.writeInt32BE(hasNull, 4);
  array.writeInt32BE(elementOid, 8);
  array.writeInt32BE(elements.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEADER_BYTES;
  for (const element of elements) {
    array.writeInt32BE(element?.length ?? -1, at);
    at += 4;
    if (element === null) continue;
    array.set(element, at);
    at += element.length;
  }
  return array;
}

export function int8(value: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

export const OID = { bytea: 17, int8: 20, text: 25 } as const;
