/**
 * One-dimensional arrays in PostgreSQL's binary format, for statements that carry thousands of rows in
 * a few parameters. As text, a bytea array costs two hex digits a byte and quoting on top.
 *
 * Format (array_send, utils/adt/arrayfuncs.c), all big-endian int32: dimensions, has nulls, element
 * oid, length, lower bound; then for each element its length (-1: null) and its bytes.
 */
const HEADER_BYTES = 20;
const INT8_BYTES = 4 + 8;

export function binaryArray(elementOid: number, elements: readonly (Buffer | null)[]): Buffer {
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (const element of elements) {
    size += 4 + (element?.length ?? 0);
    if (element === null) hasNull = 1;
  }
  const array = Buffer.allocUnsafe(size);
  writeHeader(array, elementOid, elements.length, hasNull);
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

/** Of fixed width, so that thousands of numbers are one buffer and not thousands. */
export function int8Array(values: readonly (bigint | number)[]): Buffer {
  const array = Buffer.allocUnsafe(HEADER_BYTES + values.length * INT8_BYTES);
  writeHeader(array, OID.int8, values.length, 0);
  let at = HEADER_BYTES;
  for (const value of values) {
    at = array.writeInt32BE(8, at);
    at = array.writeBigInt64BE(BigInt(value), at);
  }
  return array;
}

export function textArray(values: readonly (string | null)[]): Buffer {
  let size = HEADER_BYTES;
  let hasNull = 0;
  for (const value of values) {
    size += 4 + (value === null ? 0 : Buffer.byteLength(value));
    if (value === null) hasNull = 1;
  }
  const array = Buffer.allocUnsafe(size);
  writeHeader(array, OID.text, values.length, hasNull);
  let at = HEADER_BYTES;
  for (const value of values) {
    const bytes = value === null ? 0 : array.write(value, at + 4);
    at = array.writeInt32BE(value === null ? -1 : bytes, at) + bytes;
  }
  return array;
}

function writeHeader(array: Buffer, elementOid: number, length: number, hasNull: number): void {
  array.writeInt32BE(1, 0);
  array.writeInt32BE(hasNull, 4);
  array.writeInt32BE(elementOid, 8);
  array.writeInt32BE(length, 12);
  array.writeInt32BE(1, 16);
}

export const OID = { bytea: 17, int8: 20, text: 25 } as const;
