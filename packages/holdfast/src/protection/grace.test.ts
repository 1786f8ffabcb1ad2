/** Purges on real servers: after the clock and not before, trash first, and never what still lives. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEDGER_CREDIT_MS_MAX, PURGE_CANCEL_MS } from '../model/limits.ts';
import type { Database } from '../store/database.ts';
import { openDatabase } from '../store/database.ts';
import { SqlLedgerStore } from '../store/ledger-store.ts';
import { migrate } from '../store/migrate.ts';
import { MIGRATIONS } from '../store/migrations/index.ts';
import { SqlUndoStore } from '../store/undo-store.ts';
import { adminOf } from '../testing/captured-target.ts';
import { chunkOf, drainedItem, dropOf, keepThese } from '../testing/drained.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchPostgres, startScratchPostgres } from '../testing/scratch-postgres.ts';
import { Grace } from './grace.ts';
import { dropTrash } from './postgres/trash-bin.ts';
import type { TargetDatabase } from './target-database.ts';
import type { UndoStore } from './undo-store.ts';

/** The grace of `keepThese`, and what the ledger's next step may credit of the time before it. */
const DUE_MS = 1_000 + LEDGER_CREDIT_MS_MAX;
const TRASH = 'holdfast_trash_17';

let server: ScratchPostgres;
let database: Database;
let target: TargetDatabase;
let store: SqlUndoStore;
let ledger: SqlLedgerStore;

beforeAll(async () => {
  server = await startScratchPostgres();
  database = await openDatabase({ connection: { url: server.url() } });
  await migrate(database, MIGRATIONS, new ManualClock());
  target = adminOf(server, 'main-db', 'template1');
}, 60_000);
afterAll(async () => {
  await target?.close();
  await database?.close();
  await server?.stop();
});

beforeEach(async ({ task }) => {
  await database.run((db) => sql`truncate holdfast.undo_items cascade`.execute(db));
  await database.run((db) => sql`update holdfast.undo_ledger set tick_ms = 0`.execute(db));
  store = new SqlUndoStore(database, new ManualClock(undefined, task.id));
  ledger = new SqlLedgerStore(database);
  await ledger.tryHold();
  await target.query(`drop schema if exists ${TRASH} cascade; drop schema public cascade;
    create schema public; create schema ${TRASH}; create table ${TRASH}.bookings (id int);
    insert into ${TRASH}.bookings values (1)`);
  const entries = [
    { seq: 17n, op: 'X' as const, rows: 0, shape: null, act: dropOf('public.bookings', [TRASH]) },
  ];
  await keepThese(store, [drainedItem(1, { entries })], [chunkOf(1, '17\t0\n')]);
  return () => ledger.release();
});

function graceOn(undo: UndoStore = store, reached: TargetDatabase | null = target): Grace {
  return new Grace({ store: undo, targetOf: () => reached, dropTrash });
}

async function idOf(): Promise<string> {
  return (await store.list({ limit: 1 }))[0]?.id ?? '';
}

async function watched(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 5_000) await ledger.credit(Math.min(left, 5_000));
}

async function inTrash(): Promise<boolean> {
  const rows = await target.query(`select to_regclass('${TRASH}.bookings') is not null as there`);
  return rows[0]?.['there'] === true;
}

