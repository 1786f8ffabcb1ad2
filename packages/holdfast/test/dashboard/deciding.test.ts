/**
 * People decide, at a real browser with a virtual authenticator, over a real gateway in front of a real
 * PostgreSQL: the first owner enrols by the one-time link, others are invited, and what an agent asked is
 * approved by passkey, by two, denied, or runs out. With HOLDFAST_PICTURES=1 the pictures of docs/pictures are
 * taken anew.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { join, keepCodes, reach, Seats, seriousFaults } from './hands.ts';

const WHY_NOT = noBrowser();
const PICTURES = resolve(import.meta.dirname, '../../../../docs/pictures');

let gateway: Gateway;
let seats: Seats;
let origin: string;
let agent: pg.Client;
let ada: AtBrowser;
let grace: AtBrowser;

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  origin = `http://localhost:${dashboardPort}`;
  gateway = await startGateway({
    level: 'guarded',
    dashboardPort,
    people: 2,
  });
  await gateway.upstream.ask(
    `create table bookings (id int primary key, customer text);
     insert into bookings select n, 'customer ' || n from generate_series(1, 1200) n;
     create table leftovers (id int); alter table leftovers owner to app;
     create view busy as select * from bookings;
     analyze bookings; alter table bookings owner to app; alter view busy owner to app`,
  );
  const { host, port, user, password, database } = gateway.through;
  agent = new pg.Client({ host, port, user, password, database, ssl: false });
  await agent.connect();
  seats = new Seats(await launch(), origin);
});
afterAll(async () => {
  await seats?.close();
  await agent?.end();
  await gateway?.stop();
});

async function held(text: string): Promise<string> {
  const said = await agent.query(text).then(
    () => 'passed',
    (error: unknown) =>
      error instanceof pg.DatabaseError ? `${error.message} ${error.detail}` : String(error),
  );
  const id = /hold_[0-9a-hjkmnp-tv-z]{16}/.exec(said)?.[0];
  if (id === undefined) throw new Error(`It was not held: ${said}`);
  return id;
}

/** On a machine that is busy the look-up may run out of its time; then the card says so, and the agent asks again. */
async function heldWithFacts(text: string): Promise<string> {
  for (let tries = 0; tries < 10; tries += 1) {
    const id = await held(`${text} /* ${tries} */`);
    const { card } = await gateway.holdfast.rooms.holds.show(id);
    if (card.facts?.rows != null && card.facts.dependents.length > 0) return id;
  }
  throw new Error('Nothing was found out about it ten times.');
}

async function open(page: Page, holdId: string): Promise<void> {
  await page.goto(`/holds/${holdId}`);
  await page.getByRole('region', { name: /Decide/ }).waitFor();
}

async function approve(page: Page, typed: string): Promise<void> {
  await page.getByLabel(/^Type .* to approve/).fill(typed);
  await page.getByRole('button', { name: /^Approve by passkey/ }).click();
}

async function picture(page: Page, name: string): Promise<void> {
  if (process.env['HOLDFAST_PICTURES'] !== '1') return;
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: resolve(PICTURES, `${name}.png`) });
}

