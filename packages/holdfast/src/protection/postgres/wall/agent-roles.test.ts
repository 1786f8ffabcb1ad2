import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RowKeys } from '../../../identity/row-keys.ts';
import { Seal } from '../../../identity/seal.ts';
import { systemClock } from '../../../model/clock.ts';
import type { HoldfastEvent } from '../../../model/event.ts';
import { AGENT_ROLE_LIFE_MS } from '../../../model/limits.ts';
import { SqlAgentRoleStore } from '../../../store/agent-role-store.ts';
import { SqlAgentStore } from '../../../store/agent-store.ts';
import type { Database } from '../../../store/database.ts';
import { openDatabase } from '../../../store/database.ts';
import { migrate } from '../../../store/migrate.ts';
import { MIGRATIONS } from '../../../store/migrations/index.ts';
import { agentNamed } from '../../../testing/agent-records.ts';
import { ManualClock } from '../../../testing/manual-clock.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../../target-database.ts';
import { openTargetDatabase } from '../admin.ts';
import { AgentRoles, roleNames } from './agent-roles.ts';

/** Agents' roles need no more of a target than its notes and the group. */
const LAYOUT = `
create role holdfast_agents; create schema holdfast;
create table holdfast.meta (key text primary key, value jsonb not null);
insert into holdfast.meta values ('install', '"install-one"');`;

let server: ScratchPostgres;
let target: TargetDatabase;
let database: Database;
let store: SqlAgentRoleStore;
// A real server compares what it is told (VALID UNTIL) with its own clock.
const clock = new ManualClock(systemClock.now().toISOString());
const seal = new Seal(clock.random(32), clock);
const notes: HoldfastEvent[] = [];

beforeAll(async () => {
  server = await startScratchPostgres({
    hba: ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'],
  });
  const admin = openTargetDatabase({ target: 'main-db', connection: connection('postgres') });
  await admin.query('create database target');
  await admin.close();
  target = openTargetDatabase({ target: 'main-db', connection: connection('target') });
  await target.query(LAYOUT);
  database = await openDatabase({ connection: { url: server.url() } });
  await migrate(database, MIGRATIONS, clock);
  store = new SqlAgentRoleStore(database);
});
afterAll(async () => {
  await target?.close();
  await database?.close();
  await server?.stop();
});

function connection(name: string) {
  const { host, port } = server;
  return { host, port, user: 'postgres', database: name, password: () => null, ssl: false };
}

let agents = 0;
async function agent(name: string) {
  agents += 1;
  const id = `agent_${agents}`;
  await new SqlAgentStore(database, new RowKeys(seal)).addAgent(agentNamed(name, { id }));
  return { id, name };
}

function gateway(over: Partial<ConstructorParameters<typeof AgentRoles>[0]> = {}): AgentRoles {
  const note = (event: HoldfastEvent) => void notes.push(event);
  return new AgentRoles({ db: target, store, seal, clock, note, ...over });
}

async function loginAs({ password, user }: { user: string; password: string }) {
  const { host, port } = server;
  const client = new pg.Client({ host, port, user, password, database: 'target' });
  client.on('error', () => {});
  await client.connect();
  return client;
}

