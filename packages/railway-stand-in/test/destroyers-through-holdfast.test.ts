/**
 * Each operation of Railway that destroys, asked for through Holdfast with both tokens of an agent: none
 * of them reaches Railway, and the world stays as it was.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Destroyer, destroyersIn } from './support/destroyers.ts';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { furnish, startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let town: Town;
let extra: ReturnType<typeof furnish>;
let guarded: Guarded;

beforeAll(async () => {
  town = await startTown();
  extra = furnish(town);
  guarded = await startGuarded(town, null);
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
});

const changed = (): readonly string[] =>
  town.standIn.executed
    .filter(({ operation }) => operation === 'mutation')
    .map(({ field }) => field);

async function ask(token: string, query: string, variables = {}): Promise<string> {
  const response = await fetch(guarded.base, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  return await response.text();
}

const DESTROYERS = destroyersIn(() => ({ town, extra }));

it.each(DESTROYERS.map((one): [string, Destroyer] => [one.field, one]))(
  '%s waits for people, or is not for this token',
  async (field, { before, call, look }) => {
    expect(look()).toEqual(before);
    const query = `mutation { ${field}${call()} }`;
    expect(await ask(guarded.tokens.production, query)).toMatch(/HF_HELD/);
    expect(await ask(guarded.tokens.staging, query)).toMatch(/HF_HELD|HF_TARGET_FORBIDDEN/);
    expect(changed()).toEqual([]);
    expect(look()).toEqual(before);
  },
);

it.each<readonly [field: string, query: string, given: () => object]>([
  [
    'environmentPatchCommit',
    'mutation($e: String!, $p: EnvironmentConfig) { environmentPatchCommit(environmentId: $e, patch: $p) }',
    () => ({ p: { volumes: { [town.ready.volumeId]: { isDeleted: true } } } }),
  ],
  [
    'environmentPatchCommitStaged',
    'mutation($e: String!) { environmentPatchCommitStaged(environmentId: $e) }',
    () => ({}),
  ],
  [
    'environmentApplyChangeSet',
    'mutation($e: String!, $i: JSON!) { environmentApplyChangeSet(environmentId: $e, input: $i) { status } }',
    () => {
      const address = 'volume.postgres-volume';
      const changes = [{ kind: 'resource.delete', address, severity: 'safe' }];
      return { i: { version: 1, changes } };
    },
  ],
  [
    'environmentStageChanges',
    'mutation($e: String!, $p: EnvironmentConfig!) { environmentStageChanges(environmentId: $e, input: $p) { id } }',
    () => ({ p: { services: { [town.ready.serviceId]: { isDeleted: true } } } }),
  ],
])('the document of %s is opened, and what it deletes is held', async (_field, query, given) => {
  const size = town.ready.world.backups.size;
  const variables = { e: town.ready.production.id, ...given() };
  expect(await ask(guarded.tokens.production, query, variables)).toMatch(/HF_HELD/);
  expect(changed()).toEqual([]);
  expect(town.ready.world.backups.size).toBe(size);
});
