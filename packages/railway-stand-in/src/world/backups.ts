/** Backups of a volume's instance: made, put back, removed. */
import { backUpDisk, removeBackup, restoreDisk, wipeDisk } from '../disk/volume-disk.ts';
import { Refusal } from '../graphql/execute.ts';
import type { Backup, VolumeInstance } from './records.ts';
import type { World } from './world.ts';

export interface BackupFacts {
  readonly name: string | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly scheduleId: string | null;
}

export async function makeBackups(
  world: World,
  instance: VolumeInstance,
  facts: readonly BackupFacts[],
): Promise<readonly Backup[]> {
  const ids = facts.map(() => world.newId());
  const usedBytes = instance.disk === null ? 0 : await backUpDisk(instance.disk, ids);
  const made = facts.map((one, place): Backup => {
    return { ...one, id: ids[place] ?? '', volumeInstanceId: instance.id, usedBytes };
  });
  for (const backup of made) world.backups.set(backup.id, backup);
  return made;
}

/** The data of now is gone, and so are backups newer than the one put back (Railway's docs). */
export async function restoreBackup(
  world: World,
  instance: VolumeInstance,
  backupId: string,
): Promise<void> {
  const backup = world.backup(instance.id, backupId);
  if (instance.disk !== null) await restoreDisk(instance.disk, backup.id);
  for (const other of world.backupsOf(instance.id)) {
    if (other.createdAtMs > backup.createdAtMs) dropBackup(world, instance, other.id);
  }
  instance.state = 'READY';
}

export function dropBackup(world: World, instance: VolumeInstance, backupId: string): void {
  const { id } = world.backup(instance.id, backupId);
  world.backups.delete(id);
  if (instance.disk !== null) removeBackup(instance.disk, id);
}

/** Empties the volumes of services in the environment of a restore; backups stay. */
export async function wipeServices(
  world: World,
  environmentId: string,
  serviceIds: readonly string[],
): Promise<void> {
  for (const instance of world.volumeInstances.values()) {
    const { serviceId, disk } = instance;
    const isMeant = serviceId !== null && serviceIds.includes(serviceId);
    if (isMeant && instance.environmentId === environmentId && disk !== null) await wipeDisk(disk);
  }
}

const SECONDS_PER_DAY = 86_400;
/** Railway's own kinds: how often, and for how long each is kept. */
const KINDS: Readonly<Record<string, { readonly cron: string; readonly days: number }>> = {
  DAILY: { cron: '0 0 * * *', days: 6 },
  WEEKLY: { cron: '0 0 * * 0', days: 27 },
  MONTHLY: { cron: '0 0 1 * *', days: 89 },
};

export function scheduleOf(kind: string): {
  readonly cron: string;
  readonly retentionSeconds: number;
} {
  const known = KINDS[kind];
  if (known === undefined) throw new Refusal(`No schedule is called ${kind}.`);
  return { cron: known.cron, retentionSeconds: known.days * SECONDS_PER_DAY };
}