describe('the role of an agent', () => {
  it('is made once, lets in by its password, and is the same for two gateways at once', async () => {
    const one = await agent('cursor-backend');
    const found = await Promise.all([
      gateway().ensure(one),
      gateway().ensure(one),
      gateway().ensure(one),
    ]);
    expect(new Set(found.map(({ password }) => password)).size).toBe(1);
    expect(found[0].user).toBe('hf_cursor-backend');
    await (await loginAs(found[0])).end();
    expect(notes.filter(({ kind }) => kind === 'agent-role-made')).toHaveLength(1);
  });

  it('is sent to the target as a verifier: neither password nor seal hold it in clear', async () => {
    const { password, user } = await gateway().ensure(await agent('cursor-web'));
    const [row] = await target.query(
      'select rolpassword, rolconnlimit, rolvaliduntil > now() as ends from pg_authid where rolname = $1',
      [user],
    );
    expect(row).toMatchObject({ rolconnlimit: 40, ends: true });
    expect(String(row?.['rolpassword'])).toMatch(/^SCRAM-SHA-256\$4096:/);
    const rows = await store.byTarget('main-db');
    for (const { passwordSealed } of rows)
      expect(passwordSealed.toString('utf8')).not.toContain(password);
  });

  it('gets a new password at half of its life, and open sessions stay', async () => {
    const one = await agent('rotating');
    const before = await gateway().ensure(one);
    const session = await loginAs(before);
    clock.pass(AGENT_ROLE_LIFE_MS / 4);
    expect(await gateway().ensure(one)).toEqual(before);
    clock.pass(AGENT_ROLE_LIFE_MS / 3);
    const after = await gateway().ensure(one);
    expect(after.password).not.toBe(before.password);
    expect((await session.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    await session.end();
    await expect(loginAs(before)).rejects.toMatchObject({ code: '28P01' });
    await (await loginAs(after)).end();
  });

  it('gets the very same password again when the target was away the first time', async () => {
    const one = await agent('unlucky');
    const away: TargetDatabase = {
      ...target,
      target: 'main-db',
      transaction: () => Promise.reject(new Error('away')),
    };
    await expect(gateway({ db: away }).ensure(one)).rejects.toThrow('away');
    const [row] = (await store.byTarget('main-db')).filter(({ agentId }) => agentId === one.id);
    expect(row?.isApplied).toBe(false);
    const made = await gateway().ensure(one);
    await (await loginAs(made)).end();
  });

  it('does not take a role that is somebody else’s', async () => {
    await target.query('create role "hf_taken" login');
    const one = await agent('taken');
    const { password, user } = await gateway().ensure(one);
    expect(user).toMatch(/^hf_taken_[0-9a-f]{8}$/);
    expect((await gateway().ensure(one)).user).toBe(user);
    await (await loginAs({ user, password })).end();
    const [row] = await target.query(
      `select rolpassword from pg_authid where rolname = 'hf_taken'`,
    );
    expect(row?.['rolpassword']).toBeNull();
  });

  it('is not shared by two databases of one server, not even by a copy of a protected one', async () => {
    const one = await agent('twofold');
    const here = await gateway().ensure(one);
    for (const name of ['copy', 'copy_of_copy']) {
      await target.query(`create database ${name} template template0`);
      const copy = openTargetDatabase({ target: name, connection: connection(name) });
      try {
        await copy.query(LAYOUT.replace('create role holdfast_agents;', ''));
        const there = await gateway({ db: copy }).ensure(one);
        expect(there.user).toMatch(/^hf_twofold_[0-9a-f]{8}$/);
        await (await loginAs(there)).end();
      } finally {
        await copy.close();
      }
    }
    await (await loginAs(here)).end();
    expect(await gateway().ensure(one)).toEqual(here);
  });

  it('is made anew once for all whose login was refused with the same password', async () => {
    const one = await agent('refused');
    const role = await gateway().ensure(one);
    await target.query(`alter role "${role.user}" password 'another'`);
    const again = await Promise.all([1, 2, 3].map(() => gateway().ensure(one, role.password)));
    expect(new Set(again.map(({ password }) => password)).size).toBe(1);
    await (await loginAs(again[0] ?? role)).end();
    expect(await gateway().ensure(one, role.password)).toEqual(again[0]);
  });

  it('is made anew when the agent changed its own password and settings', async () => {
    const one = await agent('meddling');
    const role = await gateway().ensure(one);
    const session = await loginAs(role);
    await session.query(`alter role current_user password 'mine'`);
    await session.query('alter role current_user set standard_conforming_strings = off');
    await session.end();
    await expect(loginAs(role)).rejects.toMatchObject({ code: '28P01' });
    const again = await loginAs(await gateway().ensure(one, role.password));
    const { rows } = await again.query('show standard_conforming_strings');
    expect(rows).toEqual([{ standard_conforming_strings: 'on' }]);
    await again.end();
    await expect(loginAs({ user: role.user, password: 'mine' })).rejects.toMatchObject({
      code: '28P01',
    });
  });

  it('fits into 63 bytes, and two long names do not become one', () => {
    const long = 'a'.repeat(62);
    const place = { install: 'install-one', databaseOid: '5' };
    const one = roleNames({ id: 'agent_1', name: `${long}b` }, place);
    const two = roleNames({ id: 'agent_2', name: `${long}c` }, place);
    expect([...one, ...two].map((name) => Buffer.byteLength(name))).toEqual([63, 63, 63, 63]);
    expect(new Set([...one, ...two]).size).toBe(4);
  });

  it('is refused where the target is not protected', async () => {
    const bare = openTargetDatabase({ target: 'bare', connection: connection('postgres') });
    try {
      await expect(gateway({ db: bare }).ensure(await agent('early'))).rejects.toMatchObject({
        code: 'HF_PROTECT',
      });
    } finally {
      await bare.close();
    }
  });

  it('goes, with its sessions, when the agent is retired', async () => {
    const one = await agent('leaving');
    const role = await gateway().ensure(one);
    const session = await loginAs(role);
    const ended = new Promise((done) => session.once('end', done));
    await gateway().retire(one);
    await ended;
    await expect(loginAs(role)).rejects.toMatchObject({ code: '28P01' });
    expect((await store.byTarget('main-db')).map(({ agentId }) => agentId)).not.toContain(one.id);
    await gateway().retire(one);
  });
});
