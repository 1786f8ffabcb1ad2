/**
 * Taking back at a real browser: an agent destroys rows of a protected PostgreSQL through the gateway, a person
 * finds the act under Undo in plain words, sees what taking it back would do, proves by passkey that it is
 * them, and the rows are what they were. With what stands against it: newer work, a wrong finger, somebody
 * who was quicker, a role that may only look.
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
const TABLES = `
create table rooms (id int primary key, name text unique, beds int);
create table stays (id int primary key, room int not null references rooms on delete cascade, guest text);
alter table rooms owner to ${APP_ROLE}; alter table stays owner to ${APP_ROLE}`;
const ROWS = `
truncate rooms, stays;
insert into rooms select i, 'room ' || i, 1 + i % 3 from generate_series(1, 6) i;
insert into stays select i, 1 + i % 6, 'guest ' || i from generate_series(1, 12) i`;

let at: Protected;
let seats: Seats;
let agent: pg.Client;
let oda: AtBrowser;

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  at = await startProtected({
    dashboardPort,
    prepare: (upstream) => upstream.ask(`${TABLES};${ROWS}`).then(() => {}),
  });
  agent = new pg.Client({ ...at.through, ssl: false });
  await agent.connect();
  seats = new Seats(await launch(), `http://localhost:${dashboardPort}`);
  oda = await seats.newcomer(at.holdfast.rooms, 'oda', 'operator');
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

/** Both tables as they are, past everything. */
async function rows(): Promise<unknown> {
  const [row] = await at.upstream.ask(`select
    (select string_agg(r::text, ' ' order by id) from rooms r) as rooms,
    (select string_agg(s::text, ' ' order by id) from stays s) as stays`);
  return row;
}

async function agentDoes(sql: string): Promise<void> {
  await agent.query(sql);
  await at.drained();
}

function preview(page: Page) {
  return page.getByRole('dialog', { name: 'What taking it back would do' });
}

/** It is taken back: the dialog has gone by itself, and the page says so. */
async function done(page: Page): Promise<void> {
  await preview(page).waitFor({ state: 'detached' });
  await page.getByText('Taken back.', { exact: true }).first().waitFor();
}

/** Of the newest act whose words these are. */
async function open(page: Page, words: string) {
  const item = page.getByRole('listitem').filter({ hasText: words }).first();
  await item.getByRole('button').click();
  const dialog = preview(page);
  await dialog.getByText('The SQL that would run').first().waitFor();
  return dialog;
}