describe('the sweep', () => {
  it('drops nothing before its time, and everything after it', async () => {
    await watched(DUE_MS - 1);
    expect(await graceOn().sweep()).toEqual({ purged: [], waiting: [] });
    expect(await inTrash()).toBe(true);
    await watched(1);
    const id = await idOf();
    expect(await graceOn().sweep()).toEqual({ purged: [id], waiting: [] });
    expect(await inTrash()).toBe(false);
    expect((await store.find(id))?.state).toBe('purged');
    expect(await graceOn().sweep()).toEqual({ purged: [], waiting: [] });
  });

  it('is finished by the next one when it died between the trash and the vault', async () => {
    await watched(DUE_MS);
    class Dying extends SqlUndoStore {
      override finishPurge(): Promise<void> {
        return Promise.reject(new Error('killed here'));
      }
    }
    await expect(graceOn(new Dying(database, new ManualClock())).sweep()).rejects.toThrow(
      'killed here',
    );
    expect(await inTrash()).toBe(false);
    const id = await idOf();
    // Half gone: nobody gets it back any more.
    expect(await graceOn().cancelPurge([id])).toBe(0);
    expect(await store.setState([id], ['kept'], 'undone')).toBe(0);
    expect((await graceOn().sweep()).purged).toEqual([id]);
  });

  it('waits for a target that is away or no longer declared, and lets others go on', async () => {
    await keepThese(store, [drainedItem(2)]);
    await watched(DUE_MS);
    const report = await graceOn(store, null).sweep();
    expect(report.purged).toHaveLength(1);
    expect(report.waiting).toMatchObject([
      { reason: `main-db is not declared here, and ${TRASH} lies there` },
    ]);
    expect((await graceOn().sweep()).purged).toHaveLength(1);
  });

  const HANGING: readonly (readonly [story: string, make: string, named: string])[] = [
    ['a view', `create view public.seen as select * from ${TRASH}.bookings`, 'view seen'],
    [
      'a column of a type that lies there',
      `create type ${TRASH}.mood as enum ('ok'); create table public.live (m ${TRASH}.mood)`,
      'column m of table live',
    ],
    [
      'a default that calls a function there',
      `create function ${TRASH}.f() returns int language sql as 'select 1';
       create table public.live (n int default ${TRASH}.f())`,
      'default value for column n of table live',
    ],
    [
      'a foreign key of a live table',
      `alter table ${TRASH}.bookings add primary key (id);
       create table public.live (b int references ${TRASH}.bookings)`,
      'constraint live_b_fkey on table live',
    ],
    ['a child table', `create table public.live () inherits (${TRASH}.bookings)`, 'table live'],
  ];
  it.each(HANGING)('drops no live thing along: %s', async (_story, make, named) => {
    await target.query(`set search_path = public; ${make}`);
    await watched(DUE_MS);
    const [waiting] = (await graceOn().sweep()).waiting;
    expect(waiting?.reason).toContain(named);
    expect(await inTrash()).toBe(true);
    await target.query('drop schema public cascade; create schema public');
    expect((await graceOn().sweep()).purged).toHaveLength(1);
  });

  it('drops all that belongs to the trash itself: indexes, keys, views, long values', async () => {
    await target.query(`
      alter table ${TRASH}.bookings add primary key (id), add column t text default 'x', add n serial;
      create view ${TRASH}.v as select * from ${TRASH}.bookings;
      create index on ${TRASH}.bookings (t);
      create table ${TRASH}.child (b int references ${TRASH}.bookings check (b > 0));
      create policy p on ${TRASH}.bookings using (true);
      create table public.customers (id int primary key);
      alter table ${TRASH}.bookings add c int references public.customers on delete cascade`);
    await watched(DUE_MS);
    expect((await graceOn().sweep()).waiting).toEqual([]);
    expect(await inTrash()).toBe(false);
  });

  it('never drops a schema that is no trash, whatever a record says', async () => {
    for (const name of ['public', 'holdfast', 'holdfast_trash_', 'holdfast_trash_1; x']) {
      await expect(dropTrash(target, name)).rejects.toThrow('the name of a trash schema');
    }
  });
});

describe('a purge that was asked for', () => {
  it('comes sooner than the clock, and can be cancelled until then', async () => {
    const grace = graceOn();
    const id = await idOf();
    await grace.extend([id], 2 * PURGE_CANCEL_MS);
    await grace.requestPurge([id]);
    await watched(PURGE_CANCEL_MS + LEDGER_CREDIT_MS_MAX - 1);
    expect((await grace.sweep()).purged).toEqual([]);
    expect(await grace.cancelPurge([id])).toBe(1);
    await watched(DUE_MS);
    expect((await grace.sweep()).purged).toEqual([]);
    expect(await inTrash()).toBe(true);
    await grace.requestPurge([id]);
    await watched(PURGE_CANCEL_MS + LEDGER_CREDIT_MS_MAX);
    expect((await grace.sweep()).purged).toEqual([id]);
  });
});
