/**
 * An agent's server stands at another port of the dashboard's host. Browsers send it both of our cookies, for
 * cookies know no port; it has everything that a request of our page has but the page's own secret.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/contract/index.ts';
import { PAGE_HEADER } from '../../src/api/who.ts';
import { ATTEMPTS_WINDOW_MS } from '../../src/model/limits.ts';
import { ApiWorld, sentBy } from './support.ts';
import { firstOwner, type JoinedPerson, join, read, trailText, Visitor } from './visitor.ts';

let world: ApiWorld;
let ana: JoinedPerson;
let asked = 0;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await firstOwner(world);
});
afterAll(async () => {
  await world?.stop();
});
beforeEach(async () => {
  world.clock.pass(ATTEMPTS_WINDOW_MS);
  ana.browser.page = null;
  await ana.browser.signIn(ana.passkey);
});

/** As an agent's server replays what it was sent: from this machine, with whatever `Origin` it likes. */
const replay = (at: string, page: string | null, options = {}) => {
  asked += 1;
  const address = `10.2.${asked % 200}.1`;
  return world.ask(at, { address, ...options }, { cookie: ana.browser.cookie, page });
};

describe('cookies alone', () => {
  it('open no route, whatever it does', async () => {
    const statuses: unknown[] = [];
    for (const [name, route] of Object.entries(ROUTES)) {
      if (route.access === 'anyone') continue;
      const at = route.path.replaceAll(/:[a-z]+/gi, ana.id);
      const body = route.method === 'GET' ? {} : { body: {} };
      const { json, status } = await replay(at, null, { method: route.method, ...body });
      statuses.push([name, status, Object(json).code]);
    }
    expect(statuses.length).toBeGreaterThan(50);
    expect(statuses).toEqual(statuses.map((one) => [Object(one)[0], 401, 'HF_SIGN_IN']));
    expect((await ana.browser.ask('/v1/holds')).status).toBe(200);
  });

  it('are nobody’s: neither metrics, nor who is signed in, nor a session to be renewed', async () => {
    expect((await replay('/metrics', null)).status).toBe(401);
    expect((await replay('/v1/session', null)).json).toMatchObject({ person: null, may: [] });
    const proof = await replay('/v1/session/prove/options', null, { method: 'POST', body: {} });
    expect(proof.status).toBe(401);
    expect((await ana.browser.ask('/metrics')).status).toBe(200);
  });

  it('do not sign their person out', async () => {
    await replay('/v1/session', null, { method: 'DELETE' });
    expect((await ana.browser.ask('/v1/holds')).status).toBe(200);
  });
});

