import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { loadSealKey, Seal } from './seal.ts';

const ana = { kind: 'person', id: 'person_ana' } as const;
const seal = new Seal(Buffer.alloc(32, 1), systemClock);

describe('a key derived from it', () => {
  it('is one for each purpose, the same each time, and never the key itself', () => {
    const key = Buffer.alloc(32, 1);
    const derived = ['a', 'b'].map((purpose) => new Seal(key, systemClock).derive(purpose));
    expect(derived[0]).toEqual(seal.derive('a'));
    expect(new Set([...derived, key].map((one) => one.toString('hex'))).size).toBe(3);
    const other = new Seal(Buffer.alloc(32, 2), systemClock);
    expect(other.derive('a')).not.toEqual(seal.derive('a'));
  });
});

describe('a sealed secret', () => {
  it('opens to what was closed, and never looks the same twice', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const secret = Buffer.from(bytes);
        const closed = seal.close(secret, ana);
        expect(seal.open(closed, ana)).toEqual(secret);
        expect(seal.close(secret, ana)).not.toEqual(closed);
      }),
    );
  });

  it('does not open with any bit of it changed', () => {
    const closed = seal.close(Buffer.from('secret'), ana);
    fc.assert(
      fc.property(fc.nat({ max: closed.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(closed);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(() => seal.open(changed, ana)).toThrow(HoldfastError);
      }),
    );
  });

  it.each([
    ['for another person', () => seal.open(closed(), { kind: 'person', id: 'person_ben' })],
    ['under another key', () => new Seal(Buffer.alloc(32, 2), systemClock).open(closed(), ana)],
    ['when cut short', () => seal.open(closed().subarray(0, 20), ana)],
    ['when empty', () => seal.open(Buffer.alloc(0), ana)],
  ])('does not open %s', (_, open) => expect(open).toThrow(HoldfastError));
});

function closed(): Buffer {
  return seal.close(Buffer.from('secret'), ana);
}

describe('the key file', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });
  const fresh = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-key-'));
    folders.push(folder);
    return join(folder, 'deep', 'seal.key');
  };

  it('is made once, for its owner only, and read again ever after', () => {
    const file = fresh();
    const key = loadSealKey(file, systemClock);
    expect(key).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadSealKey(file, systemClock)).toEqual(key);
  });

  it('is refused when others may read it', () => {
    const file = fresh();
    loadSealKey(file, systemClock);
    chmodSync(file, 0o644);
    expect(() => loadSealKey(file, systemClock)).toThrow(/readable by its owner only/);
  });

  it('is refused, and not replaced, when it holds no key', () => {
    const file = fresh();
    loadSealKey(file, systemClock);
    writeFileSync(file, 'c2hvcnQ=\n');
    expect(() => loadSealKey(file, systemClock)).toThrow(/32 bytes/);
  });
});