describe('taking back', () => {
  it('before anything happened, the page says what would be there and how it gets there', async () => {
    const { page } = oda;
    await page.goto('/undo');
    await page.getByText('Nothing to take back').waitFor();
    await page.getByText(/the state before is kept/).waitFor();
    await lookAt(page, 'undo-empty');
  });

  it('what an agent deleted appears by itself, and is taken back by the keyboard alone', async () => {
    const { page } = oda;
    const before = await rows();
    await agentDoes('delete from rooms where id <= 3');
    const after = await rows();
    expect(after).not.toEqual(before);
    // The page was open all the while.
    await page.getByText('3 rows deleted from public.rooms').waitFor();
    const item = page.getByRole('listitem').filter({ hasText: 'public.rooms' });
    for (const words of [`6 rows deleted from public.stays`, `${AGENT} on ${TARGET}`, /kept 4\d h/])
      await item.getByText(words).waitFor();
    await lookAt(page, 'undo-list');

    await letProofsAge(at.holdfast.rooms);
    await page.keyboard.press('g');
    await page.keyboard.press('u');
    await page.keyboard.press('j');
    await page.keyboard.press('Enter');
    const dialog = preview(page);
    await dialog.getByText('3 rows put back').waitFor();
    await dialog.getByText('6 rows put back').waitFor();
    await lookAt(page, 'undo-preview');
    expect(await rows()).toEqual(after);
    await reach(page, 'Take it back');
    await page.keyboard.press('Enter');
    const proof = page.getByRole('dialog', { name: 'Prove again that it is you' });
    await proof.waitFor();
    expect(await rows()).toEqual(after);

    await oda.recognises(false);
    await reach(page, 'Use my passkey');
    await page.keyboard.press('Enter');
    await proof.getByRole('alert').waitFor();
    await lookAt(page, 'undo-proof-refused');
    expect(await rows()).toEqual(after);

    await oda.recognises(true);
    await reach(page, 'Use my passkey');
    await page.keyboard.press('Enter');
    await done(page);
    expect(await rows()).toEqual(before);
    expect(await proof.count()).toBe(0);
  });

  it('is an act of that person itself, in the list and in the trail', async () => {
    const { page } = oda;
    const own = page.getByRole('listitem').filter({ hasText: 'A person took another act back' });
    await own.getByText('3 rows added to public.rooms').waitFor();
    await page.getByRole('tab', { name: 'All that was kept' }).click();
    await page.getByText('undone').waitFor();
    await lookAt(page, 'undo-all');
    await page.getByRole('button', { name: 'Look' }).click();
    await preview(page).getByText('It was taken back already').waitFor();
    await lookAt(page, 'undo-undone');
    await page.goto('/trail?kind=undo-applied');
    await page.getByRole('button', { name: `oda undid 1 item(s) on ${TARGET}` }).click();
    const dialog = page.getByRole('dialog', { name: /^Entry/ });
    await dialog.getByText('"provedBy": "passkey"').waitFor();
    await lookAt(page, 'undo-trail-entry');
  });

  it('taking the taking back back is the act again', async () => {
    const { page } = oda;
    await page.goto('/undo');
    const dialog = await open(page, 'A person took another act back');
    await dialog.getByText('3 rows removed again').waitFor();
    await dialog.getByRole('button', { name: 'Take it back' }).click();
    await done(page);
    expect(await rows()).toMatchObject({ rooms: expect.not.stringContaining('room 1') });
    // So that what follows finds the hotel as it was.
    await at.upstream.ask(ROWS);
    await at.drained();
  });

  it('newer work is shown beside what was kept, and nothing is written until it is decided', async () => {
    await agentDoes('update rooms set beds = 0 where id <= 2');
    await at.upstream.ask(`update rooms set beds = 9, name = 'suite' where id = 1`);
    await at.drained();
    const { page } = oda;
    await page.goto('/undo');
    const item = page
      .getByRole('listitem')
      .filter({ hasText: `${AGENT} on` })
      .first();
    await item.getByText('2 rows changed in public.rooms').waitFor();
    await item.getByRole('button').click();
    const dialog = preview(page);
    await dialog.getByText('1 conflict: somebody changed the same things since').waitFor();
    await dialog.getByRole('row', { name: '≠ beds 2 9' }).waitFor();
    const act = dialog.getByRole('button', { name: 'Take it back' });
    expect(await act.isDisabled()).toBe(true);
    await dialog.getByText(/Decide the conflict/).waitFor();
    await lookAt(page, 'undo-conflict');
    await dialog.getByLabel('What to do').selectOption({ label: 'Leave it as it is now' });
    await expect.poll(() => act.isEnabled(), { timeout: 20_000 }).toBe(true);
    await act.click();
    await done(page);
    expect(await rows()).toMatchObject({
      rooms: expect.stringMatching(/^\(1,suite,9\) \(2,"room 2",3\)/),
    });
  });

  it('what changes while they look is shown to them before they act', async () => {
    await agentDoes(`update rooms set name = 'gone ' || id where id = 4`);
    const { page } = oda;
    await page.goto('/undo');
    const dialog = await open(page, `${AGENT} on`);
    await dialog.getByText('1 row changed back').waitFor();
    await at.upstream.ask(`update rooms set name = 'penthouse' where id = 4`);
    await at.drained();
    await dialog.getByRole('row', { name: '≠ name room 4 penthouse' }).waitFor();
    const act = dialog.getByRole('button', { name: 'Take it back' });
    expect(await act.isDisabled()).toBe(true);
    await dialog.getByLabel('What to do').selectOption({ label: 'Put the kept row back over it' });
    await expect.poll(() => act.isEnabled(), { timeout: 20_000 }).toBe(true);
    await act.click();
    await done(page);
    expect(await rows()).toMatchObject({ rooms: expect.stringContaining('(4,"room 4",2)') });
  });

  it('a page that hears no news runs over nothing: it is stopped, and shows what stands there', async () => {
    await agentDoes('update rooms set beds = 5 where id = 5');
    const { page } = oda;
    await page.route('**/v1/events', (route) => route.abort());
    await page.goto('/undo');
    const dialog = await open(page, `${AGENT} on`);
    await dialog.getByText('1 row changed back').waitFor();
    await at.upstream.ask('update rooms set beds = 7 where id = 5');
    await at.drained();
    await dialog.getByRole('button', { name: 'Take it back' }).click();
    await page.getByText('Nothing was changed: conflicts are not decided yet.').waitFor();
    await dialog.getByRole('row', { name: '≠ beds 3 7' }).waitFor();
    expect(await rows()).toMatchObject({ rooms: expect.stringContaining('(5,"room 5",7)') });
    await page.unroute('**/v1/events');
  });

  it('of two people the second one is told that it is done, on a phone and in the dark', async () => {
    await agentDoes('delete from stays where id > 10');
    const { page } = oda;
    const ola = await seats.newcomer(at.holdfast.rooms, 'ola', 'operator', {
      phone: true,
      dark: true,
    });
    for (const seat of [oda, ola]) {
      await seat.page.goto('/undo');
      await (await open(seat.page, '2 rows deleted from public.stays'))
        .getByText('2 rows put back')
        .waitFor();
    }
    await preview(page).getByRole('button', { name: 'Take it back' }).click();
    await done(page);
    await preview(ola.page).getByText('It was taken back meanwhile').waitFor();
    expect(await preview(ola.page).getByRole('button', { name: 'Take it back' }).count()).toBe(0);
    await lookAt(ola.page, 'undo-too-late');
  });

  it('who may only look sees what it would do, and no way to do it', async () => {
    await agentDoes('delete from stays where id = 1');
    const { page } = await seats.newcomer(at.holdfast.rooms, 'olga', 'auditor');
    await page.goto('/undo');
    const dialog = await open(page, '1 row deleted from public.stays');
    await dialog.getByText('1 row put back').waitFor();
    expect(await dialog.getByRole('button', { name: 'Take it back' }).count()).toBe(0);
    await dialog.getByText(/may see this, not take it back/).waitFor();
    await lookAt(page, 'undo-auditor');
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});
