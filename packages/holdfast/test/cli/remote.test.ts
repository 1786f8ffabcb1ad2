/** The same commands, asked of a gateway elsewhere: who may what, and what goes wrong on the way. */
import {
  chmodSync,
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Interrupt } from '../../src/cli/interrupt.ts';
import { hashToken, newToken } from '../../src/identity/token.ts';
import { PROVED_MS_MAX } from '../../src/model/limits.ts';
import { makeCertificate } from '../../src/protocols/x509.ts';
import { verifyExport } from '../../src/trail/verify/verify.ts';
import { RemoteWorld, type Said, type Somebody } from './remote-world.ts';

const YAML = `
environments:
  production: { level: guarded }
targets:
  main-db:
    environment: production
    upstream: { url: postgres://app@127.0.0.1:1/app }
`;

const FOR = ['--purpose', 'a test'];
/** As some other server would list it. */
const STRANGER = {
  id: 'a',
  name: 'a',
  addedAt: '2026-01-01T00:00:00.000Z',
  purpose: '',
  owner: null,
  environments: [],
  targets: [],
  effectKinds: null,
  workingHours: null,
  expiresAt: null,
  parent: null,
  children: [],
  paused: null,
  state: 'active',
  stop: null,
  effective: {
    environments: null,
    targets: null,
    effectKinds: null,
    workingHours: [],
    expiresAt: null,
  },
  tokens: [],
};

let world: RemoteWorld;
let ana: Somebody;
let ida: Somebody;
const servers: Server[] = [];

