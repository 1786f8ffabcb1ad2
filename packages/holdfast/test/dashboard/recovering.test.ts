/**
 * Recovery at a real browser: a real server whose WAL goes into a local vault, a gateway that keeps it, and people
 * who take a point by the button, see who could destroy it, bring the target back beside the live one, compare,
 * and write lost rows back. With what must not be: an agent at the routes, a role that may only look, orders that make
 * no sense.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseConfig } from '../../src/config/load-config.ts';
import { createHoldfast, type Holdfast, systemClock } from '../../src/holdfast.ts';
import { OTHER_SEAL } from '../../src/recovery/testing/test-seal.ts';
import { LocalVault } from '../../src/recovery/vaults/local/local-vault.ts';
import { clearFlags } from '../../src/testing/clear-flags.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { poison } from '../recovery/poison.ts';
import { type Ground, NEVER, pullGround, QUIET } from '../recovery/pull-ground.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { lookAt, reach, Seats } from './hands.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const WHY_NOT = noBrowser();
/** A backup with its drill, on a machine that does other things as well. */
const WORK_MS_MAX = 180_000;
const folder = scratchFolder('recovering-journey');
const apart = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'holdfast-apart-'));

let ground: Ground;
let holdfast: Holdfast;
let dashboardPort: number;
let seats: Seats;
let oda: AtBrowser;

function configText(): string {
  const url = `postgres://postgres@127.0.0.1:${ground.server.port}/postgres`;
  return `listen: { host: 127.0.0.1, port: 0, tls: off }
dashboard: { port: ${dashboardPort} }
store: { dataFolder: '${join(folder, 'state')}' }
environments:
  production: { level: guarded }
vaults:
  here: { kind: local, folder: ${join(apart, 'vault')} }
targets:
  shop:
    environment: production
    upstream: { url: "${url.replace('postgres@', 'app@')}" }
    protection: { admin: { url: "${url}" }, owner: app }
    recovery:
      vaults: [here]
      recipients: [${ground.recipient}]
      identity: { file: recovery-key.txt }
      promise: { rpo: 5m }
  side:
    environment: production
    upstream: { url: "${url}" }
`;
}

/** A point that lay in the vault before this installation came: of one whose keys are gone. */
async function anotherTook(): Promise<void> {
  const vault = new LocalVault({
    ...{ keptHead: null, name: 'here', folder: join(apart, 'vault'), user: null },
    dataFolders: [],
  });
  const engine = ground.engine({ vault, seal: OTHER_SEAL, slot: 'of_before' });
  await engine.backup(QUIET, NEVER);
  await engine.close();
  await vault.close();
  await ground.server.query("select pg_drop_replication_slot('of_before')");
}

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  ground = await pullGround(null);
  await ground.server.query(
    "create role app login; create table stays (id int primary key, guest text); insert into stays select n, 'guest ' || n from generate_series(1, 50) n; alter table stays owner to app",
  );
  writeFileSync(join(folder, 'recovery-key.txt'), `${ground.identity}\n`, { mode: 0o600 });
  dashboardPort = await freePort();
  const configPath = join(folder, 'holdfast.yaml');
  writeFileSync(configPath, configText());
  holdfast = await created();
  await anotherTook();
  const env = { ...process.env, HOLDFAST_CONFIG: configPath };
  await promisify(execFile)(process.execPath, [MAIN, 'protect', 'shop', '--apply'], { env });
  await holdfast.start();
  seats = new Seats(await launch(), `http://localhost:${dashboardPort}`);
  oda = await seats.newcomer(holdfast.rooms, 'oda', 'operator');
}, 180_000);

afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  await seats?.close();
  await holdfast?.stop();
  await ground?.close();
  clearFlags(apart);
  for (const one of [apart, folder]) rmSync(one, { recursive: true, force: true });
}, 60_000);
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

function created(): Promise<Holdfast> {
  return createHoldfast({
    config: parseConfig({ text: configText(), name: 'journey.yaml', folder }, {}),
    env: {},
    clock: systemClock,
    say: () => {},
  });
}

async function stays(): Promise<unknown> {
  const [row] = await ground.server.query('select count(*)::int as count from stays');
  return row?.['count'];
}

const TEXT = z.string().nullable().default(null);
const ANSWERED = z.object({ status: z.number(), code: TEXT, expected: TEXT, found: TEXT });

