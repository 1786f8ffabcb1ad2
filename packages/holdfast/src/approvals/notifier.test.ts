/** Who is told what, when, and how often: notifiers on a real store, by a clock that is told to go. */
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Effect } from '../model/effect.ts';
import type { HoldfastEvent } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import type { Intent } from '../model/intent.ts';
import {
  NOTICE_CLAIM_MS,
  NOTICE_KEPT_MS,
  NOTICE_RETRY_MS_MIN,
  NOTICE_TRIES_MAX,
  SIGNAL_AGE_MS_MAX,
  SIGNALS_APART_MAX,
} from '../model/limits.ts';
import type { Target } from '../model/target.ts';
import type { Database } from '../store/database.ts';
import { HOLD_ROWS } from '../store/hold-rows.ts';
import { HOLDS_CHANNEL, SqlHoldStore } from '../store/hold-store.ts';
import { PgInstanceBook } from '../store/instances.ts';
import { SqlNoticeStore } from '../store/notice-store.ts';
import { Notices } from '../store/notices.ts';
import { SqlProposalStore } from '../store/proposal-store.ts';
import { PgTrailStore } from '../store/trail-store.ts';
import { Enrolled } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { signerFromSeed } from '../trail/signer.ts';
import { TrailLog } from '../trail/trail-log.ts';
import {
  type Channel,
  DELIVERED,
  type Delivered,
  type Failed,
  failed,
} from './channels/channel.ts';
import type { Standing } from './desk.ts';
import type { HoldCard } from './hold.ts';
import { Holds } from './holds.ts';
import type { Notice } from './notice.ts';
import { Notifier } from './notifier.ts';
import { Proposals } from './proposals.ts';
import type { ChannelRules, Route, Routing } from './routing.ts';
import { WaitingDesk } from './waiting-desk.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** A channel that keeps what it is given, and answers as it is told. */
class Kept implements Channel {
  readonly kind = 'webhook';
  readonly name: string;
  readonly sent: Notice[] = [];
  answer: (notice: Notice, signal: AbortSignal) => Promise<Delivered | Failed> = async () =>
    DELIVERED;

  constructor(name: string) {
    this.name = name;
  }

  async send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const answer = await this.answer(notice, signal);
    if (answer.kind === 'delivered') this.sent.push(notice);
    return answer;
  }

  kinds(): string[] {
    return this.sent.map(({ kind }) => kind);
  }
}

let scratch: ScratchStore;
let other: Database;
let clock: ManualClock;
let enrolled: Enrolled;
let store: SqlNoticeStore;
let holdStore: SqlHoldStore<HoldCard>;
let holds: Holds;
let desk: WaitingDesk;
let trail: TrailLog;
let events: HoldfastEvent[];
let faults: unknown[];
let chat: Kept;
let mail: Kept;
let pager: Kept;
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  scratch = await startScratchStore();
  other = await scratch.another();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  await scratch.database.run((db) =>
    sql`truncate holdfast.holds, holdfast.signatures, holdfast.people, holdfast.notices,
      holdfast.deliveries, holdfast.signals_seen cascade`.execute(db),
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  events = [];
  faults = [];
  const note = (event: HoldfastEvent): void => {
    events.push(event);
    trail.note(event);
  };
  const { database } = scratch;
  trail = await TrailLog.start({
    store: await PgTrailStore.open({ database, requireDurable: false }),
    instances: new PgInstanceBook(database),
    signer: signerFromSeed('holdfast/test', Buffer.alloc(32, 7)),
    clock,
    instanceId: newId('instance', clock),
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: (error) => faults.push(error),
  });
  enrolled = new Enrolled(database, clock, note);
  store = new SqlNoticeStore(database);
  holdStore = new SqlHoldStore(database, enrolled.checks, HOLD_ROWS);
  holds = new Holds({ store: holdStore, clock, note });
  const policyVersion = (): string => 'policy 1';
  const news = { on: () => () => {} };
  const ownerOf = (): string => 'person_who_owns_it';
  desk = new WaitingDesk({ store: holdStore, news, clock, note, policyVersion, ownerOf });
  [chat, mail, pager] = [new Kept('chat'), new Kept('mail'), new Kept('pager')];
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await trail.stop();
  expect(faults).toEqual([]);
});

