/**
 * What an approval binds, from the card to the release, on a real PostgreSQL: each way to have an act pass
 * that nobody signed for, by passkeys in software, by codes, and by whoever can write to our tables.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { APPROVAL_DOMAIN, bindingOf, challengeOf, DENIAL_DOMAIN } from '../approvals/binding.ts';
import type { CardFacts } from '../approvals/card-facts.ts';
import type { HoldTicket, Standing } from '../approvals/desk.ts';
import type { HoldCard } from '../approvals/hold.ts';
import type { PersonWord } from '../approvals/hold-store.ts';
import { Holds } from '../approvals/holds.ts';
import { wordsOf } from '../approvals/peoples-desk.ts';
import { WaitingDesk } from '../approvals/waiting-desk.ts';
import { ProofKeys } from '../identity/proof-keys.ts';
import { Seal } from '../identity/seal.ts';
import type { Effect } from '../model/effect.ts';
import type { HoldfastEvent } from '../model/event.ts';
import type { Intent } from '../model/intent.ts';
import { HOLD_LIFE_MS_DEFAULT } from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { EnvironmentLevel, Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import { DASHBOARD, Enrolled, RP_ID } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { type Lies, SoftwarePasskey } from '../testing/software-passkey.ts';
import type { Database } from './database.ts';
import { HOLD_ROWS } from './hold-rows.ts';
import { SqlHoldStore } from './hold-store.ts';

const DROP: Effect = {
  kind: 'destroy',
  verb: 'DROP TABLE',
  object: { type: 'table', schema: 'public', name: 'bookings' },
  reach: 'whole',
  additive: false,
  why: null,
};
const KEPT: TakingBack = { level: 'full', reversal: 'rename', reason: '' };
const FOR_GOOD: TakingBack = { level: 'none', reversal: 'none', reason: 'not protected' };
const HOLD: Hold = { kind: 'hold', rule: 'guarded.destroy', reason: 'It destroys.', people: 1 };
const TWO: Hold = { ...HOLD, people: 2 };

let scratch: ScratchStore;
let other: Database;
let clock: ManualClock;
let enrolled: Enrolled;
let events: HoldfastEvent[];
let one: Gateway;
let two: Gateway;
/** What the world is now; a test changes it between the approval and the release. */
let policy: string;
let rows: CardFacts['rows'] | 'unknown' | 'never-asked';
let frozen: string | null;
let owner: string | null;

interface Gateway {
  readonly store: SqlHoldStore<HoldCard>;
  readonly desk: WaitingDesk;
  readonly holds: Holds;
}

beforeAll(async () => {
  scratch = await startScratchStore();
  other = await scratch.another();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await byHand(sql`truncate holdfast.holds, holdfast.signatures, holdfast.people cascade`);
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  events = [];
  policy = 'policy 1';
  rows = 'never-asked';
  frozen = null;
  owner = null;
  enrolled = new Enrolled(scratch.database, clock, (event) => void events.push(event));
  one = gateway(scratch.database);
  two = gateway(other);
});

function gateway(database: Database, checks = enrolled.checks): Gateway {
  const store = new SqlHoldStore(database, checks, HOLD_ROWS);
  const note = (event: HoldfastEvent): void => void events.push(event);
  const desk = new WaitingDesk({
    store,
    news: { on: () => () => {} },
    clock,
    note,
    policyVersion: () => policy,
    facts: { find: async () => (rows === 'never-asked' ? null : factsWith(rows)) },
    freezes: { reasonFor: () => frozen },
    ownerOf: () => owner,
  });
  return { store, desk, holds: new Holds({ store, clock, note }) };
}

function factsWith(found: CardFacts['rows'] | 'unknown'): CardFacts {
  return {
    lookedUpAt: clock.now().toISOString(),
    rows: found === 'unknown' ? null : found,
    objects: [{ name: 'public.bookings', type: 'table', rows: null, bytes: null }],
    objectsTotal: 1,
    dependents: [],
    dependentsTotal: 0,
    recoveryLost: [],
    notTold: [],
  };
}

