import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadParser, parseBytes } from './parse.ts';
import type { SqlReading } from './sql-reading.ts';
import { STATEMENT_KINDS } from './statements.ts';

beforeAll(() => loadParser());

function read(sql: string): SqlReading {
  return parseBytes(Buffer.from(sql)).reading;
}

/** `kind VERB object reach +`, the plus for additive. */
function spoken(sql: string): string[] {
  return read(sql).effects.map(({ kind, verb, object, reach, additive }) => {
    const name = object === null ? '-' : [object.schema, object.name].filter(Boolean).join('.');
    return `${kind} ${verb} ${name} ${reach}${additive ? ' +' : ''}`;
  });
}

/** Parts of the grammar that are no statements of their own. */
const INNER = new Set([
  'RawStmt',
  'SetOperationStmt',
  'ReturnStmt',
  'PLAssignStmt',
  'ReplicaIdentityStmt',
]);

describe('statements', () => {
  it('has a line for every statement of the grammar', () => {
    const parser = createRequire(import.meta.url).resolve('libpg-query');
    const types = createRequire(parser).resolve('@pgsql/types');
    const text = readFileSync(join(dirname(types), 'types.d.ts'), 'utf8');
    const kinds = [...text.matchAll(/^export interface (\w+Stmt) /gm)].map(
      (match) => match[1] ?? '',
    );
    expect(kinds.length).toBeGreaterThan(110);
    expect(kinds.filter((kind) => !INNER.has(kind)).sort()).toEqual([...STATEMENT_KINDS].sort());
  });

  it.each<[string, string[]]>([
    ['SELECT 1', ['read SELECT - none']],
    ['SELECT * FROM a.b, c', ['read SELECT a.b none', 'read SELECT c none']],
    ['WITH c AS (SELECT * FROM a) SELECT * FROM c', ['read SELECT a none']],
    [
      'WITH c AS (SELECT * FROM c) SELECT * FROM x.c',
      ['read SELECT c none', 'read SELECT x.c none'],
    ],
    ['INSERT INTO t DEFAULT VALUES', ['write INSERT t rows']],
    ['DELETE FROM t WHERE a = 1', ['write DELETE t rows']],
    ['DELETE FROM t', ['destroy DELETE t whole']],
    ['TRUNCATE a, b CASCADE', ['destroy TRUNCATE a cascade', 'destroy TRUNCATE b cascade']],
    ['DROP INDEX CONCURRENTLY s.i', ['destroy DROP INDEX s.i whole']],
    ['DROP FUNCTION s.f(int)', ['destroy DROP FUNCTION s.f whole']],
    ['DROP TRIGGER g ON s.t', ['destroy DROP TRIGGER s.t whole']],
    ['DROP TYPE s.t CASCADE', ['destroy DROP TYPE s.t cascade']],
    ['CREATE TABLE t (a int DEFAULT f())', ['reshape CREATE TABLE t none +']],
    ['CREATE OR REPLACE VIEW v AS SELECT f()', ['reshape CREATE OR REPLACE VIEW v whole']],
    ['CREATE VIEW v AS SELECT f()', ['reshape CREATE VIEW v none +']],
    ['CREATE UNIQUE INDEX i ON t (a)', ['reshape CREATE INDEX t none +']],
    ['ALTER TABLE t ADD a int, ADD b text', ['reshape ALTER TABLE ADD COLUMN t whole +']],
    ['ALTER TABLE t ALTER a TYPE text', ['reshape ALTER TABLE ALTER COLUMN TYPE t whole']],
    [
      'ALTER TABLE t ALTER a TYPE int USING a::int',
      ['reshape ALTER TABLE ALTER COLUMN TYPE t whole'],
    ],
    ['ALTER TABLE t DROP CONSTRAINT k CASCADE', ['reshape ALTER TABLE DROP CONSTRAINT t cascade']],
    [
      'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u',
      ['reshape ALTER TABLE ADD CONSTRAINT t whole +'],
    ],
    [
      'ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u ON DELETE CASCADE',
      ['reshape ALTER TABLE ADD CONSTRAINT t whole'],
    ],
    ["ALTER TYPE e ADD VALUE 'x'", ['reshape ALTER TYPE e whole +']],
    ['COMMENT ON TABLE s.t IS NULL', ['reshape COMMENT s.t none +']],
    ['VACUUM t', ['reshape VACUUM t none +']],
    ['ANALYZE', ['reshape ANALYZE - none +']],
    ['REINDEX TABLE t', ['reshape REINDEX t whole']],
    ['CREATE POLICY p ON t USING (true)', ['grant CREATE POLICY t whole']],
    ['GRANT SELECT ON s.t TO r', ['grant GRANT s.t whole']],
    ['CALL s.p(1)', ['execute CALL s.p unknown']],
    ['LOCK TABLE t', ['read LOCK TABLE t none']],
    ['COPY t FROM STDIN', ['write COPY FROM t rows']],
    [
      'MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE',
      ['write MERGE DELETE t rows', 'read SELECT u none'],
    ],
    ['EXPLAIN UPDATE t SET a = 1', ['read EXPLAIN t none']],
    [
      "DO 'BEGIN CREATE TYPE s.e AS ENUM(''a''); EXCEPTION WHEN duplicate_object THEN null; END;'",
      ['reshape CREATE TYPE s.e none +'],
    ],
    [
      'DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type) THEN CREATE TABLE t (a int); END IF; END $$',
      ['read SELECT pg_type none', 'reshape CREATE TABLE t none +'],
    ],
    [
      'DO $$ DECLARE n int := 1; BEGIN INSERT INTO t VALUES (n); UPDATE t SET a = n WHERE b = 1; END $$',
      ['read SELECT - none', 'write INSERT t rows', 'destroy UPDATE t whole'],
    ],
    ['DO $$ BEGIN DROP TABLE t; END $$', ['execute DO - unknown', 'destroy DROP TABLE t whole']],
    ['CREATE EXTENSION IF NOT EXISTS "uuid-ossp"', ['reshape CREATE EXTENSION uuid-ossp none +']],
    [
      'CREATE EXTENSION dblink',
      ['reshape CREATE EXTENSION dblink none +', 'execute CREATE EXTENSION dblink unknown'],
    ],
    ['BEGIN', []],
    ['SET a.b = 1', []],
    ['LISTEN x', []],
  ])('%s', (sql, expected) => {
    expect(spoken(sql)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["SET search_path = 'a b', C", { parameter: 'search_path', value: '"a b", c', local: false }],
    [
      "SELECT set_config('Search_Path', 'a, b', true)",
      { parameter: 'search_path', value: 'a, b', local: true, isCall: true },
    ],
    [
      'SET LOCAL statement_timeout = 5',
      { parameter: 'statement_timeout', value: '5', local: true },
    ],
    // Neither is the setting that it looks like: the server compares A to Z, and keeps blanks.
    [
      "SELECT set_config('app.tenant\u00a0', '42', false)",
      { parameter: 'app.tenant\u00a0', value: '42', local: false, isCall: true },
    ],
    [
      'SET "App.wor\u212aspace" = \'42\'',
      { parameter: 'app.wor\u212aspace', value: '42', local: false },
    ],
    ["SET TIME ZONE 'UTC'", { parameter: 'timezone', value: 'UTC', local: false }],
    ['SET TIME ZONE LOCAL', { parameter: 'timezone', value: null, local: false, isReset: true }],
    ['RESET work_mem', { parameter: 'work_mem', value: null, local: false, isReset: true }],
    ["SET TIME ZONE INTERVAL '-8'", { parameter: 'timezone', value: null, local: false }],
    [
      "SELECT set_config('app.tenant', $1::text, true)",
      { parameter: 'app.tenant', value: null, local: true, isCall: true, parameterAt: 1 },
    ],
    ['SET TRANSACTION READ ONLY', { parameter: 'transaction_read_only', value: 'on', local: true }],
    ["SET NAMES 'UTF8'", { parameter: 'client_encoding', value: 'UTF8', local: false }],
  ])('%s as an act on the session', (sql, expected) => {
    expect(read(sql).session).toEqual([{ kind: 'set', ...(expected as object) }]);
  });
});
