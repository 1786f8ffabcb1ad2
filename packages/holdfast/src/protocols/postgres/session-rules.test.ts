import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../languages/sql/reader.ts';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import { firstView } from './first-view.ts';
import { locatedWith, viewOf, widenedPath } from './session-rules.ts';
import { PreparedStatements } from './statements.ts';

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});
afterAll(() => reader.close());

async function read(sql: string): Promise<SqlReading> {
  const bytes = Buffer.from(sql);
  return reader.read(bytes, 0, bytes.length);
}

/** A session in which these names were prepared, as `name: text`. */
async function sessionWith(prepared: Readonly<Record<string, string>>) {
  const names = new PreparedStatements();
  for (const [name, sql] of Object.entries(prepared)) {
    const to = { reading: await read(sql), text: Buffer.from(sql) };
    names.change({ name, to, sure: true });
  }
  return names;
}

async function viewIn(prepared: Readonly<Record<string, string>>, sql: string) {
  const standing = { text: Buffer.from(sql), ahead: [], sure: true };
  return viewOf(await read(sql), standing, await sessionWith(prepared));
}

describe('what is executed by name', () => {
  it('sets what it sets', async () => {
    const pinned = "select set_config('backslash_quote', 'on', false)";
    expect((await viewIn({ p: pinned }, 'execute p')).reading).toMatchObject({
      kind: 'could-not-tell',
      reason: { code: 'lexing-setting' },
    });
    const path = "select set_config('search_path', 'other', false)";
    expect((await viewIn({ p: path }, 'execute p')).addedSchemas).toEqual(['other']);
  });

  it('is followed from name to name, and round in a circle once', async () => {
    const names = { a: 'execute b', b: 'execute c', c: 'delete from t', d: 'execute d' };
    const { reading } = await viewIn(names, 'execute a');
    expect(reading.effects.map(({ verb }) => verb)).toContain('DELETE');
    expect((await viewIn(names, 'execute d')).reading.effects).toEqual([]);
  });

  it('is given up after too many', async () => {
    const names: Record<string, string> = { n60: 'delete from t' };
    for (let at = 0; at < 60; at += 1) names[`n${at}`] = `execute n${at + 1}`;
    expect((await viewIn(names, 'execute n0')).reading).toMatchObject({
      reason: { code: 'too-complex' },
    });
  });
});

describe('the search path', () => {
  it.each([
    ['grows', ['public'], ['other'], ['public', 'other']],
    ['stays', ['public', 'public'], ['public'], ['public', 'public']],
    ['is lost', ['public'], null, []],
    ['is not found again', [], ['public'], []],
  ])('%s', (_story, path, added, expected) => {
    expect(widenedPath(path, added)).toEqual(expected);
    expect(locatedWith({ asked: 'db', searchPath: path }, added).searchPath).toEqual(expected);
  });

  it('keeps its facts when nothing is added, so that verdicts stay cached', () => {
    const facts = { asked: 'db', searchPath: ['public'] };
    expect(locatedWith(facts, [])).toBe(facts);
  });

  it('set in a text counts for that text', async () => {
    const sql = 'set search_path = other; select * from t';
    expect(firstView(await read(sql), sql, ['public']).searchPath).toEqual(['public', 'other']);
  });
});