describe('a page’s secret', () => {
  it.each<readonly [story: string, shown: (whole: string, other: Visitor) => string]>([
    ['of another person’s session', (_, other) => other.page ?? 'none'],
    ['that is empty', () => ''],
    ['with something behind it', (whole) => `${whole}0`],
    ['with something cut off', (whole) => whole.slice(0, -1)],
    ['in capital letters', (whole) => whole.toUpperCase()],
    ['shown twice', (whole) => `${whole}, ${whole}`],
    ['that is a session’s', (_, other) => other.cookies.get('holdfast') ?? 'none'],
    ['that is this session’s own', () => ana.browser.cookies.get('holdfast') ?? 'none'],
    ['that is the device’s', () => ana.browser.cookies.get('holdfast-device') ?? 'none'],
  ])('%s opens nothing', async (_, shownOf) => {
    const other = await join(world, ana.browser, `eve-${asked}`, ['auditor']);
    const shown = shownOf(ana.browser.page ?? '', other.browser);
    expect(shown).not.toBe('none');
    expect((await replay('/v1/holds', shown)).status).toBe(401);
  });

  it('of another session of the same person opens nothing, and is a new one at each sign-in', async () => {
    const elsewhere = new Visitor(world);
    await elsewhere.signIn(ana.passkey);
    expect((await replay('/v1/holds', elsewhere.page)).status).toBe(401);
    const before = ana.browser.page;
    await ana.browser.signIn(ana.passkey);
    expect(ana.browser.page).not.toBe(before);
    expect((await replay('/v1/holds', before)).status).toBe(401);
    expect((await replay('/v1/holds', ana.browser.page)).status).toBe(200);
  });

  it('is not taken from anywhere but its header, nor without the cookies', async () => {
    const page = ana.browser.page ?? '';
    expect((await replay(`/v1/session?page=${page}`, null)).json).not.toMatchObject({
      person: { name: 'ana' },
    });
    const cookie = `${ana.browser.cookie}; holdfast-page=${page}; ${PAGE_HEADER}=${page}`;
    expect((await world.ask('/v1/holds', {}, { cookie, page: null })).status).toBe(401);
    expect((await world.ask('/v1/holds', {}, { cookie: '', page })).status).toBe(401);
    const headers = { authorization: `Bearer ${page}` };
    expect((await world.ask('/v1/holds', { headers })).status).toBe(401);
  });

  it('does not make a request of another site’s page ours', async () => {
    const answer = await ana.browser.ask('/v1/session', {
      method: 'DELETE',
      headers: { origin: 'http://localhost:9999' },
    });
    expect(answer.status).toBe(403);
    const preflight = await world.room.api.inject({
      method: 'OPTIONS',
      url: '/v1/holds',
      headers: {
        ...sentBy(ana.browser),
        host: 'localhost:7070',
        origin: 'http://localhost:9999',
        'access-control-request-method': 'GET',
        'access-control-request-headers': PAGE_HEADER,
      },
    });
    expect(preflight.statusCode).toBe(404);
    expect(preflight.headers['access-control-allow-origin']).toBeUndefined();
    expect(preflight.headers['access-control-allow-headers']).toBeUndefined();
  });

  it('is shown once, kept as its hash, and written down nowhere', async () => {
    const page = ana.browser.page ?? 'none';
    expect(page).toMatch(/^hfp_[0-9a-z]{52}$/);
    expect(JSON.stringify((await ana.browser.ask('/v1/session')).json)).not.toContain('hfp_');
    expect(await trailText(world)).not.toContain('hfp_');
    const rows = await world.rooms.database.run((db) =>
      db.selectFrom('holdfast.sessions').selectAll().execute(),
    );
    expect(JSON.stringify(rows)).not.toContain('hfp_');
    expect(rows.filter(({ page_hash }) => page_hash?.length === 32).length).toBe(rows.length);
  });
});

describe('sessions of browsers and of command lines', () => {
  it('do not open in each other’s place', async () => {
    const secret = ana.browser.cookies.get('holdfast') ?? '';
    const headers = { authorization: `Bearer ${secret}` };
    expect((await world.ask('/v1/holds', { headers })).status).toBe(401);
    expect((await world.ask('/v1/holds', { headers }, ana.browser)).status).toBe(401);
    const line = await world.rooms.sessions.open({
      personId: ana.id,
      kind: 'command-line',
      method: 'device',
      userAgent: 'test',
      source: '127.0.0.1',
      device: null,
    });
    expect([line.device, line.page]).toEqual([null, null]);
    const bearer = { authorization: `Bearer ${line.secret}` };
    expect((await world.ask('/v1/holds', { headers: bearer })).status).toBe(200);
    const shown = { cookie: `holdfast=${line.secret}`, page: ana.browser.page };
    expect((await world.ask('/v1/holds', {}, shown)).status).toBe(401);
  });

  it('a browser that lost its page’s secret signs in again, and what lay in its cookies is closed', async () => {
    const old = { cookie: ana.browser.cookie, page: ana.browser.page };
    ana.browser.page = null;
    expect((await ana.browser.ask('/v1/holds')).status).toBe(401);
    read('signIn.passkey', await ana.browser.signIn(ana.passkey));
    expect((await ana.browser.ask('/v1/holds')).status).toBe(200);
    expect((await world.ask('/v1/holds', {}, old)).status).toBe(401);
  });
});
