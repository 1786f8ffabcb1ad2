/**
 * The reliability report as people get it: an agent works through a real gateway on a protected PostgreSQL,
 * people decide and take back, an auditor asks for the report at a real browser and prints it, and the
 * command line counts the same.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import pg from 'pg';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { RELIABILITY_REPORT, type ReliabilityReport } from '../../src/trail/report/report-shape.ts';
import { AGENT, TARGET } from '../support/gateway.ts';
import { BY_AGENT, type Protected, startProtected } from '../support/protected.ts';
import { APP_ROLE } from '../support/upstream.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { lookAt, Seats } from './hands.ts';

const WHY_NOT = noBrowser();
const HOSTILE = `<script>document.title = "owned"</script><img src=x onerror="document.title='owned'">`;
const TABLES = `create table rooms (id int primary key, name text);
alter table rooms owner to ${APP_ROLE};
insert into rooms select i, 'room ' || i from generate_series(1, 6) i;`;
const HOUR = 3_600_000;

const folder = scratchFolder('report');
const today = new Date().toISOString().slice(0, 10);
const tomorrow = new Date(Date.now() + 24 * HOUR).toISOString().slice(0, 10);
let at: Protected;
let browser: Browser;
let seats: Seats;
let ida: AtBrowser;
let file: string;

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  at = await startProtected({
    dashboardPort,
    prepare: (upstream) => upstream.ask(TABLES).then(() => {}),
  });
  await work();
  await recovery();
  browser = await launch();
  seats = new Seats(browser, `http://localhost:${dashboardPort}`);
  ida = await seats.newcomer(at.holdfast.rooms, 'ida', 'auditor');
});
afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  await seats?.close();
  await at?.stop();
});
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

/** What an agent and people do in the period. */
async function work(): Promise<void> {
  const since = await at.now();
  const agent = new pg.Client({ ...at.through, ssl: false });
  await agent.connect();
  await agent.query('delete from rooms where id <= 3');
  await at.drained();
  const held = at.answering('deny');
  await agent.query('create extension if not exists hstore').catch(() => {});
  await agent.query(`alter system set work_mem = '64MB' -- ${HOSTILE}`).catch(() => {});
  await held.stop();
  await agent.end();
  const said = await at.undo(BY_AGENT, since);
  expect([said.code, said.err]).toEqual([0, '']);
  await (await at.issueToken()).revoke();
}

/** As recovery notes it, hour by hour; what others wrote is in it. */
async function recovery(): Promise<void> {
  const { rooms } = at.holdfast;
  const looked = { looks: 180, late: 0, without: 0, green: 180, amber: 0, red: 0 };
  const promised = { promisedRpoMs: 60_000, promisedRtoMs: 900_000, promisedProvenAgeMs: 1 };
  const from = new Date(Date.now() - HOUR).toISOString();
  const measured = { target: TARGET, from, ...looked, rpoMs: 400, rtoMs: 3_000, ...promised };
  const drill = { target: TARGET, vault: 'far', point: 'p', drill: 'd', rpoMs: 0 };
  const phases = { fetchMs: 1, restoreMs: 2, replayMs: 3, firstQueryMs: 4, checkMs: 5 };
  const message = 'as recovery says it';
  await rooms.note({ kind: 'recovery-measured', facts: measured, message });
  for (let number = 0; number < 70; number++) {
    const facts = { ...drill, rtoMs: 2_000 + number, ...phases, reason: null };
    await rooms.note({ kind: 'drill-passed', facts, message });
  }
  const facts = { ...drill, rtoMs: null, reason: HOSTILE };
  await rooms.note({ kind: 'drill-failed', facts, message: HOSTILE });
  const proof = { target: TARGET, vault: HOSTILE, verdict: 'PROVEN' };
  await rooms.note({ kind: 'blast-radius-proved', facts: proof, message });
  await (await rooms.trail()).flush();
}

async function reported(...more: readonly string[]): Promise<ReliabilityReport> {
  const { code, err, out } = await at.cli('report', '--from', today, '--to', tomorrow, ...more);
  expect([code, err]).toEqual([0, '']);
  return RELIABILITY_REPORT.parse(JSON.parse(out));
}

function dialogOf(page: Page) {
  return page.getByRole('dialog', { name: 'Report for a period' });
}

async function saved(page: Page, act: () => Promise<void>) {
  const coming = page.waitForEvent('download');
  await act();
  const download = await coming;
  const path = join(folder, download.suggestedFilename());
  await download.saveAs(path);
  return { path, text: readFileSync(path, 'utf8') };
}

describe('the command line', () => {
  it('counts what happened, by the entries that say so', async () => {
    const report = await reported();
    const [target] = report.targets;
    expect(report.trail).toMatchObject({ ok: true, findingCount: 0 });
    expect(target).toMatchObject({
      target: TARGET,
      promise: { rpoMs: 60_000 },
      rpo: { worstMs: 400, looks: 180 },
      rto: { worstMs: 2_069, source: { entries: 70 } },
      drills: { passed: 70, failed: 1 },
      proofs: { proven: 1 },
    });
    const entries = await at.entries();
    const of = (kind: string): number => entries.filter((one) => one.kind === kind).length;
    expect(report.holds).toMatchObject({ opened: of('hold-opened'), denied: of('hold-denied') });
    expect(report.holds.denied).toBeGreaterThan(0);
    expect(report.holds.waiting.counted).toBe(report.holds.denied);
    const undone = entries.filter(({ kind }) => kind === 'undo-applied');
    expect(undone).toMatchObject([{ facts: { count: report.undo.items } }]);
    expect(report.undo).toMatchObject({ applied: 1, rows: 3, conflicts: 0, partly: 0 });
    expect(report.tokens).toMatchObject({ issued: of('token-issued'), revoked: 1 });
    expect(report.tokens.oldest?.agent).toBe(AGENT);
    const { first, last } = report.decisions.source;
    const decisions = entries.filter(({ kind }) => kind === 'decision');
    expect([first, last]).toEqual([decisions[0]?.index, decisions.at(-1)?.index]);
  });

  it('writes the page once, and never over another', { timeout: 120_000 }, async () => {
    const out = join(folder, 'by-hand.html');
    await reported('--out', out, '--target', TARGET);
    expect(readFileSync(out, 'utf8')).toContain(`For the target ${TARGET}`);
    const again = await at.cli('report', '--from', today, '--to', tomorrow, '--out', out);
    expect([again.code, again.out]).toEqual([2, expect.stringContaining('one that exists')]);
  });

  it.each([
    ['2026-02-30', tomorrow],
    ['yesterday', tomorrow],
    [today, '2026-11-01T00:00:00'],
    [tomorrow, today],
    [today, today],
  ])('takes %s to %s for a mistake', async (from, to) => {
    expect((await at.cli('report', '--from', from, '--to', to)).code).toBe(2);
  });
});

