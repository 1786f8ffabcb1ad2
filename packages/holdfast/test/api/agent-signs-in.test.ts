/**
 * An agent that wants to be a person, with everything on its machine: its token, the files beside it, the
 * API over the wire, a browser without an authenticator, and the identity provider as itself.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join as path } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/contract/index.ts';
import { hashToken, newToken } from '../../src/identity/token.ts';
import { ATTEMPTS_WINDOW_MS } from '../../src/model/limits.ts';
import { SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { ApiWorld } from './support.ts';
import { firstOwner, invite, type JoinedPerson, join, read, Visitor, webauthn } from './visitor.ts';

let world: ApiWorld;
let ana: JoinedPerson;
let token: string;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await firstOwner(world);
  token = newToken(world.clock);
  world.tokens.set(hashToken(token).toString('hex'), {
    tokenId: 'token_a',
    agentId: 'agent_a',
    agentName: 'cursor',
    tokenHash: hashToken(token),
    storedKey: Buffer.alloc(32),
    serverKey: Buffer.alloc(32),
    environment: 'production',
    targets: [],
    expiresAt: new Date('2999-01-01T00:00:00Z'),
  });
});
afterAll(async () => {
  await world?.stop();
});
beforeEach(() => {
  world.clock.pass(ATTEMPTS_WINDOW_MS);
});

const isSignedIn = async (browser: Visitor) =>
  read('session.show', await browser.ask('/v1/session')).person !== null;

describe('an agent', () => {
  it('with its token opens no route of people, nor makes itself a person with it', async () => {
    const headers = { authorization: `Bearer ${token}` };
    for (const route of Object.values(ROUTES)) {
      if (route.access === 'anyone' || route.access === 'agent') continue;
      const at = route.path.replaceAll(/:[a-z]+/gi, ana.id);
      const body = route.method === 'GET' ? {} : { body: {} };
      const { status } = await world.ask(at, { method: route.method, headers, ...body });
      expect([route.path, status]).toEqual([route.path, 403]);
    }
    const words = [
      { name: 'ana', code: token },
      { name: token, code: '123456' },
    ];
    for (const body of words) {
      expect((await new Visitor(world).post('/v1/sign-in/code', body)).status).not.toBe(200);
    }
    const link = await new Visitor(world).post('/v1/join', { invitation: token });
    expect(link.status).toBe(401);
  });

  it('with a token in the place of a session, or the machine’s word, is nobody', async () => {
    const browser = new Visitor(world);
    browser.cookies.set('holdfast', token);
    browser.cookies.set('holdfast-device', token);
    expect(await isSignedIn(browser)).toBe(false);
    for (const authorization of ['Machine ', `Machine ${'0'.repeat(64)}`, 'Basic YW5hOmFuYQ==']) {
      const answer = await world.ask('/v1/holds', { headers: { authorization } });
      expect(answer.status).toBe(401);
    }
  });

  it('with a passkey of its own, which nobody added, is nobody', async () => {
    const handle = Buffer.from(ana.id).toString('base64url');
    const own = new SoftwarePasskey({ userHandle: handle });
    for (const lies of [{}, { credentialId: ana.passkey.credentialId }]) {
      const browser = new Visitor(world);
      expect((await browser.signIn(own, lies)).status).toBe(401);
      expect(await isSignedIn(browser)).toBe(false);
    }
    const begun = await new Visitor(world).post('/v1/self/passkeys/options');
    expect(begun.status).toBe(401);
  });

  it('lets its own command line in no more than anybody’s', async () => {
    const browser = new Visitor(world);
    const asked = read(
      'device.begin',
      await browser.post('/v1/device', { machine: 'ana’s laptop' }),
    );
    const headers = { authorization: `Bearer ${token}` };
    const body = { userCode: asked.userCode, letIn: true };
    const decided = await world.ask('/v1/device/decide', { method: 'POST', headers, body });
    expect(decided.status).toBe(403);
    const answer = await browser.post('/v1/device/poll', { secret: asked.secret });
    expect(answer.json).toMatchObject({ state: 'waiting' });
  });

  it('finds no secret of a session, a link, a code or a device in our database or trail', async () => {
    const invitation = await invite(await ownerThere(), 'ben', ['approver']);
    const kim = await join(world, ana.browser, 'kim', ['approver']);
    const asked = read(
      'device.begin',
      await new Visitor(world).post('/v1/device', { machine: 'x' }),
    );
    const secrets = [
      invitation,
      asked.secret,
      asked.userCode,
      ...kim.recoveryCodes,
      ...kim.recoveryCodes.map((code) => code.replaceAll('-', '')),
      ...ana.browser.cookies.values(),
      ana.browser.page ?? '',
    ];
    const everything = await world.rooms.database.run(async (db) => {
      const dump: string[] = [];
      for (const table of ['people', 'sessions', 'invites', 'recovery_codes', 'ceremonies']) {
        const rows = await db
          .selectFrom(`holdfast.${table}` as 'holdfast.people')
          .selectAll()
          .execute();
        dump.push(
          JSON.stringify(rows, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
        );
      }
      const requests = await db.selectFrom('holdfast.device_requests').selectAll().execute();
      dump.push(JSON.stringify(requests));
      return dump.join('\n');
    });
    for (const secret of secrets) expect(everything).not.toContain(secret);
    expect(secrets.length).toBeGreaterThan(20);
  });

  it('finds none in the files beside it either: what lies there in clear are keys only root reads', async () => {
    const { config, keyFolder } = world.rooms;
    const folder = config.store.kind === 'embedded' ? config.store.dataFolder : dirname(keyFolder);
    const secrets = [
      ...ana.recoveryCodes,
      ...ana.browser.cookies.values(),
      ana.browser.page ?? '',
    ].map((one) => Buffer.from(one));
    let read = 0;
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const at = path(folder, name);
      let bytes: Buffer;
      try {
        if (!statSync(at).isFile()) continue;
        bytes = readFileSync(at);
      } catch {
        continue;
      }
      read += 1;
      for (const secret of secrets) expect(bytes.includes(secret), name).toBe(false);
    }
    expect(read).toBeGreaterThan(5);
    for (const name of readdirSync(keyFolder)) {
      expect(statSync(path(keyFolder, name)).mode & 0o077, name).toBe(0);
    }
  });

  it('does nothing with an answer that a person gave somewhere else', async () => {
    const fake = read(
      'signIn.passkey.begin',
      await new Visitor(world).post('/v1/sign-in/passkey/options'),
    );
    // Ana answers on a page of the agent's: the browser says which.
    const told = webauthn(ana.passkey.get(fake.options, { origin: 'http://localhost:3000' }));
    const body = { ceremony: fake.ceremony, response: told };
    expect((await new Visitor(world).post('/v1/sign-in/passkey', body)).status).toBe(401);
  });
});

async function ownerThere(): Promise<Visitor> {
  await ana.browser.signIn(ana.passkey);
  return ana.browser;
}
