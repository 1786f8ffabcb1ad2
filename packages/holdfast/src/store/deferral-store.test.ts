/** Deferrals from the approval to the one run, on a real PostgreSQL, by two gateways. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CardFacts } from '../approvals/card-facts.ts';
import type { HoldTicket } from '../approvals/desk.ts';
import { hastenAct, hastenRunner } from '../approvals/hasten.ts';
import { Holds } from '../approvals/holds.ts';
import { KeptDeferrals } from '../approvals/kept-deferrals.ts';
import { Releases } from '../approvals/release.ts';
import { WaitingDesk } from '../approvals/waiting-desk.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Intent } from '../model/intent.ts';
import { DEFERRED_BYTES_MAX, DUE_TARGET_WAIT_MS, GRACE_MS_DEFAULT } from '../model/limits.ts';
import type { Outcome } from '../model/outcome.ts';
import type { Protection, TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Protect, Verdict } from '../model/verdict.ts';
import { DeferredRun, type Redecision } from '../pipeline/deferred-run.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { FakeRecorder } from '../testing/fake-parts.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { DELETE_READING, intentOf, TARGET } from '../testing/trail-fixtures.ts';
import type { Database } from './database.ts';
import { SqlDeferralStore } from './deferral-store.ts';
import { HOLD_ROWS } from './hold-rows.ts';
import { SqlHoldStore } from './hold-store.ts';

const BACK: TakingBack = { level: 'full', reversal: 'defer', reason: 'nothing takes it back' };
const TEXT = 'drop database "bookings"';
const PROTECT: Protect = {
  kind: 'protect',
  rule: 'guarded.destroy',
  reason: 'It destroys and has no reversal.',
};
const YES: Verdict = { kind: 'forward', rule: 'guarded.signed', reason: 'Enough people signed.' };
const DONE: Outcome = { kind: 'done', tag: 'DROP DATABASE', transaction: 'ended' };
const PATH = ['app', 'public'];
const FULL: Protection = { level: 'full', trouble: null };

interface Gateway {
  readonly deferrals: KeptDeferrals;
  readonly store: SqlDeferralStore;
  readonly run: DeferredRun;
  readonly recorder: FakeRecorder;
}

let scratch: ScratchStore;
let other: Database;
let clock: ManualClock;
let enrolled: Enrolled;
let events: HoldfastEvent[];
/** The ledger of watched time. */
let tickMs: bigint;
let again: () => Promise<Redecision>;
/** What is looked up at the target. */
let found: () => CardFacts | null;
/** Who answers for the agent. */
let owner: string | null;
/** What ran, on which gateway. */
let ran: {
  readonly by: string;
  readonly text: string;
  readonly path: readonly string[];
  readonly owner?: string;
}[];
let execute: () => Promise<Outcome>;
let troubles: unknown[];
let one: Gateway;
let two: Gateway;

