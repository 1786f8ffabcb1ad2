/** Sessions, devices, roles and break-glass, as people use them and as others try to. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  ATTEMPTS_WINDOW_MS,
  BREAK_GLASS_MS,
  DEVICE_REQUEST_LIFE_MS,
  PROVED_MS_MAX,
  SESSION_IDLE_MS_MAX,
} from '../../src/model/limits.ts';
import { ApiWorld } from './support.ts';
import {
  firstOwner,
  forgetEverybody,
  type JoinedPerson,
  join,
  read,
  trailText,
  Visitor,
} from './visitor.ts';

let world: ApiWorld;
let ana: JoinedPerson;

beforeAll(async () => {
  world = await ApiWorld.start();
});
beforeEach(async () => {
  await forgetEverybody(world);
  ana = await firstOwner(world);
});
afterAll(async () => {
  await world?.stop();
});

describe('a session', () => {
  it('is a new one at each sign-in: what was planted in the browser opens nothing (fixation)', async () => {
    const thief = new Visitor(world);
    await thief.signIn((await join(world, ana.browser, 'eve', ['auditor'])).passkey);
    const planted = new Map(thief.cookies);
    const browser = new Visitor(world);
    for (const [name, value] of planted) browser.cookies.set(name, value);
    await browser.signIn(ana.passkey);
    expect(browser.cookies.get('holdfast')).not.toBe(planted.get('holdfast'));
    // The thief's session is closed, and never becomes Ana's.
    expect((await thief.ask('/v1/session')).json).toMatchObject({ person: null });
  });

  it('has cookies that no script reads, and that other sites do not send', async () => {
    const begun = await new Visitor(world).signIn(ana.passkey);
    for (const line of [begun.headers['set-cookie'] ?? []].flat()) {
      expect(String(line)).toMatch(/HttpOnly.*SameSite=Strict/);
    }
  });

  it('is listed, closed one by one, and all but this one', async () => {
    const [one, two] = [new Visitor(world), new Visitor(world)];
    await one.signIn(ana.passkey);
    await two.signIn(ana.passkey);
    const { items } = read('self.sessions.list', await one.ask('/v1/self/sessions'));
    expect([items.length, items.filter(({ isThisOne }) => isThisOne).length]).toEqual([3, 1]);
    const other = items.find(({ isThisOne }) => !isThisOne)?.id;
    const ben = await join(world, ana.browser, 'ben', ['approver']);
    const theft = await ben.browser.ask(`/v1/self/sessions/${other}`, { method: 'DELETE' });
    expect(theft.json).toEqual({ closed: false });
    expect((await one.post('/v1/self/sessions/close-others')).json).toEqual({ closed: 2 });
    expect((await two.ask('/v1/holds')).status).toBe(401);
    expect((await one.ask('/v1/holds')).status).toBe(200);
  });

  it('of another is closed by an owner', async () => {
    const ben = await join(world, ana.browser, 'ben', ['approver']);
    const path = `/v1/people/${ben.id}/sessions`;
    expect((await ben.browser.ask(path)).status).toBe(403);
    const { items } = read('people.sessions.list', await ana.browser.ask(path));
    const closed = await ana.browser.ask(`${path}/${items[0]?.id}`, { method: 'DELETE' });
    expect(closed.json).toEqual({ closed: true });
    expect((await ben.browser.ask('/v1/holds')).status).toBe(401);
  });

  it('takes what its person may do anew at each request', async () => {
    const ben = await join(world, ana.browser, 'ben', ['owner']);
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(200);
    const body = { roles: ['auditor'] };
    await ana.browser.ask(`/v1/people/${ben.id}/roles`, { method: 'PUT', body });
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(403);
  });
});

describe('a command line', () => {
  const ask = () => new Visitor(world).post('/v1/device', { machine: 'laptop\u202e<b>' });
  const poll = (secret: string) => new Visitor(world).post('/v1/device/poll', { secret });

  it('is let in by a person who sees what asks, and is told so once', async () => {
    const { secret, userCode, verificationUrl } = read('device.begin', await ask());
    expect(userCode).toMatch(/^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/);
    expect(verificationUrl).toBe('http://localhost:7070/device');
    expect((await poll(secret)).json).toMatchObject({ state: 'waiting' });
    const typed = userCode.toLowerCase().replace('-', ' ');
    const seen = read(
      'device.look',
      await ana.browser.post('/v1/device/look', { userCode: typed }),
    );
    expect(seen).toMatchObject({ machine: 'laptop\u202e<b>', source: '127.0.0.1' });
    const decided = await ana.browser.post('/v1/device/decide', { userCode: typed, letIn: true });
    expect(decided.json).toEqual({ state: 'let-in' });
    const answer = read('device.poll', await poll(secret));
    if (answer.state !== 'open') throw new Error(answer.state);
    const headers = { authorization: `Bearer ${answer.session}` };
    expect((await world.ask('/v1/session', { headers })).json).toMatchObject({
      person: { name: 'ana', method: 'device' },
    });
    expect((await poll(secret)).json).toEqual({ state: 'gone' });
    // Whoever finds it in a file has not proved to be Ana.
    const body = { name: 'eve', roles: ['owner'] };
    const theft = await world.ask('/v1/people/invites', { method: 'POST', headers, body });
    expect([theft.status, theft.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    const { items } = read('self.sessions.list', await ana.browser.ask('/v1/self/sessions'));
    expect(items.map(({ kind }) => kind).sort()).toEqual(['browser', 'command-line']);
  });

  it('is turned away, runs out, and is nobody’s by guessing', async () => {
    const denied = read('device.begin', await ask());
    const { userCode } = denied;
    await ana.browser.post('/v1/device/decide', { userCode, letIn: false });
    const twice = await ana.browser.post('/v1/device/decide', { userCode, letIn: true });
    expect(twice.status).toBe(404);
    expect((await poll(denied.secret)).json).toEqual({ state: 'denied' });
    const late = read('device.begin', await ask());
    world.clock.pass(DEVICE_REQUEST_LIFE_MS);
    const over = { userCode: late.userCode, letIn: true };
    await ana.browser.signIn(ana.passkey);
    expect((await ana.browser.post('/v1/device/decide', over)).status).toBe(404);
    expect((await poll(late.secret)).json).toEqual({ state: 'gone' });
    expect((await poll('hfc_guess')).json).toEqual({ state: 'gone' });
  });

  it('wants a recent proof, and a person: nobody lets himself in', async () => {
    const { secret, userCode } = read('device.begin', await ask());
    expect((await new Visitor(world).post('/v1/device/look', { userCode })).status).toBe(401);
    const decide = { userCode, letIn: true };
    expect((await new Visitor(world).post('/v1/device/decide', decide)).status).toBe(401);
    world.clock.pass(DEVICE_REQUEST_LIFE_MS - 1_000);
    const idle = read('device.begin', await ask());
    world.clock.pass(PROVED_MS_MAX - DEVICE_REQUEST_LIFE_MS + 2_000);
    const stale = { userCode: idle.userCode, letIn: true };
    expect((await ana.browser.post('/v1/device/decide', stale)).status).toBe(401);
    expect((await poll(secret)).json).toEqual({ state: 'gone' });
  });

  it('opens nothing when its person was removed meanwhile', async () => {
    const ben = await join(world, ana.browser, 'ben', ['approver']);
    const { secret, userCode } = read('device.begin', await ask());
    await ben.browser.post('/v1/device/decide', { userCode, letIn: true });
    await ana.browser.ask(`/v1/people/${ben.id}`, { method: 'DELETE' });
    expect((await poll(secret)).json).toEqual({ state: 'gone' });
  });

  it('of two polls at once gets one session', async () => {
    const { secret, userCode } = read('device.begin', await ask());
    await ana.browser.post('/v1/device/decide', { userCode, letIn: true });
    const both = await Promise.all([poll(secret), poll(secret)]);
    expect(both.map((one) => read('device.poll', one).state).sort()).toEqual(['gone', 'open']);
  });
});

describe('the last owner', () => {
  const roles = (id: string, to: readonly string[]) =>
    ana.browser.ask(`/v1/people/${id}/roles`, { method: 'PUT', body: { roles: to } });

  it('stays, whoever asks and however', async () => {
    const removed = await ana.browser.ask(`/v1/people/${ana.id}`, { method: 'DELETE' });
    expect([removed.status, removed.json]).toMatchObject([409, { code: 'HF_LAST_OWNER' }]);
    expect((await roles(ana.id, ['auditor'])).status).toBe(409);
    // One who has only been invited keeps no house.
    await ana.browser.post('/v1/people/invites', { name: 'eve', roles: ['owner'] });
    expect((await roles(ana.id, ['auditor'])).status).toBe(409);
  });

  it('is not replaced by one who can no longer sign in', async () => {
    const ben = await join(world, ana.browser, 'ben', ['owner']);
    await world.rooms.database.run((db) =>
      db
        .updateTable('holdfast.passkeys')
        .set({ suspended_at: world.clock.now() })
        .where('person_id', '=', ben.id)
        .execute(),
    );
    await world.rooms.database.run((db) =>
      db.deleteFrom('holdfast.recovery_codes').where('person_id', '=', ben.id).execute(),
    );
    expect((await roles(ana.id, ['auditor'])).status).toBe(409);
  });

  it('goes when there is another; of two who send each other away, one stays', async () => {
    const ben = await join(world, ana.browser, 'ben', ['owner']);
    const both = await Promise.all([
      ana.browser.ask(`/v1/people/${ben.id}`, { method: 'DELETE' }),
      ben.browser.ask(`/v1/people/${ana.id}`, { method: 'DELETE' }),
    ]);
    const done = both.filter(({ status }) => status === 200);
    expect(done).toHaveLength(1);
    const owners = await world.rooms.people.list();
    expect(owners.map(({ roles: has }) => has)).toEqual([['owner']]);
  });
});

describe('people', () => {
  it('are listed with how they sign in, and no secret', async () => {
    await join(world, ana.browser, 'ben', ['operator']);
    const answer = await ana.browser.ask('/v1/people');
    expect(read('people.list', answer).items).toMatchObject([
      { name: 'ana', roles: ['owner'], passkeys: 1, hasCodes: false, hasSso: false },
      { name: 'ben', roles: ['operator'], passkeys: 1, ownerUntil: null },
    ]);
    expect(JSON.stringify(answer.json)).not.toMatch(/hash|sealed|secret/);
  });
});

describe('break-glass', () => {
  const reason = 'the owners are on a plane and the site is down';

  it('makes whoever asks an owner for an hour when two people say so, loudly', async () => {
    const ben = await join(world, ana.browser, 'ben', ['operator']);
    const kim = await join(world, ana.browser, 'kim', ['auditor']);
    const code = await kim.browser.addCodes();
    const asked = read('breakGlass.propose', await ben.browser.post('/v1/break-glass', { reason }));
    expect(asked).toMatchObject({ state: 'waiting', peopleNeeded: 2, signedBy: [] });
    const path = `/v1/break-glass/${asked.proposal}/sign`;
    // By passkey, over exactly this.
    const options = { challenge: asked.challenge, rpId: 'localhost' };
    const { id, rawId, response } = ben.passkey.get(options);
    const own = { response: { id, rawId, type: 'public-key', response } };
    expect((await ben.browser.post(path, own)).json).toMatchObject({ signedBy: ['ben'] });
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(403);
    world.clock.pass(ATTEMPTS_WINDOW_MS);
    const body = { code: code(world.clock.now()), digest: asked.digest.slice(0, 16) };
    expect((await kim.browser.post(path, body)).json).toMatchObject({ state: 'consumed' });
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(200);
    const { items } = read('people.list', await ben.browser.ask('/v1/people'));
    const raised = items.find(({ name }) => name === 'ben');
    expect([raised?.roles, raised?.ownerUntil !== null]).toEqual([['operator'], true]);
    expect(await trailText(world)).toMatch(/BREAK-GLASS: ben is an owner until/);
    // One of an hour keeps no house.
    await ben.browser.prove(ben.passkey);
    const coup = await ben.browser.ask(`/v1/people/${ana.id}`, { method: 'DELETE' });
    expect(coup.status).toBe(403);
    // Nor does it become more than an hour.
    const crown = await ben.browser.ask(`/v1/people/${ben.id}/roles`, {
      method: 'PUT',
      body: { roles: ['owner'] },
    });
    expect(crown.status).toBe(403);
    const heirs = await ben.browser.ask('/v1/people/invites', {
      method: 'POST',
      body: { name: 'heir', roles: ['owner'] },
    });
    expect(heirs.status).toBe(403);
    // An invitation that owners made is not handed to an owner for an hour either.
    const { invite } = await world.rooms.ways.invites.make('next-owner', ['owner'], 'ana');
    const again = await ben.browser.post(`/v1/people/${invite.person?.id}/invites`, {});
    expect(again.status).toBe(403);
    for (let at = 0; at < BREAK_GLASS_MS; at += BREAK_GLASS_MS / 2) {
      await ben.browser.ask('/v1/holds');
      world.clock.pass(BREAK_GLASS_MS / 2);
    }
    await ben.browser.signIn(ben.passkey);
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(403);
  });

  it('is not one person’s, however often they sign', async () => {
    const ben = await join(world, ana.browser, 'ben', ['operator']);
    const asked = read('breakGlass.propose', await ben.browser.post('/v1/break-glass', { reason }));
    const again = read(
      'breakGlass.propose',
      await ben.browser.post('/v1/break-glass', { reason: `${reason} still` }),
    );
    expect(again.proposal).toBe(asked.proposal);
    for (let time = 0; time < 2; time += 1) {
      const options = { challenge: asked.challenge, rpId: 'localhost' };
      const { id, rawId, response } = ben.passkey.get(options);
      const body = { response: { id, rawId, type: 'public-key', response } };
      await ben.browser.post(`/v1/break-glass/${asked.proposal}/sign`, body);
    }
    expect((await ben.browser.ask('/v1/people/invites')).status).toBe(403);
  });

  it('is not there where there are not two people', async () => {
    const alone = await ana.browser.post('/v1/break-glass', { reason });
    expect([alone.status, alone.json]).toMatchObject([409, { code: 'HF_QUORUM' }]);
  });
});

describe('the list of people', () => {
  it('comes by pages, each person once, by name', async () => {
    for (const name of ['cy', 'ben', 'dot', 'eve']) await world.person(name, ['auditor']);
    const names: string[] = [];
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${cursor}`;
      const page = read('people.list', await ana.browser.ask(`/v1/people?limit=2${from}`));
      expect(page.items.length).toBeLessThanOrEqual(2);
      names.push(...page.items.map(({ name }) => name));
      cursor = page.next;
    } while (cursor !== null);
    expect(names).toEqual(['ana', 'ben', 'cy', 'dot', 'eve']);
  });
});

describe('a page that its person has left', () => {
  it('does not keep the session open by what it asks for by itself', async () => {
    const alone = { headers: { 'x-holdfast-unattended': 'yes' } };
    for (let passedMs = 0; passedMs < SESSION_IDLE_MS_MAX - 60_000; passedMs += 60_000) {
      world.clock.pass(60_000);
      expect((await ana.browser.ask('/v1/holds', alone)).status).toBe(200);
    }
    world.clock.pass(60_000);
    expect((await ana.browser.ask('/v1/holds', alone)).status).toBe(401);
  });

  it('is open as long as somebody does something there', async () => {
    for (let passedMs = 0; passedMs < 2 * SESSION_IDLE_MS_MAX; passedMs += 30 * 60_000) {
      world.clock.pass(30 * 60_000);
      expect((await ana.browser.ask('/v1/holds')).status).toBe(200);
    }
  });
});
