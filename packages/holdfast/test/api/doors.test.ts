/** The door of the API: who is let in, from where, and what is said to those who are not. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashToken, newToken } from '../../src/identity/token.ts';
import { SESSION_IDLE_MS_MAX, SESSION_LIFE_MS_MAX } from '../../src/model/limits.ts';
import { ApiWorld, type Browser, ORIGIN } from './support.ts';

const PROBLEM = 'application/problem+json; charset=utf-8';

let world: ApiWorld;
let ana: Browser;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await world.person('ana', ['owner']);
});
afterAll(async () => {
  await world?.stop();
});

it('lets a person with a session in, and says who they are', async () => {
  const { status, json } = await ana.ask('/v1/session');
  expect(status).toBe(200);
  expect(json).toMatchObject({ person: { name: 'ana', roles: ['owner'] }, isNew: false });
});

it('tells nobody anything else', async () => {
  const { status, json, headers } = await world.ask('/v1/holds');
  expect([status, headers['content-type']]).toEqual([401, PROBLEM]);
  expect(json).toMatchObject({ code: 'HF_SIGN_IN', status: 401 });
});

it('wants the device beside the session', async () => {
  const [session = ''] = ana.cookie.split('; ');
  const { page } = ana;
  expect((await world.ask('/v1/holds', {}, { cookie: session, page })).status).toBe(401);
  const other = await world.person('device-thief', ['owner']);
  const [, device = ''] = other.cookie.split('; ');
  const cookie = `${session}; ${device}`;
  expect((await world.ask('/v1/holds', {}, { cookie, page })).status).toBe(401);
});

it('does not change anything for another site’s page', async () => {
  const evil = { origin: 'https://evil.example' };
  const cross = await ana.ask('/v1/session', { method: 'DELETE', headers: evil });
  expect([cross.status, (await ana.ask('/v1/holds')).status]).toEqual([403, 200]);
  const other = await world.ask(
    '/v1/session',
    { method: 'DELETE', headers: { origin: 'null', 'sec-fetch-site': 'cross-site' } },
    ana,
  );
  expect(other.status).toBe(403);
});

it('is not found under another name (DNS rebinding)', async () => {
  const { status } = await ana.ask('/v1/holds', { headers: { host: 'evil.example' } });
  expect(status).toBe(403);
});

it('knows an agent by its token, and shows it nothing of people’s', async () => {
  const token = newToken(world.clock);
  world.tokens.set(hashToken(token).toString('hex'), {
    tokenId: 'token_a',
    agentId: 'agent_a',
    agentName: 'cursor',
    tokenHash: hashToken(token),
    storedKey: Buffer.alloc(32),
    serverKey: Buffer.alloc(32),
    environment: 'production',
    targets: [],
    expiresAt: new Date('2999-01-01T00:00:00Z'),
  });
  const headers = { authorization: `Bearer ${token}` };
  const { status, json } = await world.ask('/v1/holds', { headers });
  expect([status, json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
  // A cookie beside the token does not make a person of it.
  expect((await world.ask('/v1/holds', { headers }, ana)).status).toBe(403);
});

it('ends a session by time without use, by time in any case, and when it is closed', async () => {
  const ben = await world.person('ben', ['auditor']);
  world.clock.pass(SESSION_IDLE_MS_MAX - 1_000);
  expect((await ben.ask('/v1/holds')).status).toBe(200);
  world.clock.pass(SESSION_IDLE_MS_MAX);
  expect((await ben.ask('/v1/holds')).status).toBe(401);

  const eve = await world.person('eve', ['auditor']);
  for (let at = 0; at < SESSION_LIFE_MS_MAX; at += SESSION_IDLE_MS_MAX / 2) {
    expect((await eve.ask('/v1/holds')).status).toBe(200);
    world.clock.pass(SESSION_IDLE_MS_MAX / 2);
  }
  expect((await eve.ask('/v1/holds')).status).toBe(401);

  const joe = await world.person('joe', ['auditor']);
  expect((await joe.ask('/v1/session', { method: 'DELETE' })).json).toEqual({ closed: true });
  expect((await joe.ask('/v1/holds')).status).toBe(401);
});

it('forgets a person’s sessions with the person', async () => {
  const kim = await world.person('kim', ['auditor']);
  await world.rooms.people.remove('kim');
  expect((await kim.ask('/v1/holds')).status).toBe(401);
});

it('says in its headers that no other page may frame, read or script it', async () => {
  const { headers } = await world.ask('/v1/session');
  expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(headers).toMatchObject({
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  expect(headers['access-control-allow-origin']).toBeUndefined();
});

it('answers in one shape when it was not understood', async () => {
  const lea = await world.person('lea', ['auditor']);
  const answers = [
    await lea.ask('/v1/holds?limit=0'),
    await lea.ask('/v1/holds?colour=red'),
    await lea.ask('/v1/session', {
      method: 'DELETE',
      headers: { 'content-type': 'application/json', 'content-length': '5' },
    }),
    await lea.ask('/v1/nothing'),
    await lea.ask('/v1/holds/%zz'),
    await lea.ask(`/v1/holds/${'x'.repeat(8_000)}`),
  ];
  expect(answers.map(({ headers }) => headers['content-type'])).toEqual(answers.map(() => PROBLEM));
  expect(answers.map(({ status }) => status)).toEqual([422, 422, 400, 404, 400, 422]);
  expect(answers.map(({ headers }) => headers['x-frame-options'])).toEqual(
    answers.map(() => 'DENY'),
  );
  expect(world.troubles).toEqual([]);
});

it('takes the address itself for ours, and no other origin on the machine', async () => {
  const ask = (origin: string) =>
    world.ask('/v1/session', { method: 'DELETE', headers: { origin } });
  expect((await ask('http://localhost:9999')).status).toBe(403);
  expect((await ask(`${ORIGIN}.evil.example`)).status).toBe(403);
});
