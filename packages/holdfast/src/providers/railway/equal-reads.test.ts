/** What is kept of a request that only reads must not outlive the list it was placed by, nor answer for another. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { PROVIDER_ESTATE_MS } from '../../model/limits.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { ProviderAct } from '../provider.ts';
import { RailwayProvider } from './provider.ts';

let server: Server;
let clock: ManualClock;
let provider: RailwayProvider;
/** The environment that `env-1` is called in the list; null: Railway is away. */
let called: string | null;
let asked: number;

beforeEach(async () => {
  clock = new ManualClock();
  called = 'staging';
  asked = 0;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      asked += 1;
      if (called === null) response.writeHead(503).end();
      else response.end(JSON.stringify({ data: answerTo(body, called) }));
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  provider = new RailwayProvider({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clock,
    kind: 'account',
    secret: async () => 'a secret',
    placeOf: (project, at) =>
      project === 'shop' && at === 'staging'
        ? { target: 'railway/shop/staging', environment: 'staging', strictness: 1 }
        : null,
    databaseOf: async () => null,
    sql: { read: () => expect.unreachable('there is no SQL in it') },
    description: null,
  });
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function answerTo(body: string, name: string): unknown {
  const page = { pageInfo: { hasNextPage: false } };
  if (body.includes('HoldfastProjects')) {
    return { projects: { edges: [{ node: { id: 'p-1', name: 'shop' } }], ...page } };
  }
  const node = {
    id: 'env-1',
    name,
    serviceInstances: { edges: [{ node: { serviceId: 's', serviceName: 'api' } }] },
    volumeInstances: { edges: [], ...page },
  };
  const environments = { edges: [{ node }] };
  return { project: { id: 'p-1', name: 'shop', services: { edges: [] }, environments } };
}

const QUERY =
  'query q($id: String!, $open: Boolean) { environment(id: $id) { id } ' +
  'deployments(input: { environmentId: $id }) { id } ' +
  'service(id: "s", decryptVariables: $open) { id } }';

function ask(query: string, variables: object): Promise<ProviderAct> {
  const body = Buffer.from(JSON.stringify({ query, variables }));
  const path = '/graphql/v2';
  return provider.read({ method: 'POST', path, search: '', mediaType: 'application/json', body });
}

const read = (): Promise<ProviderAct> => ask(QUERY, { id: 'env-1' });
const destroy = (): Promise<ProviderAct> =>
  ask('mutation m($id: String!) { environmentDelete(id: $id) }', { id: 'env-1' });

it('is one act for equal bytes, and Railway is asked once', async () => {
  const acts = [await read(), await read(), await read(), await read()];
  expect(acts[3]).toBe(acts[2]);
  expect(new Set(acts.map(({ place }) => place.asked))).toEqual(new Set(['railway/shop/staging']));
  expect(asked).toBe(2);
});

it('is placed anew as soon as there is another list', async () => {
  for (let at = 0; at < 3; at += 1) await read();
  called = 'production';
  clock.pass(PROVIDER_ESTATE_MS + 1);
  expect((await read()).place.asked).toBe('railway/shop/staging');
  await destroy();
  const { place, reaches } = await read();
  expect(place.asked).toBe('railway production of shop');
  expect(reaches).toEqual([]);
});

it('that could not be placed is placed when Railway answers', async () => {
  called = null;
  for (let at = 0; at < 3; at += 1) {
    expect((await read()).place.asked).toBe('railway (not found)');
  }
  called = 'staging';
  expect((await read()).place.asked).toBe('railway/shop/staging');
});

it('with another variable may hand out secrets, and is no read then', async () => {
  for (let at = 0; at < 3; at += 1) await ask(QUERY, { id: 'env-1', open: false });
  const { reading } = await ask(QUERY, { id: 'env-1', open: true });
  expect(reading.effects.map(({ kind }) => kind)).toContain('grant');
});

it('with another id is elsewhere', async () => {
  for (let at = 0; at < 3; at += 1) await read();
  expect((await ask(QUERY, { id: 'env-2' })).place.asked).toBe('railway (not found)');
});

it('that changes something is read and placed each time', async () => {
  const acts = [await destroy(), await destroy(), await destroy()];
  expect(new Set(acts).size).toBe(3);
  called = null;
  clock.pass(PROVIDER_ESTATE_MS + 1);
  expect((await destroy()).place.asked).toBe('railway (not known now)');
});

it('of an environment is nobody’s while there is no list', async () => {
  called = null;
  // A call that was placed, and reaches nothing that is declared: `requireScope` refuses it.
  expect(await read()).toMatchObject({ byCall: [[], []], reaches: [] });
});
