/** What undoes a change at a provider, on a real PostgreSQL: sealed, whole or not at all, and gone when purged. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Seal } from '../identity/seal.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Inverse, InverseToKeep } from '../protection/inverse.ts';
import { SealedInverses } from '../protection/sealed-inverses.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { SqlInverseStore } from './inverse-store.ts';
import { SqlUndoStore } from './undo-store.ts';

const SECRET = 'postgres://app:hunter2@db/live';
const INVERSE: Inverse = {
  changes: [
    {
      at: { of: 'variable', name: '__proto__', serviceId: null },
      title: 'variable A',
      before: SECRET,
      after: 'new',
    },
    { at: { of: 'variable', name: 'B' }, title: 'variable B', before: null, after: 'made' },
    { at: { of: 'variable', name: 'C' }, title: 'variable C', before: 'old', after: null },
  ],
  notRestored: ['a sentence'],
};
const WISH: InverseToKeep = {
  inverse: INVERSE,
  provider: 'railway',
  target: {
    name: 'railway/shop/staging',
    environment: { name: 'staging', level: 'guarded' },
    protocol: 'http',
    resolvedBy: 'a test',
  },
  actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
  client: 'curl',
  undoOf: null,
};

let scratch: ScratchStore;
let store: SqlInverseStore;
let undos: SqlUndoStore;
let room: () => Promise<void>;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

const sealedWith = (byte: number): SealedInverses => {
  const clock = new ManualClock('2026-11-21T09:00:00Z', String(byte));
  return new SealedInverses({
    store,
    seal: new Seal(Buffer.alloc(32, byte), clock),
    clock,
    graceMsOf: (environment) => (environment === 'staging' ? 5_000 : 0),
    requireRoom: () => room(),
  });
};

beforeEach(async () => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.undo_items, holdfast.undo_parts, holdfast.undo_trash, holdfast.undo_inverses`.execute(
      db,
    ),
  );
  store = new SqlInverseStore(scratch.database);
  undos = new SqlUndoStore(scratch.database, new ManualClock('2026-11-21T09:00:00Z'));
  room = async () => {};
});

async function everything(): Promise<string> {
  const { rows } = await scratch.database.run((db) =>
    sql<{ row: string }>`
      select i::text as row from holdfast.undo_items i union all
      select p::text from holdfast.undo_parts p union all
      select coalesce(encode(v.sealed, 'escape'), 'nothing') from holdfast.undo_inverses v`.execute(
      db,
    ),
  );
  return rows.map(({ row }) => row).join('\n');
}

it('is an item of the one list, not known to have happened until somebody says so', async () => {
  const kept = await sealedWith(1).keep(WISH);
  const item = await undos.find(kept.id);
  expect(item).toMatchObject({
    target: 'railway/shop/staging',
    agentName: 'cursor',
    state: 'kept',
    inverse: { provider: 'railway', happened: 'unknown' },
  });
  expect(item?.parts.map(({ name }) => name)).toEqual([
    'changed variable A',
    'added variable B',
    'removed variable C',
  ]);
  expect(await sealedWith(1).open({ id: kept.id })).toEqual(INVERSE);
  await kept.settle({ kind: 'done', tag: '200', transaction: 'ended' });
  const [listed] = await undos.list({ limit: 10, target: 'railway/shop/staging' });
  expect(listed?.inverse).toEqual({ provider: 'railway', happened: 'done' });
});

it('lies sealed: no value is in any row, and another key or another place does not open it', async () => {
  const sealed = sealedWith(1);
  const { id } = await sealed.keep(WISH);
  const { id: other } = await sealed.keep(WISH);
  const rows = await everything();
  for (const value of [SECRET, 'hunter2', 'made', '"old"']) expect(rows).not.toContain(value);
  expect((await refusalOf(sealedWith(2).open({ id }))).code).toBe('HF_SEAL');
  await scratch.database.run((db) =>
    sql`update holdfast.undo_inverses set sealed =
      (select sealed from holdfast.undo_inverses where item_id = ${id}) where item_id = ${other}`.execute(
      db,
    ),
  );
  expect((await refusalOf(sealedWith(1).open({ id: other }))).code).toBe('HF_SEAL');
});

it.each<readonly [story: string, wish: InverseToKeep, full: boolean]>([
  ['a name that cannot be stored', { ...WISH, inverse: withTitle('variable \0') }, false],
  ['more than is kept', { ...WISH, inverse: withBefore('x'.repeat(5 * 1024 * 1024)) }, false],
  ['no room', WISH, true],
])('keeps nothing of it with %s', async (_story, wish, full) => {
  room = async () => {
    const facts = { expected: 'room', found: 'none', hint: 'Make some.' };
    if (full) throw new HoldfastError('HF_VAULT_FULL', facts);
  };
  await expect(sealedWith(1).keep(wish)).rejects.toThrow();
  expect(await everything()).toBe('');
});

function withTitle(title: string): Inverse {
  return { ...INVERSE, changes: INVERSE.changes.map((one) => ({ ...one, title })) };
}
function withBefore(before: string): Inverse {
  return { ...INVERSE, changes: INVERSE.changes.map((one) => ({ ...one, before })) };
}

it('leaves nothing of what was certainly not sent, and everything of the rest', async () => {
  const sealed = sealedWith(1);
  const [never, done, lost] = [
    await sealed.keep(WISH),
    await sealed.keep(WISH),
    await sealed.keep(WISH),
  ];
  await never.settle({ kind: 'not-forwarded', reason: 'gone' });
  await done.settle({ kind: 'done', tag: '200', transaction: 'ended' });
  // Said twice, and wrongly: what happened is not forgotten.
  await done.settle({ kind: 'not-forwarded', reason: 'gone' });
  await lost.settle({ kind: 'unknown', reason: 'no answer' });
  const items = await undos.list({ limit: 10 });
  expect(items.map(({ id }) => id).sort()).toEqual([done.id, lost.id].sort());
  expect(items.find(({ id }) => id === done.id)?.inverse?.happened).toBe('done');
  expect(items.find(({ id }) => id === lost.id)?.inverse?.happened).toBe('unknown');
});

it('goes with the purge of its item, by the same clock', async () => {
  const { id } = await sealedWith(1).keep(WISH);
  expect(await undos.beginPurge(10)).toEqual([]);
  await scratch.database.run((db) =>
    sql`update holdfast.undo_items set kept_until_tick_ms = 0 where id = ${id}`.execute(db),
  );
  expect(await undos.beginPurge(10)).toEqual([{ id, target: 'railway/shop/staging', trash: [] }]);
  const begun = await refusalOf(sealedWith(1).open({ id }));
  expect([begun.code, begun.found]).toEqual(['HF_UNDO_STATE', 'its purge has begun']);
  await undos.finishPurge(id);
  expect((await refusalOf(sealedWith(1).open({ id }))).found).toBe('it was purged');
  expect(await everything()).toContain('nothing');
  expect((await undos.find(id))?.state).toBe('purged');
  const nobody = await refusalOf(sealedWith(1).open({ id: 'undo_0' }));
  expect(nobody.code).toBe('HF_UNDO_UNKNOWN');
});
