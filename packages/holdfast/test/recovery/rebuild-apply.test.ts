/** A batch into a restored copy and back, on real servers: what is checked, what is said, what stays. */
import { existsSync, rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { lesserSessions } from '../../src/protection/postgres/undo/lesser-session.ts';
import type { TargetSession } from '../../src/protection/target-database.ts';
import {
  apply,
  capturedFrom,
  digestOfProposal,
  type Proposal,
  parseMapping,
  planOf,
  propose,
  review,
  rollback,
} from '../../src/recovery/rebuild/index.ts';
import { adminOf } from '../../src/testing/captured-target.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { World } from '../protection/undo-world.ts';
import { AFTER, BatchGround, BEFORE, GOOD, MAPPING } from './batch-ground.ts';

const OLD = '/usr/lib/postgresql/15/bin';
const SERVERS = [
  { name: 'PostgreSQL 18', options: {} },
  ...(existsSync(OLD) ? [{ name: 'PostgreSQL 15', options: { binFolder: OLD } }] : []),
];

describe.each(SERVERS)('a batch on $name', ({ options }) => {
  let ground: BatchGround;
  beforeAll(async () => {
    ground = await BatchGround.start(options);
  });
  afterAll(() => ground.stop());
  const copyOf = (more?: string) => ground.copyOf(more);
  const proposed: BatchGround['proposed'] = (...given) => ground.proposed(...given);
  const put: BatchGround['put'] = (...given) => ground.put(...given);

  it('puts rows in, leaves columns that nobody speaks of to their default, and numbers go on behind them', async () => {
    const { database, look } = await copyOf();
    const proposal = await proposed(database, [...GOOD, 'p1,1,10.00,ada@example.com,']);
    const plan = planOf(proposal);
    const report = await put(database, proposal);
    expect(plan).toMatchObject({ rows: 3, money: report.money, defaulted: report.defaulted });
    expect(plan.digest).toBe(report.digest);
    expect(report).toMatchObject({
      inserted: 3,
      insertedKeys: ['2', '3', '4'],
      skipped: 0,
      money: [{ column: 'price', currency: 'EUR', minor: '9050', rows: 3 }],
      defaulted: ['guest', 'slot'],
    });
    expect(report.batch).toMatch(/^rebuild_/);
    expect(await look()).toEqual(AFTER);
    await expect(put(database, proposal)).rejects.toThrow(/one that is, as rebuild_/);
    await database.close();
  });

  it('does all of a dry run, and keeps nothing of it', async () => {
    const { database, look } = await copyOf();
    const proposal = await proposed(database, GOOD);
    const dry = await put(database, proposal, { isDryRun: true });
    expect(dry).toMatchObject({ batch: null, inserted: 3 });
    expect(await look()).toEqual(BEFORE);
    expect(
      await database.query(`select 1 from pg_namespace where nspname = 'holdfast_rebuild'`),
    ).toEqual([]);
    expect(await put(database, proposal)).toMatchObject({ inserted: 3 });
    await database.close();
  });

  it('applies what was approved and nothing else', async () => {
    const { database, look } = await copyOf();
    const proposal = await proposed(database, GOOD);
    const other = review(proposal, {
      row: '2',
      choice: { kind: 'typed', column: 'slot', text: 'b' },
      person: { id: 'person_eve', name: 'Eve' },
      at: new Date(0),
    });
    await expect(put(database, other, { digest: digestOfProposal(proposal) })).rejects.toThrow(
      /was approved/,
    );
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('does not believe a state that is written into a proposal', async () => {
    const { database } = await copyOf();
    const proposal = await proposed(database, ['p2,2,20.50,,', 'p2,2,99.00,,']);
    expect(proposal.rows.map(({ state }) => state)).toEqual(['CONFLICT']);
    const forged = {
      ...proposal,
      rows: proposal.rows.map((row) => ({ ...row, state: 'READY' as const })),
    };
    await expect(put(database, forged)).rejects.toThrow(/at least one READY row/);
    await database.close();
  });

  it('says which rows it skipped, and why, when some came meanwhile', async () => {
    const { database } = await copyOf();
    const proposal = await proposed(database, GOOD);
    await database.query(
      `insert into public.bookings (number, price, slot) values (3, 1, null), (9, 1, 'a')`,
    );
    const report = await put(database, proposal);
    expect(report).toMatchObject({ inserted: 1, skipped: 2 });
    expect(report.skippedRows).toEqual([
      { key: '2', why: 'another row has a value of it that may stand there only once' },
      { key: '3', why: 'a row with this key has come since the proposal' },
    ]);
    expect(report.money).toMatchObject([{ minor: '4000', rows: 1 }]);
    await database.close();
  });

  it.each<readonly [story: string, lines: readonly string[], says: RegExp]>([
    ['refers to a guest who is not there', ['p2,2,20.50,eve@example.com,'], /of_guest.*1 row/],
    [
      'has an amount that the column rounds',
      ['p2,2,20.55,,'],
      /price of 2 to be kept as it was approved/,
    ],
    ['has a text that is longer than the column', [`p2,2,20.50,${'x'.repeat(31)},`], /too long/],
    ['has a number that the column does not hold', ['p2,99999999999,20.50,,'], /out of range/],
  ])('puts nothing in when a row %s', async (_story, lines, says) => {
    const { database, look } = await copyOf();
    const proposal = await proposed(database, [...GOOD.slice(1), ...lines]);
    await expect(put(database, proposal)).rejects.toThrow(says);
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('fires no trigger of the user', async () => {
    const { database, look } = await copyOf(`
      create table public.sent (what text);
      create function public.send() returns trigger language plpgsql as
        'begin insert into public.sent values (new.number::text); return null; end';
      create trigger mail before insert or delete on public.bookings for each row execute function public.send();`);
    const report = await put(database, await proposed(database, GOOD));
    expect(await look()).toEqual(AFTER);
    await rollback({
      database,
      batch: report.batch ?? '',
      changed: 'refuse',
      person: 'person_ada',
    });
    expect(await look()).toEqual(BEFORE);
    expect(await database.query('select * from public.sent')).toEqual([]);
    await database.query('alter table public.bookings enable always trigger mail');
    await expect(put(database, await proposed(database, GOOD))).rejects.toThrow(
      /mail \(ENABLE ALWAYS/,
    );
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('puts nothing in as a role that cannot turn triggers off, where there are some', async () => {
    const { database } = await copyOf(`
      create function public.send() returns trigger language plpgsql as 'begin return new; end';
      create trigger mail before insert on public.bookings for each row execute function public.send();
      do $$ begin create role plain login; exception when duplicate_object then null; end $$;
      grant all on all tables in schema public to plain; grant create on database copy_${ground.number + 1} to plain;`);
    const proposal = await proposed(database, GOOD);
    const plain = adminOf({ ...ground.server, user: 'plain' }, 'main-db', `copy_${ground.number}`);
    await expect(put(plain, proposal)).rejects.toThrow(/may not turn them off/);
    await database.query('drop trigger mail on public.bookings');
    await expect(put(plain, proposal)).resolves.toMatchObject({ inserted: 3 });
    await plain.close();
    await database.close();
  });

  it.each<readonly [story: string, sql: string, says: RegExp]>([
    ['is false', 'select count(*) = 0 from public.bookings', /"it holds" to be true, found false/],
    ['is not known', 'select null::boolean', /found null/],
    ['has no rows', 'select true where false', /found null/],
    [
      'writes',
      `with gone as (delete from public.notes returning 1) select true`,
      /must be at the top level/,
    ],
    ['calls what writes', `select pg_catalog.nextval('public.bookings_t_seq') > 0`, /read-only/],
    ['is two statements', 'select true; drop table public.notes', /syntax error/],
    ['is more than a part of ours', 'select true) as a; commit; select (true', /multiple commands/],
    ['ends the transaction', 'commit', /syntax error/],
    ['cannot be read', 'selct', /syntax error/],
  ])('puts nothing in when an assertion %s', async (_story, sql, says) => {
    const { database, look } = await copyOf();
    const assertions = [{ says: 'it holds', sql }];
    await expect(put(database, await proposed(database, GOOD), { assertions })).rejects.toThrow(
      says,
    );
    expect(await look()).toEqual(BEFORE);
    expect(await database.query(`select to_regclass('public.notes')::text as notes`)).toEqual([
      { notes: 'public.notes' },
    ]);
    await database.close();
  });

  it('takes a batch back: all of it, once, and nothing else', async () => {
    const { database, look } = await copyOf();
    const first = await put(database, await proposed(database, GOOD.slice(0, 1)));
    const second = await put(database, await proposed(database, GOOD));
    expect(second.inserted).toBe(2);
    const back = { database, changed: 'refuse', person: 'person_ada' } as const;
    expect(await rollback({ ...back, batch: second.batch ?? '' })).toMatchObject({ deleted: 2 });
    expect(await look()).toEqual(AFTER.slice(0, 2));
    await expect(rollback({ ...back, batch: second.batch ?? '' })).rejects.toThrow(
      /taken back already/,
    );
    await expect(rollback({ ...back, batch: 'rebuild_nothing' })).rejects.toThrow(
      /none of that id/,
    );
    expect(await rollback({ ...back, batch: first.batch ?? '' })).toMatchObject({ deleted: 1 });
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('takes nothing back from under somebody who worked with it', async () => {
    const { database, look } = await copyOf();
    const { batch } = await put(database, await proposed(database, GOOD));
    const back = { database, batch: batch ?? '', person: 'person_ada' } as const;
    await database.query(`insert into public.notes values (2, 'window seat')`);
    await expect(rollback({ ...back, changed: 'refuse' })).rejects.toThrow(
      /1 row\(s\) of public.notes/,
    );
    await database.query(
      'delete from public.notes; update public.bookings set paid = false where number = 3',
    );
    await expect(rollback({ ...back, changed: 'refuse' })).rejects.toThrow(/changed since: 3/);
    expect(await look()).toHaveLength(4);
    await database.query('delete from public.bookings where number = 4');
    const report = await rollback({ ...back, changed: 'keep' });
    expect(report).toEqual({ batch, deleted: 1, gone: 1, kept: ['3'], isRecognised: false });
    expect(await look()).toEqual([...BEFORE, '3 30.0 bob@example.com f']);
    await database.close();
  });

  it('keeps its books from a schema of somebody else', async () => {
    const { database } = await copyOf();
    await database.query(`
      do $$ begin create role other; exception when duplicate_object then null; end $$;
      create schema holdfast_rebuild authorization other`);
    const proposal = await proposed(database, GOOD);
    await database.query(`do $$ begin create role limited login; exception when duplicate_object then null; end $$;
      grant all on all tables in schema public to limited`);
    const limited = adminOf(
      { ...ground.server, user: 'limited' },
      'main-db',
      `copy_${ground.number}`,
    );
    await expect(put(limited, proposal)).rejects.toThrow(/one of somebody else/);
    await limited.close();
    await database.close();
  });

  it.each<readonly [story: string, sql: string, says: RegExp]>([
    [
      'a schema of somebody else',
      'create schema holdfast_rebuild authorization other',
      /one of somebody else/,
    ],
    [
      'a table of somebody else with a default of theirs',
      `create schema holdfast_rebuild;
       create table holdfast_rebuild.batch (id text primary key, proposal text, schema_name text, table_name text,
         key_column text, key_kind text, applied_by text, applied_at int default public.evil(),
         rolled_back_by text, rolled_back_at timestamptz);
       alter table holdfast_rebuild.batch owner to other`,
      /a batch of somebody else/,
    ],
    [
      'a view',
      `create schema holdfast_rebuild; create view holdfast_rebuild.batch as select public.evil() as id`,
      /no plain table/,
    ],
    [
      'a rule',
      `create schema holdfast_rebuild; create table holdfast_rebuild.row (batch text, key text, digest text);
       create rule also as on insert to holdfast_rebuild.row do also select public.evil()`,
      /the rule also on row/,
    ],
    [
      'a check',
      `create schema holdfast_rebuild;
       create table holdfast_rebuild.row (batch text, key text, digest text, check (public.evil() = 1))`,
      /the check row_check on row/,
    ],
  ])('runs nothing of somebody who made the books before us: %s', async (_story, sql, says) => {
    const { database, look } = await copyOf(`
      do $$ begin create role other; exception when duplicate_object then null; end $$;
      create table public.ran (who text);
      create function public.evil() returns int language plpgsql as
        $$ begin insert into public.ran values (current_user); return 1; end $$;
      ${sql}`);
    await expect(put(database, await proposed(database, GOOD))).rejects.toThrow(says);
    expect(await look()).toEqual(BEFORE);
    expect(await database.query('select * from public.ran')).toEqual([]);
    await database.close();
  });

  it('lets code of the database run with the rights of holdfast_undo, in and out', async () => {
    const { database, look } = await copyOf(`
      do $$ begin create role holdfast_owner; exception when duplicate_object then null; end $$;
      do $$ begin create role holdfast_undo; exception when duplicate_object then null; end $$;
      grant pg_read_all_data, pg_write_all_data to holdfast_undo;
      create table public.ran (who text);
      create type public.mood as enum ('a', '''; drop table notes --');
      alter table public.bookings alter slot type public.mood using null;
      create function public.said(public.mood) returns text language plpgsql as
        $$ begin insert into public.ran values (current_user); return format('%s', $1); end $$;
      create cast (public.mood as text) with function public.said(public.mood);`);
    const lesser = async (session: TargetSession) => (await lesserSessions(session)).rows;
    const { batch } = await put(database, await proposed(database, GOOD), { lesser });
    expect(await look()).toEqual(AFTER);
    expect(await database.query('select distinct who from public.ran')).toEqual([
      { who: 'holdfast_undo' },
    ]);
    const back = { database, batch: batch ?? '', changed: 'refuse', person: 'person_ada' } as const;
    await database.query('revoke pg_write_all_data from holdfast_undo');
    await expect(rollback({ ...back, lesser })).rejects.toThrow(/permission denied/);
    await database.query('grant pg_write_all_data to holdfast_undo');
    expect(await rollback({ ...back, lesser })).toMatchObject({ deleted: 3, gone: 0 });
    expect(await look()).toEqual(BEFORE);
    await database.close();
  });

  it('waits for who writes meanwhile, and leaves no row without what it refers to', async () => {
    const { database, look } = await copyOf();
    const application = new pg.Client(ground.server.url(`copy_${ground.number}`));
    await application.connect();
    const meanwhile = async (sql: string, work: () => Promise<unknown>): Promise<unknown> => {
      await application.query(`begin; ${sql}`);
      const ends = work().catch((error: unknown) => error);
      await vi.waitFor(
        async () => {
          const waiting = await application.query(
            `select 1 from pg_locks where not granted and mode = 'ShareRowExclusiveLock'`,
          );
          expect(waiting.rowCount).toBe(1);
        },
        { timeout: 4000 },
      );
      await application.query('commit');
      return ends;
    };
    const proposal = await proposed(database, GOOD);
    const without = await meanwhile(
      `delete from public.guests where email = 'bob@example.com'`,
      () => put(database, proposal),
    );
    expect(String(without)).toMatch(/1 row\(s\) without, such as 3/);
    expect(await look()).toEqual(BEFORE);
    await application.query(`insert into public.guests values ('bob@example.com')`);
    const { batch } = await put(database, proposal);
    const back = { database, batch: batch ?? '', changed: 'refuse', person: 'person_ada' } as const;
    const referred = await meanwhile(`insert into public.notes values (2, 'window seat')`, () =>
      rollback(back),
    );
    expect(String(referred)).toMatch(/1 row\(s\) of public.notes/);
    expect(await look()).toEqual(AFTER);
    await application.end();
    await database.close();
  });

  it('puts nothing in where a rule would still run, and takes nothing back', async () => {
    const { database, look } = await copyOf('create table public.ran (who text)');
    const { batch } = await put(database, await proposed(database, GOOD.slice(0, 1)));
    await database.query(`
      create rule also as on delete to public.bookings do also insert into public.ran values (current_user);
      alter table public.bookings enable always rule also`);
    const back = { database, batch: batch ?? '', changed: 'refuse', person: 'person_ada' } as const;
    await expect(rollback(back)).rejects.toThrow(/rule also \(ENABLE ALWAYS/);
    await expect(put(database, await proposed(database, GOOD))).rejects.toThrow(/rule also/);
    expect(await look()).toEqual(AFTER.slice(0, 2));
    await database.close();
  });

  it.each<readonly [story: string, from: string, to: string, says: RegExp]>([
    ['a table that there is not', 'public.bookings', 'public.bokings', /a table public.bokings/],
    ['a column that there is not', 'slot: {', 'slott: {', /a column "slott"/],
    ['a key that may stand there twice', 'column: number', 'column: paid', /unique in the table/],
    [
      'a key column that nothing fills',
      'column: number, is: integer',
      'column: slot',
      /told twice|number, which is NOT NULL/,
    ],
  ])('is not proposed for %s', async (_story, from, to, says) => {
    const { database } = await copyOf();
    const propose = async () => proposed(database, GOOD, MAPPING.replace(from, to));
    await expect(propose()).rejects.toThrow(says);
    await database.close();
  });
});

it('rebuilds from what the triggers captured, in the order it happened', async () => {
  const folder = scratchFolder('captured');
  const server = await startScratchPostgres();
  const admin = new pg.Client(server.url());
  await admin.connect();
  await admin.query('create database lived');
  await admin.query('create database restored');
  await admin.end();
  const table =
    'create table public.bookings (reference text primary key, amount_cents bigint, guest text)';
  const lived = new World(server, 'lived');
  await lived.run(table);
  await lived.capture.attach('public.bookings');
  await lived.run(
    `insert into public.bookings values ('BK-1', 100, E'Ada\\tL.\\\\n'), ('BK-2', 200, null), ('BK-3', 300, 'x')`,
  );
  await lived.run(`update public.bookings set amount_cents = 150 where reference = 'BK-1'`);
  await lived.run(`delete from public.bookings where reference = 'BK-3'`);
  await lived.drain();
  const [attack] = [await lived.run('delete from public.bookings'), ...(await lived.drain())].slice(
    1,
  );
  const copy = adminOf(server, 'main-db', 'restored');
  await copy.query(table);
  const mapping = parseMapping(
    `
format: holdfast/mapping/1
table: public.bookings
key: { column: reference, id: booking }
columns:
  amount_cents: { is: money, currency: EUR, required: true }
  guest: { is: text }
`,
    'mapping.yaml',
  );
  const proposed = (except: readonly string[]): Promise<Proposal> =>
    propose({
      target: 'main-db',
      scratch: copy,
      mapping,
      sources: [],
      captured: capturedFrom({
        store: lived.store,
        target: 'main-db',
        since: new Date(0),
        until: null,
        except,
      }),
      copies: folder,
    });
  const withAttack = await proposed([]);
  expect(withAttack.rows.map(({ state }) => state)).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT']);
  const proposal = await proposed([attack ?? '']);
  expect(proposal.rows.map(({ key, state }) => [key, state])).toEqual([
    ['BK-1', 'READY'],
    ['BK-2', 'READY'],
    ['BK-3', 'CONFLICT'],
  ]);
  await apply({
    scratch: copy,
    proposal,
    digest: digestOfProposal(proposal),
    assertions: [],
    isDryRun: false,
    person: 'person_ada',
    clock: new ManualClock(),
  });
  expect(await copy.query('select * from public.bookings order by 1')).toEqual([
    { reference: 'BK-1', amount_cents: '150', guest: 'Ada\tL.\\n' },
    { reference: 'BK-2', amount_cents: '200', guest: null },
  ]);
  await Promise.all([lived.close(), copy.close()]);
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});
