/**
 * A restore for real, against real servers: the right point for a moment, a diff against the live target,
 * and rows written back that can be undone.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cardOfAct } from '../../src/approvals/proposed-act.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { HoldfastEvent } from '../../src/model/event.ts';
import type { Target } from '../../src/model/target.ts';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { captureFoundation } from '../../src/protection/postgres/capture/foundation.ts';
import { Drain } from '../../src/protection/postgres/drain.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { wholeFrom } from '../../src/recovery/clocks.ts';
import type { PullEngine } from '../../src/recovery/engines/pull/pull-engine.ts';
import { lsnOf } from '../../src/recovery/lsn.ts';
import type { RecoveryPoint } from '../../src/recovery/recovery-point.ts';
import type { RestoreWish } from '../../src/recovery/restore/choose-point.ts';
import { type Diff, diffTargets } from '../../src/recovery/restore/diff.ts';
import { sentencesOfDiff } from '../../src/recovery/restore/diff-words.ts';
import { ownLine } from '../../src/recovery/restore/in-turn.ts';
import { type PromoteParts, promote } from '../../src/recovery/restore/promote.ts';
import { type PromotionPlan, promotionOf } from '../../src/recovery/restore/promotion.ts';
import {
  type RestoredTarget,
  type RestoreOrder,
  type RestoreParts,
  restoreTarget,
} from '../../src/recovery/restore/restore-target.ts';
import {
  type WriteBackOrder,
  type WriteBackParts,
  writeBack,
} from '../../src/recovery/restore/write-back/write-back.ts';
import { TEST_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import { type CommitLoss, startCommitWire } from './commit-wire.ts';
import { DEBIAN_15, type Ground, NEVER, pullGround, QUIET } from './pull-ground.ts';

const has15 = existsSync(`${DEBIAN_15}/postgres`);
const MINUTE = 60_000;
const TARGET: Target = {
  name: 'shop',
  environment: { name: 'production', level: 'sealed' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
};

/** The tables as they are before anything goes wrong; the capture is on all but `loose` and `plain`. */
const SCHEMA = `
  create role holdfast_owner nologin bypassrls; create role holdfast_undo nologin bypassrls;
  create schema holdfast authorization holdfast_owner;
  create role shop nologin; grant shop to holdfast_owner, holdfast_undo; grant create on schema public to shop;
  set role shop;
  create domain cents as bigint check (value >= 0);
  create table guests (id int primary key, name text not null, mail text unique);
  create table bookings (id bigint generated always as identity primary key, guest int not null references guests,
    price cents, note text, twice bigint generated always as (price * 2) stored);
  create table "odd ""name" (a text, b numeric, v bytea, primary key (a, b));
  create table plain (t text);
  create table loose (id int primary key, v text);
  insert into guests select n, 'guest ' || n, n || '@example.com' from generate_series(1, 500) n;
  insert into bookings (guest, price, note) select 1 + n % 500, n, E'tab\\t back\\\\slash ' || n from generate_series(1, 3000) n;
  insert into "odd ""name" values ('x', 1.50, '\\x00ff'), ('x', 2, null), (E'q''"\\\\', 3, '');
  insert into plain values ('a'), ('a');
  insert into loose values (1, 'x');
  create table rates (rate numeric primary key); insert into rates values (1.50), (2);
reset role`;

