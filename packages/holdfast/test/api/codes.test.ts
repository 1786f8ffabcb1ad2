/** Codes and recovery codes: the second way, guessed at from every side. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ATTEMPTS_MAX,
  ATTEMPTS_WINDOW_MS,
  PROVED_MS_MAX,
  TOTP_FAILURES_MAX,
  TOTP_PAUSE_MS,
} from '../../src/model/limits.ts';
import { SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { ApiWorld } from './support.ts';
import { firstOwner, type JoinedPerson, join, read, trailText, Visitor } from './visitor.ts';

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

const signIn = (name: string, code: string) =>
  new Visitor(world).post('/v1/sign-in/code', { name, code });
const now = () => bensCode(world.clock.now());

/** Of their own, as after a proof by passkey. */
async function provenBen(): Promise<Visitor> {
  const browser = new Visitor(world);
  await browser.signIn(ben.passkey);
  return browser;
}

describe('a code', () => {
  it('signs in with its name, once', async () => {
    const code = now();
    expect((await signIn('ben', code)).json).toMatchObject({ person: { name: 'ben' } });
    expect((await signIn('ben', code)).status).toBe(401);
  });

  it('says the same of nobody, of somebody without codes, of a wrong one, and of a pause', async () => {
    const answers = [
      await signIn('nobody', '000000'),
      await signIn('ana', '000000'),
      await signIn('ben', '000000'),
      await signIn('ben', 'a password'),
    ];
    for (let wrong = 2; wrong < TOTP_FAILURES_MAX; wrong += 1) await signIn('ben', '000000');
    answers.push(await signIn('ben', now()));
    for (const { json, status } of answers) {
      expect([status, json]).toEqual([401, answers[0]?.json]);
    }
    const refusals = (await trailText(world)).match(/a pause after too many wrong ones/g);
    expect(refusals).toHaveLength(1);
  });

  it('is guessed at five times, and then for a quarter of an hour not at all', async () => {
    for (let wrong = 0; wrong < TOTP_FAILURES_MAX; wrong += 1) await signIn('ben', '000000');
    expect((await signIn('ben', now())).status).toBe(401);
    // The pause is of the codes: the passkey opens all the same.
    expect((await new Visitor(world).signIn(ben.passkey)).status).toBe(200);
    world.clock.pass(TOTP_PAUSE_MS);
    expect((await signIn('ben', now())).status).toBe(200);
  });

  it('of a name that is nobody’s asks the store as much as one of somebody’s', async () => {
    const asked: number[] = [];
    for (const name of ['nobody', 'ben']) {
      let count = 0;
      const { database } = world.rooms;
      const transaction = database.transaction.bind(database);
      database.transaction = (work) =>
        transaction((trx) => {
          const counted = new Proxy(trx, {
            get: (target, key) => {
              if (key === 'selectFrom' || key === 'updateTable') count += 1;
              const value: unknown = Reflect.get(target, key);
              return typeof value === 'function' ? value.bind(target) : value;
            },
          });
          return work(counted);
        });
      await signIn(name, '000000');
      database.transaction = transaction;
      asked.push(count);
    }
    expect(asked[0]).toBe(asked[1]);
  });

  it('never leaves what was typed for a name in the trail', async () => {
    await signIn('hunter2-my-password', '000000');
    expect(await trailText(world)).not.toContain('hunter2');
  });

  it('proves again that somebody is there', async () => {
    const browser = new Visitor(world);
    await browser.signIn(ben.passkey);
    world.clock.pass(PROVED_MS_MAX + 1);
    expect((await browser.post('/v1/self/recovery-codes')).status).toBe(401);
    const wrong = await browser.post('/v1/session/prove', { code: '000000' });
    expect([wrong.status, wrong.json]).toMatchObject([401, { code: 'HF_TOTP_WRONG' }]);
    expect((await browser.post('/v1/session/prove', { code: now() })).status).toBe(200);
    expect((await browser.post('/v1/self/recovery-codes')).status).toBe(200);
  });

  it('that was replaced no longer counts', async () => {
    const joe = await fresh('joe');
    const before = await joe.browser.addCodes();
    const after = await joe.browser.addCodes();
    world.clock.pass(60_000);
    expect((await signIn('joe', before(world.clock.now()))).status).toBe(401);
    expect((await signIn('joe', after(world.clock.now()))).status).toBe(200);
  });
});

describe('one source', () => {
  it('may try so often, and then not with the right answer either; another may', async () => {
    let last = 0;
    for (let tried = 0; tried <= ATTEMPTS_MAX; tried += 1) {
      const name = `nobody-${tried}`;
      last = (await signIn(name, '000000')).status;
    }
    expect(last).toBe(429);
    const browser = new Visitor(world);
    expect((await browser.post('/v1/sign-in/passkey/options')).status).toBe(429);
    world.clock.pass(ATTEMPTS_WINDOW_MS);
    expect((await browser.signIn(ben.passkey)).status).toBe(200);
  });
});

