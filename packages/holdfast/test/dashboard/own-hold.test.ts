/**
 * An agent that wants its own hold approved, with everything that lies on its machine: its token, the
 * command line, curl's requests, a browser without an authenticator, an authenticator of its own making,
 * an account at the company's identity provider. Each way is tried, and none of them signs anything.
 */
import { execFile } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { authenticator } from '../../src/testing/authenticator.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { SoftwarePasskey } from '../../src/testing/software-passkey.ts';
import { IdentityProvider } from '../api/identity-provider.ts';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { launch, noBrowser, sitDown } from './browser.ts';

const CLI = fileURLToPath(new URL('../../bin/holdfast.js', import.meta.url));

let gateway: Gateway;
let provider: IdentityProvider;
let origin: string;
let token: string;
let holdId: string;
/** What its own home is: nothing of Holdfast's lies there. */
let home: string;

beforeAll(async () => {
  const dashboardPort = await freePort();
  origin = `http://localhost:${dashboardPort}`;
  provider = await IdentityProvider.start(origin);
  home = mkdtempSync(join(tmpdir(), 'holdfast-agent-'));
  gateway = await startGateway({
    level: 'guarded',
    dashboardPort,
    more: {
      lines: [
        'signIn:',
        '  oidc:',
        `    issuer: ${provider.issuer}`,
        '    clientId: holdfast',
        '    clientSecret: { env: OIDC_SECRET }',
        '    allow: { domains: [people.example] }',
        '    roles: [approver]',
      ],
      env: { OIDC_SECRET: 'a secret of a test' },
    },
  });
  await gateway.upstream.ask('create table victims (id int); alter table victims owner to app');
  const { people } = gateway.holdfast.rooms;
  // Somebody who could sign, and who is not here.
  const { uri } = await people.add('ada', ['owner', 'approver']);
  await people.confirm('ada', authenticator(uri)(new Date()));
  const { host, port, user, password, database } = gateway.through;
  token = password;
  const agent = new pg.Client({ host, port, user, password, database, ssl: false });
  await agent.connect();
  const said = await agent.query('drop table victims').catch((error: unknown) => error);
  await agent.end();
  holdId = /hold_[0-9a-hjkmnp-tv-z]{16}/.exec(JSON.stringify(said))?.[0] ?? '';
  expect(holdId).not.toBe('');
});
afterAll(async () => {
  await gateway?.stop();
  await provider?.stop();
  rmSync(home, { recursive: true, force: true });
});
afterEach(async () => {
  const { signatures, state } = await gateway.holdfast.rooms.holds.show(holdId);
  expect({ signatures, state }).toEqual({ signatures: [], state: 'waiting' });
});

interface Said {
  readonly status: number;
  readonly text: string;
}

