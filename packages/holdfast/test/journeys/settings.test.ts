/**
 * An approval is for bytes under the settings they were approved under: whoever sets `app.tenant` anew means
 * other rows by them. What drivers set for themselves changes nothing, and an honest retry is let through.
 */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import {
  type Answer,
  answerOf,
  frontend,
  int16,
  int32,
  message,
  RawClient,
} from '../support/raw-client.ts';

let gateway: Gateway;
/** Its own in each test: what one leaves approved is nothing to another. */
let wipe = '';
let count = 0;
const open: pg.Client[] = [];
const rawOpen: RawClient[] = [];

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask(
    'create table victims (tenant text); alter table victims owner to app; create schema other; ' +
      'alter schema other owner to app',
  );
});
afterAll(() => gateway?.stop());
// One that is left in a transaction would hold the table.
afterEach(async () => {
  for (const one of open.splice(0)) await one.end();
  for (const one of rawOpen.splice(0)) await one.end();
});
beforeEach(async () => {
  count += 1;
  wipe = `delete from victims /* ${count} */`;
  await gateway.upstream.ask("truncate victims; insert into victims values ('42'), ('43')");
});

async function session(...before: readonly string[]): Promise<pg.Client> {
  const { host, port, user, password, database } = gateway.through;
  const client = new pg.Client({ host, port, user, password, database, ssl: false });
  client.on('error', () => {});
  await client.connect();
  open.push(client);
  for (const sql of before) await client.query(sql);
  return client;
}

/** The hold that it meets; null: it ran. */
async function holdOf(client: pg.Client, sql: string = wipe): Promise<string | null> {
  try {
    await client.query(sql);
    return null;
  } catch (error) {
    const said = error instanceof pg.DatabaseError ? `${error.message} ${error.hint}` : `${error}`;
    const id = /hold_\w+/.exec(said)?.[0];
    if (id === undefined) throw error;
    return id;
  }
}

/**
 * A statement that has to run; `fails: ...` one that has to fail at the server and not at the gateway; `settles: ...`
 * one that servers of some versions take and others do not.
 */
async function taken(client: pg.Client, step: string): Promise<void> {
  const [, how, sql = step] = /^(fails|settles): (.*)$/s.exec(step) ?? [];
  const failure = await client.query(sql).then(
    () => null,
    (error: unknown) => error,
  );
  if (how === undefined) expect(failure).toBeNull();
  if (how === 'fails') expect(failure).toBeInstanceOf(pg.DatabaseError);
  expect(String(failure)).not.toContain('Holdfast');
}

/** The hold that what was sent meets; null: it ran. */
function holdIn({ errors }: Answer): string | null {
  const [first] = errors;
  if (first === undefined) return null;
  const id = /hold_\w+/.exec(JSON.stringify(first))?.[0];
  if (id === undefined) throw new Error(JSON.stringify(first));
  return id;
}

async function raw(...before: readonly string[]): Promise<RawClient> {
  const client = await RawClient.open(gateway.through);
  rawOpen.push(client);
  for (const sql of before) expect((await client.query(sql)).errors).toEqual([]);
  return client;
}

/** Held and approved in a session that did this first. */
async function approvedAfter(...before: readonly string[]): Promise<string> {
  const id = (await holdOf(await session(...before))) ?? '';
  await gateway.approve(id);
  return id;
}

