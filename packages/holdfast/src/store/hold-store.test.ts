/** Holds from the agent's try to the one use of an approval, on a real PostgreSQL, by two gateways. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Standing } from '../approvals/desk.ts';
import type { HoldCard } from '../approvals/hold.ts';
import type { HoldStore } from '../approvals/hold-store.ts';
import { Holds } from '../approvals/holds.ts';
import { WaitingDesk } from '../approvals/waiting-desk.ts';
import { People } from '../identity/people.ts';
import { ProofKeys } from '../identity/proof-keys.ts';
import { Seal } from '../identity/seal.ts';
import { Totp } from '../identity/totp.ts';
import type { Effect } from '../model/effect.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Intent } from '../model/intent.ts';
import {
  ENTRY_TEXT_CHARS_MAX,
  HOLD_EFFECTS_MAX,
  HOLD_LIFE_MS_DEFAULT,
  TOTP_FAILURES_MAX,
} from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import { authenticator } from '../testing/authenticator.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import type { Database } from './database.ts';
import { HOLD_ROWS } from './hold-rows.ts';
import { HOLDS_CHANNEL, SqlHoldStore } from './hold-store.ts';
import { Notices } from './notices.ts';
import { SqlPeopleStore } from './people-store.ts';
import type { PersonChecks } from './person-proof.ts';

/** Longer than any test runs: a wait that ends sooner was woken. */
const LONG_MS = 60_000;

interface Gateway {
  readonly store: SqlHoldStore<HoldCard>;
  readonly desk: WaitingDesk;
  readonly holds: Holds;
}

let scratch: ScratchStore;
let other: Database;
let notices: Notices[];
let clock: ManualClock;
let events: HoldfastEvent[];
let one: Gateway;
let two: Gateway;
let people: People;
let codes: Map<string, (at: Date) => string>;

beforeAll(async () => {
  scratch = await startScratchStore();
  other = await scratch.another();
  notices = [scratch.database, other].map((db) => new Notices(db, { pollMs: 3_600_000 }));
  for (const each of notices) await each.start();
}, 60_000);
afterAll(async () => {
  for (const each of notices ?? []) await each.close();
  await scratch?.stop();
});

