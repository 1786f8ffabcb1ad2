import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SQL_READ_BYTES_MAX } from '../../model/limits.ts';
import { loadParser, parseBytes } from './parse.ts';
import { createSqlReader, type SqlReaderOptions } from './reader.ts';
import type { SqlReader, SqlReading } from './sql-reading.ts';

const open: SqlReader[] = [];

async function reader(options: SqlReaderOptions = {}): Promise<SqlReader> {
  const made = await createSqlReader(options);
  open.push(made);
  return made;
}

afterAll(async () => {
  for (const made of open) await made.close();
});

function read(from: SqlReader, sql: string): SqlReading | Promise<SqlReading> {
  // Inside a larger buffer, as on the wire.
  const bytes = Buffer.from(`Q....${sql}\0`);
  return from.read(bytes, 5, bytes.length - 1);
}

describe('what is remembered', () => {
  let shared: SqlReader;
  beforeAll(async () => {
    shared = await reader();
  });

  it.each([
    ['the same text', 'SELECT 1', 'SELECT 1', true],
    ['another number', 'SELECT * FROM t WHERE id = 1', 'SELECT * FROM t WHERE id = 22', true],
    ['another string', "SELECT * FROM t WHERE n = 'a'", "SELECT * FROM t WHERE n = 'it''s'", true],
    ['a string beyond ASCII', "SELECT 'a', b FROM t", "SELECT 'ü', b FROM t", true],
    ['quoted names', 'SELECT 1 FROM "a" x', 'SELECT 2 FROM "a" x', true],
    ['a fraction for a number', 'SELECT 1 AS f', 'SELECT 1.5 AS f', true],
    ['a real condition', 'DELETE FROM t WHERE a = 5', 'DELETE FROM t WHERE a = 6', true],
    ['another quoted name', 'SELECT 1 FROM "a" y', 'SELECT 1 FROM "b" y', false],
    ['another parameter number', 'SELECT $1 FROM t', 'SELECT $2 FROM t', false],
    ['a setting', 'SET a.b = 1', 'SET a.b = 2', false],
    [
      'set_config',
      "SELECT set_config('a.b', 'x', false)",
      "SELECT set_config('a.c', 'x', false)",
      false,
    ],
    ['a sequence', "SELECT nextval('a')", "SELECT nextval('b')", false],
    ['constants only', 'DELETE FROM t WHERE 1 = 1', 'DELETE FROM t WHERE 1 = 2', false],
    ['a bound for keys', 'DELETE FROM t WHERE id > 0', 'DELETE FROM t WHERE id > 9000', false],
    ['a pattern', "DELETE FROM t WHERE a LIKE '%'", "DELETE FROM t WHERE a LIKE 'b'", false],
    [
      'halves that may make a whole',
      'DELETE FROM t WHERE a = 1 OR a <> 1',
      'DELETE FROM t WHERE a = 1 OR a <> 2',
      false,
    ],
    ['a text that is refused', "SELEC 'a'", "SELEC 'b'", false],
  ])('%s', async (_story, one, other, same) => {
    const first = await read(shared, one);
    expect(await read(shared, one)).toBe(first);
    expect((await read(shared, other)) === first).toBe(same);
  });

  it('does not take a template for proof of UTF-8', async () => {
    await read(shared, "SELECT 'a' AS utf");
    const bytes = Buffer.from("SELECT 'a' AS utf");
    bytes[8] = 0xff;
    expect(await shared.read(bytes, 0, bytes.length)).toMatchObject({
      reason: { code: 'invalid-utf8' },
    });
  });

  it('forgets the oldest when it is full, and still reads right', async () => {
    const small = await reader({ cacheEntriesMax: 2, cacheBytesMax: 200 });
    const first = await read(small, 'SET a.b = 1');
    for (let value = 2; value < 9; value += 1) await read(small, `SET a.b = ${value}`);
    const again = await read(small, 'SET a.b = 1');
    expect(again).not.toBe(first);
    expect(again).toEqual(first);
  });
});

