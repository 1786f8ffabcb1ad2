import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ManualClock } from '../../testing/manual-clock.ts';
import { neonAnswer } from '../../testing/neon-estate.ts';
import { restRequest } from '../../testing/provider-requests.ts';
import { NeonProvider } from './provider.ts';

let server: Server;
let provider: NeonProvider;

beforeAll(async () => {
  server = createServer(({ url = '' }, response) => {
    const found = neonAnswer(url);
    response.statusCode = found === undefined ? 404 : 200;
    response.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const places = new Map([
    ['acme/main', { target: 'neon/acme/main', environment: 'production', strictness: 2 }],
    ['acme/dev', { target: 'neon/acme/dev', environment: 'staging', strictness: 1 }],
  ]);
  provider = new NeonProvider({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clock: new ManualClock(),
    kind: 'account',
    description: null,
    sql: {
      read: () => {
        throw new Error('no SQL goes to Neon');
      },
    },
    secret: async () => 'k',
    placeOf: (project, at) => places.get(`${project}/${at}`) ?? null,
    databaseOf: async (target, name) => (name === 'shop' ? `${target} holds the shop` : null),
  });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
});

const read = async (line: string, body?: unknown) =>
  await provider.read(restRequest(line.replace(' /', ' /api/v2/'), body));

it.each([
  ['a branch', 'DELETE /projects/pr-1/branches/br-dev', undefined, 'neon/acme/dev'],
  [
    'a branch that nobody declared',
    'DELETE /projects/pr-1/branches/br-test',
    undefined,
    'neon test of acme',
  ],
  [
    'an endpoint, by its branch',
    'DELETE /projects/pr-1/endpoints/ep-main',
    undefined,
    'neon/acme/main',
  ],
  [
    'a snapshot, by its branch',
    'DELETE /projects/pr-1/snapshots/sn-dev',
    undefined,
    'neon/acme/dev',
  ],
  [
    'a snapshot that is put over another branch',
    'POST /projects/pr-1/snapshots/sn-dev/restore',
    { target_branch_id: 'br-main' },
    'neon/acme/main',
  ],
  [
    'a branch that takes the data of production',
    'POST /projects/pr-1/branches/br-dev/restore',
    { source_branch_id: 'br-main' },
    'neon/acme/main',
  ],
  // One branch of it is not declared, and that is the strictest of all.
  ['a project', 'DELETE /projects/pr-1', undefined, 'neon test of acme'],
  [
    'a snapshot whose branch has gone',
    'DELETE /projects/pr-1/snapshots/sn-gone',
    undefined,
    'neon test of acme',
  ],
  [
    'a branch by a project that it is not in',
    'DELETE /projects/pr-2/branches/br-dev',
    undefined,
    'neon (not found)',
  ],
  ['an organization', 'POST /organizations/org-1/api_keys', {}, 'neon test of acme'],
  ['the account', 'POST /api_keys', {}, 'neon (account)'],
])('places %s', async (_story, line, body, expected) => {
  expect((await read(line, body)).place.asked).toBe(expected);
});

it('tells what goes with a branch', async () => {
  const { reading } = await read('DELETE /projects/pr-1/branches/br-main');
  expect(reading.effects[0]?.why).toBe(
    'it deletes the branch with its databases, and its history: main of acme (the default branch, ' +
      'protected, 123 MB, endpoints ep-main, branches made of it: dev, test, 1 snapshots of it ' +
      '(2026-11-20T00:00))',
  );
});

it('tells what a database holds', async () => {
  const { reading } = await read('DELETE /projects/pr-1/branches/br-main/databases/shop');
  expect(reading.effects[0]?.why).toContain('neon/acme/main holds the shop');
});