const ROUTE: Route = {
  kinds: null,
  environments: null,
  importance: null,
  to: ['chat'],
  escalate: [],
};

function routing(routes: readonly Route[], rules: Partial<ChannelRules> = {}): Routing {
  return {
    channels: ['chat', 'mail', 'pager'].map((name) => ({
      name,
      quietHours: null,
      urgent: false,
      ...rules,
    })),
    routes,
    escalateAfterMs: 15 * MINUTE_MS,
    digestEveryMs: 24 * HOUR_MS,
  };
}

function notifier(
  plan: Routing = routing([ROUTE]),
  database: Database = scratch.database,
): Notifier {
  const made = new Notifier({
    store: new SqlNoticeStore(database),
    holds: new SqlHoldStore(database, enrolled.checks, HOLD_ROWS),
    proposals: new SqlProposalStore(database, enrolled.checks),
    channels: [chat, mail, pager],
    routing: plan,
    news: { on: () => () => {} },
    clock,
    dashboard: 'https://holdfast.example.com/',
    note: (event) => {
      events.push(event);
      trail.note(event);
    },
    trouble: (error) => faults.push(error),
    gapMs: 0,
  });
  ends.push(() => made.stop());
  return made;
}

const DELETE: Effect = {
  kind: 'destroy',
  verb: 'DELETE',
  object: { type: 'table', schema: 'public', name: 'bookings' },
  reach: 'whole',
  additive: false,
  why: null,
};

function target(level: Target['environment']['level'], name = 'production'): Target {
  return {
    name: 'main-db',
    environment: { name, level },
    protocol: 'postgres',
    resolvedBy: 'declared in holdfast.yaml',
  };
}

async function open(
  text = 'delete from bookings',
  where: Target = target('sealed'),
  people = 1,
  effect: Effect = DELETE,
): Promise<string> {
  return (await ask(text, where, people, effect)).ticket.id;
}