describe('an approval under settings', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['another tenant', ["set app.tenant = '42'"], ["set app.tenant = '43'"]],
    ['no tenant', ["set app.tenant = '42'"], []],
    ['a tenant where none was', [], ["set app.tenant = '42'"]],
    ['other comparisons', [], ['set transform_null_equals = on']],
    ['another zone', ["set time zone 'UTC'"], ["set time zone 'Asia/Tokyo'"]],
    [
      'a tenant that was rolled back',
      ["set app.tenant = '42'"],
      ["set app.tenant = '43'", 'begin', "set app.tenant = '42'", 'rollback'],
    ],
    [
      'a tenant that a COMMIT ended',
      ['begin', "set local app.tenant = '42'"],
      ['begin', "set local app.tenant = '42'", 'commit'],
    ],
    [
      'a tenant that a savepoint took back',
      ['begin', "set local app.tenant = '42'"],
      ['begin', 'savepoint s', "set local app.tenant = '42'", 'rollback to s'],
    ],
    [
      'a tenant that an expression of the same text cut off',
      ["set app.tenant = '42'"],
      ["set app.tenant = '43'", "fails: set app.tenant = '42'; select 1/0"],
    ],
    [
      'a name with a blank that is none to the server',
      ["set app.tenant = '42'"],
      ["set app.tenant = '43'", `settles: select set_config('app.tenant\u00a0', '42', false)`],
    ],
    [
      'a name with a letter that only looks the same',
      ["set app.workspace = '42'"],
      ["set app.workspace = '43'", `settles: set "app.wor\u212aspace" = '42'`],
    ],
    [
      'a tenant in a call that never ran',
      ["set app.tenant = '42'"],
      ["select set_config('app.tenant', '42', false) where false"],
    ],
    [
      'a tenant by an expression',
      ["select set_config('app.tenant', current_setting('server_version'), false)"],
      ["select set_config('app.tenant', current_setting('server_version'), false)"],
    ],
    [
      'a path that was rolled back',
      ['set search_path = other, public'],
      ['begin', 'set search_path = other, public', 'rollback'],
    ],
    [
      'a path that was reset',
      ['set search_path = other, public'],
      ['set search_path = other, public', 'reset all'],
    ],
  ])('is none under %s', async (_what, approved, used) => {
    const first = await approvedAfter(...approved);
    const client = await session();
    for (const step of used) await taken(client, step);
    const second = await holdOf(client);
    expect(second).toMatch(/^hold_/);
    expect(second).not.toBe(first);
    expect(await gateway.upstream.ask('select count(*)::int as n from victims')).toEqual([
      { n: 2 },
    ]);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ['the same tenant', ["set app.tenant = '42'"], ["set app.tenant to '42'"]],
    [
      'the same tenant in a transaction',
      ['begin', "set local app.tenant = '42'"],
      ['begin', "set local app.tenant = '43'", 'commit', 'begin', "set local app.tenant = '42'"],
    ],
    [
      'a tenant that a COMMIT kept',
      ["set app.tenant = '42'"],
      ['begin', "set app.tenant = '42'", 'commit'],
    ],
    [
      'a tenant said together with BEGIN',
      ['begin', "set local app.tenant = '42'"],
      ["begin; set local app.tenant = '42'"],
    ],
    [
      'a local tenant that a savepoint took back, when all is over',
      [],
      ['begin', "set local app.tenant = '42'", 'savepoint s', 'rollback to s', 'commit'],
    ],
    [
      'the same tenant beside a mode of the transaction',
      ['begin', "set local app.tenant = '42'"],
      ["begin; set transaction isolation level repeatable read; set local app.tenant = '42'"],
    ],
    [
      'what drivers and ORMs set of themselves',
      [],
      [
        "set client_min_messages to 'warning'",
        'set standard_conforming_strings = on',
        'set statement_timeout = 10000',
        "set application_name = 'rails'",
        'set lock_timeout = 500',
        'begin isolation level repeatable read',
      ],
    ],
    [
      'a tenant that was reset since',
      [],
      ["set app.tenant = '42'", 'begin', "set local app.tenant = '43'", 'rollback', 'discard all'],
    ],
  ])('is good under %s', async (_what, approved, used) => {
    await approvedAfter(...approved);
    expect(await holdOf(await session(...used))).toBeNull();
  });

  it('counts what was bound to set_config, as ORMs write it', async () => {
    const bound = async (tenant: string): Promise<pg.Client> => {
      const client = await session('begin');
      await client.query("select set_config('app.tenant', $1, true)", [tenant]);
      return client;
    };
    await gateway.approve((await holdOf(await bound('bound-42'))) ?? '');
    expect(await holdOf(await bound('bound-43'))).toMatch(/^hold_/);
    expect(await holdOf(await bound('bound-42'))).toBeNull();
  });

  it('counts what came in with the connection', async () => {
    const { host, port, user, password, database } = gateway.through;
    const started = async (options: string): Promise<pg.Client> => {
      const parts = { host, port, user, password, database, ssl: false, options };
      const client = new pg.Client(parts);
      await client.connect();
      open.push(client);
      return client;
    };
    await gateway.approve((await holdOf(await started('-c app.tenant=start'))) ?? '');
    expect(await holdOf(await started('-c app.tenant=other'))).toMatch(/^hold_/);
    expect(await holdOf(await started('-c app.tenant=start -c statement_timeout=0'))).toBeNull();
  });

  it('is none when the SET was bound and is run later, or only perhaps', async () => {
    await approvedAfter("set app.tenant = 'portal'");
    const client = await RawClient.open(gateway.through);
    await client.query('begin');
    client.send(
      frontend.parse('', "set app.tenant = 'portal'"),
      frontend.bind('p', ''),
      frontend.sync(),
    );
    await client.until('Z');
    expect((await client.query(wipe)).errors[0]?.['M']).toContain('Holdfast holds this');
    await client.end();
    expect(await gateway.upstream.ask('select count(*)::int as n from victims')).toEqual([
      { n: 2 },
    ]);
  });

  it('is none when a savepoint took the SET back in one write with it', async () => {
    const first = await approvedAfter("set app.tenant = '42'");
    const client = await raw("set app.tenant = '43'", 'begin', 'savepoint s');
    client.send(frontend.query("set app.tenant = '42'"), frontend.query('rollback to s'));
    for (const _of of [1, 2]) {
      expect(answerOf(await client.until('Z')).errors).toEqual([]);
    }
    const again = holdIn(await client.query(wipe));
    expect(again).toMatch(/^hold_/);
    expect(again).not.toBe(first);
  });

  it('is none when what was bound before takes the SET back in the same unit', async () => {
    const wiping = [frontend.parse('', wipe), frontend.bind('', ''), frontend.execute('')];
    const ask = async (client: RawClient, ...before: readonly Buffer[]) => {
      client.send(...before, ...wiping, frontend.sync());
      return holdIn(answerOf(await client.until('Z')));
    };
    const first = await ask(await raw("set app.tenant = '42'"));
    await gateway.approve(first ?? '');
    const client = await raw("set app.tenant = '43'", 'begin', 'savepoint s');
    await client.query("set app.tenant = '42'");
    client.send(frontend.parse('', 'rollback to s'), frontend.bind('p', ''), frontend.sync());
    expect(answerOf(await client.until('Z')).errors).toEqual([]);
    const again = await ask(client, frontend.execute('p'));
    expect(again).toMatch(/^hold_/);
    expect(again).not.toBe(first);
  });

  it('is good where nothing was bound before, in the same protocol', async () => {
    const ask = async (client: RawClient) => {
      client.send(
        ...[frontend.parse('', wipe), frontend.bind('', ''), frontend.execute(''), frontend.sync()],
      );
      return holdIn(answerOf(await client.until('Z')));
    };
    await gateway.approve((await ask(await raw("set app.tenant = '42'"))) ?? '');
    expect(await ask(await raw("set app.tenant = '43'", "set app.tenant = '42'"))).toBeNull();
  });

  /** A value of the unnamed statement, in binary. */
  const inBinary = (value: string): Buffer =>
    message(
      'B',
      ...[Buffer.from([0, 0]), int16(1), int16(1), int16(1), int32(Buffer.byteLength(value))],
      ...[Buffer.from(value), int16(0)],
    );
  const CALL = "select set_config('app.tenant', $1, true)";

  it.each<[string, (client: RawClient, tenant: string) => Promise<void>]>([
    [
      'pgjdbc sends it, with BEGIN under one Sync',
      async (client, tenant) => {
        client.send(
          ...[frontend.parse('', 'BEGIN'), frontend.bind('', ''), frontend.execute('')],
          ...[frontend.parse('', `set local app.tenant = '${tenant}'`), frontend.bind('', '')],
          ...[frontend.describe('P', ''), frontend.execute('', 1), frontend.sync()],
        );
      },
    ],
    [
      'pgjdbc calls it, with BEGIN under one Sync',
      async (client, tenant) => {
        client.send(
          ...[frontend.parse('', 'BEGIN'), frontend.bind('', ''), frontend.execute('')],
          frontend.parse('', CALL.replace('set_config', 'pg_catalog.set_config'), [1043]),
          ...[frontend.bind('', '', [tenant]), frontend.describe('P', '')],
          ...[frontend.execute('', 0), frontend.sync()],
        );
      },
    ],
    [
      'asyncpg binds it, in binary',
      async (client, tenant) => {
        await client.query('begin');
        client.send(frontend.parse('', CALL), frontend.describe('S', ''), frontend.sync());
        await client.until('Z');
        client.send(inBinary(tenant), frontend.execute(''), frontend.sync());
      },
    ],
    [
      'postgres.js asks first what it is, under the same Sync',
      async (client, tenant) => {
        await client.query('begin');
        client.send(frontend.parse('', CALL), frontend.describe('S', ''), frontend.flush());
        await client.until('T');
        client.send(frontend.bind('', '', [tenant]), frontend.execute(''), frontend.sync());
      },
    ],
    [
      'it says that the value is text',
      async (client, tenant) => {
        await client.query('begin');
        client.send(
          ...[frontend.parse('', CALL, [25]), frontend.bind('', '', [tenant])],
          ...[frontend.execute(''), frontend.sync()],
        );
      },
    ],
  ])('counts what a driver sets as %s', async (_how, send) => {
    const under = async (tenant: string): Promise<string | null> => {
      const client = await raw();
      await send(client, tenant);
      expect(answerOf(await client.until('Z')).errors).toEqual([]);
      const now = await client.query("select current_setting('app.tenant', true)");
      expect(now.rows).toEqual([[tenant]]);
      const hold = holdIn(await client.query(wipe));
      await client.query('rollback');
      return hold;
    };
    await gateway.approve((await under('42')) ?? '');
    expect(await under('43')).toMatch(/^hold_/);
    expect(await under('42')).toBeNull();
  });

  it('is none where the value was bound as a type that makes another of it', async () => {
    const call = "select set_config('app.tenant', $1, false)";
    const under = async (type: number): Promise<string | null> => {
      const client = await raw();
      client.send(
        ...[frontend.parse('', call, [type]), frontend.bind('', '', ['42 '])],
        ...[frontend.execute(''), frontend.sync()],
      );
      expect(answerOf(await client.until('Z')).errors).toEqual([]);
      return holdIn(await client.query(wipe));
    };
    const asText = await under(25);
    await gateway.approve(asText ?? '');
    const asBlankPadded = await under(1042);
    expect(asBlankPadded).toMatch(/^hold_/);
    expect(asBlankPadded).not.toBe(asText);
  });

  it('says them on the card, where no text of an agent can stand', async () => {
    const id = (await holdOf(await session("set app.tenant = '42'"), wipe)) ?? '';
    const { card } = await gateway.holdfast.rooms.holds.show(id);
    expect(card.statement).toMatch(/^with settings: app\.tenant = '42'\n\ndelete from victims/);
  });
});
