/** Every cell of the table of roles, asked of the API itself: each route, as each role, agent and nobody. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/contract/index.ts';
import type { Route } from '../../src/api/contract/route.ts';
import { isPermission, PERMISSION_NAMES, ROLES, rolesAllow } from '../../src/identity/roles.ts';
import { hashToken, newToken } from '../../src/identity/token.ts';
import { ATTEMPTS_WINDOW_MS, PROVED_MS_MAX } from '../../src/model/limits.ts';
import {
  type Answered,
  ApiWorld,
  type AskOptions,
  type Browser,
  type Shown,
  sentBy,
} from './support.ts';

let world: ApiWorld;
let agentsToken: string;
let listens: string;
const ids = new Map<string, string>();

beforeAll(async () => {
  world = await ApiWorld.start();
  const { port } = await world.room.api.listen({ host: '127.0.0.1', port: 0 });
  listens = `http://127.0.0.1:${port}`;
  await world.person('keeper', ['owner']);
  for (const role of ROLES) await world.person(role, [role]);
  for (const { id, name } of await world.rooms.people.list()) ids.set(name, id);
  agentsToken = newToken(world.clock);
  world.tokens.set(hashToken(agentsToken).toString('hex'), {
    tokenId: 'token_a',
    agentId: 'agent_a',
    agentName: 'cursor',
    tokenHash: hashToken(agentsToken),
    storedKey: Buffer.alloc(32),
    serverKey: Buffer.alloc(32),
    environment: 'production',
    targets: [],
    expiresAt: new Date('2999-01-01T00:00:00Z'),
  });
});
afterAll(async () => {
  await world?.stop();
});
beforeEach(() => {
  world.clock.pass(ATTEMPTS_WINDOW_MS);
});

const routes: readonly (readonly [name: string, route: Route])[] = Object.entries(ROUTES);

/** As it is, with nothing in it that does anything: what is asked is whether the door opens. */
function asking({ method, path }: Route): readonly [path: string, options: AskOptions] {
  const at = path.replaceAll(/:[a-z]+/gi, 'nothing');
  return [at, method === 'GET' ? { method } : { method, body: { nonsense: true } }];
}

/** An event stream may never end: whoever is let in leaves when its head is there. */
async function answerOf(
  route: Route,
  shown: Shown | undefined,
  headers: AskOptions['headers'] = {},
): Promise<Pick<Answered, 'json' | 'status'>> {
  const [path, options] = asking(route);
  if (route.stream !== 'text/event-stream') return world.ask(path, { ...options, headers }, shown);
  const leaving = new AbortController();
  const response = await fetch(`${listens}${path}`, {
    headers: { ...headers, ...sentBy(shown) },
    signal: leaving.signal,
  });
  const json: unknown = response.ok ? null : await response.json();
  leaving.abort();
  return { status: response.status, json };
}

const SHUT = [401, 403];
const isOpen = (status: number) => !SHUT.includes(status);

/** A fresh session each time: some routes close it. */
const as = (name: string): Promise<Browser> => world.signedIn(name, ids.get(name) ?? '');

describe.each(routes)('%s', (name, route) => {
  it.each(ROLES)('opens for %s as the table says', async (role) => {
    const { json, status } = await answerOf(route, await as(role));
    const may = !isPermission(route.access) || rolesAllow([role], route.access);
    if (may) expect(isOpen(status), `${name}: ${status} ${JSON.stringify(json)}`).toBe(true);
    else expect([status, json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
  });

  it('opens for nobody, and for an agent, only where it says so', async () => {
    const nobody = await answerOf(route, undefined);
    if (route.access === 'anyone') expect(nobody.status).not.toBe(403);
    else expect([nobody.status, nobody.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    const headers = { authorization: `Bearer ${agentsToken}` };
    const agent = await answerOf(route, undefined, headers);
    const isTheirs = route.access === 'anyone' || route.access === 'agent';
    if (isTheirs) expect(agent.status).not.toBe(403);
    else expect([agent.status, agent.json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
  });

  if (route.wantsRecentProof)
    it('wants a recent proof', async () => {
      const owner = await as('owner');
      world.clock.pass(PROVED_MS_MAX + 1);
      const { json, status } = await owner.ask(...asking(route));
      expect([status, json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    });

  if (route.method !== 'GET')
    it('does nothing for the page of another site', async () => {
      const owner = await as('owner');
      const [path, options] = asking(route);
      const headers = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
      expect((await owner.ask(path, { ...options, headers })).status).toBe(403);
    });
});

describe('the table', () => {
  it('is what the API shows of itself', async () => {
    const { json } = await (await as('auditor')).ask('/v1/roles');
    expect(json).toMatchObject({ permissions: PERMISSION_NAMES.map((name) => ({ name })) });
  });

  it('adds roles of one person up', async () => {
    const both = await world.person('both', ['auditor', 'operator']);
    expect((await both.ask('/v1/people/invites')).status).toBe(403);
    const session = await both.ask('/v1/session');
    const may = PERMISSION_NAMES.filter((name) => rolesAllow(['auditor', 'operator'], name));
    expect(session.json).toMatchObject({ may });
  });
});
