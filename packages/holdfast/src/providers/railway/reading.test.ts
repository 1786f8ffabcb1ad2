import { expect, it } from 'vitest';
import { GraphqlReader } from '../../languages/graphql/reader.ts';
import { readRailway } from './reading.ts';

const reader = new GraphqlReader();
const read = (query: string, variables = {}) =>
  readRailway([reader.read({ query, variables, operationName: null })]);

/** `kind type name` of each effect, or the reason why nobody can tell. */
function effects(query: string, variables = {}): readonly string[] {
  const { reading } = read(query, variables);
  if (reading.kind === 'could-not-tell') return [reading.reason.code];
  return reading.effects.map(({ kind, object }) =>
    [kind, object?.type ?? '', object?.name ?? ''].join(' ').trim(),
  );
}

it.each([
  ['the call of the incident', 'mutation { volumeDelete(volumeId: "v") }', ['destroy volume v']],
  [
    'the undo of a deletion',
    'mutation { projectScheduleDeleteCancel(id: "p") }',
    ['write project p'],
  ],
  ['a query', '{ project(id: "p") { id name } }', ['read']],
  ['introspection', '{ __schema { types { name } } }', ['read']],
  [
    'a query that hands out secrets',
    '{ variables(projectId: "p", environmentId: "e") }',
    ['read', 'grant credential variables'],
  ],
  [
    'secrets deep inside',
    '{ environment(id: "e") { config(decryptVariables: true) } }',
    ['read', 'grant credential environment'],
  ],
  [
    'secrets behind a mutation',
    'mutation { environmentStageChanges(environmentId: "e", input: {services: {s: {name: "x"}}}) { patch(decryptVariables: true) } }',
    ['write service s', 'grant credential environmentStageChanges'],
  ],
  [
    'secrets that are not asked for',
    '{ environment(id: "e") { config(decryptVariables: false) } }',
    ['read'],
  ],
  [
    'an operation that is not in the catalogue',
    'mutation { volumeErase(volumeId: "v") }',
    ['unknown'],
  ],
  ['an operation called like a field of objects', 'mutation { constructor(id: "v") }', ['unknown']],
  [
    'a bucket, which goes by a document only',
    'mutation($p: EnvironmentConfig) { environmentPatchCommit(environmentId: "e", patch: $p) }',
    ['destroy bucket b'],
    { p: { buckets: { b: { isDeleted: true } } } },
  ],
  [
    'a document with everything',
    'mutation($p: EnvironmentConfig!) { environmentStageChanges(environmentId: "e", input: $p) { id } }',
    [
      'destroy service s',
      'destroy volume v',
      'destroy variable K',
      'execute service t',
      'destroy backup w',
    ],
    {
      p: {
        services: {
          s: { isDeleted: true },
          t: {
            variables: { K: null },
            deploy: { preDeployCommand: ['x'] },
            volumeMounts: { w: { backupSchedules: [] } },
          },
        },
        volumes: { v: { isDeleted: 1 } },
      },
    },
  ],
  [
    'a removal by null',
    'mutation { environmentPatchCommit(environmentId: "e", patch: {volumes: {v: null}, services: null}) }',
    ['destroy volume v', 'destroy service'],
  ],
  [
    'a part that nobody knows',
    'mutation { environmentPatchCommit(environmentId: "e", patch: {disks: {v: null}}) }',
    ['unknown environment disks'],
  ],
  [
    'a part called like a field of objects',
    'mutation($p: X) { environmentPatchCommit(environmentId: "e", patch: $p) }',
    ['unknown environment toString'],
    { p: { toString: {} } },
  ],
  [
    'a document that is none',
    'mutation { environmentPatchCommit(environmentId: "e", patch: "x") }',
    ['unknown environment'],
  ],
  [
    'no document',
    'mutation { environmentPatchCommit(environmentId: "e") }',
    ['unknown environment e'],
  ],
  [
    'a change set that calls itself safe',
    'mutation($i: JSON!) { environmentApplyChangeSet(environmentId: "e", input: $i) { id } }',
    ['destroy other volume.data'],
    {
      i: {
        version: 1,
        changes: [{ kind: 'resource.delete', address: 'volume.data', severity: 'safe' }],
      },
    },
  ],
  [
    'a change set of another version',
    'mutation($i: JSON!) { environmentApplyChangeSet(environmentId: "e", input: $i) { id } }',
    ['unknown environment'],
    { i: { version: 2, changes: [] } },
  ],
  [
    'a command before each deployment',
    'mutation { serviceInstanceUpdate(serviceId: "s", input: {preDeployCommand: ["x"]}) }',
    ['reshape service s', 'execute service s'],
  ],
  [
    'two acts, one of them harmless',
    'mutation { a: volumeUpdate(volumeId: "v", input: {name: "x"}) { id } b: volumeDelete(volumeId: "v") }',
    ['write volume v', 'destroy volume v'],
  ],
])('%s', (_story, query, expected, variables?: object) => {
  expect([...effects(query, { ...variables })].sort()).toEqual([...expected].sort());
});

it('asks for what is staged before it is committed', () => {
  const { reading, lookups } = read(
    'mutation { environmentPatchCommitStaged(environmentId: "e") }',
  );
  expect(lookups).toEqual([{ kind: 'staged', environmentId: 'e' }]);
  // Until it is known, it could be anything.
  expect(reading.effects.map(({ kind }) => kind)).toEqual(['unknown']);
});

it('asks for the variables that a replacement would remove', () => {
  const { lookups } = read(
    'mutation { variableCollectionUpsert(input: {projectId: "p", environmentId: "e", replace: true, variables: {A: "1"}}) }',
  );
  expect(lookups).toMatchObject([{ kind: 'variables', environmentId: 'e', given: ['A'] }]);
});

it.each([
  ['a volume has no other', 'mutation { volumeDelete(volumeId: "v") }', ['volume v']],
  [
    'what an id means hangs on the operation',
    'mutation { environmentDelete(id: "e") }',
    ['environment e'],
  ],
  [
    'ids inside of input',
    'mutation { variableUpsert(input: {projectId: "p", environmentId: "e", name: "A", value: "1"}) }',
    ['project p', 'environment e'],
  ],
  ['an id that is a number', 'mutation { cloudAgentDelete(id: 5) }', ['id 5']],
  ['none', 'mutation { userDelete }', []],
  [
    'an environment that limits nothing',
    'mutation { egressGatewayAssociationsClear(input: {environmentId: "e", serviceId: "s", allEnvironments: true}) }',
    ['service s'],
  ],
])('places: %s', (_story, query, expected) => {
  expect(
    read(query)
      .places.flat()
      .map(({ type, id }) => `${type} ${id}`),
  ).toEqual(expected);
});

it('keeps the places of two calls apart, so that one does not narrow the other', () => {
  const { places } = read(
    'mutation { environmentRename(id: "staging", input: {name: "x"}) { id } volumeDelete(volumeId: "v") }',
  );
  expect(places).toEqual([[{ type: 'environment', id: 'staging' }], [{ type: 'volume', id: 'v' }]]);
});