describe.skipIf(WHY_NOT !== null)('people at the dashboard', () => {
  it('has a browser', (ctx) => {
    ctx.skip(WHY_NOT !== null, WHY_NOT ?? '');
  });

  it('the first owner enrols by the one-time link, and nobody else becomes one by being first', async () => {
    const stranger = await seats.sit();
    await stranger.page.goto('/');
    await stranger.page.getByRole('heading', { name: 'Nobody is enrolled yet' }).waitFor();
    await picture(stranger.page, 'first-run');
    ada = await seats.sit();
    const { page } = ada;
    await join(page, gateway.holdfast.firstOwnerUrl ?? '', 'ada');
    await picture(page, 'joined');
    await keepCodes(page);
    await page.getByRole('link', { name: 'Holds' }).first().waitFor();
    expect(
      (await gateway.holdfast.rooms.people.list()).map(({ name, roles }) => [name, roles]),
    ).toEqual([['ada', ['owner']]]);
    await stranger.page.reload();
    await stranger.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    await stranger.page.goto(gateway.holdfast.firstOwnerUrl ?? '');
    await stranger.page
      .getByText(/HF_INVITE|opens nothing/)
      .first()
      .waitFor();
  });

  it('two approve by passkey, the second on a phone', async () => {
    const id = await heldWithFacts('DROP TABLE bookings CASCADE');
    await open(ada.page, id);
    await ada.page.getByText('bookings').first().waitFor();
    await ada.page.getByText(/1,200/).first().waitFor();
    await ada.page.getByText(/busy/).first().waitFor();
    await picture(ada.page, 'card');
    expect(await seriousFaults(ada.page)).toEqual([]);
    await approve(ada.page, 'bookings');
    await ada.page.getByText(/You signed. Somebody else has to/).waitFor();
    grace = await seats.newcomer(gateway.holdfast.rooms, 'grace', 'approver', {
      phone: true,
      dark: true,
    });
    const { page } = grace;
    await open(page, id);
    await picture(page, 'card-phone');
    expect(await seriousFaults(page)).toEqual([]);
    await approve(page, 'bookings');
    await page.getByText(/That is enough: the agent may retry/).waitFor();
    const { signatures, state } = await gateway.holdfast.rooms.holds.show(id);
    expect([state, signatures.map(({ method, personName }) => [personName, method])]).toEqual([
      'signed',
      [
        ['ada', 'passkey'],
        ['grace', 'passkey'],
      ],
    ]);
  });

  it('what two signed passes once, and is held again the next time', async () => {
    const statement = 'DROP TABLE leftovers';
    const id = await held(statement);
    for (const { page } of [ada, grace]) {
      await open(page, id);
      await approve(page, 'leftovers');
      await page
        .getByText(/You signed|That is enough/)
        .first()
        .waitFor();
    }
    await agent.query(statement);
    await ada.page.getByRole('heading', { name: 'Approved, and used' }).waitFor();
    await agent.query('create table leftovers (id int)');
    expect(await held(statement)).not.toBe(id);
  });

  it('what nobody decides in time runs out before their eyes', async () => {
    const id = await held('DROP TABLE bookings RESTRICT');
    await open(ada.page, id);
    await gateway.holdfast.rooms.database.run((db) =>
      db
        .updateTable('holdfast.holds')
        .set({ expires_at: new Date(Date.now() + 1_000) })
        .where('id', '=', id)
        .execute(),
    );
    await ada.page.getByRole('heading', { name: 'Expired' }).waitFor();
    expect(await ada.page.getByRole('button', { name: /^Approve/ }).count()).toBe(0);
  });

  it('what the card wants typed is typed as it is, and the wrong finger signs nothing', async () => {
    const id = await held('DROP VIEW busy');
    await open(ada.page, id);
    await ada.recognises(false);
    const field = ada.page.getByLabel(/^Type .* to approve/);
    await field.fill('busi');
    await ada.page.keyboard.press('Tab');
    await ada.page.getByRole('button', { name: /^Approve by passkey/ }).click();
    expect((await gateway.holdfast.rooms.holds.show(id)).signatures).toEqual([]);
    await field.fill('busy');
    await ada.page.getByRole('button', { name: /^Approve by passkey/ }).click();
    await ada.page.getByRole('alert').first().waitFor();
    expect((await gateway.holdfast.rooms.holds.show(id)).signatures).toEqual([]);
    await ada.recognises(true);
  });

  it('is approved and denied by the keyboard alone', async () => {
    const { page } = ada;
    const id = await held('ALTER TABLE bookings DROP COLUMN customer');
    await page.goto('/holds');
    await page.getByText('DROP COLUMN customer').first().waitFor();
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'Decide' }).waitFor();
    expect(page.url()).toContain(id);
    await page.keyboard.press('d');
    const dialog = page.getByRole('dialog', { name: 'Deny this hold' });
    await dialog.waitFor();
    await page.keyboard.type('Not on a Friday.');
    await reach(page, 'Deny by passkey');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Denied' }).waitFor();
    await picture(page, 'denied');
    const said = await agent.query('ALTER TABLE bookings DROP COLUMN customer').catch(String);
    expect(said).toMatch(/denied/i);
  });

  it('who may only look sees the card, and no way to decide', async () => {
    const id = await held('DROP TABLE bookings');
    const { page } = await seats.newcomer(gateway.holdfast.rooms, 'olga', 'auditor');
    await open(page, id);
    await page.getByText('You may see this, not decide it.').waitFor();
    expect(await page.getByRole('button', { name: /^Approve/ }).count()).toBe(0);
  });

  it('a browser without an authenticator gets no further than the door', async () => {
    const id = await held('TRUNCATE bookings CASCADE');
    const bare = await seats.sit({ hasAuthenticator: false });
    await bare.page.goto('/');
    await bare.page.getByRole('button', { name: 'Use my passkey' }).click();
    // The browser goes on asking for one; who has none is still at the door.
    await bare.page.waitForTimeout(1_500);
    await bare.page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect((await gateway.holdfast.rooms.holds.show(id)).signatures).toEqual([]);
  });

  it('shows hostile text as text', async () => {
    const hostile = `DROP TABLE "bookings" /* <img src=x onerror="document.title='owned'"> \u202Etxt.\u202C */`;
    const id = await held(hostile);
    await open(ada.page, id);
    await ada.page.getByText('onerror').first().waitFor();
    expect(await ada.page.title()).not.toContain('owned');
    expect(await ada.page.locator('img[src="x"]').count()).toBe(0);
    // What would turn the text around is shown as what it is.
    expect(await ada.page.getByRole('main').textContent()).not.toContain('\u202E');
  });

  it('every page can be used by everybody, in light and in dark', async () => {
    for (const dark of [false, true]) {
      const page = ada.page;
      await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light' });
      for (const path of [
        '/',
        '/holds',
        '/undo',
        '/trail',
        '/targets',
        '/agents',
        '/people',
        '/policy',
        '/account',
      ]) {
        await page.goto(path);
        await page.getByRole('heading', { level: 1 }).waitFor();
        await page
          .getByText(/^Loading/)
          .first()
          .waitFor({ state: 'detached' });
        expect([path, dark, await seriousFaults(page)]).toEqual([path, dark, []]);
        if (!dark) await picture(page, `page-${path === '/' ? 'now' : path.slice(1)}`);
      }
    }
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});