function ask(text: string, where: Target, people: number, effect: Effect): Promise<Standing> {
  const intent: Intent = {
    actor: { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' },
    session: { id: 'session_1', protocol: 'postgres', source: '127.0.0.1:5', client: 'psql' },
    reading: { kind: 'understood', effects: [effect] },
    text: () => Buffer.from(text),
    acts: () => [Buffer.from(text)],
  };
  const verdict = { kind: 'hold', rule: 'sealed.destroy', reason: 'It destroys.', people } as const;
  const back = { level: 'full', reversal: 'defer', reason: 'nothing takes it back' } as const;
  return desk.submit(intent, where, verdict, 0, back);
}

function word(holdId: string, person: string) {
  const code = enrolled.code(person);
  return { kind: 'totp', holdId, person, code, digestShown: null, typedName: 'bookings' } as const;
}

describe('a hold', () => {
  it('is told once, with the facts of its card and a link that decides nothing', async () => {
    const one = notifier();
    const id = await open("delete from bookings where card = '4111 1111'", target('sealed'), 2);
    await one.turn();
    await one.turn();
    expect(chat.sent).toHaveLength(1);
    const [notice] = chat.sent;
    expect(notice).toMatchObject({
      id: `${id}.opened`,
      kind: 'hold-opened',
      importance: 'now',
      title: 'cursor waits for people: main-db in production',
      link: `https://holdfast.example.com/holds/${id}`,
    });
    expect(Object.fromEntries(notice?.facts ?? [])).toEqual({
      environment: 'production (sealed)',
      target: 'main-db',
      'asked by': 'cursor',
      would: 'destroy: DELETE table public.bookings, all of it',
      statement: "delete from bookings where card = '…'",
      'held because': 'It destroys.',
      people: '0 of 2 have signed',
      expires: '2026-11-21T10:00:00.000Z',
    });
  });

  it('goes to the channels of its routes, and of no others', async () => {
    const one = notifier(
      routing([
        { ...ROUTE, environments: ['production'], to: ['mail'] },
        { ...ROUTE, kinds: ['hold-opened'], environments: ['staging'], to: ['chat', 'mail'] },
        { ...ROUTE, kinds: ['foreign-credential'], to: ['pager'] },
      ]),
    );
    await open('a', target('sealed'));
    await open('b', target('guarded', 'staging'));
    await one.turn();
    expect([chat.sent.length, mail.sent.length, pager.sent.length]).toEqual([1, 2, 0]);
  });

  it('is told when it is approved, denied or out of time, and each once', async () => {
    const one = notifier();
    await enrolled.enrol('ana', 'ben');
    const [approved, denied, late] = [await open('a'), await open('b'), await open('c')];
    await one.turn();
    chat.sent.length = 0;
    await holds.approve(word(approved, 'ana'));
    await holds.deny({ ...word(denied, 'ben'), note: 'no\r\n<b>https://evil.com</b>' });
    await one.turn();
    await one.turn();
    clock.pass(2 * HOUR_MS);
    await holds.sweep();
    await one.turn();
    await one.turn();
    const ended = chat.sent.map(({ id, kind }) => [id, kind]);
    expect(ended.toSorted()).toEqual(
      [
        [`${approved}.signed`, 'hold-decided'],
        [`${denied}.denied`, 'hold-decided'],
        [`${late}.expired`, 'hold-decided'],
        // The approval nobody used ran out as well.
        [`${approved}.expired`, 'hold-decided'],
      ].toSorted(),
    );
    const why = chat.sent.find(({ id }) => id === `${denied}.denied`)?.facts;
    expect(Object.fromEntries(why ?? [])).toMatchObject({
      'denied by': 'ben',
      because: 'no <b>https[:]//evil[.]com</b>',
    });
  });

  it('is told as approved although its approval was used up before anybody looked', async () => {
    const one = notifier();
    await enrolled.enrol('ana');
    const id = await open();
    await one.turn();
    await holds.approve(word(id, 'ana'));
    const { ticket } = await ask('delete from bookings', target('sealed'), 1, DELETE);
    expect(await desk.consume(ticket)).toBe(true);
    await one.turn();
    await one.turn();
    expect(chat.sent.map((notice) => notice.id)).toEqual([`${id}.opened`, `${id}.signed`]);
  });

  it('whose end comes before it was told is no news', async () => {
    await enrolled.enrol('ana');
    const id = await open();
    await holds.deny({ ...word(id, 'ana'), note: '' });
    await notifier().turn();
    expect(chat.sent).toEqual([]);
  });

  it('of a hundred, makes one message that names those of sealed environments first', async () => {
    const one = notifier();
    for (let nth = 0; nth < 60; nth += 1) await open(`a ${nth}`, target('guarded', 'staging'));
    await open('the one that matters');
    await one.turn();
    expect(chat.kinds()).toEqual(['several']);
    const [notice] = chat.sent;
    expect(notice?.title).toBe('61 notices of Holdfast, 61 of them wait for people');
    expect(notice?.link).toBe('https://holdfast.example.com/holds');
    expect(notice?.facts[0]?.[1]).toContain('main-db in production');
    expect(notice?.facts.at(-1)).toEqual(['and', '41 more; all of them are behind the link']);
    expect(await store.lines()).toMatchObject([{ channel: 'chat', sent: 61, waiting: 0 }]);
  });

  it('shows ten megabytes, markup and turned letters of an agent as little text', async () => {
    const one = notifier();
    const object = {
      type: 'table',
      schema: null,
      name: `x\u202e<!channel>${'y'.repeat(5000)}`,
    } as const;
    const text = `/* https://evil.com/approve */ drop table "<script>\u202e\u0007"; ${'x'.repeat(10 * 1024 * 1024)}`;
    await open(text, target('sealed'), 1, { ...DELETE, object });
    await one.turn();
    const said = JSON.stringify(chat.sent[0]);
    expect(said.length).toBeLessThan(4_000);
    expect(said).not.toMatch(/evil|[\p{Cf}\p{Cc}]/u);
    expect(said).toContain('u{202e}');
  });
});

describe('a proposal of people', () => {
  it('is told like a hold, and by which kind it is', async () => {
    await enrolled.enrol('ana', 'ben');
    const proposals = new Proposals({
      store: new SqlProposalStore(scratch.database, enrolled.checks),
      clock,
      note: (event) => void events.push(event),
      record: async () => {},
      signers: () => enrolled.signers(),
      peopleOf: () => 2,
      runners: { purge: async () => 'purged' },
    });
    const proposal = await proposals.open({
      kind: 'purge',
      target: target('sealed'),
      facts: { items: ['undo_1'] },
      words: 'Purge 1 undo item of main-db.',
      reason: 'Its time is not over yet.',
    });
    await notifier(routing([{ ...ROUTE, kinds: ['proposal-opened'] }])).turn();
    expect(chat.kinds()).toEqual(['proposal-opened']);
    expect(chat.sent[0]?.id).toBe(`${proposal.id}.opened`);
  });
});

describe('when nobody answers', () => {
  const ESCALATING: Route = {
    ...ROUTE,
    kinds: ['hold-opened'],
    escalate: [['mail'], ['mail', 'pager']],
  };

  it('the next list is told, and then the one after, each once', async () => {
    const one = notifier(routing([ESCALATING]));
    const id = await open();
    await one.turn();
    clock.pass(15 * MINUTE_MS - 1);
    await one.turn();
    expect(mail.sent).toEqual([]);
    clock.pass(1);
    await one.turn();
    await one.turn();
    expect(mail.sent.map((notice) => notice.id)).toEqual([`${id}.escalated-1`]);
    expect(mail.sent[0]).toMatchObject({ kind: 'hold-escalated', importance: 'now' });
    expect(pager.sent).toEqual([]);
    clock.pass(15 * MINUTE_MS);
    await one.turn();
    clock.pass(15 * MINUTE_MS);
    await one.turn();
    expect(mail.sent).toHaveLength(2);
    expect(pager.sent).toHaveLength(1);
    expect(chat.sent).toHaveLength(1);
  });

  it('nobody else is told once somebody has signed', async () => {
    const one = notifier(routing([ESCALATING]));
    await enrolled.enrol('ana');
    const id = await open('x', target('sealed'), 2);
    await one.turn();
    await holds.approve(word(id, 'ana'));
    clock.pass(16 * MINUTE_MS);
    await one.turn();
    expect(mail.sent).toEqual([]);
  });

  it('nor once it was denied, or its time is over', async () => {
    const one = notifier(routing([ESCALATING]));
    await enrolled.enrol('ana');
    const id = await open('x');
    await open('y');
    await one.turn();
    await holds.deny({ ...word(id, 'ana'), note: '' });
    clock.pass(61 * MINUTE_MS);
    await one.turn();
    expect(mail.sent).toEqual([]);
  });
});

describe('quiet hours', () => {
  const quietHours = { fromMinute: 22 * 60, toMinute: 7 * 60, zone: 'Europe/Berlin' };

  it('keep a notice until they end', async () => {
    const one = notifier(routing([ROUTE], { quietHours }));
    await one.turn();
    clock.pass(12 * HOUR_MS); // 21:00Z, 22:00 in Berlin
    await one.turn();
    trail.note({ kind: 'person-added', facts: { person: 'ana' }, message: 'ana was added.' });
    await trail.flush();
    await one.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(9 * HOUR_MS - 1);
    await one.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(1);
    await one.turn();
    expect(chat.kinds()).toEqual(['person-added']);
  });

  it('are broken by what is needed now in a sealed environment, where the channel is urgent', async () => {
    const one = notifier(routing([ROUTE], { quietHours, urgent: true }));
    clock.pass(14 * HOUR_MS);
    await open('in sealed', target('sealed'));
    await open('in guarded', target('guarded', 'staging'));
    await one.turn();
    expect(chat.sent.map(({ environment }) => environment?.level)).toEqual(['sealed']);
  });

  it('are not broken by a channel that is not urgent; and what ran out meanwhile is not told', async () => {
    const one = notifier(routing([ROUTE], { quietHours }));
    clock.pass(14 * HOUR_MS);
    await open();
    await one.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(8 * HOUR_MS);
    await holds.sweep();
    await one.turn();
    expect(chat.sent.map(({ id }) => id.split('.')[1])).toEqual(['expired']);
    expect(await store.lines()).toMatchObject([{ sent: 1, waiting: 0, failed: 0 }]);
  });

  it('count for what is tried again, too', async () => {
    const one = notifier(routing([ROUTE], { quietHours }));
    clock.pass(12 * HOUR_MS - 1_000);
    chat.answer = async () => failed('busy');
    await open('x', target('sealed'));
    await one.turn();
    chat.answer = async () => DELIVERED;
    clock.pass(NOTICE_RETRY_MS_MIN);
    await one.turn();
    expect(chat.sent).toEqual([]);
  });
});

describe('a digest', () => {
  it('gathers what is unimportant and goes out once in a while', async () => {
    const one = notifier();
    await one.turn();
    for (const agent of ['a', 'b', 'c', 'd', 'e']) {
      trail.note({ kind: 'agent-added', facts: { agent }, message: `${agent} was added.` });
    }
    await trail.flush();
    await one.turn();
    clock.pass(15 * HOUR_MS - 1);
    await one.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(1); // midnight UTC: a whole number of days
    await one.turn();
    await one.turn();
    expect(chat.kinds()).toEqual(['several']);
    expect(chat.sent[0]?.facts.map(([, text]) => text)).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((agent) => `An agent was added (${agent} was added.)`),
    );
  });

  it('is what a route makes of anything', async () => {
    const one = notifier(routing([{ ...ROUTE, importance: 'digest' }]));
    await open();
    await one.turn();
    expect(chat.sent).toEqual([]);
    expect(await store.lines()).toMatchObject([{ channel: 'chat', waiting: 1 }]);
  });
});