beforeAll(async () => {
  world = await RemoteWorld.start(YAML);
  ana = await world.somebody('ana', ['owner']);
  ida = await world.somebody('ida', ['auditor']);
  await prove(ana);
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
afterAll(async () => {
  await world?.stop();
});

function parsed({ exit, out, err }: Said) {
  expect([exit, err], out).toEqual([0, '']);
  return JSON.parse(out);
}

/** A session alone does not show who sits there now. */
async function prove(somebody: Somebody): Promise<void> {
  parsed(await somebody.run('prove', '--code', somebody.code(), '--json'));
}

/** A server that is no Holdfast. */
async function serving(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const at: AddressInfo | string | null = server.address();
  if (at === null || typeof at === 'string') throw new Error('no port');
  return `127.0.0.1:${at.port}`;
}

/** At another address, with the session that is for ours. */
function at(url: string, ...words: readonly string[]): Promise<Said> {
  return world.run(words, { ...ana.env, HOLDFAST_URL: url });
}

it('adds an agent, gives it a token once, lists and revokes it', async () => {
  const added = parsed(await ana.run('agents', 'add', 'cursor', ...FOR, '--json'));
  expect(added.agent).toMatchObject({ name: 'cursor', id: expect.stringMatching(/^agent_/) });
  const issued = parsed(
    await ana.run('agents', 'token', 'cursor', '--env', 'production', '--json'),
  );
  expect(issued.urls).toEqual([expect.stringContaining(`cursor:${issued.text}@`)]);
  expect(issued.token).toMatchObject({ agent: 'cursor', environment: 'production', targets: [] });
  const listed = await ana.run('agents', 'list', '--json');
  expect(parsed(listed).agents[0].tokens).toEqual([
    {
      id: issued.token.id,
      environment: 'production',
      targets: [],
      issuedAt: expect.any(String),
      expiresAt: issued.token.expiresAt,
      lastUse: null,
    },
  ]);
  expect(listed.out).not.toContain(issued.text);
  const revoked = await ana.run('agents', 'revoke', issued.token.id, '--json');
  expect(parsed(revoked)).toEqual({ revoked: [issued.token.id] });
});

it('says what an agent is for and may, pauses it in one’s own name, and finds what is to be done', async () => {
  const said = ['--owner', 'ana', '--effects', 'write,read', '--hours', 'mon-fri 08:00-19:00 UTC'];
  const words = ['--env', 'production', '--target', 'main-db', '--expires', '90d', '--json'];
  const { agent } = parsed(await ana.run('agents', 'add', 'sums', ...FOR, ...said, ...words));
  expect(agent).toMatchObject({
    purpose: 'a test',
    owner: { name: 'ana', isRemoved: false },
    effectKinds: ['read', 'write'],
    workingHours: 'Mon-Fri 08:00-19:00 UTC',
    environments: ['production'],
    targets: ['main-db'],
    expiresAt: expect.stringMatching(/Z$/),
  });
  const changed = await ana.run('agents', 'set', 'sums', '--hours', 'always', '--target', 'any');
  expect([changed.exit, changed.out]).toEqual([0, expect.stringMatching(/hours +always/)]);
  const nothing = await ana.run('agents', 'set', 'sums');
  expect([nothing.exit, nothing.err.includes('something to change')]).toEqual([2, true]);
  const odd = await ana.run('agents', 'set', 'sums', '--target', 'main-bd');
  expect([odd.exit, odd.err.includes('Did you mean main-db?')]).toEqual([2, true]);

  const paused = parsed(await ana.run('agents', 'pause', 'sums', '--note', 'odd', '--json'));
  expect(paused).toMatchObject({ changed: true, agent: { paused: { by: 'ana', note: 'odd' } } });
  const shown = await ida.run('agents', 'show', 'sums');
  expect(shown.out).toContain('agent sums was paused by ana: odd');
  expect((await ida.run('agents', 'resume', 'sums')).exit).toBe(1);
  const resumed = parsed(await ana.run('agents', 'resume', 'sums', '--json'));
  expect(resumed).toMatchObject({ changed: true, agent: { paused: null, state: 'active' } });

  const { agents } = world.api.rooms;
  await agents.add('of-before', { purpose: 'a test' });
  const found = await ida.run('agents', 'findings');
  expect([found.exit, found.out]).toEqual([1, expect.stringContaining('(agent.no-owner)')]);
});

it('answers a misspelt environment with the words and the exit code of this machine’s', async () => {
  const { exit, err } = await ana.run('agents', 'token', 'cursor', '--env', 'prodution');
  expect(exit).toBe(2);
  expect(err).toContain('Did you mean production?');
});

it('lists everything of a list that is longer than a page', async () => {
  for (let at = 0; at < 205; at += 1) await world.api.rooms.agents.add(`many-${at}`);
  const { agents } = parsed(await ana.run('agents', 'list', '--json'));
  const names = agents.map(({ name }: { name: string }) => name);
  expect(names.filter((name: string) => name.startsWith('many-'))).toHaveLength(205);
  expect(new Set(names).size).toBe(names.length);
});

it('seals a credential that travels once, and shows it to nobody', async () => {
  const env = { ...ana.env, RAILWAY: 'rw_abcdefgh' };
  const words = ['credentials', 'add', 'railway', '--from-env', 'RAILWAY', '--json'];
  const { credential } = parsed(await world.run(words, env));
  expect(credential.fingerprint).toMatch(/^sha256:/);
  expect(await world.api.rooms.credentials.open('railway')).toBe('rw_abcdefgh');
  const listed = await ida.run('credentials', 'list', '--json');
  expect(parsed(listed).credentials).toEqual([credential]);
  expect(listed.out).not.toContain('rw_abcdefgh');
  expect(parsed(await ana.run('credentials', 'remove', 'railway', '--json'))).toEqual({
    removed: 'railway',
  });
});

it.each([
  ['add an agent', ['agents', 'add', 'mine', ...FOR]],
  ['issue a token', ['agents', 'token', 'cursor', '--env', 'production']],
  ['remove a credential', ['credentials', 'remove', 'railway']],
  ['add a person', ['people', 'add', 'eve']],
  ['approve', ['holds', 'approve', 'hold_0', '--as', 'ida', '--code', '123456']],
])('an auditor may not %s, and is told who may', async (_story, words) => {
  const { exit, err, out } = await ida.run(...words);
  expect([exit, out]).toEqual([1, '']);
  expect(err).toContain('HF_FORBIDDEN');
  expect(err).toContain('ida, who is auditor');
});

it('enrols a person by code, who then signs in the name of nobody else', async () => {
  const added = parsed(await ana.run('people', 'add', 'joe', '--role', 'approver', '--json'));
  expect(added.person).toMatchObject({ name: 'joe', roles: ['approver'], confirmed: false });
  expect(added.otpauth).toMatch(/^otpauth:/);
  const wrong = await ana.run('people', 'confirm', 'joe', '--code', '000000');
  expect([wrong.exit, wrong.err.includes('HF_TOTP_WRONG')]).toEqual([1, true]);
  const joe = await world.somebody('joel', ['approver']);
  const words = ['holds', 'approve', 'hold_0', '--as', 'ana', '--code', ana.code()];
  const { exit, err } = await joe.run(...words);
  expect([exit, err.includes('HF_FORBIDDEN')]).toEqual([1, true]);
});

it('tells an agent with its token that it is for people', async () => {
  const token = newToken(world.api.clock);
  world.api.tokens.set(hashToken(token).toString('hex'), {
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
  const env = { HOLDFAST_TOKEN: token };
  for (const words of [['holds'], ['agents', 'add', 'child', ...FOR], ['people', 'add', 'me']]) {
    const { exit, err } = await world.run(words, env);
    expect([exit, err.includes('Ask a person.')]).toEqual([1, true]);
  }
  const who = await world.run(['whoami'], env);
  expect([who.exit, who.out]).toEqual([1, expect.stringContaining('the token of an agent')]);
  expect(who.out).not.toContain(token);
});

it('tells nobody how to become somebody', async () => {
  for (const env of [{}, { HOLDFAST_TOKEN: `hfs_${'0'.repeat(52)}` }]) {
    const { exit, err } = await world.run(['holds'], env);
    expect([exit, err.includes('HF_SIGN_IN')]).toEqual([1, true]);
    expect(err).toContain(`holdfast login --url ${world.url}`);
  }
  const { exit, out } = await world.run(['whoami']);
  expect([exit, out]).toEqual([1, expect.stringContaining('Nobody is signed in')]);
});

it('wants a fresh proof for what changes who may what', async () => {
  const otto = await world.somebody('otto', ['owner']);
  const add = (name: string) => otto.run('people', 'add', name);
  const never = await add('eva');
  expect([never.exit, never.err.includes('holdfast prove')]).toEqual([1, true]);
  expect((await otto.run('agents', 'list')).exit).toBe(0);
  const wrong = await otto.run('prove', '--code', '000000');
  expect([wrong.exit, wrong.err.includes('HF_TOTP_WRONG')]).toEqual([1, true]);
  await prove(otto);
  expect((await add('eva')).exit).toBe(0);
  world.api.clock.pass(PROVED_MS_MAX + 1);
  expect((await add('evi')).exit).toBe(1);
});

it('says who somebody is, with what they may', async () => {
  const fresh = await world.somebody('ute', ['auditor']);
  const json = parsed(await fresh.run('whoami', '--json'));
  expect(json).toMatchObject({ url: world.url, person: { name: 'ute', roles: ['auditor'] } });
  expect(json.may).toContain('trail.export');
  expect(json.may).not.toContain('holds.decide');
});

it('gives roles to a person, and removes them', async () => {
  const kim = await world.somebody('kim', ['auditor']);
  await prove(ana);
  expect((await kim.run('agents', 'add', 'of-kim', ...FOR)).exit).toBe(1);
  const roles = ['people', 'roles', 'kim', 'operator', 'auditor', '--json'];
  expect(parsed(await ana.run(...roles)).person.roles).toEqual(['operator', 'auditor']);
  // With the role alone, and nobody there to prove it, a session changes no agent.
  const unproved = await kim.run('agents', 'add', 'of-kim', ...FOR);
  expect([unproved.exit, unproved.err]).toEqual([1, expect.stringContaining('HF_SIGN_IN')]);
  await prove(kim);
  expect((await kim.run('agents', 'add', 'of-kim', ...FOR)).exit).toBe(0);
  const { people } = parsed(await ana.run('people', 'list', '--json'));
  expect(people.find(({ name }: { name: string }) => name === 'kim')).toMatchObject({
    roles: ['operator', 'auditor'],
    confirmedAt: expect.any(String),
  });
  expect((await ana.run('people', 'remove', 'kim')).exit).toBe(0);
  expect((await kim.run('agents', 'list')).exit).toBe(1);
  const nobody = await ana.run('people', 'remove', 'kim');
  expect([nobody.exit, nobody.err.includes('HF_NOT_FOUND')]).toEqual([1, true]);
});

/** In a browser: looks at the code, and decides. */
async function inTheBrowser(letIn: boolean, heard: string): Promise<void> {
  const [, userCode] = /Type +(\S+)/.exec(heard) ?? [];
  const { people } = world.api.rooms;
  const lea = (await people.list()).find(({ name }) => name === 'lea');
  if (lea === undefined || userCode === undefined) throw new Error(heard);
  const browser = await world.api.signedIn('lea', lea.id);
  const body = { userCode, letIn };
  const answer = await browser.ask('/v1/device/decide', { method: 'POST', body });
  expect(answer.status).toBe(200);
}

/** Runs login until somebody has decided. */
async function login(letIn: boolean): Promise<Said> {
  let heard = '';
  let decided: Promise<void> | null = null;
  const said = await world.run(
    ['login', '--json'],
    {},
    {
      heard: (text) => {
        heard += text;
        if (heard.includes('Type')) decided ??= inTheBrowser(letIn, heard);
      },
    },
  );
  await decided;
  return said;
}

it('signs in with a browser, keeps the session for its owner alone, and forgets it', async () => {
  await world.somebody('lea', ['auditor']);
  const turnedAway = await login(false);
  expect([turnedAway.exit, turnedAway.out.includes('HF_SIGN_IN')]).toEqual([1, true]);

  const said = await login(true);
  expect([said.exit, JSON.parse(said.out)]).toMatchObject([0, { url: world.url, person: 'lea' }]);
  const file = join(world.home, 'config', 'holdfast', 'sessions.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const kept = readFileSync(file, 'utf8');
  const [secret = 'none'] = /hfs_[0-9a-z]+/.exec(kept) ?? [];
  expect(said.out + said.err).not.toContain(secret);
  expect((await world.run(['agents', 'list'])).exit).toBe(0);
  expect(parsed(await world.run(['whoami', '--json'])).person.name).toBe('lea');

  const stranger = await serving(createServer((_, response) => response.writeHead(404).end()));
  const elsewhere = await world.run(['agents', 'list'], { HOLDFAST_URL: `http://${stranger}` });
  expect(elsewhere.exit).toBe(3);

  chmodSync(file, 0o644);
  const open = await world.run(['agents', 'list']);
  expect([open.exit, open.err.includes('for you alone')]).toEqual([1, true]);
  chmodSync(file, 0o600);
  expect(parsed(await world.run(['logout', '--json']))).toEqual({ url: world.url, closed: true });
  expect(readFileSync(file, 'utf8')).not.toContain('hfs_');
  const after = await world.run(['agents', 'list'], { HOLDFAST_TOKEN: secret });
  expect([after.exit, after.err.includes('HF_SIGN_IN')]).toEqual([1, true]);
  expect(parsed(await world.run(['logout', '--json'])).closed).toBe(false);
});

it('sends a session to no other address than its own', async () => {
  const seen: unknown[] = [];
  const host = await serving(
    createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401).end();
    }),
  );
  const file = join(world.home, 'config', 'holdfast', 'sessions.json');
  const one = { secret: 'hfs_kept', person: 'x', expiresAt: '2999-01-01T00:00:00.000Z' };
  const sessions = { [`http://${host}`]: one, [`https://${host}`]: { ...one, secret: 'hfs_tls' } };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ sessions }), { mode: 0o600 });
  await world.run(['agents', 'list'], { HOLDFAST_URL: `http://${host}` });
  await world.run(['agents', 'list'], { HOLDFAST_URL: `http://localhost:${host.split(':')[1]}` });
  expect(seen).toEqual(['Bearer hfs_kept', undefined]);
  writeFileSync(file, '{"sessions":{"__proto__":');
  const broken = await world.run(['agents', 'list']);
  expect([broken.exit, broken.err.includes('sessions.json')]).toEqual([1, true]);
  writeFileSync(file, '{"sessions":{}}');
});

