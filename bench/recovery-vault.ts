/** The simplest vault that is durable: a folder, each object written, synced and renamed. No lock. */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StoredObject, Vault } from '#holdfast/recovery/vaults/vault.js';

export function benchVault(root: string): Vault {
  mkdirSync(root, { recursive: true });
  const place = (key: string): string => join(root, key);
  const stored = (key: string, bytes: number, sha256: string | null): StoredObject => ({
    key,
    version: '1',
    bytes,
    sha256,
    storedAt: new Date(),
    retainUntil: null,
  });
  return {
    name: 'bench',
    kind: 'local',
    put: async (key, body) => {
      mkdirSync(dirname(place(key)), { recursive: true });
      const file = await open(`${place(key)}.new`, 'w');
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const chunk of body) {
          hash.update(chunk);
          bytes += chunk.length;
          await file.writeFile(chunk);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${place(key)}.new`, place(key));
      return stored(key, bytes, hash.digest('hex'));
    },
    get: async function* ({ key }) {
      for await (const chunk of createReadStream(place(key), { highWaterMark: 256 * 1024 })) {
        if (Buffer.isBuffer(chunk)) yield chunk;
      }
    },
    list: async function* (prefix) {
      const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
      for (const key of names) {
        if (!key.startsWith(prefix) || key.endsWith('.new')) continue;
        const found = statSync(place(key));
        if (found.isFile()) yield stored(key, found.size, null);
      }
    },
    stat: async ({ key, version }) => {
      const found = statSync(place(key), { throwIfNoEntry: false });
      return version === '1' && found?.isFile() ? stored(key, found.size, null) : null;
    },
    look: async () => ({
      colour: 'red',
      protectsFrom: [],
      doesNotProtectFrom: ['Everything: it is a folder for a bench.'],
      troubles: [],
      freeBytes: null,
      objects: null,
    }),
    close: async () => {},
  };
}
