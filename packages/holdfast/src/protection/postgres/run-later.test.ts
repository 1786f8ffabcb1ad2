/** One text, run later, on a real PostgreSQL: what counts as done, as failed, as unknown. */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Effect } from '../../model/effect.ts';
import type { SessionSetting } from '../../model/session-settings.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../target-database.ts';
import type { AgentRole } from '../target-guard.ts';
import { type AdminConnection, openTargetDatabase } from './admin.ts';
import { runLater } from './run-later.ts';
import type { OwnerWish } from './runner.ts';

let server: ScratchPostgres;
let admin: pg.Client;
let db: TargetDatabase;
let connection: AdminConnection;
let troubles: unknown[];

const clock = new ManualClock('2026-11-21T09:00:00Z', 'run-later');
const ANY_PATH = { schemas: [], isInOrder: false } as const;

beforeAll(async () => {
  server = await startScratchPostgres();
  admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query(`
    create role owner_of_all; create role stranger;
    create schema app authorization owner_of_all; create schema other authorization stranger;
    create table app.t (id int); create table other.t (id int); create table kept (id int);
    alter table app.t owner to owner_of_all; alter table other.t owner to stranger;
    grant usage on schema other to owner_of_all;
    alter table kept owner to owner_of_all; create table of_admin (id int)`);
  await admin.query('create database doomed owner owner_of_all');
  connection = {
    host: server.host,
    port: server.port,
    user: server.user,
    database: 'postgres',
    password: () => null,
    ssl: false,
  };
  db = openTargetDatabase({ target: 'main-db', connection });
}, 60_000);
beforeEach(() => {
  troubles = [];
});
afterEach(async () => {
  const { rows } = await admin.query(
    `select rolname from pg_roles where rolname ~ '^holdfast_run_'`,
  );
  expect([rows, troubles]).toEqual([[], []]);
});
afterAll(async () => {
  await db?.close();
  await admin?.end();
  await server?.stop();
});

function wish(said: string | null, effects: readonly Effect[] = []): OwnerWish {
  return { target: 'main-db', said, effects, path: ANY_PATH };
}

function run(
  statement: string,
  searchPath: readonly string[] = [],
  owner: OwnerWish = wish('owner_of_all'),
  changes: Partial<AdminConnection> = {},
  by: TargetDatabase = db,
  settings: readonly SessionSetting[] = [],
) {
  const loginOf = ({ password, user }: AgentRole): AdminConnection => ({
    ...connection,
    user,
    password: () => password,
    ...changes,
  });
  const place = { db: by, loginOf, clock, trouble: (error: unknown) => void troubles.push(error) };
  return runLater(place, { statement, parameters: [], searchPath, settings, owner });
}

async function isThere(table: string): Promise<boolean> {
  const { rows } = await admin.query('select to_regclass($1) is not null as there', [table]);
  return rows[0]?.there === true;
}

it('runs what cannot run in a transaction', async () => {
  expect(await run('drop database doomed')).toMatchObject({ kind: 'done', tag: 'DROP DATABASE' });
});

it('means the tables that the agent meant, and is their owner', async () => {
  expect(await run('drop table t', ['app', 'other'])).toMatchObject({
    kind: 'done',
  });
  expect([await isThere('app.t'), await isThere('other.t')]).toEqual([false, true]);
  expect(await run('drop table t', ['other'])).toMatchObject({
    kind: 'failed',
    code: '42501',
  });
});

it('runs under the settings that it was approved under, and under none that nobody can tell', async () => {
  const settings = [{ name: 'app.tenant', value: "4'2", once: '' }];
  const statement = `do $$ begin if current_setting('app.tenant') <> '4''2' then raise 'other'; end if; end $$`;
  const under = (set: readonly SessionSetting[]) =>
    run(statement, [], wish('owner_of_all'), {}, db, set);
  expect(await under(settings)).toMatchObject({ kind: 'done' });
  expect(await under([])).toMatchObject({ kind: 'failed' });
  const unknown = [{ name: 'app.tenant', value: null, once: 'session_1/1' }];
  expect(await under(unknown)).toMatchObject({ kind: 'not-forwarded' });
});

it('takes a text of several statements whole or not at all', async () => {
  expect(await run('drop table other.t; drop table not_there', [], wish('stranger'))).toMatchObject(
    {
      kind: 'failed',
      code: '42P01',
    },
  );
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
  ['there is nobody to connect to', 'owner_of_all', { port: 1 }, 'ECONNREFUSED'],
  ['the user is unknown', 'owner_of_all', { user: 'nobody_here' }, 'nobody_here'],
  ['the owner is gone', 'gone', {}, 'there is no role gone'],
])('says that nothing was sent when %s', async (_story, owner, changes, why) => {
  const end = await run('drop table kept', [], wish(owner), changes);
  expect(end).toMatchObject({ kind: 'not-forwarded', reason: expect.stringContaining(why) });
  expect(await isThere('kept')).toBe(true);
});