beforeEach(async ({ task }) => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.holds, holdfast.signatures, holdfast.people cascade`.execute(db),
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  events = [];
  codes = new Map();
  const seal = new Seal(Buffer.alloc(32, 1), clock);
  const totp = new Totp(seal, clock);
  const prover = new ProofKeys(seal, 'http://localhost:7070');
  const checks: PersonChecks = {
    judgeCode: (state, code) => totp.judge(state, code, 'daily'),
    prover,
  };
  const note = (event: HoldfastEvent): void => void events.push(event);
  people = new People({
    store: new SqlPeopleStore(scratch.database, prover),
    totp,
    clock,
    note,
  });
  const gateway = (database: Database, news: Notices | undefined): Gateway => {
    const store = new SqlHoldStore(database, checks, HOLD_ROWS);
    const on = (handler: (id: string | null) => void) =>
      news?.on(HOLDS_CHANNEL, handler) ?? (() => {});
    return {
      store,
      desk: new WaitingDesk({ store, news: { on }, clock, note, policyVersion }),
      holds: new Holds({ store, clock, note }),
    };
  };
  one = gateway(scratch.database, notices[0]);
  two = gateway(other, notices[1]);
});

async function enrol(...names: string[]): Promise<void> {
  for (const name of names) {
    const code = authenticator((await people.add(name, ['approver'])).uri);
    codes.set(name, code);
    await people.confirm(name, code(clock.now()));
  }
  clock.pass(30_000);
}

/** A person's word with the code of this moment. */
function word(holdId: string, person: string, digestShown: string | null = null) {
  const code = codes.get(person)?.(clock.now()) ?? '000000';
  return { kind: 'totp', holdId, person, code, digestShown, typedName: 'bookings' } as const;
}

/** Sends the same bytes again, and uses the approval up if there is one. */
async function passes({ desk }: Gateway, verdict: Hold = HOLD): Promise<boolean> {
  const { kind, ticket } = await desk.submit(intent(), TARGET, verdict, 0, BACK);
  return kind === 'signed' && (await desk.consume(ticket));
}

const policyVersion = (): string => 'policy 1';

const DELETE: Effect = {
  kind: 'destroy',
  verb: 'DELETE',
  object: { type: 'table', schema: 'public', name: 'bookings' },
  reach: 'whole',
  additive: false,
  why: null,
};
const TARGET: Target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
};
const BACK: TakingBack = { level: 'full', reversal: 'defer', reason: 'nothing takes it back' };
const HOLD: Hold = { kind: 'hold', rule: 'guarded.destroy', reason: 'It destroys.', people: 1 };
const TWO_PEOPLE: Hold = { ...HOLD, people: 2 };

function intent(text = 'delete from bookings', effects: readonly Effect[] = [DELETE]): Intent {
  return {
    actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
    session: { id: 'session_1', protocol: 'postgres', source: '127.0.0.1:5', client: 'psql' },
    reading: { kind: 'understood', effects },
    text: () => Buffer.from(text),
    acts: () => [Buffer.from(text)],
  };
}

function kinds(): string[] {
  return events.map(({ kind }) => kind).filter((kind) => kind.startsWith('hold-'));
}

describe('opening a hold', () => {
  it('is done once, though two gateways try ten times each at the same moment', async () => {
    const tries = Array.from({ length: 20 }, (_, nth) =>
      (nth % 2 === 0 ? one : two).desk.submit(intent(), TARGET, HOLD, 0, BACK),
    );
    const standings = await Promise.all(tries);
    expect(new Set(standings.map(({ ticket }) => ticket.id)).size).toBe(1);
    expect(standings.every(({ kind }) => kind === 'waiting')).toBe(true);
    expect(kinds()).toEqual(['hold-opened']);
  });

  it('is another one for other bytes, and for the same bytes on another target', async () => {
    const elsewhere = { ...TARGET, name: 'other-db' };
    const ids = [
      await one.desk.submit(intent(), TARGET, HOLD, 0, BACK),
      await one.desk.submit(intent('delete from bookings '), TARGET, HOLD, 0, BACK),
      await one.desk.submit(intent(), elsewhere, HOLD, 0, BACK),
    ].map(({ ticket }) => ticket.id);
    expect(new Set(ids).size).toBe(3);
  });

  it('keeps the facts of the card', async () => {
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const { card, state } = await two.holds.show(ticket.id);
    expect(state).toBe('waiting');
    expect(card).toEqual({
      digest: ticket.digest,
      takingBack: BACK,
      policyVersion: 'policy 1',
      effectsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      facts: null,
      rowsAtMost: null,
      typedName: 'bookings',
      ownerId: null,
      task: null,
      statement: 'delete from bookings',
      effects: [DELETE],
      effectsTotal: 1,
      couldNotTell: null,
      target: 'main-db',
      environment: 'production',
      environmentLevel: 'guarded',
      resolvedBy: 'declared in holdfast.yaml',
      rule: 'guarded.destroy',
      reason: 'It destroys.',
      agentId: 'agent_1',
      agentName: 'cursor',
      tokenId: 'token_1',
      sessionId: 'session_1',
      source: '127.0.0.1:5',
      client: 'psql',
    });
  });

  it('shows what destroys before a crowd of harmless effects, and cuts what is too long', async () => {
    const read: Effect = { ...DELETE, kind: 'read', verb: 'SELECT', reach: 'none' };
    const crowd = [...Array.from({ length: 500 }, () => read), DELETE];
    const long = intent('x'.repeat(ENTRY_TEXT_CHARS_MAX + 1), crowd);
    const { ticket } = await one.desk.submit(long, TARGET, HOLD, 0, BACK);
    const { card } = await one.holds.show(ticket.id);
    expect(card.effects[0]).toEqual(DELETE);
    expect([card.effects.length, card.effectsTotal]).toEqual([HOLD_EFFECTS_MAX, 501]);
    expect(card.statement).toHaveLength(ENTRY_TEXT_CHARS_MAX);
  });

  it('takes text that PostgreSQL could not keep', async () => {
    const odd = { ...DELETE, why: 'half \ud800 and \0 none' };
    const { ticket } = await one.desk.submit(intent('a\0b\ud800', [odd]), TARGET, HOLD, 0, BACK);
    const { card } = await one.holds.show(ticket.id);
    expect(card.statement).toBe('a\u2400b\ufffd');
    expect(card.effects[0]?.why).toBe('half \ufffd and \u2400 none');
  });
});

describe('approving', () => {
  it('passes the same bytes once, and the next try waits anew', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const hold = await two.holds.approve(word(ticket.id, 'ana', ticket.digest.slice(0, 16)));
    expect(hold.state).toBe('signed');
    const standing = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(standing).toMatchObject({
      kind: 'signed',
      ticket: { id: ticket.id, peopleSigned: 1 },
      signatures: [{ personName: 'ana', method: 'totp' }],
    });
    const racers = Array.from({ length: 20 }, (_, nth) =>
      (nth % 2 === 0 ? one : two).desk.consume(standing.ticket),
    );
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
    const again = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(again.kind).toBe('waiting');
    expect(again.ticket.id).not.toBe(ticket.id);
    expect(kinds()).toEqual(['hold-opened', 'hold-signed', 'hold-opened']);
    expect(events.find(({ kind }) => kind === 'hold-signed')?.facts).toMatchObject({
      hold: ticket.id,
      digest: ticket.digest,
      person: 'ana',
      method: 'totp',
    });
  });

  it('counts a person once, and two people as two', async () => {
    await enrol('ana', 'ben');
    const { ticket } = await one.desk.submit(intent(), TARGET, TWO_PEOPLE, 0, BACK);
    expect((await one.holds.approve(word(ticket.id, 'ana'))).state).toBe('waiting');
    clock.pass(30_000);
    expect((await one.holds.approve(word(ticket.id, 'ana'))).state).toBe('waiting');
    expect(await passes(one, TWO_PEOPLE)).toBe(false);
    expect((await two.holds.approve(word(ticket.id, 'ben'))).state).toBe('signed');
    expect(kinds()).toEqual(['hold-opened', 'hold-signed', 'hold-signed']);
  });

  it('completes when the last two people sign at the same moment', async () => {
    await enrol('ana', 'ben');
    const { ticket } = await one.desk.submit(intent(), TARGET, TWO_PEOPLE, 0, BACK);
    await Promise.all([
      one.holds.approve(word(ticket.id, 'ana')),
      two.holds.approve(word(ticket.id, 'ben')),
    ]);
    expect((await one.holds.show(ticket.id)).state).toBe('signed');
  });

  it('wants a right code, and counts the wrong ones although nothing else is kept', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const wrong = { ...word(ticket.id, 'ana'), code: '000000' };
    for (let tries = 0; tries < TOTP_FAILURES_MAX; tries += 1) {
      expect((await refusalOf(one.holds.approve(wrong))).code).toBe('HF_TOTP_WRONG');
    }
    const right = await refusalOf(two.holds.approve(word(ticket.id, 'ana')));
    expect(right.found).toContain('pause');
    expect((await one.holds.show(ticket.id)).signatures).toEqual([]);
  });

  it('takes one code for one hold only', async () => {
    await enrol('ana');
    const first = await one.desk.submit(intent('drop table a'), TARGET, HOLD, 0, BACK);
    const second = await one.desk.submit(intent('drop table b'), TARGET, HOLD, 0, BACK);
    await one.holds.approve(word(first.ticket.id, 'ana'));
    const error = await refusalOf(one.holds.approve(word(second.ticket.id, 'ana')));
    expect(error.found).toContain('used before');
    expect((await one.holds.show(second.ticket.id)).state).toBe('waiting');
  });

  it.each([
    ['whose beginning is another', '00000000'],
    ['that is too short to say anything', ''],
  ])('is refused for a digest %s, and the code is not spent', async (_, shown) => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const error = await refusalOf(one.holds.approve(word(ticket.id, 'ana', shown)));
    expect(error.code).toBe('HF_HOLD_STATE');
    expect((await one.holds.approve(word(ticket.id, 'ana'))).state).toBe('signed');
  });

  it('is not for who never confirmed, nor for nobody, nor for no hold', async () => {
    await people.add('new');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect((await refusalOf(one.holds.approve(word(ticket.id, 'new')))).found).toContain(
      'never confirmed',
    );
    expect((await refusalOf(one.holds.approve(word(ticket.id, 'ghost')))).code).toBe(
      'HF_NOT_FOUND',
    );
    expect((await refusalOf(one.holds.approve(word('hold_none', 'ana')))).code).toBe(
      'HF_HOLD_UNKNOWN',
    );
  });

  it('is void for another digest: the store will not even keep it', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const forged = scratch.database.run((db) =>
      sql`insert into holdfast.signatures
          select ${ticket.id}, ${'0'.repeat(64)}, id, name, 'totp', now()
          from holdfast.people`.execute(db),
    );
    await expect(forged).rejects.toThrow(/foreign key/);
  });

  it('stops counting when the person is removed before the approval is used', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    await one.holds.approve(word(ticket.id, 'ana'));
    const signed = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(signed.kind).toBe('signed');
    await people.remove('ana');
    expect(await one.desk.consume(signed.ticket)).toBe(false);
    expect((await one.desk.submit(intent(), TARGET, HOLD, 0, BACK)).kind).toBe('waiting');
  });

  it('is void when more people are asked for than signed to be enough', async () => {
    await enrol('ana', 'ben');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    await one.holds.approve(word(ticket.id, 'ana'));
    const standing = await one.desk.submit(intent(), TARGET, TWO_PEOPLE, 0, BACK);
    expect(standing).toMatchObject({
      kind: 'waiting',
      ticket: { peopleNeeded: 2, peopleSigned: 0 },
      voided: { id: ticket.id, changes: ['1 people were wanted, and 2 are'] },
    });
    expect((await one.holds.show(ticket.id)).state).toBe('void');
    // Fewer are no reason: what was signed is stricter.
    expect((await one.desk.submit(intent(), TARGET, HOLD, 0, BACK)).ticket).toMatchObject({
      id: standing.ticket.id,
      peopleNeeded: 2,
    });
  });
});

describe('denying', () => {
  it('stands for ever: no new hold, no later yes', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    await one.holds.deny({ ...word(ticket.id, 'ana'), note: 'not on a Friday' });
    clock.pass(365 * 86_400_000);
    const standing = await two.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(standing).toMatchObject({
      kind: 'denied',
      by: 'ana',
      note: 'not on a Friday',
      ticket: { id: ticket.id },
    });
    expect((await refusalOf(one.holds.approve(word(ticket.id, 'ana')))).code).toBe('HF_HOLD_STATE');
    expect(await passes(one)).toBe(false);
    const stricter = await one.desk.submit(intent(), TARGET, TWO_PEOPLE, 0, BACK);
    expect(stricter).toMatchObject({ kind: 'denied', ticket: { peopleNeeded: 1 } });
  });

  it('wants the code of who denies', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    const unproven = { ...word(ticket.id, 'ana'), code: '000000', note: '' };
    expect((await refusalOf(one.holds.deny(unproven))).code).toBe('HF_TOTP_WRONG');
    expect((await one.holds.show(ticket.id)).state).toBe('waiting');
  });

  it('takes back a yes that was not used yet', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    await one.holds.approve(word(ticket.id, 'ana'));
    const signed = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(signed.kind).toBe('signed');
    clock.pass(30_000);
    await one.holds.deny({ ...word(ticket.id, 'ana'), note: 'wait' });
    expect(await one.desk.consume(signed.ticket)).toBe(false);
  });
});

describe('time', () => {
  it('voids a hold nobody answered; the next try opens another', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    clock.pass(HOLD_LIFE_MS_DEFAULT);
    expect((await one.holds.show(ticket.id)).state).toBe('expired');
    expect(await one.holds.list('open')).toEqual([]);
    expect((await refusalOf(one.holds.approve(word(ticket.id, 'ana')))).code).toBe('HF_HOLD_STATE');
    const next = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(next.ticket.id).not.toBe(ticket.id);
    expect(kinds()).toEqual(['hold-opened', 'hold-expired', 'hold-opened']);
    expect((await one.holds.list('all')).map(({ state }) => state)).toEqual(['waiting', 'expired']);
  });

  it('gives an approval its own life, and voids it after', async () => {
    await enrol('ana');
    const { ticket } = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    clock.pass(HOLD_LIFE_MS_DEFAULT - 1);
    await one.holds.approve(word(ticket.id, 'ana'));
    clock.pass(HOLD_LIFE_MS_DEFAULT - 1);
    const signed = await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(signed.kind).toBe('signed');
    clock.pass(1);
    expect(await one.desk.consume(signed.ticket)).toBe(false);
  });

  it('is as long as the environment says, unanswered and signed', async () => {
    await enrol('ana');
    const lifeMs = 8 * HOLD_LIFE_MS_DEFAULT;
    const holdLifeMsOf = (environment: string): number =>
      environment === 'production' ? lifeMs : 1;
    const parts = { store: one.store, clock, note: () => {}, holdLifeMsOf, policyVersion };
    const desk = new WaitingDesk({ ...parts, news: { on: () => () => {} } });
    const { ticket } = await desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(ticket.expiresAt.getTime()).toBe(clock.now().getTime() + lifeMs);
    clock.pass(lifeMs - 1);
    const signed = await new Holds(parts).approve(word(ticket.id, 'ana'));
    expect(signed.expiresAt.getTime()).toBe(clock.now().getTime() + lifeMs);
    clock.pass(lifeMs - 1);
    const standing = await desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(await desk.consume(standing.ticket)).toBe(true);
  });

  it('is written down by a sweep, and noted once though two sweep', async () => {
    await one.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    clock.pass(HOLD_LIFE_MS_DEFAULT);
    const swept = await Promise.all([one.holds.sweep(), two.holds.sweep()]);
    expect(swept.toSorted()).toEqual([0, 1]);
    expect(kinds()).toEqual(['hold-opened', 'hold-expired']);
  });
});

describe('waiting on the wire', () => {
  /** Submits with a long wait, and resolves once the hold is there to be decided. */
  async function waitIn(gateway: Gateway): Promise<{ id: string; answer: Promise<Standing> }> {
    const answer = gateway.desk.submit(intent(), TARGET, HOLD, LONG_MS, BACK);
    const id = await vi.waitFor(async () => {
      const [hold] = await gateway.holds.list('open');
      if (hold === undefined) throw new Error('not open yet');
      return hold.id;
    }, 5_000);
    return { id, answer };
  }

  it('ends as soon as somebody approves at another gateway', async () => {
    await enrol('ana');
    const { id, answer } = await waitIn(one);
    await two.holds.approve(word(id, 'ana'));
    expect((await answer).kind).toBe('signed');
  });

  it('ends as soon as somebody denies', async () => {
    await enrol('ana');
    const { id, answer } = await waitIn(one);
    await two.holds.deny({ ...word(id, 'ana'), note: '' });
    expect((await answer).kind).toBe('denied');
  });

  it('of two sessions on one hold lets one pass and gives the other a new hold', async () => {
    await enrol('ana');
    const { id, answer } = await waitIn(one);
    const second = two.desk.submit(intent(), TARGET, HOLD, LONG_MS, BACK);
    await one.holds.approve(word(id, 'ana'));
    const standings = await Promise.all([answer, second]);
    const passed = await Promise.all(standings.map(({ ticket }) => one.desk.consume(ticket)));
    expect(passed.filter(Boolean)).toHaveLength(1);
    const next = await two.desk.submit(intent(), TARGET, HOLD, 0, BACK);
    expect(next.ticket.id).not.toBe(id);
  });

  it('does not miss a decision made before it listened', async () => {
    await enrol('ana');
    const { store } = one;
    const sly: HoldStore = {
      standing: (digest, now) => store.standing(digest, now),
      proven: (id, challenge) => store.proven(id, challenge),
      annul: (id, changes, now) => store.annul(id, changes, now),
      findOrOpen: async (fresh, now) => {
        const opened = await store.findOrOpen(fresh, now);
        await two.holds.approve(word(opened.hold.id, 'ana'));
        return opened;
      },
      get: (id) => store.get(id),
      page: (wish, now) => store.page(wish, now),
      sign: (said, now, expiresAt) => store.sign(said, now, expiresAt),
      deny: (said, note, now) => store.deny(said, note, now),
      consume: (id, approval, now) => store.consume(id, approval, now),
      expireDue: (now) => store.expireDue(now),
    };
    const silent = { on: () => () => {} };
    const desk = new WaitingDesk({
      store: sly,
      news: silent,
      clock,
      note: () => {},
      policyVersion,
    });
    expect((await desk.submit(intent(), TARGET, HOLD, LONG_MS, BACK)).kind).toBe('signed');
  });

  it('asks afterwards what would run then: another digest is another hold, and the one signed is void', async () => {
    await enrol('ana');
    const other = { intent: intent('delete from bookings; --'), target: TARGET };
    const asked = { ...other, verdict: HOLD, takingBack: BACK };
    const again = async () => ({ kind: 'asked', asked }) as const;
    const answer = one.desk.submit(intent(), TARGET, HOLD, LONG_MS, BACK, again);
    const id = await vi.waitFor(async () => {
      const [hold] = await one.holds.list('open');
      if (hold === undefined) throw new Error('not open yet');
      return hold.id;
    }, 5_000);
    await two.holds.approve(word(id, 'ana'));
    const standing = await answer;
    expect(standing).toMatchObject({ kind: 'waiting', voided: { id } });
    expect(standing.ticket.id).not.toBe(id);
    expect((await one.holds.show(id)).state).toBe('void');
    expect(await passes(one)).toBe(false);
  });

  it('ends with the time that was given, undecided', async () => {
    const standing = await one.desk.submit(intent(), TARGET, HOLD, 30, BACK);
    expect(standing.kind).toBe('waiting');
  });

  it('asks nothing anew while nobody has decided, so that one failed look costs no hold', async () => {
    let asked = 0;
    const again = async () => {
      asked += 1;
      return { kind: 'lost', why: 'it could not be read again' } as const;
    };
    const standing = await one.desk.submit(intent(), TARGET, HOLD, 30, BACK, again);
    expect(standing).toMatchObject({ kind: 'waiting', voided: null });
    expect([asked, (await one.holds.show(standing.ticket.id)).state]).toEqual([0, 'waiting']);
  });

  it.each(['approve', 'deny'] as const)(
    'says that what would run cannot be told, once decided; but a denial first: %s',
    async (what) => {
      await enrol('ana');
      const again = async () => ({ kind: 'lost', why: 'it could not be read again' }) as const;
      const answer = one.desk.submit(intent(), TARGET, HOLD, LONG_MS, BACK, again);
      const id = await vi.waitFor(async () => {
        const [hold] = await one.holds.list('open');
        if (hold === undefined) throw new Error('not open yet');
        return hold.id;
      }, 5_000);
      const said = word(id, 'ana');
      if (what === 'approve') await two.holds.approve(said);
      else await two.holds.deny({ ...said, note: 'no' });
      const { kind, ticket } = await answer;
      expect([kind, ticket.id]).toEqual([what === 'approve' ? 'lost' : 'denied', id]);
    },
  );

  it('ends by the poll when the notice was lost', async () => {
    await enrol('ana');
    let poll = (): void => {};
    const on = (handler: (id: string | null) => void) => {
      poll = () => handler(null);
      return () => {};
    };
    const deaf = new WaitingDesk({
      store: one.store,
      news: { on },
      clock,
      note: () => {},
      policyVersion,
    });
    const answer = deaf.submit(intent(), TARGET, HOLD, LONG_MS, BACK);
    const [hold] = await vi.waitFor(async () => {
      const open = await two.holds.list('open');
      expect(open).toHaveLength(1);
      return open;
    }, 5_000);
    await two.holds.approve(word(hold?.id ?? '', 'ana'));
    poll();
    expect((await answer).kind).toBe('signed');
  });
});
