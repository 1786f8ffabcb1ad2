/** Signing in by passkey, from the first owner on; and every answer that a verifier has to notice. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ATTEMPTS_WINDOW_MS, CEREMONY_LIFE_MS, PROVED_MS_MAX } from '../../src/model/limits.ts';
import { type Lies, SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { ApiWorld } from './support.ts';
import {
  firstOwner,
  type JoinedPerson,
  join,
  read,
  trailText,
  Visitor,
  webauthn,
} from './visitor.ts';

let world: ApiWorld;
let ana: JoinedPerson;
let ben: JoinedPerson;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await firstOwner(world);
  ben = await join(world, ana.browser, 'ben', ['approver']);
});
afterAll(async () => {
  await world?.stop();
});
beforeEach(() => {
  world.clock.pass(ATTEMPTS_WINDOW_MS);
});

describe('a passkey', () => {
  it('signs in without a name, to a session of its person', async () => {
    const browser = new Visitor(world);
    const answer = await browser.signIn(ben.passkey);
    expect([answer.status, answer.json]).toMatchObject([
      200,
      { person: { name: 'ben', roles: ['approver'] }, mustEnrol: false },
    ]);
    expect((await browser.ask('/v1/session')).json).toMatchObject({
      person: { name: 'ben', method: 'passkey' },
    });
  });

  it('of a synchronizing kind counts nothing, and signs in each time', async () => {
    const cloud = new SoftwarePasskey({ counts: false, algorithm: 'EdDSA' });
    await ben.browser.prove(ben.passkey);
    expect((await ben.browser.addPasskey(cloud)).status).toBe(200);
    for (let time = 0; time < 2; time += 1) {
      expect((await new Visitor(world).signIn(cloud)).status).toBe(200);
    }
  });

  it('asks for the person to be verified, and says which site it is for', async () => {
    const begun = await new Visitor(world).post('/v1/sign-in/passkey/options');
    expect(read('signIn.passkey.begin', begun).options).toMatchObject({
      userVerification: 'required',
      rpId: 'localhost',
      allowCredentials: [],
    });
  });

  const lies: readonly [story: string, lies: (from: JoinedPerson) => Lies][] = [
    ['on the page of another site', () => ({ origin: 'https://evil.example' })],
    ['on another port of this machine', () => ({ origin: 'http://localhost:9999' })],
    ['for another RP id', () => ({ rpId: 'evil.example' })],
    ['for another challenge', () => ({ challenge: 'AAAA' })],
    ['as a registration', () => ({ type: 'webauthn.create' })],
    ['in a frame of another site', () => ({ crossOrigin: true })],
    ['in a frame that is named', () => ({ crossOrigin: true, topOrigin: 'https://evil.example' })],
    ['with nobody there', () => ({ userPresent: false, userVerified: false })],
    ['without verifying who is there', () => ({ userVerified: false })],
    ['signed by another key', () => ({ key: new SoftwarePasskey() })],
    ['with a spoiled signature', () => ({ spoiled: true })],
    [
      'under the id of another person’s passkey',
      () => ({ credentialId: ana.passkey.credentialId }),
    ],
    ['under an id that is nobody’s', () => ({ credentialId: new SoftwarePasskey().credentialId })],
  ];
  it.each(lies)('%s: lets nobody in, and says one thing', async (_, lieOf) => {
    const browser = new Visitor(world);
    const { json, status } = await browser.signIn(ben.passkey, lieOf(ben));
    expect([status, json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    const plain = await new Visitor(world).post('/v1/sign-in/code', { name: 'x', code: '000000' });
    expect(json).toEqual(plain.json);
    expect(browser.cookies.size).toBe(0);
  });

  it('that names another person than its own is not taken for either', async () => {
    const browser = new Visitor(world);
    const anas = Buffer.from(ana.id).toString('base64url');
    for (const userHandle of [anas, undefined]) {
      const begun = read('signIn.passkey.begin', await browser.post('/v1/sign-in/passkey/options'));
      const asserted = webauthn(ben.passkey.get(begun.options));
      const response = { ...asserted, response: { ...asserted.response, userHandle } };
      const { ceremony } = begun;
      const answer = await browser.post('/v1/sign-in/passkey', { ceremony, response });
      expect(answer.status).toBe(401);
    }
  });
});

describe('a ceremony', () => {
  it('is answered once', async () => {
    const browser = new Visitor(world);
    const begun = read('signIn.passkey.begin', await browser.post('/v1/sign-in/passkey/options'));
    const response = webauthn(ben.passkey.get(begun.options));
    const body = { ceremony: begun.ceremony, response };
    expect((await browser.post('/v1/sign-in/passkey', body)).status).toBe(200);
    expect((await new Visitor(world).post('/v1/sign-in/passkey', body)).status).toBe(401);
  });

  it('is used up by a wrong answer, too', async () => {
    const browser = new Visitor(world);
    const begun = read('signIn.passkey.begin', await browser.post('/v1/sign-in/passkey/options'));
    const { ceremony } = begun;
    const wrong = webauthn(ben.passkey.get(begun.options, { spoiled: true }));
    expect((await browser.post('/v1/sign-in/passkey', { ceremony, response: wrong })).status).toBe(
      401,
    );
    const right = webauthn(ben.passkey.get(begun.options));
    expect((await browser.post('/v1/sign-in/passkey', { ceremony, response: right })).status).toBe(
      401,
    );
  });

  it('of two answers at once takes one', async () => {
    const browser = new Visitor(world);
    const begun = read('signIn.passkey.begin', await browser.post('/v1/sign-in/passkey/options'));
    const body = { ceremony: begun.ceremony, response: webauthn(ben.passkey.get(begun.options)) };
    const both = await Promise.all([1, 2].map(() => browser.post('/v1/sign-in/passkey', body)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 401]);
  });

  it('is over after five minutes', async () => {
    const browser = new Visitor(world);
    const begun = read('signIn.passkey.begin', await browser.post('/v1/sign-in/passkey/options'));
    const response = webauthn(ben.passkey.get(begun.options));
    world.clock.pass(CEREMONY_LIFE_MS);
    const late = await browser.post('/v1/sign-in/passkey', { ceremony: begun.ceremony, response });
    expect(late.status).toBe(401);
  });

  it('begun to prove is not one to sign in, nor the other way round', async () => {
    await ben.browser.signIn(ben.passkey);
    const proof = read('session.prove.begin', await ben.browser.post('/v1/session/prove/options'));
    const signIn = read(
      'signIn.passkey.begin',
      await ben.browser.post('/v1/sign-in/passkey/options'),
    );
    const forProof = webauthn(ben.passkey.get(proof.options));
    const forSignIn = webauthn(ben.passkey.get(signIn.options));
    const stranger = new Visitor(world);
    const crossed = [
      await stranger.post('/v1/sign-in/passkey', { ceremony: proof.ceremony, response: forProof }),
      await ben.browser.post('/v1/session/prove', {
        ceremony: signIn.ceremony,
        response: forSignIn,
      }),
    ];
    expect(crossed.map(({ status }) => status)).toEqual([401, 401]);
  });

  it('to add a passkey is not one to sign in with, and belongs to who began it', async () => {
    await ben.browser.signIn(ben.passkey);
    await ana.browser.signIn(ana.passkey);
    const begun = read('self.passkeys.begin', await ben.browser.post('/v1/self/passkeys/options'));
    const key = new SoftwarePasskey();
    const stolen = await ana.browser.post('/v1/self/passkeys', {
      ceremony: begun.ceremony,
      label: 'stolen',
      response: webauthn(key.create(begun.options)),
    });
    expect([stolen.status, stolen.json]).toMatchObject([401, { code: 'HF_PASSKEY' }]);
  });
});

describe('a counter that goes back', () => {
  it('lets nobody in, suspends the passkey, and is written down', async () => {
    const eve = await join(world, await freshOwner(), 'eve', ['approver']);
    expect((await new Visitor(world).signIn(eve.passkey, { counter: 7 })).status).toBe(200);
    expect((await new Visitor(world).signIn(eve.passkey, { counter: 7 })).status).toBe(401);
    expect((await new Visitor(world).signIn(eve.passkey, { counter: 8 })).status).toBe(401);
    expect(await trailText(world)).toMatch(/passkey-suspended/);
    const { passkeys } = read('self.show', await eve.browser.ask('/v1/self'));
    expect(passkeys).toMatchObject([{ isSuspended: true }]);
  });

  it('is not believed of one that was forged: nobody can have another’s passkey suspended', async () => {
    const joe = await join(world, await freshOwner(), 'joe', ['approver']);
    const forged = { counter: 1, key: new SoftwarePasskey() };
    expect((await new Visitor(world).signIn(joe.passkey, { counter: 9 })).status).toBe(200);
    expect((await new Visitor(world).signIn(joe.passkey, forged)).status).toBe(401);
    expect((await new Visitor(world).signIn(joe.passkey, { counter: 10 })).status).toBe(200);
  });
});

describe('keeping passkeys', () => {
  it('wants a recent proof, which a passkey of theirs gives, and another’s does not', async () => {
    await ben.browser.signIn(ben.passkey);
    world.clock.pass(PROVED_MS_MAX + 1);
    const late = await ben.browser.addPasskey(new SoftwarePasskey());
    expect([late.status, late.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    expect((await ben.browser.prove(ana.passkey)).status).toBe(401);
    expect((await ben.browser.addPasskey(new SoftwarePasskey())).status).toBe(401);
    expect((await ben.browser.prove(ben.passkey)).status).toBe(200);
    expect((await ben.browser.addPasskey(new SoftwarePasskey())).status).toBe(200);
  });

  it('takes none that somebody has, and none that lies', async () => {
    await ben.browser.signIn(ben.passkey);
    const known = await ben.browser.addPasskey(ben.passkey);
    expect([known.status, known.json]).toMatchObject([409, { code: 'HF_EXISTS' }]);
    const told: readonly Lies[] = [
      { origin: 'https://evil.example' },
      { rpId: 'evil.example' },
      { userVerified: false },
      { challenge: 'AAAA' },
      { type: 'webauthn.get' },
      { crossOrigin: true },
    ];
    for (const lies of told) {
      const { json, status } = await ben.browser.addPasskey(new SoftwarePasskey(), lies);
      expect([status, json], JSON.stringify(lies)).toMatchObject([401, { code: 'HF_PASSKEY' }]);
    }
    const theft = await ben.browser.addPasskey(new SoftwarePasskey(), {
      credentialId: ana.passkey.credentialId,
    });
    expect(theft.status).toBe(409);
    expect((await new Visitor(world).signIn(ana.passkey)).status).toBe(200);
  });

  it('removes any but the last way to sign in; what is removed opens nothing', async () => {
    const kim = await join(world, await freshOwner(), 'kim', ['auditor']);
    const remove = (id: string) => kim.browser.ask(`/v1/self/passkeys/${id}`, { method: 'DELETE' });
    const last = await remove(kim.passkey.credentialId);
    expect([last.status, last.json]).toMatchObject([409, { code: 'HF_LAST_WAY_IN' }]);
    const second = new SoftwarePasskey();
    expect((await kim.browser.addPasskey(second)).status).toBe(200);
    expect((await remove(ben.passkey.credentialId)).status).toBe(404);
    const both = await Promise.all([kim.passkey, second].map((key) => remove(key.credentialId)));
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409]);
    const left = read('self.show', await kim.browser.ask('/v1/self')).passkeys;
    expect(left).toHaveLength(1);
    const gone = left[0]?.id === second.credentialId ? kim.passkey : second;
    expect((await new Visitor(world).signIn(gone)).status).toBe(401);
  });

  it('has room for ten', async () => {
    const lea = await join(world, await freshOwner(), 'lea', ['auditor']);
    for (let more = 1; more < 10; more += 1) {
      expect((await lea.browser.addPasskey(new SoftwarePasskey())).status).toBe(200);
    }
    const over = await lea.browser.addPasskey(new SoftwarePasskey());
    expect([over.status, over.json]).toMatchObject([413, { code: 'HF_LIMIT' }]);
  });

  it('is in the trail with the public key, so that an auditor can verify what it signs', async () => {
    const entries = await trailText(world);
    expect(entries).toContain(ben.passkey.publicKey.toString('base64url'));
    expect(entries).toContain(ben.passkey.credentialId);
  });

  it('opens nothing when it was written into the database by hand', async () => {
    const planted = new SoftwarePasskey({ userHandle: Buffer.from(ana.id).toString('base64url') });
    await world.rooms.database.run((db) =>
      db
        .insertInto('holdfast.passkeys')
        .values({
          credential_id: planted.credentialId,
          person_id: ana.id,
          public_key: planted.publicKey,
          counter: 0n,
          rp_id: 'localhost',
          label: 'planted',
          transports: [],
          backed_up: false,
          added_at: world.clock.now(),
          last_used_at: null,
          removed_at: null,
          mac: 'AAAA',
          suspended_at: null,
        })
        .execute(),
    );
    expect((await new Visitor(world).signIn(planted)).status).toBe(401);
  });
});

/** Ana, who has just proved to be there. */
async function freshOwner(): Promise<Visitor> {
  await ana.browser.signIn(ana.passkey);
  return ana.browser;
}