it('asks no store of its own, and makes none', async () => {
  const fresh = await world.somebody('uwe', ['auditor']);
  expect((await fresh.run('agents', 'list')).exit).toBe(0);
  expect(existsSync(join(world.home, '.holdfast'))).toBe(false);
});

it.each([
  ['plain HTTP to another machine', 'http://holdfast.example.com', 'https://'],
  ['plain HTTP to what only looks like this one', 'http://127.0.0.1.example.com', 'https://'],
  ['plain HTTP to all addresses', 'http://0.0.0.0:7070', 'https://'],
  ['a path', 'https://holdfast.example.com/v1', 'the origin'],
  ['a name and a password', 'https://ana:secret@holdfast.example.com', 'the origin'],
  ['another scheme', 'file:///etc/passwd', 'the origin'],
  ['no address', 'holdfast', 'the origin'],
])('refuses %s before anything is sent', async (_story, url, words) => {
  const { exit, err } = await at(url, 'holds');
  expect([exit, err.includes(words)]).toEqual([2, true]);
  expect(err).not.toContain('secret');
});

it('refuses --url where a command works on this machine only', async () => {
  const { exit, err } = await world.run(['doctor', '--url', world.url]);
  expect([exit, err.includes('this machine only')]).toEqual([2, true]);
  expect((await world.run(['doctor', '--help'])).out).toContain('whatever HOLDFAST_URL says');
});

