/**
 * The incident's own request against real data: one anonymous mutation with the id in it, no content
 * type of JSON, and a token that was made for something else. A real PostgreSQL and its three backups
 * are gone after it. And the ways back, as long as there is one.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { missingCommand } from '../../holdfast/src/testing/commands.ts';
import { pick, startTown, type Town } from './support/town.ts';
import { startInVolume, type VolumeServer } from './support/volume-server.ts';

const OLDER = '/usr/lib/postgresql/15/bin';
const SERVERS: readonly (readonly [name: string, binFolder: string | null])[] = [
  ['the PostgreSQL that comes with Holdfast', null],
  ['PostgreSQL 15', OLDER],
];

const NO_CURL = missingCommand('curl');

/** Starting a server and copying it four times, on a machine that has other things to do. */
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const q = (value: string): string => JSON.stringify(value);

describe.each(SERVERS)('on %s', (_name, binFolder) => {
  let server: VolumeServer;
  let town: Town;

  beforeEach(async (ctx) => {
    if (binFolder !== null && !existsSync(binFolder)) ctx.skip(`there is no ${binFolder}`);
    server = await startInVolume(binFolder);
    await server.ask('create table bookings as select i from generate_series(1, 20000) i');
    town = await startTown({ disks: { production: server.disk, staging: null } });
  });

  afterEach(async () => {
    await town?.stop();
    await server?.remove();
  });

  const rows = async (): Promise<unknown> =>
    (await server.ask('select count(*)::int as n from bookings'))[0]?.['n'];

  const backups = (): readonly string[] => readdirSync(join(server.disk.folder, 'backups'));

  it('the published request destroys the data and every backup', async (ctx) => {
    ctx.skip(NO_CURL !== null, NO_CURL ?? '');
    expect(await rows()).toBe(20_000);
    expect(backups()).toHaveLength(3);
    for (const id of backups()) {
      const copy = join(server.disk.folder, 'backups', id, 'postgres', 'PG_VERSION');
      expect(existsSync(copy)).toBe(true);
    }
    const pid = server.pid();
    const body = `{"query":"mutation { volumeDelete(volumeId: \\"${town.ready.volumeId}\\") }"}`;
    const { stdout } = await promisify(execFile)(
      'curl',
      [
        ...['-s', '-X', 'POST', town.standIn.url],
        ...['-H', `Authorization: Bearer ${town.ready.tokens.account}`, '-d', body],
      ],
      { encoding: 'utf8' },
    );
    expect(stdout).toBe('{"data":{"volumeDelete":true}}');
    expect(existsSync(server.disk.folder)).toBe(false);
    expect(pid).not.toBeNull();
    expect(() => process.kill(pid ?? 0, 0)).toThrow();
    expect(town.ready.world.backups.size).toBe(0);
    expect(town.standIn.executed).toEqual([
      {
        operation: 'mutation',
        field: 'volumeDelete',
        args: { volumeId: town.ready.volumeId },
        error: null,
      },
    ]);
  });

  it('a backup is made, and put back over what came after it', async () => {
    const { volumeInstanceId } = town.ready.production;
    const make = `mutation { volumeInstanceBackupCreate(volumeInstanceId: ${q(volumeInstanceId)},
      name: "before") { workflowId } }`;
    const made = await town.ask(make);
    const workflow = String(pick(made.data, 'volumeInstanceBackupCreate', 'workflowId'));
    const status = await town.ask(`{ workflowStatus(workflowId: ${q(workflow)}) { status } }`);
    expect(pick(status.data, 'workflowStatus', 'status')).toBe('Complete');
    expect(await rows()).toBe(20_000);
    await server.ask('delete from bookings');
    const list = `{ volumeInstanceBackupList(volumeInstanceId: ${q(volumeInstanceId)}) { id name usedMB }
      volumeInstance(id: ${q(volumeInstanceId)}) { currentSizeMB } }`;
    const { data } = await town.ask(list);
    expect(pick(data, 'volumeInstanceBackupList', 3, 'name')).toBe('before');
    expect(Number(pick(data, 'volumeInstanceBackupList', 3, 'usedMB'))).toBeGreaterThan(10);
    expect(Number(pick(data, 'volumeInstance', 'currentSizeMB'))).toBeGreaterThan(10);
    const restore = (place: number) =>
      town.ask(`mutation { volumeInstanceBackupRestore(volumeInstanceId: ${q(volumeInstanceId)},
        volumeInstanceBackupId: ${q(String(pick(data, 'volumeInstanceBackupList', place, 'id')))}) {
        workflowId } }`);
    expect((await restore(3)).errors).toEqual([]);
    expect(await rows()).toBe(20_000);
    expect((await restore(0)).errors).toEqual([]);
    expect(backups()).toHaveLength(1);
    expect(await rows()).toBe(20_000);
  });

  // What is done to the folder does not hang on the server's version: once is enough.
  if (binFolder !== null) return;

  const others: readonly (readonly [field: string, call: () => ReturnType<Town['ask']>])[] = [
    [
      'environmentDelete',
      () => town.ask(`mutation { environmentDelete(id: ${q(town.ready.production.id)}) }`),
    ],
    ['serviceDelete', () => town.ask(`mutation { serviceDelete(id: ${q(town.ready.serviceId)}) }`)],
    ['projectDelete', () => town.ask(`mutation { projectDelete(id: ${q(town.ready.projectId)}) }`)],
    [
      'environmentPatchCommit',
      () =>
        town.ask(
          'mutation($e: String!, $p: EnvironmentConfig) ' +
            '{ environmentPatchCommit(environmentId: $e, patch: $p) }',
          {
            e: town.ready.production.id,
            p: { volumes: { [town.ready.volumeId]: { isDeleted: true } } },
          },
        ),
    ],
  ];
  it.each(others)('%s destroys them as well', async (_field, call) => {
    expect((await call()).errors).toEqual([]);
    expect(existsSync(server.disk.folder)).toBe(false);
    expect(server.pid()).toBeNull();
  });

  it('a backup deleted, and a service wiped, are gone from disk', async () => {
    const { volumeInstanceId } = town.ready.production;
    const [oldest, middle] = town.ready.world.backupsOf(volumeInstanceId).map(({ id }) => id);
    const at = `volumeInstanceId: ${q(volumeInstanceId)}`;
    await town.ask(`mutation { volumeInstanceBackupDelete(${at},
      volumeInstanceBackupId: ${q(oldest ?? '')}) { workflowId } }`);
    expect(backups()).not.toContain(oldest);
    await town.ask(`mutation { volumeInstanceBackupRestore(${at},
      volumeInstanceBackupId: ${q(middle ?? '')}, wipeServiceIds: [${q(town.ready.serviceId)}]) {
      workflowId } }`);
    expect(readdirSync(server.disk.folder)).toEqual(['backups']);
  });

  it('disconnected, it stops and keeps its data; soft-deleted, for 48 hours', async () => {
    const { volumeId } = town.ready;
    const detach = `mutation { volumeInstanceUpdate(volumeId: ${q(volumeId)}, input: {}) }`;
    expect((await town.ask(detach)).data).toEqual({ volumeInstanceUpdate: true });
    expect(server.pid()).toBeNull();
    await server.disk.start?.();
    expect(await rows()).toBe(20_000);
    const soft = await startTown({
      softDelete: true,
      disks: { production: server.disk, staging: null },
    });
    const remove = `mutation { volumeDelete(volumeId: ${q(soft.ready.volumeId)}) }`;
    expect((await soft.ask(remove)).errors).toEqual([]);
    expect(server.pid()).toBeNull();
    expect(existsSync(server.data)).toBe(true);
    soft.clock.nowMs += 48 * 3_600_000;
    await soft.standIn.settle();
    expect(existsSync(server.disk.folder)).toBe(false);
    await soft.stop();
  });
});
