/** Objects of a vault whose digest is ours, not what the storage says of itself. */
import { createHash } from 'node:crypto';
import { HoldfastError } from '../model/errors.ts';
import type { PointFile } from './recovery-point.ts';
import type { Kept, Vault } from './vaults/vault.ts';

export type Placed = Pick<PointFile, 'key' | 'version' | 'bytes' | 'sha256'>;

/** Rejects with HF_RECOVERY_DAMAGED when the vault has stored other bytes than it was given. */
export async function putChecked(
  vault: Vault,
  key: string,
  body: AsyncIterable<Uint8Array>,
  kept: Kept,
): Promise<Placed> {
  const hash = createHash('sha256');
  let bytes = 0;
  async function* hashed(): AsyncIterable<Uint8Array> {
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const stored = await vault.put(key, hashed(), kept);
  const sha256 = hash.digest('hex');
  if (stored.bytes !== bytes || (stored.sha256 !== null && stored.sha256 !== sha256)) {
    throw otherBytes(key, 'the bytes that were sent');
  }
  return { key, version: stored.version, bytes, sha256 };
}

/** Rejects at its end with HF_RECOVERY_DAMAGED when the bytes are not those that the point names. */
export async function* getChecked(vault: Vault, file: Placed): AsyncIterable<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of vault.get(file)) {
    hash.update(chunk);
    bytes += chunk.length;
    if (bytes > file.bytes) break;
    yield chunk;
  }
  if (bytes !== file.bytes || hash.digest('hex') !== file.sha256) {
    throw otherBytes(file.key, `${file.bytes} bytes with the digest of the recovery point`);
  }
}

function otherBytes(key: string, expected: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `${expected} at ${key}`,
    found: 'other bytes',
    hint: 'Take another recovery point, and look at the vault: what it stored has changed.',
  });
}
