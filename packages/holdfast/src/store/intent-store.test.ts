/** Between a change and its entry a process may end, and the change is in the trail all the same. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Intents } from '../identity/intents.ts';
import { RowKeys } from '../identity/row-keys.ts';
import { Seal } from '../identity/seal.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { INTENT_SETTLE_MS } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { SqlIntentStore } from './intent-store.ts';

const INTENT: HoldfastEvent = {
  kind: 'person-roles',
  facts: { person: 'ana', roles: 'owner' },
  message: 'ana is owner now.',
};

let scratch: ScratchStore;
let clock: ManualClock;
let recorded: HoldfastEvent[];
let troubles: unknown[];
let canRecord: boolean;
let refused: string | null;
let rows: RowKeys;
let intents: Intents;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await scratch.database.run((db) => sql`truncate holdfast.intended_notes`.execute(db));
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  recorded = [];
  troubles = [];
  canRecord = true;
  refused = null;
  rows = new RowKeys(new Seal(Buffer.alloc(32, 1), clock));
  intents = new Intents({
    store: new SqlIntentStore(scratch.database, rows),
    clock,
    record: async (event) => {
      if (!canRecord) throw new Error('the trail is away');
      const { person } = event.facts;
      if (refused !== null && person === refused) throw new Error(`no place for ${refused}`);
      recorded.push(event);
    },
    trouble: (error) => troubles.push(error),
  });
});

async function kept(): Promise<number> {
  const { rows } = await scratch.database.run((db) =>
    sql`select id from holdfast.intended_notes`.execute(db),
  );
  return rows.length;
}

async function change(): Promise<string> {
  expect(await kept()).toBe(1);
  return 'done';
}

const UNSETTLED = { kind: 'intent-unsettled', facts: { person: 'ana', intended: 'person-roles' } };

describe('an intent', () => {
  it('is kept before the change, and forgotten once what happened is written down', async () => {
    expect(await intents.around(INTENT, change, (end) => [{ ...INTENT, message: end }])).toBe(
      'done',
    );
    expect(recorded.map(({ message }) => message)).toEqual(['done']);
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(0);
    expect(await kept()).toBe(0);
  });

  it('of a change that was refused leaves nothing', async () => {
    const refusal = new HoldfastError('HF_NOT_FOUND', { expected: 'a', found: 'b', hint: 'c' });
    const refused = intents.around(
      INTENT,
      () => Promise.reject(refusal),
      () => [INTENT],
    );
    await expect(refused).rejects.toBe(refusal);
    expect([recorded, await kept()]).toEqual([[], 0]);
  });

  it('whose end nobody saw is told later, once, and by one process', async () => {
    const broken = intents.around(
      INTENT,
      () => Promise.reject(new Error('the connection was lost')),
      () => [INTENT],
    );
    await expect(broken).rejects.toThrow('lost');
    expect(await intents.settle()).toBe(0);
    clock.pass(INTENT_SETTLE_MS + 1);
    const told = await Promise.all([intents.settle(), intents.settle()]);
    expect(told.toSorted()).toEqual([0, 1]);
    expect(recorded).toMatchObject([UNSETTLED]);
    expect(await intents.settle()).toBe(0);
  });

  it('stays while the trail cannot be written, and the change stands', async () => {
    canRecord = false;
    expect(await intents.around(INTENT, change, () => [INTENT])).toBe('done');
    expect(troubles).toHaveLength(1);
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(0);
    expect(troubles).toHaveLength(2);
    canRecord = true;
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(1);
    expect(recorded).toMatchObject([UNSETTLED]);
  });

  it('that cannot be told holds up none of the others, is said, and gets its turn again', async () => {
    const lost = (intent: HoldfastEvent): Promise<unknown> =>
      intents.around(
        intent,
        () => Promise.reject(new Error('the connection was lost')),
        () => [],
      );
    for (let at = 0; at < 3; at += 1) {
      await expect(lost({ ...INTENT, facts: { person: `person ${at}` } })).rejects.toThrow('lost');
      clock.pass(1);
    }
    refused = 'person 0';
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(2);
    expect(recorded.map(({ facts }) => facts['person'])).toEqual(['person 1', 'person 2']);
    expect([troubles, await kept()]).toEqual([[new Error('no place for person 0')], 1]);
    refused = null;
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(1);
    expect(await kept()).toBe(0);
  });

  it('of ours that a newer Holdfast wrote, with a kind unknown here, is kept and said', async () => {
    const text = JSON.stringify({ ...INTENT, kind: 'of-tomorrow' });
    const mac = rows.mac('intent', 'intent_new', { event: text });
    await scratch.database.run((db) =>
      sql`insert into holdfast.intended_notes values ('intent_new', ${text}, ${mac}, ${clock.now()})`.execute(
        db,
      ),
    );
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(0);
    expect([troubles.length, recorded, await kept()]).toEqual([1, [], 1]);
  });

  it('that somebody else wrote says nothing in the trail', async () => {
    await scratch.database.run((db) =>
      sql`insert into holdfast.intended_notes values ('intent_x', ${JSON.stringify(INTENT)}, 'no',
            ${clock.now()})`.execute(db),
    );
    await scratch.database
      .run((db) =>
        sql`insert into holdfast.intended_notes (id, event, mac, intended_at)
          values ('intent_y', 'no JSON at all', 'no', ${clock.now()})`.execute(db),
      )
      .catch(() => {});
    clock.pass(INTENT_SETTLE_MS + 1);
    expect(await intents.settle()).toBe(0);
    expect([recorded, await kept()]).toEqual([[], 0]);
  });
});
