/**
 * `holdfast login` beside a real browser: the built command line as a process of its own on another machine's
 * home, which shows a code; the person who types it, sees which machine asks, and lets it in or turns it away.
 * And who was sent a code by somebody else: the page takes none out of a link.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { type AtBrowser, launch, noBrowser } from './browser.ts';
import { letProofsAge, lookAt, reach, SEEN_MS_MAX, Seats } from './hands.ts';

const WHY_NOT = noBrowser();
const CLI = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

let origin: string;
let gateway: Gateway;
let seats: Seats;
let ada: AtBrowser;
const running: ChildProcess[] = [];

beforeAll(async () => {
  if (WHY_NOT !== null) return;
  const dashboardPort = await freePort();
  origin = `http://localhost:${dashboardPort}`;
  gateway = await startGateway({ level: 'guarded', dashboardPort });
  seats = new Seats(await launch(), origin);
  ada = await seats.newcomer(gateway.holdfast.rooms, 'ada', 'operator');
});
afterEach(({ task }) => seats?.keepFailure(task));
afterAll(async () => {
  for (const child of running) child.kill('SIGKILL');
  await seats?.close();
  await gateway?.stop();
});
beforeEach((context) => {
  if (WHY_NOT !== null) context.skip(WHY_NOT);
});

interface Ended {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command on some machine, where `home` is all that is kept. */
class Terminal {
  readonly home = scratchFolder('elsewhere');

