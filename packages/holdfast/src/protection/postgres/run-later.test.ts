/** One text, run later, on a real PostgreSQL: what counts as done, as failed, as unknown. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScratchPostgres, startScratchPostgres } from '../../testing/scratch-postgres.ts';
import type { AdminConnection } from './admin.ts';
import { runLater } from './run-later.ts';

let server: ScratchPostgres;
let admin: pg.Client;
let connection: AdminConnection;

beforeAll(async () => {
  server = await startScratchPostgres();
  admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`
    create role owner_of_all; create role stranger;
    create schema app authorization owner_of_all; create schema other;
    create table app.t (id int); create table other.t (id int); create table kept (id int);
    alter table app.t owner to owner_of_all; grant usage on schema other to owner_of_all`);
  await admin.query('create database doomed');
  connection = {
    host: server.host,
    port: server.port,
    user: server.user,
    database: 'postgres',
    password: () => null,
    ssl: false,
  };
}, 60_000);
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

function run(statement: string, searchPath: readonly string[] = [], owner: string | null = null) {
  return runLater(connection, { statement, parameters: [], searchPath, owner });
}

async function isThere(table: string): Promise<boolean> {
  const { rows } = await admin.query('select to_regclass($1) is not null as there', [table]);
  return rows[0]?.there === true;
}

it('runs what cannot run in a transaction', async () => {
  expect(await run('drop database doomed')).toMatchObject({ kind: 'done', tag: 'DROP DATABASE' });
});

it('means the tables that the agent meant, and is their owner', async () => {
  expect(await run('drop table t', ['app', 'other'], 'owner_of_all')).toMatchObject({
    kind: 'done',
  });
  expect([await isThere('app.t'), await isThere('other.t')]).toEqual([false, true]);
  expect(await run('drop table t', ['other'], 'owner_of_all')).toMatchObject({
    kind: 'failed',
    code: '42501',
  });
});

it('runs under the settings that it was approved under, and under none that nobody can tell', async () => {
  const settings = [{ name: 'app.tenant', value: "4'2", once: '' }];
  const statement = `do $$ begin if current_setting('app.tenant') <> '4''2' then raise 'other'; end if; end $$`;
  const text = { statement, parameters: [], searchPath: [], owner: null };
  expect(await runLater(connection, { ...text, settings })).toMatchObject({ kind: 'done' });
  expect(await runLater(connection, text)).toMatchObject({ kind: 'failed' });
  const unknown = [{ name: 'app.tenant', value: null, once: 'session_1/1' }];
  expect(await runLater(connection, { ...text, settings: unknown })).toMatchObject({
    kind: 'not-forwarded',
  });
});

it('takes a text of several statements whole or not at all', async () => {
  expect(await run('drop table other.t; drop table not_there')).toMatchObject({
    kind: 'failed',
    code: '42P01',
  });
  expect(await isThere('other.t')).toBe(true);
});

it('does not call done what a transaction left open takes back', async () => {
  expect(await run('begin; drop table kept')).toMatchObject({ kind: 'failed', code: '25P01' });
  expect(await isThere('kept')).toBe(true);
});

it('says unknown when the answer never came', async () => {
  const end = run('select pg_sleep(30)');
  await expect
    .poll(async () => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where query = 'select pg_sleep(30)' and state = 'active'`,
      );
      return rowCount;
    })
    .toBe(1);
  expect(await end).toMatchObject({ kind: 'unknown' });
});

it.each([
  ['there is nobody to connect to', { port: 1 }, null],
  ['the user is unknown', { user: 'nobody_here' }, null],
  ['the owner is gone', {}, 'gone'],
])('says that nothing was sent when %s', async (_story, changes, owner) => {
  const text = { statement: 'drop table kept', parameters: [], searchPath: [], owner };
  const end = await runLater({ ...connection, ...changes }, text);
  expect(end).toMatchObject({ kind: 'not-forwarded' });
  expect(await isThere('kept')).toBe(true);
});