describe('at the dashboard', () => {
  it('an auditor saves it from the Trail page', { timeout: 120_000 }, async () => {
    const { page } = ida;
    await page.goto('/trail');
    await page.getByRole('button', { name: 'Report for a period' }).click();
    const dialog = dialogOf(page);
    await dialog.getByLabel('First day (UTC)').fill(tomorrow);
    await dialog.getByLabel('Last day (UTC)').fill(today);
    await dialog.getByText('The last day is before the first one.').waitFor();
    await lookAt(page, 'report-dialog-fault');
    await dialog.getByLabel('First day (UTC)').fill(today);
    const save = dialog.getByRole('button', { name: 'Save the report' });
    const { path, text } = await saved(page, () => save.click());
    await dialog.getByText(`Saved as holdfast-report-${today}-${today}.html`).waitFor();
    await lookAt(page, 'report-dialog');
    expect(text).toContain('✓ The record holds.');
    file = path;
    await dialog.getByLabel('As', { exact: true }).selectOption('json');
    const json = await saved(page, () => save.click());
    const report = RELIABILITY_REPORT.parse(JSON.parse(json.text));
    expect(report.targets).toEqual((await reported()).targets);
    expect(seats.complaints).toEqual([]);
  });

  it('an approver does not get it, by the page or by hand', async () => {
    const ben = await seats.newcomer(at.holdfast.rooms, 'ben', 'approver');
    await ben.page.goto('/trail');
    await ben.page.getByRole('button', { name: 'Verify' }).waitFor();
    expect(await ben.page.getByRole('button', { name: 'Report for a period' }).count()).toBe(0);
    const bare = await fetch(new URL('/v1/report', ben.page.url()));
    expect(bare.status).toBe(401);
  });
});

describe('the file', () => {
  it('is read in a browser of its own: nothing of others runs, nothing is fetched', async () => {
    const page = await browser.newPage();
    const asked: string[] = [];
    const complaints: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(pathToFileURL(file).href);
    await page.getByRole('heading', { level: 1, name: 'Reliability report' }).waitFor();
    expect(await page.title()).toBe('Reliability report');
    expect(asked).toEqual([pathToFileURL(file).href]);
    expect(complaints).toEqual([]);
    await page.getByRole('cell', { name: HOSTILE }).first().waitFor();
    expect(await page.locator('script, img, link, iframe, [onerror], [style]').count()).toBe(0);
    await lookAt(page, 'report-page');
    await page.close();
  });

  it.each([
    ['A4', 595, 842],
    ['Letter', 612, 792],
  ] as const)('prints on %s, over several pages, and nothing sticks out', async (format, w, h) => {
    const page = await browser.newPage();
    await page.goto(pathToFileURL(file).href);
    const pdf = await page.pdf({ format, preferCSSPageSize: false });
    keep(`report-${format}.pdf`, pdf);
    const text = pdf.toString('latin1');
    expect(text.slice(0, 5)).toBe('%PDF-');
    const pages = text.match(/\/Type \/Page\b/g)?.length ?? 0;
    expect(pages).toBeGreaterThan(2);
    expect(pages).toBeLessThan(12);
    const boxes = [...text.matchAll(/\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/g)];
    expect(boxes).toHaveLength(pages);
    for (const [, width, height] of boxes) {
      expect([Math.round(Number(width)), Math.round(Number(height))]).toEqual([
        expect.closeTo(w, -1),
        expect.closeTo(h, -1),
      ]);
    }
    // As wide as what the margins leave, as it is laid out for paper.
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({
      width: Math.floor((w / 72) * 96 - (30 / 25.4) * 96),
      height: 900,
    });
    expect(
      await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    ).toBe(0);
    const breaks = await page.evaluate(
      `['h2', 'h3', 'tr', 'figure', '.box'].map((one) => {
        const style = getComputedStyle(document.querySelector(one));
        return [one, style.breakAfter, style.breakInside];
      })`,
    );
    expect(breaks).toEqual([
      ['h2', 'avoid', 'auto'],
      ['h3', 'avoid', 'auto'],
      ['tr', 'auto', 'avoid'],
      ['figure', 'auto', 'avoid'],
      ['.box', 'auto', 'avoid'],
    ]);
    await page.close();
  });
});

/** With HOLDFAST_LOOKS: beside the pictures. */
function keep(name: string, bytes: Buffer): void {
  const looks = process.env['HOLDFAST_LOOKS'] ?? '';
  if (looks === '') return;
  mkdirSync(looks, { recursive: true });
  writeFileSync(resolve(looks, name), bytes);
}