function byHand(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

function intent(text = 'drop table bookings', effects: readonly Effect[] = [DROP]): Intent {
  return {
    actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
    session: { id: 'session_1', protocol: 'postgres', source: '127.0.0.1:5', client: 'psql' },
    reading: { kind: 'understood', effects },
    text: () => Buffer.from(text),
    acts: () => [Buffer.from(text)],
  };
}

function target(level: EnvironmentLevel = 'guarded'): Target {
  return {
    name: 'main-db',
    environment: { name: 'production', level },
    protocol: 'postgres',
    resolvedBy: 'declared in holdfast.yaml',
  };
}

interface Ask {
  readonly by?: Gateway;
  readonly verdict?: Hold;
  readonly text?: string;
  readonly effects?: readonly Effect[];
  readonly level?: EnvironmentLevel;
  readonly back?: TakingBack;
}

/** The agent sends the same bytes, once more. */
function ask({ back = KEPT, by = one, effects, level, text, verdict = HOLD }: Ask = {}) {
  return by.desk.submit(intent(text, effects), target(level), verdict, 0, back);
}

/** As `ask`, and uses the approval up when there is one. */
async function passes(what: Ask = {}): Promise<boolean> {
  const standing = await ask(what);
  return standing.kind === 'signed' && (await (what.by ?? one).desk.consume(standing.ticket));
}

function byCode(holdId: string, person: string): PersonWord {
  return { kind: 'totp', holdId, person, code: enrolled.code(person), digestShown: null };
}

/** Looks at the card in the dashboard, and touches the passkey. */
async function byPasskey(
  holdId: string,
  person: string,
  passkey: SoftwarePasskey,
  lies: Lies = {},
  what: 'approve' | 'deny' = 'approve',
): Promise<PersonWord> {
  const challenge = (await one.holds.challenges(holdId))[what].toString('base64url');
  const assertion = passkey.get({ challenge, rpId: RP_ID }, lies);
  const personId = await enrolled.idOf(person);
  return { kind: 'passkey', holdId, personId, assertion, digestShown: null };
}

function changesOf(standing: Standing): readonly string[] {
  return standing.kind === 'waiting' ? (standing.voided?.changes ?? []) : [];
}

async function stateOf(holdId: string): Promise<string> {
  return (await one.holds.show(holdId)).state;
}

describe('a passkey', () => {
  let ticket: HoldTicket;
  let passkey: SoftwarePasskey;
  beforeEach(async () => {
    await enrolled.enrol('ana', 'ben');
    passkey = await enrolled.passkey('ana');
    ({ ticket } = await ask());
  });

  it('signs the binding, and the same bytes pass once', async () => {
    const word = await byPasskey(ticket.id, 'ana', passkey);
    const hold = await one.holds.approve({ ...word, comment: 'as agreed in the meeting' });
    expect(hold).toMatchObject({
      state: 'signed',
      signatures: [{ personName: 'ana', method: 'passkey', comment: 'as agreed in the meeting' }],
    });
    expect(await passes({ by: two })).toBe(true);
    expect(await passes()).toBe(false);
  });

  it('of either kind of key counts, and one that keeps no count', async () => {
    const edwards = await enrolled.passkey('ben', { algorithm: 'EdDSA', counts: false });
    await one.holds.approve(await byPasskey(ticket.id, 'ben', edwards));
    expect(await passes()).toBe(true);
  });

  it('leaves in the trail what it takes to verify it offline', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey));
    const opened = events.find(({ kind }) => kind === 'hold-opened')?.facts ?? {};
    const signed = events.find(({ kind }) => kind === 'hold-signed')?.facts ?? {};
    const challenge = challengeOf(String(opened['binding']));
    expect(signed['challenge']).toBe(challenge.toString('hex'));
    const verdict = await enrolled.proofKeys.verify(
      {
        id: String(signed['credential']),
        response: {
          clientDataJSON: String(signed['clientDataJSON']),
          authenticatorData: String(signed['authenticatorData']),
          signature: String(signed['signature']),
        },
      },
      challenge,
      { id: passkey.credentialId, publicKey: passkey.publicKey },
    );
    expect(verdict.kind).toBe('right');
    // An entry keeps 1,024 characters of a fact: the binding is whole in it.
    expect(String(opened['binding']).length).toBeLessThan(1_024);
  });

  const LIES: readonly (readonly [string, Lies, string])[] = [
    ['from another origin', { origin: 'http://evil.example' }, 'origin'],
    ['from another port of this machine', { origin: 'http://localhost:9999' }, 'origin'],
    ['for another RP', { rpId: 'evil.example' }, 'RP'],
    ['without user verification', { userVerified: false }, 'verif'],
    ['with nobody present', { userPresent: false }, 'present'],
    ['of a registration', { type: 'webauthn.create' }, 'type'],
    ['from a frame of another site', { crossOrigin: true }, 'frame'],
    ['from a frame that names its site', { crossOrigin: true, topOrigin: DASHBOARD }, 'frame'],
    ['over another challenge', { challenge: 'AAAA' }, 'challenge'],
    ['by another key', { key: new SoftwarePasskey() }, 'signature'],
    ['with a spoiled signature', { spoiled: true }, 'signature'],
    ['with a part of megabytes', { challenge: 'A'.repeat(1 << 20) }, 'longer'],
  ];
  it.each(LIES)('%s is refused, and nothing is kept', async (_, lies, found) => {
    const word = await byPasskey(ticket.id, 'ana', passkey, lies);
    const error = await refusalOf(one.holds.approve(word));
    expect([error.code, error.found.toLowerCase()]).toEqual([
      'HF_PASSKEY',
      expect.stringContaining(found.toLowerCase()),
    ]);
    expect(await stateOf(ticket.id)).toBe('waiting');
    expect(await passes()).toBe(false);
  });

  it('that counts backwards was copied, and one that stood still was replayed', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey, { counter: 7 }));
    const elsewhere = (await ask({ text: 'drop table b' })).ticket;
    for (const counter of [6, 7]) {
      const word = await byPasskey(elsewhere.id, 'ana', passkey, { counter });
      expect(await refusalOf(two.holds.approve(word))).toMatchObject({
        code: 'HF_PASSKEY',
        found: expect.stringContaining('after 7'),
      });
    }
    // Once it has counted, it may not say that it does not.
    const zero = await byPasskey(elsewhere.id, 'ana', passkey, { counter: 0 });
    expect((await refusalOf(one.holds.approve(zero))).code).toBe('HF_PASSKEY');
  });

  it('replayed on the same hold by two gateways at once is taken by one', async () => {
    const word = await byPasskey(ticket.id, 'ana', passkey);
    const both = await Promise.allSettled([one.holds.approve(word), two.holds.approve(word)]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await one.holds.show(ticket.id)).signatures).toHaveLength(1);
  });

  it('given for one act is nothing for another', async () => {
    const elsewhere = (await ask({ text: 'drop table b' })).ticket;
    const uncounted = await enrolled.passkey('ben', { counts: false });
    const word = await byPasskey(ticket.id, 'ben', uncounted);
    await one.holds.approve(word);
    const moved = { ...word, holdId: elsewhere.id };
    expect((await refusalOf(one.holds.approve(moved))).code).toBe('HF_PASSKEY');
    expect(await passes({ text: 'drop table b' })).toBe(false);
  });

  it('given for a hold that ran out is nothing for the next one, of the very same bytes', async () => {
    const uncounted = await enrolled.passkey('ben', { counts: false });
    const word = await byPasskey(ticket.id, 'ben', uncounted);
    clock.pass(HOLD_LIFE_MS_DEFAULT);
    const next = (await ask()).ticket;
    expect(next.digest).toBe(ticket.digest);
    expect((await refusalOf(one.holds.approve({ ...word, holdId: next.id }))).code).toBe(
      'HF_PASSKEY',
    );
  });

  it('that said no says no, and never yes', async () => {
    const uncounted = await enrolled.passkey('ben', { counts: false });
    const no = await byPasskey(ticket.id, 'ben', uncounted, {}, 'deny');
    expect((await refusalOf(one.holds.approve(no))).code).toBe('HF_PASSKEY');
    const yes = await byPasskey(ticket.id, 'ben', uncounted);
    expect((await refusalOf(one.holds.deny({ ...yes, note: '' }))).code).toBe('HF_PASSKEY');
    await one.holds.deny({ ...no, note: 'not on a Friday' });
    expect(await ask()).toMatchObject({ kind: 'denied', by: 'ben', note: 'not on a Friday' });
    clock.pass(365 * 86_400_000);
    policy = 'policy 2';
    expect((await ask()).kind).toBe('denied');
  });

  it('of another person, or of nobody, is none', async () => {
    const word = await byPasskey(ticket.id, 'ben', passkey);
    expect((await refusalOf(one.holds.approve(word))).code).toBe('HF_PASSKEY');
    const nobody = { ...word, personId: 'person_none' };
    expect((await refusalOf(one.holds.approve(nobody))).code).toBe('HF_NOT_FOUND');
  });

  it('that was put into our tables by hand signs nothing', async () => {
    const forged = await enrolled.passkey('ben', { forged: true });
    const word = await byPasskey(ticket.id, 'ben', forged);
    expect(await refusalOf(one.holds.approve(word))).toMatchObject({
      code: 'HF_PASSKEY',
      found: expect.stringContaining('did not enrol'),
    });
  });

  it('whose key was changed by hand after it signed does not release', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey));
    await byHand(sql`update holdfast.passkeys set public_key = ${new SoftwarePasskey().publicKey}`);
    expect(changesOf(await ask())).toEqual(['0 of 1 signatures are proven for what would run']);
    expect(await stateOf(ticket.id)).toBe('void');
  });

  it('that the gateway which releases does not take, though another did, does not release', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey));
    const prover = new ProofKeys(new Seal(Buffer.alloc(32, 1), clock), 'https://holdfast.example');
    const elsewhere = gateway(other, { ...enrolled.checks, prover });
    expect(changesOf(await ask({ by: elsewhere }))).toEqual([
      '0 of 1 signatures are proven for what would run',
    ]);
  });

  it('whose word lies under another key than the gateway has is none there', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey));
    const prover = new ProofKeys(new Seal(Buffer.alloc(32, 2), clock), DASHBOARD);
    expect(await passes({ by: gateway(other, { ...enrolled.checks, prover }) })).toBe(false);
  });

  it('that was removed after it signed does not release', async () => {
    await one.holds.approve(await byPasskey(ticket.id, 'ana', passkey));
    const signed = await ask();
    expect(signed.kind).toBe('signed');
    await byHand(sql`update holdfast.passkeys set removed_at = now()`);
    expect(await one.desk.consume(signed.ticket)).toBe(false);
    expect(await passes()).toBe(false);
  });

  it('and a code of the same person are one signature', async () => {
    const { ticket: wide } = await ask({ text: 'drop table wide', verdict: TWO });
    await one.holds.approve(await byPasskey(wide.id, 'ana', passkey));
    expect((await one.holds.approve(byCode(wide.id, 'ana'))).signatures).toHaveLength(1);
    expect(await passes({ text: 'drop table wide', verdict: TWO })).toBe(false);
    await one.holds.approve(byCode(wide.id, 'ben'));
    expect(await passes({ text: 'drop table wide', verdict: TWO })).toBe(true);
  });
});

