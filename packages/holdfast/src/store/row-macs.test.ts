/** Who writes to our tables without the seal key makes nobody, changes nobody and opens nothing. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Agents } from '../identity/agents.ts';
import { hashSecret, newSecret } from '../identity/secrets.ts';
import { Sessions } from '../identity/sessions.ts';
import { hashToken, newToken } from '../identity/token.ts';
import { workingHoursOf } from '../identity/working-hours.ts';
import { systemClock } from '../model/clock.ts';
import type { ForeignRow } from '../model/row-macs.ts';
import { Enrolled, RP_ID } from '../testing/enrolled.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { refusalOf } from '../testing/refusal.ts';
import { type ScratchPostgres, startScratchPostgres } from '../testing/scratch-postgres.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { SoftwarePasskey } from '../testing/software-passkey.ts';
import { SqlAgentStore } from './agent-store.ts';
import { type Database, openDatabase } from './database.ts';
import { SqlDeviceStore } from './device-store.ts';
import { SqlInviteStore } from './invite-store.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { SqlPasskeyStore } from './passkey-store.ts';
import { SqlPeopleStore } from './people-store.ts';
import { SqlRecoveryStore } from './recovery-store.ts';
import { SqlSessionStore } from './session-store.ts';
import { SqlSsoStore } from './sso-store.ts';
import { stampRows } from './stamp-rows.ts';

let scratch: ScratchStore;
let clock: ManualClock;
let enrolled: Enrolled;
let sessions: Sessions;
let invites: SqlInviteStore;
let agents: Agents;
let agentStore: SqlAgentStore;
let foreign: ForeignRow[];

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

function byHand(query: ReturnType<typeof sql>): Promise<unknown> {
  return scratch.database.run((db) => query.execute(db));
}

beforeEach(async ({ task }) => {
  await byHand(sql`truncate holdfast.people, holdfast.agents, holdfast.tokens cascade`);
  const { database } = scratch;
  clock = new ManualClock('2026-11-21T09:00:00Z', task.id);
  enrolled = new Enrolled(database, clock, () => {});
  const { rows } = enrolled.proofKeys;
  foreign = [];
  rows.onForeign((row) => void foreign.push(row));
  sessions = new Sessions({ store: new SqlSessionStore(database, rows), clock });
  invites = new SqlInviteStore(database, rows);
  agentStore = new SqlAgentStore(database, rows);
  agents = new Agents({ store: agentStore, clock, note: () => {} });
  await enrolled.enrol('ana', 'ben');
});

async function openFor(name: string): Promise<{ id: string; secret: string }> {
  const personId = await enrolled.idOf(name);
  const about = { method: 'device', userAgent: 'cli', source: '127.0.0.1', device: null } as const;
  return await sessions.open({ personId, kind: 'command-line', ...about });
}

async function namesOf(): Promise<readonly string[]> {
  return (await enrolled.people.list()).map(({ name }) => name);
}

describe('a person', () => {
  it('whom somebody wrote is nobody: not in a list, and of no name that signs in', async () => {
    await byHand(sql`
      insert into holdfast.people (id, name, roles, totp_sealed, added_at, confirmed_at, failures, last_step, mac)
        select 'person_mallory', 'mallory', '{owner}', totp_sealed, added_at, confirmed_at, 0, -1, mac
        from holdfast.people where name = 'ana'`);
    expect(await namesOf()).toEqual(['ana', 'ben']);
    expect((await enrolled.people.overview()).map(({ name }) => name)).toEqual(['ana', 'ben']);
    const error = await refusalOf(enrolled.people.setRoles('mallory', ['approver']));
    expect(error.code).toBe('HF_NOT_FOUND');
    expect(foreign).toEqual([{ kind: 'person', id: 'person_mallory' }]);
  });

  it.each([
    ['roles', sql`update holdfast.people set roles = '{owner}' where name = 'ana'`],
    ['name', sql`update holdfast.people set name = 'anne' where name = 'ana'`],
    [
      'hour as an owner',
      sql`update holdfast.people set owner_until = now() + interval '1 year' where name = 'ana'`,
    ],
    [
      'codes',
      sql`update holdfast.people a set totp_sealed = b.totp_sealed
          from holdfast.people b where a.name = 'ana' and b.name = 'ben'`,
    ],
    ['MAC taken away', sql`update holdfast.people set mac = '' where name = 'ana'`],
    [
      'date without a form',
      sql`update holdfast.people set owner_until = 'infinity' where name = 'ana'`,
    ],
  ])('is nobody with another %s, and their session opens nothing', async (_, change) => {
    const { secret } = await openFor('ana');
    expect((await sessions.find(secret, null))?.name).toBe('ana');
    await byHand(change);
    expect(await sessions.find(secret, null)).toBeNull();
    expect(await namesOf()).toEqual(['ben']);
  });

  it('who was removed does not come back by a stroke of the pen', async () => {
    await enrolled.people.remove('ana');
    await byHand(sql`update holdfast.people set removed_at = null where name = 'ana'`);
    expect(await namesOf()).toEqual(['ben']);
    expect(foreign).toHaveLength(1);
  });

  it('is not made true by the next honest change of their row', async () => {
    const id = await enrolled.idOf('ana');
    await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'ana'`);
    expect(await enrolled.people.raise(id, clock.now())).toBe(false);
    expect((await refusalOf(enrolled.people.confirm('ana', enrolled.code('ana')))).code).toBe(
      'HF_NOT_FOUND',
    );
    expect((await refusalOf(enrolled.people.remove('ana'))).code).toBe('HF_NOT_FOUND');
    expect(await namesOf()).toEqual(['ben']);
  });

  it('stays true through every honest change', async () => {
    const id = await enrolled.idOf('ana');
    await enrolled.people.setRoles('ana', ['owner', 'auditor']);
    await enrolled.people.raise(id, new Date(clock.now().getTime() + 1000));
    expect(await namesOf()).toEqual(['ana', 'ben']);
    expect(foreign).toEqual([]);
  });

  it('who is an owner by hand is not the owner who may be left behind', async () => {
    await enrolled.people.setRoles('ana', ['owner']);
    await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'ben'`);
    expect((await refusalOf(enrolled.people.remove('ana'))).code).toBe('HF_LAST_OWNER');
  });

  it('with a passkey by hand alone is no owner who is left, and has no other way in', async () => {
    const { database } = scratch;
    const store = new SqlPeopleStore(database, enrolled.proofKeys);
    await enrolled.people.setRoles('ana', ['owner']);
    await enrolled.people.setRoles('ben', ['owner']);
    const ben = await enrolled.idOf('ben');
    await enrolled.passkey('ben');
    expect(await store.removeCodes(ben)).toBe('done');
    const kept = await database.run((db) =>
      db.selectFrom('holdfast.passkeys').select(['credential_id', 'mac']).executeTakeFirstOrThrow(),
    );
    await byHand(sql`update holdfast.passkeys set mac = 'no'`);
    expect((await refusalOf(enrolled.people.remove('ana'))).code).toBe('HF_LAST_OWNER');
    const sso = new SqlSsoStore(database, enrolled.proofKeys);
    expect(await sso.unlink(ben)).toBe('last');
    await byHand(sql`update holdfast.passkeys set mac = ${kept.mac}`);
    expect(await sso.unlink(ben)).toBe('none');
    await enrolled.people.remove('ana');
    expect(await namesOf()).toEqual(['ben']);
  });

  it('keeps their codes, and their last passkey of ours, though others lie there by hand', async () => {
    const keys = enrolled.proofKeys;
    const ana = await enrolled.idOf('ana');
    await enrolled.passkey('ana', { forged: true });
    expect(await new SqlPeopleStore(scratch.database, keys).removeCodes(ana)).toBe('last');
    const mine = await enrolled.passkey('ana');
    expect(await new SqlPeopleStore(scratch.database, keys).removeCodes(ana)).toBe('done');
    const passkeys = new SqlPasskeyStore(scratch.database, keys);
    expect(await passkeys.remove(mine.credentialId, ana, clock.now())).toBe('last');
  });

  it('changed by hand gets no passkey', async () => {
    const passkey = new SoftwarePasskey();
    const personId = await enrolled.idOf('ana');
    await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'ana'`);
    const { credentialId, publicKey } = passkey;
    const facts = { credentialId, personId, publicKey, rpId: RP_ID };
    const store = new SqlPasskeyStore(scratch.database, enrolled.proofKeys);
    const about = { label: 'x', transports: [], counter: 0, isBackedUp: false };
    const at = { addedAt: clock.now(), lastUsedAt: null, suspendedAt: null };
    const mac = enrolled.proofKeys.passkeyMac(facts);
    expect(await store.add({ ...facts, ...about, ...at, mac })).toBe('nobody');
    expect(await store.list(personId)).toEqual([]);
  });
});

describe('a session', () => {
  it('that somebody wrote opens nothing, although the person is there', async () => {
    const secret = newSecret('hfs', systemClock);
    const personId = await enrolled.idOf('ana');
    await byHand(sql`
      insert into holdfast.sessions (id, secret_hash, person_id, kind, method, user_agent, source, opened_at,
          last_used_at, proved_at, expires_at, mac)
        values ('session_mallory', ${hashSecret(secret)}, ${personId}, 'command-line', 'device', '', '',
          ${clock.now()}, ${clock.now()}, ${clock.now()}, ${new Date(clock.now().getTime() + 60_000)}, 'no')`);
    expect(await sessions.find(secret, null)).toBeNull();
    expect(await sessions.list(personId)).toEqual([]);
    expect(foreign).toEqual([{ kind: 'session', id: 'session_mallory' }]);
  });

  it.each([
    [
      'moved to another person',
      sql`person_id = (select id from holdfast.people where name = 'ben')`,
    ],
    ['given a proof', sql`proved_at = now()`],
    ['made longer', sql`expires_at = expires_at + interval '1 year'`],
    ['given another secret', sql`secret_hash = '\\x00'`],
  ])('that was %s opens nothing', async (_, change) => {
    const { id, secret } = await openFor('ana');
    await byHand(sql`update holdfast.sessions set ${change} where id = ${id}`);
    expect(await sessions.find(secret, null)).toBeNull();
    await sessions.proved(id, 'passkey');
    expect(await sessions.find(secret, null)).toBeNull();
  });

  it('that was closed is not opened again', async () => {
    const { id, secret } = await openFor('ana');
    await sessions.close(id, await enrolled.idOf('ana'));
    await byHand(sql`update holdfast.sessions set closed_at = null, mac = ''`);
    expect(await sessions.find(secret, null)).toBeNull();
  });

  it('stays open through a proof', async () => {
    const { id, secret } = await openFor('ana');
    clock.pass(1000);
    await sessions.proved(id, 'totp');
    expect(await sessions.find(secret, null)).toMatchObject({ name: 'ana', method: 'totp' });
  });

  it('that nobody uses runs out, however often something asks for it by itself', async () => {
    const { secret } = await openFor('ana');
    for (let minutes = 0; minutes < 59; minutes += 1) {
      clock.pass(60_000);
      expect(await sessions.find(secret, null, false)).not.toBeNull();
    }
    clock.pass(60_000);
    expect(await sessions.find(secret, null, false)).toBeNull();
  });
});

describe('an invitation', () => {
  const secret = newSecret('hfi', systemClock);

  function fresh(personId: string) {
    const madeAt = clock.now();
    const expiresAt = new Date(madeAt.getTime() + 3_600_000);
    const secretHash = hashSecret(secret);
    return { id: 'invite_1', secretHash, personId, invitedBy: 'ana', madeAt, expiresAt };
  }

  it('is what it was made, and is nothing when somebody changed it or wrote it', async () => {
    const cy = await enrolled.people.expect('cy', ['auditor']);
    const dot = await enrolled.people.expect('dot', ['owner']);
    await invites.add(fresh(cy.id));
    expect(await invites.bySecret(hashSecret(secret), clock.now())).toMatchObject({
      person: { name: 'cy' },
    });
    await byHand(sql`update holdfast.invites set person_id = ${dot.id}`);
    expect(await invites.bySecret(hashSecret(secret), clock.now())).toBeNull();
    expect(await invites.list(clock.now())).toEqual([]);
    expect(foreign).toEqual([{ kind: 'invite', id: 'invite_1' }]);
    const identity = { issuer: 'https://login.example.com', subject: 'mallory' };
    expect(await invites.useForSso(hashSecret(secret), identity, clock.now())).toBeNull();
  });

  it('gives no other roles than it was made for', async () => {
    const cy = await enrolled.people.expect('cy', ['auditor']);
    await invites.add(fresh(cy.id));
    await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'cy'`);
    expect(await invites.bySecret(hashSecret(secret), clock.now())).toBeNull();
  });
});

describe('an agent', () => {
  const STAGING = { agent: 'cursor', environment: 'staging', targets: ['main-db'] };

  it.each([
    ['owner', sql`owner_id = (select id from holdfast.people where name = 'ben')`],
    ['owner taken away', sql`owner_id = null`],
    ['wider targets', sql`targets = '{}'`],
    ['hours', sql`working_hours = null`],
    ['end', sql`expires_at = null`],
  ])('with another %s is gone, and its tokens with it', async (_, change) => {
    await agents.add('cursor', {
      owner: 'ana',
      targets: ['main-db'],
      workingHours: workingHoursOf('Mon-Fri 08:00-19:00 UTC'),
      expiresAt: new Date(clock.now().getTime() + 86_400_000),
    });
    await byHand(sql`update holdfast.agents set ${change} where name = 'cursor'`);
    expect(await agents.list()).toEqual([]);
    expect(foreign.map(({ kind }) => kind)).toEqual(['agent']);
    expect((await refusalOf(agents.change('cursor', { purpose: 'more' }))).code).toBe(
      'HF_NOT_FOUND',
    );
  });

  it('gets no token by hand', async () => {
    await agents.add('cursor', { owner: 'ana' });
    await agents.issueToken(STAGING);
    const token = newToken(clock);
    await byHand(sql`
      insert into holdfast.tokens (id, agent_id, token_hash, stored_key, server_key, environment, targets,
          issued_at, expires_at, mac)
        select 'token_mallory', agent_id, ${hashToken(token)}, stored_key, server_key, environment, targets,
          issued_at, expires_at, mac from holdfast.tokens`);
    const { tokens } = await agentStore.snapshot(clock.now());
    expect(tokens).toHaveLength(1);
    expect(foreign).toEqual([{ kind: 'token', id: 'token_mallory' }]);
  });
});

describe('a way in', () => {
  it('is none by a recovery code that somebody put there', async () => {
    const store = new SqlRecoveryStore(scratch.database, enrolled.proofKeys.rows);
    const id = await enrolled.idOf('ana');
    const hash = hashSecret('a code that mallory knows');
    await byHand(sql`insert into holdfast.recovery_codes values (${id}, ${hash})`);
    expect(await store.use('ana', () => hash)).toBeNull();
    await store.renew(id, [hash]);
    expect(await store.use('ana', () => hash)).toMatchObject({ person: { id } });
  });

  it('is none by a recovery code that was used, and of which nothing is left to mark as unused', async () => {
    const store = new SqlRecoveryStore(scratch.database, enrolled.proofKeys.rows);
    const id = await enrolled.idOf('ana');
    const [one, two] = [hashSecret('one'), hashSecret('two')];
    await store.renew(id, [one, two]);
    expect(await store.use('ana', () => one)).toMatchObject({ left: 1 });
    expect(await store.left(id)).toBe(1);
    const rows = await scratch.database.run((db) =>
      db.selectFrom('holdfast.recovery_codes').selectAll().where('person_id', '=', id).execute(),
    );
    expect(rows).toHaveLength(1);
    expect(await store.use('ana', () => one)).toBeNull();
  });

  it('is none by an identity elsewhere that somebody linked', async () => {
    const store = new SqlSsoStore(scratch.database, enrolled.proofKeys);
    const personId = await enrolled.idOf('ana');
    const identity = { issuer: 'https://login.example.com', subject: 'mallory' };
    await byHand(sql`insert into holdfast.sso_identities (issuer, subject, person_id, linked_at, mac)
      values (${identity.issuer}, ${identity.subject}, ${personId}, now(), 'no')`);
    expect(await store.find(identity)).toEqual({ kind: 'foreign' });
    expect(await store.link({ ...identity, personId }, clock.now())).toBe(true);
    expect(await store.find(identity)).toMatchObject({ person: { name: 'ana' } });
  });

  function asking() {
    return {
      id: 'device_1',
      machine: 'laptop',
      source: '127.0.0.1',
      userAgent: 'cli',
      askedAt: clock.now(),
      expiresAt: new Date(clock.now().getTime() + 60_000),
      secretHash: hashSecret('secret'),
      userCodeHash: hashSecret('code'),
    };
  }

  it.each([
    ['another secret', sql`secret_hash = ${hashSecret('of mallory')}`],
    ['another hour', sql`asked_at = asked_at + interval '1 second'`],
    ['the name of another machine', sql`machine = 'build-7'`],
    ['another address', sql`source = '192.0.2.7'`],
    ['more time', sql`expires_at = expires_at + interval '1 hour'`],
    ['no MAC of ours', sql`mac = 'no'`],
  ])('is none by a command line that was given %s before anybody looked', async (_, change) => {
    const store = new SqlDeviceStore(scratch.database, enrolled.proofKeys.rows);
    const personId = await enrolled.idOf('ana');
    const { userCodeHash: code } = asking();
    await byHand(sql`delete from holdfast.device_requests`);
    await store.add(asking(), clock.now());
    expect(await store.byCode(code, clock.now())).toMatchObject({ machine: 'laptop' });
    await byHand(sql`update holdfast.device_requests set ${change}`);
    expect(await store.byCode(code, clock.now())).toBeNull();
    expect(await store.decide(code, personId, clock.now())).toBeNull();
    expect(await store.take(hashSecret('of mallory'), clock.now())).not.toMatchObject({
      kind: 'let-in',
    });
    expect(foreign).toEqual([{ kind: 'device', id: 'device_1' }]);
  });

  it('is none by a command line that nobody let in', async () => {
    const store = new SqlDeviceStore(scratch.database, enrolled.proofKeys.rows);
    const personId = await enrolled.idOf('ana');
    const request = asking();
    await byHand(sql`delete from holdfast.device_requests`);
    await store.add(request, clock.now());
    await byHand(
      sql`update holdfast.device_requests set decided_at = now(), person_id = ${personId}`,
    );
    expect(await store.take(request.secretHash, clock.now())).toEqual({ kind: 'gone' });
    await store.add(request, clock.now());
    await store.decide(request.userCodeHash, personId, clock.now());
    expect(await store.take(request.secretHash, clock.now())).toMatchObject({ kind: 'let-in' });
  });
});

describe('rows of before', () => {
  let server: ScratchPostgres;
  let database: Database;

  beforeAll(async () => {
    server = await startScratchPostgres();
    database = await openDatabase({ connection: { url: server.url() }, poolSize: 5 });
    const at = MIGRATIONS.findIndex(({ name }) => name === '0021-page-secret') + 1;
    await migrate(database, MIGRATIONS.slice(0, at), systemClock);
    await write(sql`insert into holdfast.people (id, name, roles, totp_sealed, added_at, confirmed_at,
        removed_at, failures, last_step)
      values ('person_1', 'ana', '{owner,auditor}', '\\x0102', now(), now(), null, 0, -1),
        ('person_2', 'gone', '{approver}', null, now(), null, now(), 0, -1)`);
    await write(sql`insert into holdfast.agents (id, name, salt, added_at, owner_id, working_hours, effect_kinds)
      values ('agent_1', 'one', '\\x03', now(), 'person_1', 'Mon-Fri 08:00-19:00 UTC', '{read,write}'),
        ('agent_2', 'two', '\\x04', now(), null, null, null)`);
    await write(sql`insert into holdfast.tokens (id, agent_id, token_hash, stored_key, server_key, environment,
        targets, issued_at, expires_at, revoked_at)
      values ('token_1', 'agent_1', '\\x05', '\\x08', '\\x09', 'production', '{}', now(),
          now() + interval '1 hour', null),
        ('token_2', 'agent_1', '\\x06', '\\x08', '\\x09', 'production', '{}', now(),
          now() + interval '1 hour', now())`);
    await write(sql`insert into holdfast.sso_identities (issuer, subject, person_id, linked_at)
      values (${IDENTITY.issuer}, ${IDENTITY.subject}, 'person_1', now())`);
    await write(sql`insert into holdfast.recovery_codes
      values ('person_1', '\\xaa', null), ('person_1', '\\xbb', now())`);
    await write(sql`insert into holdfast.sessions (id, secret_hash, person_id, kind, method, user_agent, source,
        opened_at, last_used_at, proved_at, expires_at)
      values ('session_1', ${hashSecret('hers')}, 'person_1', 'command-line', 'passkey', 'u', 's', now(), now(),
        now(), now() + interval '1 hour')`);
    await write(sql`insert into holdfast.push_subscriptions (id, person_id, endpoint, p256dh, auth, added_at)
      values ('push_1', 'person_1', 'https://push.example.com/x', 'a', 'b', now())`);
    await write(sql`insert into holdfast.invites (id, secret_hash, person_id, invited_by, made_at, expires_at)
      values ('invite_1', '\\x01', 'person_1', 'ana', now(), now() + interval '1 hour')`);
  }, 60_000);
  afterAll(async () => {
    await database?.close();
    await server?.stop();
  });

  const IDENTITY = { issuer: 'https://login.example.com', subject: 'ana' };

  function write(query: ReturnType<typeof sql>): Promise<unknown> {
    return database.run((db) => query.execute(db));
  }

  it('get their MAC with the steps that make the columns, and never after them', async () => {
    const { rows } = enrolled.proofKeys;
    const stamped: unknown[] = [];
    const bringUp = () =>
      migrate(database, MIGRATIONS, clock, async (trx, names) => {
        stamped.push(await stampRows(trx, names, rows));
      });
    expect(await bringUp()).toContain('0024-row-macs');
    expect(stamped).toEqual([{ people: 2, agents: 2, tokens: 1 }]);
    const now = new Date();
    const store = new SqlAgentStore(database, rows);
    const seen = await store.snapshot(now);
    expect(seen.agents.map(({ name, owner }) => [name, owner?.name])).toEqual([
      ['one', 'ana'],
      ['two', undefined],
    ]);
    expect(seen.tokens.map(({ id }) => id)).toEqual(['token_1']);
    const people = new SqlPeopleStore(database, enrolled.proofKeys);
    expect((await people.list()).map(({ name, roles }) => [name, roles])).toEqual([
      ['ana', ['owner', 'auditor']],
    ]);
    const recovery = new SqlRecoveryStore(database, rows);
    expect(await recovery.use('ana', () => Buffer.from('bb', 'hex'))).toBeNull();
    expect(await recovery.use('ana', () => Buffer.from('aa', 'hex'))).toMatchObject({ left: 0 });
    expect(await new SqlSsoStore(database, enrolled.proofKeys).find(IDENTITY)).toMatchObject({
      person: { name: 'ana' },
    });
    // Nobody can tell whether these were opened by hand.
    expect(await new SqlSessionStore(database, rows).bySecret(hashSecret('hers'))).toBeNull();
    expect(await new SqlInviteStore(database, rows).list(now)).toEqual([]);
    expect(foreign).toEqual([]);
    await write(sql`update holdfast.people set mac = '' where name = 'ana'`);
    expect(await bringUp()).toEqual([]);
    expect(stamped).toHaveLength(1);
    expect(await people.list()).toEqual([]);
  });

  it('cannot have those steps taken again by striking them out', async () => {
    await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'ben'`);
    await byHand(sql`delete from holdfast.migrations where name = '0024-row-macs'`);
    const again = migrate(scratch.database, MIGRATIONS, clock, async (trx, names) => {
      await stampRows(trx, names, enrolled.proofKeys.rows);
    });
    await expect(again).rejects.toThrow(/already exists/);
    // And nothing of it was done: what was written by hand is as foreign as before.
    expect(await namesOf()).toEqual(['ana']);
    await byHand(sql`insert into holdfast.migrations values ('0024-row-macs', now())`);
  });

  it.each([
    ['rows-stamped', '{"kind":"rows-stamped"}'],
    // The column is no part of what is hashed.
    ['x', '{"kind":"rows-stamped"}'],
    ['intent-unsettled', '{"intended":"rows-stamped"}'],
  ])(
    'are not stamped again where the trail has %s, whatever was struck out',
    async (kind, bytes) => {
      await byHand(sql`update holdfast.people set roles = '{owner}' where name = 'ben'`);
      await byHand(sql`insert into holdfast.trail_entry (index, kind, instance_id, bytes)
      values (0, ${kind}, 'instance_1', ${Buffer.from(bytes)})`);
      const again = scratch.database.transaction((trx) =>
        stampRows(trx, ['0024-row-macs'], enrolled.proofKeys.rows),
      );
      expect((await refusalOf(again)).code).toBe('HF_STORE_ROWS');
      expect(await namesOf()).toEqual(['ana']);
      await byHand(sql`delete from holdfast.trail_entry`);
    },
  );
});

describe('a gateway of before, that still runs', () => {
  it.each([
    [
      'people',
      sql`insert into holdfast.people (id, name, roles, added_at, failures, last_step)
          values ('person_9', 'nine', '{owner}', now(), 0, -1)`,
    ],
    [
      'agents',
      sql`insert into holdfast.agents (id, name, salt, added_at) values ('agent_9', 'nine', '\\x03', now())`,
    ],
    [
      'sessions',
      sql`insert into holdfast.sessions (id, secret_hash, person_id, kind, method, user_agent, source,
            opened_at, last_used_at, proved_at, expires_at)
          select 'session_9', '\\x09', id, 'command-line', 'passkey', 'u', 's', now(), now(), now(), now()
          from holdfast.people where name = 'ana'`,
    ],
    [
      'invites',
      sql`insert into holdfast.invites (id, secret_hash, person_id, invited_by, made_at, expires_at)
          select 'invite_9', '\\x09', id, 'ana', now(), now() from holdfast.people where name = 'ana'`,
    ],
    [
      'sso_identities',
      sql`insert into holdfast.sso_identities (issuer, subject, person_id, linked_at)
          select 'https://login.example.com', 'nine', id, now() from holdfast.people where name = 'ana'`,
    ],
  ])('fails aloud where it writes to %s without a MAC', async (table, insert) => {
    await expect(byHand(insert)).rejects.toThrow(new RegExp(`${table}_have_a_mac`));
  });
});
