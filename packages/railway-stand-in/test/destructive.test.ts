/**
 * The twenty-eight operations that destroy data, what holds it or the way back to it (twenty-four by
 * name, four by document), each tried against a world and looked at before and after.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { etagOf } from '../src/world/config.ts';
import { destroyersIn, quoted as q } from './support/destroyers.ts';
import { furnish, pick, startTown, type Town } from './support/town.ts';

let town: Town;
let extra: ReturnType<typeof furnish>;

beforeEach(async () => {
  town = await startTown();
  extra = furnish(town);
});

afterEach(() => town.stop());

const world = () => town.ready.world;
const production = () => town.ready.production;
const at = () => `environmentId: ${q(production().id)}, projectId: ${q(town.ready.projectId)}`;
const backups = () => world().backupsOf(production().volumeInstanceId);
const variables = () => [...world().variables(production().id, town.ready.serviceId).keys()];
const cluster = () => `input: { ${at()}, rootServiceId: ${q(extra.rootId)}`;
const CASES = destroyersIn(() => ({ town, extra }));

describe('each destructive operation does what it says', () => {
  it.each(CASES.map((one) => [one.field, one] as const))('%s', async (field, one) => {
    expect(one.look()).toEqual(one.before);
    const reply = await town.ask(`mutation { ${field}${one.call()} }`);
    expect(reply.errors).toEqual([]);
    expect(reply.status).toBe(200);
    expect(one.look()).toEqual(one.after);
    expect(town.standIn.executed.map(({ operation, error }) => [operation, error])).toEqual([
      ['mutation', null],
    ]);
    expect(town.standIn.executed[0]?.field).toBe(field);
  });
});

describe('documents carry any delete', () => {
  const commit =
    'mutation($e: String!, $p: EnvironmentConfig) {' +
    ' environmentPatchCommit(environmentId: $e, patch: $p) }';
  const stage =
    'mutation($e: String!, $p: EnvironmentConfig!, $m: Boolean) {' +
    ' environmentStageChanges(environmentId: $e, input: $p, merge: $m) { id status patch } }';
  const commitStaged = 'mutation($e: String!) { environmentPatchCommitStaged(environmentId: $e) }';
  const apply =
    'mutation($e: String!, $i: JSON!, $t: String) {' +
    ' environmentApplyChangeSet(environmentId: $e, input: $i, baseConfigEtag: $t) { status } }';

  it('environmentPatchCommit deletes volumes, buckets, services, variables, schedules', async () => {
    const { volumeId, bucketId, serviceId } = town.ready;
    const e = production().id;
    const patch = {
      services: {
        [serviceId]: {
          variables: { DATABASE_URL: null, NEW: { value: 'x' } },
          volumeMounts: { [volumeId]: { backupSchedules: [] } },
          deploy: { preDeployCommand: ['rm -rf /data'] },
        },
        [extra.replicaId]: { isDeleted: true },
      },
      sharedVariables: { REGION: null },
      buckets: { [bucketId]: { isDeleted: true } },
    };
    expect((await town.ask(commit, { e, p: patch })).errors).toEqual([]);
    expect(variables()).toEqual(['PGDATA', 'NEW']);
    expect(world().variables(e, null).size).toBe(0);
    expect(world().buckets.has(bucketId)).toBe(false);
    expect(world().volumes.has(extra.replicaVolumeId)).toBe(false);
    expect(world().volumeInstance(production().volumeInstanceId).schedules).toEqual([]);
    const { settings } = world().serviceInstance(e, serviceId);
    expect(settings.get('preDeployCommand')).toEqual(['rm -rf /data']);
    await town.ask(commit, { e, p: { volumes: { [volumeId]: { isDeleted: true } } } });
    expect(backups()).toEqual([]);
    expect(world().instancesOfVolume(volumeId)).toHaveLength(1);
  });

  it('environmentStageChanges changes nothing, environmentPatchCommitStaged does', async () => {
    const e = production().id;
    const { bucketId, volumeId } = town.ready;
    const first = { buckets: { [bucketId]: { isDeleted: true } } };
    await town.ask(stage, { e, p: first, m: true });
    const second = { volumes: { [volumeId]: { isDeleted: true } } };
    const staged = await town.ask(stage, { e, p: second, m: true });
    expect(pick(staged.data, 'environmentStageChanges', 'status')).toBe('STAGED');
    const read = `{ environmentStagedChanges(environmentId: ${q(e)}) { patch }
      environment(id: ${q(e)}) { unmergedChangesCount } }`;
    const { data } = await town.ask(read);
    expect(pick(data, 'environmentStagedChanges', 'patch')).toEqual({ ...first, ...second });
    expect(pick(data, 'environment', 'unmergedChangesCount')).toBe(1);
    expect(world().buckets.has(bucketId)).toBe(true);
    expect((await town.ask(commitStaged, { e })).errors).toEqual([]);
    expect(world().buckets.has(bucketId)).toBe(false);
    expect(backups()).toEqual([]);
    expect((await town.ask(commitStaged, { e })).errors[0]?.message).toMatch(/no staged changes/);
    expect(pick((await town.ask(read)).data, 'environmentStagedChanges', 'patch')).toEqual({});
  });

  it('a patch of null commits what is staged, and staging without merge replaces', async () => {
    const e = production().id;
    const { bucketId } = town.ready;
    await town.ask(stage, { e, p: { buckets: { [bucketId]: { isDeleted: true } } } });
    await town.ask(stage, { e, p: { sharedVariables: { REGION: null } } });
    await town.ask(commit, { e, p: null });
    expect(world().buckets.has(bucketId)).toBe(true);
    expect(world().variables(e, null).size).toBe(0);
  });

  it('environmentApplyChangeSet, whatever severity it claims', async () => {
    const e = production().id;
    const remove = { kind: 'resource.delete', address: 'volume.postgres-volume', severity: 'safe' };
    const i = { version: 1, changes: [remove] };
    const stale = await town.ask(apply, { e, i, t: 'another' });
    expect(stale.errors[0]?.message).toMatch(/changed/);
    expect(backups()).toHaveLength(3);
    const preview = `mutation($i: JSON!) {
      environmentPreviewChangeSet(environmentId: ${q(e)}, input: $i) { effects } }`;
    expect((await town.ask(preview, { i })).errors).toEqual([]);
    expect(backups()).toHaveLength(3);
    expect((await town.ask(apply, { e, i, t: etagOf(world(), e) })).errors).toEqual([]);
    expect(backups()).toEqual([]);
  });

  it('a change set of variables, and one that cannot be read whole', async () => {
    const e = production().id;
    const unset = { kind: 'variable.delete', address: 'service.postgres', path: 'DATABASE_URL' };
    const unknown = { kind: 'resource.explode', address: 'service.postgres' };
    const bad = await town.ask(apply, { e, i: { version: 1, changes: [unset, unknown] } });
    expect(bad.errors).toHaveLength(1);
    expect(variables()).toContain('DATABASE_URL');
    await town.ask(apply, { e, i: { version: 1, changes: [unset] } });
    expect(variables()).toEqual(['PGDATA']);
  });

  it('templateRevert may stage only', async () => {
    const reply = await town.ask(
      `mutation { templateRevert(${cluster()}, templateCode: "p", stageOnly: true }) { projectId } }`,
    );
    expect(reply.errors).toEqual([]);
    expect(world().services.has(extra.replicaId)).toBe(true);
    await town.ask(commitStaged, { e: production().id });
    expect(world().volumes.has(extra.replicaVolumeId)).toBe(false);
  });
});

it('knows the twenty-eight', () => {
  const tried = new Set(CASES.map(({ field }) => field));
  expect(tried.size + 4).toBe(28);
});
