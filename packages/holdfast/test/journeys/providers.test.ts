/**
 * An agent of staging at four providers, through the whole of Holdfast: what reads passes with the real
 * credential, what destroys is held, what is of production is not its own, and nothing of that reaches
 * the API.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load-config.ts';
import { createHoldfast, type Holdfast, systemClock } from '../../src/holdfast.ts';
import { flyAnswer } from '../../src/testing/fly-estate.ts';
import { neonAnswer } from '../../src/testing/neon-estate.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';

const SUPABASE: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['/v1/projects', [{ id: 'prodref', name: 'acme', organization_id: 'org' }]],
  [
    '/v1/projects/prodref/branches',
    [{ id: 'b-1', name: 'staging', project_ref: 'stagref', is_default: false }],
  ],
]);
const BILLING = `
openapi: 3.1.0
servers: [{ url: "https://billing.example.com/v3" }]
components: { securitySchemes: { k: { type: apiKey, in: header, name: X-Billing-Key } } }
paths: { "/invoices": { get: {}, post: {}, put: {} }, "/invoices/{id}": { delete: {} } }`;

interface Seen {
  readonly line: string;
  readonly credential: string | undefined;
}

const folder = scratchFolder('providers');
/** What came in for an agent; Holdfast's own questions are answered and not kept. */
const seen: Seen[] = [];
let api: Server;
let holdfast: Holdfast;
let base: string;
let token: string;

function ownAnswer(method: string, url: string, body: string): unknown {
  if (url === '/graphql') return flyAnswer(body);
  return method === 'GET' ? (neonAnswer(url) ?? SUPABASE.get(url)) : undefined;
}

beforeAll(async () => {
  api = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    const key = headers['x-billing-key'];
    const credential = headers.authorization ?? (Array.isArray(key) ? key[0] : key);
    const own = ownAnswer(method, url, Buffer.concat(chunks).toString());
    if (own === undefined || url.endsWith('/branches/br-dev')) {
      seen.push({ line: `${method} ${url}`, credential });
    }
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(own ?? { ok: true }));
  });
  await new Promise<void>((done) => api.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  writeFileSync(join(folder, 'billing.yaml'), BILLING);
  const text = `
listen: { host: 127.0.0.1, port: 0, tls: off }
dashboard: off
http: { port: 0 }
store: { dataFolder: '${join(folder, 'data')}' }
environments: { production: { level: sealed }, staging: { level: guarded } }
providers:
  neon: { url: '${url}', projects: { acme: { main: production, dev: staging } } }
  supabase: { url: '${url}', projects: { acme: { main: production, staging: staging } } }
  fly: { url: '${url}', projects: { my-org: { my-app: production, my-test: staging } } }
  billing:
    url: '${url}'
    openapi: billing.yaml
    environment: staging
    rules: [{ call: POST /invoices, is: write }]
`;
  const config = parseConfig({ text, name: 'journey.yaml', folder }, {});
  holdfast = await createHoldfast({ config, env: {}, clock: systemClock, say: () => {} });
  const { agents, credentials } = holdfast.rooms;
  for (const name of ['neon', 'supabase', 'fly', 'billing']) {
    await credentials.add(name, `real-${name}`);
  }
  await agents.add('cursor');
  const request = { agent: 'cursor', environment: 'staging', targets: [] };
  ({ token } = await agents.issueToken(request));
  await holdfast.start();
  base = `http://127.0.0.1:${holdfast.httpAddress?.port ?? 0}`;
});
afterAll(async () => {
  await holdfast?.stop();
  api.closeAllConnections();
  api.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  seen.length = 0;
});

async function call(line: string, body?: unknown): Promise<{ status: number; text: string }> {
  const [method = '', path = ''] = line.split(' ');
  const response = await fetch(base + path, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text() };
}

const SQL = '/supabase/v1/projects/stagref/database/query';
const mutation = (query: string) => ({ query: `mutation { ${query} { __typename } }` });

it.each<readonly [story: string, line: string, body: unknown, sent: string, credential: string]>([
  [
    'a branch of Neon',
    'GET /neon/api/v2/projects/pr-1/branches/br-dev',
    undefined,
    'GET /api/v2/projects/pr-1/branches/br-dev',
    'Bearer real-neon',
  ],
  [
    'rows of Supabase',
    `POST ${SQL}`,
    { query: 'SELECT 1' },
    'POST /v1/projects/stagref/database/query',
    'Bearer real-supabase',
  ],
  [
    'a machine of Fly',
    'GET /fly/v1/apps/my-test/machines/m-test',
    undefined,
    'GET /v1/apps/my-test/machines/m-test',
    'Bearer real-fly',
  ],
  [
    'invoices of a described API',
    'POST /billing/v3/invoices',
    { amount: 1 },
    'POST /v3/invoices',
    'real-billing',
  ],
])('passes on with the real credential: %s', async (_story, line, body, sent, credential) => {
  const { status, text } = await call(line, body);
  expect(status, text).toBe(200);
  expect(seen).toEqual([{ line: sent, credential }]);
});

