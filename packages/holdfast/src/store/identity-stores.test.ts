/** Agents, tokens and people as the CLI uses them, on a real PostgreSQL. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Agents } from '../identity/agents.ts';
import { Credentials } from '../identity/credentials.ts';
import { LiveDirectory } from '../identity/live-directory.ts';
import { OpenCredentials } from '../identity/open-credentials.ts';
import { People } from '../identity/people.ts';
import type { Role } from '../identity/roles.ts';
import { RowKeys } from '../identity/row-keys.ts';
import { Seal } from '../identity/seal.ts';
import { hashToken } from '../identity/token.ts';
import { Totp } from '../identity/totp.ts';
import { workingHoursOf } from '../identity/working-hours.ts';
import type { HoldfastEvent } from '../model/event.ts';
import {
  AGENT_DEPTH_MAX,
  TOKEN_LIFE_MS_DEFAULT,
  TOKEN_LIFE_MS_MAX,
  TOTP_FAILURES_MAX,
  TOTP_PAUSE_MS,
} from '../model/limits.ts';
import { authenticator } from '../testing/authenticator.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { AGENTS_CHANNEL, SqlAgentStore } from './agent-store.ts';
import { CREDENTIALS_CHANNEL, SqlCredentialStore } from './credential-store.ts';
import { Notices } from './notices.ts';
import { SqlPeopleStore } from './people-store.ts';

let scratch: ScratchStore;
let clock: ManualClock;
let events: HoldfastEvent[];
let agents: Agents;
let people: People;
let rows: RowKeys;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async ({ task }) => {
  const { database } = scratch;
  await database.run((db) =>
    sql`truncate holdfast.agents, holdfast.tokens, holdfast.people, holdfast.signatures cascade`.execute(
      db,
    ),
  );
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  rows = new RowKeys(new Seal(Buffer.alloc(32, 1), clock));
  events = [];
  const note = (event: HoldfastEvent): number => events.push(event);
  agents = new Agents({
    store: new SqlAgentStore(database, rows),
    clock,
    note: (event) => void note(event),
  });
  people = new People({
    store: new SqlPeopleStore(database, { rows, isPasskey: () => true }),
    totp: new Totp(new Seal(Buffer.alloc(32, 1), clock), clock),
    clock,
    note: (event) => void note(event),
  });
});

const STAGING = { agent: 'cursor', environment: 'staging', targets: ['main-db'] };

describe('agents', () => {
  it('are added once by a name', async () => {
    await agents.add('cursor');
    expect((await refusalOf(agents.add('cursor'))).code).toBe('HF_EXISTS');
    expect((await refusalOf(agents.add('Cursor 2'))).code).toBe('HF_USAGE');
    expect((await agents.list()).map(({ name }) => name)).toEqual(['cursor']);
    expect(events.map(({ kind }) => kind)).toEqual(['agent-added']);
  });

  it('get a token that lives eight hours unless asked otherwise, and is kept only as a hash', async () => {
    await agents.add('cursor');
    const { id, token, expiresAt } = await agents.issueToken(STAGING);
    expect(expiresAt.getTime() - clock.now().getTime()).toBe(TOKEN_LIFE_MS_DEFAULT);
    const [listed] = await agents.list();
    expect(listed?.tokens).toMatchObject([{ id, environment: 'staging', targets: ['main-db'] }]);
    const rows = await scratch.database.run((db) =>
      sql<{ row: string }>`select t::text as row from holdfast.tokens t`.execute(db),
    );
    const kept = JSON.stringify(rows.rows) + JSON.stringify(events);
    expect(kept).toContain(hashToken(token).toString('hex'));
    expect(kept).not.toContain(token);
  });

  it.each([
    ['longer than the limit', TOKEN_LIFE_MS_MAX + 1],
    ['of no time', 0],
    ['of less than none', -1],
    ['of no number', Number.NaN],
  ])('get no token with a life %s', async (_, lifeMs) => {
    await agents.add('cursor');
    const error = await refusalOf(agents.issueToken({ ...STAGING, lifeMs }));
    expect(error.code).toBe('HF_LIMIT');
    expect(error.expected).toContain('30 days');
  });

  it('that nobody added get none', async () => {
    expect((await refusalOf(agents.issueToken(STAGING))).code).toBe('HF_NOT_FOUND');
    expect((await refusalOf(agents.revoke({ kind: 'agent', name: 'cursor' }))).code).toBe(
      'HF_NOT_FOUND',
    );
    const wrong = await refusalOf(agents.revoke({ kind: 'token', id: 'hf_whole_token' }));
    expect(wrong.code).toBe('HF_NOT_FOUND');
    expect(wrong.message).not.toContain('hf_whole_token');
  });

  it('lose one token, then all', async () => {
    await agents.add('cursor');
    const first = await agents.issueToken(STAGING);
    const second = await agents.issueToken(STAGING);
    expect(await agents.revoke({ kind: 'token', id: first.id })).toEqual([first.id]);
    expect(await agents.revoke({ kind: 'token', id: first.id })).toEqual([]);
    expect(await agents.revoke({ kind: 'agent', name: 'cursor' })).toEqual([second.id]);
    expect((await agents.list())[0]?.tokens).toEqual([]);
    const revoked = events.filter(({ kind }) => kind === 'token-revoked');
    expect(revoked.map(({ facts }) => facts['token'])).toEqual([first.id, second.id]);
  });
});

describe('what is said of an agent', () => {
  const HOURS = workingHoursOf('Mon-Fri 08:00-19:00 Europe/Lisbon');
  const FULL = {
    purpose: 'features of the booking service',
    owner: 'ana',
    environments: ['staging'],
    targets: ['main-db'],
    effectKinds: ['read', 'write'],
    workingHours: HOURS,
    expiresAt: new Date('2027-01-01T00:00:00Z'),
  } as const;

  it('is kept, shown, changed in part and noted', async () => {
    await people.add('ana');
    await agents.add('cursor', FULL);
    expect(await agents.show('cursor')).toMatchObject({
      purpose: FULL.purpose,
      owner: { name: 'ana', isRemoved: false },
      environments: ['staging'],
      targets: ['main-db'],
      effectKinds: ['read', 'write'],
      workingHours: 'Mon-Fri 08:00-19:00 Europe/Lisbon',
      expiresAt: FULL.expiresAt,
      parent: null,
      // 09:00 on a Saturday.
      state: 'off-hours',
    });
    await agents.change('cursor', { workingHours: null, effectKinds: null, owner: null });
    expect(await agents.show('cursor')).toMatchObject({
      purpose: FULL.purpose,
      owner: null,
      workingHours: null,
      effectKinds: null,
      targets: ['main-db'],
      state: 'active',
    });
    const changed = events.find(({ kind }) => kind === 'agent-changed');
    expect(changed?.facts).toMatchObject({ effects: 'all', hours: 'always', owner: 'none' });
    expect(changed?.facts).not.toHaveProperty('targets');
  });

  it('names an owner who left as one who left', async () => {
    await people.add('ana');
    await agents.add('cursor', { owner: 'ana' });
    await people.remove('ana');
    expect((await agents.show('cursor')).owner).toMatchObject({ name: 'ana', isRemoved: true });
    expect((await refusalOf(agents.add('other', { owner: 'ana' }))).code).toBe('HF_NOT_FOUND');
  });

  it.each([
    ['no purpose', { purpose: ' ' }],
    ['a purpose that plays on the screen', { purpose: 'well\u202egone' }],
    ['a purpose of several lines', { purpose: 'a\nb' }],
    ['a purpose without end', { purpose: 'x'.repeat(201) }],
    ['no kind of effect', { effectKinds: [] }],
    ['a target that is no name', { targets: [''] }],
  ])('is not taken: %s', async (_story, said) => {
    expect((await refusalOf(agents.add('cursor', said))).code).toBe('HF_USAGE');
    expect(await agents.list()).toEqual([]);
  });

  it('of a sub-agent is no more than its parent may, when it is added and when it is changed', async () => {
    await agents.add('boss', { environments: ['staging'], effectKinds: ['read'] });
    const wide = await refusalOf(
      agents.add('sub', { parent: 'boss', environments: ['production'], effectKinds: ['write'] }),
    );
    expect([wide.code, wide.found]).toEqual([
      'HF_AGENT_SCOPE',
      'environment production, effects write',
    ]);
    await agents.add('sub', { parent: 'boss' });
    const later = await refusalOf(agents.change('sub', { effectKinds: ['read', 'destroy'] }));
    expect([later.code, later.found]).toEqual(['HF_AGENT_SCOPE', 'effects destroy']);
    expect((await agents.show('sub')).effective).toMatchObject({
      environments: ['staging'],
      effectKinds: ['read'],
    });
    expect((await agents.show('boss')).children).toEqual(['sub']);
    expect((await refusalOf(agents.add('lost', { parent: 'nobody' }))).code).toBe('HF_NOT_FOUND');
  });

  it('of a sub-agent may be changed although its parent lost what it had', async () => {
    await agents.add('boss', { targets: ['main-db', 'other-db'] });
    await agents.add('sub', { parent: 'boss', targets: ['other-db'] }, 'ana');
    await agents.change('boss', { targets: ['main-db'] });
    await agents.change('sub', { purpose: 'a part of it' }, 'ben');
    expect((await agents.show('sub')).effective.targets).toEqual([]);
    expect(events.map(({ facts }) => facts['by'])).toEqual([undefined, 'ana', undefined, 'ben']);
  });

  it('goes no deeper than the limit', async () => {
    await agents.add('a1');
    for (let depth = 2; depth <= AGENT_DEPTH_MAX; depth += 1) {
      await agents.add(`a${depth}`, { parent: `a${depth - 1}` });
    }
    const parent = `a${AGENT_DEPTH_MAX}`;
    expect((await agents.show(parent)).state).toBe('active');
    expect((await refusalOf(agents.add('deeper', { parent }))).code).toBe('HF_LIMIT');
  });

  it('counts as not there where somebody wrote words into the store by hand', async () => {
    await agents.add('cursor', { effectKinds: ['read'] });
    await scratch.database.run((db) =>
      sql`update holdfast.agents set working_hours = 'whenever', effect_kinds = '{anything}'`.execute(
        db,
      ),
    );
    expect(await agents.list()).toEqual([]);
    expect((await refusalOf(agents.show('cursor'))).code).toBe('HF_NOT_FOUND');
  });
});

describe('an agent that is paused', () => {
  const WORD = { by: 'ana', note: 'odd deletes' };

  it('keeps the first word, gets no token, cannot be added anew, and goes on when it may', async () => {
    await agents.add('cursor');
    expect(await agents.pause('cursor', WORD)).toBe(true);
    expect(await agents.pause('cursor', { by: 'ben', note: 'me too' })).toBe(false);
    expect(await agents.show('cursor')).toMatchObject({ state: 'paused', paused: WORD });
    expect((await refusalOf(agents.issueToken(STAGING))).code).toBe('HF_AGENT_PAUSED');
    expect((await refusalOf(agents.add('cursor'))).code).toBe('HF_EXISTS');
    expect((await agents.show('cursor')).state).toBe('paused');
    expect(await agents.resume('cursor', { by: 'ana', note: '' })).toBe(true);
    expect(await agents.resume('cursor', { by: 'ana', note: '' })).toBe(false);
    await agents.issueToken(STAGING);
    expect(events.map(({ kind }) => kind)).toEqual([
      'agent-added',
      'agent-paused',
      'agent-resumed',
      'token-issued',
    ]);
    for (const act of ['pause', 'resume'] as const) {
      expect((await refusalOf(agents[act]('nobody', WORD))).code).toBe('HF_NOT_FOUND');
    }
  });

  it('stops those below it, and revoking it takes their tokens', async () => {
    await agents.add('boss');
    await agents.add('sub', { parent: 'boss' });
    await agents.add('subsub', { parent: 'sub' });
    const issued = await agents.issueToken({ ...STAGING, agent: 'subsub' });
    await agents.pause('boss', WORD);
    expect((await agents.show('subsub')).stop).toContain('agent boss, the parent of subsub,');
    const refused = await refusalOf(agents.issueToken({ ...STAGING, agent: 'subsub' }));
    expect(refused.code).toBe('HF_AGENT_PAUSED');
    expect(await agents.revoke({ kind: 'agent', name: 'boss' })).toEqual([issued.id]);
  });

  it('revokes and ends even where somebody made a circle of parents by hand', async () => {
    await agents.add('a');
    await agents.add('b', { parent: 'a' });
    const { id } = await agents.issueToken({ ...STAGING, agent: 'b' });
    await scratch.database.run((db) =>
      sql`update holdfast.agents a set parent_id = b.id from holdfast.agents b
          where a.name = 'a' and b.name = 'b'`.execute(db),
    );
    // What was changed by hand is not there, and what hangs below it may nothing.
    expect((await agents.list()).map(({ name, state }) => [name, state])).toEqual([
      ['b', 'paused'],
    ]);
    expect(await agents.revoke({ kind: 'agent', name: 'a' })).toEqual([id]);
  });
});

describe('a token', () => {
  it('is for nothing that its agent, with those above it, may not', async () => {
    await agents.add('boss', { environments: ['staging'], targets: ['main-db', 'other-db'] });
    await agents.add('sub', { parent: 'boss', targets: ['main-db'] });
    const ask = (more: Partial<typeof STAGING>) =>
      refusalOf(agents.issueToken({ ...STAGING, agent: 'sub', ...more }));
    expect(await ask({ environment: 'production' })).toMatchObject({
      code: 'HF_AGENT_SCOPE',
      found: 'environment production',
    });
    expect(await ask({ targets: ['main-db', 'other-db'] })).toMatchObject({
      code: 'HF_AGENT_SCOPE',
      found: 'target other-db',
    });
    // All of the environment is what is left of it, and stays so when its agent may more some day.
    const { targets } = await agents.issueToken({ ...STAGING, agent: 'sub', targets: [] });
    expect(targets).toEqual(['main-db']);
    expect((await agents.show('sub')).tokens[0]?.targets).toEqual(['main-db']);
  });

  it('ends when its agent, or one above it, does', async () => {
    const endsAt = new Date(clock.now().getTime() + 3_600_000);
    await agents.add('boss', { expiresAt: endsAt });
    await agents.add('sub', { parent: 'boss' });
    const { expiresAt } = await agents.issueToken({ ...STAGING, agent: 'sub' });
    expect(expiresAt).toEqual(endsAt);
    clock.pass(3_600_000);
    const late = await refusalOf(agents.issueToken({ ...STAGING, agent: 'sub' }));
    expect(late.code).toBe('HF_AGENT_EXPIRED');
  });

  it('keeps its last use, the latest of all processes, and tells no gateway of it', async () => {
    await agents.add('cursor');
    const { id } = await agents.issueToken(STAGING);
    const elsewhere = await scratch.another();
    const notices = new Notices(elsewhere, { pollMs: 3_600_000 });
    const heard: (string | null)[] = [];
    notices.on(AGENTS_CHANNEL, (what) => heard.push(what));
    await notices.start();
    const heardBefore = heard.length;
    const store = new SqlAgentStore(scratch.database, rows);
    const use = (seconds: number, source: string) => ({
      at: new Date(clock.now().getTime() + seconds * 1_000),
      source,
      protocol: 'postgres' as const,
    });
    await store.recordUses(new Map([[id, use(5, '10.0.0.4')]]));
    await store.recordUses(
      new Map([
        [id, use(1, '10.0.0.9')],
        ['token_gone', use(9, '::1')],
      ]),
    );
    expect((await agents.show('cursor')).tokens[0]?.lastUse).toEqual(use(5, '10.0.0.4'));
    // What comes behind it on the same wire is heard, so it would have been, too.
    await agents.add('other');
    await vi.waitFor(() => expect(heard.length).toBeGreaterThan(heardBefore), 5_000);
    expect(heard.length).toBe(heardBefore + 1);
    await notices.close();
  });
});

describe('a sealed credential', () => {
  it('is used however old it is, unless somebody asked for another rule', async () => {
    const parts = {
      store: new SqlCredentialStore(scratch.database),
      seal: new Seal(Buffer.alloc(32, 1), clock),
      clock,
      note: async () => {},
    };
    const day = 86_400_000;
    const lenient = new Credentials(parts);
    const strict = new Credentials({
      ...parts,
      rotation: { rotationMs: 20 * day, refuseAfterMs: 40 * day },
    });
    await lenient.add('aging', 'secret');
    clock.pass(40 * day);
    expect(await strict.open('aging')).toBe('secret');
    clock.pass(1);
    expect(await refusalOf(strict.open('aging'))).toMatchObject({
      code: 'HF_CREDENTIAL_OLD',
      expected: expect.stringContaining('40 days'),
    });
    expect(await lenient.open('aging')).toBe('secret');
    await strict.add('aging', 'fresh');
    expect(await strict.open('aging')).toBe('fresh');
    expect(JSON.stringify(await lenient.list())).not.toContain('fresh');
  });
});

describe('a gateway that is already open', () => {
  it('learns of a token, and of its end, from another process by notice alone', async () => {
    const elsewhere = await scratch.another();
    const notices = new Notices(elsewhere, { pollMs: 3_600_000 });
    const directory = await LiveDirectory.start({
      store: new SqlAgentStore(elsewhere, rows),
      clock,
    });
    notices.on(AGENTS_CHANNEL, () => void directory.look());
    await notices.start();
    const ended: string[] = [];
    directory.onEnded(({ tokenId, reason }) => ended.push(`${tokenId} ${reason}`));

    await agents.add('cursor');
    const { id } = await agents.issueToken(STAGING);
    await vi.waitFor(() => expect(directory.isLive(id)).toBe(true), 5_000);
    await agents.revoke({ kind: 'token', id });
    await vi.waitFor(() => expect(ended).toEqual([`${id} HF_TOKEN_REVOKED`]), 5_000);
    expect(directory.isLive(id)).toBe(false);
    await notices.close();
  });

  it('forgets a credential that another process replaced or removed, by notice alone', async () => {
    const credentialsOn = (database: ScratchStore['database']): Credentials =>
      new Credentials({
        store: new SqlCredentialStore(database),
        seal: new Seal(Buffer.alloc(32, 1), clock),
        clock,
        note: async () => {},
      });
    const here = await scratch.another();
    const credentials = credentialsOn(here);
    // Its clock stands still: only a notice makes it ask again.
    const opened = new OpenCredentials({ clock, open: (name) => credentials.open(name) });
    // The channel before the start, which waits until it is listened to: with no poll nothing else would tell.
    const notices = new Notices(here, { pollMs: 3_600_000 });
    notices.on(CREDENTIALS_CHANNEL, () => opened.forget());
    await notices.start();
    const elsewhere = credentialsOn(scratch.database);
    await elsewhere.add('railway', 'first');
    await vi.waitFor(async () => expect(await opened.secret('railway')).toBe('first'), 5_000);
    await elsewhere.add('railway', 'second');
    await vi.waitFor(async () => expect(await opened.secret('railway')).toBe('second'), 5_000);
    await elsewhere.remove('railway');
    await vi.waitFor(() => expect(opened.secret('railway')).rejects.toThrow(/railway/), 5_000);
    await notices.close();
  });

  it('makes up the same salts as every other gateway of the store', async () => {
    const stores = [scratch.database, await scratch.another()].map(
      (db) => new SqlAgentStore(db, rows),
    );
    const salts = [];
    for (const store of stores) {
      const directory = await LiveDirectory.start({ store, clock });
      salts.push(directory.credentialsOf('ghost').salt.toString('hex'));
    }
    expect(salts[0]).toBe(salts[1]);
  });
});

/** Holds everybody's row until all of `work` wait for it, then lets them run into each other. */
async function atOneMoment(
  times: number,
  work: () => Promise<void>,
): Promise<{ done: Promise<PromiseSettledResult<void>[]> }> {
  const elsewhere = await scratch.another();
  const waiting = sql<{ count: bigint }>`select count(*) from pg_stat_activity
    where wait_event_type = 'Lock' and query like '%holdfast%people%'`;
  return elsewhere.transaction(async (trx) => {
    await sql`select 1 from holdfast.people for update`.execute(trx);
    const done = Promise.allSettled(Array.from({ length: times }, work));
    await vi.waitFor(async () => {
      const found = await scratch.database.run((db) => waiting.execute(db));
      expect(found.rows[0]?.count).toBe(BigInt(times));
    }, 10_000);
    return { done };
  });
}

