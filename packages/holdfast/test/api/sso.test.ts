/** Single sign-on against a real provider: who is let in, who is not, and that it signs nothing. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ATTEMPTS_WINDOW_MS, CEREMONY_LIFE_MS } from '../../src/model/limits.ts';
import { SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { type Account, IdentityProvider } from './identity-provider.ts';
import { ApiWorld } from './support.ts';
import {
  firstOwner,
  invite,
  type JoinedPerson,
  join,
  read,
  secretOf,
  trailText,
  Visitor,
} from './visitor.ts';

const AT = { host: 'holdfast.example', origin: 'https://holdfast.example' };

let idp: IdentityProvider;
let world: ApiWorld;
let ana: JoinedPerson;

beforeAll(async () => {
  idp = await IdentityProvider.start();
  world = await ApiWorld.start(
    `signIn:
  oidc:
    issuer: ${idp.issuer}
    clientId: holdfast
    clientSecret: { env: OIDC_SECRET }
    allow: { emails: [guest@elsewhere.example], domains: [corp.example], groups: [holdfast] }
    roles: [operator]
`,
    { env: { OIDC_SECRET: 'a secret of a test' } },
  );
  ana = await firstOwner(world);
});
afterAll(async () => {
  await world?.stop();
  await idp?.stop();
});
beforeEach(async () => {
  world.clock.pass(ATTEMPTS_WINDOW_MS);
  await ana.browser.signIn(ana.passkey);
});

async function begin(browser: Visitor, path = '/v1/sign-in/sso/begin', body = {}): Promise<string> {
  return read('signIn.sso.begin', await browser.post(path, body)).url;
}

async function signIn(account: Account, browser = new Visitor(world)) {
  const query = await idp.visit(await begin(browser), account);
  const answer = await browser.post('/v1/sign-in/sso', { query });
  return { answer, browser, query };
}

const verified = (email: string, sub: string = email): Account => ({
  sub,
  email,
  email_verified: true,
});

describe('whom nothing allows', () => {
  const rows: readonly [story: string, account: Account][] = [
    ['a stranger', verified('eve@evil.example')],
    ['an address of ours that nobody verified', { sub: 'x1', email: 'eve@corp.example' }],
    [
      'an address that the provider says is not verified',
      { sub: 'x2', email: 'eve@corp.example', email_verified: false },
    ],
    ['a domain that ends like ours', verified('eve@evil-corp.example')],
    ['a domain below ours', verified('eve@corp.example.evil.example')],
    ['an address in an address', verified('"eve@corp.example"@evil.example')],
    ['a group that begins like ours', { sub: 'x3', groups: ['holdfast-admins'] }],
    ['whose name is an owner’s', { sub: 'x4', preferred_username: 'ana' }],
    ['an agent as itself', { sub: 'agent-cursor', preferred_username: 'cursor' }],
  ];
  it.each(rows)('%s gets nothing', async (_, account) => {
    const { answer, browser } = await signIn(account);
    expect([answer.status, answer.json]).toMatchObject([401, { code: 'HF_SIGN_IN' }]);
    expect((await browser.ask('/v1/session')).json).toMatchObject({ person: null });
  });
});

describe('who is allowed', () => {
  it('comes as a new person of the roles of holdfast.yaml, and as the same one again', async () => {
    const first = await signIn(verified('Joe.Doe@corp.example', 'joe'));
    expect(first.answer.json).toMatchObject({
      did: 'signed-in',
      person: { name: 'joe-doe', roles: ['operator'] },
    });
    const again = await signIn(verified('other@corp.example', 'joe'));
    expect(again.answer.json).toMatchObject({ person: { name: 'joe-doe' } });
  });

  it('never becomes somebody who is here, whatever the address', async () => {
    const { answer } = await signIn(verified('ana@corp.example', 'not-ana'));
    expect(answer.json).toMatchObject({ person: { name: 'ana-2', roles: ['operator'] } });
  });

  it('by a listed address or a group, too', async () => {
    expect((await signIn(verified('guest@elsewhere.example'))).answer.status).toBe(200);
    const { answer } = await signIn({ sub: 'g', groups: ['other', 'holdfast'] });
    expect(answer.json).toMatchObject({ person: { name: 'guest-2' } });
  });

  it('has proved nothing: signs nothing, adds no passkey, changes nobody', async () => {
    const { answer, browser } = await signIn(verified('kim@corp.example'));
    const { person } = read('signIn.sso', answer);
    expect((await browser.ask('/v1/holds')).status).toBe(200);
    expect((await browser.addPasskey(new SoftwarePasskey())).status).toBe(401);
    expect((await browser.post('/v1/self/codes/options')).status).toBe(401);
    expect((await browser.post('/v1/self/recovery-codes')).status).toBe(401);
    const glass = await browser.post('/v1/break-glass', { reason: 'because I want to be owner' });
    expect(glass.status).toBe(401);
    expect((await browser.prove(ana.passkey)).status).toBe(401);
    expect((await browser.post('/v1/session/prove', { code: '000000' })).status).toBe(401);
    // The first passkey comes by an owner's link.
    const again = await ana.browser.post(`/v1/people/${person.id}/invites`);
    const link = secretOf(read('people.invites.again', again).link);
    expect((await new Visitor(world).joinByPasskey(link)).status).toBe(200);
  });

  it('stays away once removed, until an owner invites them again', async () => {
    const account = verified('max@corp.example');
    const { person } = read('signIn.sso', (await signIn(account)).answer);
    await ana.browser.ask(`/v1/people/${person.id}`, { method: 'DELETE' });
    expect((await signIn(account)).answer.status).toBe(401);
    const invitation = await invite(ana.browser, 'max', ['auditor']);
    const browser = new Visitor(world);
    const url = await begin(browser, '/v1/join/sso', { invitation });
    const query = await idp.visit(url, account);
    const back = await browser.post('/v1/sign-in/sso', { query });
    expect(back.json).toMatchObject({ did: 'joined', person: { name: 'max', roles: ['auditor'] } });
    expect((await new Visitor(world).joinByPasskey(invitation)).status).toBe(401);
  });

  it('whose row somebody changed by hand is not let in, and the trail says that it is not ours', async () => {
    const account = verified('ned@corp.example');
    expect((await signIn(account)).answer.status).toBe(200);
    await world.rooms.database.run((db) =>
      sql`update holdfast.people set roles = '{owner}' where name = 'ned'`.execute(db),
    );
    expect((await signIn(account)).answer.status).toBe(401);
    expect(await trailText(world)).toContain('was not written by Holdfast, and counts as nobody');
  });

  it('of two answers of one person at once is one person', async () => {
    const browsers = [new Visitor(world), new Visitor(world)];
    const account = verified('twin@corp.example');
    const queries: string[] = [];
    for (const browser of browsers) queries.push(await idp.visit(await begin(browser), account));
    const both = await Promise.all(
      browsers.map((browser, at) => browser.post('/v1/sign-in/sso', { query: queries[at] })),
    );
    const ids = both.map((answer) => read('signIn.sso', answer).person.id);
    expect(new Set(ids).size).toBe(1);
  });
});

describe('the way there and back', () => {
  it('is asked for with PKCE, state and nonce, and with one place to come back to', async () => {
    const url = new URL(await begin(new Visitor(world)));
    const asked = Object.fromEntries(url.searchParams);
    expect(asked).toMatchObject({
      response_type: 'code',
      code_challenge_method: 'S256',
      redirect_uri: 'http://localhost:7070/sso',
    });
    for (const name of ['code_challenge', 'state', 'nonce']) {
      expect(asked[name]?.length).toBeGreaterThan(40);
    }
  });

  it('is gone once: not twice, not in another browser, not late, not forged', async () => {
    const account = verified('lea@corp.example');
    const { browser, query } = await signIn(account);
    expect((await browser.post('/v1/sign-in/sso', { query })).status).toBe(401);

    const victim = new Visitor(world);
    const stolen = await idp.visit(await begin(victim), account);
    const thief = new Visitor(world);
    await begin(thief);
    expect((await thief.post('/v1/sign-in/sso', { query: stolen })).status).toBe(401);
    // It was used up by the try.
    expect((await victim.post('/v1/sign-in/sso', { query: stolen })).status).toBe(401);

    const slow = new Visitor(world);
    const late = await idp.visit(await begin(slow), account);
    world.clock.pass(CEREMONY_LIFE_MS);
    expect((await slow.post('/v1/sign-in/sso', { query: late })).status).toBe(401);

    const changes: readonly ((params: URLSearchParams) => void)[] = [
      (params) => params.set('iss', 'https://evil.example'),
      (params) => params.delete('iss'),
      (params) => params.set('code', 'AAAA'),
      (params) => params.set('state', `${params.get('state')}x`),
      (params) => params.append('state', 'another'),
      (params) => params.delete('state'),
      (params) => params.set('error', 'access_denied'),
    ];
    for (const change of changes) {
      const one = new Visitor(world);
      const params = new URLSearchParams(await idp.visit(await begin(one), account));
      change(params);
      const answer = await one.post('/v1/sign-in/sso', { query: `?${params}` });
      expect(answer.status, params.toString()).toBe(401);
    }
  });

  it('of another’s code with my state is refused (the code is bound to its verifier)', async () => {
    const account = verified('lea@corp.example');
    const mine = new Visitor(world);
    const theirs = new URLSearchParams(await idp.visit(await begin(new Visitor(world)), account));
    const own = new URLSearchParams(await idp.visit(await begin(mine), account));
    own.set('code', theirs.get('code') ?? '');
    expect((await mine.post('/v1/sign-in/sso', { query: `?${own}` })).status).toBe(401);
  });
});

describe('linking', () => {
  it('is done by oneself after a recent proof; then it signs in as that person', async () => {
    const account: Account = { sub: 'ana-at-idp' };
    const url = await begin(ana.browser, '/v1/self/sso');
    const query = await idp.visit(url, account);
    const linked = await ana.browser.post('/v1/sign-in/sso', { query });
    expect(linked.json).toMatchObject({ did: 'linked', person: { name: 'ana' } });
    const { answer, browser } = await signIn(account);
    expect(answer.json).toMatchObject({ person: { name: 'ana', roles: ['owner'] } });
    // An owner by another's word alone changes nobody.
    const body = { name: 'eve', roles: ['owner'] };
    expect((await browser.post('/v1/people/invites', body)).status).toBe(401);
    const ben = await join(world, ana.browser, 'ben', ['auditor']);
    const taken = await idp.visit(await begin(ben.browser, '/v1/self/sso'), account);
    const theft = await ben.browser.post('/v1/sign-in/sso', { query: taken });
    expect([theft.status, theft.json]).toMatchObject([409, { code: 'HF_EXISTS' }]);
    const gone = await ana.browser.ask('/v1/self/sso', { method: 'DELETE' });
    expect(gone.json).toEqual({ removed: true });
    expect((await signIn(account)).answer.status).toBe(401);
  });

  it('begun by one is not finished by another, nor by nobody', async () => {
    const kim = await join(world, ana.browser, 'kim-two', ['auditor']);
    const account: Account = { sub: 'kim-at-idp' };
    const query = await idp.visit(await begin(kim.browser, '/v1/self/sso'), account);
    kim.browser.cookies.delete('holdfast');
    expect((await kim.browser.post('/v1/sign-in/sso', { query })).status).toBe(401);
    expect((await signIn(account)).answer.status).toBe(401);
  });

  it('leaves no code and no token in the trail', async () => {
    const { query } = await signIn(verified('zoe@corp.example'));
    const text = await trailText(world);
    expect(text).not.toContain(new URLSearchParams(query).get('code'));
    expect(text).not.toContain('a secret of a test');
  });
});

describe('a house at an address of its own, whose provider is away', () => {
  let away: ApiWorld;

  beforeAll(async () => {
    away = await ApiWorld.start(
      `dashboard: { url: "https://holdfast.example" }
signIn:
  oidc: { issuer: "http://127.0.0.1:1", clientId: h, clientSecret: { env: S } }
`,
      { env: { S: 's' } },
    );
  });
  afterAll(async () => {
    await away?.stop();
  });

  it('starts all the same, and says that the provider cannot be reached', async () => {
    const begun = await new Visitor(away, AT).post('/v1/sign-in/sso/begin');
    expect([begun.status, begun.json]).toMatchObject([502, { code: 'HF_UPSTREAM_UNREACHABLE' }]);
  });

  it('binds passkeys to that name, and cookies to it and to TLS', async () => {
    const invitation = (await away.rooms.ways.invites.makeFirst()) ?? '';
    const elsewhere = await new Visitor(away, AT).joinByPasskey(invitation, { name: 'ana' });
    expect([elsewhere.status, elsewhere.json]).toMatchObject([401, { code: 'HF_PASSKEY' }]);
    const passkey = new SoftwarePasskey({ origin: 'https://holdfast.example' });
    const browser = new Visitor(away, AT);
    const joined = await browser.joinByPasskey(invitation, { name: 'ana', passkey });
    expect(joined.status).toBe(200);
    for (const line of [joined.headers['set-cookie'] ?? []].flat()) {
      expect(String(line)).toMatch(/^__Host-holdfast.*Path=\/; HttpOnly; Secure; SameSite=Strict/);
    }
    expect((await browser.ask('/v1/session')).json).toMatchObject({ person: { name: 'ana' } });
  });
});