describe('what was signed is no more', () => {
  let ticket: HoldTicket;
  beforeEach(async () => {
    await enrolled.enrol('ana', 'ben');
  });

  async function signed(what: Ask = {}): Promise<void> {
    ({ ticket } = await ask(what));
    await one.holds.approve(byCode(ticket.id, 'ana'));
  }

  /** The next try finds it void, a new hold in its place, and the trail says why. */
  async function expectVoid(what: Ask, words: string): Promise<void> {
    const standing = await ask(what);
    expect(changesOf(standing).join('; ')).toContain(words);
    expect(standing.ticket).toMatchObject({ peopleSigned: 0, approval: null });
    expect(standing.ticket.id).not.toBe(ticket.id);
    expect(await one.holds.show(ticket.id)).toMatchObject({
      state: 'void',
      note: expect.stringContaining(words),
    });
    const voided = events.filter(({ kind }) => kind === 'hold-voided');
    expect(voided.map(({ facts }) => facts['hold'])).toEqual([ticket.id]);
    // The word that was given is none for the new one, and no new one can be given to the old.
    expect(await passes(what)).toBe(false);
    clock.pass(30_000);
    expect((await refusalOf(one.holds.approve(byCode(ticket.id, 'ben')))).code).toBe(
      'HF_HOLD_STATE',
    );
  }

  it('when policy changed', async () => {
    await signed();
    policy = 'policy 2';
    await expectVoid({}, 'policy was policy 1, and is policy 2');
  });

  it('when policy changed while nobody had signed: nobody is asked about what is not so', async () => {
    ({ ticket } = await ask());
    policy = 'policy 2';
    const { card } = await one.holds.show((await ask()).ticket.id);
    expect([card.policyVersion, await stateOf(ticket.id)]).toEqual(['policy 2', 'void']);
  });

  it('when the same bytes would do something else', async () => {
    await signed();
    await expectVoid({ effects: [DROP, { ...DROP, verb: 'DROP VIEW' }] }, 'what it would do');
  });

  it('when the hundred-and-first effect is another one', async () => {
    const many = Array.from({ length: 101 }, () => DROP);
    await signed({ effects: many });
    const last = {
      ...DROP,
      object: { type: 'table', schema: 'public', name: 'payments' },
    } as const;
    await expectVoid({ effects: [...many.slice(1), last] }, 'what it would do');
  });

  it('when it can be taken back no longer', async () => {
    await signed();
    await expectVoid(
      { back: { ...FOR_GOOD } },
      'could be taken back by rename, and now it is none',
    );
  });

  it('but not when it can be taken back better than was said', async () => {
    const { ticket: weak } = await ask({ back: FOR_GOOD });
    await one.holds.approve({ ...byCode(weak.id, 'ana'), typedName: 'bookings' });
    expect(await passes({ back: KEPT })).toBe(true);
  });

  it('when it is frozen', async () => {
    await signed();
    frozen = 'somebody pressed stop';
    await expectVoid({}, 'it is frozen: somebody pressed stop');
  });

  it('when there are more rows than the band that was signed', async () => {
    rows = { value: 1_000, how: 'exact' };
    await signed();
    expect((await one.holds.show(ticket.id)).card).toMatchObject({
      rowsAtMost: 1_100,
      facts: { rows: { value: 1_000, how: 'exact' } },
    });
    rows = { value: 1_101, how: 'exact' };
    await expectVoid({}, 'at most 1100 rows were signed for, and now it is 1101');
  });

  it('but not when there are as many as the band allows', async () => {
    rows = { value: 1_000, how: 'exact' };
    await signed();
    rows = { value: 1_100, how: 'estimate' };
    expect(await passes()).toBe(true);
  });

  it('with a wider band for what was estimated', async () => {
    rows = { value: 1_000, how: 'estimate' };
    await signed();
    rows = { value: 1_500, how: 'exact' };
    expect((await ask()).kind).toBe('signed');
    rows = { value: 1_501, how: 'exact' };
    await expectVoid({}, 'at most 1500 rows');
  });

  it('when rows could be told, and now they cannot', async () => {
    rows = { value: 3, how: 'exact' };
    await signed();
    rows = 'unknown';
    await expectVoid({}, 'cannot be told now');
  });

  it.each([
    ['a number that is none', { value: Number.NaN, how: 'exact' }],
    ['without end', { value: Number.POSITIVE_INFINITY, how: 'estimate' }],
  ] as const)('or are said to be %s: nothing opens that could not be signed', async (_, odd) => {
    rows = odd;
    const { ticket: opened } = await ask();
    await one.holds.approve(byCode(opened.id, 'ana'));
    expect((await ask()).kind).toBe('signed');
    expect(JSON.stringify((await one.holds.show(opened.id)).card.rowsAtMost)).toMatch(
      /^(null|9\d+)$/,
    );
  });

  it('or a finder is late: it opens without facts, says so, and its name is typed', async () => {
    let now: CardFacts['rows'] = null;
    const { store } = one;
    const desk = new WaitingDesk({
      store,
      news: { on: () => () => {} },
      clock,
      note: () => {},
      policyVersion: () => policy,
      facts: {
        find: () =>
          now === null
            ? Promise.reject(new Error('others of this agent took too long'))
            : Promise.resolve(factsWith(now)),
      },
    });
    const tried = (back = FOR_GOOD) => desk.submit(intent(), target(), HOLD, 0, back);
    const { ticket: opened } = await tried();
    const { card } = await one.holds.show(opened.id);
    expect(card).toMatchObject({ rowsAtMost: null, typedName: expect.any(String) });
    expect(card.facts?.notTold).toEqual([
      'rows, size, dependents: they could not be looked up in time',
    ]);
    const typed = { ...byCode(opened.id, 'ana'), typedName: card.typedName ?? '' };
    await one.holds.approve(typed);
    // Still not told, or few: what was signed knew no number, and it runs.
    expect((await tried()).kind).toBe('signed');
    now = { value: 1_000, how: 'exact' };
    expect((await tried()).kind).toBe('signed');
    now = { value: 1_001, how: 'exact' };
    const renewed = await tried();
    expect(renewed).toMatchObject({
      kind: 'waiting',
      voided: { changes: ['how many rows could not be told in time, and now it is 1001 (exact)'] },
    });
    expect((await one.holds.show(renewed.ticket.id)).card).toMatchObject({ rowsAtMost: 1_102 });
  });

  it('but not where they come back whole, however many', async () => {
    let isLate = true;
    const desk = new WaitingDesk({
      store: one.store,
      news: { on: () => () => {} },
      clock,
      note: () => {},
      policyVersion: () => policy,
      facts: {
        find: () =>
          isLate
            ? Promise.reject(new Error('others of this agent took too long'))
            : Promise.resolve(factsWith({ value: 1_000_000, how: 'exact' })),
      },
    });
    const tried = () => desk.submit(intent(), target(), HOLD, 0, KEPT);
    const { ticket } = await tried();
    expect((await one.holds.show(ticket.id)).card).toMatchObject({ typedName: 'main-db' });
    await one.holds.approve({ ...byCode(ticket.id, 'ana'), typedName: 'main-db' });
    isLate = false;
    expect((await tried()).kind).toBe('signed');
  });

  /** A server that answers, and not in time: the finder resolves. */
  const silent = (...open: readonly string[]): CardFacts => ({
    ...factsWith('unknown'),
    ...(open.includes('what it touches') ? { objects: [], objectsTotal: 0 } : {}),
    notTold: [`${open.join(', ')}: the server did not answer within 400 ms`],
  });
  const ALL = ['what it touches', 'rows', 'size', 'dependents'] as const;
  const WRITE: Effect = { ...DROP, kind: 'write', verb: 'UPDATE', reach: 'rows' };
  const EMPTIED = intent('update bookings set paid = false', [WRITE]);

  /** Looks in this order; the last of them for ever. */
  function deskThatFinds(...looks: readonly CardFacts[]): WaitingDesk {
    const left = [...looks];
    return new WaitingDesk({
      store: one.store,
      news: { on: () => () => {} },
      clock,
      note: () => {},
      policyVersion: () => policy,
      facts: { find: async () => (left.length > 1 ? left.shift() : left[0]) ?? null },
    });
  }

  it.each([
    ['nothing takes it back, and its rows were late', FOR_GOOD, ['rows'], 'main-db'],
    ['nothing takes it back, and all was late', FOR_GOOD, ALL, 'main-db'],
    ['it comes back whole, and all was late', KEPT, ALL, 'main-db'],
    ['it comes back whole, and its rows were late', KEPT, ['rows'], null],
    ['nothing takes it back, and its size was late', FOR_GOOD, ['size'], null],
  ] as const)('a name is typed, or not, when %s', async (_, back, open, typedName) => {
    const desk = deskThatFinds(silent(...open));
    const { ticket } = await desk.submit(EMPTIED, target(), HOLD, 0, back);
    expect((await one.holds.show(ticket.id)).card).toMatchObject({ rowsAtMost: null, typedName });
  });

  it('but not on sealed by one slow look, where the next one tells', async () => {
    const few = factsWith({ value: 3, how: 'exact' });
    const desk = deskThatFinds(silent('rows'), silent('rows'), few);
    const tried = () => desk.submit(EMPTIED, target('sealed'), TWO, 0, FOR_GOOD);
    const { ticket } = await tried();
    for (const person of ['ana', 'ben']) {
      await one.holds.approve({ ...byCode(ticket.id, person), typedName: 'main-db' });
    }
    expect((await tried()).kind).toBe('signed');
  });

  it.each([
    ['it goes for good, and no look tells the rows', FOR_GOOD, ['rows'], true, 'waiting'],
    ['it goes for good, and no look tells anything', FOR_GOOD, ALL, true, 'waiting'],
    ['it comes back whole, and no look tells the rows', KEPT, ['rows'], false, 'signed'],
    ['it comes back whole, and no look tells anything', KEPT, ALL, true, 'signed'],
  ] as const)('on sealed: %s', async (_, back, open, isTyped, kind) => {
    const desk = deskThatFinds(silent(...open));
    const tried = () => desk.submit(EMPTIED, target('sealed'), TWO, 0, back);
    const { ticket } = await tried();
    for (const person of ['ana', 'ben']) {
      const typed = isTyped ? { typedName: 'main-db' } : {};
      await one.holds.approve({ ...byCode(ticket.id, person), ...typed });
    }
    expect((await tried()).kind).toBe(kind);
  });

  it('but not when they never could', async () => {
    rows = 'unknown';
    await signed();
    rows = { value: 1_000_000, how: 'exact' };
    expect(await passes()).toBe(true);
  });
});

