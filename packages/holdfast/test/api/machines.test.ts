/** What machines ask: is it alive, is it ready, how much of everything; and how much they may ask. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { API_REQUESTS_PER_MINUTE_MAX } from '../../src/model/limits.ts';
import { decide, openHolds } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

let world: ApiWorld;
let ana: Browser;

beforeAll(async () => {
  world = await ApiWorld.start(
    `
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }
metrics: { token: { env: SCRAPE } }`,
    { env: { SCRAPE: 'scrape-me' } },
  );
  ana = await world.person('ana', ['owner']);
  await openHolds(world, 2);
  await decide(world, { text: 'DELETE FROM t WHERE id = 1' });
});
afterAll(async () => {
  await world?.stop();
});

it('counts for who may read metrics, and for the scraper with its token', async () => {
  await ana.ask('/v1/trail');
  const { json, status, headers } = await ana.ask('/metrics');
  expect([status, headers['content-type']]).toMatchObject([200, /^text\/plain/]);
  const text = String(json);
  expect(text).toMatch(/^holdfast_holds_open\{state="waiting"\} 2$/m);
  expect(text).toMatch(/^holdfast_decisions\{verdict="forward"\} 1$/m);
  expect(text).toMatch(/^holdfast_target_protection\{target="main-db",level="none"\} 1$/m);
  expect(text).toMatch(
    /^holdfast_api_request_seconds_count\{route="trail.list",status="200"\} 1$/m,
  );
  expect(text).toMatch(/^holdfast_nodejs_eventloop_lag_seconds /m);
  const scraped = await world.ask('/metrics', { headers: { authorization: 'Bearer scrape-me' } });
  expect(scraped.status).toBe(200);
});

it('does not count for others', async () => {
  const ben = await world.person('ben', ['approver']);
  expect((await ben.ask('/metrics')).status).toBe(403);
  expect((await world.ask('/metrics')).status).toBe(401);
  const wrong = await world.ask('/metrics', { headers: { authorization: 'Bearer scrape-you' } });
  expect([wrong.status, wrong.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
});

it('says that it lives, and which part is not ready', async () => {
  expect((await world.ask('/healthz')).json).toEqual({ ok: true });
  const ready = await world.ask('/readyz');
  expect([ready.status, ready.json]).toEqual([
    200,
    { ok: true, parts: { store: { ok: true, why: '' }, trail: { ok: true, why: '' } } },
  ]);
});

it('bounds what one person asks in a minute, and says so beforehand', async () => {
  const kim = await world.person('kim', ['auditor']);
  const first = await kim.ask('/v1/session');
  expect(first.headers).toMatchObject({
    'ratelimit-limit': expect.anything(),
    'ratelimit-remaining': expect.anything(),
  });
  let status = 200;
  let asked = 1;
  // From many addresses, so that it is the person who is counted.
  for (; status === 200 && asked < API_REQUESTS_PER_MINUTE_MAX + 10; asked += 1) {
    const address = `10.0.${asked % 8}.1`;
    status = (await kim.ask('/v1/session', { address })).status;
  }
  expect([status, asked]).toEqual([429, API_REQUESTS_PER_MINUTE_MAX + 1]);
  const { headers, json } = await kim.ask('/v1/session', { address: '10.0.9.9' });
  expect(json).toMatchObject({ code: 'HF_RATE', status: 429 });
  expect(headers).toMatchObject({ 'retry-after': expect.anything(), 'ratelimit-remaining': '0' });
  expect((await ana.ask('/v1/session', { address: '10.0.9.9' })).status).toBe(200);
  world.clock.pass(60_000);
  expect((await kim.ask('/v1/session', { address: '10.0.9.9' })).status).toBe(200);
});

it('bounds what one address asks in a minute, whoever it is', async () => {
  const address = '10.9.9.9';
  let refused = null;
  for (let asked = 0; asked <= API_REQUESTS_PER_MINUTE_MAX && refused === null; asked += 1) {
    const answer = await world.ask('/healthz', { address });
    if (answer.status !== 200) refused = answer;
  }
  expect(refused).toMatchObject({ status: 429, json: { code: 'HF_RATE' } });
  expect(refused?.headers['content-type']).toMatch(/^application\/problem\+json/);
});
