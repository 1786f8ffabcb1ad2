/** What is read whole and what is not, by answers of Railway that the stand-in does not give. */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../../model/clock.ts';
import { RailwayApi } from '../api.ts';
import { MUTATIONS } from '../catalogue/index.ts';
import { INVERTED } from './inverse.ts';
import { isPlainName, saysWhatIsRun } from './running.ts';
import { DOMAIN_SETTINGS, INSTANCE_SETTINGS, SERVICE_SETTINGS } from './settings.ts';
import { RailwayState } from './state.ts';
import { Variables } from './variables.ts';

let server: Server;
let api: RailwayApi;
let answer: unknown;

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end(JSON.stringify({ data: answer })));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  api = new RailwayApi({
    called: { title: 'Railway', name: 'railway' },
    clock: systemClock,
    credential: async () => ({}),
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
});
afterAll(() => server.close());

const PLACE = { projectId: 'p', environmentId: 'e', serviceId: 's' };

function there(
  values: object,
  listed: readonly (readonly [name: string, serviceId: string | null, isSealed?: boolean])[],
  hasNextPage = false,
): Promise<Variables> {
  const edges = listed.map(([name, serviceId, isSealed = false]) => ({
    node: { name, serviceId, isSealed },
  }));
  answer = { variables: values, environment: { variables: { edges, pageInfo: { hasNextPage } } } };
  return Variables.at(api, PLACE);
}

it('knows a variable that has a value and is listed, and one that has neither', async () => {
  const found = await there({ A: '1', ['__proto__']: 'x' }, [['A', 's']]);
  expect([found.valueOf('A'), found.valueOf('B')]).toEqual(['1', null]);
});

it('tells variables of one service from those of another, and from shared ones', async () => {
  const found = await there({ A: '1' }, [
    ['A', 's'],
    ['A', 'other'],
    ['B', null],
  ]);
  expect([found.valueOf('A'), found.valueOf('B'), found.names()]).toEqual(['1', null, ['A']]);
});

it('leaves what Railway adds by itself out of a replacement, and takes it for nobody’s own', async () => {
  const found = await there({ A: '1', RAILWAY_SERVICE_ID: 's' }, [['A', 's']]);
  expect(found.names()).toEqual(['A']);
  expect(() => found.valueOf('RAILWAY_SERVICE_ID')).toThrow(/Railway itself has a value/);
});

it.each<readonly [story: string, make: () => Promise<Variables>, name: string]>([
  ['sealed', () => there({}, [['A', 's', true]]), 'A'],
  ['sealed, with something in its place', () => there({ A: '****' }, [['A', 's', true]]), 'A'],
  ['listed without a value', () => there({}, [['A', 's']]), 'A'],
  ['a value that is no text', () => there({ A: 5 }, [['A', 's']]), 'A'],
  ['a value and not listed', () => there({ A: '1' }, []), 'A'],
  ['listed for another service only', () => there({ A: '1' }, [['A', 'other']]), 'A'],
  [
    'called like a field of objects, and not listed',
    () => there(JSON.parse('{"__proto__":"x"}'), []),
    '__proto__',
  ],
])('does not know one that is %s', async (_story, make, name) => {
  const found = await make();
  expect(() => found.valueOf(name)).toThrow(/read whole/);
  expect(() => found.names()).toThrow(/read whole/);
});

it('knows nothing where there is more than one answer holds, or the answer is another', async () => {
  await expect(there({ A: '1' }, [['A', 's']], true)).rejects.toThrow(/more than/);
  answer = { variables: ['A'], environment: { variables: { edges: [], pageInfo: {} } } };
  await expect(Variables.at(api, PLACE)).rejects.toThrow(/another shape/);
});

it('sets all values of one place by one field, and what is removed after it', () => {
  const at = { of: 'variable', ...PLACE } as const;
  const { body, provider } = new RailwayState(api).setting([
    { at: { ...at, name: 'A' }, title: 'A', value: '1' },
    { at: { ...at, name: 'B' }, title: 'B', value: null },
    { at: { ...at, name: '__proto__' }, title: 'P', value: '2' },
    { at: { of: 'service', serviceId: 's', name: 'name' }, title: 'name', value: '"old"' },
  ]);
  const said = JSON.parse(body.toString());
  expect(provider).toBe('railway');
  expect(said.query.match(/a\d: \w+/g)).toEqual([
    'a0: variableCollectionUpsert',
    'a1: serviceUpdate',
    'a2: variableDelete',
  ]);
  expect(Object.entries(said.variables.i0.variables)).toEqual([
    ['A', '1'],
    ['__proto__', '2'],
  ]);
  expect(said.variables).toMatchObject({ s1: 's', i1: { name: 'old' }, i2: { name: 'B' } });
});

