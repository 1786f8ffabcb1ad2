/**
 * Single sign-on at a real browser, through a real provider of OpenID Connect on loopback: who is let in, and
 * that it signs nothing until a passkey says so; who is not invited is told in words; and the way back opens
 * once, in the browser that it was begun in.
 */
import pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { type Account, IdentityProvider } from '../api/identity-provider.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { letProofsAge, lookAt, reach, Seats } from './hands.ts';

const WHY_NOT = noBrowser();
const STRANGER: Account = { sub: 'eve', email: 'eve@elsewhere.example', email_verified: true };
const KIM: Account = { sub: 'kim', email: 'kim@people.example', email_verified: true };
const ADA: Account = { sub: 'ada-at-the-provider' };

let origin: string;
let idp: IdentityProvider;
let gateway: Gateway;
let seats: Seats;
let ada: AtBrowser;
let holdId: string;

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  origin = `http://localhost:${dashboardPort}`;
  idp = await IdentityProvider.start(origin);
  gateway = await startGateway({
    level: 'guarded',
    dashboardPort,
    more: {
      lines: [
        'signIn:',
        '  oidc:',
        `    issuer: ${idp.issuer}`,
        '    clientId: holdfast',
        '    clientSecret: { env: OIDC_SECRET }',
        '    allow: { domains: [people.example] }',
        '    roles: [approver]',
      ],
      env: { OIDC_SECRET: 'a secret of a test' },
    },
  });
  await gateway.upstream.ask('create table leftovers (id int); alter table leftovers owner to app');
  seats = new Seats(await launch(), origin);
  ada = await seats.newcomer(gateway.holdfast.rooms, 'ada', 'owner');
  const agent = new pg.Client({ ...gateway.through, ssl: false });
  await agent.connect();
  const said = await agent.query('drop table leftovers').catch((error: unknown) => error);
  await agent.end();
  holdId = /hold_[0-9a-z]+/.exec(JSON.stringify(said))?.[0] ?? '';
  expect(holdId).not.toBe('');
});
afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  await seats?.close();
  await gateway?.stop();
  await idp?.stop();
});
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

function wayThere(page: Page) {
  return page.getByRole('button', { name: `Go on at ${new URL(idp.issuer).host}` });
}

/** Through the provider and back; the address that it came back to. */
async function goThrough({ page }: AtBrowser, account: Account): Promise<string> {
  idp.seat(account);
  const back = page.waitForRequest((request) => request.url().startsWith(`${origin}/sso?`));
  await wayThere(page).click();
  return (await back).url();
}

async function signatures(): Promise<readonly unknown[]> {
  return (await gateway.holdfast.rooms.holds.show(holdId)).signatures;
}

