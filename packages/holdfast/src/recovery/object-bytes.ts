/** Small objects of a vault, whole in memory, as bytes of strangers: never more than was allowed. */
import type { StoredObject, Vault } from './vaults/vault.ts';

/** Null: longer than anything of ours, whatever the vault said of its size. */
export async function objectBytes(
  vault: Pick<Vault, 'get'>,
  object: Pick<StoredObject, 'key' | 'version'>,
  bytesMax: number,
): Promise<Buffer | null> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of vault.get(object)) {
    bytes += part.length;
    if (bytes > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** As a body to put. */
export async function* oneChunk(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
