/** Agents over the API: what is said of them, held against holdfast.yaml; stopping them; their tokens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hashToken } from '../../src/identity/token.ts';
import { TOKEN_UNUSED_MS_MAX } from '../../src/model/limits.ts';
import { ApiWorld, type AskOptions, type Browser } from './support.ts';
import { read, trailText } from './visitor.ts';

const YAML = `
environments: { production: { level: guarded }, staging: { level: guarded } }
targets:
  main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } }
  side-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } }
  test-db: { environment: staging, upstream: { url: 'postgres://me@127.0.0.1:1/db' } }`;

let world: ApiWorld;
let owner: Browser;
let approver: Browser;
let auditor: Browser;
let count = 0;

beforeAll(async () => {
  world = await ApiWorld.start(YAML);
  owner = await world.person('ana', ['owner']);
  approver = await world.person('ben', ['approver']);
  auditor = await world.person('ida', ['auditor']);
});
afterAll(async () => {
  expect(world?.troubles).toEqual([]);
  await world?.stop();
});

const post = (body: object): AskOptions => ({ method: 'POST', body });
const patch = (body: object): AskOptions => ({ method: 'PATCH', body });

async function add(more: object = {}): Promise<string> {
  count += 1;
  const name = `agent-${count}`;
  const answer = await owner.ask('/v1/agents', post({ name, purpose: 'a test', ...more }));
  expect([answer.status, answer.json]).toMatchObject([200, { name }]);
  return name;
}

async function shown(name: string) {
  return read('agents.show', await owner.ask(`/v1/agents/${name}`));
}

async function issue(name: string, more: object = {}) {
  const body = { environment: 'production', ...more };
  return read('agents.issue', await owner.ask(`/v1/agents/${name}/tokens`, post(body)));
}

const RULES = {
  owner: 'ana',
  environments: ['production'],
  targets: ['main-db', 'side-db'],
  effectKinds: ['write', 'read'],
  workingHours: 'mon-fri 08:00-19:00 Europe/Lisbon',
  expiresAt: '2027-03-31T00:00:00Z',
};

describe('what is said of an agent', () => {
  it('is shown again, in one form', async () => {
    const name = await add(RULES);
    expect(await shown(name)).toMatchObject({
      purpose: 'a test',
      owner: { name: 'ana', isRemoved: false },
      environments: ['production'],
      targets: ['main-db', 'side-db'],
      effectKinds: ['read', 'write'],
      workingHours: 'Mon-Fri 08:00-19:00 Europe/Lisbon',
      expiresAt: '2027-03-31T00:00:00.000Z',
      parent: null,
      children: [],
      paused: null,
      // 21 November 2026 is a Saturday.
      state: 'off-hours',
      stop: expect.stringContaining('works Mon-Fri 08:00-19:00 Europe/Lisbon'),
      tokens: [],
    });
    expect(await trailText(world)).toMatch(new RegExp(`"agent":"${name}".*"by":"ana"`));
  });

  it('changes where it is said, stays where it is not, and is lifted by null', async () => {
    const name = await add(RULES);
    const path = `/v1/agents/${name}`;
    const first = await owner.ask(path, patch({ workingHours: null, purpose: 'another' }));
    expect(first.json).toMatchObject({
      workingHours: null,
      purpose: 'another',
      state: 'active',
      effectKinds: ['read', 'write'],
      owner: { name: 'ana' },
    });
    const lifted = { effectKinds: null, expiresAt: null, targets: [] };
    expect((await owner.ask(path, patch(lifted))).json).toMatchObject({
      ...lifted,
      purpose: 'another',
      environments: ['production'],
    });
  });

  it.each([
    ['no purpose', { purpose: ' ' }],
    ['a purpose that plays on a screen', { purpose: 'a\u202etest' }],
    ['a purpose of two lines', { purpose: 'a\ntest' }],
    ['a purpose that is a story', { purpose: 'x'.repeat(201) }],
    ['an environment that is not declared', { environments: ['prodution'] }],
    ['a target that is not declared', { targets: ['main-bd'] }],
    ['no kind of effect', { effectKinds: [] }],
    ['a kind of effect that there is not', { effectKinds: ['raed'] }],
    ['hours that nobody can read', { workingHours: '9 to 5' }],
    ['an expiry that is over', { expiresAt: '2020-01-01T00:00:00Z' }],
    ['a day that there is not', { expiresAt: '2027-02-30T00:00:00Z' }],
    ['what nobody may say', { paused: null }],
    ['keys of its own', { salt: 'AAAA' }],
  ])('is not %s', async (_story, said) => {
    const name = await add();
    const before = await shown(name);
    const changed = await owner.ask(`/v1/agents/${name}`, patch(said));
    expect([changed.status, changed.json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    expect(await shown(name)).toEqual(before);
    const body = { name: `${name}-x`, purpose: 'a test', ...said };
    const added = await owner.ask('/v1/agents', post(body));
    expect([added.status, added.json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    expect((await owner.ask(`/v1/agents/${name}-x`)).status).toBe(404);
  });

  it('wants a purpose, and something to change', async () => {
    const without = await owner.ask('/v1/agents', post({ name: 'aimless' }));
    expect([without.status, without.json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    const nothing = await owner.ask(`/v1/agents/${await add()}`, patch({}));
    expect([nothing.status, nothing.json]).toMatchObject([422, { found: 'nothing' }]);
  });

  it.each([
    ['an owner nobody knows', { owner: 'nobody' }],
    ['a parent nobody knows', { parent: 'nobody' }],
  ])('is not %s', async (_story, said) => {
    const answer = await owner.ask('/v1/agents', post({ name: 'orphan', purpose: 'x', ...said }));
    expect([answer.status, answer.json]).toMatchObject([404, { code: 'HF_NOT_FOUND' }]);
  });

  it('only narrows what its parent may', async () => {
    const parent = await add({ effectKinds: ['read', 'write'], environments: ['production'] });
    const child = await add({ parent, effectKinds: ['read'] });
    expect(await shown(parent)).toMatchObject({ children: [child] });
    expect(await shown(child)).toMatchObject({
      parent,
      environments: [],
      effective: { environments: ['production'], effectKinds: ['read'], targets: null },
    });
    for (const said of [{ effectKinds: ['destroy'] }, { environments: ['staging'] }]) {
      const { json } = await owner.ask(`/v1/agents/${child}`, patch(said));
      expect(json).toMatchObject({ code: 'HF_AGENT_SCOPE' });
    }
    const another = await owner.ask(`/v1/agents/${child}`, patch({ parent: null }));
    expect(another.status).toBe(422);
  });

  it('is found by a name that looks like a route', async () => {
    const body = { name: 'findings', purpose: 'a test' };
    expect((await owner.ask('/v1/agents', post(body))).status).toBe(200);
    expect(await shown('findings')).toMatchObject({ name: 'findings' });
  });
});

describe('a pause', () => {
  it('is somebody’s word, for it and those below it, until somebody lifts it', async () => {
    const parent = await add();
    const child = await add({ parent });
    const path = `/v1/agents/${parent}/pause`;
    const paused = read('agents.pause', await approver.ask(path, post({ note: 'odd deletes' })));
    expect(paused).toMatchObject({
      changed: true,
      agent: {
        state: 'paused',
        paused: { by: 'ben', note: 'odd deletes', at: world.clock.now().toISOString() },
      },
    });
    expect(await shown(child)).toMatchObject({
      state: 'paused',
      paused: null,
      stop: `agent ${parent}, the parent of ${child}, was paused by ben: odd deletes`,
    });
    const again = read('agents.pause', await owner.ask(path, post({ note: 'me, too' })));
    expect(again).toMatchObject({ changed: false, agent: { paused: { by: 'ben' } } });
    const resume = `/v1/agents/${parent}/resume`;
    const resumed = read('agents.resume', await owner.ask(resume, post({ note: 'explained' })));
    expect(resumed).toMatchObject({ changed: true, agent: { paused: null, state: 'active' } });
    const twice = read('agents.resume', await owner.ask(resume, post({})));
    expect(twice.changed).toBe(false);
    const trail = await trailText(world);
    expect(trail).toContain(`Agent ${parent} was paused by ben.`);
    expect(trail).toContain(`Agent ${parent} may go on: ana.`);
  });

  it('by who asks beside the store is the command line’s, and nobody’s name', async () => {
    const name = await add();
    const headers = { authorization: world.room.machineAuthorization };
    const body = { note: 'stop' };
    const path = `/v1/agents/${name}/pause`;
    const { json } = await world.ask(path, { method: 'POST', body, headers });
    expect(json).toMatchObject({ agent: { paused: { by: 'the command line' } } });
    const said = { ...body, by: 'ana' };
    expect((await world.ask(path, { method: 'POST', body: said, headers })).status).toBe(422);
  });

  it('wants a reason that can be shown, and an agent that there is', async () => {
    const name = await add();
    for (const note of ['', 'a\u0007b', '\u2028', 'x'.repeat(501), undefined]) {
      const answer = await owner.ask(`/v1/agents/${name}/pause`, post({ note }));
      expect([answer.status, answer.json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    }
    expect(await shown(name)).toMatchObject({ state: 'active' });
    const nobody = await owner.ask('/v1/agents/nobody/pause', post({ note: 'x' }));
    expect([nobody.status, nobody.json]).toMatchObject([404, { code: 'HF_NOT_FOUND' }]);
  });

  it('is beyond an auditor, as adding and changing are beyond an approver', async () => {
    const name = await add();
    const stop = await auditor.ask(`/v1/agents/${name}/pause`, post({ note: 'x' }));
    expect(stop.status).toBe(403);
    expect((await approver.ask(`/v1/agents/${name}`, patch({ purpose: 'mine' }))).status).toBe(403);
    const body = { environment: 'production' };
    expect((await approver.ask(`/v1/agents/${name}/tokens`, post(body))).status).toBe(403);
    expect(await shown(name)).toMatchObject({ state: 'active', purpose: 'a test', tokens: [] });
  });
});

describe('a token', () => {
  it('is in one answer; what checks it is in none', async () => {
    const name = await add({ targets: ['main-db'] });
    const issued = await issue(name);
    expect(issued).toMatchObject({
      token: { agent: name, targets: ['main-db'] },
      opens: ['main-db'],
      urls: [expect.stringMatching(new RegExp(`^postgres://${name}:${issued.text}@.*/main-db$`))],
    });
    const record = (await world.rooms.agents.list()).find((one) => one.name === name);
    expect(record?.tokens).toHaveLength(1);
    for (const path of ['/v1/agents?limit=200', `/v1/agents/${name}`, '/v1/agent-findings']) {
      const text = JSON.stringify((await owner.ask(path)).json);
      expect(text).not.toContain(issued.text);
      expect(text).not.toContain(hashToken(issued.text).toString('hex'));
      expect(text).not.toMatch(/hash|salt|storedKey|serverKey/i);
    }
    expect(await trailText(world)).not.toContain(issued.text);
  });

  it('shows when, from where and by what it was last used', async () => {
    const name = await add();
    const { token } = await issue(name);
    expect((await shown(name)).tokens).toMatchObject([{ id: token.id, lastUse: null }]);
    const at = world.clock.now();
    const use = { at, source: '10.2.0.14', protocol: 'postgres' } as const;
    await world.rooms.agentStore.recordUses(new Map([[token.id, use]]));
    expect((await shown(name)).tokens).toMatchObject([
      { id: token.id, lastUse: { ...use, at: at.toISOString() } },
    ]);
  });

  it('is refused for what its agent may not, and while it is paused', async () => {
    const name = await add({ environments: ['production'], targets: ['main-db'] });
    const path = `/v1/agents/${name}/tokens`;
    for (const body of [
      { environment: 'staging' },
      { environment: 'production', targets: ['side-db'] },
    ]) {
      expect((await owner.ask(path, post(body))).json).toMatchObject({ code: 'HF_AGENT_SCOPE' });
    }
    await owner.ask(`/v1/agents/${name}/pause`, post({ note: 'x' }));
    const { json } = await owner.ask(path, post({ environment: 'production' }));
    expect(json).toMatchObject({ code: 'HF_AGENT_PAUSED' });
    expect((await shown(name)).tokens).toEqual([]);
  });

  it('ends by its id, or with all of its agent and of those below', async () => {
    const name = await add();
    const child = await add({ parent: name });
    const [one, two, third] = [await issue(name), await issue(name), await issue(child)];
    const { json } = await approver.ask(`/v1/tokens/${one.token.id}`, { method: 'DELETE' });
    expect(json).toEqual({ revoked: [one.token.id] });
    const path = `/v1/agents/${name}/tokens`;
    const rest = read('agents.revoke', await approver.ask(path, { method: 'DELETE' }));
    expect(rest.revoked.toSorted()).toEqual([two.token.id, third.token.id].toSorted());
    expect((await shown(child)).tokens).toEqual([]);
    expect(await trailText(world)).toMatch(
      new RegExp(`"by":"ben","token":"${one.token.id}"|"token":"${one.token.id}","by":"ben"`),
    );
  });
});

describe('findings', () => {
  const ITEMS = z.object({
    items: z.array(z.object({ code: z.string(), subject: z.string() })),
  });

  async function findings(browser: Browser): Promise<readonly string[]> {
    const { items } = ITEMS.parse((await browser.ask('/v1/agent-findings')).json);
    return items.map(({ code, subject }) => `${subject} ${code}`);
  }

  it('say who answers for nothing any more, and which token nobody uses', async () => {
    // As agents of before there were owners are.
    const ownerless = 'of-before';
    await world.rooms.agents.add(ownerless, { purpose: 'a test' });
    await world.person('kim', ['operator']);
    const ofKim = await add({ owner: 'kim' });
    expect(await findings(auditor)).toContain(`${ownerless} agent.no-owner`);
    expect(await findings(auditor)).not.toContain(`${ofKim} agent.owner-role`);
    await world.rooms.people.setRoles('kim', ['auditor']);
    expect(await findings(auditor)).toContain(`${ofKim} agent.owner-role`);
    await world.rooms.people.remove('kim');
    expect(await findings(auditor)).toContain(`${ofKim} agent.owner-removed`);
    expect(await shown(ofKim)).toMatchObject({ owner: { name: 'kim', isRemoved: true } });
    const unused = await add({ owner: 'ana' });
    await issue(unused, { lifeMs: TOKEN_UNUSED_MS_MAX + 60_000 });
    expect(await findings(auditor)).not.toContain(`${unused} token.unused`);
    world.clock.pass(TOKEN_UNUSED_MS_MAX);
    auditor = await signedInAgain('ida');
    owner = await signedInAgain('ana');
    approver = await signedInAgain('ben');
    expect(await findings(auditor)).toContain(`${unused} token.unused`);
  });

  it('name sealed credentials to those only who may see them', async () => {
    await world.rooms.credentials.add('railway', 'rw_abcdefgh');
    world.clock.pass(400 * 86_400_000);
    owner = await signedInAgain('ana');
    approver = await signedInAgain('ben');
    expect(await findings(owner)).toContain('railway credential.old');
    expect((await findings(approver)).filter((one) => one.includes('credential'))).toEqual([]);
  });

  async function signedInAgain(name: string): Promise<Browser> {
    const person = (await world.rooms.people.list()).find((one) => one.name === name);
    return await world.signedIn(name, person?.id ?? '');
  }
});