it('is unreachable, exit code 3, where nobody listens', async () => {
  const gone = createServer();
  const host = await serving(gone);
  await new Promise((done) => gone.close(done));
  const { exit, err } = await at(`http://${host}`, 'holds');
  expect([exit, err.includes('HF_API_UNREACHABLE')]).toEqual([3, true]);
  expect(err).toContain('ECONNREFUSED');
});

it('does not follow a redirect, and sends the session nowhere else', async () => {
  const seen: unknown[] = [];
  const other = await serving(
    createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    }),
  );
  const redirecting = await serving(
    createServer((_, response) => {
      response.writeHead(307, { location: `http://${other}/v1/agents` }).end();
    }),
  );
  const { exit, err } = await at(`http://${redirecting}`, 'agents', 'add', 'x', ...FOR);
  expect([exit, err.includes(`a redirect to http://${other}`)]).toEqual([3, true]);
  expect(seen).toEqual([]);
});

it('takes no answer that breaks off in the middle', async () => {
  const host = await serving(
    createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '500' });
      response.write('{"items":[');
      setTimeout(() => response.destroy(), 20);
    }),
  );
  const { exit, err, out } = await at(`http://${host}`, 'agents', 'list');
  expect([exit, out, err.includes('HF_API_UNREACHABLE')]).toEqual([3, '', true]);
});

