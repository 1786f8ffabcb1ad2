/**
 * A vault in a folder, for tests of engines: honest about versions and order, and with no lock at all.
 * Every `put` is a version of its own; bytes are on disk before it resolves.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { Kept, StoredObject, Vault, VaultLook } from '../vaults/vault.ts';

export class FolderVault implements Vault {
  readonly name = 'folder';
  readonly kind = 'local';
  readonly root: string;
  /** Called before each put; throws where a test wants a vault in trouble. */
  beforePut: (key: string) => void | Promise<void> = () => {};
  /** By its own clock. */
  storedAt: () => Date = () => new Date();

  constructor(root: string) {
    this.root = root;
    mkdirSync(root, { recursive: true });
  }

  async put(key: string, body: AsyncIterable<Uint8Array>, kept: Kept): Promise<StoredObject> {
    await this.beforePut(key);
    const folder = join(this.root, `${key}#`);
    mkdirSync(folder, { recursive: true });
    const incoming = join(folder, `incoming-${process.pid}-${process.hrtime.bigint()}`);
    const hash = createHash('sha256');
    let bytes = 0;
    const file = await open(incoming, 'wx');
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
    const version = `${versionsIn(folder).length + 1}`;
    const stored: StoredObject = {
      key,
      version,
      bytes,
      sha256: hash.digest('hex'),
      storedAt: this.storedAt(),
      retainUntil: kept.retainUntil,
    };
    renameSync(incoming, join(folder, version));
    writeFileSync(join(folder, `${version}.json.new`), JSON.stringify(stored));
    renameSync(join(folder, `${version}.json.new`), join(folder, `${version}.json`));
    return stored;
  }

  async *get({ key, version }: Pick<StoredObject, 'key' | 'version'>): AsyncIterable<Uint8Array> {
    for await (const chunk of createReadStream(this.fileOf(key, version), {
      highWaterMark: 256 * 1024,
    })) {
      if (Buffer.isBuffer(chunk)) yield chunk;
    }
  }

  async *list(prefix: string, asOf: Date | null): AsyncIterable<StoredObject> {
    const keys = existsSync(this.root) ? keysBelow(this.root, this.root) : [];
    for (const key of keys.filter((one) => one.startsWith(prefix)).sort()) {
      const versions = versionsIn(join(this.root, `${key}#`)).filter(
        ({ storedAt }) => asOf === null || storedAt <= asOf,
      );
      const newest = versions.at(-1);
      if (newest) yield newest;
    }
  }

  async stat({
    key,
    version,
  }: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null> {
    const folder = join(this.root, `${key}#`);
    if (!existsSync(folder)) return null;
    return versionsIn(folder).find((one) => one.version === version) ?? null;
  }

  async look(): Promise<VaultLook> {
    return {
      colour: 'red',
      protectsFrom: [],
      doesNotProtectFrom: ['Everything: it is a folder for tests.'],
      troubles: [],
      freeBytes: null,
      objects: null,
    };
  }

  async close(): Promise<void> {}

  /** Where the bytes lie, for tests that damage them. */
  fileOf(key: string, version: string): string {
    mkdirSync(dirname(this.root), { recursive: true });
    return join(this.root, `${key}#`, version);
  }
}

function versionsIn(folder: string): StoredObject[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => storedOf(readFileSync(join(folder, name), 'utf8')))
    .sort((a, b) => Number(a.version) - Number(b.version));
}

function storedOf(text: string): StoredObject {
  const json: StoredObject = JSON.parse(text);
  const until = json.retainUntil;
  return {
    ...json,
    storedAt: new Date(json.storedAt),
    retainUntil: until === null ? null : new Date(until),
  };
}

function keysBelow(root: string, folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (!entry.isDirectory()) return [];
    return entry.name.endsWith('#') ? [relative(root, path).slice(0, -1)] : keysBelow(root, path);
  });
}
