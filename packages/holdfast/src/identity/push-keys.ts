/**
 * The key that web push is signed with (VAPID, RFC 8292): made once for all gateways of a store, and kept
 * sealed there. Browsers are bound to its public half: with another one they all have to turn notices on
 * again.
 */
import { createECDH } from 'node:crypto';
import type { Seal, SealedRecord } from './seal.ts';

export interface PushKeyPair {
  /** A point on P-256, uncompressed; base64url. The dashboard hands it to browsers. */
  readonly publicKey: string;
  /** 32 bytes, base64url. */
  readonly privateKey: string;
}

export interface PushKeyStore {
  /** Keeps `fresh` under the name unless there is one; answers with the one that is kept. */
  sharedSecret(name: string, fresh: Buffer): Promise<Buffer>;
}

const NAME = 'web-push';
const RECORD: SealedRecord = { kind: 'push-key', id: NAME };
const PRIVATE_BYTES = 32;

/** HF_SEAL when the seal key is another one. */
export async function loadPushKeys(store: PushKeyStore, seal: Seal): Promise<PushKeyPair> {
  const fresh = createECDH('prime256v1');
  fresh.generateKeys();
  const sealed = await store.sharedSecret(NAME, seal.close(padded(fresh.getPrivateKey()), RECORD));
  const kept = createECDH('prime256v1');
  kept.setPrivateKey(seal.open(sealed, RECORD));
  return {
    publicKey: kept.getPublicKey('base64url'),
    privateKey: padded(kept.getPrivateKey()).toString('base64url'),
  };
}

/** OpenSSL leaves zeros in front away. */
function padded(key: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(PRIVATE_BYTES - key.length), key]);
}
