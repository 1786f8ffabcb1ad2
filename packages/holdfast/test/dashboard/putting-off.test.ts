/**
 * Putting off at a real browser, on a phone: what nothing takes back is approved and does not run. It waits out
 * its grace under Undo, told on Now; one person calls it off with a reason, and it never runs; or several sign
 * that it runs before its time, and then it does.
 */
import pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { AGENT, TARGET } from '../support/gateway.ts';
import { type Protected, startProtected } from '../support/protected.ts';
import { APP_ROLE } from '../support/upstream.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { letProofsAge, lookAt, reach, Seats } from './hands.ts';

const WHY_NOT = noBrowser();
/** Nobody sees from outside what a procedure does, so nothing takes it back. */
const TABLES = `
create table closings (year int);
create procedure close_year(y int) language sql as 'insert into closings values (y)';
alter table closings owner to ${APP_ROLE}; alter procedure close_year owner to ${APP_ROLE}`;

let at: Protected;
let seats: Seats;
let agent: pg.Client;
let ada: AtBrowser;

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  at = await startProtected({
    dashboardPort,
    holdWait: '0s',
    prepare: (upstream) => upstream.ask(TABLES).then(() => {}),
  });
  agent = new pg.Client({ ...at.through, ssl: false });
  await agent.connect();
  seats = new Seats(await launch(), `http://localhost:${dashboardPort}`);
  ada = await seats.newcomer(at.holdfast.rooms, 'ada', 'approver', { phone: true });
});
afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  await seats?.close();
  await agent?.end();
  await at?.stop();
});
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

async function closings(): Promise<readonly unknown[]> {
  return (await at.upstream.ask('select year from closings order by year')).map(({ year }) => year);
}

/** What the agent is told. */
async function asks(sql: string): Promise<string> {
  return agent.query(sql).then(
    () => 'passed',
    (error: unknown) =>
      error instanceof pg.DatabaseError
        ? [error.message, error.detail, error.hint].join(' ')
        : String(error),
  );
}

/** Held, approved on the page, sent again: put off. Its id. */
async function putOff(sql: string, { page }: AtBrowser): Promise<string> {
  const [holdId = ''] = /hold_[0-9a-z]+/.exec(await asks(sql)) ?? [];
  await page.goto(`/holds/${holdId}`);
  await page.getByText(/it waits out the grace, and anyone who may approve can cancel/).waitFor();
  const { card } = await at.holdfast.rooms.holds.show(holdId);
  if (card.typedName !== null) await page.getByLabel(/^Type .* to approve/).fill(card.typedName);
  await page.getByRole('button', { name: /^Approve by passkey/ }).click();
  await page.getByText(/That is enough: the agent may retry/).waitFor();
  const [id] = /deferral_[0-9a-z]+/.exec(await asks(sql)) ?? [];
  if (id === undefined) throw new Error('It was not put off.');
  return id;
}

/** Its panel; the statement is what tells it apart. */
function panel(page: Page, statement: string) {
  return page.locator('section').filter({ hasText: statement });
}

describe('putting off', () => {
  it('where nothing waits the page says what would', async () => {
    const { page } = ada;
    await page.goto('/undo?show=waiting');
    await page.getByText('Nothing waits').waitFor();
    await lookAt(page, 'off-empty');
  });

  it('what was approved waits: it is told on Now, and has not run', async () => {
    const { page } = ada;
    await putOff('call close_year(2024)', ada);
    await page.goto('/');
    const tile = page.getByRole('link', { name: /act waits out the grace/ });
    await tile.getByText(/next in 4[78] h/).waitFor();
    await lookAt(page, 'off-now');
    await tile.click();
    const shown = panel(page, 'close_year(2024)');
    await shown.getByText(/runs in 4[78] h/).waitFor();
    await shown.getByText(`Asked by ${AGENT}, put off`).waitFor();
    await shown.getByText('Approved by ada: nobody can tell what CALL').waitFor();
    await lookAt(page, 'off-waits');
    expect(await closings()).toEqual([]);
  });

  it('is called off by the keyboard alone, with a reason, after a new proof', async () => {
    const { page } = ada;
    await letProofsAge(at.holdfast.rooms);
    await reach(page, 'Call it off');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Call it off' });
    await dialog.getByText('One person is enough, and it is final').waitFor();
    await page.keyboard.type('Books are still open.');
    await lookAt(page, 'off-calling');
    await reach(page, 'Call it off');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Prove again that it is you' }).waitFor();
    await reach(page, 'Use my passkey');
    await page.keyboard.press('Enter');
    await page.getByText('Called off. It will not run.').waitFor();
    const shown = panel(page, 'close_year(2024)');
    await shown.getByText('cancelled').waitFor();
    await shown.getByText('Books are still open.').waitFor();
    await shown.getByText('Called off by ada').waitFor();
    expect(await shown.getByRole('button', { name: 'Call it off' }).count()).toBe(0);
    await lookAt(page, 'off-called-off');
    const { deferrals } = at.holdfast.rooms;
    const [one] = await deferrals.list('all');
    expect(one).toMatchObject({ state: 'cancelled', note: 'Books are still open.' });
    expect(await closings()).toEqual([]);
    await page.goto('/trail?kind=deferral-cancelled');
    await page.getByRole('button', { name: /ada/ }).first().waitFor();
  });

  it('who wants it again is held again: the signatures are used up', async () => {
    expect(await asks('call close_year(2024)')).toMatch(/hold_[0-9a-z]+/);
    expect(await closings()).toEqual([]);
  });

  it('runs before its time only when two people sign that', async () => {
    const { page } = ada;
    await putOff('call close_year(2025)', ada);
    await page.goto('/undo?show=waiting');
    const shown = panel(page, 'close_year(2025)');
    const propose = shown.getByRole('button', { name: 'Propose to run it now' });
    await propose.click();
    // Nobody is there to sign with her.
    await page.getByText(/Expected 2 people/).waitFor();
    const grace = await seats.newcomer(at.holdfast.rooms, 'grace', 'approver', { dark: true });
    await propose.click();
    await page.getByText(/Proposed. 2 people have to sign it/).waitFor();
    await page.goto('/holds?show=proposals');
    await lookAt(page, 'off-proposal');
    await sign(page);
    await page.getByText('1 of 2').waitFor();
    expect(await closings()).toEqual([]);
    await grace.page.goto('/holds?show=proposals');
    await page.goto('/undo?show=waiting');
    await sign(grace.page);
    // Her page was open all the while.
    await shown.getByText('It ran. The target answered: CALL').waitFor({ timeout: 30_000 });
    expect(await closings()).toEqual([2025]);
    await lookAt(page, 'off-done');
    await lookAt(grace.page, 'off-proposal-done');
  });

  it('who may only look sees what waits, and no button', async () => {
    await putOff('call close_year(2026)', ada);
    const { page } = await seats.newcomer(at.holdfast.rooms, 'olga', 'auditor', { phone: true });
    await page.goto('/undo?show=waiting');
    const shown = panel(page, 'close_year(2026)');
    await shown.getByText(TARGET, { exact: true }).waitFor();
    expect(await shown.getByRole('button', { name: /Call it off|Propose/ }).count()).toBe(0);
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});

async function sign(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Sign', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign this proposal' });
  await dialog.getByText(/close_year\(2025\)/).waitFor();
  await dialog.getByRole('button', { name: 'Sign by passkey' }).click();
  await dialog.waitFor({ state: 'detached' });
}