describe('a signal', () => {
  const ALARM = {
    kind: 'foreign-credential',
    facts: { provider: 'railway', fingerprint: 'sha256:0123456789abcdef', times: 7 },
    message: 'a credential came for railway: <https://evil.com|click>\u202e',
  } as const;

  async function note(event: HoldfastEvent, times = 1): Promise<void> {
    for (let nth = 0; nth < times; nth += 1) trail.note(event);
    await trail.flush();
  }

  it('is told from the trail, once, with a link to its entry', async () => {
    const one = notifier();
    await one.turn();
    await note(ALARM);
    await one.turn();
    await one.turn();
    expect(chat.kinds()).toEqual(['foreign-credential']);
    const [notice] = chat.sent;
    expect(notice?.link).toMatch(/^https:\/\/holdfast\.example\.com\/trail\/\d+$/);
    expect(Object.fromEntries(notice?.facts ?? [])).toMatchObject({
      what: 'a credential came for railway: <https[:]//evil[.]com|click>\\u{202e}',
      provider: 'railway',
    });
  });

  it('that comes by the thousand is one notice that says how many', async () => {
    const one = notifier();
    await one.turn();
    await note(ALARM, SIGNALS_APART_MAX + 1);
    await one.turn();
    expect(chat.sent.map(({ title }) => title)).toEqual([
      `A credential that is not of Holdfast came from an agent, ${SIGNALS_APART_MAX + 1} times`,
    ]);
  });

  it('from before anybody was to be told, or from long ago, is left to the trail', async () => {
    await note(ALARM);
    const one = notifier();
    await one.turn();
    clock.pass(SIGNAL_AGE_MS_MAX + 1);
    await note(ALARM);
    await one.turn();
    expect(chat.sent).toEqual([]);
    await note(ALARM);
    await one.turn();
    expect(chat.kinds()).toEqual(['foreign-credential']);
  });

  it('is no signal where it is daily work', async () => {
    const one = notifier();
    await one.turn();
    await note({ kind: 'session-opened', facts: { session: 's' }, message: 'opened' });
    await one.turn();
    expect(chat.sent).toEqual([]);
  });
});

