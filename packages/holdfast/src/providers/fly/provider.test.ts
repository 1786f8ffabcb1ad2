import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flyAnswer } from '../../testing/fly-estate.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { graphqlRequest, restRequest } from '../../testing/provider-requests.ts';
import type { ProviderOptions } from '../provider.ts';
import { FlyProvider } from './provider.ts';

let server: Server;
let provider: FlyProvider;
let options: ProviderOptions;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(JSON.stringify(flyAnswer(Buffer.concat(chunks).toString()) ?? {}));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const places = new Map([
    ['my-org/my-app', { target: 'production-app', environment: 'production', strictness: 2 }],
    ['my-org/my-test', { target: 'test-app', environment: 'staging', strictness: 1 }],
  ]);
  options = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clock: new ManualClock(),
    kind: 'account',
    description: null,
    sql: {
      read: () => {
        throw new Error('no SQL goes to Fly');
      },
    },
    secret: async () => 'k',
    placeOf: (project, at) => places.get(`${project}/${at}`) ?? null,
    databaseOf: async () => null,
  };
  provider = new FlyProvider(options);
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
});

const graphql = (query: string) => provider.read(graphqlRequest('/graphql', query));

describe('places', () => {
  it.each([
    [
      'a volume by its id alone',
      'mutation { deleteVolume(input: {volumeId: "vol_prod"}) { __typename } }',
      'production-app',
    ],
    ['an app', 'mutation { deleteApp(appId: "my-test") { __typename } }', 'test-app'],
    [
      'an app by its number',
      'mutation { migrateVolume(input: {appId: 1, targetVolumeId: "vol_prod"}) { __typename } }',
      'production-app',
    ],
    [
      'a machine by its id alone',
      'mutation { removeMachine(input: {id: "m-prod"}) { __typename } }',
      'production-app',
    ],
    [
      'a machine with an app that it is not in',
      'mutation { removeMachine(input: {appId: "my-test", id: "m-prod"}) { __typename } }',
      'production-app',
    ],
    [
      'a database that an app is taken from',
      'mutation { detachPostgresCluster(input: {appId: "my-test", postgresClusterAppId: "my-app"}) { __typename } }',
      'production-app',
    ],
    [
      'an organization',
      'mutation { deleteOrganization(input: {organizationId: "org-id"}) { __typename } }',
      'production-app',
    ],
    [
      'an add-on, of which there is no list',
      'mutation { deleteAddOn(input: {addOnId: "a"}) { __typename } }',
      'fly (not found)',
    ],
    ['the account', 'mutation { deleteUser(input: {}) { __typename } }', 'fly (account)'],
    [
      'two acts, the stricter one',
      'mutation { a: deleteApp(appId: "my-test") { __typename } b: deleteApp(appId: "my-app") { __typename } }',
      'production-app',
    ],
  ])('%s', async (_story, query, expected) => {
    expect((await graphql(query)).place.asked).toBe(expected);
  });

  it.each([
    ['a machine', 'DELETE /v1/apps/my-test/machines/m-test?force=true', 'test-app'],
    ['a machine of another app', 'DELETE /v1/apps/my-test/machines/m-prod', 'production-app'],
    ['a cluster, of which there is no list', 'DELETE /v1/postgres/c-1', 'fly (not found)'],
  ])('%s by the Machines API', async (_story, line, expected) => {
    expect((await provider.read(restRequest(line))).place.asked).toBe(expected);
  });
});

it('places a copy of a volume where its data comes from too', async () => {
  const copy = restRequest('POST /v1/apps/my-test/volumes', { source_volume_id: 'vol_prod' });
  expect((await provider.read(copy)).place.asked).toBe('production-app');
  const fork =
    'mutation { forkVolume(input: {appId: "my-test", sourceVolId: "vol_prod"}) { __typename } }';
  expect((await graphql(fork)).place.asked).toBe('production-app');
});

it('tells what goes with an app', async () => {
  const { reading } = await graphql('mutation { deleteApp(appId: "my-app") { __typename } }');
  expect(reading.effects[0]?.why).toBe(
    'it deletes the app with its machines and volumes: my-app of my-org (1 machines, volumes data ' +
      'vol_prod (10 GB); snapshots go with a volume)',
  );
});

it.each([
  [
    'secrets behind a mutation',
    'mutation { createAccessToken(input: {name: "x"}) { accessToken { token } } }',
  ],
  ['secrets deep inside', '{ organizations { nodes { addOns { nodes { publicUrl } } } } }'],
  [
    'secrets in a fragment under another name',
    '{ addOn(name: "r") { ...f } } fragment f on AddOn { x: password }',
  ],
])('says what hands out %s', async (_story, query) => {
  expect((await graphql(query)).reading.effects.map(({ kind }) => kind)).toContain('grant');
});

it('sends each API what is its own, by the path that was judged', () => {
  const real = new FlyProvider({ ...options, origin: null });
  expect(real.originOf('/graphql')).toBe('https://api.fly.io');
  expect(real.originOf('/v1/apps')).toBe('https://api.machines.dev');
});

it('takes GraphQL on any other path for unknown', async () => {
  const query = 'mutation { deleteApp(appId: "my-app") { __typename } }';
  for (const path of ['/graphql/', '/v1/graphql', '/GraphQL']) {
    const { reading } = await provider.read(graphqlRequest(path, query));
    expect(reading.kind === 'could-not-tell' || reading.effects[0]?.kind === 'unknown').toBe(true);
  }
});

it('sends a macaroon under its own scheme', async () => {
  const made = (secret: string) => new FlyProvider({ ...options, secret: async () => secret });
  expect(await made('fm2_x,fm2_y').credential()).toEqual({ authorization: 'FlyV1 fm2_x,fm2_y' });
  expect(await made('old').credential()).toEqual({ authorization: 'Bearer old' });
});
