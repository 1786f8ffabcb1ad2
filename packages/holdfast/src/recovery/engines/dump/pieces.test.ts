import { describe, expect, it } from 'vitest';
import { HoldfastError } from '../../../model/errors.ts';
import type { StoredObject, Vault } from '../../vaults/vault.ts';
import { ChangeBuffer } from './change-buffer.ts';
import { readChange } from './pgoutput.ts';
import {
  type ChangePiece,
  chainFrom,
  endOf,
  listPieces,
  openPiece,
  pieceKey,
  piecePlace,
} from './pieces.ts';

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const uint64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
};
/** As another encoder would write them, from the manual. */
const begin = (lsn: bigint): Buffer =>
  Buffer.concat([Buffer.from('B'), uint64(lsn), uint64(5n), uint32(700)]);
const commit = (lsn: bigint, end: bigint): Buffer =>
  Buffer.concat([Buffer.from('C\0'), uint64(lsn), uint64(end), uint64(5n)]);
const relation = (oid: number, name: string): Buffer =>
  Buffer.concat([
    Buffer.from('R'),
    uint32(oid),
    Buffer.from(`public\0${name}\0d\0\x01`),
    Buffer.from('\x01id\0'),
    uint32(23),
    uint32(0xffff_ffff),
  ]);
const insert = (oid: number, value: string): Buffer =>
  Buffer.concat([
    Buffer.from('I'),
    uint32(oid),
    Buffer.from('N\0\x01t'),
    uint32(value.length),
    Buffer.from(value),
  ]);

describe('messages of pgoutput', () => {
  it('are read as the manual has them', () => {
    expect(readChange(begin(16n))).toEqual({ kind: 'begin', lsn: 16n, micros: 5n });
    expect(readChange(commit(16n, 32n))).toMatchObject({ kind: 'commit', end: 32n });
    expect(readChange(relation(9, 'rooms'))).toEqual({
      kind: 'relation',
      relation: {
        oid: 9,
        schema: 'public',
        name: 'rooms',
        identity: 'd',
        columns: [{ name: 'id', isKey: true, typeOid: 23 }],
      },
    });
    expect(readChange(insert(9, 'blue'))).toEqual({ kind: 'insert', oid: 9, row: ['blue'] });
    const updated = Buffer.concat([
      Buffer.from('U'),
      uint32(9),
      Buffer.from('K\0\x01n'),
      Buffer.from('N\0\x01u'),
    ]);
    expect(readChange(updated)).toEqual({ kind: 'update', oid: 9, by: [null], row: [undefined] });
    const emptied = Buffer.concat([
      Buffer.from('T'),
      uint32(2),
      Buffer.from('\x02'),
      uint32(9),
      uint32(8),
    ]);
    expect(readChange(emptied)).toEqual({ kind: 'truncate', oids: [9, 8], restartsIdentity: true });
  });

  const rows: readonly [story: string, message: Buffer][] = [
    ['of a kind that is not known', Buffer.from('Zxxx')],
    ['that is empty', Buffer.alloc(0)],
    ['that ends in a number', Buffer.from('B123')],
    [
      'whose value is longer than itself',
      Buffer.concat([
        Buffer.from('I'),
        uint32(9),
        Buffer.from('N\0\x01t'),
        uint32(4_000_000_000),
        Buffer.from('x'),
      ]),
    ],
    [
      'with more columns than a table has',
      Buffer.concat([Buffer.from('I'), uint32(9), Buffer.from('N\xff\xff', 'latin1')]),
    ],
    [
      'with more tables than it is long',
      Buffer.concat([Buffer.from('T'), uint32(0xffff_ffff), Buffer.from('\0')]),
    ],
    [
      'whose name does not end',
      Buffer.concat([Buffer.from('R'), uint32(9), Buffer.from('public')]),
    ],
  ];
  it.for(rows)('one %s is refused', ([, message]) => {
    expect(() => readChange(message)).toThrow(HoldfastError);
  });
});