/** As the page itself asks. Without a body it only looks. */
async function asked(page: Page, path: string, body: unknown = null) {
  const sent = JSON.stringify(body === null ? null : JSON.stringify(body));
  return ANSWERED.parse(
    await page.evaluate(`(async () => {
      const kept = Object.values({ ...localStorage, ...sessionStorage }).join(' ');
      const secret = /hfp_[A-Za-z0-9_-]+/.exec(kept)?.[0] ?? '';
      const headers = { 'content-type': 'application/json', 'x-holdfast-page': secret };
      const body = ${sent};
      const method = body === null ? 'GET' : 'POST';
      const answer = await fetch(${JSON.stringify(path)}, { method, headers, body });
      const { code, expected, found } = await answer.json();
      return { status: answer.status, code, expected, found };
    })()`),
  );
}

describe('recovery', () => {
  it('says of each target how it stands, in words, and of one without recovery that it has none', async () => {
    const { page } = oda;
    await page.getByRole('link', { name: 'Recovery' }).click();
    await page.getByRole('heading', { name: 'Recovery', level: 1 }).waitFor();
    const side = page.getByRole('region', { name: 'recovery of side' });
    await side.getByText('No recovery: nothing of it is kept').waitFor();
    const shop = page.getByRole('region', { name: 'recovery of shop' });
    // Its first point is taken by itself, so that it may be amber by now.
    await shop.getByText(/^(Do not count|It would come back)/).waitFor({ timeout: 60_000 });
    await lookAt(page, 'recovery-list');
    await side.getByRole('link', { name: 'side' }).click();
    await page.getByText('How a target comes by recovery').waitFor();
    await lookAt(page, 'recovery-none');
  });

  it('takes a point by the button, and shows it when it lies there', {
    timeout: 240_000,
  }, async () => {
    const { page } = oda;
    await page.goto('/recovery/shop');
    const button = page.getByRole('button', { name: 'Take a point' });
    await expect.poll(() => button.isEnabled(), { timeout: 60_000 }).toBe(true);
    await button.click();
    const orders = page.getByRole('list', { name: 'Orders' });
    await orders.getByText('asked by oda').waitFor();
    await orders.getByText(/point .* lies there/).waitFor({ timeout: WORK_MS_MAX });
    await orders.getByText(/came back in/).waitFor();
    await page.getByRole('region', { name: 'Timeline of here' }).waitFor({ timeout: 60_000 });
    await page.getByRole('cell', { name: 'came back' }).first().waitFor({ timeout: 60_000 });
    await page.getByText('It would come back from some losses, and not from all.').waitFor();
    await lookAt(page, 'recovery-target');
    await page.goto('/trail?kind=recovery-ordered');
    await page.getByText('oda asked for a recovery point of shop').first().waitFor();
  });

  it('shows apart what another installation left there, drills it when asked, and counts nothing of it', {
    timeout: 240_000,
  }, async () => {
    const { page } = oda;
    await page.goto('/recovery/shop');
    const others = page.getByRole('region', { name: 'Not counted in here', exact: true });
    await others.getByText('1 point from before the first of this installation').waitFor();
    await others.getByText(/of another installation, or of somebody who can write/).waitFor();
    await others.getByText('not drilled').waitFor();
    await others.getByRole('button', { name: 'Drill the newest of them' }).click();
    const orders = page.getByRole('list', { name: 'Orders' });
    await orders.getByText(/nobody can vouch for it/).waitFor({ timeout: WORK_MS_MAX });
    await others.getByText('came back').waitFor({ timeout: 60_000 });
    await others.scrollIntoViewIfNeeded();
    await lookAt(page, 'recovery-others');
    const drill = { kind: 'drill', vault: 'here', point: 'p1;reboot' };
    expect((await asked(page, '/v1/recovery/shop/orders', drill)).status).toBeLessThan(500);
    await page.getByRole('button', { name: 'Restore …' }).click();
    const wizard = page.getByRole('dialog', { name: 'Restore shop' });
    const slider = wizard.getByLabel('Moment within the window');
    await slider.fill('0');
    await wizard.getByText(/by one that nobody here can vouch for/).waitFor();
    await lookAt(page, 'restore-when-others');
    await wizard.getByRole('button', { name: 'Close' }).click();
  });

  it('says who tried to destroy it, what they were answered, and what would die together', {
    timeout: 240_000,
  }, async () => {
    const { page } = oda;
    await page.goto('/recovery/shop');
    await page.getByRole('button', { name: 'Try to destroy a canary' }).click();
    const orders = page.getByRole('list', { name: 'Orders' });
    await orders.getByText(/what lies there/).waitFor({ timeout: WORK_MS_MAX });
    const proof = page.getByRole('region', { name: 'proof of here' });
    const tried = proof.getByRole('group').filter({ hasText: 'the user that Holdfast runs as' });
    await tried.locator('summary').click({ timeout: 60_000 });
    await tried.getByText('The vault runs as the same user as Holdfast').waitFor();
    await page.getByText(/Whoever takes the host .* takes shop and here/).waitFor();
    const map = page.getByRole('region', { name: 'Map of what would die together' });
    await map.scrollIntoViewIfNeeded();
    await lookAt(page, 'recovery-map');
  });

  it('brings it back beside the live one, compares, and writes lost rows back', {
    timeout: 300_000,
  }, async () => {
    await ground.server.query('delete from stays where id <= 3');
    const { page } = oda;
    await page.goto('/recovery/shop');
    await page.getByRole('button', { name: 'Restore …' }).click();
    const wizard = page.getByRole('dialog', { name: 'Restore shop' });
    await wizard.getByLabel('Moment (UTC)').waitFor();
    await lookAt(page, 'restore-when');
    // A moment that no vault has is refused before anything is asked.
    await wizard.getByLabel('Moment (UTC)').fill('2001-01-01T00:00:00');
    await wizard.getByText('It lies outside of what this vault can bring back.').waitFor();
    const begin = wizard.getByRole('button', { name: 'Restore beside' });
    expect(await begin.isDisabled()).toBe(true);
    await wizard.getByLabel('Bring the target back as it was').selectOption('point');
    await begin.click();
    const compare = wizard.getByRole('button', { name: 'Compare with the live one' });
    await compare.waitFor({ timeout: WORK_MS_MAX });
    await lookAt(page, 'restore-ready');
    await compare.click();
    await wizard.getByText('3 rows missing').waitFor({ timeout: WORK_MS_MAX });
    await lookAt(page, 'restore-diff');
    await wizard.getByRole('checkbox', { name: /public.stays/ }).check();
    await wizard.getByRole('button', { name: 'Preview' }).click();
    const preview = wizard.getByRole('region', { name: 'Preview' });
    await preview.getByText('3 rows put in again').waitFor();
    await preview.scrollIntoViewIfNeeded();
    await lookAt(page, 'restore-preview');
    expect(await stays()).toBe(47);
    await preview.getByRole('button', { name: 'Write back' }).click();
    await page.getByText('3 rows written back.').first().waitFor();
    expect(await stays()).toBe(50);
    // Whoever closes the dialog finds the copy again.
    await wizard.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Restore …' }).click();
    await wizard.getByRole('button', { name: 'Go on with it' }).click();
    await wizard.getByRole('button', { name: 'Discard it' }).click();
    await wizard.getByText('Somebody discarded it: nothing is left of it.').waitFor();
  });

  it('brings back what lay in the vault before somebody wrote into it', {
    timeout: 400_000,
  }, async () => {
    await ground.server.query('delete from stays where id <= 2');
    await holdfast.stop();
    const point = await poison(join(apart, 'vault'), 'shop');
    holdfast = await created();
    await holdfast.start();
    const { page } = oda;
    await page.goto('/recovery/shop');
    await page
      .getByText(/does not read as a recovery point/)
      .first()
      .waitFor({ timeout: 60_000 });
    await page.getByRole('button', { name: 'Restore …' }).click();
    const wizard = page.getByRole('dialog', { name: 'Restore shop' });
    const begin = wizard.getByRole('button', { name: 'Restore beside' });
    const field = wizard.getByLabel('Read the vault as it was at (UTC)');
    const offer = wizard.getByRole('button', { name: /Read it as it was at/ });
    await offer.first().waitFor();
    // Who wants none of it reads of one line.
    expect(await field.isVisible()).toBe(false);
    await wizard.locator('summary').click();
    await lookAt(page, 'restore-offered');
    const seconds = (ms: number) => new Date(ms).toISOString().slice(0, 19);
    for (const [typed, words] of [
      [seconds(Date.now() + 86_400_000), 'a time that is over'],
      ['2001-01-01T00:00:00', 'none that was stored by then'],
    ] as const) {
      await field.fill(typed);
      await wizard.getByRole('alert').getByText(words).waitFor();
      expect(await begin.isDisabled()).toBe(true);
    }
    await lookAt(page, 'restore-before-it-began');
    // Half a time is none, and not as it is now.
    await field.fill('');
    await field.press('1');
    await field.press('2');
    await offer.first().focus();
    await wizard.getByText('A day and a time, to the second; or nothing.').waitFor();
    expect(await begin.isDisabled()).toBe(true);

    await reach(page, 'Read it as it was at');
    await page.keyboard.press('Enter');
    expect(await offer.first().getAttribute('aria-pressed')).toBe('true');
    const then = wizard.getByRole('status', { name: 'What lay there then' });
    await then.getByText(/to come back from, the newest of/).waitFor();
    await then.getByText(/nothing there is ever written over/).waitFor();
    await lookAt(page, 'restore-as-of');
    await wizard.getByLabel('Bring the target back as it was').selectOption('point');
    await wizard.getByLabel('Point', { exact: true }).selectOption(point);
    await begin.click();
    const compare = wizard.getByRole('button', { name: 'Compare with the live one' });
    await compare.waitFor({ timeout: WORK_MS_MAX });
    await wizard.getByText(/It is of the vault as it was at .* is passed over/).waitFor();
    await wizard.getByText(/out of the vault as it was at/).waitFor();
    await lookAt(page, 'restore-as-of-ready');
    await compare.click();
    await wizard.getByText('2 rows missing').waitFor({ timeout: WORK_MS_MAX });
    await wizard.getByRole('button', { name: 'Discard it' }).click();
    await wizard.getByText('Somebody discarded it: nothing is left of it.').waitFor();
    await page.goto('/trail?kind=restore-asked');
    await page
      .getByText(/restored from here as it was at 2/)
      .first()
      .waitFor();
  });

  const UTC = 'not a time in UTC, such as 2026-11-28T12:00:00Z';
  it.each([
    ['a time to come', '2999-01-01T00:00:00.000Z', '2999-01-01T00:00:00.000Z'],
    ['another zone', '2026-11-28T12:00:00+02:00', UTC],
    ['no zone at all', '2026-11-28T12:00:00', UTC],
    ['HTML', '<img src=x onerror=alert(1)>', UTC],
    ['a day that is none', '2026-02-31T12:00:00Z', UTC],
  ])('neither looks nor restores as of %s', async (_, asOf, words) => {
    const { page } = oda;
    const found = expect.stringContaining(words);
    const no = { status: 422, code: 'HF_USAGE', found };
    const query = new URLSearchParams({ asOf });
    expect(await asked(page, `/v1/recovery/shop/view?${query}`)).toMatchObject(no);
    const order = { wish: { kind: 'newest' }, asOf };
    expect(await asked(page, '/v1/recovery/shop/restores', order)).toMatchObject(no);
  });

  it('says of a time before the vault began that nothing lay there', async () => {
    const view = await asked(oda.page, '/v1/recovery/shop/view?asOf=2001-01-01T00:00:00Z');
    expect(view).toMatchObject({
      code: 'HF_RESTORE_WINDOW',
      expected: expect.stringContaining('as it was at 2001-01-01T00:00:00.000Z'),
    });
  });

  it('lets who may only look see it, and order nothing, on a phone and in the dark', async () => {
    const { page } = await seats.newcomer(holdfast.rooms, 'olga', 'auditor', {
      phone: true,
      dark: true,
    });
    await page.goto('/recovery/shop');
    await page.getByText('You may see this.').waitFor();
    expect(await page.getByRole('button', { name: 'Take a point' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Restore …' }).count()).toBe(0);
    const order = await asked(page, '/v1/recovery/shop/orders', { kind: 'backup' });
    expect(order).toMatchObject({ status: 403, code: 'HF_FORBIDDEN' });
    const view = await asked(page, '/v1/recovery/shop/view?asOf=2026-11-28T00:00:00Z');
    expect(view).toMatchObject({ status: 403, code: 'HF_FORBIDDEN' });
    await lookAt(page, 'recovery-auditor');
  });

  it.each([
    ['a vault that is not of the target', { kind: 'backup', vault: '../../etc' }, 422, 'shop'],
    ['a point for a backup', { kind: 'backup', point: 'p' }, 422, 'shop'],
    ['another kind of work', { kind: 'empty-the-vault' }, 422, 'shop'],
    ['a target without recovery', { kind: 'backup' }, 422, 'side'],
    ['no target at all', { kind: 'backup' }, 404, '..%2f..%2fshop'],
  ])('refuses an order for %s', async (_, body, status, target) => {
    expect(await asked(oda.page, `/v1/recovery/${target}/orders`, body)).toMatchObject({ status });
  });

  it('is closed to an agent, whatever it asks there', async () => {
    const { agents } = holdfast.rooms;
    await agents.add('cursor');
    const { token } = await agents.issueToken({
      ...{ agent: 'cursor', environment: 'production', targets: [] },
    });
    const ask = (method: string, path: string) =>
      fetch(`${holdfast.dashboardUrl}/v1/recovery${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: JSON.stringify({ kind: 'prove' }) }),
      }).then(({ status }) => status);
    expect([
      await ask('GET', ''),
      await ask('GET', '/shop'),
      await ask('POST', '/shop/orders'),
      await ask('GET', '/shop/orders'),
      await ask('GET', '/shop/orders/0123456789abcdef'),
      await ask('GET', '/shop/view?asOf=2026-11-28T00:00:00Z'),
      await ask('POST', '/shop/restores'),
    ]).toEqual([403, 403, 403, 403, 403, 403, 403]);
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});