describe('people', () => {
  beforeEach(() => enrolled.enrol('ana', 'ben', 'eve'));

  it('who approve at the same moment are two, whoever is first', async () => {
    const { ticket } = await ask({ verdict: TWO });
    await Promise.all([
      one.holds.approve(byCode(ticket.id, 'ana')),
      two.holds.approve(byCode(ticket.id, 'ben')),
    ]);
    const standing = await ask({ verdict: TWO });
    const racers = Array.from({ length: 10 }, (_, nth) =>
      (nth % 2 === 0 ? one : two).desk.consume(standing.ticket),
    );
    expect((await Promise.all(racers)).filter(Boolean)).toHaveLength(1);
  });

  it.each([
    ['was removed', () => enrolled.people.remove('ana')],
    ['lost the role that decides', () => enrolled.people.setRoles('ana', ['auditor', 'operator'])],
  ])('one of whom %s between approval and release do not release', async (_, change) => {
    const { ticket } = await ask({ verdict: TWO });
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await one.holds.approve(byCode(ticket.id, 'ben'));
    const verified = await ask({ verdict: TWO });
    expect(verified.kind).toBe('signed');
    await change();
    // Verified a moment ago, and counted once more where it is used up.
    expect(await one.desk.consume(verified.ticket)).toBe(false);
    expect(await ask({ verdict: TWO })).toMatchObject({
      kind: 'waiting',
      ticket: { id: ticket.id, peopleSigned: 1, peopleNeeded: 2 },
    });
    await one.holds.approve(byCode(ticket.id, 'eve'));
    expect(await passes({ verdict: TWO })).toBe(true);
  });

  it('whose roles change in the moment they sign lose neither the one nor the other', async () => {
    for (let nth = 0; nth < 10; nth += 1) {
      const { ticket } = await ask({ text: `drop table b${nth}` });
      await Promise.all([
        one.holds.approve(byCode(ticket.id, 'ana')),
        two.holds.approve(byCode(ticket.id, 'ben')),
        enrolled.people.setRoles('ana', ['owner', 'approver']),
        enrolled.people.setRoles('ben', nth % 2 === 0 ? ['approver'] : ['owner']),
      ]);
      clock.pass(30_000);
    }
  });

  it('say why in a thousand characters, or not at all', async () => {
    const { ticket } = await ask();
    const long = 'x'.repeat(10 << 20);
    const said = byCode(ticket.id, 'ana');
    for (const refused of [
      one.holds.approve({ ...said, comment: long }),
      one.holds.deny({ ...said, note: long }),
    ]) {
      expect((await refusalOf(refused)).code).toBe('HF_LIMIT');
    }
    expect((await one.holds.approve({ ...said, comment: '\u202e<b>\0' })).state).toBe('signed');
    expect(await passes()).toBe(true);
  });

  it('without a role that decides sign and deny nothing, and no code is spent', async () => {
    await enrolled.people.setRoles('ana', ['operator']);
    const passkey = await enrolled.passkey('ana');
    const { ticket } = await ask();
    const words = [byCode(ticket.id, 'ana'), await byPasskey(ticket.id, 'ana', passkey)];
    for (const word of words) {
      expect((await refusalOf(one.holds.approve(word))).code).toBe('HF_FORBIDDEN');
      expect((await refusalOf(one.holds.deny({ ...word, note: '' }))).code).toBe('HF_FORBIDDEN');
    }
    await enrolled.people.setRoles('ana', ['approver', 'operator']);
    expect((await one.holds.approve(byCode(ticket.id, 'ana'))).state).toBe('signed');
  });

  it('are not the agent’s owner alone, on sealed', async () => {
    owner = await enrolled.idOf('ana');
    const { ticket } = await ask({ level: 'sealed' });
    expect(await one.holds.approve(byCode(ticket.id, 'ana'))).toMatchObject({ state: 'waiting' });
    expect(await ask({ level: 'sealed' })).toMatchObject({
      kind: 'waiting',
      ticket: { id: ticket.id, peopleSigned: 1, peopleNeeded: 2 },
    });
    await one.holds.approve(byCode(ticket.id, 'ben'));
    expect(await passes({ level: 'sealed' })).toBe(true);
  });

  it('are the owner, on guarded, and anybody who is not, on sealed', async () => {
    owner = await enrolled.idOf('ana');
    const { ticket: guarded } = await ask();
    await one.holds.approve(byCode(guarded.id, 'ana'));
    expect(await passes()).toBe(true);
    const { ticket: sealed } = await ask({ level: 'sealed' });
    await one.holds.approve(byCode(sealed.id, 'ben'));
    expect(await passes({ level: 'sealed' })).toBe(true);
  });

  it('who became the agent’s owner after they signed are the owner', async () => {
    owner = await enrolled.idOf('ben');
    const { ticket } = await ask({ level: 'sealed' });
    await one.holds.approve(byCode(ticket.id, 'ana'));
    owner = await enrolled.idOf('ana');
    expect(await ask({ level: 'sealed' })).toMatchObject({
      kind: 'waiting',
      ticket: { id: ticket.id, peopleNeeded: 2 },
    });
  });

  it('are two on sealed where nobody answers for the agent, and the agent is told so', async () => {
    const { ticket } = await ask({ level: 'sealed' });
    expect((await one.holds.approve(byCode(ticket.id, 'ana'))).state).toBe('waiting');
    expect(await ask({ level: 'sealed' })).toMatchObject({
      kind: 'waiting',
      ticket: {
        id: ticket.id,
        peopleSigned: 1,
        peopleNeeded: 2,
        alone: expect.stringContaining('holdfast agents set cursor --owner PERSON'),
      },
    });
    await one.holds.approve(byCode(ticket.id, 'ben'));
    expect(await passes({ level: 'sealed' })).toBe(true);
  });

  it.each(['open', 'guarded'] as const)('is one on %s, whoever answers for it', async (level) => {
    const { ticket } = await ask({ level });
    await one.holds.approve(byCode(ticket.id, 'ana'));
    expect(await passes({ level })).toBe(true);
  });

  describe('are counted by the rule of owners once more where the approval is used up', () => {
    /** What this gateway has not heard of yet. */
    async function agentOf(person: string | null): Promise<void> {
      const id = person === null ? null : await enrolled.idOf(person);
      await byHand(sql`delete from holdfast.agents`);
      await byHand(sql`insert into holdfast.agents (id, name, salt, added_at, owner_id, mac)
        values ('agent_0', 'parent', 'x'::bytea, now(), ${id}, 'any')`);
      await byHand(sql`insert into holdfast.agents (id, name, salt, added_at, parent_id, mac)
        values ('agent_1', 'cursor', 'x'::bytea, now(), 'agent_0', 'any')`);
    }

    async function signedBy(...names: string[]): Promise<HoldTicket> {
      owner = await enrolled.idOf('ben');
      const { ticket } = await ask({ level: 'sealed' });
      for (const name of names) await one.holds.approve(byCode(ticket.id, name));
      const standing = await ask({ level: 'sealed' });
      expect(standing.kind).toBe('signed');
      return standing.ticket;
    }

    it.each([
      ['whoever signed alone is the owner of its parent now', 'ana', ['ana'], false],
      ['nobody is the owner any more', null, ['ana'], false],
      ['somebody else is', 'ben', ['ana'], true],
      ['another than the owner signed too', 'ana', ['ana', 'ben'], true],
    ] as const)('%s', async (_story, person, names, isUsed) => {
      const ticket = await signedBy(...names);
      await agentOf(person);
      expect(await two.desk.consume(ticket)).toBe(isUsed);
      expect(await stateOf(ticket.id)).toBe(isUsed ? 'consumed' : 'signed');
    });

    it.each([
      ['none is left, and one signed', ['ana'], null, false],
      ['none is left, and two signed', ['ana', 'ben'], null, true],
      ['its parent’s signed alone', ['ana'], 'ana', false],
      ['its parent’s did not sign alone', ['ana', 'ben'], 'ana', true],
    ] as const)('the owner was removed: %s', async (_story, names, ofParent, isUsed) => {
      await enrolled.enrol('cy');
      const ticket = await signedBy(...names);
      await agentOf(ofParent);
      const gone = await enrolled.idOf('cy');
      await byHand(sql`update holdfast.agents set owner_id = ${gone} where id = 'agent_1'`);
      await enrolled.people.remove('cy');
      expect(await two.desk.consume(ticket)).toBe(isUsed);
    });

    it('the other one is gone since, and policy wanted no more than one', async () => {
      const ticket = await signedBy('ana', 'ben');
      await agentOf('ben');
      await enrolled.people.setRoles('ana', ['auditor']);
      expect(await two.desk.consume(ticket)).toBe(false);
    });
  });

  it('type the name of what goes for good, in either proof', async () => {
    const { ticket } = await ask({ back: FOR_GOOD });
    const passkey = await enrolled.passkey('ana');
    const words = [byCode(ticket.id, 'ana'), await byPasskey(ticket.id, 'ana', passkey)];
    for (const word of words) {
      for (const typed of [{}, { typedName: '' }, { typedName: 'booking' }]) {
        const error = await refusalOf(one.holds.approve({ ...word, ...typed }));
        expect([error.code, error.expected]).toEqual([
          'HF_TYPED_NAME',
          'the name of what goes for good: bookings',
        ]);
      }
    }
    await one.holds.approve({ ...byCode(ticket.id, 'ana'), typedName: 'bookings' });
    expect(await passes({ back: FOR_GOOD })).toBe(true);
  });

  it('type the target where several things go, and nothing to say no', async () => {
    const other_ = { ...DROP, object: { type: 'table', schema: 'public', name: 'a' } } as const;
    const { ticket } = await ask({ back: FOR_GOOD, effects: [DROP, other_] });
    expect((await one.holds.show(ticket.id)).card.typedName).toBe('main-db');
    await one.holds.deny({ ...byCode(ticket.id, 'ana'), note: '' });
    expect(await stateOf(ticket.id)).toBe('denied');
  });

  it('compare the words, or the digest, of what they sign', async () => {
    const { ticket } = await ask();
    const words = wordsOf(await one.holds.show(ticket.id));
    const elsewhere = wordsOf(
      await one.holds.show((await ask({ text: 'drop table b' })).ticket.id),
    );
    const said = byCode(ticket.id, 'ana');
    for (const digestShown of [elsewhere, words.split(' ').slice(0, 5).join(' '), '0123456789']) {
      expect((await refusalOf(one.holds.approve({ ...said, digestShown }))).code).toBe(
        'HF_HOLD_STATE',
      );
    }
    const typed = words.toUpperCase().replaceAll(' ', '-');
    expect((await one.holds.approve({ ...said, digestShown: typed })).state).toBe('signed');
  });
});

