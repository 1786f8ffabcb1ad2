/**
 * A provider's host whose certificate does not stand, although the authority that signed it is trusted:
 * neither the request nor the real credential reaches it, by HTTP or by WebSocket. `holdfast up` runs as
 * a process of its own, since Node reads whom it trusts when it starts (NODE_EXTRA_CA_CERTS).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { makeCertificate, type Pair } from '../../src/protocols/x509.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { freePort } from '../../src/testing/scratch-postgres.ts';
import { SocketClient } from '../../src/testing/socket-client.ts';

const MAIN = resolve(import.meta.dirname, '../../dist/cli/main.js');
const DAY_MS = 24 * 60 * 60 * 1000;
const BILLING = `
openapi: 3.1.0
servers: [{ url: "https://billing.example.com/v3" }]
components: { securitySchemes: { k: { type: apiKey, in: header, name: X-Billing-Key } } }
paths: { "/invoices": { post: {} } }`;

const folder = scratchFolder('certificates');
const config = join(folder, 'holdfast.yaml');
const env = {
  ...process.env,
  HOLDFAST_CONFIG: config,
  NODE_EXTRA_CA_CERTS: join(folder, 'ca.crt'),
  REAL: 'the-real-credential',
};
/** What came in once a connection was secured. */
const seen: string[] = [];
let authority: Pair;
let other: Pair;
let api: Server;
let gateway: ChildProcess;
let base: string;
let token: string;

function json(...words: readonly string[]): Promise<string> {
  return new Promise((done, fail) => {
    const all = [MAIN, ...words, '--json'];
    execFile(process.execPath, all, { env, timeout: 60_000 }, (error, text) =>
      error === null ? done(text) : fail(error),
    );
  });
}

function authorityNamed(name: string): Promise<Pair> {
  const wish = { name, hosts: [], lifeMs: DAY_MS, isAuthority: true, clock: systemClock };
  return makeCertificate(wish, null);
}

/** The API shows another certificate from now on. */
async function show(host: string, clock: Clock, by: Pair): Promise<void> {
  const wish = { name: `CN=${host}`, hosts: [host], lifeMs: DAY_MS, isAuthority: false, clock };
  const { certificate, key } = await makeCertificate(wish, by);
  api.setSecureContext({ cert: certificate, key });
  api.closeAllConnections();
}

beforeAll(async () => {
  [authority, other] = await Promise.all([
    authorityNamed('CN=An authority that is trusted'),
    authorityNamed('CN=An authority that is not'),
  ]);
  writeFileSync(env.NODE_EXTRA_CA_CERTS, authority.certificate);
  api = createServer({ cert: authority.certificate, key: authority.key }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  });
  api.on('upgrade', (request, socket) => {
    seen.push(`upgrade ${request.url}`);
    socket.end('HTTP/1.1 501 Not Implemented\r\nConnection: close\r\n\r\n');
  });
  api.on('tlsClientError', () => {});
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done));
  const url = `https://127.0.0.1:${(api.address() as AddressInfo).port}`;
  const port = await freePort();
  base = `127.0.0.1:${port}`;
  writeFileSync(join(folder, 'billing.yaml'), BILLING);
  writeFileSync(
    config,
    `
listen: { port: 0, tls: off }
dashboard: off
http: { port: ${port} }
store: { dataFolder: '${join(folder, 'data')}' }
environments: { development: { level: open } }
providers:
  billing:
    url: '${url}'
    openapi: billing.yaml
    environment: development
    rules: [{ call: POST /invoices, is: write }]
  railway: { url: '${url}' }
`,
  );
  gateway = spawn(process.execPath, [MAIN, 'up'], { stdio: 'pipe', env });
  await new Promise<void>((done, fail) => {
    let log = '';
    gateway.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Holdfast listens')) done();
    });
    gateway.once('exit', (code) => fail(new Error(`up ended with ${code}: ${log}`)));
  });
  for (const name of ['billing', 'railway']) {
    await json('credentials', 'add', name, '--from-env', 'REAL');
  }
  await json('agents', 'add', 'cursor', '--purpose', 'a test');
  token = JSON.parse(await json('agents', 'token', 'cursor', '--env', 'development')).text;
});
afterAll(async () => {
  const gone = new Promise((done) => gateway.once('exit', done));
  gateway.kill('SIGINT');
  await gone;
  api.closeAllConnections();
  api.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  seen.length = 0;
});

interface Reply {
  readonly status: number;
  /** Holdfast's; null: it passed. */
  readonly code: string | null;
  readonly text: string;
}

async function invoice(): Promise<Reply> {
  const response = await fetch(`http://${base}/billing/v3/invoices`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{"amount":1}',
  });
  const code = response.headers.get('x-holdfast-code');
  return { status: response.status, code, text: await response.text() };
}

/** How the connection ended. */
async function socket(): Promise<{ readonly code: number; readonly reason: string }> {
  const headers = { authorization: `Bearer ${token}` };
  const client = new SocketClient(`ws://${base}/railway/graphql/v2`, { headers });
  if (await client.opened()) client.send({ type: 'connection_init' });
  return await client.closed;
}

/** Of the last decision, as the trail has it. */
async function outcome(): Promise<string> {
  const found: { readonly entries: readonly { readonly entry: { readonly kind: string } }[] } =
    JSON.parse(await json('trail', 'tail'));
  return JSON.stringify(found.entries.filter(({ entry }) => entry.kind === 'outcome').at(-1));
}

it('passes where the certificate stands', async () => {
  await show('127.0.0.1', systemClock, authority);
  expect(await invoice()).toEqual({ status: 200, code: null, text: '{}' });
  await socket();
  expect(seen).toEqual(['POST /v3/invoices', 'upgrade /graphql/v2']);
});

it.each<readonly [story: string, host: string, clock: Clock, isTrusted: boolean, words: RegExp]>([
  [
    'has expired',
    '127.0.0.1',
    new ManualClock('2020-01-01T00:00:00Z'),
    true,
    /certificate has expired/,
  ],
  [
    'is not valid yet',
    '127.0.0.1',
    new ManualClock('2099-01-01T00:00:00Z'),
    true,
    /certificate is not yet valid/,
  ],
  ['is of another host', 'other.test', systemClock, true, /does not match certificate's altnames/],
  [
    'is of an authority that is not trusted',
    '127.0.0.1',
    systemClock,
    false,
    /unable to verify|self.signed|issuer/,
  ],
])('sends nothing where the certificate %s', async (_story, host, clock, isTrusted, words) => {
  await show(host, clock, isTrusted ? authority : other);
  const answer = await invoice();
  expect(answer.code).toBe('HF_UPSTREAM_UNREACHABLE');
  expect(answer.text).toContain('Nothing was sent.');
  expect(answer.text).toMatch(words);
  const ended = await socket();
  expect(ended.code).toBe(1014);
  expect(ended.reason).toContain('HF_UPSTREAM_UNREACHABLE');
  expect(seen).toEqual([]);
  await vi.waitFor(async () => expect(await outcome()).toMatch(words), 20_000);
  expect(await outcome()).toContain('not-forwarded');
});
