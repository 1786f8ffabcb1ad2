/**
 * Deciding in a rebuild at a real browser: a person goes over conflicts by the keyboard, sees what each source
 * says beside the record, proves by passkey that it is them, and proposes what is in the copy. Records that are
 * written to hurt stay text; ten thousand rows are a list like any other.
 */
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { digestOfProposal } from '../../src/recovery/rebuild/index.ts';
import { CENTS, proposeBookings } from '../../src/testing/bookings-proposal.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { mail } from '../../src/testing/source-files.ts';
import { type Gateway, startGateway, TARGET } from '../support/gateway.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { letProofsAge, lookAt, reach, Seats } from './hands.ts';

const WHY_NOT = noBrowser();
const ROWS = 10_000;
const HURTING =
  '<img src=x onerror="document.title=`taken`"><script>document.title=`taken`</script>';

let at: Gateway;
let seats: Seats;
let oda: AtBrowser;
let large: string;
let small: string;

/** What a page did because of a record: its title is another one. */
async function titleOf(page: Page): Promise<string> {
  return await page.title();
}

function letter(booking: string, total: string, guest: string): string {
  const headers = [
    'From: desk@example.com',
    `To: ${booking.toLowerCase()}@example.com`,
    `Subject: ${booking}`,
    'Content-Type: text/plain; charset=utf-8',
  ];
  return mail(headers, `${HURTING}\r\nGuest: ${guest}\r\nTotal: ${total}`);
}

async function kept(lines: readonly string[], letters: readonly string[]): Promise<string> {
  const { rebuilds } = at.holdfast.rooms;
  const proposal = await proposeBookings({
    target: TARGET,
    columns: {
      amount_cents: `{ is: money, required: true, currency: EUR, from: { stripe: ${CENTS}, letters: { field: text, after: 'Total:', unit: major, currency: { is: EUR } } } }`,
      guest: `{ is: text, required: true, from: { stripe: { field: guest }, letters: { field: text, after: 'Guest:' } } }`,
      note: '{ is: text, from: { stripe: { field: note } } }',
    },
    payments: { stripe: ['id,booking,amount,guest,note', ...lines] },
    letters,
    copies: join(scratchFolder('rebuilding'), 'sources'),
  });
  const copyAt = new Date('2026-11-27T22:00:00Z');
  const copied = { copy: '/copy', at: copyAt, asOf: '2026-11-28T06:00:00.000Z' };
  return await rebuilds.keep(proposal, { ...copied, by: 'the command line' });
}

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  at = await startGateway({ level: 'guarded', dashboardPort });
  seats = new Seats(await launch(), `http://localhost:${dashboardPort}`);
  oda = await seats.newcomer(at.holdfast.rooms, 'oda', 'operator');
}, 120_000);
afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  await seats?.close();
  await at?.stop();
});
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