describe('nothing in the text leads back to the admin', () => {
  it.each([
    ['RESET ROLE', 'reset role; drop table of_admin'],
    ['RESET ALL', 'reset all; drop table of_admin'],
    ['SET ROLE NONE', 'set role none; drop table of_admin'],
    ['SET ROLE of the admin', 'set role postgres; drop table of_admin'],
    ['SET SESSION AUTHORIZATION', 'set session authorization postgres; drop table of_admin'],
    ['RESET SESSION AUTHORIZATION', 'reset session authorization; drop table of_admin'],
    ['set_config', `select set_config('role', 'none', false); drop table of_admin`],
    ['a block', 'do $$ begin reset role; drop table of_admin; end $$'],
    [
      'a block that asks for it by name',
      `do $$ begin execute 'set role postgres'; drop table of_admin; end $$`,
    ],
    ['a program of the server', `copy (select 1) to program 'true'`],
  ])('%s', async (_story, statement) => {
    const end = await run(statement);
    expect(end).toMatchObject({ kind: 'failed', code: '42501' });
    expect(await isThere('of_admin')).toBe(true);
  });

  it('DISCARD ALL alone', async () => {
    expect(await run('discard all')).toMatchObject({ kind: 'done' });
    expect(await run('create table app.who as select 1')).toMatchObject({ kind: 'done' });
    await admin.query('drop table app.who');
  });

  it('what it makes is the owner’s, also in its own name', async () => {
    const text = 'create table app.mine (); reset role; create table app.own ()';
    expect(await run(text)).toMatchObject({ kind: 'done' });
    const { rows } = await admin.query(
      `select tablename, tableowner from pg_tables where tablename in ('mine', 'own') order by 1`,
    );
    expect(rows.map(({ tableowner }) => tableowner)).toEqual(['owner_of_all', 'owner_of_all']);
    await admin.query('drop table app.mine, app.own');
  });
});

describe('whose rights', () => {
  const drop = (name: string, schema: string | null = null): Effect => ({
    kind: 'destroy',
    verb: 'DROP TABLE',
    object: { type: 'table', schema, name },
    reach: 'whole',
    additive: false,
    why: null,
  });

  it('are those of the one owner of all that is named, where nobody said', async () => {
    await admin.query('create table app.gone (); alter table app.gone owner to owner_of_all');
    const owner = wish(null, [drop('gone', 'app'), drop('kept')]);
    expect(await run('drop table app.gone', [], owner)).toMatchObject({ kind: 'done' });
    expect(await isThere('app.gone')).toBe(false);
  });

  it.each([
    ['several own it', [drop('kept'), drop('t', 'other')], 'owner_of_all, stranger'],
    ['a superuser owns it', [drop('of_admin')], 'postgres, which is a superuser'],
    ['nobody can tell', [], 'no owner that could be told'],
  ] as const)('nobody’s where %s', async (_story, effects, why) => {
    const end = await run('drop table of_admin', [], wish(null, effects));
    expect(end).toMatchObject({ kind: 'not-forwarded', reason: expect.stringContaining(why) });
    expect(end).toMatchObject({ reason: expect.stringContaining('protection.owner') });
    expect(await isThere('of_admin')).toBe(true);
  });

  it.each([
    ['a superuser', 'create role too_much superuser'],
    ['who may make roles', 'create role too_much createrole'],
    ['who goes round row security', 'create role too_much bypassrls'],
    ['who can read all', 'create role too_much; grant pg_read_all_data to too_much'],
    ['who can write all', 'create role too_much; grant pg_write_all_data to too_much'],
    ['who can become a superuser', 'create role too_much; grant postgres to too_much'],
    ['who may run programs', 'create role too_much; grant pg_execute_server_program to too_much'],
  ])('not those of %s, whoever said so', async (_story, make) => {
    await admin.query(make);
    const end = await run('drop table of_admin', [], wish('too_much'));
    await admin.query('drop role too_much');
    expect(end).toMatchObject({
      kind: 'not-forwarded',
      reason: expect.stringContaining('it would run as too_much'),
    });
    expect(await isThere('of_admin')).toBe(true);
  });
});

it('a login that a crash left behind is gone with the next run, and what it owned is the owner’s', async () => {
  await admin.query(`create role holdfast_run_left login valid until '2020-01-01';
    grant owner_of_all to holdfast_run_left; create table app.of_left (); alter table app.of_left owner to holdfast_run_left`);
  expect(await run('select 1')).toMatchObject({ kind: 'done' });
  const { rows } = await admin.query(
    `select tableowner from pg_tables where tablename = 'of_left'`,
  );
  expect(rows).toEqual([{ tableowner: 'owner_of_all' }]);
  await admin.query('drop table app.of_left');
});

describe('by an admin that is no superuser', () => {
  const asAdmin = async (make: string) => {
    await admin.query(make);
    const hosted = openTargetDatabase({
      target: 'main-db',
      connection: { ...connection, user: 'hosted' },
    });
    const text = 'create table app.hosted (); reset role; create table app.hosted_too ()';
    const end = await run(text, [], wish('owner_of_all'), {}, hosted);
    await hosted.close();
    const { rows } = await admin.query(
      `select tableowner from pg_tables where tablename ~ '^hosted'`,
    );
    await admin.query(`drop table if exists app.hosted, app.hosted_too;
      drop owned by hosted; drop role hosted`);
    return { end, owners: rows.map(({ tableowner }) => tableowner) };
  };

  it('runs, and leaves nothing behind', async () => {
    const { end, owners } = await asAdmin(
      'create role hosted login createrole; grant owner_of_all to hosted with admin option',
    );
    expect(end).toMatchObject({ kind: 'done' });
    expect(owners).toEqual(['owner_of_all', 'owner_of_all']);
  });

  it('does not run where that may make no login', async () => {
    const { end } = await asAdmin(
      'create role hosted login; grant owner_of_all to hosted with admin option',
    );
    expect(end).toMatchObject({
      kind: 'not-forwarded',
      reason: expect.stringContaining('CREATEROLE'),
    });
  });
});

it('lets nobody else in meanwhile, by a password that the text gives its login', async () => {
  const text = `do $$ begin reset role; execute format('alter role %I password %L', session_user, 'known'); end $$;
    create table app.seen as select rolcanlogin from pg_roles where rolname = session_user`;
  expect(await run(text)).toMatchObject({ kind: 'done' });
  const { rows } = await admin.query('select rolcanlogin from app.seen');
  expect(rows).toEqual([{ rolcanlogin: false }]);
  await admin.query('drop table app.seen');
});