describe('whoever writes to our tables', () => {
  let ticket: HoldTicket;
  beforeEach(async () => {
    await enrolled.enrol('ana', 'ben');
    ({ ticket } = await ask({ verdict: TWO }));
  });

  it('does not sign with a row of their own', async () => {
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await byHand(sql`
      insert into holdfast.signatures
        select s.hold_id, s.digest, p.id, p.name, s.method, s.signed_at, s.binding, s.proof, s.comment
        from holdfast.signatures s, holdfast.people p where p.name = 'ben'`);
    await byHand(sql`update holdfast.holds set state = 'signed'`);
    expect((await one.holds.show(ticket.id)).signatures).toHaveLength(1);
    expect(await passes({ verdict: TWO })).toBe(false);
    // Nor does that row keep the real one out.
    expect((await one.holds.approve(byCode(ticket.id, 'ben'))).state).toBe('signed');
    expect(await passes({ verdict: TWO })).toBe(true);
  });

  it('does not lower how many have to sign', async () => {
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await byHand(sql`update holdfast.holds set people_needed = 1, state = 'signed'`);
    expect(await passes({ verdict: HOLD })).toBe(false);
    expect(await passes({ verdict: TWO })).toBe(false);
  });

  it.each([
    ['the text', sql`statement = 'select 1'`],
    ['the effects', sql`effects = '[]'`],
    ['their hash', sql`effects_hash = ${'0'.repeat(64)}`],
    ['the reason', sql`reason = 'It is harmless.'`],
    ['what takes it back', sql`taking_back = jsonb_set(taking_back, '{reason}', '"all of it"')`],
    ['the policy', sql`policy_version = 'policy 0'`],
    ['the band', sql`rows_at_most = 1000000`],
    ['the life of it', sql`approval_until = approval_until + interval '1 year'`],
    ['the owner', sql`owner_id = 'person_none'`],
    ['how the target was found', sql`resolved_by = 'declared as a playground'`],
    ['the environment', sql`environment = 'playground'`],
    ['the facts', sql`facts = ${JSON.stringify(factsBy('2026-01-01T00:00:00.000Z'))}`],
  ])('does not change %s after people signed', async (_, change) => {
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await one.holds.approve(byCode(ticket.id, 'ben'));
    expect((await ask({ verdict: TWO })).kind).toBe('signed');
    await byHand(sql`update holdfast.holds set ${change}`);
    expect(await passes({ verdict: TWO })).toBe(false);
  });

  it.each([
    ['the text', sql`statement = 'select 1'`],
    ['their hash', sql`effects_hash = ${'0'.repeat(64)}`],
    ['the target', sql`target = 'playground'`],
    ['its level', sql`environment_level = 'open'`],
    ['the policy', sql`policy_version = 'policy 0'`],
  ])('does not have people sign a card that lies about %s', async (_, change) => {
    await byHand(sql`update holdfast.holds set ${change}`);
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await one.holds.approve(byCode(ticket.id, 'ben'));
    const standing = await ask({ verdict: TWO });
    expect(changesOf(standing)).toHaveLength(1);
    expect(await stateOf(ticket.id)).toBe('void');
  });

  it('does not make an approval live longer', async () => {
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await one.holds.approve(byCode(ticket.id, 'ben'));
    await byHand(sql`update holdfast.holds set expires_at = expires_at + interval '1 year'`);
    clock.pass(2 * HOLD_LIFE_MS_DEFAULT);
    expect(await passes({ verdict: TWO })).toBe(false);
  });

  it('does not make somebody who signs', async () => {
    await byHand(sql`
      insert into holdfast.people (id, name, roles, totp_sealed, added_at, confirmed_at, failures, last_step, mac)
        select 'person_mallory', 'mallory', '{owner}', totp_sealed, added_at, confirmed_at, 0, -1, mac
        from holdfast.people where name = 'ana'`);
    const code = enrolled.code('ana');
    const word = { ...byCode(ticket.id, 'mallory'), code };
    expect(await refusalOf(one.holds.approve(word))).toMatchObject({
      code: 'HF_NOT_FOUND',
    });
    expect((await one.holds.show(ticket.id)).signatures).toEqual([]);
  });

  it('does not move a signature to another hold of the same bytes', async () => {
    await one.holds.approve(byCode(ticket.id, 'ana'));
    await one.holds.approve(byCode(ticket.id, 'ben'));
    expect(await passes({ verdict: TWO })).toBe(true);
    const { ticket: next } = await ask({ verdict: TWO });
    await byHand(sql`update holdfast.signatures set hold_id = ${next.id}`);
    await byHand(sql`update holdfast.holds set state = 'signed' where id = ${next.id}`);
    expect(await passes({ verdict: TWO })).toBe(false);
  });
});