describe('long texts', () => {
  it('are read in the worker, with the same result', async () => {
    const sql = `INSERT INTO t VALUES ${"(1, 'abc'),".repeat(3_000)} (2, 'x')`;
    const answer = read(await reader(), sql);
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toEqual(parseBytes(Buffer.from(sql)).reading);
  });

  it('are read in order and each answered, although all come at once', async () => {
    const from = await reader({ inlineBytesMax: 10 });
    const names = ['alpha', 'beta', 'gamma', 'delta'];
    const readings = await Promise.all(names.map((name) => read(from, `DROP TABLE ${name}`)));
    expect(readings.map((each) => each.effects[0]?.object?.name)).toEqual(names);
  });

  it('that take too long cost the worker, not the next text', async () => {
    const from = await reader({ inlineBytesMax: 20, readMsMax: 1 });
    const slow = await read(from, `SELECT ${'1,'.repeat(400_000)} 1`);
    expect(slow).toMatchObject({ reason: { code: 'timeout' } });
    // Nothing of it is remembered: the same reader still answers short texts.
    expect(await read(from, 'SELECT 1')).toMatchObject({ kind: 'understood' });
  });

  it.each([
    ['operators in a row', `SELECT a${'+1'.repeat(8_000)}`, 'too-complex'],
    ['comments in comments', `${'/*'.repeat(4_000)}${'*/'.repeat(3_999)}`, 'syntax-error'],
  ])('and short ones made to be hard: %s', async (_story, sql, code) => {
    const from = await reader();
    const answer = read(from, sql);
    expect(answer).toBeInstanceOf(Promise);
    // It may cost the worker its life; the one behind it is answered by the next.
    const behind = read(from, `SELECT 1, '${'x'.repeat(20_000)}'`);
    expect(await answer).toMatchObject({ reason: { code } });
    expect(await behind).toMatchObject({ kind: 'understood' });
  });

  it('beyond the limit are not read at all', async () => {
    const from = await reader();
    const bytes = Buffer.alloc(SQL_READ_BYTES_MAX + 1, ' ');
    expect(await from.read(bytes, 0, bytes.length)).toMatchObject({
      reason: { code: 'too-large' },
    });
  });

  it('are as long as the reader was told, short ones too', async () => {
    const from = await reader({ readBytesMax: 10 });
    expect(await read(from, 'SELECT 123')).toMatchObject({ kind: 'understood' });
    expect(await read(from, 'SELECT 1234')).toMatchObject({ reason: { code: 'too-large' } });
  });

  it('get an answer when the reader is closed', async () => {
    const from = await reader({ inlineBytesMax: 10 });
    const waiting = [read(from, 'DROP TABLE a'), read(from, 'DROP TABLE b')];
    await from.close();
    for (const answer of waiting) {
      expect(await answer).toMatchObject({ reason: { code: 'reader-failed' } });
    }
  });
});

describe('where the parser stopped', () => {
  it.each([
    ['at the start', 'SELEC 1', 1],
    ['counted in characters, not bytes', "SELECT 'é😀' fromm x y", 19],
    ['after ASCII', "SELECT 'abc' fromm x y", 20],
    ['at the end', 'SELECT * FROM', 14],
  ])('%s', async (_story, sql, position) => {
    expect(await read(await reader(), sql)).toMatchObject({
      reason: { code: 'syntax-error', position },
    });
  });
});

/** Fragments that meet at the seams: quotes, comments, numbers, prefixes. */
const FRAGMENTS = (
  "' '' 'a' 'b;c' '--' '/*' 'é' \"x\" \"a'b\" 1 12 3.5 1e5 .5 1. 0x1F 1_0 E'a' U&'a' U& N'a' B'1' $1 $2 " +
  '$$a$$ $t$b$t$ -- /* */ - / * a b1 t.x id ( ) , = <> > ; SELECT DELETE§FROM§t UPDATE§t§SET§a§= ' +
  'INSERT§INTO§t§VALUES§( WHERE AND OR NOT LIKE IN§( \\ é + ::int LIMIT UESCAPE & . .. @ || FROM ' +
  "IS§NOT§NULL set_config(§'a.b',§'x',§true§) nextval(§'s'§) true NULL § §\n"
)
  .split(' ')
  .map((part) => part.replaceAll('§', ' '));
const STARTS = [
  'SELECT 1',
  'SELECT ',
  'DELETE FROM t WHERE a = ',
  'DELETE FROM t WHERE id > ',
  "INSERT INTO t VALUES (1,'a'",
  "UPDATE t SET a = 'x' WHERE b = ",
  "SELECT 'a' FROM t WHERE x = ",
];

describe('the fast path', () => {
  it('finds what the parser finds, whatever came before', async () => {
    await loadParser();
    const from = await reader();
    const text = fc
      .tuple(
        fc.constantFrom(...STARTS),
        fc.array(fc.tuple(fc.constantFrom(...FRAGMENTS), fc.constantFrom('', ' ')), {
          maxLength: 7,
        }),
      )
      .map(([start, parts]) => start + parts.flat().join(''));
    fc.assert(
      fc.property(text, (sql) => {
        const found = read(from, sql);
        expect(found).not.toBeInstanceOf(Promise);
        expect(found).toEqual(parseBytes(Buffer.from(sql)).reading);
      }),
      { numRuns: Number(process.env['HOLDFAST_FUZZ_RUNS'] ?? 6_000) },
    );
  });
});