describe('pieces of changes', () => {
  const filled = (): ChangeBuffer => {
    const buffer = new ChangeBuffer(10n, 1_000_000);
    buffer.append(10n, begin(10n), 1n);
    buffer.append(11n, relation(9, 'rooms'), 1n);
    buffer.append(12n, insert(9, 'a'), 1n);
    buffer.append(20n, commit(19n, 20n), 2n);
    return buffer;
  };

  it('end with a transaction, and say from where to where they go', () => {
    const buffer = filled();
    buffer.append(21n, begin(21n), 3n);
    const job = buffer.next();
    if (job === null) throw new Error('nothing to store');
    expect(job).toMatchObject({ from: 10n, to: 20n, part: 0 });
    const opened = openPiece(job.bytes, 'x');
    expect(opened).toMatchObject({ from: 10n, to: 20n });
    expect(opened.messages.map(({ bytes }) => bytes.toString('latin1', 0, 1)).join('')).toBe(
      'BRIC',
    );
    buffer.done(job);
    expect(buffer.next()).toBeNull();
    expect(buffer.isEmpty).toBe(false);
    expect(buffer.nothingUntil(90n, 9n)).toBeNull();
  });

  it('stand for themselves: how a table is built is said in each', () => {
    const buffer = filled();
    const first = buffer.next();
    if (first === null) throw new Error('nothing to store');
    buffer.done(first);
    // The server says it once in a session.
    buffer.append(30n, begin(30n), 4n);
    buffer.append(31n, insert(9, 'b'), 4n);
    buffer.append(40n, commit(39n, 40n), 4n);
    const job = buffer.next();
    const tags = openPiece(job?.bytes ?? Buffer.alloc(0), 'x').messages.map(({ bytes }) =>
      bytes.toString('latin1', 0, 1),
    );
    expect(tags.join('')).toBe('BRIC');
  });

  it('of a transaction that is too large are parts, and count when the last is there', () => {
    const buffer = new ChangeBuffer(10n, 50);
    buffer.append(10n, begin(10n), 1n);
    buffer.append(11n, relation(9, 'rooms'), 1n);
    const half = buffer.next();
    expect(half).toMatchObject({ from: 10n, to: null, part: 0 });
    if (half === null) throw new Error('nothing to store');
    buffer.done(half);
    buffer.append(12n, insert(9, 'a'), 1n);
    buffer.append(20n, commit(19n, 20n), 2n);
    expect(buffer.next()).toMatchObject({ from: 10n, to: 20n, part: 1 });
  });

  it('are refused when they are anything else', () => {
    const bytes = filled().next()?.bytes ?? Buffer.alloc(0);
    for (const damaged of [
      Buffer.alloc(0),
      Buffer.from('HFC2'),
      bytes.subarray(0, bytes.length - 1),
      Buffer.concat([bytes, Buffer.from('x')]),
    ]) {
      expect(() => openPiece(damaged, 'x')).toThrow(/changes as Holdfast stores them/);
    }
  });

  const named = (from: bigint, session: string, part: number, to: bigint | null): string =>
    pieceKey('shop', '7', { from, session, part, to });
  const listing = (keys: readonly string[]): Vault => {
    async function* objects(prefix: string): AsyncIterable<StoredObject> {
      for (const key of keys.toSorted()) {
        if (!key.startsWith(prefix)) continue;
        const storedAt = new Date(0);
        yield { key, version: '1', bytes: 1, sha256: null, storedAt, retainUntil: null };
      }
    }
    const never = (): never => {
      throw new Error('only listed');
    };
    return {
      name: 'keys',
      kind: 'local',
      list: objects,
      put: never,
      get: never,
      stat: never,
      look: never,
      close: async () => {},
    };
  };

  it('have names that sort by position and read back', () => {
    const place = { from: 0x16_b374_d848n, session: '0011aabb', part: 3, to: null };
    const key = named(place.from, place.session, place.part, place.to);
    expect(key).toBe('shop/7/changes/00000016B374D848/0011aabb-0003-more.lz4.age');
    expect(piecePlace(key.slice('shop/7/changes/'.length))).toEqual(place);
    expect(piecePlace('00000016B374D848/../x')).toBeNull();
  });

  it('that were broken off and sent anew are read once, the one that reaches farther', async () => {
    const pieces = await listPieces(
      listing([
        named(10n, 'aaaaaaaa', 0, null),
        named(10n, 'bbbbbbbb', 0, null),
        named(10n, 'bbbbbbbb', 1, 30n),
        named(10n, 'cccccccc', 0, 20n),
        named(10n, 'dddddddd', 1, 99n),
        named(30n, 'bbbbbbbb', 0, 40n),
      ]),
      'shop',
      '7',
    );
    expect(pieces.map(({ from, parts, to }) => [from, to, parts.length])).toEqual([
      [10n, 30n, 2],
      [10n, 20n, 1],
      [30n, 40n, 1],
    ]);
    expect(chainFrom(pieces, 12n).map(({ to }) => to)).toEqual([30n, 40n]);
    expect(endOf(pieces)).toBe(40n);
  });

  it('lead on without a hole or not at all', () => {
    const piece = (from: bigint, to: bigint): ChangePiece => ({ from, to, parts: [] });
    const all = [piece(10n, 20n), piece(20n, 30n), piece(31n, 40n)];
    const ends = (start: bigint) => chainFrom(all, start).map(({ to }) => to);
    expect(ends(10n)).toEqual([20n, 30n]);
    expect(ends(25n)).toEqual([30n]);
    expect(ends(9n)).toEqual([]);
    expect(ends(40n)).toEqual([]);
    expect(ends(35n)).toEqual([40n]);
  });
});
