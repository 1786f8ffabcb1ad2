/** Whoever floods the address, or the name, of a person does not shut them out of a browser that is theirs. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  API_REQUESTS_PER_MINUTE_MAX,
  ATTEMPTS_MAX,
  ATTEMPTS_OF_NAME_MAX,
  ATTEMPTS_WINDOW_MS,
  TOTP_FAILURES_MAX,
  TOTP_PAUSE_MS,
} from '../../src/model/limits.ts';
import { ApiWorld } from './support.ts';
import { firstOwner, type JoinedPerson, join, Visitor } from './visitor.ts';

const KNOWN = 'holdfast-known';

let world: ApiWorld;
let ana: JoinedPerson;
let ben: JoinedPerson;
let bensCode: (at: Date) => string;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await firstOwner(world);
  ben = await join(world, ana.browser, 'ben', ['approver']);
  bensCode = await ben.browser.addCodes();
});
afterAll(async () => {
  await world?.stop();
});
beforeEach(() => {
  world.clock.pass(Math.max(ATTEMPTS_WINDOW_MS, TOTP_PAUSE_MS));
});

/** As after a sign-out: it is known, and nobody is signed in. */
function browserOf({ browser }: JoinedPerson): Visitor {
  const again = new Visitor(world);
  for (const [name, value] of browser.cookies) {
    if (name !== 'holdfast') again.cookies.set(name, value);
  }
  return again;
}

const guess = (browser: Visitor, name: string, code = '000000', address = '127.0.0.1') =>
  browser.ask('/v1/sign-in/code', { method: 'POST', body: { name, code }, address });

describe('a browser that somebody has signed in from', () => {
  it('signs in while strangers at the same address have used their attempts up', async () => {
    const stranger = new Visitor(world);
    for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) {
      await stranger.post('/v1/sign-in/passkey/options');
    }
    expect((await stranger.post('/v1/sign-in/passkey/options')).status).toBe(429);
    expect((await browserOf(ben).signIn(ben.passkey)).status).toBe(200);
  });

  it('has so many attempts of its own, and no more', async () => {
    const browser = browserOf(ben);
    for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) {
      await browser.post('/v1/sign-in/passkey/options');
    }
    expect((await browser.post('/v1/sign-in/passkey/options')).status).toBe(429);
    expect((await new Visitor(world).post('/v1/sign-in/passkey/options')).status).toBe(200);
  });

  it('takes a right code while strangers have had the name paused, who get no further', async () => {
    const strangers = new Visitor(world);
    for (let wrong = 0; wrong < TOTP_FAILURES_MAX; wrong += 1) await guess(strangers, 'ben');
    expect((await guess(strangers, 'ben', bensCode(world.clock.now()))).status).toBe(401);
    const answer = await guess(browserOf(ben), 'ben', bensCode(world.clock.now()));
    expect(answer.status).toBe(200);
  });

  it('is paused by its own wrong codes', async () => {
    const browser = browserOf(ben);
    for (let wrong = 0; wrong < TOTP_FAILURES_MAX; wrong += 1) await guess(browser, 'ben');
    expect((await guess(browser, 'ben', bensCode(world.clock.now()))).status).toBe(401);
  });

  it('is a stranger’s for a person who never signed in from it', async () => {
    const browser = browserOf(ana);
    for (let wrong = 0; wrong < TOTP_FAILURES_MAX; wrong += 1) await guess(browser, 'ben');
    expect((await guess(browser, 'ben', bensCode(world.clock.now()))).status).toBe(401);
    const answer = await guess(browserOf(ben), 'ben', bensCode(world.clock.now()));
    expect(answer.status).toBe(200);
  });

  it.each([
    ['made up', (mark: string) => mark.replace(/\.[^.]*$/, '.made-up')],
    ['for another person', (mark: string) => mark.replace(/^person_.{4}/, 'person_0000')],
    ['empty', () => 'x'],
  ])('is none by a mark that is %s', async (_, lie) => {
    const browser = browserOf(ben);
    browser.cookies.set(KNOWN, lie(browser.cookies.get(KNOWN) ?? ''));
    const stranger = new Visitor(world);
    for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) {
      await stranger.post('/v1/sign-in/passkey/options');
    }
    expect((await browser.post('/v1/sign-in/passkey/options')).status).toBe(429);
  });

  it('is none by a mark that belongs to another device', async () => {
    const thief = new Visitor(world);
    await thief.signIn(ana.passkey);
    const browser = browserOf({ ...ana, browser: thief });
    browser.cookies.set(KNOWN, ben.browser.cookies.get(KNOWN) ?? '');
    for (let tried = 0; tried < ATTEMPTS_MAX; tried += 1) {
      await new Visitor(world).post('/v1/sign-in/passkey/options');
    }
    expect((await browser.post('/v1/sign-in/passkey/options')).status).toBe(429);
  });

  it('is asked by its own count of requests, not by that of its address', async () => {
    const at = { address: '192.0.2.77' };
    const stranger = new Visitor(world);
    for (let asked = 0; asked < API_REQUESTS_PER_MINUTE_MAX; asked += 1) {
      await stranger.ask('/v1/session', at);
    }
    expect((await stranger.ask('/v1/session', at)).status).toBe(429);
    expect((await browserOf(ben).ask('/v1/session', at)).status).toBe(200);
  }, 60_000);
});

describe('a name', () => {
  it('is tried so often by all strangers together, from wherever, whoever it is', async () => {
    for (const name of ['ben', 'nobody-at-all']) {
      const statuses: number[] = [];
      for (let tried = 0; tried <= ATTEMPTS_OF_NAME_MAX; tried += 1) {
        statuses.push((await guess(new Visitor(world), name, '000000', `192.0.2.${tried}`)).status);
      }
      expect(statuses.lastIndexOf(401)).toBe(ATTEMPTS_OF_NAME_MAX - 1);
      expect(statuses.at(-1)).toBe(429);
    }
    // By passkey no name is told, and the person's own browser has its own count.
    expect((await new Visitor(world).signIn(ben.passkey)).status).toBe(200);
    const code = bensCode(world.clock.now());
    expect((await guess(browserOf(ben), 'ben', code)).status).toBe(200);
  });

  it('whose codes strangers have used up lets its person in by a recovery code, from a new browser', async () => {
    for (let tried = 0; tried <= ATTEMPTS_OF_NAME_MAX; tried += 1) {
      await guess(new Visitor(world), 'ana', '000000', `192.0.2.${tried}`);
    }
    expect((await guess(new Visitor(world), 'ana', '000000', '198.51.100.7')).status).toBe(429);
    const recover = (code: string, address: string) =>
      new Visitor(world).ask('/v1/sign-in/recovery', {
        method: 'POST',
        body: { name: 'ana', code },
        address,
      });
    expect((await recover('WRONG-CODE', '198.51.100.8')).status).toBe(401);
    const answer = await recover(ana.recoveryCodes[0] ?? '', '198.51.100.9');
    expect(answer.status).toBe(200);
  });
});
