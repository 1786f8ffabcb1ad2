/** The past, on a real PostgreSQL: entries as the trail writes them, holds as the desk opens them. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { History, shapeOf } from '../approvals/history.ts';
import type { HoldCard } from '../approvals/hold.ts';
import { ProofKeys } from '../identity/proof-keys.ts';
import { Seal } from '../identity/seal.ts';
import type { Effect } from '../model/effect.ts';
import type { Intent } from '../model/intent.ts';
import { ACTS_SHOWN_MAX, RECENT_ACTS_MS, SIMILAR_HOLDS_MAX } from '../model/limits.ts';
import type { Verdict } from '../model/verdict.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { EntryMaker } from '../trail/entry.ts';
import { SqlHistoryStore } from './history-store.ts';
import { HOLD_ROWS, rowOfHold } from './hold-rows.ts';

const DROP: Effect = {
  kind: 'destroy',
  verb: 'DROP TABLE',
  object: { type: 'table', schema: 'public', name: 'payments' },
  reach: 'whole',
  additive: false,
  why: null,
};
const FORWARD: Verdict = { kind: 'forward', rule: 'r', reason: 'ordinary' };
const AGENT = 'agent_0123456789abcdef';

let scratch: ScratchStore;
let store: SqlHistoryStore;
let history: History;
let clock: ManualClock;
let entries: EntryMaker;
let index: bigint;

beforeAll(async () => {
  scratch = await startScratchStore();
  const seal = new Seal(Buffer.alloc(32, 1), new ManualClock());
  store = new SqlHistoryStore(scratch.database, new ProofKeys(seal, 'http://localhost:7070'));
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async () => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.trail_entry, holdfast.holds, holdfast.signatures, holdfast.people cascade`.execute(
      db,
    ),
  );
  clock = new ManualClock();
  history = new History(store, clock);
  entries = new EntryMaker('instance_1', clock);
  index = 0n;
});

async function keep(kind: string, bytes: Buffer, decision: bigint | null): Promise<bigint> {
  const at = index;
  index += 1n;
  await scratch.database.run((db) =>
    sql`insert into holdfast.trail_entry (index, kind, decision_index, instance_id, bytes)
        values (${at}, ${kind}, ${decision}, 'instance_1', ${bytes})`.execute(db),
  );
  return at;
}

function decided(text: string, agentId = AGENT, verdict = FORWARD): Promise<bigint> {
  const intent: Intent = {
    actor: { kind: 'agent', id: agentId, name: 'cursor', tokenId: 'token_1' },
    session: { id: 's', protocol: 'postgres', source: '127.0.0.1:1', client: 'psql' },
    reading: { kind: 'understood', effects: [DROP, DROP] },
    text: () => Buffer.from(text),
    acts: () => [],
  };
  const target = {
    name: 'main-db',
    environment: { name: 'production', level: 'guarded' },
    protocol: 'postgres',
    resolvedBy: 'declared',
  } as const;
  const decision = { intent, target, verdict, holdId: null, policyVersion: 'p', digest: 'd' };
  return keep('decision', entries.decision(decision).bytes, null);
}

describe('what an agent did of late', () => {
  it('is its own decisions, newest first, with what came of them', async () => {
    const first = await decided('drop table payments');
    await keep(
      'outcome',
      entries.outcome(first, { kind: 'failed', code: '42501', message: 'no' }).bytes,
      first,
    );
    await decided('drop table other', 'agent_0123456789abcdeg');
    clock.pass(60_000);
    await decided('\n  drop table payments cascade;\n-- and more', AGENT, {
      kind: 'hold',
      rule: 'r',
      reason: 'it destroys',
      people: 1,
    });
    const { acts, isCut } = await history.recentActsOf(AGENT);
    expect(isCut).toBe(false);
    expect(acts).toEqual([
      {
        index: 2 + 1,
        at: '2026-11-21T09:01:00.000Z',
        target: 'main-db',
        verdict: 'hold',
        effects: ['destroy: DROP TABLE public.payments'],
        firstLine: 'drop table payments cascade;',
        outcome: null,
      },
      {
        index: 0,
        at: '2026-11-21T09:00:00.000Z',
        target: 'main-db',
        verdict: 'forward',
        effects: ['destroy: DROP TABLE public.payments'],
        firstLine: 'drop table payments',
        outcome: 'failed',
      },
    ]);
  });

  it('goes back no further than it says, and says when there is more', async () => {
    await decided('long ago');
    clock.pass(RECENT_ACTS_MS + 1);
    for (let at = 0; at < ACTS_SHOWN_MAX; at += 1) await decided(`statement ${at}`);
    const whole = await history.recentActsOf(AGENT);
    expect(whole.acts).toHaveLength(ACTS_SHOWN_MAX);
    expect(whole.isCut).toBe(false);
    await decided('one more');
    const cut = await history.recentActsOf(AGENT);
    expect(cut.acts).toHaveLength(ACTS_SHOWN_MAX);
    expect(cut.acts[0]?.firstLine).toBe('one more');
    expect(cut.isCut).toBe(true);
  });

  it.each(['agent_1', 'agent_0123456789abcdef_and_longer', 'agent_"quoted"'])(
    'takes an id of any length: %s',
    async (id) => {
      await decided('its own', id);
      await decided('of another', `${id}x`);
      const { acts } = await history.recentActsOf(id);
      expect(acts.map(({ firstLine }) => firstLine)).toEqual(['its own']);
    },
  );

  it('is found by an index, however long the trail is', async () => {
    await scratch.database.run((db) =>
      sql`insert into holdfast.trail_entry (index, kind, instance_id, bytes)
          select 1000 + i, 'decision', 'i', convert_to('{"actor":{"id":"agent_' || lpad(i::text, 16, '0') || '"}}', 'UTF8')
          from generate_series(1, 5000) i`.execute(db),
    );
    const plan = await scratch.database.run((db) =>
      sql<{ 'QUERY PLAN': string }>`explain select index from holdfast.trail_entry d
          where d.kind = 'decision' and substring(d.bytes from 17 for 22) = '\\x00'::bytea
          order by d.index desc limit 21`.execute(db),
    );
    const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(text).toContain('trail_entry_agent');
    expect(text).not.toContain('Sort');
  });
});

describe('holds like this one', () => {
  let made = 0;

  async function opened(
    over: Partial<HoldCard>,
    state: string,
    note: string | null = null,
  ): Promise<string> {
    made += 1;
    const id = `hold_${String(made).padStart(16, '0')}`;
    clock.pass(1_000);
    const card: HoldCard = {
      digest: made.toString(16).padStart(64, '0'),
      statement: 'drop table payments',
      effects: [DROP],
      effectsTotal: 1,
      couldNotTell: null,
      target: 'main-db',
      environment: 'production',
      environmentLevel: 'guarded',
      resolvedBy: 'declared',
      rule: 'r',
      reason: 'it destroys',
      agentId: AGENT,
      agentName: 'cursor',
      tokenId: 'token_1',
      sessionId: 's',
      source: '127.0.0.1:1',
      client: 'psql',
      takingBack: null,
      policyVersion: null,
      effectsHash: null,
      facts: null,
      rowsAtMost: null,
      typedName: null,
      ownerId: null,
      task: null,
      ...over,
    };
    const hold = {
      id,
      card,
      peopleNeeded: 1,
      openedAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 3_600_000),
      approvalUntil: null,
    };
    await scratch.database.run((db) =>
      db
        .insertInto('holdfast.holds')
        .values({
          ...rowOfHold(HOLD_ROWS, hold),
          state,
          note,
          decided_by: note === null ? null : 'ada',
        })
        .execute(),
    );
    return id;
  }

  const asked = {
    agentId: AGENT,
    target: 'main-db',
    statement: 'DROP TABLE  payments',
    effects: [DROP],
  };

  it('are told with how they ended, the most alike first', async () => {
    const other: Effect = { ...DROP, object: { type: 'table', schema: 'public', name: 'logs' } };
    const kinds = await opened({ statement: 'drop table logs', effects: [other] }, 'consumed');
    const acts = await opened(
      { statement: 'drop table if exists payments' },
      'denied',
      'not today',
    );
    const same = await opened({}, 'expired');
    await opened(
      { statement: 'select 1', effects: [{ ...DROP, kind: 'grant', verb: 'GRANT' }] },
      'consumed',
    );
    await opened({ target: 'other-db', agentId: 'agent_2' }, 'consumed');
    await opened({}, 'waiting');
    const self = await opened({}, 'consumed');
    const found = await history.similarHolds(asked, self);
    expect(
      found.map(({ id, likeness, state, people, note }) => [id, likeness, state, people, note]),
    ).toEqual([
      [same, 'same statement', 'expired', [], null],
      [acts, 'same acts', 'denied', ['ada'], 'not today'],
      [kinds, 'same kinds of acts', 'consumed', [], null],
    ]);
  });

  it('are of this agent anywhere, and of anybody here; as they stand now, and so many at most', async () => {
    await opened({ target: 'other-db' }, 'signed');
    await opened({ agentId: 'agent_2', agentName: 'codex' }, 'consumed');
    clock.pass(7_200_000);
    const found = await history.similarHolds(asked, null);
    expect(found.map(({ target, agentName, state }) => [target, agentName, state])).toEqual([
      ['main-db', 'codex', 'consumed'],
      // It was approved and ran out, whether anybody has written that down or not.
      ['other-db', 'cursor', 'expired'],
    ]);
    for (let at = 0; at < SIMILAR_HOLDS_MAX + 5; at += 1) await opened({}, 'consumed');
    expect(await history.similarHolds(asked, null)).toHaveLength(SIMILAR_HOLDS_MAX);
  });
});

describe('the shape of a statement', () => {
  it.each([
    ["DELETE FROM t\n WHERE id = 5 and n = 'it''s'", "delete from t where id = 77 and n = 'x'"],
    [
      'POST /graphql\n{"volumeId":"5b1c7c1e-0000-4000-8000-0123456789ab"}',
      'POST /graphql\n{"volumeId":"aaaaaaaa-0000-4000-8000-0123456789ab"}',
    ],
  ])('is the same for %j and %j', (one, other) => {
    expect(shapeOf(one)).toBe(shapeOf(other));
  });
  it.each([
    ['delete from payments', 'delete from payments2'],
    ['delete from t where id = 5', 'delete from t'],
  ])('is another for %j and %j', (one, other) => {
    expect(shapeOf(one)).not.toBe(shapeOf(other));
  });
  it('takes no longer for a text that is made to be hard', () => {
    const hard = `'"${'\'"1 '.repeat(2_000)}${'-'.repeat(2_000)}${'0a-'.repeat(2_000)}`;
    expect(shapeOf(hard).length).toBeGreaterThan(0);
  });
});
