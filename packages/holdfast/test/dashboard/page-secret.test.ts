/**
 * A real browser, a real dashboard, and an agent's server at another port of the same host, which the person is
 * lured to: it is sent both cookies, and they open nothing. Beside it, what the secret is for in the page:
 * streams, files, several tabs, and a browser that keeps nothing.
 */
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ApiWorld } from '../api/support.ts';
import { type AtBrowser, launch, noBrowser, sitDown } from './browser.ts';

const why = noBrowser();

describe('the dashboard in a browser', () => {
  let world: ApiWorld;
  let browser: Browser;
  let ana: AtBrowser;
  let agent: Server;
  let origin: string;
  let agentOrigin: string;
  const sent: string[] = [];

  const inPage = (page: Page, script: string): Promise<unknown> => page.evaluate(script);
  const keptIn = (page: Page): Promise<unknown> =>
    inPage(page, "localStorage.getItem('holdfast.page')");

  beforeAll(async () => {
    if (why !== null) return;
    const port = await freePort();
    origin = `http://localhost:${port}`;
    world = await ApiWorld.start(`dashboard: { port: ${port}, url: '${origin}' }\n`);
    await world.room.api.listen({ host: '127.0.0.1', port });
    agent = createServer((request, response) => {
      if (request.headers.cookie !== undefined) sent.push(request.headers.cookie);
      response.setHeader('content-type', 'text/html');
      response.end('<title>a preview of the agent’s</title>');
    });
    await new Promise<void>((done) => agent.listen(0, '127.0.0.1', done));
    agentOrigin = `http://localhost:${portOf(agent.address())}`;
    browser = await launch();
    ana = await sitDown(browser, { origin });
    const { page } = ana;
    await page.goto(`/join#${await world.rooms.ways.invites.makeFirst()}`);
    await page.getByLabel('Your name').fill('ana');
    await page.getByRole('button', { name: 'Make a passkey' }).click();
    await page.getByLabel('I keep them somewhere safe.').check();
    await page.getByRole('button', { name: 'Go on' }).click();
    await page.getByRole('heading', { level: 1 }).waitFor();
  });
  afterAll(async () => {
    await browser?.close();
    agent?.close();
    await world?.stop();
  });

  beforeEach((context) => {
    if (why !== null) context.skip(why);
  });

  it('keeps the secret where only its own origin reads it', async () => {
    expect(await keptIn(ana.page)).toMatch(/^hfp_/);
    expect(await inPage(ana.page, 'document.cookie')).toBe('');
    await ana.page.reload();
    await ana.page.getByRole('link', { name: 'Trail' }).first().waitFor();
  });

  it('an agent’s server on another port of localhost gets the cookies and cannot use them', async () => {
    const lured = await ana.context.newPage();
    await lured.goto(agentOrigin);
    const cookie = sent.at(-1) ?? '';
    // Else there would be nothing to guard against.
    expect(cookie).toMatch(/holdfast=hfs_\w+/);
    expect(cookie).toMatch(/holdfast-device=hfd_\w+/);
    expect(await keptIn(lured)).toBeNull();
    const asks: readonly (readonly [string, string])[] = [
      ['GET', '/v1/holds'],
      ['GET', '/v1/events'],
      ['GET', '/v1/trail/export'],
      ['POST', '/v1/people/invites'],
      ['POST', '/v1/session/prove/options'],
      ['DELETE', '/v1/session'],
    ];
    for (const [method, path] of asks) {
      const answer = await fetch(`${origin}${path}`, {
        method,
        headers: { cookie, origin, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: '{"name":"eve","roles":["owner"]}' }),
      });
      expect([path, answer.status]).toEqual([path, 401]);
      await answer.body?.cancel();
    }
    // Its page, by the person's own browser: asked for leave first, and given none.
    const byScript = await inPage(
      lured,
      `fetch('${origin}/v1/holds', { credentials: 'include', headers: { 'x-holdfast-page': 'hfp_' } })
        .then(() => 'read', () => 'stopped')`,
    );
    expect(byScript).toBe('stopped');
    await lured.close();
    await ana.page.reload();
    await ana.page.getByRole('link', { name: 'Trail' }).first().waitFor();
  });

  it('what it plants in the cookies makes nobody of the person, and lets nobody in', async () => {
    const eve = await world.person('eve', ['auditor']);
    const before = await ana.context.cookies(origin);
    const planted = eve.cookie.split('; ').map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return { name, value, url: agentOrigin };
    });
    const page = String(await keptIn(ana.page));
    // Her own page is closed meanwhile: it would find that nobody is signed in, and forget its secret.
    await ana.page.goto('about:blank');
    await ana.context.addCookies(planted);
    const answer = await ana.context.request.get(`${origin}/v1/session`, {
      headers: { 'x-holdfast-page': page },
    });
    expect([page, await answer.json()]).toMatchObject([
      expect.stringMatching(/^hfp_/),
      { person: null },
    ]);
    await ana.context.addCookies(before);
  });

  it('streams and files carry it, under the content policy as it is served', async () => {
    const { page } = ana;
    // A checkpoint is signed every so often, by a clock of its own.
    await expect
      .poll(async () => (await world.rooms.trailStore.newestCheckpoints(1)).length, {
        timeout: 30_000,
      })
      .toBe(1);
    await page.goto('/trail');
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export' }).click();
    const file = await coming;
    expect(file.suggestedFilename()).toBe('holdfast-trail.jsonl');
    const text = await readFile(await file.path(), 'utf8');
    const lines = text.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines) expect(() => JSON.parse(line)).not.toThrow();
    await page.getByRole('button', { name: 'Verify' }).click();
    await page.getByText('Every entry is as it was signed.').waitFor();
    await page.getByRole('button', { name: 'Close' }).last().click();
    const heard = page.waitForRequest((request) => request.url().endsWith('/v1/events'));
    await page.reload();
    expect(await (await heard).headerValue('x-holdfast-page')).toMatch(/^hfp_/);
    expect((await (await heard).response())?.status()).toBe(200);
    expect(ana.complaints).toEqual([]);
  });

  it('is shared by tabs, and gone from all of them with the session', async () => {
    const { page } = ana;
    const other = await ana.context.newPage();
    await other.goto('/');
    await other.getByRole('link', { name: 'Trail' }).first().waitFor();
    await page.goto('/');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByRole('button', { name: 'Use my passkey' }).waitFor();
    expect(await keptIn(page)).toBeNull();
    await other.getByRole('button', { name: 'Use my passkey' }).waitFor();
    await page.getByRole('button', { name: 'Use my passkey' }).click();
    await page.getByRole('link', { name: 'Trail' }).first().waitFor();
    // The other tab is let in with it.
    await other.getByRole('link', { name: 'Trail' }).first().waitFor();
    expect(await keptIn(other)).toBe(await keptIn(page));
    await other.close();
  });

  it('says in words that a browser keeps nothing, before anything is begun', async () => {
    const eve = await sitDown(browser, { origin });
    await eve.context.addInitScript(
      "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })",
    );
    await eve.page.goto('/');
    await eve.page.getByText('This browser keeps nothing for this address').waitFor();
    await eve.page.goto('/join#anything');
    await eve.page.getByText('This browser keeps nothing for this address').waitFor();
    await eve.close();
  });
});

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function freePort(): Promise<number> {
  const server = createPlainServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const port = portOf(server.address());
  await new Promise((done) => server.close(done));
  return port;
}