describe('a channel that fails', () => {
  it('is tried again, later each time, and is then given up, noted, and told by the others', async () => {
    const one = notifier(
      routing([
        { ...ROUTE, kinds: ['hold-opened'], importance: 'soon' },
        { ...ROUTE, kinds: ['notice-failed'], to: ['chat', 'mail'] },
      ]),
    );
    let tries = 0;
    chat.answer = async () => {
      tries += 1;
      return failed('it answered 503');
    };
    await open('x', target('sealed'));
    await one.turn();
    await one.turn();
    expect(tries).toBe(1);
    expect(await store.failures(5)).toMatchObject([
      { channel: 'chat', state: 'waiting', tries: 1, reason: 'it answered 503' },
    ]);
    for (let left = 1; left < NOTICE_TRIES_MAX; left += 1) {
      clock.pass(NOTICE_RETRY_MS_MIN * 4 ** (left - 1) - 1);
      await one.turn();
      expect(tries).toBe(left);
      clock.pass(1);
      await one.turn();
      expect(tries).toBe(left + 1);
    }
    await trail.flush();
    await one.turn();
    expect(await store.failures(5)).toMatchObject([{ state: 'failed', tries: NOTICE_TRIES_MAX }]);
    expect(events.filter(({ kind }) => kind === 'notice-failed')).toMatchObject([
      { facts: { channel: 'chat', noticeKind: 'hold-opened', reason: 'it answered 503' } },
    ]);
    expect(mail.kinds()).toEqual(['notice-failed']);
    expect(tries).toBe(NOTICE_TRIES_MAX);
  });

  it('for good is given up at once', async () => {
    const one = notifier();
    chat.answer = async () => failed('it answered 404', 'never');
    await open();
    await one.turn();
    expect(await store.failures(5)).toMatchObject([{ state: 'failed', tries: 1 }]);
  });

  it('is left alone as long as it asks for', async () => {
    const one = notifier();
    chat.answer = async () => failed('it answered 429', 'later', 10 * MINUTE_MS);
    await open();
    await one.turn();
    chat.answer = async () => DELIVERED;
    clock.pass(10 * MINUTE_MS - 1);
    await one.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(1);
    await one.turn();
    expect(chat.sent).toHaveLength(1);
  });

  it('does not go round when two of them cannot tell of each other', async () => {
    const one = notifier(routing([{ ...ROUTE, to: ['chat', 'mail'] }]));
    for (const channel of [chat, mail]) channel.answer = async () => failed('gone', 'never');
    await open();
    for (let turns = 0; turns < 6; turns += 1) {
      await one.turn();
      await trail.flush();
    }
    expect(events.filter(({ kind }) => kind === 'notice-failed')).toHaveLength(2);
  });

  it('holds up neither the other channels nor the next hold when it hangs', async () => {
    const one = notifier(routing([{ ...ROUTE, to: ['chat', 'mail'] }]));
    chat.answer = (_notice, signal) =>
      new Promise((done) => {
        signal.addEventListener('abort', () => done(failed('stopped')), { once: true });
      });
    await open('a');
    const hanging = one.turn();
    await vi.waitFor(() => expect(mail.sent).toHaveLength(1), 10_000);
    await open('b');
    const alsoHanging = one.turn();
    await vi.waitFor(() => expect(mail.sent).toHaveLength(2), 10_000);
    await one.stop();
    await Promise.all([hanging, alsoHanging]);
    expect(await store.lines()).toMatchObject([
      { channel: 'chat', waiting: 2, failed: 0 },
      { channel: 'mail', sent: 2 },
    ]);
    chat.answer = async () => DELIVERED;
    await notifier(routing([{ ...ROUTE, to: ['chat', 'mail'] }])).turn();
    expect([chat.sent.length, mail.sent.length]).toEqual([2, 2]);
  });
});