function factsBy(lookedUpAt: string): unknown {
  const none = { objects: [], objectsTotal: 0, dependents: [], dependentsTotal: 0 };
  return { lookedUpAt, rows: null, ...none, recoveryLost: [], notTold: [] };
}

describe('the binding', () => {
  it('differs in its domain between yes and no, and in nothing else', async () => {
    const hold = await one.holds.show((await ask()).ticket.id);
    const yes: Record<string, unknown> = JSON.parse(bindingOf(hold, APPROVAL_DOMAIN));
    const no: Record<string, unknown> = JSON.parse(bindingOf(hold, DENIAL_DOMAIN));
    expect({ ...yes, domain: DENIAL_DOMAIN }).toEqual(no);
    expect(yes).toMatchObject({
      domain: 'holdfast/approval/1',
      hold: hold.id,
      digest: hold.card.digest,
      target: 'main-db',
      level: 'guarded',
      policy: 'policy 1',
      takingBack: 'full/rename',
      people: 1,
      until: new Date(clock.now().getTime() + 2 * HOLD_LIFE_MS_DEFAULT).toISOString(),
    });
  });

  it('is the same out of the row as it was when the hold opened, whatever is in the text', async () => {
    const odd = { ...DROP, why: 'half \ud800 and \0 none', verb: 'DROP \0' };
    rows = { value: 0.5, how: 'estimate' };
    await enrolled.enrol('ana');
    const asked = { text: 'a\0b\ud800', effects: [odd] };
    const { ticket } = await ask(asked);
    const opened = events.find(({ kind }) => kind === 'hold-opened')?.facts['binding'];
    expect(bindingOf(await one.holds.show(ticket.id), APPROVAL_DOMAIN)).toBe(opened);
    await one.holds.approve(byCode(ticket.id, 'ana'));
    expect(await passes(asked)).toBe(true);
  });
});
