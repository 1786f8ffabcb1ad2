/**
 * What came by Parse and Bind is put off and run to the letter: the client's own bytes, through the reader
 * of units, to the acts that are signed, and from those alone to a real server.
 */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runnableOf } from '../../src/approvals/runnable.ts';
import { createSqlReader } from '../../src/languages/sql/reader.ts';
import type { SqlReader } from '../../src/languages/sql/sql-reading.ts';
import { type AdminConnection, openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { runLater } from '../../src/protection/postgres/run-later.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { ClientStream } from '../../src/protocols/postgres/client-stream.ts';
import { PreparedStatements } from '../../src/protocols/postgres/statements.ts';
import type { Unit } from '../../src/protocols/postgres/unit.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { frontend } from '../support/raw-client.ts';
import { SERVERS } from './acts-ground.ts';

const { parse, bind, execute, sync, query } = frontend;
const PATH = Buffer.from('app\0public');

const reader: SqlReader = await createSqlReader();
afterAll(() => reader.close());

/** As `PostgresExchange.acts` lays them out. */
function actsOf(...messages: readonly Buffer[]): Buffer[] {
  const statements = new PreparedStatements();
  const found: Buffer[] = [];
  const stream: ClientStream = new ClientStream(
    {
      onUnit: (unit: Unit) => {
        for (const change of unit.changes) statements.change(change);
        const acts: Uint8Array[] = [];
        unit.addActBytes(acts);
        found.splice(0, found.length, PATH, ...acts.map((act) => Buffer.from(act)));
        return true;
      },
      onPassage: () => {},
      onFunctionCall: () => true,
      isCopyingIn: false,
      onSlowReading: (done) => void done.then(() => stream.proceed()),
      onClientBroken: (code) => expect(code).toBe(''),
    },
    reader,
    statements,
    { unitBytesMax: 1 << 20 },
  );
  const all = Buffer.concat(messages);
  stream.feed(all, all.length);
  return found;
}

const one = (
  sql: string,
  values: Parameters<typeof bind>[2] = [],
  types: number[] = [],
): Buffer[] => actsOf(parse('x', sql, types), bind('', 'x', values), execute(''), sync());

/** A Bind whose parameters are all binary. */
function binary(
  sql: string,
  types: readonly number[],
  values: readonly (Buffer | null)[],
): Buffer[] {
  // Names, no formats, the rest: one format for all of them comes in between.
  const plain = bind('', 'x', values).subarray(5);
  const body = Buffer.concat([plain.subarray(0, 3), Buffer.of(0, 1, 0, 1), plain.subarray(5)]);
  const head = Buffer.alloc(5, 'B');
  head.writeUInt32BE(body.length + 4, 1);
  return actsOf(parse('x', sql, types), Buffer.concat([head, body]), execute(''), sync());
}

describe('what can be run of what was signed', () => {
  it.each([
    ['a simple query', actsOf(query('drop table t')), 'drop table t', []],
    ['a Bind without parameters', one('drop table t'), 'drop table t', []],
    ['types without parameters', one('drop table t', [], [23]), 'drop table t', []],
    ['text that is no UTF-8 word for word', one('call f($1)', ['ü']), 'call f($1)', ['ü']],
    ['NULL', one('call f($1, $2)', [null, ''], [25, 0]), 'call f($1, $2)', [null, '']],
  ])('%s', (_story, acts, statement, values) => {
    const found = runnableOf(acts);
    expect(found?.statement.toString()).toBe(statement);
    expect(found?.parameters.map(({ value }) => value?.toString() ?? null)).toEqual(values);
  });

  it.each([
    [
      'two bound at once',
      actsOf(
        parse('', 'drop table a'),
        bind('', ''),
        parse('', 'drop table b'),
        bind('', ''),
        sync(),
      ),
    ],
    ['EXECUTE of a name', actsOf(query('prepare q as select f(); execute q'))],
    ['a name nobody prepared', actsOf(bind('', 'nope'), sync())],
    ['a type of the database', one('call f($1)', ['x'], [20_000])],
    ['a type that is none', one('call f($1)', ['x'], [0xffffffff])],
    ['cut off', one('call f($1)', ['x']).map((act, at) => (at === 2 ? act.subarray(0, -1) : act))],
    [
      'more behind it',
      one('call f($1)', ['x']).map((act, at) => (at === 2 ? Buffer.concat([act, act]) : act)),
    ],
    ['nothing', []],
  ])('not: %s', (_story, acts) => {
    const found = runnableOf(acts);
    // What people were shown is another text then, or none.
    expect(found?.statement.toString() ?? '').not.toMatch(/drop|call f/);
  });
});

describe.each(SERVERS)('PostgreSQL $server', ({ binFolder, missing }) => {
  describe.skipIf(missing)('run to the letter', () => {
    let server: ScratchPostgres;
    let admin: pg.Client;
    let db: TargetDatabase;
    const clock = new ManualClock('2026-11-27T12:00:00Z', 'deferred-bind');
    const connectionOf = (user: string, password: string | null): AdminConnection => {
      const { host, port } = server;
      return { host, port, user, database: 'postgres', password: () => password, ssl: false };
    };
    beforeAll(async () => {
      server = await startScratchPostgres(binFolder === null ? {} : { binFolder });
      admin = new pg.Client(server.url());
      await admin.connect();
      db = openTargetDatabase({ target: 'main-db', connection: connectionOf(server.user, null) });
      await admin.query(`create role books; create schema app authorization books; set role books; create table app.kept (n int, note text, at timestamptz, raw bytea);
        create procedure app.keep(n int, note text, at timestamptz, raw bytea) language sql
          as 'insert into app.kept values (n, note, at, raw)';
        create procedure app.keep(n bigint, note text, at timestamptz, raw bytea) language sql
          as 'insert into app.kept values (-1, note, at, raw)'; reset role`);
    });
    afterAll(async () => {
      await db?.close();
      await admin?.end();
      await server?.stop();
    });

    const run = async (acts: Buffer[]) => {
      const found = runnableOf(acts);
      if (found === null) throw new Error('nothing to run');
      await admin.query('truncate app.kept');
      const outcome = await runLater(
        {
          db,
          loginOf: ({ password, user }) => connectionOf(user, password),
          clock,
          trouble: (error) => expect(error).toBeUndefined(),
        },
        {
          statement: found.statement.toString(),
          parameters: found.parameters,
          searchPath: ['app'],
          owner: {
            target: 'main-db',
            said: 'books',
            effects: [],
            path: { schemas: [], isInOrder: false },
          },
        },
      );
      const { rows } = await admin.query(
        `select n, note, at at time zone 'UTC' = '2026-11-27 12:00' as at, encode(raw, 'hex') as raw from app.kept`,
      );
      return { outcome, rows };
    };
    const CALL = 'call keep($1, $2, $3, $4)';
    const TYPES = [23, 25, 1184, 17];
    const KEPT = { n: 7, note: `it's ü $1`, at: true, raw: '00ff5c' };

    it.each([
      ['as text', one(CALL, ['7', KEPT.note, '2026-11-27 12:00Z', '\\x00ff5c'], TYPES), [KEPT]],
      [
        'the type says which procedure is meant',
        one(CALL, ['7', KEPT.note, '2026-11-27 12:00Z', '\\x00ff5c'], [20, 25, 1184, 17]),
        [{ ...KEPT, n: -1 }],
      ],
      [
        'in binary, with NULL',
        binary(CALL, TYPES, [
          Buffer.from([0, 0, 0, 7]),
          Buffer.from(KEPT.note),
          null,
          Buffer.from('00ff5c', 'hex'),
        ]),
        [{ ...KEPT, at: null }],
      ],
      [
        'without parameters',
        one("call keep(7, 'a', null, null)"),
        [{ n: 7, note: 'a', at: null, raw: null }],
      ],
    ])('%s', async (_story, acts, rows) => {
      const ran = await run(acts);
      expect(ran.outcome).toMatchObject({ kind: 'done', tag: 'CALL', transaction: 'ended' });
      expect(ran.rows).toEqual(rows);
    });

    it('the server’s no is the end', async () => {
      const { outcome, rows } = await run(one(CALL, ['seven', 'x', null, null], TYPES));
      expect(outcome).toMatchObject({ kind: 'failed', code: '22P02' });
      expect(rows).toEqual([]);
    });
  });
});
