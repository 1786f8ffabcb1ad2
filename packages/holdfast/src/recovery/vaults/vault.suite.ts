/**
 * The duties of every vault (vault.ts), as tests. An implementation lends a vault that is empty; nothing
 * in here knows what it is made of. What a locked vault must withstand stands in hostile.suite.ts.
 */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoredObject, Vault } from './vault.ts';

export interface VaultWorld {
  readonly vault: Vault;
  end(): Promise<void>;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** Longer than any vault's floor. */
const KEPT = { retainUntil: new Date(Date.now() + 8 * DAY_MS) };
const SIZES = [0, 1, 4_096, 300_000, 5_000_000] as const;
/** More than one part of an object store, and more than any window on the way. */
const LARGE_BYTES = 40 * 1024 * 1024;

export async function* bytesOf(...chunks: readonly (string | Uint8Array)[]) {
  for (const chunk of chunks) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
}

export async function wholeOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export async function allOf(list: AsyncIterable<StoredObject>): Promise<readonly StoredObject[]> {
  const all: StoredObject[] = [];
  for await (const object of list) all.push(object);
  return all;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pattern(size: number, seed: number): Buffer {
  const block = createHash('sha512').update(String(seed)).digest();
  return Buffer.alloc(size, block);
}

/** `dates`: whether the vault says until when it keeps things; one that does not counts as not locked. */
export function vaultSuite(
  name: string,
  makeWorld: () => Promise<VaultWorld>,
  { dates }: { readonly dates: boolean } = { dates: true },
): void {
  describe(`${name} keeps the contract of a vault`, () => {
    let world: VaultWorld;
    let vault: Vault;
    const textOf = async (object: StoredObject): Promise<string> =>
      (await wholeOf(vault.get(object))).toString('utf8');

    beforeAll(async () => {
      world = await makeWorld();
      vault = world.vault;
    }, 120_000);
    afterAll(async () => {
      await world?.end();
    });

    it.each(SIZES)('gives back %d bytes as they were, with their facts', async (size) => {
      const bytes = pattern(size, size);
      const began = Date.now();
      const stored = await vault.put(`sizes/${size}`, bytesOf(bytes), KEPT);
      expect(stored).toMatchObject({ key: `sizes/${size}`, bytes: size, sha256: sha256(bytes) });
      expect(stored.version).not.toBe('');
      if (dates) {
        expect(stored.retainUntil?.getTime()).toBeGreaterThanOrEqual(KEPT.retainUntil.getTime());
      } else expect(stored.retainUntil).toBeNull();
      // Storage may count in whole seconds, by a clock of its own.
      expect(Math.abs(stored.storedAt.getTime() - began)).toBeLessThan(60_000);
      expect((await wholeOf(vault.get(stored))).equals(bytes)).toBe(true);
      const [listed] = await allOf(vault.list(`sizes/${size}`, null));
      expect(listed).toMatchObject({ key: stored.key, version: stored.version, bytes: size });
    });

    it('takes a large stream in pieces of any size', async () => {
      const piece = pattern(999_983, 7);
      const sum = createHash('sha256');
      let bytes = 0;
      async function* body() {
        for (; bytes < LARGE_BYTES; bytes += piece.length) {
          sum.update(piece);
          yield piece;
        }
      }
      const stored = await vault.put('large/one', body(), KEPT);
      expect(stored.bytes).toBe(bytes);
      expect(stored.sha256).toBe(sum.digest('hex'));
      const back = createHash('sha256');
      for await (const chunk of vault.get(stored)) back.update(chunk);
      expect(back.digest('hex')).toBe(stored.sha256);
    });

    it('keeps both versions of a key that is stored twice, and tells the newer', async () => {
      const first = await vault.put('twice/key', bytesOf('the first'), KEPT);
      const between = await pastSecond();
      const second = await vault.put('twice/key', bytesOf('the second'), KEPT);
      expect(second.version).not.toBe(first.version);
      expect(await textOf(first)).toBe('the first');
      expect(await textOf(second)).toBe('the second');
      const now = await allOf(vault.list('twice/', null));
      expect(now.map(({ version }) => version)).toEqual([second.version]);
      const then = await allOf(vault.list('twice/', between));
      expect(then.map(({ version }) => version)).toEqual([first.version]);
      expect(await allOf(vault.list('twice/', new Date('2020-01-01')))).toEqual([]);
    });

    it('lists in order of key, and what begins with the prefix only', async () => {
      const keys = ['o/b', 'o/a-b', 'o/a/c', 'o/a', 'o/a.b', 'o/a/b/c', 'o/B', 'o2/a', 'o/aa'];
      for (const key of keys) await vault.put(key, bytesOf(key), KEPT);
      const told = async (prefix: string) =>
        (await allOf(vault.list(prefix, null))).map(({ key }) => key);
      const sorted = [...keys].sort();
      expect(await told('o/')).toEqual(sorted.filter((key) => key.startsWith('o/')));
      expect(await told('o/a')).toEqual(sorted.filter((key) => key.startsWith('o/a')));
      expect(await told('o/a/')).toEqual(['o/a/b/c', 'o/a/c']);
      expect(await told('o')).toEqual(sorted);
      expect(await told('nothing')).toEqual([]);
    });

    it('stores each of many that come at once', async () => {
      const names = Array.from({ length: 40 }, (_, at) => `many/${String(at).padStart(2, '0')}`);
      const puts = names.map((key) => vault.put(key, bytesOf(key), KEPT));
      const stored = await Promise.all(puts);
      expect(new Set(stored.map(({ version, key }) => `${key}@${version}`)).size).toBe(40);
      expect((await allOf(vault.list('many/', null))).map(({ key }) => key)).toEqual(names);
      for (const object of stored) expect(await textOf(object)).toBe(object.key);
    });

    it.each([0, 10, 400_000, 20_000_000])(
      'lists nothing of a body that fails after %d bytes',
      async (size) => {
        const key = `broken/${size}`;
        async function* body() {
          if (size > 0) yield pattern(size, 3);
          throw new Error('the source is gone');
        }
        await expect(vault.put(key, body(), KEPT)).rejects.toThrow('the source is gone');
        expect(await allOf(vault.list('broken/', null))).toEqual([]);
        await vault.put(`after-broken/${size}`, bytesOf('well'), KEPT);
      },
    );

    it('lists nothing while a body is still coming', async () => {
      let isHalf = (): void => {};
      let goOn = (): void => {};
      const half = new Promise<void>((done) => {
        isHalf = done;
      });
      const rest = new Promise<void>((done) => {
        goOn = done;
      });
      async function* body() {
        yield pattern(600_000, 4);
        isHalf();
        await rest;
        yield pattern(600_000, 5);
      }
      const putting = vault.put('slow/key', body(), KEPT);
      await half;
      expect(await allOf(vault.list('slow/', null))).toEqual([]);
      goOn();
      const stored = await putting;
      expect(stored.bytes).toBe(1_200_000);
      expect(await allOf(vault.list('slow/', null))).toHaveLength(1);
    });

    it.each([
      ['nothing', ''],
      ['from the root', '/a'],
      ['an empty part', 'a//b'],
      ['a way up', 'a/../b'],
      ['a dot', './a'],
      ['a space', 'a b'],
      ['a line', 'a\nb'],
      ['a NUL', 'a\0b'],
      ['beyond ASCII', 'ä'],
      ['a sign of ours', 'a@b'],
      ['a part that is no name of a file', `a/${'b'.repeat(201)}`],
      ['too long', `${'a/'.repeat(256)}b`],
    ])('refuses a key with %s', async (_story, key) => {
      await expect(vault.put(key, bytesOf('x'), KEPT)).rejects.toMatchObject({
        code: 'HF_VAULT_KEY',
      });
    });

    it('has no such version, and says so', async () => {
      const stored = await vault.put('known/key', bytesOf('x'), KEPT);
      for (const object of [
        { key: 'unknown/key', version: stored.version },
        { key: 'known/key', version: '1-0123456789abcdef' },
        { key: 'known/key', version: '' },
      ]) {
        await expect(wholeOf(vault.get(object))).rejects.toMatchObject({
          code: 'HF_VAULT_UNKNOWN',
        });
      }
    });

    it('tells of each version that is there, also of one that was written over', async () => {
      const first = await vault.put('told/key', bytesOf('the first'), KEPT);
      const second = await vault.put('told/key', bytesOf('the second, longer'), KEPT);
      // What begins with the key is another.
      const other = await vault.put('told/key.more', bytesOf('x'), KEPT);
      const shortOf = ({ bytes, key, version }: StoredObject) => ({ bytes, key, version });
      for (const stored of [first, second, other]) {
        const told = await vault.stat(stored);
        expect(told).toMatchObject(shortOf(stored));
        expect([stored.sha256, null]).toContain(told?.sha256);
        const since = (told?.storedAt.getTime() ?? 0) - stored.storedAt.getTime();
        expect(Math.abs(since)).toBeLessThan(2_000);
      }
      for (const object of [
        { key: 'told/key', version: other.version },
        { key: 'told/key.mor', version: first.version },
        { key: 'told', version: first.version },
        { key: 'told/key', version: '1-0123456789abcdef' },
        { key: 'told/key', version: '0'.repeat(64) },
        { key: 'told/key', version: '' },
      ]) {
        expect(await vault.stat(object)).toBeNull();
      }
      await expect(vault.stat({ key: 'told//key', version: first.version })).rejects.toMatchObject({
        code: 'HF_VAULT_KEY',
      });
    });

    it('goes on after somebody stopped reading half way', async () => {
      const stored = await vault.put('half/read', bytesOf(pattern(5_000_000, 9)), KEPT);
      for await (const chunk of vault.get(stored)) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      for await (const object of vault.list('', null)) {
        expect(object.key).not.toBe('');
        break;
      }
      expect((await wholeOf(vault.get(stored))).length).toBe(5_000_000);
    });

    it('has no word for deleting', () => {
      const words = new Set<string>();
      for (let at: unknown = vault; at !== null && at !== Object.prototype; ) {
        for (const word of Object.getOwnPropertyNames(at)) words.add(word);
        at = Object.getPrototypeOf(at);
      }
      const bad = [...words].filter((word) => /delete|remove|purge|expire|overwrite/i.test(word));
      expect(bad).toEqual([]);
    });

    it('says what it does not protect from', async () => {
      const look = await vault.look();
      expect(look.doesNotProtectFrom.length).toBeGreaterThan(0);
      expect(look.troubles).toEqual([]);
      expect(look.colour).not.toBe('red');
    });
  });
}

/** A moment such that what is stored after it is stored later, also where seconds are whole. */
async function pastSecond(): Promise<Date> {
  const moment = new Date();
  await new Promise((done) => setTimeout(done, 2_000));
  return new Date(Math.ceil(moment.getTime() / 1000) * 1000);
}