describe.for([
  { major: 18, bin: null },
  { major: 15, bin: DEBIAN_15 },
] as const)('PostgreSQL $major', ({ bin, major }) => {
  const isHere = bin === null || has15;
  let ground: Ground;
  let engine: PullEngine;
  const points: RecoveryPoint[] = [];
  /** Between the two points, and after the second with nothing wrong yet. */
  let between: Date;
  let good: Date;
  let copy: RestoredTarget | null = null;
  let live: TargetDatabase;
  let restored: TargetDatabase;

  beforeAll(async () => {
    if (!isHere) return;
    ground = await pullGround(bin);
    const { server } = ground;
    await server.query(SCHEMA);
    live = openTargetDatabase({ target: 'shop', connection: server.connection() });
    for (const { sql } of captureFoundation()) await live.query(sql);
    await live.query(`insert into holdfast.meta values ('install', '"install-one"')`);
    for (const table of ['guests', 'bookings', 'rates', '"odd ""name"']) {
      await live.query(`select holdfast.attach($1::regclass)`, [`public.${table}`]);
    }
    engine = ground.engine();
    points.push(await engine.backup(QUIET, NEVER));
    await server.query(`update loose set v = 'between'`);
    between = await pass();
    await server.query(`update loose set v = 'later'`);
    points.push(await engine.backup(QUIET, NEVER));
    await server.query(`insert into guests values (501, 'late', 'late@example.com')`);
    good = await pass();
    await server.query('delete from bookings; delete from guests where id > 490');
    await server.query(`insert into guests values (600, 'new', 'new@example.com');
      update guests set name = 'changed' where id <= 3; update plain set t = 'b';
      delete from "odd ""name" where b = 3; create table fresh (id int primary key);
      alter table loose add column more int; create index on guests (name)`);
    await reach();
  }, 240_000);
  afterAll(async () => {
    await live?.close();
    await restored?.close();
    await copy?.discard();
    await ground?.close();
  });

  /** A moment with nothing else in its millisecond. */
  async function pass(): Promise<Date> {
    await new Promise((done) => setTimeout(done, 30));
    const at = new Date();
    await new Promise((done) => setTimeout(done, 30));
    return at;
  }
  async function reach(): Promise<void> {
    const [{ lsn } = {}] = await ground.server.query(
      'select pg_current_wal_flush_lsn()::text as lsn',
    );
    await (await engine.stream()).durableUpTo(lsnOf(String(lsn)) ?? 0n, NEVER);
  }
  function restore(
    wish: RestoreWish,
    order: Partial<RestoreOrder> = {},
    parts: Partial<RestoreParts> = {},
  ): Promise<RestoredTarget> {
    return restoreTarget(
      {
        target: 'shop',
        wish,
        asOf: null,
        folder: join(ground.root, `restore-${systemClock.random(4).toString('hex')}`),
        isKept: false,
        ...order,
      },
      {
        engineOf: () => engine,
        vault: ground.vault,
        seal: TEST_SEAL,
        clock: systemClock,
        superuser: 'postgres',
        binaries: [],
        replayMsMax: MINUTE,
        ...parts,
      },
      QUIET,
      NEVER,
    );
  }
  /** One copy of the good moment, for all that look at it. */
  async function good_(): Promise<TargetDatabase> {
    copy ??= await restore({ kind: 'at', at: good });
    restored ??= copy.database('postgres', MINUTE);
    return restored;
  }
  const read = async (one: RestoredTarget, sql: string): Promise<unknown> => {
    const client = await one.connect('postgres');
    const { rows } = await client.query<{ v: unknown }>(sql).finally(() => client.end());
    return rows[0]?.v;
  };
  async function diff(keysMax = 10): Promise<Diff> {
    return diffTargets({
      restored: await good_(),
      live,
      keysMax,
      onProgress: () => {},
      signal: NEVER,
    });
  }
  async function write(order: Partial<WriteBackOrder>, parts: Partial<WriteBackParts> = {}) {
    return writeBack(
      { tables: [], changed: 'keep', extra: 'keep', mode: 'apply', ...order },
      { restored: await good_(), live, clock: systemClock, ...parts },
    );
  }

  it('takes the newest point that was whole by then', { timeout: 240_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const one = await restore({ kind: 'at', at: between });
    try {
      expect(one.point.id).toBe(points[0]?.id);
      expect(await read(one, 'select v from loose')).toBe('between');
      expect(one.rtoMs).toBeGreaterThan(0);
    } finally {
      await one.discard();
    }
    await good_();
    expect(copy?.point.id).toBe(points[1]?.id);
    const two = await restore({ kind: 'point', id: points[0]?.id ?? '' });
    try {
      expect(await read(two, 'select v from loose')).toBe('x');
    } finally {
      await two.discard();
    }
    const all = await restore({ kind: 'newest' });
    try {
      expect(await read(all, 'select count(*)::int as v from bookings')).toBe(0);
    } finally {
      await all.discard();
    }
    expect(readdirSync(ground.root).filter((name) => name.startsWith('restore-'))).toHaveLength(1);
  });

  it('refuses what the vault does not reach, and a disk without room', async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const before = readdirSync(ground.root);
    const [oldest] = points;
    if (oldest === undefined) throw new Error('no point');
    const first = wholeFrom(oldest);
    const refusals: readonly [RestoreWish, RegExp][] = [
      [{ kind: 'at', at: new Date(first.getTime() - 1) }, /HF_RESTORE_WINDOW.*the oldest point/s],
      [
        { kind: 'at', at: new Date(Date.now() + 86_400_000) },
        /HF_RESTORE_WINDOW.*WAL of shop up to/s,
      ],
      [{ kind: 'point', id: 'nothing' }, /HF_RESTORE_WINDOW.*others: /s],
      [{ kind: 'lsn', lsn: '0/1' }, /HF_RESTORE_WINDOW.*the oldest point/s],
      [{ kind: 'lsn', lsn: 'here' }, /HF_RESTORE_WINDOW.*position/s],
    ];
    const saidBy = (work: Promise<unknown>): Promise<string> =>
      work.then(
        () => 'nothing',
        (error: unknown) => `${Reflect.get(Object(error), 'code')} ${String(error)}`,
      );
    for (const [wish, says] of refusals) expect(await saidBy(restore(wish))).toMatch(says);
    const room = { freeBytes: async () => 1_000_000n };
    expect(await saidBy(restore({ kind: 'newest' }, {}, room))).toMatch(/HF_RESTORE_ROOM.*1 MB/s);
    expect(await saidBy(restore({ kind: 'newest' }, { target: 'other' }))).toMatch(
      /HF_RESTORE_WINDOW/,
    );
    const full = join(ground.root, 'full');
    mkdirSync(full);
    writeFileSync(join(full, 'mine'), 'mine');
    expect(await saidBy(restore({ kind: 'newest' }, { folder: full }))).toMatch(
      /HF_RECOVERY_FOLDER/,
    );
    expect(readdirSync(full)).toEqual(['mine']);
    expect(readdirSync(ground.root)).toEqual([...before, 'full'].sort());
  });

  it('leaves a cluster that an ordinary server starts', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const folder = join(ground.root, 'kept');
    const one = await restore({ kind: 'at', at: good }, { folder, isKept: true });
    expect(await read(one, `select current_setting('fsync') as v`)).toBe('on');
    const kept = await one.keep();
    expect(kept).toMatchObject({ folder: join(folder, 'root', 'data'), major });
    expect(readdirSync(kept.folder).filter((name) => name.startsWith('holdfast'))).toEqual([]);
    const server = await ground.startRestored(kept.folder);
    const [row] = await server.query(`select count(*)::int as bookings, pg_is_in_recovery() as r,
      current_setting('archive_mode') as a, current_setting('recovery_target_time') as t from bookings`);
    expect(row).toEqual({ bookings: 3000, r: false, a: 'off', t: '' });
    await server.query('insert into loose values (7, null)');
    await expect((await restoredToLookAt()).keep()).rejects.toThrow(/made to be kept/);
  });
  async function restoredToLookAt(): Promise<RestoredTarget> {
    await good_();
    if (copy === null) throw new Error('no copy');
    return copy;
  }

  it('tells what differs from the live target', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const found = await diff(2);
    expect(found.lone).toEqual([{ schema: 'public', name: 'fresh', side: 'live', rows: 0n }]);
    const by = new Map(found.tables.map((table) => [table.name, table]));
    expect([...by.keys()].sort()).toEqual(['bookings', 'guests', 'odd "name', 'plain']);
    expect(by.get('bookings')).toMatchObject({ restoredRows: 3000n, liveRows: 0n });
    expect(by.get('bookings')?.keys).toMatchObject({
      missing: 3000n,
      extra: 0n,
      changed: 0n,
      missingKeys: [['1'], ['10']],
    });
    expect(by.get('guests')?.keys).toEqual({
      missing: 11n,
      extra: 1n,
      changed: 3n,
      missingKeys: [['491'], ['492']],
      extraKeys: [['600']],
      changedKeys: [['1'], ['2']],
    });
    expect(by.get('odd "name')?.keys).toMatchObject({ missing: 1n, missingKeys: [[`q'"\\`, '3']] });
    expect(by.get('plain')).toMatchObject({ keys: null, restoredRows: 2n, liveRows: 2n });
    expect(found.structure.map(({ kind, name, of }) => `${kind} ${of} ${name}`)).toEqual([
      'table public.fresh fresh',
      'column public.loose more',
      'index public.guests guests_name_idx',
    ]);
    const said = sentencesOfDiff(found);
    expect(said).toContain(
      'public.guests: 11 missing (491, 492 …); 3 changed (1, 2 …); 1 only in the live one (600). 490 rows for 501 restored.'.replace(
        '490 rows',
        '491 rows',
      ),
    );
    expect(said).toContain('The column more of public.loose is new.');
    expect(said.join('\n')).toContain('2 tables with 3 rows are the same');
  });

  it('shows first what would be written back', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const only = { tables: [{ schema: 'public', name: 'bookings', keys: null }] };
    const look = await write({ ...only, mode: 'preview' });
    expect(look).toMatchObject({ id: null, tables: [{ inserted: 3000, conflicts: 0 }] });
    expect(look.wouldFail).toEqual([
      expect.stringMatching(
        /^60 row\(s\) of public.bookings refer to rows of public.guests that are not there/,
      ),
    ]);
    await expect(write(only)).rejects.toThrow(/refers to/);
    expect(await live.query('select count(*)::int as n from public.bookings')).toEqual([{ n: 0 }]);
    expect(
      await live.query(
        "select count(*)::int as n from holdfast.journal where application like 'holdfast restore%'",
      ),
    ).toEqual([{ n: 0 }]);
  });

  it('refuses a table that nothing would take back', { timeout: 120_000 }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const table = (name: string) => ({ tables: [{ schema: 'public', name, keys: null }] });
    await expect(write(table('loose'))).rejects.toThrow(/captured/);
    await expect(write(table('plain'))).rejects.toThrow(/primary key/);
    await expect(write(table('fresh'))).rejects.toThrow(/none in the restored one/);
    await live.query('alter table public.guests disable trigger "!holdfast_insert"');
    await expect(write(table('guests'))).rejects.toThrow(/captured/);
    await live.query('alter table public.guests enable always trigger "!holdfast_insert"');
  });

  const ODD = { schema: 'public', name: 'odd "name', keys: null };
  const BOTH = [
    { schema: 'public', name: 'bookings', keys: null },
    { schema: 'public', name: 'guests', keys: null },
  ];

  it('takes everything back when a trigger meddles, or something refuses', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const before = await state();
    await live.query(`create function public.meddle() returns trigger language plpgsql as
        $$ begin if new.id = 7 then return null; end if; return new; end $$;
      create trigger meddle before insert on public.bookings for each row execute function public.meddle()`);
    const look = await write({ tables: BOTH, mode: 'preview' });
    expect(look.notes).toContain(
      'Trigger meddle of public.bookings fires while rows are written back.',
    );
    await expect(write({ tables: BOTH })).rejects.toThrow(/3000 rows .* found 2999/);
    await live.query(`create or replace function public.meddle() returns trigger language plpgsql as
        $$ begin new.note := 'mine'; return new; end $$`);
    await expect(write({ tables: BOTH })).rejects.toThrow(/a trigger changed what was written/);
    // Whatever a trigger does, it does it without the rights of the admin.
    await live.query(`create or replace function public.meddle() returns trigger language plpgsql as
        $$ begin delete from holdfast.journal; return new; end $$`);
    await expect(write({ tables: BOTH })).rejects.toThrow(/permission denied/);
    await live.query('drop trigger meddle on public.bookings; drop function public.meddle');
    await live.query(`insert into public.guests values (700, 'taker', '495@example.com')`);
    const clash = await write({ tables: BOTH, mode: 'preview' });
    expect(clash.wouldFail).toEqual([
      expect.stringMatching(/^1 row\(s\) of public.guests .*guests_mail_key/),
    ]);
    await expect(write({ tables: BOTH })).rejects.toThrow(/newer row in the way/);
    await live.query('delete from public.guests where id = 700');
    const stopped = {
      beforeCommit: () => {
        throw new Error('not that many');
      },
    };
    await expect(write({ tables: BOTH }, stopped)).rejects.toThrow(/not that many/);
    expect(await state()).toEqual(before);
  });

  it('writes chosen keys back, and keeps newer work unless it is chosen', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const odd = { schema: 'public', name: 'odd "name', keys: [[`q'"\\`, '3.00']] };
    await live.query(`insert into public."odd ""name" values ('z', 9, null)`);
    // Keys are compared as what they are: 3.00 is 3.
    const report = await write({ tables: [odd], extra: 'delete' });
    expect(report.tables).toEqual([
      {
        schema: 'public',
        name: 'odd "name',
        inserted: 1,
        setBack: 0,
        deleted: 0,
        conflicts: 0,
        conflictKeys: [],
        extraKept: 0,
      },
    ]);
    await expect(write({ tables: [{ ...odd, keys: [['x']] }] })).rejects.toThrow(/2 value/);
    await expect(write({ tables: [{ ...odd, keys: [['x', '1.0.0']] }] })).rejects.toMatchObject({
      code: 'HF_USAGE',
      expected: 'keys of public.odd "name: text, numeric',
    });
    const some = {
      schema: 'public',
      name: 'guests',
      keys: [['1'], ['02'], ['491'], ['600'], ['9999']],
    };
    const kept = await write({ tables: [some] });
    expect(kept.tables).toMatchObject([
      {
        inserted: 1,
        setBack: 0,
        deleted: 0,
        conflicts: 2,
        conflictKeys: [['1'], ['2']],
        extraKept: 1,
      },
    ]);
    const set = await write({ tables: [some], changed: 'set-back' });
    expect(set.tables).toMatchObject([{ inserted: 0, setBack: 2, conflicts: 0, extraKept: 1 }]);
    expect(
      await live.query(
        'select id, name from public.guests where id in (1, 2, 3, 491, 600) order by 1',
      ),
    ).toEqual([
      { id: 1, name: 'guest 1' },
      { id: 2, name: 'guest 2' },
      { id: 3, name: 'changed' },
      { id: 491, name: 'guest 491' },
      { id: 600, name: 'new' },
    ]);
  });

  it('reads no whole table for chosen keys, and the copy before it locks', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const said: string[] = [];
    const heard = (name: string, database: TargetDatabase): TargetDatabase => ({
      target: database.target,
      query: (sql, values) => database.query(sql, values),
      close: () => database.close(),
      transaction: (isolation, work) =>
        database.transaction(isolation, (session) =>
          work({
            query: (sql, values) => {
              if (/lock table/.test(JSON.stringify([sql, values]))) said.push(`${name} locks`);
              if (/group by 1/.test(JSON.stringify([sql, values]))) said.push(`${name} sums`);
              return session.query(sql, values);
            },
            copyOut: (sql) => session.copyOut(sql),
            copyIn: (sql, chunks) => session.copyIn(sql, chunks),
          }),
        ),
    });
    const parts = { restored: heard('copy', await good_()), live: heard('live', live) };
    const guests = { schema: 'public', name: 'guests' };
    // Everything is taken back: what comes after finds the tables as they were.
    const looked = async (keys: string[][] | null): Promise<number | undefined> => {
      let inserted: number | undefined;
      const beforeCommit: WriteBackParts['beforeCommit'] = ({ tables }) => {
        inserted = tables[0]?.inserted;
        throw new Error('only looked at');
      };
      const tables = [{ ...guests, keys }];
      await expect(write({ tables }, { ...parts, beforeCommit })).rejects.toThrow('only looked at');
      return inserted;
    };
    expect(await looked([['492']])).toBe(1);
    expect(said.splice(0)).toEqual(['live locks']);
    expect(await looked(null)).toBe(10);
    expect(said).toEqual(['copy sums', 'live locks', 'live sums']);
  });

  it.for<readonly [string, Partial<CommitLoss>, string, 'written' | 'not-written']>([
    ['was lost on its way', { where: 'on-the-way' }, 'nothing was committed', 'not-written'],
    ['was done, and its answer lost', {}, 'the server said afterwards', 'written'],
    [
      'was done and drained, and its answer lost',
      { meanwhile: () => swept('') },
      'the server said afterwards',
      'written',
    ],
    [
      'was done, and the server crashed since',
      { meanwhile: () => swept(`; select pg_stat_reset_shared('bgwriter')`) },
      'is not known',
      'written',
    ],
    ['was done, and nobody is there to say so', { isAwayThen: true }, 'is not known', 'written'],
  ])(
    'never says that nothing was written when a COMMIT %s',
    async ([, loss, says, became], ctx) => {
      if (!isHere) return ctx.skip('Debian package postgresql-15');
      const wire = await startCommitWire(ground.server.port, {
        ...{ where: 'on-the-way-back', isAwayThen: false, meanwhile: async () => {} },
        ...loss,
      });
      const connection = ground.server.connection(wire.port);
      const over = openTargetDatabase({ target: 'shop', connection, poolSize: 1 });
      let ms = 0;
      // A clock that hurries: whoever waits for a server that is away has soon waited long enough.
      const clock = { ...systemClock, monotonicMs: () => (ms += 20_000) };
      try {
        const tables = [{ schema: 'public', name: 'guests', keys: [['492']] }];
        const end = await write({ tables }, { live: over, clock }).then(
          ({ notes }) => notes.join(' '),
          (error: unknown) => String(error),
        );
        expect(end).toContain(says);
        const rows = await live.query('select id from public.guests where id = 492');
        expect(rows).toHaveLength(became === 'written' ? 1 : 0);
      } finally {
        await live.query('delete from public.guests where id = 492');
        await over.close();
        await wire.close();
      }
    },
  );

  it('looks in bounded time, and says what to do when that is over', async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const order = { tables: [{ schema: 'public', name: 'guests', keys: null }] };
    const holder = openTargetDatabase({ target: 'shop', connection: ground.server.connection() });
    let let_ = (): void => {};
    const released = new Promise<void>((done) => {
      let_ = done;
    });
    let isHeld = (): void => {};
    const held = new Promise<void>((done) => {
      isHeld = done;
    });
    const holding = holder.transaction('read committed', async (session) => {
      await session.query('lock table public.guests in access exclusive mode');
      isHeld();
      await released;
    });
    try {
      await held;
      const look = { statementMsMax: 300, msMax: MINUTE };
      await expect(write({ ...order, mode: 'preview' }, { look })).rejects.toThrow(
        /each statement to be done within its time/,
      );
    } finally {
      let_();
      await holding;
      await holder.close();
    }
    let ms = 0;
    const clock = { ...systemClock, monotonicMs: () => (ms += 1_000) };
    const look = { statementMsMax: MINUTE, msMax: 5_000 };
    await expect(write({ ...order, mode: 'preview' }, { look, clock })).rejects.toThrow(
      /a preview of at most 5 s, found one that takes longer/,
    );
    expect((await write({ ...order, mode: 'preview' })).wouldFail).toEqual([]);
  });

  /** What the drain does a moment later. */
  async function swept(more: string): Promise<void> {
    await live.query(
      `delete from holdfast.journal where application like 'holdfast restore %'${more}`,
    );
  }

  it('is promoted as it was signed, and not if it would do more', {
    timeout: 240_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const order = { changed: 'set-back', extra: 'delete' } as const;
    const { goal, point } = await restoredToLookAt();
    const plan = async (): Promise<PromotionPlan> => ({
      target: TARGET,
      database: 'postgres',
      vault: 'here',
      asOf: null,
      point,
      goal,
      drilledAt: null,
      isSealed: true,
      order,
      preview: await write({ tables: [ODD], ...order, mode: 'preview' }),
    });
    await live.query(`update public."odd ""name" set v = 'now' where a = 'x' and b = 2`);
    const act = promotionOf(await plan());
    expect(act.facts).toMatchObject({
      tables: ['["public","odd \\"name",0,1,1]'],
    });
    expect(act.words).toContain('public.odd "name of postgres become what they were at');
    expect(() => cardOfAct(act)).not.toThrow();
    const never = { ...(await plan()), goal: { at: null, lsn: null } };
    expect(() => promotionOf(never)).toThrow(/a moment or a position/);

    const noted: HoldfastEvent[] = [];
    const parts: PromoteParts = {
      restore: async (_target, _vault, { wish }) => {
        const made = await restore(wish);
        return {
          point: made.point,
          database: (name, statementMsMax) => made.database(name, statementMsMax),
          // Whatever came of it counts, not that its copy could not be removed.
          discard: async () => {
            await made.discard();
            throw new Error('in the way');
          },
        };
      },
      folder: ground.root,
      inTurn: ownLine(),
      clock: systemClock,
      note: async (event) => void noted.push(event),
    };
    const of = {
      ...{ target: TARGET, vaults: ['here'], database: 'postgres' },
      open: () => openTargetDatabase({ target: 'shop', connection: ground.server.connection() }),
    };
    const run = (facts: unknown): Promise<string> =>
      promote(of, { proposalId: 'proposal_x', facts }, parts, NEVER);
    const forged = { ...act.facts, systemIdentifier: '1' };
    await expect(run(forged)).rejects.toThrow(/the cluster of/);
    for (const other of [{ point: 'another' }, { pointDigest: '0'.repeat(64) }]) {
      const facts = { ...act.facts, ...other };
      await expect(run(facts)).rejects.toThrow(/the very point/);
    }
    await live.query(`insert into public."odd ""name" values ('y', 1, null)`);
    await expect(run(act.facts)).rejects.toThrow(
      /at most 1 rows of public.odd "name deleted, as was signed, found 2/,
    );
    // As many in all as was signed, but others: fewer of one table make no room in another.
    const guests = { schema: 'public', name: 'guests', keys: null };
    const looked = await write({ tables: [ODD, guests], ...order, mode: 'preview' });
    expect(looked.tables.map(({ deleted }) => deleted)).toEqual([1, 2]);
    await live.query(`delete from public."odd ""name" where a = 'y'`);
    const both = promotionOf({ ...(await plan()), preview: looked });
    await live.query(`insert into public.guests values (601, 'newer', 'newer@example.com')`);
    await expect(run(both.facts)).rejects.toThrow(
      /at most 1 rows of public.guests deleted, as was signed, found 2/,
    );
    await live.query('delete from public.guests where id = 601');
    const old = { ...act.facts, tables: ['["public","odd \\"name"]'], deleted: 9 };
    await expect(run(old)).rejects.toThrow(/as an older Holdfast proposed/);
    expect(noted).toEqual([]);
    const said = await run(act.facts);
    expect(said).toMatch(/0 rows put in again, 1 set back, 1 deleted/);
    const [promoted] = noted;
    expect(promoted).toMatchObject({ kind: 'restore-promoted', facts: { setBack: 1, deleted: 1 } });
    expect(said).toContain(`(${String(promoted?.facts?.['write'])})`);
    expect((await diff()).tables.map(({ name }) => name)).not.toContain('odd "name');
  });

  it('makes the tables as they were, and that is an undo item', {
    timeout: 120_000,
  }, async (ctx) => {
    if (!isHere) return ctx.skip('Debian package postgresql-15');
    const store = new MemoryUndoStore();
    const drain = new Drain({
      target: live,
      store,
      lock: { tryHold: async () => true, release: async () => {} },
      clock: systemClock,
      graceMs: MINUTE,
      agentOf: () => null,
    });
    await drain.drainOnce();
    const before = await state();
    const report = await write({ tables: BOTH, changed: 'set-back', extra: 'delete' });
    expect(
      report.tables.map(({ name, inserted, setBack, deleted }) => [
        name,
        inserted,
        setBack,
        deleted,
      ]),
    ).toEqual([
      ['guests', 10, 1, 1],
      ['bookings', 3000, 0, 0],
    ]);
    const left = await diff();
    const differing = left.tables.map(({ name }) => name);
    expect(differing).toContain('plain');
    expect(differing).not.toContain('guests');
    expect(differing).not.toContain('bookings');
    await drain.drainOnce();
    const items = await store.list({ limit: 10 });
    const item = items.find(({ application }) => application.endsWith(report.id ?? '?'));
    if (item === undefined) throw new Error('no undo item');
    expect(item.application).toBe(`holdfast restore ${report.id}`);
    const undone = await runUndo(live, store, {
      chosen: [{ item, entries: await store.entries(item.id) }],
      tables: null,
      key: [],
      decisions: [],
      mode: 'apply',
    });
    expect(undone).toMatchObject({ undecided: 0, isWhole: true });
    expect(await state()).toEqual(before);
    await drain.stop();
  });

  async function state(): Promise<unknown> {
    return live.query(`select (select count(*) || md5(string_agg(t::text, '|' order by id)) from public.guests t) as guests,
      (select count(*) || coalesce(md5(string_agg(t::text, '|' order by id)), '') from public.bookings t) as bookings,
      (select string_agg(t::text, '|' order by t) from public."odd ""name" t) as odd`);
  }
});
