/**
 * What people do at the dashboard in every journey: join by a link, keep the codes, reach a button without a
 * mouse. And how each page is looked at: by axe in light, in dark and on a phone, and with
 * HOLDFAST_LOOKS=folder by whoever wants to see the pictures.
 */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Role } from '../../src/identity/roles.ts';
import { SIGN_IN_METHODS } from '../../src/identity/session-store.ts';
import type { Rooms } from '../../src/rooms.ts';
import { SqlSessionStore } from '../../src/store/session-store.ts';
import { type AtBrowser, type AtBrowserOptions, PHONE, sitDown } from './browser.ts';

/** The page has what it was asked for, on a machine that does other things as well. */
export const SEEN_MS_MAX = 20_000;

interface FailedTask {
  readonly name: string;
  readonly result?: { readonly state: string } | undefined;
}

export type Seat = Omit<AtBrowserOptions, 'origin'>;

/** A browser and everybody who sits before it. */
export class Seats {
  readonly #browser: Browser;
  readonly #origin: string;
  readonly #taken: AtBrowser[] = [];

  constructor(browser: Browser, origin: string) {
    this.#browser = browser;
    this.#origin = origin;
  }

  /** Of all pages so far: broken scripts, and what the content policy stopped. */
  get complaints(): readonly string[] {
    return this.#taken.flatMap(({ complaints }) => complaints);
  }

  async sit(options: Seat = {}): Promise<AtBrowser> {
    const seat = await sitDown(this.#browser, { origin: this.#origin, ...options });
    seat.page.setDefaultTimeout(SEEN_MS_MAX);
    this.#taken.push(seat);
    return seat;
  }

  /** Signed in as a new person who was invited by somebody on this machine. */
  async newcomer(rooms: Rooms, name: string, role: Role, options: Seat = {}): Promise<AtBrowser> {
    const { invites, site } = rooms.ways;
    const { secret } = await invites.make(name, [role], 'a test');
    const seat = await this.sit(options);
    await join(seat.page, `${site.origin}/join#${secret}`);
    await keepCodes(seat.page);
    return seat;
  }

  /** With HOLDFAST_LOOKS: what each of them saw when a test failed. */
  async keepFailure({ name, result }: FailedTask): Promise<void> {
    if (result?.state !== 'fail') return;
    for (const [at, { page }] of this.#taken.entries()) {
      await keepPicture(page, `failed-${name.replaceAll(/[^a-z]+/gi, '-').slice(0, 40)}-${at}`);
    }
  }

  async close(): Promise<void> {
    for (const seat of this.#taken) await seat.close();
    await this.#browser.close();
  }
}

/** By a one-time link, with a passkey of this browser. */
export async function join(page: Page, url: string, name?: string): Promise<void> {
  await page.goto(url);
  if (name !== undefined) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Make a passkey' }).click();
  await page.getByRole('heading', { name: 'You are in. Keep these' }).waitFor();
}

/** What is shown once is confirmed to be kept. */
export async function keepCodes(page: Page): Promise<void> {
  await page.getByRole('checkbox').check();
  await page.getByRole('button', { name: /go on|done|continue|kept/i }).click();
  await page.getByRole('heading', { level: 1 }).first().waitFor();
}

/** Of those that matter to who uses a keyboard, a screen reader or weak eyes. */
export async function seriousFaults(page: Page): Promise<readonly string[]> {
  // Past the content policy, as no script of another could: by the browser's own debugger.
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe: tool } = globalThis as unknown as {
      axe: {
        run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
      };
    };
    const { violations } = await tool.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`);
  });
}

/** As it stands before them now: in light, in dark, and as wide as a phone, where nothing sticks out. */
export async function lookAt(page: Page, name: string): Promise<void> {
  const before = page.viewportSize();
  const widths = [
    ['light', 'light', before],
    ['dark', 'dark', before],
    ['phone', 'light', PHONE],
  ] as const;
  for (const [look, colorScheme, size] of widths) {
    await page.emulateMedia({ colorScheme });
    if (size !== null) await page.setViewportSize(size);
    // Told to change, it draws itself anew before anybody measures, and its colours come to rest.
    await page.evaluate(`(async () => {
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
      const ends = document.getAnimations().filter(({ effect }) => effect.getTiming().iterations !== Infinity);
      await Promise.allSettled(ends.map(({ finished }) => finished));
    })()`);
    expect([name, look, await seriousFaults(page)]).toEqual([name, look, []]);
    const wide = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    expect([name, look, wide]).toEqual([name, look, 0]);
    await keepPicture(page, `${name}-${look}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  if (before !== null) await page.setViewportSize(before);
}

async function keepPicture(page: Page, name: string): Promise<void> {
  const folder = process.env['HOLDFAST_LOOKS'] ?? '';
  if (folder === '') return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: resolve(folder, `${name}.png`) });
}

/** By Tab, as who has no mouse would. */
export async function reach(page: Page, name: string): Promise<void> {
  for (let steps = 0; steps < 40; steps += 1) {
    const focused = String(await page.evaluate('document.activeElement?.textContent ?? ""'));
    if (focused.startsWith(name)) return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`${name} is not reached by Tab.`);
}

/** As if everybody's last proof of being there were an hour old. */
export async function letProofsAge({ checks, database }: Rooms): Promise<void> {
  const store = new SqlSessionStore(database, checks.prover.rows);
  const open = await database.run((db) =>
    db
      .selectFrom('holdfast.sessions')
      .select(['id', 'method'])
      .where('proved_at', 'is not', null)
      .execute(),
  );
  const anHourAgo = new Date(Date.now() - 3_600_000);
  // As the store itself writes it: a row that was changed by hand is not there any more.
  for (const { id, method } of open) {
    const how = SIGN_IN_METHODS.find((one) => one === method);
    if (how === undefined) continue;
    await store.proved(id, how, anHourAgo);
    await store.touch(id, new Date());
  }
}
