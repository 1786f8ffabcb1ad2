/**
 * What a user of each driver meets when a statement is held: an error the driver understands, a
 * transaction in the state any error leaves, an approval that lets exactly one retry pass, a denial
 * that stays, and a revoked token that ends the session at once.
 */
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import type { Login } from '../support/raw-client.ts';
import { ASYNCPG, missing, PGJDBC, type Program, PSQL, PSYCOPG2, run } from './drivers/programs.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask(
    'create table victims (id int); create table kept (id int); ' +
      'alter table victims owner to app; alter table kept owner to app',
  );
});
afterAll(() => gateway?.stop());
beforeEach(async () => {
  await gateway.upstream.ask(
    'truncate victims, kept; insert into victims select generate_series(1, 3)',
  );
});

interface Driver {
  readonly name: string;
  readonly program: Program | null;
  /**
   * Runs `sql` and then `select 1`, on its own or (inside) after an insert of 100 and a savepoint that
   * is gone back to, followed by an insert of 101 and commit. All that the driver showed, as text.
   */
  once(login: Login, sql: string, inside: boolean): Promise<string>;
}

function program(one: Program): Driver {
  return {
    name: one.name,
    program: one,
    once: async (login, sql, inside) => {
      const ran = await run(one, login, ['once', sql, ...(inside ? ['txn'] : [])]);
      return ran.out + ran.err;
    },
  };
}

const psql: Driver = {
  name: 'psql',
  program: PSQL,
  once: async (login, sql, inside) => {
    const before = inside ? 'begin;\ninsert into kept values (100);\nsavepoint s;\n' : '';
    const after = inside ? 'rollback to s;\ninsert into kept values (101);\ncommit;\n' : '';
    const input = `\\set VERBOSITY verbose\n${before}${sql};\nselect 1;\n${after}`;
    const ran = await run(PSQL, login, [], { input });
    return ran.out + ran.err;
  },
};

const nodePostgres: Driver = {
  name: 'node-postgres',
  program: null,
  once: async ({ host, port, user, password, database }, sql, inside) => {
    const client = new pg.Client({ host, port, user, password, database, ssl: false });
    await client.connect();
    try {
      const ask = (text: string, values?: unknown[]): Promise<unknown> =>
        client.query(text, values).then((found) => found.rowCount, shown);
      return await script(sql, inside, ask);
    } finally {
      await client.end();
    }
  },
};

const postgresJs: Driver = {
  name: 'postgres.js',
  program: null,
  once: async ({ host, port, user, password, database }, text, inside) => {
    const sql = postgres({ host, port, user, password, database, ssl: false, max: 1 });
    const held = await sql.reserve();
    try {
      const ask = (one: string): Promise<unknown> =>
        held.unsafe(one, [], { prepare: true }).then((found) => found.count, shown);
      return await script(text, inside, ask);
    } finally {
      held.release();
      await sql.end({ timeout: 5 });
    }
  },
};

async function script(
  sql: string,
  inside: boolean,
  ask: (sql: string) => Promise<unknown>,
): Promise<string> {
  const before = inside ? ['begin', 'insert into kept values (100)', 'savepoint s'] : [];
  const after = inside ? ['rollback to s', 'insert into kept values (101)', 'commit'] : [];
  const shownAll: unknown[] = [];
  for (const one of [...before, sql, 'select 1', ...after]) shownAll.push(await ask(one));
  return JSON.stringify(shownAll);
}

function shown(error: unknown): unknown {
  if (!(error instanceof Error)) throw error;
  return { ...error, message: error.message };
}

const DRIVERS: readonly Driver[] = [
  psql,
  nodePostgres,
  postgresJs,
  program(PSYCOPG2),
  program(ASYNCPG),
  program(PGJDBC),
];

const HOLD_ID = /hold_[0-9a-hjkmnp-tv-z]{16}/;

describe.each(DRIVERS)('$name', (driver) => {
  const reason = driver.program === null ? null : missing(driver.program);
  /** A text of its own, so that drivers share no hold. */
  const sqlFor = (story: string): string => `delete from victims /* ${driver.name} ${story} */`;

  it('is told of the hold in an error it understands, and goes on working', async (ctx) => {
    ctx.skip(reason !== null, reason ?? '');
    const text = await driver.once(gateway.through, sqlFor('told'), false);
    expect(text).toMatch(/Holdfast holds this for a person: DELETE on \S*victims/);
    expect(text).toContain('42501');
    expect(text).toMatch(HOLD_ID);
    expect(text).toMatch(/holdfast holds show hold_/);
    expect(text).not.toContain('25P02');
    expect(await victims()).toBe(3);
  });

  it('finds its transaction aborted as by any error, and a savepoint saves it', async (ctx) => {
    ctx.skip(reason !== null, reason ?? '');
    const text = await driver.once(gateway.through, sqlFor('inside'), true);
    expect(text).toContain('42501');
    expect(text).toMatch(HOLD_ID);
    expect(text).toContain('25P02');
    expect(await victims()).toBe(3);
    const kept = await gateway.upstream.ask('select id from kept order by id');
    expect(kept.map(({ id }) => id)).toEqual([100, 101]);
  });

  it('passes exactly once after approval, on retry of the same statement', async (ctx) => {
    ctx.skip(reason !== null, reason ?? '');
    const sql = sqlFor('approved');
    const first = HOLD_ID.exec(await driver.once(gateway.through, sql, false))?.[0];
    expect(first).toBeDefined();
    await gateway.approve(first ?? '');
    const retried = await driver.once(gateway.through, sql, false);
    expect(retried).not.toContain('42501');
    expect(await victims()).toBe(0);
    await gateway.upstream.ask('insert into victims values (4)');
    const third = await driver.once(gateway.through, sql, false);
    expect(third).toContain('42501');
    expect(HOLD_ID.exec(third)?.[0]).not.toBe(first);
    expect(await victims()).toBe(1);
  });

  it('stays denied after a denial', async (ctx) => {
    ctx.skip(reason !== null, reason ?? '');
    const sql = sqlFor('denied');
    const hold = HOLD_ID.exec(await driver.once(gateway.through, sql, false))?.[0] ?? '';
    await gateway.deny(hold, 'not on my watch');
    for (const _again of [1, 2]) {
      const text = await driver.once(gateway.through, sql, false);
      expect(text).toContain(`A person denied this: hold ${hold}`);
      expect(text).toContain('not on my watch');
    }
    expect(await victims()).toBe(3);
  });
});

describe('a revoked token', () => {
  it('ends the live session and the statement that runs, and lets nobody in again', async () => {
    const { host, port, database } = gateway.through;
    const { user, password, revoke } = await gateway.issueToken();
    const client = new pg.Client({ host, port, user, password, database, ssl: false });
    const gone = new Promise<void>((done) => client.on('end', done));
    client.on('error', () => {});
    await client.connect();
    const running = client.query('select pg_sleep(30)').then(
      () => 'finished',
      (error: { code?: string; message: string }) => error.code ?? error.message,
    );
    await new Promise((done) => setTimeout(done, 300));
    await revoke();
    expect(await running).toBe('57P01');
    await gone;
    const asleep =
      "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(30)%'";
    await expect
      .poll(async () => (await gateway.upstream.ask(`${asleep} and pid <> pg_backend_pid()`))[0])
      .toEqual({ n: 0 });
    const again = new pg.Client({ host, port, user, password, database, ssl: false });
    await expect(again.connect()).rejects.toMatchObject({ code: '28P01' });
  });
});

async function victims(): Promise<unknown> {
  return (await gateway.upstream.ask('select count(*)::int as n from victims'))[0]?.['n'];
}