it('takes no answer of something that is no Holdfast', async () => {
  const bodies = [
    ['text/html', '<h1>Welcome</h1>', 200],
    ['application/json', '{"items":"all of them","next":null}', 200],
    ['application/json', '{"items":[{"id":1}],"next":null}', 200],
    ['text/html', 'no', 502],
    [
      'application/problem+json',
      '{"code":"HF_NEVER_SEEN","expected":"a","found":"b","hint":"c"}',
      400,
    ],
    ['application/problem+json', '[]', 400],
  ] as const;
  for (const [type, body, status] of bodies) {
    const host = await serving(
      createServer((_, response) => {
        response.writeHead(status, { 'content-type': type }).end(body);
      }),
    );
    const { exit, err } = await at(`http://${host}`, 'agents', 'list');
    expect([exit, err.includes('HF_API_ANSWER')]).toEqual([3, true]);
  }
});

it('shows what a hostile server says without obeying it', async () => {
  const evil = 'x\u001b[2K\u202ey';
  const at0 = '2026-01-01T00:00:00.000Z';
  const token = {
    id: evil,
    environment: evil,
    targets: [evil],
    issuedAt: at0,
    expiresAt: at0,
    lastUse: { at: at0, source: evil, protocol: evil },
  };
  const agent = {
    ...STRANGER,
    id: evil,
    name: evil,
    purpose: evil,
    owner: { id: evil, name: evil, isRemoved: true },
    environments: [evil],
    workingHours: evil,
    parent: evil,
    children: [evil],
    stop: evil,
    tokens: [token],
  };
  const issued = {
    token: { ...token, agent: evil },
    text: evil,
    opens: [evil],
    urls: [evil],
    bases: [evil],
  };
  const finding = { code: evil, severity: 'act', subject: evil, about: evil, fix: evil };
  const problem = { code: 'HF_REFUSED', expected: evil, found: evil, hint: evil };
  const answers: Readonly<Record<string, unknown>> = {
    '/v1/agents': { items: [agent], next: null },
    '/v1/agents/y': agent,
    '/v1/agent-findings': { items: [finding] },
  };
  const giving = await serving(
    createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(request.method === 'DELETE' ? { revoked: [evil] } : issued));
    }),
  );
  const host = await serving(
    createServer((request, response) => {
      const isList = request.method === 'GET';
      const type = isList ? 'application/json' : 'application/problem+json';
      response
        .writeHead(isList ? 200 : 400, { 'content-type': type })
        .end(JSON.stringify(isList ? answers[request.url?.split('?')[0] ?? ''] : problem));
    }),
  );
  const listed = await at(`http://${host}`, 'agents', 'list');
  const refused = await at(`http://${host}`, 'agents', 'add', 'x', ...FOR);
  const shown = await at(`http://${host}`, 'agents', 'show', 'y');
  const found = await at(`http://${host}`, 'agents', 'findings');
  const given = await at(`http://${giving}`, 'agents', 'token', 'y', '--env', 'production');
  const revoked = await at(`http://${giving}`, 'agents', 'revoke', 'token_1');
  const all = [listed, refused, shown, found, given, revoked];
  expect(all.map(({ exit }) => exit)).toEqual([0, 1, 0, 1, 0, 0]);
  for (const { err, out } of all) {
    const text = `${out}${err}`;
    expect(text).toContain('x\\u{1b}[2K\\u{202e}y');
    expect(text).not.toContain('\u001b');
    expect(text).not.toContain('\u202e');
  }
});

