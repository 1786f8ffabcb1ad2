/**
 * What people say of an agent, felt by that agent: a real client in a real session that is paused,
 * narrowed, or outside its hours in the midst of its work, and its sub-agents with it.
 */
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Rooms, systemClock } from '../../src/holdfast.ts';
import { workingHoursOf } from '../../src/identity/working-hours.ts';
import { AGENT, ENVIRONMENT, type Gateway, startGateway, TARGET } from '../support/gateway.ts';
import { APP_PASSWORD } from '../support/upstream.ts';

let gateway: Gateway;
let isStopped = false;
const open: pg.Client[] = [];
const WORD = { by: 'ana', note: 'odd deletes since noon' };

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded', holdWait: '30s' });
  await gateway.upstream.ask('create table cars (id int); alter table cars owner to app');
}, 60_000);
afterAll(() => gateway?.stop());
beforeEach(() => gateway.upstream.ask('truncate cars; insert into cars values (1), (2)'));
afterEach(async () => {
  if (isStopped) return;
  const { agents } = gateway.holdfast.rooms;
  await agents.resume(AGENT, { by: 'ana', note: '' });
  await agents.change(AGENT, {
    effectKinds: null,
    targets: [],
    environments: [],
    workingHours: null,
    expiresAt: null,
  });
  await Promise.all(open.splice(0).map((client) => client.end().catch(() => {})));
});

interface Session {
  readonly client: pg.Client;
  /** What ended it. */
  readonly ended: Promise<pg.DatabaseError>;
}