describe('a recovery code', () => {
  it('signs in once, opens nothing but the way to a passkey, and is whole after that', async () => {
    const kim = await fresh('kim');
    const code = (kim.recoveryCodes[0] ?? '').toUpperCase().replaceAll('-', ' ');
    const browser = new Visitor(world);
    const answer = await browser.post('/v1/sign-in/recovery', { name: 'kim', code });
    expect(answer.json).toMatchObject({ person: { name: 'kim' }, mustEnrol: true });
    const shut = ['/v1/holds', '/v1/people', '/v1/roles'].map((path) => browser.ask(path));
    const statuses = (await Promise.all(shut)).map(({ status }) => status);
    expect(statuses).toEqual([403, 403, 200]);
    const look = await browser.post('/v1/device/look', { userCode: 'BCDF-GHJK' });
    expect(look.status).toBe(403);
    expect((await browser.addPasskey(new SoftwarePasskey())).status).toBe(200);
    expect((await browser.ask('/v1/holds')).status).toBe(200);
    const again = await new Visitor(world).post('/v1/sign-in/recovery', { name: 'kim', code });
    expect(again.status).toBe(401);
    expect(await trailText(world)).toMatch(/kim signed in by a recovery code; 9 are left/);
  });

  it('is its person’s, and says nothing of anybody', async () => {
    const lea = await fresh('lea');
    const [code = ''] = lea.recoveryCodes;
    const tries = await Promise.all(
      [
        { name: 'ben', code },
        { name: 'nobody', code },
        { name: 'lea', code: '0000-0000-0000-0000' },
      ].map((body) => new Visitor(world).post('/v1/sign-in/recovery', body)),
    );
    const wrong = await signIn('nobody', '000000');
    for (const { json, status } of tries) expect([status, json]).toEqual([401, wrong.json]);
  });

  it('of two uses at once counts once', async () => {
    const max = await fresh('max');
    const [code] = max.recoveryCodes;
    const both = await Promise.all(
      [1, 2].map(() => new Visitor(world).post('/v1/sign-in/recovery', { name: 'max', code })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('is renewed as a whole; those before no longer count', async () => {
    const ida = await fresh('ida');
    const renewed = read('self.recovery.renew', await ida.browser.post('/v1/self/recovery-codes'));
    const use = (code: string | undefined) =>
      new Visitor(world).post('/v1/sign-in/recovery', { name: 'ida', code });
    expect((await use(ida.recoveryCodes[1])).status).toBe(401);
    expect((await use(renewed.recoveryCodes[1])).status).toBe(200);
    expect(read('self.show', await ida.browser.ask('/v1/self')).recoveryCodesLeft).toBe(9);
  });
});

async function fresh(name: string): Promise<JoinedPerson> {
  await ana.browser.signIn(ana.passkey);
  return join(world, ana.browser, name, ['auditor']);
}

describe('codes that are taken away', () => {
  const taken = (browser: Visitor, path: string) => browser.ask(path, { method: 'DELETE' });

  it('are, by their own person and a passkey; a code does not prove it', async () => {
    const browser = new Visitor(world);
    bensCode = await (await provenBen()).addCodes();
    world.clock.pass(30_000);
    await browser.post('/v1/sign-in/code', { name: 'ben', code: now() });
    const refused = await taken(browser, '/v1/self/codes');
    expect([refused.status, refused.json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    expect((await browser.prove(ben.passkey)).status).toBe(200);
    expect((await taken(browser, '/v1/self/codes')).json).toEqual({ removed: true });
    expect((await taken(browser, '/v1/self/codes')).json).toEqual({ removed: false });
    expect((await signIn('ben', now())).status).toBe(401);
    const shown = read('self.show', await browser.ask('/v1/self'));
    expect(shown.hasCodes).toBe(false);
    expect(await trailText(world)).toContain('The one-time codes of ben were taken away by ben');
  });

  it('are, by an owner, and by nobody else', async () => {
    bensCode = await (await provenBen()).addCodes();
    world.clock.pass(30_000);
    const owner = new Visitor(world);
    await owner.signIn(ana.passkey);
    const path = `/v1/people/${ben.id}/codes`;
    expect((await taken(await provenBen(), path)).status).toBe(403);
    expect((await taken(owner, path)).json).toEqual({ removed: true });
    expect((await signIn('ben', now())).status).toBe(401);
    expect(await trailText(world)).toContain('The one-time codes of ben were taken away by ana');
  });

  it('are not where they are the last way to sign in', async () => {
    const only = await world.person('cy', ['approver']);
    const owner = new Visitor(world);
    await owner.signIn(ana.passkey);
    const { items } = read('people.list', await owner.ask('/v1/people'));
    const cy = items.find(({ name }) => name === only.person);
    const { json } = await taken(owner, `/v1/people/${cy?.id}/codes`);
    expect(json).toMatchObject({ code: 'HF_LAST_WAY_IN' });
  });

  it('want a proof that is not old', async () => {
    const browser = await provenBen();
    world.clock.pass(PROVED_MS_MAX + 1);
    expect((await taken(browser, '/v1/self/codes')).status).toBe(401);
  });
});