it('does not go on for ever with a list that does', async () => {
  let asked = 0;
  const host = await serving(
    createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ items: [STRANGER], next: 'same' }));
    }),
  );
  expect((await at(`http://${host}`, 'agents', 'list')).exit).toBe(0);
  expect(asked).toBe(2);
});

it('verifies certificates, whatever the environment says', async () => {
  const pair = await makeCertificate(
    {
      name: 'CN=127.0.0.1',
      hosts: ['127.0.0.1'],
      lifeMs: 30 * 86_400_000,
      isAuthority: false,
      clock: world.api.clock,
    },
    null,
  );
  const host = await serving(
    createTlsServer({ cert: pair.certificate, key: pair.key }, (_, response) => response.end('{}')),
  );
  const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  try {
    const { exit, err } = await at(`https://${host}`, 'agents', 'list');
    expect([exit, err.includes('HF_API_UNREACHABLE')]).toEqual([3, true]);
    expect(err).toMatch(/certificate/i);
  } finally {
    if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
  }
});

it('ends with 130 at Ctrl-C while a server keeps it waiting', async () => {
  const interrupt = new Interrupt();
  const host = await serving(createServer(() => interrupt.press()));
  const env = { ...ana.env, HOLDFAST_URL: `http://${host}` };
  expect((await world.run(['agents', 'list'], env, { interrupt })).exit).toBe(130);
});

/** What an agent asked, and people have to decide. */
async function held(statement: string): Promise<string> {
  const { clock, rooms } = world.api;
  const id = `hold_${clock.random(8).toString('hex')}`;
  const card = {
    digest: clock.random(32).toString('hex'),
    statement,
    effects: [],
    effectsTotal: 0,
    couldNotTell: null,
    target: 'main-db',
    environment: 'production',
    environmentLevel: 'guarded',
    resolvedBy: 'the name in the connection URL',
    rule: 'guarded.destroy',
    reason: 'it destroys',
    agentId: 'agent_a',
    agentName: 'cursor',
    tokenId: 'token_a',
    sessionId: 'session_a',
    source: '127.0.0.1',
    client: 'psql',
    takingBack: null,
    policyVersion: null,
    effectsHash: null,
    facts: null,
    rowsAtMost: null,
    typedName: null,
    ownerId: null,
    task: null,
  };
  const openedAt = clock.now();
  const expiresAt = new Date(openedAt.getTime() + 3_600_000);
  const fresh = { id, card, peopleNeeded: 1, openedAt, expiresAt, approvalUntil: null };
  await rooms.holdStore.findOrOpen(fresh, openedAt);
  return id;
}

