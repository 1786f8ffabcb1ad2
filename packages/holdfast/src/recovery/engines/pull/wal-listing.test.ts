import { describe, expect, it } from 'vitest';
import { WalListing } from './wal-listing.ts';

const SEGMENT = 16 * 1024 * 1024;
const FIRST = '000000010000000000000001';
const SECOND = '000000010000000000000002';
const START = BigInt(SEGMENT);

function listing(keys: readonly string[]): WalListing {
  const found = new WalListing(SEGMENT);
  for (const [index, key] of keys.entries()) {
    const storedAt = new Date(1_000 * index);
    found.add(key, { key, version: '1', bytes: 1, sha256: null, storedAt, retainUntil: null });
  }
  return found;
}

const whole = (name: string): string => `${name.slice(0, 8)}/${name}.lz4.age`;
const piece = (name: string, from: number, to: number): string =>
  `${name.slice(0, 8)}/${name}.d/${[from, to].map((one) => one.toString(16).toUpperCase().padStart(8, '0')).join('-')}.lz4.age`;

describe('the WAL in a vault', () => {
  it('takes a whole segment before its pieces, and the fewest pieces without', () => {
    const found = listing([
      piece(FIRST, 0, 100), whole(FIRST),
      piece(SECOND, 0, 100), piece(SECOND, 100, 200), piece(SECOND, 0, 150), piece(SECOND, 200, 300),
    ]); // biome-ignore format: pairs
    expect(found.piecesOf({ timeline: 1, start: START }).map(({ to }) => to)).toEqual([SEGMENT]);
    const second = found.piecesOf({ timeline: 1, start: START * 2n });
    expect(second.map(({ from, to }) => [from, to])).toEqual([
      [0, 150],
      [100, 200],
      [200, 300],
    ]);
    expect(found.coveredTo({ timeline: 1, lsn: START + 5n })).toBe(START * 2n + 300n);
    expect(found.newest()).toEqual({ timeline: 1, lsn: START * 2n + 300n });
  });

  it('ends at a gap, and still knows what lies behind it', () => {
    const found = listing([whole(FIRST), piece(SECOND, 0, 100), piece(SECOND, 101, 200)]);
    expect(found.coveredTo({ timeline: 1, lsn: START })).toBe(START * 2n + 100n);
    expect(found.newestOf(1)).toBe(START * 2n + 200n);
    expect(found.coveredTo({ timeline: 1, lsn: START * 2n + 150n })).toBeNull();
  });

  it('has nothing of a timeline that is not there', () => {
    const found = listing([]);
    expect([found.newest(), found.coveredTo({ timeline: 1, lsn: 0n }), found.newestOf(1)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it.each([
    ['of another shape', '00000001/000000010000000000000001.partial'],
    ['with a piece that ends before it begins', piece(FIRST, 200, 100)],
    ['with a piece that is longer than the segment', piece(FIRST, 0, SEGMENT + 1)],
    ['of a name that is too short', '00000001/00000001.lz4.age'],
  ])('passes over a key %s', (_story, key) => {
    expect(listing([key]).timelines).toEqual([]);
  });
});
