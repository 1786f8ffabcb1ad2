/** Ids that are made of ids: the same row gets the same one, whoever rebuilds it and however often. */
import { createHash } from 'node:crypto';
import type { Mapping } from './mapping/mapping.ts';

/** A UUID of version 8 (RFC 9562 §5.8): SHA-256 of the table, the name of the id and the id. */
export function uuidOf(
  { key, schema, table }: Pick<Mapping, 'schema' | 'table' | 'key'>,
  id: string,
): string {
  const bytes = createHash('sha256')
    .update(JSON.stringify(['holdfast/rebuild/uuid/1', schema, table, key.id, id]))
    .digest()
    .subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}