describe('single sign-on', () => {
  it('who is not invited is told so in words, and is nobody', async () => {
    const eve = await seats.sit();
    const { page } = eve;
    await page.goto('/');
    await wayThere(page).waitFor();
    await lookAt(page, 'sso-door');
    await goThrough(eve, STRANGER);
    await page.getByRole('heading', { name: 'Not signed in' }).waitFor();
    await page.getByText(/ask an owner for an invitation/).waitFor();
    await lookAt(page, 'sso-not-invited');
    // Neither the code nor the state stays in the address.
    expect(page.url()).toBe(`${origin}/sso`);
    await page.getByRole('link', { name: 'Sign in another way' }).click();
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    const names = (await gateway.holdfast.rooms.people.list()).map(({ name }) => name);
    expect(names).toEqual(['ada']);
    await ada.page.goto('/trail?kind=sign-in-refused');
    await ada.page.getByText(/nobody here is linked to them, and nothing allows them/).waitFor();
  });

  it('who is let in sees the holds, and is told that they sign nothing yet', async () => {
    const kim = await seats.sit({ phone: true });
    const { page } = kim;
    await page.goto(`/holds/${holdId}`);
    await goThrough(kim, KIM);
    // Back where the link of a notice would have led.
    await page.getByText(/single sign-on signs nothing/).waitFor();
    expect(await page.getByRole('button', { name: /^Approve|^Deny/ }).count()).toBe(0);
    expect(page.url()).toBe(`${origin}/holds/${holdId}`);
    await lookAt(page, 'sso-hold');
    await page.goto('/account');
    await page.getByText('You have no passkey').waitFor();
    await lookAt(page, 'sso-account');
    expect(await signatures()).toEqual([]);
  });

  it('an owner links themselves, and comes in by it with the keyboard alone', async () => {
    const { page } = ada;
    await page.goto('/account');
    idp.seat(ADA);
    await page.getByRole('button', { name: /^Link / }).click();
    await page.getByText(`Linked to ${idp.issuer}`).waitFor();
    await lookAt(page, 'sso-linked');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await wayThere(page).waitFor();
    await reach(page, 'Go on at');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    await page.getByText('ada').first().waitFor();
  });

  it('what wants a person there asks for the passkey, and goes on by itself', async () => {
    const { page } = ada;
    await letProofsAge(gateway.holdfast.rooms);
    await page.goto('/account');
    await page.getByRole('button', { name: 'Make new ones' }).click();
    const dialog = page.getByRole('dialog', { name: 'Make new recovery codes' });
    await dialog.getByRole('button', { name: 'Make new ones' }).click();
    const proof = page.getByRole('dialog', { name: 'Prove again that it is you' });
    await proof.waitFor();
    await lookAt(page, 'sso-proof');
    await ada.recognises(false);
    await proof.getByRole('button', { name: 'Use my passkey' }).click();
    await proof.getByRole('alert').waitFor();
    expect(await page.getByRole('dialog', { name: 'Your new recovery codes' }).count()).toBe(0);
    await ada.recognises(true);
    await proof.getByRole('button', { name: 'Use my passkey' }).click();
    await page.getByRole('dialog', { name: 'Your new recovery codes' }).waitFor();
  });

  it('a hold is approved by the passkey of whoever came so, and by nothing less', async () => {
    const { page } = ada;
    await page.goto(`/holds/${holdId}`);
    await ada.recognises(false);
    await page.getByLabel(/^Type .* to approve/).fill('leftovers');
    await page.getByRole('button', { name: /^Approve by passkey/ }).click();
    await page.getByRole('alert').first().waitFor();
    expect(await signatures()).toEqual([]);
    await ada.recognises(true);
    await page.getByRole('button', { name: /^Approve by passkey/ }).click();
    await page.getByText(/That is enough: the agent may retry/).waitFor();
    expect(await signatures()).toMatchObject([{ personName: 'ada', method: 'passkey' }]);
  });

  it('the way back opens once: neither here again, nor in another browser', async () => {
    const first = await seats.sit();
    // Whatever is kept of where they came from, it leads to a page of ours.
    await first.page.addInitScript(
      "if (location.pathname === '/sso') sessionStorage.setItem('holdfast.left-from', '/.//evil.example/')",
    );
    await first.page.goto('/holds');
    const address = await goThrough(first, KIM);
    await first.page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
    expect(await first.page.evaluate('location.href')).toBe(`${origin}/`);
    // There is an agent, and it has gone: that is no reason to tell how a first one is added.
    await first.page.getByText('No agent is connected just now. Each shows here').waitFor();
    await lookAt(first.page, 'now-nobody-connected');
    const thief = await seats.sit();
    for (const { page } of [first, thief]) {
      await page.goto(address);
      await page.getByRole('heading', { name: 'Not signed in' }).waitFor();
      await page.getByText(/a way back that is used/).waitFor();
    }
    await thief.page.goto('/');
    await thief.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    // What was signed in before is still who it was.
    await first.page.goto('/');
    await first.page.getByRole('heading', { level: 1, name: 'Now' }).waitFor();
  });

  it('a way back that was begun elsewhere signs nobody in as somebody else', async () => {
    const eve = await seats.sit();
    const { page } = eve;
    await page.goto('/');
    // Eve goes there as Kim might, stops before she is back, and sends her address to a victim.
    await page.route(`${origin}/sso?*`, (route) => route.abort());
    const address = await goThrough(eve, KIM);
    const victim = await seats.sit();
    await victim.page.goto(address);
    await victim.page.getByRole('heading', { name: 'Not signed in' }).waitFor();
    await victim.page.goto('/');
    await victim.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});