async function session(login = gateway.through): Promise<Session> {
  const { host, port, user, password, database } = login;
  for (let left = 40; ; left -= 1) {
    const client = new pg.Client({ host, port, user, password, database, ssl: false });
    const ended = new Promise<pg.DatabaseError>((done) => client.once('error', done));
    client.on('error', () => {});
    try {
      await client.connect();
      open.push(client);
      return { client, ended };
    } catch (error) {
      // A gateway hears of what was changed a moment after it was.
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

const cars = async (): Promise<unknown> =>
  (await gateway.upstream.ask('select count(*)::int as n from cars'))[0]?.['n'];

/** The narrower scope is there with the next unit after the notice; until then the old one stands. */
async function refusedBy(work: () => Promise<unknown>): Promise<pg.DatabaseError> {
  for (let left = 100; left > 0; left -= 1) {
    const error = await work().then(
      () => null,
      (reason: unknown) => reason,
    );
    if (error instanceof pg.DatabaseError) return error;
    if (error !== null) throw error;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('It was never refused.');
}

describe('an agent that is paused', () => {
  it('loses the session and what runs in it, is told why at the door, and works again', async () => {
    const { agents } = gateway.holdfast.rooms;
    const { client, ended } = await session();
    await client.query('begin');
    await client.query('insert into cars values (3)');
    const running = client.query('select pg_sleep(30)').then(
      () => 'finished',
      (error: pg.DatabaseError) => error.code,
    );
    await new Promise((done) => setTimeout(done, 300));
    await agents.pause(AGENT, WORD);
    expect(await running).toBe('57P01');
    const asleep =
      "select count(*)::int as n from pg_stat_activity where query like '%pg_sleep(30)%'";
    await expect
      .poll(async () => (await gateway.upstream.ask(`${asleep} and pid <> pg_backend_pid()`))[0])
      .toEqual({ n: 0 });
    void ended;
    // Its transaction is rolled back, whatever it had done in it.
    expect(await cars()).toBe(2);

    const again = new pg.Client({ ...gateway.through, ssl: false });
    again.on('error', () => {});
    await expect(again.connect()).rejects.toMatchObject({
      code: '28000',
      message: `Holdfast stops here: agent ${AGENT} was paused by ana: odd deletes since noon.`,
      hint: expect.stringContaining('do not look for another way'),
    });
    await agents.resume(AGENT, { by: 'ana', note: 'looked into' });
    const after = await session();
    expect((await after.client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    const kinds = (await gateway.entries()).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['agent-paused', 'agent-resumed']));
  });

  it('does not get what people approve meanwhile, and the approval is not used up', async () => {
    const { agents, holds } = gateway.holdfast.rooms;
    const { client } = await session();
    const sql = 'delete from cars';
    const waiting = client.query(sql).then(
      () => 'deleted',
      (error: pg.DatabaseError) => error.code,
    );
    const held = async () => (await holds.list('open')).find(({ card }) => card.statement === sql);
    await expect.poll(held, { timeout: 10_000 }).toBeDefined();
    await agents.pause(AGENT, WORD);
    expect(await waiting).toBe('57P01');
    const hold = await held();
    await gateway.approve(hold?.id ?? '');
    await new Promise((done) => setTimeout(done, 300));
    expect(await cars()).toBe(2);
    expect((await holds.show(hold?.id ?? '')).state).toBe('signed');
  });

  it('takes its sub-agents along, whose names and tokens are others', async () => {
    const { agents } = gateway.holdfast.rooms;
    await agents.add('sub-agent', { parent: AGENT });
    const request = { agent: 'sub-agent', environment: ENVIRONMENT, targets: [] };
    const { token } = await agents.issueToken(request);
    const login = { ...gateway.through, user: 'sub-agent', password: token };
    const { client, ended } = await session(login);
    await client.query('select 1');
    await agents.pause(AGENT, WORD);
    expect((await ended).message).toContain(`agent ${AGENT}, the parent of sub-agent, was paused`);
    const again = new pg.Client({ ...login, ssl: false });
    again.on('error', () => {});
    await expect(again.connect()).rejects.toMatchObject({ code: '28000' });
  });
});

describe('an agent that is narrowed in the midst of a session', () => {
  it('runs no statement that it prepared before, by either way, and goes on reading', async () => {
    const { agents } = gateway.holdfast.rooms;
    const { client } = await session();
    const prepared = { name: 'add', text: 'insert into cars values ($1)' };
    await client.query({ ...prepared, values: [3] });
    await client.query('prepare more as insert into cars values (4)');
    await agents.change(AGENT, { effectKinds: ['read'] });
    const bound = await refusedBy(() => client.query({ ...prepared, values: [5] }));
    expect([bound.code, bound.message]).toEqual([
      '42501',
      `Holdfast refused this: agent ${AGENT} may not ask for write (INSERT); it may read.`,
    ]);
    expect(bound.hint).toContain('Leave this part to a person');
    const before = await cars();
    await expect(client.query('execute more')).rejects.toMatchObject({ code: '42501' });
    await expect(client.query('select 1; insert into cars values (6)')).rejects.toThrow('may read');
    await expect(
      client.query('with x as (insert into cars values (7) returning 1) select * from x'),
    ).rejects.toThrow('may not ask for write');
    await expect(client.query('do $$ begin delete from cars; end $$')).rejects.toMatchObject({
      code: '42501',
    });
    expect(await cars()).toBe(before);
    expect((await client.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    const refused = (await gateway.entries()).filter(({ kind }) => kind === 'decision');
    expect(JSON.stringify(refused)).toContain('agent.effect-kinds');
  });

  it('is not given by an approval what it lost while people thought about it', async () => {
    const { agents, holds } = gateway.holdfast.rooms;
    const { client } = await session();
    const sql = 'delete from cars where true';
    const waiting = client.query(sql).then(
      () => null,
      (error: pg.DatabaseError) => error,
    );
    const held = async () => (await holds.list('open')).find(({ card }) => card.statement === sql);
    await expect.poll(held, { timeout: 10_000 }).toBeDefined();
    await agents.change(AGENT, { effectKinds: ['read', 'write'] });
    // So that it is known before the approval: an agent's new session sees it.
    const other = await session();
    await refusedBy(() => other.client.query('alter table cars add column x int'));
    await gateway.approve((await held())?.id ?? '');
    const error = await waiting;
    expect(error?.message).toContain('may not ask for destroy');
    expect(await cars()).toBe(2);
  });

  it('has no token any more for a target that is not its own now, though it was issued before', async () => {
    const { agents } = gateway.holdfast.rooms;
    const { client, ended } = await session();
    await agents.change(AGENT, { targets: ['another-db'] });
    const refused = await refusedBy(() => client.query('select 1'));
    expect([refused.code, refused.message]).toEqual([
      '42501',
      `Holdfast refused this: agent ${AGENT} may not work on ${TARGET}.`,
    ]);
    const again = new pg.Client({ ...gateway.through, ssl: false });
    again.on('error', () => {});
    await expect(again.connect()).rejects.toMatchObject({ code: '42501' });
    // Of its environment nothing is left, so nothing is left of the token either.
    await agents.change(AGENT, { targets: [], environments: ['elsewhere'] });
    expect(await ended).toMatchObject({ code: '42501' });
    const outside = new pg.Client({ ...gateway.through, ssl: false });
    outside.on('error', () => {});
    await expect(outside.connect()).rejects.toMatchObject({ code: '28000' });
    await agents.change(AGENT, { environments: [], targets: [TARGET] });
    await session();
  });

  it('ends when its hours do, and when it expires', async () => {
    const { agents } = gateway.holdfast.rooms;
    const yesterday = ['Sat', 'Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri'][new Date().getUTCDay()];
    const first = await session();
    await agents.change(AGENT, { workingHours: workingHoursOf(`${yesterday} 00:00-00:01 UTC`) });
    expect((await first.ended).message).toMatch(/works \w{3} 00:00-00:01 UTC, and it is outside/);
    await agents.change(AGENT, { workingHours: null });
    const second = await session();
    // Nobody says anything when the time comes: the gateway sees it by itself.
    await agents.change(AGENT, { expiresAt: new Date(Date.now() + 1_500) });
    expect((await second.ended).message).toContain('was set up until');
  });
});

it('keeps when and from where a token was last used, over a restart', async () => {
  const { client } = await session();
  await client.query('select 1');
  await client.end();
  const { config } = gateway.holdfast.rooms;
  isStopped = true;
  await gateway.holdfast.stop();
  const rooms = await Rooms.open({
    config,
    env: { APP_PASSWORD },
    clock: systemClock,
    say: () => {},
  });
  try {
    const { tokens } = await rooms.agents.show(AGENT);
    expect(tokens.map(({ lastUse }) => [lastUse?.source, lastUse?.protocol])).toEqual([
      ['127.0.0.1', 'postgres'],
    ]);
  } finally {
    await rooms.close();
  }
});