describe('two gateways on one store', () => {
  it('send each notice once, however they look at the same time', async () => {
    const plan = routing([{ ...ROUTE, to: ['chat', 'mail'], escalate: [['pager']] }]);
    const [one, two] = [notifier(plan), notifier(plan, other)];
    const ids = [await open('a'), await open('b'), await open('c')];
    await Promise.all([one.turn(), two.turn(), one.turn(), two.turn()]);
    await Promise.all([one.turn(), two.turn()]);
    clock.pass(15 * MINUTE_MS);
    await Promise.all([one.turn(), two.turn()]);
    await Promise.all([one.turn(), two.turn()]);
    expect(told(chat)).toEqual(ids.map((id) => `${id}.opened`).toSorted());
    expect(told(mail)).toEqual(ids.map((id) => `${id}.opened`).toSorted());
    expect(told(pager)).toEqual(ids.map((id) => `${id}.escalated-1`).toSorted());
  });

  it('take over what one that was killed had begun to send', async () => {
    await open('a');
    const now = clock.now();
    const plan = routing([ROUTE]);
    // Planned and claimed by one of which nothing more is heard.
    const killed = notifier(plan);
    chat.answer = () => new Promise(() => {});
    void killed.turn();
    await vi.waitFor(async () => {
      const claimed = await scratch.database.run((db) =>
        db.selectFrom('holdfast.deliveries').select('state').executeTakeFirst(),
      );
      expect(claimed?.state).toBe('sending');
    }, 10_000);
    ends.length = 0;
    chat.answer = async () => DELIVERED;
    const two = notifier(plan, other);
    clock.pass(NOTICE_CLAIM_MS - 1);
    await two.turn();
    expect(chat.sent).toEqual([]);
    clock.pass(1);
    await two.turn();
    expect(chat.sent).toHaveLength(1);
    expect(clock.now().getTime() - now.getTime()).toBe(NOTICE_CLAIM_MS);
  });

  it('leave alone what another finished after its claim had run out', async () => {
    const id = await open('a');
    await notifier(routing([{ ...ROUTE, to: ['mail'] }])).turn();
    const key = { subject: id, step: 'opened', channel: 'mail' };
    await store.finish([key], 'somebody else', { kind: 'failed', reason: 'late' }, clock.now());
    expect(await store.lines()).toMatchObject([{ channel: 'mail', sent: 1, failed: 0 }]);
  });

  function told(channel: Kept): string[] {
    return channel.sent.map(({ id }) => id).toSorted();
  }
});

