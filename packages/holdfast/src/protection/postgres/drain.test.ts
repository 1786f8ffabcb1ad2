/**
 * The drain between two real servers' databases: what was committed and captured ends in the vault,
 * once, and leaves the target only then. The kills are in test/simulation.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { AdvisoryLock } from '../../store/advisory-lock.ts';
import type { Database } from '../../store/database.ts';
import { openDatabase } from '../../store/database.ts';
import { migrate } from '../../store/migrate.ts';
import { MIGRATIONS } from '../../store/migrations/index.ts';
import { SqlUndoStore } from '../../store/undo-store.ts';
import { adminOf, captureAct, captureDelete, layOutTarget } from '../../testing/captured-target.ts';
import { dropOf } from '../../testing/drained.ts';
import { refusalOf } from '../../testing/refusal.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../target-database.ts';
import type { UndoItem } from '../undo-item.ts';
import type { UndoStore } from '../undo-store.ts';
import { Drain, type DrainLock } from './drain.ts';

let server: ScratchPostgres;
let database: Database;
let store: SqlUndoStore;
let target: TargetDatabase;
let drains: Drain[];
let made = 0;

beforeAll(async () => {
  server = await startScratchPostgres();
  database = await openDatabase({ connection: { url: server.url() } });
  await migrate(database, MIGRATIONS, systemClock);
  store = new SqlUndoStore(database, systemClock);
}, 60_000);
afterAll(async () => {
  await database?.close();
  await server?.stop();
});

beforeEach(async () => {
  await database.run((db) =>
    sql`truncate holdfast.undo_items, holdfast.undo_shapes, holdfast.undo_parts,
      holdfast.undo_entries, holdfast.undo_chunks, holdfast.undo_trash`.execute(db),
  );
  made += 1;
  target = await layOutTarget(server, `target_${made}`, 2);
  drains = [];
  return async () => {
    for (const one of drains) await one.stop();
    await target.close();
  };
});

function drainInto(into: UndoStore, lock: DrainLock = lockOf()): Drain {
  const drain = new Drain({
    target,
    store: into,
    lock,
    clock: systemClock,
    graceMs: 1_000,
    agentOf: (role) => (role === 'hf_cursor' ? { id: 'agent_1', name: 'cursor' } : null),
  });
  drains.push(drain);
  return drain;
}

function lockOf(): DrainLock {
  return new AdvisoryLock(database, `drain ${target.target}`);
}

async function leftInTarget(): Promise<unknown> {
  const rows = await target.query(`select (select count(*)::int from holdfast.journal) as journal,
    (select count(*)::int from holdfast.c1) as c1, (select count(*)::int from holdfast.c2) as c2`);
  return rows[0];
}

async function rowsOf(item: UndoItem | undefined, shapeId: bigint): Promise<string[]> {
  const lines: string[] = [];
  for await (const { data } of store.chunks(item?.id ?? '', shapeId)) {
    lines.push(...String(data).split('\n').slice(0, -1));
  }
  return lines;
}

describe('the drain', () => {
  it('takes whole transactions out, and leaves nothing behind', async () => {
    await target.transaction('read committed', async (session) => {
      await captureDelete(session, 1, { from: 1, to: 3 }, 'tab\there ');
      await captureDelete(session, 2, { from: 5, to: 5 });
      await captureAct(session, dropOf('public.x', ['holdfast_trash_3']));
    });
    await captureDelete(target, 1, { from: 9, to: 9 });
    expect(await drainInto(store).drainOnce()).toBe(2);
    expect(await leftInTarget()).toEqual({ journal: 0, c1: 0, c2: 0 });
    const [second, first] = await store.list({ limit: 10 });
    expect(first).toMatchObject({ target: target.target, install: 'install-one', undoOf: null });
    expect(first?.parts).toEqual([
      { op: 'D', name: 'public.t1', rows: 3 },
      { op: 'D', name: 'public.t2', rows: 1 },
      { op: 'X', name: 'DROP TABLE public.x', rows: 0 },
    ]);
    expect(await rowsOf(first, 1n)).toEqual(
      [1, 2, 3].map((id) => `1\t${id - 1}\t-\t${id}\ttab\\there ${id}`),
    );
    expect(await rowsOf(first, 2n)).toEqual(['2\t0\t-\t5\tname5']);
    expect(await rowsOf(second, 1n)).toEqual(['4\t0\t-\t9\tname9']);
  });

  it('takes a row that is larger than a chunk, and transactions that interleave', async () => {
    await Promise.all(
      Array.from({ length: 6 }, (_, n) =>
        target.transaction('read committed', async (session) => {
          for (let turn = 0; turn < 5; turn += 1) {
            await captureDelete(session, 1, { from: n * 100, to: n * 100 + 99 });
          }
        }),
      ),
    );
    await captureDelete(target, 1, { from: 1, to: 1 }, 'x'.repeat(3_000_000));
    await drainInto(store).drainOnce();
    const items = await store.list({ limit: 10 });
    const counts = await Promise.all(items.map(async (item) => (await rowsOf(item, 1n)).length));
    expect(counts.toSorted()).toEqual([1, 500, 500, 500, 500, 500, 500]);
    expect((await rowsOf(items[0], 1n))[0]?.length).toBeGreaterThan(3_000_000);
  });

  it('takes a transaction of more statements than a statement of ours can name, beside a later one', async () => {
    const many = 25_000;
    await target.query(
      `with statement as (
         insert into holdfast.journal (shape_id, op, rows) select 1, 'D', 1 from generate_series(1, $1::int) returning seq)
       insert into holdfast.c1 select seq, 0, '-', seq::int, 'x' from statement`,
      [many],
    );
    await target.query(
      `insert into holdfast.c1 values (0, 0, '-', 0, 'a row that no statement names')`,
    );
    await captureDelete(target, 2, { from: 1, to: 1 });
    expect(await drainInto(store).drainOnce()).toBe(2);
    expect(await leftInTarget()).toEqual({ journal: 0, c1: 1, c2: 0 });
    const [, first] = await store.list({ limit: 10 });
    const rows = await rowsOf(first, 1n);
    expect(new Set(rows.map((row) => row.split('\t')[3])).size).toBe(many);
    expect(rows.length).toBe(many);
  });

  it('takes statements on more tables than one statement of ours empties', async () => {
    const wide = await layOutTarget(server, `wide_${made}`, 120);
    try {
      await wide.transaction('read committed', async (session) => {
        for (let table = 1; table <= 120; table += 1) {
          await captureDelete(session, table, { from: table, to: table + 1 });
        }
      });
      await captureDelete(wide, 60, { from: 1, to: 1 });
      const narrow = target;
      target = wide;
      expect(await drainInto(store).drainOnce()).toBe(2);
      target = narrow;
      const left = await wide.query(
        `select (select count(*)::int from holdfast.journal) as journal, ${Array.from(
          { length: 120 },
          (_, n) => `(select count(*) from holdfast.c${n + 1})`,
        ).join(' + ')} as captured`,
      );
      expect(left).toEqual([{ journal: 0, captured: '0' }]);
      const [, first] = await store.list({ limit: 10 });
      for (const shape of [1n, 50n, 51n, 100n, 101n, 120n]) {
        expect((await rowsOf(first, shape)).length).toBe(2);
      }
    } finally {
      await Promise.all(drains.splice(0).map((one) => one.stop()));
      await wide.close();
    }
  });

  it('leaves what is not committed alone, and takes it after', async () => {
    const drain = drainInto(store);
    await target.transaction('read committed', async (session) => {
      await captureDelete(session, 1, { from: 1, to: 1 });
      await captureDelete(target, 1, { from: 2, to: 2 });
      expect(await drain.drainOnce()).toBe(1);
    });
    expect(await drain.drainOnce()).toBe(1);
    expect(await leftInTarget()).toMatchObject({ journal: 0, c1: 0 });
  });

  it('brings nothing twice when it died between the vault and the target', async () => {
    await captureDelete(target, 1, { from: 1, to: 2 });
    const dying: UndoStore = Object.create(store, {
      keep: {
        value: async (batch: Parameters<UndoStore['keep']>[0]) => {
          await store.keep(batch);
          throw new Error('killed here');
        },
      },
    });
    await expect(drainInto(dying).drainOnce()).rejects.toThrow('killed here');
    expect(await leftInTarget()).toMatchObject({ journal: 1, c1: 2 });
    expect(await drainInto(store).drainOnce()).toBe(0);
    const items = await store.list({ limit: 10 });
    expect(items).toHaveLength(1);
    expect(await rowsOf(items[0], 1n)).toHaveLength(2);
    expect(await leftInTarget()).toMatchObject({ journal: 0, c1: 0 });
  });

  it('goes on after the vault failed in the midst of a large transaction', async () => {
    await captureDelete(target, 1, { from: 1, to: 200_000 });
    const failing: UndoStore = Object.create(store, {
      keep: {
        value: async (batch: Parameters<UndoStore['keep']>[0]) => {
          for await (const _ of batch.chunks) throw new Error('no more');
        },
      },
    });
    await expect(drainInto(failing).drainOnce()).rejects.toThrow('no more');
    const drain = drainInto(store);
    await drain.drainOnce();
    const [item] = await store.list({ limit: 1 });
    expect(await rowsOf(item, 1n)).toHaveLength(200_000);
    expect(drain.health.trouble).toBeNull();
  });

  it('lets two work at once without losing or doubling', async () => {
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => captureDelete(target, 1, { from: n, to: n })),
    );
    const kept = await Promise.all([1, 2, 3].map(() => drainInto(store).drainOnce()));
    expect(kept.reduce((sum, n) => sum + n)).toBe(30);
    expect(await store.list({ limit: 100 })).toHaveLength(30);
    expect(await leftInTarget()).toMatchObject({ journal: 0, c1: 0 });
  });

  it('runs by itself, in one process of several', async () => {
    const held = lockOf();
    await held.tryHold();
    const standby = drainInto(store);
    standby.start();
    await captureDelete(target, 1, { from: 1, to: 1 });
    await vi.waitFor(() => expect(standby.health.lagMs).toBeGreaterThan(0), 5_000);
    expect(await store.list({ limit: 1 })).toEqual([]);
    await held.release();
    await vi.waitFor(async () => expect(await store.list({ limit: 1 })).toHaveLength(1), 5_000);
    await vi.waitFor(() => expect(standby.health).toEqual({ lagMs: 0, trouble: null }), 5_000);
  });
});

describe('whose word counts', () => {
  it("an agent's role is told by the lookup, and by nothing the agent says", async () => {
    await captureDelete(target, 1, { from: 1, to: 1 });
    await target.query(`update holdfast.journal set role = 'hf_cursor',
      application = 'holdfast undo undo_0123456789abcdef'`);
    await drainInto(store).drainOnce();
    expect((await store.list({ limit: 1 }))[0]).toMatchObject({
      agentId: 'agent_1',
      agentName: 'cursor',
      undoOf: null,
    });
  });

  it('what Holdfast itself runs as an undo is one', async () => {
    await target.transaction('read committed', async (session) => {
      await session.query(`set local application_name = 'holdfast undo undo_0123456789abcdef +2'`);
      await captureDelete(session, 1, { from: 1, to: 1 });
    });
    await drainInto(store).drainOnce();
    const [item] = await store.list({ limit: 1 });
    expect(item?.undoOf).toBe('undo_0123456789abcdef');
  });

  it('a record of an act that cannot be read is kept, and says so', async () => {
    await target.query(
      `insert into holdfast.journal (op, rows, detail) values ('X', 0, '{"verb": 1}')`,
    );
    await drainInto(store).drainOnce();
    const [item] = await store.list({ limit: 1 });
    const [entry] = await store.entries(item?.id ?? '');
    expect(entry?.act).toMatchObject({ verb: 'UNREADABLE ACT', statement: '{"verb":1}', undo: [] });
  });
});

describe('trouble', () => {
  it('a full vault is said aloud, the rows stay, and it goes on when there is room', async () => {
    await database.run((db) =>
      sql
        .raw(`create function public.full_disk() returns trigger language plpgsql as $$
          begin raise exception 'could not extend file: No space left on device'
            using errcode = '53100'; end $$;
          create trigger full_disk before insert on holdfast.undo_chunks
            execute function public.full_disk()`)
        .execute(db),
    );
    await captureDelete(target, 1, { from: 1, to: 4 });
    const drain = drainInto(store);
    expect((await refusalOf(drain.drainOnce())).code).toBe('HF_STORE_UNAVAILABLE');
    expect(drain.health.trouble).toContain('A disk is full');
    expect(drain.health.trouble).toContain('No space left on device');
    expect(drain.health.lagMs).toBeGreaterThan(0);
    expect(await leftInTarget()).toMatchObject({ journal: 1, c1: 4 });
    expect(await store.list({ limit: 1 })).toEqual([]);
    await database.run((db) => sql`drop function public.full_disk() cascade`.execute(db));
    await drain.drainOnce();
    expect(drain.health).toEqual({ lagMs: 0, trouble: null });
    expect(await leftInTarget()).toMatchObject({ journal: 0, c1: 0 });
  });

  it('a vault that is away is said aloud', async () => {
    const gone = await openDatabase({ connection: { url: server.url() } });
    await gone.close();
    const away = new Drain({
      target,
      store: new SqlUndoStore(gone, systemClock),
      lock: {
        tryHold: () => Promise.reject(new Error('connect ECONNREFUSED')),
        release: async () => {},
      },
      clock: systemClock,
      graceMs: 1_000,
      agentOf: () => null,
    });
    drains.push(away);
    away.start();
    await vi.waitFor(() => expect(away.health.trouble).toContain('ECONNREFUSED'), 5_000);
  });

  it('a target that is away is said aloud', async () => {
    const nowhere = adminOf({ ...server, port: 1 }, 'main-db', 'nowhere');
    const drain = new Drain({
      target: nowhere,
      store,
      lock: lockOf(),
      clock: systemClock,
      graceMs: 1_000,
      agentOf: () => null,
    });
    expect((await refusalOf(drain.drainOnce())).code).toBe('HF_UPSTREAM_UNREACHABLE');
    expect(drain.health.trouble).toContain('main-db cannot be reached by Holdfast itself');
    await drain.stop();
    await nowhere.close();
  });

  it('a target without an installation id keeps its rows', async () => {
    await target.query('delete from holdfast.meta');
    await captureDelete(target, 1, { from: 1, to: 1 });
    const drain = drainInto(store);
    expect((await refusalOf(drain.drainOnce())).code).toBe('HF_PROTECT');
    expect(drain.health.trouble).toContain('holdfast.meta');
    expect(await leftInTarget()).toMatchObject({ journal: 1, c1: 1 });
  });
});
