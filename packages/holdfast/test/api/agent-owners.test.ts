/** Somebody answers for each agent; who else does is said by an owner, and what hung on it counts no more. */
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiWorld, type AskOptions, type Browser } from './support.ts';
import { read, trailText } from './visitor.ts';

const CONFIG = `
environments: { production: { level: guarded } }
targets:
  main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } }
`;

let world: ApiWorld;
let owner: Browser;
let operator: Browser;
let count = 0;

beforeAll(async () => {
  world = await ApiWorld.start(CONFIG);
  owner = await world.person('ana', ['owner']);
  operator = await world.person('olga', ['operator', 'approver']);
  await world.person('ben', ['approver']);
});
afterAll(async () => {
  await world?.stop();
});

const post = (body: object): AskOptions => ({ method: 'POST', body });
const patch = (body: object): AskOptions => ({ method: 'PATCH', body });

function add(browser: Browser, more: object = {}) {
  count += 1;
  const name = `agent-${count}`;
  return browser.ask('/v1/agents', post({ name, purpose: 'a test', ...more }));
}

async function ownerOf(name: string): Promise<string | undefined> {
  return read('agents.show', await owner.ask(`/v1/agents/${name}`)).owner?.name;
}

describe('a new agent', () => {
  it('has whoever adds it for its owner', async () => {
    expect(read('agents.add', await add(operator)).owner?.name).toBe('olga');
    expect(read('agents.add', await add(operator, { owner: 'olga' })).owner?.name).toBe('olga');
    expect(read('agents.add', await add(owner, { owner: 'ben' })).owner?.name).toBe('ben');
  });

  it('has its parent’s', async () => {
    const parent = read('agents.add', await add(owner, { owner: 'ben' })).name;
    expect(read('agents.add', await add(owner, { parent })).owner?.name).toBe('ben');
    const own = read('agents.add', await add(operator)).name;
    expect(read('agents.add', await add(operator, { parent: own })).owner?.name).toBe('olga');
  });

  it('is not put below somebody else’s by who is no owner, who could then sign alone for it', async () => {
    const parent = read('agents.add', await add(owner, { owner: 'ben' })).name;
    const between = read('agents.add', await add(owner, { parent })).name;
    for (const more of [{ parent }, { parent: between }, { parent, owner: 'olga' }]) {
      const { json, status } = await add(operator, more);
      expect([status, json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
    }
  });

  it('is not put on somebody else by who is no owner, who could then sign alone for it', async () => {
    const { json, status } = await add(operator, { owner: 'ben' });
    expect([status, json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
  });

  it('is never nobody’s', async () => {
    expect((await add(owner, { owner: null })).json).toMatchObject({ code: 'HF_USAGE' });
    const machine = { authorization: world.room.machineAuthorization };
    const body = { name: 'from-here', purpose: 'a test' };
    const without = await world.ask('/v1/agents', { ...post(body), headers: machine });
    expect(without.json).toMatchObject({ code: 'HF_USAGE' });
    const said = { ...post({ ...body, owner: 'ben' }), headers: machine };
    expect(read('agents.add', await world.ask('/v1/agents', said)).owner?.name).toBe('ben');
  });
});

describe('a token', () => {
  const ask = post({ environment: 'production', targets: [] });
  const issue = (browser: Browser, name: string) => browser.ask(`/v1/agents/${name}/tokens`, ask);

  it('of somebody else’s agent is for an owner: who has it asks, and could sign alone', async () => {
    const { name } = read('agents.add', await add(owner, { owner: 'ben' }));
    const below = read('agents.add', await add(owner, { parent: name })).name;
    for (const one of [name, below]) {
      const { json, status } = await issue(operator, one);
      expect([status, json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
      expect((await issue(owner, one)).status).toBe(200);
    }
  });

  it('of one’s own agent, or one below it, is for whoever answers for it', async () => {
    const { name } = read('agents.add', await add(operator));
    const below = read('agents.add', await add(operator, { parent: name })).name;
    for (const one of [name, below]) expect((await issue(operator, one)).status).toBe(200);
  });

  it('of an agent whose owner was removed is for who issues tokens: two people sign for it', async () => {
    await world.person('cy', ['operator']);
    const { name } = read('agents.add', await add(owner, { owner: 'cy' }));
    expect((await issue(operator, name)).status).toBe(403);
    await world.rooms.people.remove('cy');
    expect((await issue(operator, name)).status).toBe(200);
  });
});

describe('another owner', () => {
  it('is said by an owner only, and loudly', async () => {
    const { name } = read('agents.add', await add(operator));
    for (const change of [{ owner: 'ben' }, { owner: null }, { owner: 'ben', purpose: 'more' }]) {
      expect((await operator.ask(`/v1/agents/${name}`, patch(change))).status).not.toBe(200);
    }
    expect(await ownerOf(name)).toBe('olga');
    expect((await owner.ask(`/v1/agents/${name}`, patch({ owner: 'ben' }))).status).toBe(200);
    expect(await ownerOf(name)).toBe('ben');
    expect(await trailText(world)).toContain(
      `ben answers for agent ${name} now, in place of olga.`,
    );
    expect((await owner.ask(`/v1/agents/${name}`, patch({ owner: null }))).status).toBe(422);
  });

  it('is no change where it is the same, for who may change the rest', async () => {
    const { name } = read('agents.add', await add(operator));
    const answer = await operator.ask(
      `/v1/agents/${name}`,
      patch({ owner: 'olga', purpose: 'more' }),
    );
    expect(read('agents.change', answer).purpose).toBe('more');
  });

  it('makes void what waits where an owner does not sign alone, and that of agents below', async () => {
    const { id, name } = read('agents.add', await add(owner, { owner: 'olga' }));
    await hold('hold_waits', id, 'sealed', 'waiting');
    await hold('hold_signed', id, 'sealed', 'signed');
    await hold('hold_guarded', id, 'guarded', 'waiting');
    await hold('hold_another', 'agent_another', 'sealed', 'waiting');
    await owner.ask(`/v1/agents/${name}`, patch({ purpose: 'it stays' }));
    expect(await states()).toMatchObject({ hold_waits: 'waiting', hold_signed: 'signed' });
    await owner.ask(`/v1/agents/${name}`, patch({ owner: 'ben' }));
    expect(await states()).toEqual({
      hold_waits: 'void',
      hold_signed: 'void',
      hold_guarded: 'waiting',
      hold_another: 'waiting',
    });
    expect(
      (await trailText(world)).match(/counts no more: who answers for the agent/g),
    ).toHaveLength(2);
  });
});

async function hold(id: string, agentId: string, level: string, state: string): Promise<void> {
  await world.rooms.database.run((db) =>
    sql`insert into holdfast.holds (id, digest, state, people_needed, rule, reason, statement, effects,
          effects_total, target, environment, environment_level, resolved_by, agent_id, agent_name, opened_at,
          expires_at, token_id, session_id, source, client)
        values (${id}, encode(sha256(${Buffer.from(id)}), 'hex'), ${state}, 1, 'r', 'r', 's', '[]', 0, 'main-db', 'production', ${level}, 'declared',
          ${agentId}, 'agent', ${world.clock.now()}, ${new Date(world.clock.now().getTime() + 3_600_000)},
          'token_1', 's', '127.0.0.1:1', 'psql')`.execute(db),
  );
}

async function states(): Promise<Record<string, string>> {
  const { rows } = await world.rooms.database.run((db) =>
    sql<{ id: string; state: string }>`select id, state from holdfast.holds`.execute(db),
  );
  return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
}