beforeAll(async () => {
  scratch = await startScratchStore();
  other = await scratch.another();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.holds, holdfast.signatures, holdfast.people, holdfast.deferrals,
      holdfast.instance cascade`.execute(db),
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  events = [];
  ran = [];
  troubles = [];
  tickMs = 5_000n;
  again = async () => redecision(YES);
  found = () => null;
  owner = null;
  execute = async () => DONE;
  enrolled = new Enrolled(scratch.database, clock, (event) => void events.push(event));
  one = await gateway(scratch.database, 'instance_1');
  two = await gateway(other, 'instance_2');
});

async function gateway(database: Database, instanceId: string): Promise<Gateway> {
  await sqlRun(sql`insert into holdfast.instance (id, trail_size) values (${instanceId}, 0)`);
  const store = new SqlDeferralStore(database, enrolled.checks);
  const recorder = new FakeRecorder();
  const note = (event: HoldfastEvent): void => void events.push(event);
  const graceClock = {
    tickMs: async () => tickMs,
    expiresAt: (until: bigint, now: bigint) =>
      new Date(clock.now().getTime() + Number(until > now ? until - now : 0n)),
  };
  const graceMsOf = () => GRACE_MS_DEFAULT;
  return {
    store,
    recorder,
    deferrals: new KeptDeferrals({ store, graceClock, clock, note, graceMsOf }),
    run: new DeferredRun({
      store,
      graceClock,
      clock,
      recorder,
      instanceId,
      redecide: () => again(),
      releases: new Releases({
        store: new SqlHoldStore(database, enrolled.checks, HOLD_ROWS),
        facts: { find: async () => found() },
        ownerOf: () => owner,
      }),
      execute: ({ searchPath, statement }, as) => {
        const what = { by: instanceId, text: statement.toString(), path: searchPath };
        ran.push(as === null ? what : { ...what, owner: as });
        return execute();
      },
      trouble: (error) => void troubles.push(error),
    }),
  };
}

function sqlRun(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

function redecision(verdict: Verdict, target: Target = TARGET): Redecision {
  return { reading: DELETE_READING, target, verdict, policyVersion: '2', protection: FULL };
}

/** An agent's act that `names` approved, used up as the spine does before it defers. */
async function approvedAt(target: Target, intent: Intent, ...names: string[]): Promise<HoldTicket> {
  const store = new SqlHoldStore(scratch.database, enrolled.checks, HOLD_ROWS);
  const parts = { store, clock, note: () => {} };
  const desk = new WaitingDesk({
    ...parts,
    news: { on: () => () => {} },
    policyVersion: () => '1',
    facts: { find: async () => found() },
    ownerOf: () => owner,
  });
  const verdict = { ...PROTECT, kind: 'hold', people: names.length } as const;
  const { ticket } = await desk.submit(intent, target, verdict, 0, BACK);
  const holds = new Holds(parts);
  const { typedName } = (await holds.show(ticket.id)).card;
  for (const person of names) {
    const code = enrolled.code(person);
    const word = { kind: 'totp', holdId: ticket.id, person, code, digestShown: null } as const;
    await holds.approve(typedName === null ? word : { ...word, typedName });
  }
  const standing = await desk.submit(intent, target, verdict, 0, BACK);
  expect(await desk.consume(standing.ticket)).toBe(true);
  return ticket;
}

function approved(intent: Intent, ...names: string[]): Promise<HoldTicket> {
  return approvedAt(TARGET, intent, ...names);
}

async function schedule(text = TEXT, by: Gateway = one): Promise<string> {
  return (await by.deferrals.schedule(intentOf(text), TARGET, PROTECT, null, PATH)).id;
}

function cancelWord(deferralId: string, person = 'ana') {
  const signed = { kind: 'code', person, code: enrolled.code(person) } as const;
  return { deferralId, signed, note: 'not this one' };
}

async function stateOf(id: string): Promise<string> {
  return (await two.deferrals.show(id)).state;
}

function kinds(): string[] {
  return [...events, ...one.recorder.events, ...two.recorder.events]
    .map(({ kind }) => kind)
    .filter((kind) => kind.startsWith('deferral-'));
}

describe('scheduling', () => {
  it('keeps the exact text, where names are looked up, who asked and the countdown', async () => {
    const id = await schedule();
    const deferral = await two.deferrals.show(id);
    expect(deferral).toMatchObject({
      id: expect.stringMatching(/^deferral_[0-9a-z]{16}$/),
      state: 'scheduled',
      searchPath: PATH,
      dueTickMs: 5_000n + BigInt(GRACE_MS_DEFAULT),
      dueAt: new Date(clock.now().getTime() + GRACE_MS_DEFAULT),
      card: { agentName: 'cursor-backend', target: 'main-db', rule: 'guarded.destroy' },
    });
    expect(deferral.statement.toString()).toBe(TEXT);
    expect(kinds()).toEqual(['deferral-scheduled']);
  });

  it('is done once for the same bytes, though two gateways try ten times each at once', async () => {
    const tries = Array.from({ length: 20 }, (_, nth) => schedule(TEXT, nth % 2 ? one : two));
    expect(new Set(await Promise.all(tries)).size).toBe(1);
    expect(kinds()).toEqual(['deferral-scheduled']);
    expect(await one.deferrals.standing(intentOf(TEXT), TARGET)).not.toBeNull();
  });

  it('is another one for other bytes, and for the same bytes elsewhere', async () => {
    const elsewhere = { ...TARGET, name: 'other-db' };
    const { id } = await one.deferrals.schedule(intentOf(TEXT), elsewhere, PROTECT, null, PATH);
    expect(new Set([await schedule(), await schedule(`${TEXT} `), id]).size).toBe(3);
  });

  it('takes one approval once: after a cancellation the same bytes are approved anew', async () => {
    await enrolled.enrol('ana');
    const ticket = await approved(intentOf(TEXT), 'ana');
    clock.pass(30_000);
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    await one.deferrals.cancel(cancelWord(id));
    const retry = one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    expect(await refusalOf(retry)).toMatchObject({ code: 'HF_HOLD_STATE' });
  });

  it('cannot store an approval that was given for other bytes', async () => {
    await enrolled.enrol('ana');
    const ticket = await approved(intentOf(TEXT), 'ana');
    const text = intentOf('drop database "other"');
    await expect(one.deferrals.schedule(text, TARGET, PROTECT, ticket, PATH)).rejects.toThrow(
      /foreign key/,
    );
  });

  it.each([
    [
      'a text whose parameters came apart from it',
      { ...intentOf('drop table t'), acts: () => [Buffer.from('bind: 7')] },
      'HF_UNSUPPORTED',
    ],
    ['an empty unit', { ...intentOf(''), acts: () => [] }, 'HF_UNSUPPORTED'],
    [
      'more text than is kept for two days',
      intentOf('x'.repeat(DEFERRED_BYTES_MAX + 1)),
      'HF_LIMIT',
    ],
  ])('refuses %s', async (_story, intent, code) => {
    const wish = one.deferrals.schedule(intent, TARGET, PROTECT, null, PATH);
    expect(await refusalOf(wish)).toMatchObject({ code });
    expect(await one.deferrals.list('all')).toEqual([]);
  });
});

describe('cancelling', () => {
  it('takes one person and is final', async () => {
    await enrolled.enrol('ana', 'ben');
    const id = await schedule();
    const cancelled = await two.deferrals.cancel(cancelWord(id));
    expect(cancelled).toMatchObject({ state: 'cancelled', decidedBy: 'ana', note: 'not this one' });
    tickMs += BigInt(GRACE_MS_DEFAULT) * 2n;
    expect(await one.run.sweep()).toBe(0);
    expect(ran).toEqual([]);
    expect(await refusalOf(one.deferrals.cancel(cancelWord(id, 'ben')))).toMatchObject({
      code: 'HF_DEFERRAL_STATE',
    });
    expect(kinds()).toEqual(['deferral-scheduled', 'deferral-cancelled']);
  });

  it('is not for agents: the name of one is nobody', async () => {
    await enrolled.enrol('ana');
    const id = await schedule();
    const word = cancelWord(id, 'cursor-backend');
    expect(await refusalOf(one.deferrals.cancel(word))).toMatchObject({ code: 'HF_NOT_FOUND' });
    expect(await stateOf(id)).toBe('scheduled');
  });

  it('wants a right code, counts wrong ones, and takes no code twice', async () => {
    await enrolled.enrol('ana');
    const [first, second] = [await schedule(), await schedule('drop database "other"')];
    const signed = { kind: 'code', person: 'ana', code: '000000' } as const;
    const wrong = { ...cancelWord(first), signed };
    expect(await refusalOf(one.deferrals.cancel(wrong))).toMatchObject({
      code: 'HF_TOTP_WRONG',
      found: expect.stringContaining('1 of'),
    });
    await one.deferrals.cancel(cancelWord(first));
    expect(await refusalOf(one.deferrals.cancel(cancelWord(second)))).toMatchObject({
      code: 'HF_TOTP_WRONG',
    });
    expect(await stateOf(second)).toBe('scheduled');
  });

  it('or running: of a race at the last moment exactly one wins', async () => {
    await enrolled.enrol('ana');
    for (let nth = 0; nth < 8; nth += 1) {
      const id = await schedule(`drop database "d${nth}"`);
      tickMs += BigInt(GRACE_MS_DEFAULT);
      clock.pass(30_000);
      const before = ran.length;
      const [cancel] = await Promise.allSettled([
        two.deferrals.cancel(cancelWord(id)),
        one.run.sweep(),
      ]);
      const state = await stateOf(id);
      expect(state).toBe(cancel.status === 'fulfilled' ? 'cancelled' : 'done');
      expect(ran.length - before).toBe(state === 'done' ? 1 : 0);
    }
  });
});

describe('running what is due', () => {
  it('waits for watched time: a wall clock that jumps two weeks runs nothing', async () => {
    const id = await schedule();
    clock.pass(14 * 24 * 3_600_000);
    expect(await one.run.sweep()).toBe(0);
    tickMs += BigInt(GRACE_MS_DEFAULT) - 1n;
    expect(await one.run.sweep()).toBe(0);
    clock.pass(-15 * 24 * 3_600_000);
    tickMs += 1n;
    expect(await one.run.sweep()).toBe(1);
    expect(ran).toEqual([{ by: 'instance_1', text: TEXT, path: PATH }]);
    expect(await one.deferrals.show(id)).toMatchObject({ state: 'done', note: 'DROP DATABASE' });
  });

  it('is written down before and after, with the digest that was approved', async () => {
    await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    let decisionsBefore = 0;
    execute = async () => {
      decisionsBefore = one.recorder.decisions.length;
      return DONE;
    };
    await one.run.sweep();
    expect(decisionsBefore).toBe(1);
    expect(one.recorder.decisions).toEqual([{ text: TEXT, verdict: 'forward' }]);
    expect(one.recorder.outcomes).toEqual([{ index: 0n, outcome: DONE }]);
    expect(kinds()).toEqual(['deferral-scheduled', 'deferral-ran']);
  });

  it('is done once, though two gateways sweep at the same moment', async () => {
    for (let nth = 0; nth < 6; nth += 1) await schedule(`drop database "d${nth}"`);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    const sweeps = [one.run.sweep(), two.run.sweep(), one.run.sweep(), two.run.sweep()];
    await Promise.all(sweeps);
    expect(ran.map(({ text }) => text).toSorted()).toEqual(
      Array.from({ length: 6 }, (_, nth) => `drop database "d${nth}"`),
    );
  });

  it.each([
    [
      'policy says no today',
      () => redecision({ kind: 'refuse', rule: 'frozen', reason: 'Frozen', hint: 'Wait.' }),
      'Frozen',
    ],
    [
      'policy wants more people',
      () => redecision({ kind: 'hold', rule: 'sealed.destroy', reason: 'x', people: 3 }),
      '3 people',
    ],
    [
      'its environment is sealed now',
      () => redecision(YES, { ...TARGET, environment: { name: 'production', level: 'sealed' } }),
      'not what was approved',
    ],
  ] as const)('does not run when %s, and says why', async (_story, now, why) => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    again = async () => now();
    await one.run.sweep();
    expect(ran).toEqual([]);
    expect(await one.deferrals.show(id)).toMatchObject({
      state: 'void',
      note: expect.stringContaining(why),
    });
    expect(one.recorder.decisions.map(({ verdict }) => verdict)).toEqual(['refuse']);
    expect(one.recorder.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['not-forwarded']);
    expect(kinds()).toEqual(['deferral-scheduled', 'deferral-void']);
  });

  it('does not run a text that somebody changed in our database meanwhile', async () => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    const evil = Buffer.from('drop database "customers"');
    await sqlRun(sql`update holdfast.deferrals set acts = array[${evil}::bytea]`);
    await one.run.sweep();
    expect(ran).toEqual([]);
    expect(await stateOf(id)).toBe('void');
  });

  it('waits while the trail cannot be written, and runs when it can', async () => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    one.recorder.isLost = true;
    await one.run.sweep();
    expect([ran.length, troubles.length, await stateOf(id)]).toEqual([0, 1, 'scheduled']);
    one.recorder.isLost = false;
    await one.run.sweep();
    expect([ran.length, await stateOf(id)]).toEqual([1, 'done']);
  });

  it('goes on with the others when one cannot be decided', async () => {
    await schedule('drop database "a"');
    await schedule('drop database "b"');
    tickMs += BigInt(GRACE_MS_DEFAULT);
    let asked = 0;
    again = async () => {
      asked += 1;
      if (asked === 1) throw new TypeError('a fault of ours');
      return redecision(YES);
    };
    await one.run.sweep();
    expect(ran.length).toBe(1);
    await one.run.sweep();
    expect(ran.length).toBe(2);
  });

  it.each([
    [
      'the server says no',
      async (): Promise<Outcome> => ({
        kind: 'failed',
        code: '3D000',
        message: 'no such database',
      }),
      'failed',
    ],
    [
      'the answer never comes',
      async (): Promise<Outcome> => ({ kind: 'unknown', reason: 'lost' }),
      'unknown',
    ],
    [
      'the runner has a fault',
      async (): Promise<Outcome> => Promise.reject(new TypeError('x')),
      'unknown',
    ],
    [
      'the target is not there',
      async (): Promise<Outcome> => ({ kind: 'not-forwarded', reason: 'away' }),
      'failed',
    ],
  ] as const)('is tried once when %s', async (_story, end, state) => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    execute = end;
    await one.run.sweep();
    await two.run.sweep();
    expect([ran.length, await stateOf(id)]).toEqual([1, state]);
  });
});

describe('where names are looked up', () => {
  const judgedBy = (path: string): Intent => ({
    ...intentOf(TEXT),
    acts: () => [Buffer.from(path), Buffer.from(TEXT)],
  });

  it.each([
    ['as it was approved', 'app\0public', PATH, 'done'],
    ['a path that was never known', '\0session_1\x001', [], 'void'],
    ['no path at all', '', [], 'done'],
    ['changed in our store since', 'app\0public', ['evil', 'public'], 'void'],
    ['taken out of our store since', 'app\0public', [], 'void'],
  ] as const)('%s', async (_story, judged, path, state) => {
    const intent = judgedBy(judged);
    again = async () => redecision(YES);
    const { id } = await one.deferrals.schedule(intent, TARGET, PROTECT, null, path);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    await one.run.sweep();
    expect(await stateOf(id)).toBe(state);
    expect(ran.length).toBe(state === 'done' ? 1 : 0);
  });
});

describe('a gateway that dies while it runs', () => {
  it('leaves `unknown` behind once the trail has given it up, and nobody runs it again', async () => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    execute = () => new Promise(() => {});
    void one.run.sweep();
    await expect.poll(() => stateOf(id)).toBe('running');
    execute = async () => DONE;
    await two.run.sweep();
    expect(await stateOf(id)).toBe('running');
    await sqlRun(sql`update holdfast.instance set settled_at = now() where id = 'instance_1'`);
    await two.run.sweep();
    await two.run.sweep();
    expect([ran.length, await stateOf(id)]).toEqual([1, 'unknown']);
    expect(two.recorder.events.map(({ kind }) => kind)).toEqual(['deferral-ran']);
  });

  it('and was only thought dead, says how it ended', async () => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    let answer: (outcome: Outcome) => void = () => {};
    execute = () =>
      new Promise((done) => {
        answer = done;
      });
    const sweep = one.run.sweep();
    await expect.poll(() => stateOf(id)).toBe('running');
    await sqlRun(sql`update holdfast.instance set settled_at = now() where id = 'instance_1'`);
    await two.run.sweep();
    answer(DONE);
    await sweep;
    expect([ran.length, await stateOf(id)]).toEqual([1, 'done']);
  });

  it('stops in good order: what runs is waited for', async () => {
    const id = await schedule();
    tickMs += BigInt(GRACE_MS_DEFAULT);
    let answer: (outcome: Outcome) => void = () => {};
    execute = () =>
      new Promise((done) => {
        answer = done;
      });
    void one.run.sweep();
    await expect.poll(() => stateOf(id)).toBe('running');
    const closed = one.run.close();
    answer(DONE);
    await closed;
    expect(await stateOf(id)).toBe('done');
  });
});

function factsWith(changes: Partial<CardFacts> = {}): CardFacts {
  return {
    lookedUpAt: clock.now().toISOString(),
    rows: { value: 100, how: 'exact' },
    objects: [],
    objectsTotal: 0,
    dependents: [{ name: 'public.report', type: 'view', what: 'goes' }],
    dependentsTotal: 1,
    recoveryLost: ['2 backups lie in the volume pg-data'],
    notTold: [],
    ...changes,
  };
}

describe('what was signed, when its grace is over', () => {
  const UNTOLD = { dependents: [], dependentsTotal: 0 } as const;

  async function due(signed: () => CardFacts, then: () => CardFacts | null): Promise<string> {
    await enrolled.enrol('ana', 'ben');
    found = signed;
    const ticket = await approved(intentOf(TEXT), 'ana', 'ben');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    found = then;
    await one.run.sweep();
    if ((await stateOf(id)) === 'scheduled') {
      tickMs += BigInt(DUE_TARGET_WAIT_MS);
      await one.run.sweep();
    }
    const { note, state } = await one.deferrals.show(id);
    expect(ran.length).toBe(state === 'done' ? 1 : 0);
    return `${state}: ${note ?? ''}`;
  }

  async function approvedAndDue(): Promise<string> {
    await enrolled.enrol('ana', 'ben');
    found = factsWith;
    const ticket = await approved(intentOf(TEXT), 'ana', 'ben');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    return id;
  }

  it.each([
    ['as it was', {}],
    ['rows within their band', { rows: { value: 110, how: 'exact' } }],
    [
      'fewer rows, nothing that depends on it, fewer backups',
      {
        ...UNTOLD,
        rows: { value: 1, how: 'exact' },
        recoveryLost: ['1 backups lie in the volume pg-data'],
      },
    ],
  ] as const)('runs: %s', async (_story, changes) => {
    expect(await due(factsWith, () => factsWith(changes))).toBe('done: DROP DATABASE');
  });

  it.each([
    ['more rows than were signed for', { rows: { value: 111, how: 'exact' } }, 'at most 110 rows'],
    ['rows that nobody can count now', { rows: null }, 'cannot be told now'],
    [
      'one more that depends on it',
      {
        dependents: [
          { name: 'public.report', type: 'view', what: 'goes' },
          { name: 'public.bill', type: 'table', what: 'rows' },
        ],
        dependentsTotal: 2,
      },
      'table public.bill (rows)',
    ],
    [
      'another that depends on it',
      {
        dependents: [{ name: 'public.bill', type: 'table', what: 'rows' }],
      },
      'table public.bill',
    ],
    [
      'one that would go and only broke',
      {
        dependents: [{ name: 'public.report', type: 'view', what: 'rows' }],
      },
      'view public.report (rows)',
    ],
    [
      'dependents that nobody can tell now',
      {
        ...UNTOLD,
        notTold: ['dependents: the server did not answer within 400 ms'],
      },
      'cannot be told now',
    ],
    ['more backups', { recoveryLost: ['3 backups lie in the volume pg-data'] }, 'a way back'],
    [
      'backups of another volume',
      { recoveryLost: ['1 backups lie in the volume pg-other'] },
      'pg-other',
    ],
  ] as const)('is void: %s', async (_story, changes, why) => {
    const said = await due(factsWith, () => factsWith(changes));
    expect(said).toMatch(/^void: Not what was approved: /);
    expect(said).toContain(why);
    expect(one.recorder.decisions.map(({ verdict }) => verdict)).toEqual(['refuse']);
  });

  it('waits on while its target is away, and runs when it is there again', async () => {
    const id = await approvedAndDue();
    found = () => null;
    await one.run.sweep();
    found = factsWith;
    again = async () => ({ ...redecision(YES), away: 'connect ECONNREFUSED' });
    tickMs += BigInt(DUE_TARGET_WAIT_MS - 1);
    await one.run.sweep();
    expect([await stateOf(id), ran.length, troubles.length]).toEqual(['scheduled', 0, 1]);
    again = async () => ({ ...redecision(YES), owner: 'app_owner' });
    await one.run.sweep();
    expect([await stateOf(id), ran.map((run) => run.owner)]).toEqual(['done', ['app_owner']]);
  });

  it('is void when nobody could be asked as whom it runs, for an hour', async () => {
    const id = await approvedAndDue();
    again = async () => ({ ...redecision(YES), away: 'connect ECONNREFUSED' });
    await one.run.sweep();
    tickMs += BigInt(DUE_TARGET_WAIT_MS);
    await one.run.sweep();
    expect((await one.deferrals.show(id)).note).toContain('ECONNREFUSED; so it was for an hour');
  });

  it('is void when nothing of it can be looked up any more', async () => {
    expect(await due(factsWith, () => null)).toMatch(/^void: .*cannot be told now/);
  });

  it('runs by what was not known when people signed, and is not now', async () => {
    const notTold = ['what it touches, rows, dependents: late'];
    const unknown = () => factsWith({ rows: null, ...UNTOLD, recoveryLost: [], notTold });
    expect(await due(unknown, () => null)).toBe('done: DROP DATABASE');
  });

  it('is void by ways back that were known when people signed, and are not now', async () => {
    const signed = () => factsWith({ rows: null, ...UNTOLD, notTold: ['rows, dependents: late'] });
    expect(await due(signed, () => null)).toMatch(/^void: .*which ways back go with it was signed/);
  });

  it('on sealed waits on by one slow look at rows that were late before, and is void after an hour', async () => {
    const sealed = { ...TARGET, environment: { name: 'vault', level: 'sealed' } } as const;
    const late = ['rows: the server did not answer within 400 ms'];
    await enrolled.enrol('ana', 'ben');
    const unknown = () => factsWith({ rows: null, notTold: late });
    const few = () => factsWith({ rows: { value: 3, how: 'exact' } });
    again = async () => redecision(YES, sealed);
    const ids: string[] = [];
    for (const text of [TEXT, 'drop database "other"']) {
      const looks = [unknown(), few()];
      found = () => looks.shift() ?? unknown();
      const ticket = await approvedAt(sealed, intentOf(text), 'ana', 'ben');
      ids.push((await one.deferrals.schedule(intentOf(text), sealed, PROTECT, ticket, PATH)).id);
      clock.pass(30_000);
    }
    const [told = '', untold = ''] = ids;
    tickMs += BigInt(GRACE_MS_DEFAULT);
    await one.run.sweep();
    expect([await stateOf(told), await stateOf(untold)]).toEqual(['scheduled', 'scheduled']);
    const looks = [few()];
    found = () => looks.shift() ?? unknown();
    await one.run.sweep();
    expect([await stateOf(told), await stateOf(untold)]).toEqual(['done', 'scheduled']);
    tickMs += BigInt(DUE_TARGET_WAIT_MS);
    await one.run.sweep();
    expect((await one.deferrals.show(untold)).note).toContain('so it was for an hour');
  });

  it('has its hour from the first look that was not told, however long it waited for the vault', async () => {
    const id = await approvedAndDue();
    const full: Protection = { level: 'full', trouble: 'the vault is full', isFull: true };
    const held = async () => ({ ...redecision(YES), protection: full });
    const away = async () => ({ ...redecision(YES), away: 'connect ECONNREFUSED' });
    const step = async (now: typeof again, ms: number) => {
      again = now;
      await one.run.sweep();
      tickMs += BigInt(ms);
      return await stateOf(id);
    };
    const hour = DUE_TARGET_WAIT_MS;
    expect(await step(held, 3 * hour)).toBe('scheduled');
    expect(await step(away, hour - 1)).toBe('scheduled');
    expect(await step(away, 1)).toBe('scheduled');
    // What is not at hand is no look: the hour begins anew after it.
    expect(await step(held, hour)).toBe('scheduled');
    expect(await step(away, hour)).toBe('scheduled');
    expect(await step(away, 0)).toBe('void');
  });

  it('is void when its approval was denied in the moment it was put off', async () => {
    await enrolled.enrol('ana');
    const ticket = await approved(intentOf(TEXT), 'ana');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    await sqlRun(sql`update holdfast.holds set state = 'denied'`);
    await one.run.sweep();
    expect([ran.length, await stateOf(id)]).toEqual([0, 'void']);
  });

  it('is void when one who signed is gone, though policy would do with fewer now', async () => {
    await enrolled.enrol('ana', 'ben');
    const ticket = await approved(intentOf(TEXT), 'ana', 'ben');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    await enrolled.people.remove('ben');
    tickMs += BigInt(GRACE_MS_DEFAULT);
    await one.run.sweep();
    expect([ran.length, await stateOf(id)]).toEqual([0, 'void']);
  });

  it('is void on sealed when who signed has become the owner of the agent since', async () => {
    await enrolled.enrol('ana', 'ben');
    const sealed = { ...TARGET, environment: { name: 'vault', level: 'sealed' } } as const;
    owner = await enrolled.idOf('ben');
    const ticket = await approvedAt(sealed, intentOf(TEXT), 'ana');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), sealed, PROTECT, ticket, PATH);
    tickMs += BigInt(GRACE_MS_DEFAULT);
    again = async () => redecision(YES, sealed);
    owner = await enrolled.idOf('ana');
    await one.run.sweep();
    expect(await one.deferrals.show(id)).toMatchObject({
      state: 'void',
      note: expect.stringContaining('somebody else than the owner'),
    });
    expect(ran).toEqual([]);
  });

  it('waits on while what would take it back is not at hand, and keeps nobody waiting', async () => {
    const id = await schedule();
    const other = await schedule('drop database "other"');
    tickMs += BigInt(GRACE_MS_DEFAULT);
    let asked = 0;
    const full: Protection = { level: 'full', trouble: 'the vault is full', isFull: true };
    again = async () => ({ ...redecision(YES), ...(asked++ === 0 ? { protection: full } : {}) });
    await one.run.sweep();
    expect([await stateOf(id), await stateOf(other)].toSorted()).toEqual(['done', 'scheduled']);
    expect(troubles).toHaveLength(1);
    await one.run.sweep();
    expect([await stateOf(id), await stateOf(other)]).toEqual(['done', 'done']);
  });
});

describe('people who signed', () => {
  it('are shown while they count', async () => {
    await enrolled.enrol('ana', 'ben');
    const ticket = await approved(intentOf(TEXT), 'ana', 'ben');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    const names = async () =>
      (await one.deferrals.show(id)).signatures.map(({ personName }) => personName);
    expect((await names()).toSorted()).toEqual(['ana', 'ben']);
    await enrolled.people.remove('ben');
    expect(await names()).toEqual(['ana']);
    await enrolled.people.setRoles('ana', ['auditor']);
    expect(await names()).toEqual([]);
  });

  it.each([
    ['a signature that was written by hand', sql`update holdfast.signatures set signed_at = now()`],
    ['another number of people', sql`update holdfast.holds set people_needed = 1`],
    ['another card', sql`update holdfast.holds set statement = 'select 1'`],
    ['a denial in the moment it was put off', sql`update holdfast.holds set state = 'denied'`],
  ])('do not count with %s', async (_, change) => {
    await enrolled.enrol('ana', 'ben');
    const ticket = await approved(intentOf(TEXT), 'ana', 'ben');
    const { id } = await one.deferrals.schedule(intentOf(TEXT), TARGET, PROTECT, ticket, PATH);
    expect((await one.deferrals.show(id)).signatures).toHaveLength(2);
    await sqlRun(change);
    expect((await one.deferrals.show(id)).signatures).toEqual([]);
  });
});

describe('hastening', () => {
  it('makes it due now, and only while it waits', async () => {
    const id = await schedule();
    const act = hastenAct(await one.deferrals.show(id));
    const clockOfGrace = { tickMs: async () => tickMs, expiresAt: () => clock.now() };
    const runner = hastenRunner(one.store, clockOfGrace);
    const approvedAct = {
      proposalId: 'proposal_1',
      target: TARGET.name,
      environment: 'production',
      facts: act.facts,
      people: ['ana', 'ben'],
    };
    await runner(approvedAct);
    expect(await one.run.sweep()).toBe(1);
    expect(await refusalOf(runner(approvedAct))).toMatchObject({ code: 'HF_DEFERRAL_STATE' });
    const late = one.deferrals.show(id).then(hastenAct);
    expect(await refusalOf(late)).toMatchObject({ code: 'HF_DEFERRAL_STATE' });
  });
});
