import { beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from './reader.ts';
import { RIGHTLESS, TAGGED } from './rights.ts';
import type { SqlReader } from './sql-reading.ts';
import { STATEMENT_KINDS } from './statements.ts';

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});

async function read(sql: string) {
  const bytes = Buffer.from(sql);
  const { parts } = await reader.read(bytes, 0, bytes.length);
  return parts?.map(({ from, to, needs, tag, loses }) => [
    bytes.toString('utf8', from, to),
    needs === 'none' ? 'none' : `${needs} ${tag}${loses ? ', loses' : ''}`,
  ]);
}

it('every kind of statement either needs an owner, with a tag, or is known to need none', () => {
  const unsorted = STATEMENT_KINDS.filter((kind) => !TAGGED.has(kind) && !RIGHTLESS.has(kind));
  expect(unsorted).toEqual([]);
});

describe('texts that need nothing say nothing', () => {
  it.each([
    'select 1; update t set a = 1 where b = 2',
    'begin; set local lock_timeout = 1; commit',
    'copy t from stdin; explain analyze create table t as select 1',
    'create temp table t (a int); create temporary view v as select 1; select 1 into temp x',
    'do $$ begin drop table t; end $$; call f(); lock t; listen c',
    'prepare p as select 1; execute p; deallocate p',
  ])('%s', async (sql) => expect(await read(sql)).toBeUndefined());
});

describe('where each statement stands, and what it needs', () => {
  it.each([
    [
      'do $$ begin create type e as enum (); exception when duplicate_object then null; end $$',
      [
        [
          'do $$ begin create type e as enum (); exception when duplicate_object then null; end $$',
          'owner DO',
        ],
      ],
    ],
    [
      ' /* ü */ create table é (a int) -- x\n;; select 1 ; DROP TABLE t /* y */',
      [
        ['create table é (a int) -- x\n', 'owner CREATE TABLE'],
        ['select 1 ', 'none'],
        ['DROP TABLE t /* y */', 'owner DROP TABLE, loses'],
      ],
    ],
    [
      'select $$;drop table t;$$, \';\', ";"; truncate t;',
      [
        ['select $$;drop table t;$$, \';\', ";"', 'none'],
        ['truncate t', 'owner TRUNCATE TABLE, loses'],
      ],
    ],
    [
      'create index concurrently i on t (a)',
      [['create index concurrently i on t (a)', 'outside CREATE INDEX']],
    ],
    ['drop index concurrently i', [['drop index concurrently i', 'outside DROP INDEX, loses']]],
    ['vacuum full t', [['vacuum full t', 'outside VACUUM, loses']]],
    ['analyze t', [['analyze t', 'owner ANALYZE']]],
    [
      'reindex (concurrently) table t',
      [['reindex (concurrently) table t', 'outside REINDEX, loses']],
    ],
    ['reindex table t', [['reindex table t', 'owner REINDEX, loses']]],
    ['drop database d', [['drop database d', 'outside DROP DATABASE, loses']]],
    [
      'alter table t detach partition p concurrently',
      [['alter table t detach partition p concurrently', 'outside ALTER TABLE, loses']],
    ],
    [
      'alter view v rename column a to b',
      [['alter view v rename column a to b', 'owner ALTER VIEW, loses']],
    ],
    [
      'alter type t rename attribute a to b',
      [['alter type t rename attribute a to b', 'owner ALTER TYPE, loses']],
    ],
    ['select a into t from u', [['select a into t from u', 'owner SELECT INTO']]],
    [
      'select 1 as a into t union select 2',
      [['select 1 as a into t union select 2', 'owner SELECT INTO']],
    ],
    ['grant a to b', [['grant a to b', 'admin GRANT ROLE, loses']]],
  ])('%s', async (sql, expected) => expect(await read(sql)).toEqual(expected));
});

it('a long text says the same from the worker', async () => {
  const comment = `/* ${'ü'.repeat(20_000)} */`;
  const sql = `${comment} select 1; ${comment} drop table t`;
  expect(await read(sql)).toEqual([
    ['select 1', 'none'],
    ['drop table t', 'owner DROP TABLE, loses'],
  ]);
  await reader.close();
});