it.each([
  'NIXPACKS_START_CMD',
  'railpack_build_cmd',
  'RAILWAY_DOCKERFILE_PATH',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'Path',
  'GIT_SSH_COMMAND',
  'npm_config_script_shell',
  'startCommand',
  'START-COMMAND',
  'start.cmd',
  'STARTCMD',
  'JAVA_OPTS',
  'GIT_SSH',
  'GIT_CONFIG_KEY_0',
  'npm_config_registry',
  'PIP_INDEX_URL',
  'RUSTC_WRAPPER',
  'LUA_INIT_5_4',
])('%s says what is run', (name) => {
  expect(saysWhatIsRun(name)).toBe(true);
});

it.each([
  'DATABASE_URL',
  'PGDATA',
  'LOG_LEVEL',
  'COMMANDER_KEY',
  'API_KEY',
  'PORT',
  'ENVIRONMENT',
  'GITHUB_TOKEN',
  'logLevel',
])('%s is ordinary', (name) => {
  expect(saysWhatIsRun(name)).toBe(false);
});

it.each([
  'NODE_OPTIONS=--require x',
  ' NODE_OPTIONS',
  'NODE_OPTIONS\n',
  'NODE_OPTIONS\0',
  'NODE\u200b_OPTIONS',
  '\uff2e\uff2f\uff24\uff25_OPTIONS',
  'A\u001b[2J',
  '',
])('%j may be another name elsewhere', (name) => {
  expect(isPlainName(name)).toBe(false);
});

it.each(['__proto__', 'spring.datasource.url', 'ConnectionStrings__Main', 'x-y'])(
  '%s is the same name everywhere',
  (name) => {
    expect(isPlainName(name)).toBe(true);
  },
);

it('takes back only what the catalogue marks, and nothing that holds data', () => {
  for (const name of INVERTED.keys()) {
    expect(MUTATIONS.get(name), name).toMatchObject({ hasInverse: true });
    // Of a volume the name only, and that loses nothing.
    const isName = MUTATIONS.get(name)?.class === 'ordinary';
    if (!isName) expect(['variable', 'service', 'domain']).toContain(MUTATIONS.get(name)?.type);
  }
});

const SCHEMA = resolve(import.meta.dirname, '../../../../../../../shared/data/railway-schema.json');

it('reads and sets nothing that Railway does not have', (ctx) => {
  if (!existsSync(SCHEMA)) ctx.skip("Railway's schema is not at hand");
  const { types } = JSON.parse(readFileSync(SCHEMA, 'utf8')).data.__schema;
  const namesOf = (type: string, of: 'fields' | 'inputFields'): string[] =>
    types
      .find(({ name }: { name: string }) => name === type)
      [of].map(({ name }: { name: string }) => name);
  const set: readonly (readonly [string, 'fields' | 'inputFields', readonly string[]])[] = [
    ['Mutation', 'fields', [...INVERTED.keys()]],
    ['ServiceInstance', 'fields', INSTANCE_SETTINGS],
    ['ServiceInstanceUpdateInput', 'inputFields', INSTANCE_SETTINGS],
    ['Service', 'fields', SERVICE_SETTINGS],
    ['ServiceUpdateInput', 'inputFields', SERVICE_SETTINGS],
    ['CustomDomain', 'fields', [...DOMAIN_SETTINGS, 'environmentId']],
    ['Variable', 'fields', ['name', 'serviceId', 'isSealed']],
    ['Environment', 'fields', ['variables']],
    ['Volume', 'fields', ['id', 'name']],
    ['VolumeUpdateInput', 'inputFields', ['name']],
    ['Project', 'fields', ['volumes']],
  ];
  for (const [type, of, names] of set)
    expect(namesOf(type, of)).toEqual(expect.arrayContaining([...names]));
});