describe('people', () => {
  it('count only after a first right code', async () => {
    const { uri } = await people.add('ana');
    const code = authenticator(uri);
    expect((await refusalOf(people.add('ana'))).code).toBe('HF_EXISTS');
    expect((await people.list())[0]?.confirmedAt).toBeNull();
    expect((await refusalOf(people.confirm('ana', '000000'))).code).toBe('HF_TOTP_WRONG');
    expect((await people.list())[0]?.confirmedAt).toBeNull();
    await people.confirm('ana', code(clock.now()));
    expect((await people.list())[0]?.confirmedAt).toEqual(clock.now());
    expect(events.map(({ kind }) => kind)).toEqual(['person-added', 'person-confirmed']);
  });

  it('keep their secret sealed: the table holds none of it', async () => {
    const { uri } = await people.add('ana');
    const secret = new URL(uri).searchParams.get('secret') ?? 'none';
    const rows = await scratch.database.run((db) =>
      sql<{ row: string }>`select p::text as row from holdfast.people p`.execute(db),
    );
    expect(JSON.stringify(rows.rows)).not.toContain(secret);
    expect(JSON.stringify(events)).not.toContain(secret);
  });

  it('use a code once, though several try it at the same moment', async () => {
    const { uri } = await people.add('ana');
    const code = authenticator(uri)(clock.now());
    const { done } = await atOneMoment(3, () => people.confirm('ana', code));
    expect((await done).filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('have each wrong code counted, though several come at the same moment', async () => {
    await people.add('ana');
    const guess = (): Promise<void> => people.confirm('ana', '000000');
    const { done } = await atOneMoment(TOTP_FAILURES_MAX - 1, guess);
    await done;
    const last = await refusalOf(people.confirm('ana', '000000'));
    expect(last.found).toBe(`the ${TOTP_FAILURES_MAX}th wrong one`);
  });

  it('are paused after too many wrong codes, counted across processes, and freed by time', async () => {
    const { uri } = await people.add('ana');
    const code = authenticator(uri);
    for (let tries = 0; tries < TOTP_FAILURES_MAX; tries += 1) {
      await refusalOf(people.confirm('ana', '000000'));
    }
    const error = await refusalOf(people.confirm('ana', code(clock.now())));
    expect([error.code, error.found]).toEqual([
      'HF_TOTP_WRONG',
      'a pause after too many wrong ones',
    ]);
    clock.pass(TOTP_PAUSE_MS);
    await people.confirm('ana', code(clock.now()));
  });

  it('keep one owner who can sign in, whoever goes first', async () => {
    const join = async (name: string, roles: readonly Role[]): Promise<void> => {
      const code = authenticator((await people.add(name, roles)).uri);
      await people.confirm(name, code(clock.now()));
    };
    await join('ana', ['owner']);
    await people.add('eve', ['owner']);
    // Eve never confirmed, so she could not keep the house.
    expect((await refusalOf(people.remove('ana'))).code).toBe('HF_LAST_OWNER');
    expect((await refusalOf(people.setRoles('ana', ['auditor']))).code).toBe('HF_LAST_OWNER');
    await join('ben', ['owner', 'approver']);
    const both = await Promise.allSettled([people.remove('ana'), people.remove('ben')]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    const left = (await people.list()).filter(({ confirmedAt }) => confirmedAt !== null);
    expect(left.map(({ roles }) => roles.includes('owner'))).toEqual([true]);
  });

  it('are not handed on by an owner for an hour, nor by who is gone meanwhile', async () => {
    const join = async (name: string, roles: readonly Role[]) => {
      const { person, uri } = await people.add(name, roles);
      await people.confirm(name, authenticator(uri)(clock.now()));
      return { id: person.id, name };
    };
    const ana = await join('ana', ['owner']);
    const eve = await join('eve', ['auditor']);
    await join('ben', ['approver']);
    await people.raise(eve.id, new Date(clock.now().getTime() + 3_600_000));
    const tries = [
      () => people.setRoles('eve', ['owner'], eve),
      () => people.setRoles('ben', ['owner'], eve),
      () => people.setRoles('ana', ['auditor'], eve),
      () => people.remove('ana', eve),
    ];
    for (const one of tries) expect((await refusalOf(one())).code).toBe('HF_FORBIDDEN');
    await people.setRoles('ben', ['auditor'], eve);
    // An owner by their roles ends what break-glass gave.
    await people.setRoles('eve', ['auditor'], ana);
    expect((await people.byId(eve.id)).ownerUntil).toBeNull();
    await people.setRoles('eve', ['owner'], ana);
    await people.remove('ana', eve);
    expect((await refusalOf(people.setRoles('ben', ['owner'], ana))).code).toBe('HF_FORBIDDEN');
  });

  it('begin as owner when they are the first, as approver after', async () => {
    await people.add('ana');
    await people.add('ben');
    expect((await people.list()).map(({ roles }) => roles)).toEqual([['owner'], ['approver']]);
  });

  it('who lost the phone are removed and added again', async () => {
    const old = authenticator((await people.add('ana')).uri);
    await people.remove('ana');
    expect((await refusalOf(people.remove('ana'))).code).toBe('HF_NOT_FOUND');
    await people.add('ana');
    expect((await refusalOf(people.confirm('ana', old(clock.now())))).code).toBe('HF_TOTP_WRONG');
    expect(await people.list()).toHaveLength(1);
  });
});