/** As curl sends it: any header whatever. */
function send(
  method: string,
  path: string,
  { body, headers = {} }: { body?: unknown; headers?: Readonly<Record<string, string>> } = {},
): Promise<Said> {
  const text = body === undefined ? '' : JSON.stringify(body);
  return new Promise((done, fail) => {
    const sent = request(`${origin}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        'content-length': String(Buffer.byteLength(text)),
        ...headers,
      },
    });
    sent.on('error', fail).on('response', (answer) => {
      let said = '';
      answer
        .setEncoding('utf8')
        .on('data', (piece: string) => {
          said += piece;
        })
        .on('end', () => done({ status: answer.statusCode ?? 0, text: said }));
    });
    sent.end(text);
  });
}

function asAgent(): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` };
}

const APPROVE = (): string => `/v1/holds/${holdId}/approve`;
const BY_CODE = { person: 'ada', code: '123456' };

function cli(env: Readonly<Record<string, string>>, ...words: string[]): Promise<string> {
  const clean = { PATH: process.env['PATH'] ?? '', HOME: home, ...env };
  return new Promise((done) => {
    execFile(process.execPath, [CLI, ...words], { cwd: home, env: clean }, (error, out, err) => {
      done(`exit ${error === null ? 0 : String(error.code)}\n${out}${err}`);
    });
  });
}

it('by the command line with its own token', async () => {
  const env = { HOLDFAST_URL: origin, HOLDFAST_TOKEN: token };
  const said = await cli(env, 'holds', 'approve', holdId, '--as', 'ada', '--code', '123456');
  expect(said).toMatch(/^exit 1\n/);
  expect(said).toContain('HF_FORBIDDEN');
  expect(await cli(env, 'people', 'invite', 'me', '--role', 'approver')).toMatch(/^exit 1\n/);
});

it('by the command line with a configuration of its own: that is another store', async () => {
  const said = await cli({}, 'holds', 'approve', holdId, '--as', 'ada', '--code', '123456');
  expect(said).toMatch(/^exit 2\n[\s\S]*HF_CONFIG_INVALID/);
});

it('by the API with its token, as itself and as anybody', async () => {
  const answers = await Promise.all([
    send('POST', APPROVE(), { headers: asAgent(), body: BY_CODE }),
    send('GET', `/v1/holds/${holdId}/challenge?decision=approve`, { headers: asAgent() }),
    send('POST', '/v1/people', { headers: asAgent(), body: { name: 'me', roles: ['owner'] } }),
    send('POST', '/v1/people/invites', {
      headers: asAgent(),
      body: { name: 'me', roles: ['owner'] },
    }),
    send('POST', '/v1/self/passkeys/options', { headers: asAgent(), body: {} }),
    send('POST', '/v1/break-glass', { headers: asAgent(), body: { reason: 'urgent' } }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 403));
});

it('by curl, without any session, and with headers that only pretend', async () => {
  const own = { origin, 'sec-fetch-site': 'same-origin' };
  const answers = await Promise.all([
    send('POST', APPROVE(), { body: BY_CODE }),
    send('POST', APPROVE(), { body: BY_CODE, headers: own }),
    send('POST', APPROVE(), {
      body: BY_CODE,
      headers: { ...own, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-user': 'ada' },
    }),
    send('POST', APPROVE(), {
      body: BY_CODE,
      headers: { ...own, authorization: `Machine ${'0'.repeat(64)}` },
    }),
    send('POST', APPROVE(), {
      body: BY_CODE,
      headers: { ...own, cookie: `holdfast=${token}; holdfast-device=${token}` },
    }),
    send('PUT', `/v1/people/ada/roles`, { body: { roles: ['approver'] }, headers: own }),
  ]);
  for (const { status } of answers) expect([401, 403]).toContain(status);
});

it('with a passkey that it made itself, enrolled by nobody', async () => {
  const passkey = new SoftwarePasskey();
  const { ceremony, options } = JSON.parse(
    (await send('POST', '/v1/sign-in/passkey/options', { headers: { origin }, body: {} })).text,
  );
  const response = passkey.get(options, { origin });
  const { status } = await send('POST', '/v1/sign-in/passkey', {
    headers: { origin },
    body: { ceremony, response },
  });
  expect(status).toBe(401);
  const direct = await send('POST', APPROVE(), {
    headers: asAgent(),
    body: { assertion: selfMade() },
  });
  expect(direct.status).toBe(403);
});

it('with a link to join that it made up', async () => {
  const invitation = `hfi_${'0'.repeat(52)}`;
  const { status } = await send('POST', '/v1/join/passkey/options', {
    headers: { origin },
    body: { invitation, name: 'me' },
  });
  expect([401, 404]).toContain(status);
});

it('by letting a command line in, with nobody who lets it', async () => {
  const begun = await send('POST', '/v1/device', {
    headers: { origin },
    body: { machine: 'agent' },
  });
  const { secret } = JSON.parse(begun.text);
  const polled = await send('POST', '/v1/device/poll', { headers: { origin }, body: { secret } });
  expect(polled.text).not.toMatch(/hfs_/);
});

it('through the identity provider, as itself', async () => {
  const begun = await send('POST', '/v1/sign-in/sso/begin', { headers: { origin }, body: {} });
  const { url } = JSON.parse(begun.text);
  // The provider knows it well. Whoever is somebody there is not thereby one of ours.
  const account = { sub: 'agent', email: 'agent@machines.example', email_verified: true };
  const query = await provider.visit(url, account);
  expect(query).toContain('code=');
  const { status, text } = await send('POST', '/v1/sign-in/sso', {
    headers: { origin },
    body: { query },
  });
  expect([status, text]).toEqual([401, expect.stringContaining('HF_SIGN_IN')]);
});

it('by a browser without an authenticator', async (ctx) => {
  ctx.skip(noBrowser() !== null, noBrowser() ?? '');
  const browser = await launch();
  try {
    const { page } = await sitDown(browser, { origin, hasAuthenticator: false });
    await page.goto(`/holds/${holdId}`);
    await page.getByRole('button', { name: 'Use my passkey' }).click();
    await page.waitForTimeout(2_000);
    expect(await page.getByRole('heading', { name: 'Sign in' }).count()).toBe(1);
    expect(await page.getByText('victims').count()).toBe(0);
  } finally {
    await browser.close();
  }
});

it('by guessing the codes of somebody', async () => {
  const own = { origin };
  const seen = new Set<number>();
  for (let guess = 0; guess < 80; guess += 1) {
    const code = String(guess).padStart(6, '0');
    const body = { name: 'ada', code };
    seen.add((await send('POST', '/v1/sign-in/code', { headers: own, body })).status);
  }
  // Told apart from nobody's only by being sent away for asking too often.
  expect([...seen].toSorted()).toEqual([401, 429]);
});

/** An assertion in its form, over a challenge and by a key that nobody gave out. */
function selfMade() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const clientData = Buffer.from(
    JSON.stringify({ type: 'webauthn.get', challenge: 'AAAA', origin, crossOrigin: false }),
  );
  const authenticatorData = Buffer.concat([
    createHash('sha256').update('localhost').digest(),
    Buffer.from([0b101, 0, 0, 0, 1]),
  ]);
  const over = Buffer.concat([authenticatorData, createHash('sha256').update(clientData).digest()]);
  return {
    id: 'AAAA',
    rawId: 'AAAA',
    type: 'public-key',
    response: {
      clientDataJSON: clientData.toString('base64url'),
      authenticatorData: authenticatorData.toString('base64url'),
      signature: sign('sha256', over, privateKey).toString('base64url'),
    },
  };
}
