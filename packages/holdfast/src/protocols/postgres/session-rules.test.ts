import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../languages/sql/reader.ts';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import { firstView } from './first-view.ts';
import { locatedWith, widenedPath } from './session-rules.ts';

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});
afterAll(() => reader.close());

async function read(sql: string): Promise<SqlReading> {
  const bytes = Buffer.from(sql);
  return reader.read(bytes, 0, bytes.length);
}

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
