/** Acts that want several people, from the proposal to the one deed, on a real PostgreSQL. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PersonWord } from '../approvals/hold-store.ts';
import { Holds } from '../approvals/holds.ts';
import { type ApprovedAct, type ProposalRecord, Proposals } from '../approvals/proposals.ts';
import { digestOfAct, type ProposedAct } from '../approvals/proposed-act.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent } from '../model/event.ts';
import {
  PROPOSAL_ACT_BYTES_MAX,
  PROPOSAL_LIFE_MS,
  PROPOSAL_PEOPLE_MIN,
  TOTP_FAILURES_MAX,
} from '../model/limits.ts';
import { Enrolled, RP_ID } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { TARGET } from '../testing/trail-fixtures.ts';
import type { Database } from './database.ts';
import { HOLD_ROWS } from './hold-rows.ts';
import { SqlHoldStore } from './hold-store.ts';
import { SqlProposalStore } from './proposal-store.ts';

const PURGE: ProposedAct = {
  kind: 'purge',
  target: TARGET,
  facts: { items: ['undo_06f3k9w2m4t8xq1c', 'undo_06f3k9w2m4t8xq1d'] },
  words:
    'Purge 2 undo items of main-db: 120 rows of public.bookings cannot be taken back any more.',
  reason: 'Their time is not over yet.',
};

let scratch: ScratchStore;
let other: Database;
let clock: ManualClock;
let enrolled: Enrolled;
let events: HoldfastEvent[];
let done: ApprovedAct[];
let runPurge: (act: ApprovedAct) => Promise<string>;
let record: (event: HoldfastEvent) => Promise<void>;
let peopleHere: number;
let one: Proposals;
let two: Proposals;

beforeAll(async () => {
  scratch = await startScratchStore();
  other = await scratch.another();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await sqlRun(
    sql`truncate holdfast.holds, holdfast.signatures, holdfast.people, holdfast.deferrals cascade`,
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  events = [];
  done = [];
  peopleHere = 1;
  record = async (event) => void events.push(event);
  runPurge = async (act) => {
    done.push(act);
    return '2 items were purged.';
  };
  enrolled = new Enrolled(scratch.database, clock, (event) => void events.push(event));
  one = proposals(scratch.database);
  two = proposals(other);
});

function proposals(database: Database): Proposals {
  return new Proposals({
    store: new SqlProposalStore(database, enrolled.checks),
    clock,
    note: (event) => void events.push(event),
    record: (event) => record(event),
    signers: () => enrolled.signers(),
    peopleOf: () => peopleHere,
    runners: { purge: (act) => runPurge(act) },
  });
}

function sqlRun(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

function word(holdId: string, person: string, digestShown: string | null = null) {
  return { kind: 'totp', holdId, person, code: enrolled.code(person), digestShown } as const;
}

function kinds(): string[] {
  return events.map(({ kind }) => kind).filter((kind) => kind.startsWith('proposal-'));
}

describe('proposing', () => {
  it('wants two people even where one is enough for agents', async () => {
    await enrolled.enrol('ana', 'ben');
    expect(PROPOSAL_PEOPLE_MIN).toBe(2);
    const proposal = await one.open(PURGE);
    expect(proposal).toMatchObject({
      id: expect.stringMatching(/^proposal_/),
      state: 'waiting',
      peopleNeeded: 2,
      signatures: [],
      card: { statement: PURGE.words, actKind: 'purge', rule: 'people.purge' },
    });
    expect(JSON.parse(proposal.card.act)).toEqual({
      kind: 'purge',
      target: 'main-db',
      environment: 'production',
      level: 'guarded',
      facts: PURGE.facts,
    });
    expect(proposal.card.digest).toBe(digestOfAct(proposal.card.act));
  });

  it.each([
    ['nobody', [], 1, 'nobody'],
    ['one person', ['ana'], 1, '1: ana'],
    ['fewer than the environment wants', ['ana', 'ben'], 3, '2: ana, ben'],
  ] as const)('says so when there is %s to sign', async (_story, names, least, found) => {
    peopleHere = least;
    await enrolled.enrol(...names);
    expect(await refusalOf(one.open(PURGE))).toMatchObject({ code: 'HF_QUORUM', found });
    expect(await one.list('all')).toEqual([]);
  });

  it('does not count who never confirmed a code', async () => {
    await enrolled.enrol('ana');
    await enrolled.people.add('mallory');
    expect(await refusalOf(one.open(PURGE))).toMatchObject({ code: 'HF_QUORUM' });
  });

  it('is done once for the same act, however often and in whatever order it is said', async () => {
    await enrolled.enrol('ana', 'ben');
    const said = { ...PURGE, facts: { b: 1, a: 2 } };
    const again = { ...PURGE, facts: { a: 2, b: 1 }, words: 'Said in other words.' };
    const opened = await Promise.all(
      Array.from({ length: 10 }, (_, nth) => (nth % 2 ? one.open(said) : two.open(again))),
    );
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
    expect((await one.open(PURGE)).id).not.toBe(opened[0]?.id);
    const sealed = { name: 'production', level: 'sealed' } as const;
    const elsewhere = { ...PURGE, target: { ...TARGET, environment: sealed } };
    expect((await one.open(elsewhere)).id).not.toBe((await one.open(PURGE)).id);
  });

  it('refuses an act that nobody could read', async () => {
    await enrolled.enrol('ana', 'ben');
    const facts = { items: 'x'.repeat(PROPOSAL_ACT_BYTES_MAX) };
    expect(await refusalOf(one.open({ ...PURGE, facts }))).toMatchObject({ code: 'HF_LIMIT' });
  });
});

describe('signing', () => {
  let proposal: ProposalRecord;
  beforeEach(async () => {
    await enrolled.enrol('ana', 'ben', 'eve');
    proposal = await one.open(PURGE);
  });

  it('by two people carries it out once, with the facts that were signed', async () => {
    expect((await one.approve(word(proposal.id, 'ana'))).state).toBe('waiting');
    clock.pass(1_000);
    expect(done).toEqual([]);
    const shown = proposal.card.digest.slice(0, 16);
    expect(await two.approve(word(proposal.id, 'ben', shown))).toMatchObject({
      state: 'consumed',
      outcome: { kind: 'done', note: '2 items were purged.' },
    });
    expect(done).toEqual([
      {
        proposalId: proposal.id,
        target: 'main-db',
        environment: 'production',
        facts: PURGE.facts,
        people: ['ana', 'ben'],
      },
    ]);
    expect(kinds()).toEqual([
      'proposal-opened',
      'proposal-signed',
      'proposal-signed',
      'proposal-started',
      'proposal-executed',
    ]);
  });

  it('twice by the same person is one signature', async () => {
    await one.approve(word(proposal.id, 'ana'));
    clock.pass(30_000);
    expect(await two.approve(word(proposal.id, 'ana'))).toMatchObject({ state: 'waiting' });
    expect(done).toEqual([]);
  });

  it('counts nobody twice who was removed and added again under the same name', async () => {
    await one.approve(word(proposal.id, 'ana'));
    await enrolled.people.remove('ana');
    await enrolled.enrol('ana');
    expect(await one.approve(word(proposal.id, 'ana'))).toMatchObject({ state: 'waiting' });
    expect(await one.approve(word(proposal.id, 'ben'))).toMatchObject({ state: 'waiting' });
    expect(done).toEqual([]);
  });

  it('no longer counts who was removed before the last one signed', async () => {
    await one.approve(word(proposal.id, 'ana'));
    await enrolled.people.remove('ana');
    expect(await one.approve(word(proposal.id, 'ben'))).toMatchObject({ state: 'waiting' });
    expect(done).toEqual([]);
  });

  it('is nothing an agent can do: its name is nobody', async () => {
    expect(await refusalOf(one.approve(word(proposal.id, 'cursor-backend')))).toMatchObject({
      code: 'HF_NOT_FOUND',
    });
    expect(
      await refusalOf(one.deny({ ...word(proposal.id, 'cursor-backend'), note: '' })),
    ).toMatchObject({ code: 'HF_NOT_FOUND' });
  });

  it('counts wrong codes until a pause, and takes one code once', async () => {
    for (let nth = 0; nth < TOTP_FAILURES_MAX; nth += 1) {
      await refusalOf(one.approve({ ...word(proposal.id, 'ana'), code: '000000' }));
    }
    expect(await refusalOf(one.approve(word(proposal.id, 'ana')))).toMatchObject({
      code: 'HF_TOTP_WRONG',
      found: expect.stringContaining('pause'),
    });
    const ben = word(proposal.id, 'ben');
    await one.approve(ben);
    const elsewhere = await one.open({ ...PURGE, facts: { items: [] } });
    expect(await refusalOf(one.approve({ ...ben, holdId: elsewhere.id }))).toMatchObject({
      code: 'HF_TOTP_WRONG',
    });
  });

  it('may be a passkey’s, over the binding of this very proposal', async () => {
    const passkey = await enrolled.passkey('ana', { counts: false });
    const elsewhere = await one.open({ ...PURGE, facts: { items: [] } });
    const signed = async (id: string): Promise<PersonWord> => {
      const challenge = (await one.challenges(id)).approve.toString('base64url');
      const assertion = passkey.get({ challenge, rpId: RP_ID });
      const personId = await enrolled.idOf('ana');
      return { kind: 'passkey', holdId: proposal.id, personId, assertion, digestShown: null };
    };
    expect(await refusalOf(one.approve(await signed(elsewhere.id)))).toMatchObject({
      code: 'HF_PASSKEY',
    });
    await one.approve(await signed(proposal.id));
    expect(await two.approve(word(proposal.id, 'ben'))).toMatchObject({ state: 'consumed' });
    expect(done[0]?.people.toSorted()).toEqual(['ana', 'ben']);
  });

  it('written into our tables by hand carries nothing out', async () => {
    await one.approve(word(proposal.id, 'ana'));
    await sqlRun(sql`
      insert into holdfast.signatures
        select s.hold_id, s.digest, p.id, p.name, s.method, s.signed_at, s.binding, s.proof, ''
        from holdfast.signatures s, holdfast.people p where p.name = 'ben'`);
    await sqlRun(sql`update holdfast.holds set state = 'signed'`);
    clock.pass(30_000);
    expect(await one.approve(word(proposal.id, 'ana'))).toMatchObject({ state: 'waiting' });
    expect(done).toEqual([]);
    expect(await one.approve(word(proposal.id, 'ben'))).toMatchObject({ state: 'consumed' });
  });

  it('is for the digest that was shown, or not at all', async () => {
    const other = '0123456789abcdef';
    expect(await refusalOf(one.approve(word(proposal.id, 'ana', other)))).toMatchObject({
      code: 'HF_PROPOSAL_STATE',
    });
  });

  it('cannot be had through the holds of agents, nor a hold through here', async () => {
    const store = new SqlHoldStore(scratch.database, enrolled.checks, HOLD_ROWS);
    const holds = new Holds({ store, clock, note: () => {} });
    expect(await refusalOf(holds.approve(word(proposal.id, 'ana')))).toMatchObject({
      code: 'HF_HOLD_UNKNOWN',
    });
    expect(await holds.list('all')).toEqual([]);
    expect(await store.expireDue(new Date(8e15))).toEqual([]);
  });

  it('is over for ever after one denial', async () => {
    await one.approve(word(proposal.id, 'ana'));
    await two.deny({ ...word(proposal.id, 'eve'), note: 'keep them' });
    expect(await refusalOf(one.approve(word(proposal.id, 'ben')))).toMatchObject({
      code: 'HF_PROPOSAL_STATE',
    });
    expect(await refusalOf(one.open(PURGE))).toMatchObject({
      code: 'HF_PROPOSAL_STATE',
      found: expect.stringContaining('keep them'),
    });
    expect(done).toEqual([]);
  });

  it('after its time does nothing, and the act can be proposed anew', async () => {
    await one.approve(word(proposal.id, 'ana'));
    clock.pass(PROPOSAL_LIFE_MS);
    expect(await refusalOf(one.approve(word(proposal.id, 'ben')))).toMatchObject({
      found: 'it is expired',
    });
    const anew = await one.open(PURGE);
    expect([anew.id === proposal.id, anew.signatures.length]).toEqual([false, 0]);
    expect(kinds()).toContain('proposal-expired');
  });
});

describe('carrying out', () => {
  async function signedBy(...names: string[]): Promise<readonly PromiseSettledResult<unknown>[]> {
    const { id } = await one.open(PURGE);
    const [first, ...rest] = names;
    await one.approve(word(id, first ?? ''));
    return Promise.allSettled(
      rest.map((name, nth) => (nth % 2 ? one : two).approve(word(id, name))),
    );
  }

  it('happens once though three more people sign at the same moment', async () => {
    await enrolled.enrol('ana', 'ben', 'eve', 'kim');
    await signedBy('ana', 'ben', 'eve', 'kim');
    expect(done.length).toBe(1);
    expect(kinds().filter((kind) => kind === 'proposal-started').length).toBe(1);
  });

  it('is not begun when the trail cannot be written, and ends as failed', async () => {
    await enrolled.enrol('ana', 'ben');
    record = async () => {
      throw new HoldfastError('HF_TRAIL_UNAVAILABLE', { expected: 'a', found: 'b', hint: 'c' });
    };
    await signedBy('ana', 'ben');
    expect(done).toEqual([]);
    expect((await one.list('all'))[0]).toMatchObject({
      state: 'consumed',
      outcome: { kind: 'failed' },
    });
  });

  it('that fails says why, and is not tried again', async () => {
    await enrolled.enrol('ana', 'ben');
    runPurge = async (act) => {
      done.push(act);
      throw new Error('the vault is away');
    };
    await signedBy('ana', 'ben');
    const [proposal] = await one.list('all');
    expect(proposal).toMatchObject({ outcome: { kind: 'failed', note: 'the vault is away' } });
    clock.pass(30_000);
    await refusalOf(one.approve(word(proposal?.id ?? '', 'ana')));
    expect(done.length).toBe(1);
  });

  it.each(['HF_RESTORE_UNKNOWN', 'HF_REBUILD_UNKNOWN', 'HF_UPSTREAM_LOST'] as const)(
    'whose end nobody knows (%s) has not failed, and is not tried again',
    async (code) => {
      await enrolled.enrol('ana', 'ben');
      runPurge = async (act) => {
        done.push(act);
        throw new HoldfastError(code, { expected: 'an answer', found: 'none', hint: 'Look.' });
      };
      await signedBy('ana', 'ben');
      const [proposal] = await one.list('all');
      expect(proposal).toMatchObject({ state: 'consumed', outcome: null });
      expect(events.at(-1)).toMatchObject({
        kind: 'proposal-executed',
        facts: { outcome: 'unknown', note: expect.stringContaining('an answer') },
        message: expect.stringContaining('nobody knows what came of it'),
      });
      clock.pass(30_000);
      await refusalOf(one.approve(word(proposal?.id ?? '', 'ana')));
      expect(done.length).toBe(1);
    },
  );

  it('is left to a Holdfast that can: a later word of any signer starts it', async () => {
    await enrolled.enrol('ana', 'ben');
    const unprotect: ProposedAct = { ...PURGE, kind: 'unprotect', facts: {} };
    const { id } = await one.open(unprotect);
    await one.approve(word(id, 'ana'));
    expect(await refusalOf(one.approve(word(id, 'ben')))).toMatchObject({
      code: 'HF_UNSUPPORTED',
    });
    expect((await one.show(id)).state).toBe('signed');
    const able = new Proposals({
      store: new SqlProposalStore(other, enrolled.checks),
      clock,
      note: () => {},
      record: async () => {},
      signers: () => enrolled.signers(),
      peopleOf: () => 1,
      runners: { unprotect: async () => 'The wall is down.' },
    });
    clock.pass(30_000);
    expect(await able.approve(word(id, 'ben'))).toMatchObject({
      outcome: { kind: 'done', note: 'The wall is down.' },
    });
  });

  it('does not begin with an act that was changed after the first signature', async () => {
    await enrolled.enrol('ana', 'ben');
    const { id, card } = await one.open(PURGE);
    await one.approve(word(id, 'ana'));
    const more = card.act.replace('"undo_06f3k9w2m4t8xq1c"', '"undo_06f3k9w2m4t8xq1z"');
    await sqlRun(sql`update holdfast.holds set act = ${more}`);
    expect(await refusalOf(one.approve(word(id, 'ben')))).toMatchObject({
      code: 'HF_PROPOSAL_STATE',
    });
    expect(done).toEqual([]);
  });

  it('cannot be put into our tables with one person, or in the name of an agent', async () => {
    await enrolled.enrol('ana', 'ben');
    await one.open(PURGE);
    for (const wrong of [
      sql`update holdfast.holds set people_needed = 1`,
      sql`update holdfast.holds set agent_name = 'cursor-backend'`,
      sql`update holdfast.holds set act_kind = null`,
    ]) {
      await expect(sqlRun(wrong)).rejects.toThrow(/holds_asked_by/);
    }
  });
});