describe('deciding in a rebuild', () => {
  it('before any was proposed, the page says how one comes to be', async () => {
    const { page } = oda;
    await page.goto('/rebuilds');
    await page.getByText('No rebuild was proposed yet').waitFor();
    await lookAt(page, 'rebuilds-empty');
  });

  it('conflicts are decided by the keyboard, with who decided and a proof that it is them', async () => {
    small = await kept(
      [
        'p1,BK-1,8050,Ada Lovelace,',
        'p2,BK-2,9900,Bob,late arrival',
        'p3,BK-3,700,,',
        'p4,BK-4,1200,Eve,=1+cmd|calc',
        `p5,BK-5,4300,"${HURTING.replaceAll('"', '""')}",`,
      ],
      [
        letter('BK-1', '80,50 EUR', 'A. Lovelace'),
        letter('BK-2', '12,00 EUR', 'Bob'),
        letter('BK-4', '12,00 EUR', 'Eve'),
      ],
    );
    const { page } = oda;
    await page.goto('/rebuilds');
    await page.getByRole('link', { name: `public.bookings of ${TARGET}` }).click();
    await page.getByText('0 of 2 conflicts decided').waitFor();
    await page.getByText('2 say otherwise').first().waitFor();
    await page.getByText('out of the vault as it was at 2026-11-28 06:00:00 UTC').waitFor();
    await lookAt(page, 'rebuild-conflicts');

    await letProofsAge(at.holdfast.rooms);
    // To the first row, its second cell.
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Row BK-1' });
    await dialog.getByText('A. Lovelace', { exact: true }).waitFor();
    await dialog.getByText('stripe · stripe.csv, record').first().waitFor();
    await lookAt(page, 'rebuild-row');
    expect(await titleOf(page)).toContain('Holdfast');
    await reach(page, 'Take this');
    await page.keyboard.press('Enter');
    const proof = page.getByRole('dialog', { name: 'Prove again that it is you' });
    await proof.waitFor();
    await reach(page, 'Use my passkey');
    await page.keyboard.press('Enter');
    await page.getByText('1 of 2 conflicts decided').waitFor();
    await dialog.waitFor({ state: 'detached' });
    const { proposal } = await at.holdfast.rooms.rebuilds.show(small);
    expect(proposal.reviews).toMatchObject([
      { row: 'BK-1', name: 'oda', choice: { kind: 'option', column: 'guest' } },
    ]);
    // It stays in its place, and says what it was.
    await page.getByText('was conflict').waitFor();
  });

  it('money against a payment wants a reason, which is shown from then on', async () => {
    const { page } = oda;
    await page.getByRole('button', { name: /^amount_cents of BK-2/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Row BK-2' });
    const option = dialog.getByRole('listitem').filter({ hasText: '12.00 EUR' });
    const take = option.getByRole('button', { name: 'Take this' });
    await option.getByText('wants a reason').waitFor();
    expect(await take.isDisabled()).toBe(true);
    expect(await dialog.getByLabel('Or type it').count()).toBe(0);
    await lookAt(page, 'rebuild-money');
    await dialog.getByLabel(/^Why/).fill('the guest paid the rest in cash');
    await take.click();
    await page.getByText('2 of 2 conflicts decided').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('“the guest paid the rest in cash”').waitFor();
    await lookAt(page, 'rebuild-override');
  });

  it('c, i and a show conflicts, what is incomplete, and all; what is missing is typed', async () => {
    const { page } = oda;
    await page.keyboard.press('i');
    await page.getByRole('tab', { name: /^Incomplete/, selected: true }).waitFor();
    await page.getByRole('button', { name: /^guest of BK-3: ● missing/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Row BK-3' });
    await dialog.getByLabel('Or type it').fill('Ivy');
    await dialog.getByRole('button', { name: 'Take what I typed' }).click();
    await page.getByText('1 of 1 incomplete rows decided').waitFor();
    await dialog.waitFor({ state: 'detached' });
    await page.keyboard.press('a');
    await page.getByRole('tab', { name: /^All rows/, selected: true }).waitFor();
    await page.getByRole('button', { name: /^guest of BK-5: <img src=x/ }).waitFor();
    await page.keyboard.press('c');
    await page.getByRole('tab', { name: /^Conflicts/, selected: true }).waitFor();
  });

  it('HTML in a record stays text, and nothing of it runs', async () => {
    const { page } = oda;
    await page.goto(`/rebuilds/${small}?show=all`);
    await page.getByRole('button', { name: /^guest of BK-5/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Row BK-5' });
    await dialog.getByText('<script>document.title').first().waitFor();
    await lookAt(page, 'rebuild-hostile');
    expect(await page.evaluate('document.querySelectorAll("img[src=x]").length')).toBe(0);
    expect(await titleOf(page)).not.toContain('taken');
    expect(seats.complaints).toEqual([]);
  });

  it('what is in the copy is proposed, for several people to sign', async () => {
    const { rebuilds } = at.holdfast.rooms;
    const digest = digestOfProposal((await rebuilds.show(small)).proposal);
    await rebuilds.begin(small, 'copy', digest, 'the command line');
    const none = { insertedKeys: [], skipped: 0, skippedRows: [], money: [], defaulted: [] };
    const report = { batch: 'rebuild_copy', digest, inserted: 5, books: 'b0', assertions: [] };
    const own = { isRecognised: false };
    await rebuilds.done(small, 'copy', { ...report, ...none, ...own }, 'the command line');
    await seats.newcomer(at.holdfast.rooms, 'ben', 'approver');
    await seats.newcomer(at.holdfast.rooms, 'eve', 'approver');
    const { page } = oda;
    await page.goto(`/rebuilds/${small}`);
    await page.getByText('passed all checks there').waitFor();
    await page.getByRole('button', { name: 'Propose the promotion' }).click();
    await page.getByText('It waits for signatures').waitFor();
    await lookAt(page, 'rebuild-proposed');
    await page.getByRole('link', { name: 'Holds, Proposals' }).click();
    await page.getByText('Rows that were missing are put into the live database').waitFor();
    await page.getByText('the guest paid the rest in cash').waitFor();
    await lookAt(page, 'rebuild-proposal');
  });

  it('who may only look sees the same, and nothing to choose with', async () => {
    const { page } = await seats.newcomer(at.holdfast.rooms, 'aud', 'auditor');
    await page.goto(`/rebuilds/${small}?show=all`);
    await page.getByRole('button', { name: /^guest of BK-2/ }).click();
    const dialog = page.getByRole('dialog', { name: 'Row BK-2' });
    await dialog.getByText('stripe · stripe.csv').first().waitFor();
    expect(await dialog.getByRole('button', { name: 'Take this' }).count()).toBe(0);
    expect(await dialog.getByRole('button', { name: 'Leave this row out' }).count()).toBe(0);
  });

  it('ten thousand rows are a list of which those in sight are in the page', async () => {
    const lines = Array.from(
      { length: ROWS },
      (_, number) =>
        `p${number},BK-${String(number).padStart(5, '0')},${100 + number},Guest ${number},`,
    );
    large = await kept(lines, []);
    const { page } = oda;
    await page.goto(`/rebuilds/${large}?show=all`);
    await page.getByText('BK-00000', { exact: true }).waitFor();
    const inPage = await page.getByRole('listitem').count();
    expect(inPage).toBeLessThan(120);
    for (let times = 0; times < 30; times += 1) await page.keyboard.press('ArrowDown');
    await page.getByRole('button', { name: /^amount_cents of BK-00029/ }).waitFor();
    expect(await page.evaluate('document.activeElement?.getAttribute("aria-label")')).toContain(
      'of BK-00029',
    );
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Row BK-00029' }).waitFor();
  });
});
