/** Agents, tokens and people as the CLI uses them, on a real PostgreSQL. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Agents } from '../identity/agents.ts';
import { Credentials } from '../identity/credentials.ts';
import { LiveDirectory } from '../identity/live-directory.ts';
import { OpenCredentials } from '../identity/open-credentials.ts';
import { People } from '../identity/people.ts';
import type { Role } from '../identity/roles.ts';
import { Seal } from '../identity/seal.ts';
import { hashToken } from '../identity/token.ts';
import { Totp } from '../identity/totp.ts';
import type { HoldfastEvent } from '../model/event.ts';
import {
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
  events = [];
  const note = (event: HoldfastEvent): number => events.push(event);
  agents = new Agents({
    store: new SqlAgentStore(database),
    clock,
    note: (event) => void note(event),
  });
  people = new People({
    store: new SqlPeopleStore(database),
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

describe('a gateway that is already open', () => {
  it('learns of a token, and of its end, from another process by notice alone', async () => {
    const elsewhere = await scratch.another();
    const notices = new Notices(elsewhere, { pollMs: 3_600_000 });
    const directory = await LiveDirectory.start({ store: new SqlAgentStore(elsewhere), clock });
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
    const notices = new Notices(here, { pollMs: 3_600_000 });
    await notices.start();
    const credentials = credentialsOn(here);
    // Its clock stands still: only a notice makes it ask again.
    const opened = new OpenCredentials({ clock, open: (name) => credentials.open(name) });
    notices.on(CREDENTIALS_CHANNEL, () => opened.forget());
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
    const stores = [scratch.database, await scratch.another()].map((db) => new SqlAgentStore(db));
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
