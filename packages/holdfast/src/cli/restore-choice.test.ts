import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { momentWish, rowWishOf, tableOf } from './restore-choice.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-restore-choice-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const AT = { kind: 'at', at: '2026-11-28T11:00:00.000Z' } as const;

describe('which table is meant', () => {
  it.each([
    ['bookings', 'public', 'bookings'],
    ['shop.bookings', 'shop', 'bookings'],
    ['"a.b"."c ""d"""', 'a.b', 'c "d"'],
    ['public."x; drop table y; --"', 'public', 'x; drop table y; --'],
    ['"line\nbreak"', 'public', 'line\nbreak'],
  ])('%s', (text, schema, name) => {
    expect(tableOf(text)).toEqual({ schema, name });
  });

  it.each(['', '.', 'a.b.c', 'a."b', '"a"b', 'a.'])('not %j', (text) => {
    expect(() => tableOf(text)).toThrow(/--table as schema.name/);
  });
});

describe('which rows are meant', () => {
  const preview = { preview: true, table: ['bookings'] };

  it('is all of a table, some keys, or the keys in a file', () => {
    const keysOf = (words: object) => {
      const wish = rowWishOf({ ...preview, ...words }, AT);
      return wish?.kind === 'preview' ? wish.words.tables[0]?.keys : undefined;
    };
    expect(keysOf({})).toBeNull();
    expect(keysOf({ keys: '1, 2,3' })).toEqual([['1'], ['2'], ['3']]);
    expect(keysOf({ keys: '[["x,y",1],["z",2]]' })).toEqual([
      ['x,y', '1'],
      ['z', '2'],
    ]);
    const path = join(folder, 'keys.txt');
    writeFileSync(path, '7\r\n8, not two\n\n["a","b"]\n');
    expect(keysOf({ keysFrom: path })).toEqual([['7'], ['8, not two'], ['a', 'b']]);
  });

  it('keeps newer work unless something else is said', () => {
    expect(rowWishOf(preview, AT)).toMatchObject({ words: { changed: 'keep', extra: 'keep' } });
    const words = { ...preview, setBack: true, deleteExtra: true };
    expect(rowWishOf(words, AT)).toMatchObject({ words: { changed: 'set-back', extra: 'delete' } });
  });

  it.each([
    ['a table and nothing to do with it', { table: ['a'] }, /--preview, --apply and --promote/],
    ['two things to do', { table: ['a'], apply: true, promote: true }, /--apply --promote/],
    ['nothing to write back', { apply: true }, /--table beside --apply/],
    ['keys of no table', { keys: '1' }, /--table beside --keys/],
    ['keys of two tables', { preview: true, table: ['a', 'b'], keys: '1' }, /one table/],
    ['keys twice', { preview: true, table: ['a'], keys: '1', keysFrom: 'x' }, /both/],
    ['keys that are none', { preview: true, table: ['a'], keys: '[1' }, /as JSON/],
    ['a file that is none', { preview: true, table: ['a'], keysFrom: '/nowhere/x' }, /one a line/],
    ['keys to promote', { promote: true, table: ['a'], keys: '1' }, /whole tables/],
  ])('refuses %s', (_, words, why) => {
    expect(() => rowWishOf(words, AT)).toThrow(why);
  });

  it('promotes a moment that stands still only', () => {
    const words = { promote: true, table: ['a'] };
    expect(() => rowWishOf(words, { kind: 'newest' })).toThrow(/--at or --point/);
    expect(rowWishOf(words, AT)).toMatchObject({ kind: 'promote' });
  });
});

describe('which moment is meant', () => {
  const now = new Date('2026-11-28T12:00:00Z');

  it('is a time, a point, or all there is', () => {
    expect(momentWish({}, now)).toEqual({ kind: 'newest' });
    expect(momentWish({ point: 'p' }, now)).toEqual({ kind: 'point', id: 'p' });
    expect(momentWish({ at: '11:00' }, now)).toEqual(AT);
    expect(() => momentWish({ at: 'noon' }, now)).toThrow(/--at as 14:00/);
    expect(() => momentWish({ at: '11:00', point: 'p' }, now)).toThrow(/both/);
  });
});