it('lists, shows and decides holds, each in their own name and with their own code', async () => {
  const mia = await world.somebody('mia', ['approver']);
  const id = await held('DROP TABLE bookings');
  const { holds } = parsed(await mia.run('holds', '--json'));
  expect(holds).toMatchObject([
    { id, state: 'waiting', card: { agentName: 'cursor', statement: 'DROP TABLE bookings' } },
  ]);
  const shown = await ida.run('holds', 'show', id);
  expect([shown.exit, shown.out]).toEqual([0, expect.stringContaining('DROP TABLE bookings')]);
  const digest = ['--digest', holds[0].card.digest.slice(0, 16)];
  const approve = (...words: string[]) => mia.run('holds', 'approve', id, ...digest, ...words);
  const stolen = await approve('--as', 'ana', '--code', ana.code());
  expect([stolen.exit, stolen.err.includes('HF_FORBIDDEN')]).toEqual([1, true]);
  // Another digest that begins with eight given characters can be made in minutes.
  const short = holds[0].card.digest.slice(0, 15);
  const few = await mia.run(
    ...['holds', 'approve', id, '--digest', short, '--as', 'mia', '--code', mia.code()],
  );
  expect([few.exit > 0, few.err]).toEqual([
    true,
    expect.stringContaining('at least 16 characters'),
  ]);
  const none = '0'.repeat(16);
  const other = await mia.run(
    ...['holds', 'approve', id, '--digest', none, '--as', 'mia', '--code', mia.code()],
  );
  expect([other.exit, other.err.includes('HF_HOLD_STATE')]).toEqual([1, true]);
  const done = await approve('--as', 'mia', '--code', mia.code(), '--json');
  expect(parsed(done).hold).toMatchObject({ state: 'signed', signatures: [{ personName: 'mia' }] });

  const no = await held('DROP TABLE payments');
  const denied = ['--as', 'mia', '--code', mia.code(), '--note', 'not today'];
  expect((await mia.run('holds', 'deny', no, ...denied)).out).toContain('Denied.');
  const late = await mia.run('holds', 'deny', no, '--as', 'mia', '--code', mia.code());
  expect([late.exit, late.err.includes('HF_HOLD_STATE')]).toEqual([1, true]);
  const unknown = await mia.run('holds', 'show', 'hold_0000000000000000');
  expect([unknown.exit, unknown.err.includes('HF_HOLD_UNKNOWN')]).toEqual([1, true]);
  for (const odd of ['..', '.', '../../healthz', 'a?b=c#d']) {
    expect((await mia.run('holds', 'show', odd)).exit).toBeGreaterThan(0);
  }
});

it('reads, verifies and exports the trail', async () => {
  const auditor = await world.somebody('max', ['auditor']);
  const { entries } = parsed(await auditor.run('trail', 'tail', '-n', '3', '--json'));
  expect(entries).toHaveLength(3);
  const [{ entry, index }] = entries;
  expect(parsed(await auditor.run('trail', 'show', String(index), '--json')).entry).toEqual(entry);
  // Checkpoints are signed a moment after the entries.
  const { trailStore } = world.api.rooms;
  const signed = async () => (await trailStore.newestCheckpoints(1)).length;
  await expect.poll(signed, { timeout: 30_000 }).toBe(1);
  const out = join(world.home, 'trail.hf');
  const { key } = parsed(await auditor.run('trail', 'export', '--out', out, '--json'));
  const report = await verifyExport(createReadStream(out), { key, keptNote: null });
  expect(report).toMatchObject({ ok: true, keyGiven: true });
  expect(parsed(await auditor.run('trail', 'verify', '--json')).ok).toBe(true);
  const again = await auditor.run('trail', 'export', '--out', out);
  expect([again.exit, again.err.includes('one that exists')]).toEqual([2, true]);
  const operator = await world.somebody('ole', ['operator']);
  const mine = join(world.home, 'mine.hf');
  const refused = await operator.run('trail', 'export', '--out', mine);
  expect([refused.exit, existsSync(mine)]).toEqual([1, false]);
});

it('leaves no half of an export where a server broke off', async () => {
  const status = { size: 2, origin: 'x', key: 'x', checkpoint: null };
  const host = await serving(
    createServer(({ url }, response) => {
      if (url?.endsWith('/status')) {
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(status));
        return;
      }
      response.writeHead(200, { 'content-type': 'application/jsonl' });
      response.write('{"half":');
      setTimeout(() => response.destroy(), 50);
    }),
  );
  const out = join(world.home, 'half.hf');
  const { exit, err } = await at(`http://${host}`, 'trail', 'export', '--out', out);
  expect([exit, err.includes('HF_API_UNREACHABLE')]).toEqual([3, true]);
  expect(existsSync(out)).toBe(false);
});

it('ends with exit code 3 when the gateway stops while the trail is followed', async () => {
  const auditor = await world.somebody('tom', ['auditor']);
  let stopped: Promise<void> | null = null;
  const heard = (): void => {
    stopped ??= world.api.room.api.close();
  };
  const { exit, err } = await world.run(['trail', 'tail', '-f'], auditor.env, { heard });
  await stopped;
  expect([exit, err.includes('HF_API_UNREACHABLE')]).toEqual([3, true]);
});