  run(...words: readonly string[]): {
    readonly heard: () => string;
    readonly ended: Promise<Ended>;
  } {
    const env = { PATH: process.env['PATH'] ?? '', HOME: this.home };
    const child = spawn(process.execPath, [CLI, '--url', origin, ...words], {
      cwd: this.home,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.push(child);
    let out = '';
    let err = '';
    child.stdout.on('data', (piece: Buffer) => {
      out += piece.toString();
    });
    child.stderr.on('data', (piece: Buffer) => {
      err += piece.toString();
    });
    const ended = new Promise<Ended>((done) =>
      child.once('close', (exit) => done({ exit, out, err })),
    );
    return { heard: () => err, ended };
  }

  /** Until it shows a code. */
  async login(): Promise<{ readonly code: string; readonly ended: Promise<Ended> }> {
    const { ended, heard } = this.run('login', '--json');
    await expect.poll(heard, { timeout: SEEN_MS_MAX }).toMatch(/Type +\S+/);
    expect(heard()).toContain(`Open   ${origin}/device\n`);
    return { code: /Type +(\S+)/.exec(heard())?.[1] ?? '', ended };
  }
}

async function typeCode(page: Page, code: string): Promise<void> {
  await page.getByLabel('The code it shows').fill(code);
  await page.getByRole('button', { name: 'See who asks' }).click();
}

const MINE = 'I started it myself, on that machine, just now, and read the code there.';

describe('holdfast login', () => {
  it('is let in by the keyboard alone, by who compared, after a new proof', async () => {
    const { page } = ada;
    const terminal = new Terminal();
    const { code, ended } = await terminal.login();
    await letProofsAge(gateway.holdfast.rooms);
    await page.goto('/device');
    await page.getByLabel('The code it shows').waitFor();
    await lookAt(page, 'device-empty');
    await page.getByLabel('The code it shows').focus();
    // Small letters and no dash are the same.
    await page.keyboard.type(code.toLowerCase().replace('-', ''));
    await page.keyboard.press('Enter');
    await page.getByText(hostname()).waitFor();
    await page.getByText('127.0.0.1', { exact: true }).waitFor();
    await lookAt(page, 'device-asks');
    expect(await page.getByRole('button', { name: 'Let it in' }).isDisabled()).toBe(true);
    for (let steps = 0; steps < 40; steps += 1) {
      if ((await page.getByLabel(MINE).and(page.locator(':focus')).count()) > 0) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Space');
    await reach(page, 'Let it in');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Prove again that it is you' }).waitFor();
    await reach(page, 'Use my passkey');
    await page.keyboard.press('Enter');
    await page.getByText('It is in, as you.').waitFor();
    await lookAt(page, 'device-in');
    const said = await ended;
    expect([said.exit, JSON.parse(said.out)]).toMatchObject([0, { url: origin, person: 'ada' }]);
    expect(said.out + said.err).not.toMatch(/hfs_/);
    const who = await terminal.run('whoami', '--json').ended;
    expect(JSON.parse(who.out)).toMatchObject({ person: { name: 'ada', roles: ['operator'] } });

    await typeCodeAnew(page, code);
    await page.getByText(/decided or over/).waitFor();

    // It is listed where she is signed in, and closed from there.
    await page.goto('/account');
    const session = page.getByRole('listitem').filter({ hasText: hostname() });
    await session.getByRole('button', { name: 'Close' }).click();
    await session.waitFor({ state: 'detached' });
    const after = await terminal.run('agents', 'list').ended;
    expect([after.exit, after.err]).toEqual([1, expect.stringContaining('HF_SIGN_IN')]);
  });

  it('a code typed wrongly opens nothing, and the right one still does', async () => {
    const { page } = ada;
    const { code, ended } = await new Terminal().login();
    await page.goto('/device');
    const last = code.endsWith('B') ? 'C' : 'B';
    await typeCode(page, `${code.slice(0, -1)}${last}`);
    await page.getByRole('alert').getByText('one that no command line shows').waitFor();
    await lookAt(page, 'device-wrong');
    expect(await page.getByRole('button', { name: 'Let it in' }).count()).toBe(0);
    await typeCode(page, code);
    await page.getByLabel(MINE).check();
    await page.getByRole('button', { name: 'Let it in' }).click();
    await page.getByText('It is in, as you.').waitFor();
    expect((await ended).exit).toBe(0);
  });

  it('who is turned away is told so, and the code is spent', async () => {
    const { page } = ada;
    const terminal = new Terminal();
    const { code, ended } = await terminal.login();
    await page.goto('/device');
    await typeCode(page, code);
    // To turn away takes no saying that it is theirs.
    await page.getByRole('button', { name: 'Turn it away' }).click();
    await page.getByText('Turned away.').waitFor();
    await lookAt(page, 'device-denied');
    const said = await ended;
    expect([said.exit, said.out]).toEqual([1, expect.stringContaining('turned it away')]);
    expect((await terminal.run('agents', 'list').ended).exit).toBe(1);
    await typeCodeAnew(page, code);
    await page.getByText(/decided or over/).waitFor();
  });

  it('of two that ask at once the code picks one, and the other one goes on waiting', async () => {
    const { page } = ada;
    const mine = await new Terminal().login();
    const other = await new Terminal().login();
    expect(mine.code).not.toBe(other.code);
    await page.goto('/device');
    await typeCode(page, mine.code);
    await page.getByLabel(MINE).check();
    await page.getByRole('button', { name: 'Let it in' }).click();
    await page.getByText('It is in, as you.').waitFor();
    expect((await mine.ended).exit).toBe(0);
    await typeCodeAnew(page, other.code);
    await page.getByRole('button', { name: 'Turn it away' }).click();
    expect((await other.ended).exit).toBe(1);
  });

  it('a link that carries a code, opened cold, fills in nothing and warns', async () => {
    const eve = await new Terminal().login();
    const victim = await seats.newcomer(gateway.holdfast.rooms, 'vic', 'approver', { phone: true });
    const { page } = victim;
    for (const link of [
      `/device?code=${eve.code}`,
      `/device?user_code=${eve.code}`,
      `/device#${eve.code}`,
    ]) {
      await page.goto('about:blank');
      await page.goto(link);
      await page.getByText('holdfast login never makes such a link.').waitFor();
      expect(await page.getByLabel('The code it shows').inputValue()).toBe('');
      expect(await page.getByRole('button', { name: 'See who asks' }).isDisabled()).toBe(true);
      expect(await page.getByRole('button', { name: 'Let it in' }).count()).toBe(0);
    }
    await lookAt(page, 'device-led');
    // Who types it all the same is told what it means, and has to say what is not so.
    await typeCode(page, eve.code);
    await page.getByText('Whoever sent you a code to type here would be in as you.').waitFor();
    expect(await page.getByRole('button', { name: 'Let it in' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Turn it away' }).click();
    const said = await eve.ended;
    expect([said.exit, said.out]).toEqual([1, expect.stringContaining('HF_SIGN_IN')]);
  });

  it('who is not signed in signs in first, and is asked by nobody before that', async () => {
    const { code, ended } = await new Terminal().login();
    const { page } = ada;
    await page.goto('/account');
    await page.getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    await page.goto('/device');
    await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
    expect(await page.getByLabel('The code it shows').count()).toBe(0);
    await page.getByRole('button', { name: 'Use my passkey' }).click();
    await typeCode(page, code);
    await page.getByLabel(MINE).check();
    await page.getByRole('button', { name: 'Let it in' }).click();
    await page.getByText('It is in, as you.').waitFor();
    expect((await ended).exit).toBe(0);
  });

  it('no page complained: neither scripts, nor the content policy', () => {
    expect(seats.complaints).toEqual([]);
  });
});

async function typeCodeAnew(page: Page, code: string): Promise<void> {
  await page.goto('/device');
  await typeCode(page, code);
}
