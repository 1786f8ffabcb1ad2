/**
 * What goes with what. A deleted environment takes its services and volumes along, a project its
 * environments, a workspace its projects; a volume takes its data and its backups, in every environment.
 *
 * With `softDelete` these mark, what ran on the data is stopped, and `settle` does the rest 48 hours
 * later. Whether Railway's soft delete covers services and environments is not known; here it covers all.
 * That a deleted service takes its volume along is the worst of what may be so, and is taken for so.
 */
import { destroyDisk, removeBackup } from '../disk/volume-disk.ts';
import type { VolumeInstance } from './records.ts';
import { GRACE_MS, type World } from './world.ts';

export async function removeVolumeInstance(world: World, instance: VolumeInstance): Promise<void> {
  if (world.softDelete && instance.deletedAtMs === null) {
    instance.deletedAtMs = world.now();
    instance.state = 'DELETING';
    await instance.disk?.stop();
    return;
  }
  if (!world.softDelete) await goVolumeInstance(world, instance);
}

async function goVolumeInstance(world: World, instance: VolumeInstance): Promise<void> {
  world.volumeInstances.delete(instance.id);
  for (const { id } of world.backupsOf(instance.id)) world.backups.delete(id);
  if (world.instancesOfVolume(instance.volumeId).length === 0) {
    world.volumes.delete(instance.volumeId);
  }
  if (instance.disk !== null) await destroyDisk(instance.disk);
}

export async function removeVolume(world: World, volumeId: string): Promise<void> {
  const volume = world.volume(volumeId);
  for (const instance of world.instancesOfVolume(volume.id)) {
    await removeVolumeInstance(world, instance);
  }
  if (!world.softDelete) world.volumes.delete(volume.id);
}

/** In one environment, or (null) in all of them and the service itself. */
export async function removeService(
  world: World,
  serviceId: string,
  environmentId: string | null,
): Promise<void> {
  const service = world.service(serviceId);
  const isHere = (at: string): boolean => environmentId === null || at === environmentId;
  for (const instance of [...world.volumeInstances.values()]) {
    if (instance.serviceId === serviceId && isHere(instance.environmentId)) {
      await removeVolumeInstance(world, instance);
    }
  }
  for (const instance of [...world.serviceInstances.values()]) {
    if (instance.serviceId !== serviceId || !isHere(instance.environmentId)) continue;
    if (world.softDelete) instance.deletedAtMs ??= world.now();
    else goServiceInstance(world, instance.id);
  }
  if (environmentId !== null) return;
  if (world.softDelete) service.deletedAtMs ??= world.now();
  else world.services.delete(serviceId);
}

function goServiceInstance(world: World, id: string): void {
  const instance = world.serviceInstances.get(id);
  if (instance === undefined) return;
  world.serviceInstances.delete(id);
  world.variables(instance.environmentId, instance.serviceId).clear();
  for (const thing of [...world.things.values()]) {
    const isHere = thing.environmentId === instance.environmentId;
    if (isHere && thing.serviceId === instance.serviceId) world.things.delete(thing.id);
  }
}

export async function removeEnvironment(world: World, environmentId: string): Promise<void> {
  const environment = world.environment(environmentId);
  for (const instance of [...world.volumeInstances.values()]) {
    if (instance.environmentId === environmentId) await removeVolumeInstance(world, instance);
  }
  if (world.softDelete) {
    environment.deletedAtMs ??= world.now();
    return;
  }
  goEnvironment(world, environmentId);
}

function goEnvironment(world: World, environmentId: string): void {
  for (const instance of [...world.serviceInstances.values()]) {
    if (instance.environmentId === environmentId) goServiceInstance(world, instance.id);
  }
  world.variables(environmentId, null).clear();
  for (const bucket of [...world.buckets.values()]) {
    bucket.environmentIds.delete(environmentId);
    if (bucket.environmentIds.size === 0) world.buckets.delete(bucket.id);
  }
  for (const thing of [...world.things.values()]) {
    if (thing.environmentId === environmentId) world.things.delete(thing.id);
  }
  for (const token of [...world.tokens.values()]) {
    const isOf = token.kind === 'project' && token.environmentId === environmentId;
    if (isOf) world.tokens.delete(token.id);
  }
  world.environments.delete(environmentId);
}

/** Marks it, whatever `softDelete` says: that operation always had a grace. */
export async function scheduleProject(world: World, projectId: string): Promise<void> {
  world.project(projectId).deletedAtMs ??= world.now();
}

export async function removeProject(world: World, projectId: string): Promise<void> {
  if (!world.softDelete) return goProject(world, projectId);
  await scheduleProject(world, projectId);
  for (const { id } of world.environmentsOf(projectId)) await removeEnvironment(world, id);
}

/** Now, marked or not. */
export async function goProject(world: World, projectId: string): Promise<void> {
  world.project(projectId);
  for (const { id } of world.environmentsOf(projectId)) {
    for (const instance of [...world.volumeInstances.values()]) {
      if (instance.environmentId === id) await goVolumeInstance(world, instance);
    }
    goEnvironment(world, id);
  }
  for (const map of [world.services, world.volumes, world.buckets]) {
    for (const one of [...map.values()]) if (one.projectId === projectId) map.delete(one.id);
  }
  for (const thing of [...world.things.values()]) {
    if (thing.projectId === projectId) world.things.delete(thing.id);
  }
  world.projects.delete(projectId);
}

export async function removeWorkspace(world: World, workspaceId: string): Promise<void> {
  world.workspace(workspaceId);
  for (const project of [...world.projects.values()]) {
    if (project.workspaceId === workspaceId) await removeProject(world, project.id);
  }
  for (const token of [...world.tokens.values()]) {
    const isOf = token.kind === 'workspace' && token.workspaceId === workspaceId;
    if (isOf) world.tokens.delete(token.id);
  }
  world.workspaces.delete(workspaceId);
}

export async function removeUser(world: World, userId: string): Promise<void> {
  for (const workspace of [...world.workspaces.values()]) {
    if (workspace.ownerId === userId) await removeWorkspace(world, workspace.id);
  }
  for (const token of [...world.tokens.values()]) {
    if (token.kind === 'account' && token.userId === userId) world.tokens.delete(token.id);
  }
  world.users.delete(userId);
}

/** Does what the grace was given for. */
export async function settle(world: World): Promise<void> {
  const isOver = (at: number | null): boolean => at !== null && world.now() - at >= GRACE_MS;
  for (const project of [...world.projects.values()]) {
    if (isOver(project.deletedAtMs)) await goProject(world, project.id);
  }
  for (const instance of [...world.volumeInstances.values()]) {
    if (isOver(instance.deletedAtMs)) await goVolumeInstance(world, instance);
  }
  for (const { id, deletedAtMs } of [...world.environments.values()]) {
    if (isOver(deletedAtMs)) goEnvironment(world, id);
  }
  for (const { id, deletedAtMs } of [...world.serviceInstances.values()]) {
    if (isOver(deletedAtMs)) goServiceInstance(world, id);
  }
  for (const { id, deletedAtMs } of [...world.services.values()]) {
    if (isOver(deletedAtMs)) world.services.delete(id);
  }
  for (const { id, expiresAtMs, volumeInstanceId } of [...world.backups.values()]) {
    if (expiresAtMs === null || world.now() < expiresAtMs) continue;
    world.backups.delete(id);
    const disk = world.volumeInstances.get(volumeInstanceId)?.disk ?? null;
    if (disk !== null) removeBackup(disk, id);
  }
}
