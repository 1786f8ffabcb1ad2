/** One-time links: who joins by them, once; and the first owner, whom nobody else can be. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ATTEMPTS_WINDOW_MS, INVITE_LIFE_MS, PROVED_MS_MAX } from '../../src/model/limits.ts';
import { authenticator } from '../../src/testing/authenticator.ts';
import { SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { ApiWorld } from './support.ts';
import {
  firstOwner,
  forgetEverybody,
  invite,
  join,
  read,
  secretOf,
  trailText,
  Visitor,
} from './visitor.ts';

let world: ApiWorld;

beforeAll(async () => {
  world = await ApiWorld.start();
});
beforeEach(async () => {
  await forgetEverybody(world);
});
afterAll(async () => {
  await world?.stop();
});

describe('the first owner', () => {
  it('enrols by the link of the terminal, chooses a name, and gets ten recovery codes', async () => {
    const invitation = await world.rooms.ways.invites.makeFirst();
    const browser = new Visitor(world);
    expect((await browser.ask('/v1/session')).json).toMatchObject({ isNew: true });
    const shown = await browser.post('/v1/join', { invitation });
    expect(shown.json).toMatchObject({ name: null, roles: ['owner'] });
    const answer = await browser.joinByPasskey(invitation ?? '', { name: 'ana' });
    const { person, recoveryCodes } = read('join.passkey', answer);
    expect([person.name, person.roles, new Set(recoveryCodes).size]).toEqual([
      'ana',
      ['owner'],
      10,
    ]);
    expect((await browser.ask('/v1/session')).json).toMatchObject({
      isNew: false,
      person: { name: 'ana', roles: ['owner'] },
    });
  });

  it('is one: of two who come with the link at once, and of all who come later', async () => {
    const invitation = (await world.rooms.ways.invites.makeFirst()) ?? '';
    const both = await Promise.all(
      ['ana', 'eve'].map((name) => new Visitor(world).joinByPasskey(invitation, { name })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    expect(await world.rooms.ways.invites.makeFirst()).toBeNull();
    const late = await new Visitor(world).joinByPasskey(invitation, { name: 'eve' });
    expect([late.status, late.json]).toMatchObject([401, { code: 'HF_INVITE' }]);
  });

  it('has one link at a time, for a day, and none once somebody can sign in', async () => {
    const { invites } = world.rooms.ways;
    const old = (await invites.makeFirst()) ?? '';
    const fresh = (await invites.makeFirst()) ?? '';
    const tries = [
      await new Visitor(world).joinByPasskey(old, { name: 'eve' }),
      await new Visitor(world).joinByPasskey('', { name: 'eve' }),
      await new Visitor(world).joinByPasskey(`hfi_${'0'.repeat(52)}`, { name: 'eve' }),
    ];
    expect(tries.map(({ status }) => status)).toEqual([401, 401, 401]);
    world.clock.pass(INVITE_LIFE_MS);
    expect((await new Visitor(world).joinByPasskey(fresh, { name: 'eve' })).status).toBe(401);
    const standing = (await invites.makeFirst()) ?? '';
    await world.person('joe', ['auditor']);
    expect((await new Visitor(world).joinByPasskey(standing, { name: 'eve' })).status).toBe(401);
  });

  it('has a name that is one', async () => {
    const invitation = (await world.rooms.ways.invites.makeFirst()) ?? '';
    for (const name of ['<script>', 'Ana', '']) {
      const { status } = await new Visitor(world).joinByPasskey(invitation, { name });
      expect(status).toBe(422);
    }
  });
});

describe('an invitation', () => {
  it('is a link with its secret behind #, in no entry of the trail, and opens one account once', async () => {
    const ana = await firstOwner(world);
    const made = await ana.browser.post('/v1/people/invites', { name: 'ben', roles: ['approver'] });
    const { link } = read('people.invites.make', made);
    expect(link).toMatch(/^http:\/\/localhost:7070\/join#hfi_/);
    const secret = secretOf(link);
    const ben = new Visitor(world);
    expect((await ben.joinByPasskey(secret)).json).toMatchObject({
      person: { name: 'ben', roles: ['approver'] },
    });
    expect((await new Visitor(world).joinByPasskey(secret)).status).toBe(401);
    expect(await trailText(world)).not.toContain(secret);
    expect((await ana.browser.ask('/v1/people/invites')).json).toEqual({ items: [] });
  });

  it('lets one of two in who come at once', async () => {
    const ana = await firstOwner(world);
    const secret = await invite(ana.browser, 'ben', ['approver']);
    const both = await Promise.all([1, 2].map(() => new Visitor(world).joinByPasskey(secret)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
    const all = read('people.list', await ana.browser.ask('/v1/people'));
    expect(all.items.find(({ name }) => name === 'ben')?.passkeys).toBe(1);
  });

  it('begun with one link is not finished with another', async () => {
    const ana = await firstOwner(world);
    const forBen = await invite(ana.browser, 'ben', ['auditor']);
    const forEve = await invite(ana.browser, 'eve', ['owner']);
    const browser = new Visitor(world);
    const begun = read(
      'join.passkey.begin',
      await browser.post('/v1/join/passkey/options', { invitation: forBen }),
    );
    const created = new SoftwarePasskey().create(begun.options);
    const { id, rawId, response } = created;
    const crossed = await browser.post('/v1/join/passkey', {
      invitation: forEve,
      ceremony: begun.ceremony,
      label: 'key',
      response: { id, rawId, type: 'public-key', response },
    });
    expect([crossed.status, crossed.json]).toMatchObject([401, { code: 'HF_INVITE' }]);
  });

  it('joins by codes where a browser has no passkey', async () => {
    const ana = await firstOwner(world);
    const invitation = await invite(ana.browser, 'ben', ['approver']);
    const ben = new Visitor(world);
    const begun = read('join.code.begin', await ben.post('/v1/join/code/options', { invitation }));
    const wrong = { invitation, ceremony: begun.ceremony, code: '000000' };
    expect((await ben.post('/v1/join/code', wrong)).status).toBe(401);
    const again = read('join.code.begin', await ben.post('/v1/join/code/options', { invitation }));
    const { ceremony, uri } = again;
    const code = authenticator(uri)(world.clock.now());
    const answer = await ben.post('/v1/join/code', { invitation, ceremony, code });
    expect(read('join.code', answer).recoveryCodes).toHaveLength(10);
    expect((await ben.ask('/v1/session')).json).toMatchObject({
      person: { name: 'ben', method: 'totp' },
    });
    // The code that joined is spent.
    const spent = await new Visitor(world).post('/v1/sign-in/code', { name: 'ben', code });
    expect(spent.status).toBe(401);
  });

  it('ends by time, when it is cancelled, when another is made, and with its person', async () => {
    const ana = await firstOwner(world);
    const { browser } = ana;
    const old = await invite(browser, 'ben', ['approver']);
    const [ben] = read('people.list', await browser.ask('/v1/people')).items.filter(
      ({ name }) => name === 'ben',
    );
    const again = await browser.post(`/v1/people/${ben?.id}/invites`);
    const fresh = secretOf(read('people.invites.again', again).link);
    expect((await new Visitor(world).joinByPasskey(old)).status).toBe(401);
    const { items } = read('people.invites.list', await browser.ask('/v1/people/invites'));
    const [open] = items;
    const cancelled = await browser.ask(`/v1/people/invites/${open?.id}`, { method: 'DELETE' });
    expect(cancelled.json).toEqual({ cancelled: true });
    expect((await new Visitor(world).joinByPasskey(fresh)).status).toBe(401);
    // Its person never came, so that the name is free.
    const late = await invite(browser, 'ben', ['approver']);
    world.clock.pass(INVITE_LIFE_MS);
    expect((await new Visitor(world).joinByPasskey(late)).status).toBe(401);
    await browser.signIn(ana.passkey);
    const forEve = await invite(browser, 'eve', ['approver']);
    await world.rooms.people.remove('eve');
    expect((await new Visitor(world).joinByPasskey(forEve)).status).toBe(401);
  });

  it('hands nobody the identity of somebody who can sign in', async () => {
    const ana = await firstOwner(world);
    const ben = await join(world, ana.browser, 'ben', ['approver']);
    const again = await ana.browser.post(`/v1/people/${ben.id}/invites`);
    expect([again.status, again.json]).toMatchObject([409, { code: 'HF_EXISTS' }]);
  });

  it('is made by an owner who is there, and by nobody else', async () => {
    const ana = await firstOwner(world);
    const ben = await join(world, ana.browser, 'ben', ['approver', 'operator', 'auditor']);
    const body = { name: 'eve', roles: ['owner'] };
    expect((await ben.browser.post('/v1/people/invites', body)).status).toBe(403);
    world.clock.pass(PROVED_MS_MAX + 1);
    const late = await ana.browser.post('/v1/people/invites', body);
    expect([late.status, late.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    await ana.browser.prove(ana.passkey);
    expect((await ana.browser.post('/v1/people/invites', body)).status).toBe(200);
    expect((await ana.browser.post('/v1/people/invites', body)).status).toBe(409);
  });

  it('of a person who was shown codes once, and never came, makes those codes nobody’s', async () => {
    const ana = await firstOwner(world);
    const { person, uri } = await world.rooms.people.add('joe', ['approver']);
    const again = await ana.browser.post(`/v1/people/${person.id}/invites`);
    const secret = secretOf(read('people.invites.again', again).link);
    expect((await new Visitor(world).joinByPasskey(secret)).status).toBe(200);
    world.clock.pass(ATTEMPTS_WINDOW_MS);
    const code = authenticator(uri)(world.clock.now());
    const found = await new Visitor(world).post('/v1/sign-in/code', { name: 'joe', code });
    expect(found.status).toBe(401);
  });
});
