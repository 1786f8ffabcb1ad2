import { describe, expect, it } from 'vitest';
import { isSealed, PointSeal } from './point-seal.ts';
import { aPoint } from './testing/a-point.ts';
import { OTHER_SEAL, TEST_SEAL } from './testing/test-seal.ts';

const KEY = 'shop/77/points/p1/point.json';
const TEXT = TEST_SEAL.write('far', KEY, aPoint('p1'));
const there = (text: string, key = KEY, vault = 'far') => TEST_SEAL.verdictOf(vault, key, text);

describe('the seal of a recovery point', () => {
  it('is ours for all who have the key, in the vault and under the key it was made for', () => {
    expect(there(TEXT)).toBe('ours');
    // Another gateway of the installation, or this one after a new start.
    const again = new PointSeal(Buffer.alloc(32, 7));
    expect(again.verdictOf('far', KEY, TEXT)).toBe('ours');
    expect(again.write('far', KEY, aPoint('p1'))).toBe(TEXT);
  });

  it('leaves every fact where it can be read without it', () => {
    expect(JSON.parse(TEXT)).toMatchObject(aPoint('p1'));
  });

  const broken: readonly [story: string, text: string, key?: string][] = [
    ['lies under another name', TEXT, 'shop/77/points/p2/point.json'],
    ['lies under another target', TEXT, 'other/77/points/p1/point.json'],
    ['lies under another server', TEXT, 'shop/78/points/p1/point.json'],
    ['says another time', TEXT.replace('11:01:00.000Z', '12:01:00.000Z')],
    ['says another position', TEXT.replace('0/2000100', '0/9000100')],
    ['says one fact more', TEXT.replace('"prior"', '"keptUntil": "2036-01-01T00:00:00Z",\n  "prior"')],
    ['says one fact twice', TEXT.replace('"prior": null', '"prior": null,\n  "prior": null')],
    ['is written on one line', JSON.stringify(JSON.parse(TEXT))],
    ['goes on behind its end', `${TEXT} `],
    ['names another vault in its seal', TEXT.replace('"far"', '"near"')],
    ['has half a seal', TEXT.replace(/"mac": "[0-9a-f]{32}/, '"mac": "')],
    ['has a seal of nothing', TEXT.replace(/"seal": \{[^}]*\}/, '"seal": null')],
    ['has something in its seal that is not ours', TEXT.replace('"seal": {', '"seal": {"by": "me",')],
    ['is no JSON', TEXT.slice(1)],
    ['is a list', '[]'],
  ]; // biome-ignore format: one story a line
  it.for(broken)('is broken where the point.json %s', ([, text, key]) => {
    expect(there(text, key)).toBe('broken');
    expect(isSealed(there(text, key))).toBe(false);
  });

  it('tells one that was carried over from another vault, which is our own all the same', () => {
    expect(there(TEXT, KEY, 'near')).toBe('elsewhere');
    expect(isSealed('elsewhere')).toBe(true);
  });

  it('cannot be told where its key is not here, whatever it says', () => {
    const others = OTHER_SEAL.write('far', KEY, aPoint('p1'));
    expect(there(others)).toBe('foreign');
    expect(isSealed('foreign')).toBeNull();
    // Another's seal over our key id is no question of keys.
    const [ours = '', its = ''] = [TEXT, others].map((text) => /"keyId": "(\w+)"/.exec(text)?.[1]);
    expect(there(others.replace(its, ours))).toBe('broken');
  });

  it('was taken off: the point is as those from before', () => {
    expect(there(TEXT.replace(/,\n {2}"seal": \{[^}]*\}/, ''))).toBe('none');
    expect(isSealed('none')).toBe(false);
  });
});

describe('the seal in the header of a file', () => {
  const WAL = 'shop/77/wal/00000001/000000010000000000000002.lz4.age';
  const fileKey = new Uint8Array(16).fill(5);
  const seal = TEST_SEAL.headerSeal(WAL, fileKey);

  it('is ours under the key and with the file key that it was made for only', () => {
    expect(TEST_SEAL.headerVerdictOf(WAL, fileKey, seal)).toBe('ours');
    expect(TEST_SEAL.headerVerdictOf(`${WAL}x`, fileKey, seal)).toBe('broken');
    expect(TEST_SEAL.headerVerdictOf(WAL, new Uint8Array(16).fill(6), seal)).toBe('broken');
    expect(TEST_SEAL.headerVerdictOf(WAL, fileKey, null)).toBe('none');
  });

  it('cannot be told where its key is not here, and is broken where it says what no key is called', () => {
    expect(OTHER_SEAL.headerVerdictOf(WAL, fileKey, seal)).toBe('foreign');
    const { keyId } = OTHER_SEAL.headerSeal(WAL, fileKey);
    expect(OTHER_SEAL.headerVerdictOf(WAL, fileKey, { ...seal, keyId })).toBe('broken');
    for (const odd of ['', 'x'.repeat(16), keyId.toUpperCase()]) {
      expect(TEST_SEAL.headerVerdictOf(WAL, fileKey, { ...seal, keyId: odd })).toBe('broken');
    }
    expect(TEST_SEAL.headerVerdictOf(WAL, fileKey, { ...seal, mac: new Uint8Array(0) })).toBe(
      'broken',
    );
  });
});