describe('news', () => {
  it('of a hold is enough: it is told without a sweep in between', async () => {
    const notices = new Notices(scratch.database, { pollMs: 3_600_000 });
    await notices.start();
    const one = new Notifier({
      store,
      holds: holdStore,
      proposals: new SqlProposalStore(scratch.database, enrolled.checks),
      channels: [chat],
      routing: routing([ROUTE]),
      news: { on: (handler) => notices.on(HOLDS_CHANNEL, handler) },
      clock,
      dashboard: 'https://holdfast.example.com',
      note: () => {},
      trouble: (error) => faults.push(error),
    });
    one.start();
    await one.turn();
    const id = await open();
    await vi.waitFor(
      () => expect(chat.sent.map((each) => each.id)).toEqual([`${id}.opened`]),
      5_000,
    );
    await one.stop();
    await notices.close();
  });
});

describe('what is kept', () => {
  it('goes after thirty days, but not of a hold that still waits', async () => {
    await notifier().turn();
    await open('a');
    await notifier().turn();
    clock.pass(NOTICE_KEPT_MS + 1);
    await scratch.database.run((db) =>
      sql`update holdfast.holds set expires_at = ${new Date(clock.now().getTime() + HOUR_MS)}`.execute(
        db,
      ),
    );
    await notifier().turn();
    expect(await store.lines()).toMatchObject([{ channel: 'chat', sent: 1 }]);
    clock.pass(2 * HOUR_MS);
    await holds.sweep();
    const late = notifier();
    await late.turn();
    expect((await store.lines())[0]?.sent).toBe(1);
    expect(chat.sent.map(({ id }) => id.split('.')[1])).toEqual(['opened', 'expired']);
  });
});
