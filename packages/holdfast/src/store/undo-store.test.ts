/** The vault of undo data on a real PostgreSQL: kept once, given back byte for byte, never gone early. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEDGER_CREDIT_MS_MAX } from '../model/limits.ts';
import type { UndoItem } from '../protection/undo-item.ts';
import type { UndoQuery } from '../protection/undo-store.ts';
import { chunkOf, drainedItem, dropOf, keepThese, SHAPE } from '../testing/drained.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { SqlLedgerStore } from './ledger-store.ts';
import { listQuery, SqlUndoStore } from './undo-store.ts';

/** The grace of `keepThese`, and what the ledger's next step may credit of the time before it. */
const DUE_MS = 1_000 + LEDGER_CREDIT_MS_MAX;
const DUE = BigInt(DUE_MS);

let scratch: ScratchStore;
let store: SqlUndoStore;
let ledger: SqlLedgerStore;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.undo_items, holdfast.undo_shapes, holdfast.undo_parts,
      holdfast.undo_entries, holdfast.undo_chunks, holdfast.undo_trash`.execute(db),
  );
  await scratch.database.run((db) => sql`update holdfast.undo_ledger set tick_ms = 0`.execute(db));
  store = new SqlUndoStore(scratch.database, new ManualClock('2026-11-21T09:00:00Z', task.id));
  ledger = new SqlLedgerStore(scratch.database);
  await ledger.tryHold();
  return () => ledger.release();
});

async function theOnly(): Promise<UndoItem> {
  const [item, ...more] = await store.list({ limit: 10 });
  if (item === undefined || more.length > 0) throw new Error(`${more.length + 1} items`);
  return item;
}

async function watched(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= LEDGER_CREDIT_MS_MAX) await ledger.credit(left);
}

async function textOf(id: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { data } of store.chunks(id, SHAPE.shapeId)) texts.push(String(data));
  return texts;
}

async function chunksLeft(): Promise<number> {
  const { rows } = await scratch.database.run((db) =>
    sql<{ n: number }>`select count(*)::int as n from holdfast.undo_chunks`.execute(db),
  );
  return rows[0]?.n ?? -1;
}

describe('what is kept', () => {
  it('comes back byte for byte, small or compressed, with its shape and its summary', async () => {
    const long = '1\t0\t-\t42\n'.repeat(5_000);
    const odd = '1\t1\t-\t\\\\N\\\\\té€𝄞\n';
    await keepThese(store, [drainedItem(1)], [chunkOf(1, long), chunkOf(1, odd, 1)]);
    const item = await theOnly();
    expect(item).toMatchObject({ txid: '1', state: 'kept', keptUntilTickMs: DUE });
    expect(item.parts).toEqual([{ op: 'D', name: 'public.bookings', rows: 2 }]);
    expect(await textOf(item.id)).toEqual([long, odd]);
    const [entry] = await store.entries(item.id);
    expect(entry).toEqual({ seq: 1n, op: 'D', rows: 2, shape: SHAPE, act: null });
    const { rows } = await scratch.database.run((db) =>
      sql`select is_gzip from holdfast.undo_chunks order by part`.execute(db),
    );
    expect(rows).toEqual([{ is_gzip: true }, { is_gzip: false }]);
  });

  it('keeps an act with what takes it back, and words a newer target adds', async () => {
    const act = { ...dropOf('public.x', ['holdfast_trash_9']), sequences: ['public.x_id_seq'] };
    const entries = [{ seq: 9n, op: 'X' as const, rows: 0, shape: null, act }];
    await keepThese(store, [drainedItem(1, { entries })]);
    const item = await theOnly();
    expect(item.parts).toEqual([{ op: 'X', name: 'DROP TABLE public.x', rows: 0 }]);
    expect((await store.entries(item.id))[0]?.act).toEqual(act);
  });

  it('keeps a transaction once, however often and however many bring it', async () => {
    const other = new SqlUndoStore(await scratch.another(), new ManualClock(undefined, 'other'));
    const bring = (into: SqlUndoStore) => keepThese(into, [drainedItem(1)], [chunkOf(1, '1\t0\n')]);
    const both = await Promise.all([bring(store), bring(other)]);
    expect(both.map(({ kept }) => kept).toSorted()).toEqual([0, 1]);
    expect(await bring(store)).toEqual({ kept: 0, known: 1 });
    expect(await textOf((await theOnly()).id)).toEqual(['1\t0\n']);
  });

  it('takes the same txid of a target that was set back to an older state as another', async () => {
    await keepThese(store, [drainedItem(1)], [chunkOf(1, 'before\n')]);
    const later = drainedItem(1, { fingerprint: 'after the restore' });
    expect(await keepThese(store, [later], [chunkOf(1, 'after\n')])).toEqual({ kept: 1, known: 0 });
    const items = await store.list({ limit: 10 });
    expect((await Promise.all(items.map(({ id }) => textOf(id)))).flat().toSorted()).toEqual([
      'after\n',
      'before\n',
    ]);
  });

  it('keeps nothing of a batch whose rows end in the middle', async () => {
    const broken = store.keep({
      target: 'main-db',
      install: 'one',
      shapes: [SHAPE],
      items: [drainedItem(1)],
      graceMs: 1_000,
      chunks: (async function* () {
        yield chunkOf(1, '1\t0\n');
        throw new Error('the target went away');
      })(),
    });
    await expect(broken).rejects.toThrow('the target went away');
    expect(await store.list({ limit: 10 })).toEqual([]);
    expect(await chunksLeft()).toBe(0);
  });

  it('is not handed out when somebody changed it in the vault', async () => {
    await keepThese(store, [drainedItem(1)], [chunkOf(1, '1\t0\n')]);
    await scratch.database.run((db) =>
      sql`update holdfast.undo_chunks set data = 'forged'`.execute(db),
    );
    const { id } = await theOnly();
    const refusal = await refusalOf(textOf(id));
    expect(refusal.code).toBe('HF_UNDO_STATE');
    expect(refusal.found).toContain('SHA-256');
  });
});

describe('its end', () => {
  it('does not come before the ledger says so, whoever asks', async () => {
    await keepThese(store, [drainedItem(1)], [chunkOf(1, '1\t0\n')]);
    const { id } = await theOnly();
    await watched(DUE_MS - 1);
    expect(await store.beginPurge(10)).toEqual([]);
    expect((await refusalOf(store.finishPurge(id))).code).toBe('HF_UNDO_STATE');
    expect(await chunksLeft()).toBe(1);
    await watched(1);
    expect(await store.beginPurge(10)).toEqual([{ id, target: 'main-db', trash: [] }]);
    await store.finishPurge(id);
    expect(await chunksLeft()).toBe(0);
    expect(await theOnly()).toMatchObject({ id, state: 'purged' });
    expect((await refusalOf(textOf(id))).found).toBe('it was purged');
    await store.finishPurge(id);
  });

  it('is moved by extend, only ever later, and only while it stands', async () => {
    await keepThese(store, [drainedItem(1)]);
    const { id } = await theOnly();
    expect(await store.extend([id], 500)).toBe(1);
    expect((await theOnly()).keptUntilTickMs).toBe(DUE + 500n);
    for (const byMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect((await refusalOf(store.extend([id], byMs))).code).toBe('HF_USAGE');
    }
    await watched(DUE_MS + 500);
    await store.beginPurge(10);
    expect(await store.extend([id], 500)).toBe(0);
    expect(await store.cancelPurge([id])).toBe(0);
    expect(await store.setState([id], ['kept'], 'undone')).toBe(0);
  });

  it('sooner: can be cancelled until it begins, and never makes it later', async () => {
    await keepThese(store, [drainedItem(1), drainedItem(2)]);
    const ids = (await store.list({ limit: 10 })).map(({ id }) => id);
    await store.setState(ids.slice(0, 1), ['kept'], 'undone');
    expect(await store.requestPurge(ids, 300)).toBe(2);
    expect((await store.list({ limit: 1 }))[0]).toMatchObject({
      state: 'purging',
      purgeAtTickMs: 300n + BigInt(LEDGER_CREDIT_MS_MAX),
    });
    expect(await store.cancelPurge(ids)).toBe(2);
    expect((await store.list({ limit: 10 })).map(({ state }) => state)).toEqual(['undone', 'kept']);
    await store.requestPurge(ids, 5_000);
    expect((await store.find(ids[0] ?? ''))?.purgeAtTickMs).toBe(DUE);
  });

  it('is taken up by whoever comes next when the one who began it died', async () => {
    await keepThese(store, [drainedItem(1)]);
    await watched(DUE_MS);
    const begun = await store.beginPurge(10);
    expect(begun).toHaveLength(1);
    expect(
      await new SqlUndoStore(await scratch.another(), new ManualClock()).beginPurge(10),
    ).toEqual(begun);
  });

  it('names no trash that another item still needs, nor what is no trash', async () => {
    const drop = (txid: number, trash: string[]) =>
      drainedItem(txid, {
        entries: [{ seq: 9n, op: 'X', rows: 0, shape: null, act: dropOf('public.x', trash) }],
      });
    const wild = ['holdfast_trash_9', 'public', 'holdfast', 'holdfast_trash_1; drop', ''];
    await keepThese(store, [drop(1, wild)]);
    // The target was set back, and gave the number out again.
    await keepThese(store, [drop(2, ['holdfast_trash_9'])], [], 3_000);
    await watched(DUE_MS);
    expect((await store.beginPurge(10)).map(({ trash }) => trash)).toEqual([[]]);
    await watched(2_000);
    const due = await store.beginPurge(10);
    expect(due.flatMap(({ trash }) => trash)).toContain('holdfast_trash_9');
    expect(new Set(due.flatMap(({ trash }) => trash)).size).toBe(1);
  });
});

describe('lists', () => {
  it('are pages, newest first, by every filter', async () => {
    const items = Array.from({ length: 7 }, (_, at) =>
      drainedItem(at + 1, {
        // Two of one moment, so that a page may end between them.
        at: new Date(Date.UTC(2026, 10, 21, 9, 0, Math.floor(at / 2))),
        agentId: at % 2 === 0 ? 'agent_even' : null,
        agentName: at % 2 === 0 ? 'even' : null,
        role: at % 2 === 0 ? 'hf_even' : 'app',
      }),
    );
    await keepThese(store, items);
    const all = (await store.list({ limit: 10 })).map(({ id }) => id);
    const paged: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await store.list({ limit: 2, ...(after === undefined ? {} : { after }) });
      if (page.length === 0) break;
      paged.push(...page.map(({ id }) => id));
      after = page.at(-1)?.id;
    }
    expect(paged).toEqual(all);
    expect(new Set(all).size).toBe(7);
    const count = async (query: Omit<UndoQuery, 'limit'>): Promise<number> =>
      (await store.list({ ...query, limit: 10 })).length;
    expect(await count({ agentName: 'even' })).toBe(4);
    expect(await count({ role: 'app' })).toBe(3);
    expect(await count({ target: 'other-db' })).toBe(0);
    expect(await count({ states: ['undone', 'purged'] })).toBe(0);
    expect(await count({ since: new Date(Date.UTC(2026, 10, 21, 9, 0, 2)) })).toBe(3);
    expect(await count({ until: new Date(Date.UTC(2026, 10, 21, 9, 0, 2)) })).toBe(4);
  });

  it('read a range of an index at 100,000 items, whatever is asked for', async () => {
    await scratch.database.transaction(async (trx) => {
      await sql`insert into holdfast.undo_items (id, target, install, txid, fingerprint, at, role,
          agent_id, agent_name, application, state, kept_until_tick_ms)
        select 'undo_' || n, 'db-' || n % 5, 'i', n, '', timestamptz '2026-11-21' + n * interval '1 s',
          'hf_' || n % 20, 'agent_' || n % 20, 'agent-' || n % 20, '', case when n % 7 = 0 then 'kept' else 'purged' end,
          1000 + n
        from generate_series(1, 100000) n`.execute(trx);
      await sql`insert into holdfast.undo_parts (item_id, place, op, name, rows)
        select 'undo_' || n, 0, 'D', 't', 1 from generate_series(1, 100000) n`.execute(trx);
    });
    await scratch.database.run((db) =>
      sql`analyze holdfast.undo_items, holdfast.undo_parts`.execute(db),
    );
    const asked: readonly [story: string, query: UndoQuery][] = [
      ['everything', { limit: 50 }],
      ['of one target', { limit: 50, target: 'db-3' }],
      ['of one agent since a moment', { limit: 50, agentName: 'agent-7', since: new Date(0) }],
      ['of an agent that did nothing', { limit: 50, agentName: 'nobody' }],
      ['of one role', { limit: 50, role: 'hf_7' }],
      ['in a state that is rare', { limit: 50, states: ['purging', 'undone'] }],
      ['a later page', { limit: 50, after: 'undo_5000' }],
    ];
    for (const [story, query] of asked) {
      const plan = await planOf(listQuery(query));
      expect(plan.scans, story).not.toContain('Seq Scan on undo_items');
      expect(plan.rowsRead, story).toBeLessThan(2_000);
    }
    const [first] = await store.list({ limit: 50, agentName: 'agent-10', states: ['kept'] });
    expect(first).toMatchObject({ agentId: 'agent_10', state: 'kept' });
    const due = sql`select id from holdfast.undo_items where state <> 'purged'
      and coalesce(purge_at_tick_ms, kept_until_tick_ms) <= 1100`;
    expect((await planOf(due)).scans).not.toContain('Seq Scan on undo_items');
  }, 60_000);
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

async function planOf(
  query: ReturnType<typeof sql>,
): Promise<{ readonly scans: readonly string[]; readonly rowsRead: number }> {
  const { rows } = await scratch.database.run((db) =>
    sql<{ 'QUERY PLAN': readonly { Plan: PlanNode }[] }>`
      explain (analyze, format json) ${query}`.execute(db),
  );
  const scans: string[] = [];
  let rowsRead = 0;
  const walk = (node: PlanNode): void => {
    if (node['Relation Name'] === 'undo_items') {
      scans.push(`${node['Node Type']} on undo_items`);
      const each = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0);
      rowsRead += each * node['Actual Loops'];
    }
    node.Plans?.forEach(walk);
  };
  const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
  if (plan === undefined) throw new Error('no plan');
  walk(plan);
  return { scans, rowsRead };
}