it.each<readonly [story: string, line: string, body: unknown]>([
  ['a branch that goes', 'DELETE /neon/api/v2/projects/pr-1/branches/br-dev', undefined],
  [
    'a branch that is renamed and dies on Monday',
    'PATCH /neon/api/v2/projects/pr-1/branches/br-dev',
    { branch: { name: 'x', expires_at: '2026-11-30T00:00:00Z' } },
  ],
  [
    'a password',
    'GET /neon/api/v2/projects/pr-1/branches/br-dev/roles/r/reveal_password',
    undefined,
  ],
  ['SQL that drops', `POST ${SQL}`, { query: 'SELECT 1; DROP TABLE orders' }],
  ['a volume', 'POST /fly/graphql', mutation('deleteVolume(input: {volumeId: "vol_test"})')],
  ['a volume by REST', 'DELETE /fly/v1/apps/my-test/volumes/vol_test', undefined],
  ['what no rule knows', 'PUT /billing/v3/invoices', {}],
  ['what is deleted', 'DELETE /billing/v3/invoices/1', undefined],
])('holds %s, and nothing of it is sent', async (_story, line, body) => {
  const { text } = await call(line, body);
  expect(text).toContain('HF_HELD');
  expect(seen).toEqual([]);
});

it.each<readonly [story: string, line: string, body: unknown]>([
  ['Neon', 'DELETE /neon/api/v2/projects/pr-1/branches/br-main', undefined],
  ['Supabase', 'DELETE /supabase/v1/projects/prodref/functions/a', undefined],
  ['Fly', 'POST /fly/graphql', mutation('deleteVolume(input: {volumeId: "vol_prod"})')],
])('gives an agent of staging nothing of production: %s', async (_story, line, body) => {
  const { text } = await call(line, body);
  expect(text).toContain('HF_TARGET_FORBIDDEN');
  expect(seen).toEqual([]);
});

it('gives an agent that may only read nothing else, by REST, GraphQL and SQL in a request', async () => {
  const { agents } = holdfast.rooms;
  await agents.change('cursor', { effectKinds: ['read'] });
  const refused = async (line: string, body?: unknown): Promise<void> => {
    await expect.poll(async () => (await call(line, body)).text).toContain('HF_AGENT_EFFECT');
  };
  await refused('POST /billing/v3/invoices', { amount: 1 });
  seen.length = 0;
  await refused('POST /billing/v3/invoices', { amount: 1 });
  await refused('DELETE /neon/api/v2/projects/pr-1/branches/br-dev');
  await refused('POST /fly/graphql', mutation('deleteVolume(input: {volumeId: "vol_test"})'));
  await refused(`POST ${SQL}`, { query: 'SELECT 1; DROP TABLE orders' });
  // Nobody can tell what it would do, and that is no reading.
  await refused('PUT /billing/v3/invoices', {});
  expect(seen).toEqual([]);
  expect((await call('GET /neon/api/v2/projects/pr-1/branches/br-dev')).status).toBe(200);
});

it('keeps an agent to its environments: what is in none of them is not its own', async () => {
  const { agents } = holdfast.rooms;
  await agents.change('cursor', { effectKinds: null, environments: ['staging'] });
  const projects = async () => (await call('GET /neon/api/v2/projects')).text;
  await expect.poll(projects).toContain('HF_AGENT_SCOPE');
  expect((await call('GET /neon/api/v2/projects/pr-1/branches/br-dev')).status).toBe(200);
  expect((await call('POST /billing/v3/invoices', { amount: 1 })).status).toBe(200);
  await agents.change('cursor', { environments: [] });
  await expect.poll(projects).not.toContain('HF_AGENT_SCOPE');
});

it('answers nothing to an agent that is paused, and says why', async () => {
  const { agents } = holdfast.rooms;
  await agents.change('cursor', { effectKinds: null });
  await agents.pause('cursor', { by: 'ana', note: 'odd deletes' });
  const line = 'GET /neon/api/v2/projects/pr-1/branches/br-dev';
  // A connection may be cut in the midst of an answer when the pause comes.
  const text = () => call(line).then((answer) => answer.text, String);
  await expect.poll(text).toContain('paused by ana: odd deletes');
  seen.length = 0;
  const { status } = await call(line);
  expect([status, seen]).toEqual([403, []]);
  await agents.resume('cursor', { by: 'ana', note: '' });
  await expect.poll(async () => (await call(line)).status).toBe(200);
});
