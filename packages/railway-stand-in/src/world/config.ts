/**
 * Environments as documents: the `EnvironmentConfig` that stands for one, and what applying another to
 * it does. A document carries any change there is, and deleting a bucket exists in no other form.
 * Null in a map removes the key; parts nobody here keeps are taken and change nothing.
 */
import { createHash } from 'node:crypto';
import { Refusal } from '../graphql/execute.ts';
import { isJsonObject, type Json, type JsonObject, objectOf } from '../graphql/json.ts';
import { scheduleOf } from './backups.ts';
import type { VolumeInstance } from './records.ts';
import { removeService, removeVolumeInstance } from './removal.ts';
import type { World } from './world.ts';

export function configOf(world: World, environmentId: string, decrypted: boolean): JsonObject {
  const values = (serviceId: string | null): JsonObject =>
    objectOf(
      [...world.variables(environmentId, serviceId)].map(
        ([name, value]) => [name, { value: decrypted ? value : '*****' }] as const,
      ),
    );
  const volumes = instancesIn(world, environmentId);
  const services = [...world.serviceInstances.values()]
    .filter((one) => one.environmentId === environmentId && one.deletedAtMs === null)
    .map(({ serviceId, settings }) => {
      const mounts = volumes.filter((one) => one.serviceId === serviceId);
      const deploy = objectOf([...settings].filter(([name]) => name !== 'source'));
      const volumeMounts = objectOf(
        mounts.map(({ volumeId, mountPath, schedules }) => {
          return [volumeId, { mountPath, backupSchedules: schedules.map((one) => one.kind) }];
        }),
      );
      const source = settings.get('source') ?? {};
      return [serviceId, { variables: values(serviceId), volumeMounts, deploy, source }] as const;
    });
  const buckets = [...world.buckets.values()].filter((one) =>
    one.environmentIds.has(environmentId),
  );
  return objectOf([
    ['services', objectOf(services)],
    ['sharedVariables', values(null)],
    ['volumes', objectOf(volumes.map(({ volumeId, sizeMB }) => [volumeId, { sizeMB }]))],
    ['buckets', objectOf(buckets.map(({ id }) => [id, {}]))],
  ]);
}

export function etagOf(world: World, environmentId: string): string {
  const config = JSON.stringify(configOf(world, environmentId, true));
  return createHash('sha256').update(config).digest('hex');
}

function instancesIn(world: World, environmentId: string): VolumeInstance[] {
  return [...world.volumeInstances.values()].filter(
    (one) => one.environmentId === environmentId && one.deletedAtMs === null,
  );
}

/** Throws before anything is done when it is no document. */
export async function applyConfig(world: World, environmentId: string, patch: Json): Promise<void> {
  if (!isJsonObject(patch)) throw new Refusal('The patch is no object.');
  const parts = (name: string): (readonly [string, Json])[] => {
    const part = patch[name];
    return isJsonObject(part) ? Object.entries(part) : [];
  };
  for (const [id, service] of parts('services'))
    await applyService(world, environmentId, id, service);
  applyVariables(world, environmentId, null, patch['sharedVariables']);
  for (const [id, volume] of parts('volumes')) {
    const instance = instancesIn(world, environmentId).find((one) => one.volumeId === id);
    if (instance === undefined) throw new Refusal('Volume not found', 'NOT_FOUND');
    if (volume === null || isDeleted(volume)) await removeVolumeInstance(world, instance);
    else if (isJsonObject(volume) && typeof volume['sizeMB'] === 'number') {
      instance.sizeMB = volume['sizeMB'];
    }
  }
  for (const [id, bucket] of parts('buckets')) {
    if (bucket !== null && !isDeleted(bucket)) continue;
    const { environmentIds } = world.bucket(id);
    environmentIds.delete(environmentId);
    if (environmentIds.size === 0) world.buckets.delete(id);
  }
}

async function applyService(
  world: World,
  environmentId: string,
  id: string,
  service: Json,
): Promise<void> {
  if (service === null || isDeleted(service)) return removeService(world, id, environmentId);
  if (!isJsonObject(service)) throw new Refusal('The patch of a service is no object.');
  const { settings } = world.serviceInstance(environmentId, id);
  applyVariables(world, environmentId, id, service['variables']);
  const deploy = service['deploy'];
  if (isJsonObject(deploy)) {
    for (const [name, value] of Object.entries(deploy)) settings.set(name, value);
  }
  if (service['source'] !== undefined) settings.set('source', service['source']);
  const mounts = service['volumeMounts'];
  for (const [volumeId, mount] of isJsonObject(mounts) ? Object.entries(mounts) : []) {
    const instance = instancesIn(world, environmentId).find((one) => one.volumeId === volumeId);
    if (instance === undefined) throw new Refusal('Volume not found', 'NOT_FOUND');
    if (mount === null) instance.serviceId = null;
    else if (isJsonObject(mount)) applyMount(world, instance, id, mount);
  }
}

function applyMount(world: World, instance: VolumeInstance, id: string, mount: JsonObject): void {
  instance.serviceId = id;
  const { mountPath, backupSchedules } = mount;
  if (typeof mountPath === 'string') instance.mountPath = mountPath;
  if (!Array.isArray(backupSchedules)) return;
  setSchedules(
    world,
    instance,
    backupSchedules.filter((one) => typeof one === 'string'),
  );
}

export function setSchedules(
  world: World,
  instance: VolumeInstance,
  kinds: readonly string[],
): void {
  for (const kind of kinds) scheduleOf(kind);
  const createdAtMs = world.now();
  instance.schedules = kinds.map((kind) => ({ id: world.newId(), kind, createdAtMs }));
}

function applyVariables(
  world: World,
  environmentId: string,
  serviceId: string | null,
  variables: Json | undefined,
): void {
  if (variables === undefined) return;
  const there = world.variables(environmentId, serviceId);
  if (variables === null) there.clear();
  if (!isJsonObject(variables)) return;
  for (const [name, given] of Object.entries(variables)) {
    const value = isJsonObject(given) ? given['value'] : given;
    if (value === null || value === undefined) there.delete(name);
    else there.set(name, typeof value === 'string' ? value : JSON.stringify(value));
  }
}

function isDeleted(part: Json): boolean {
  return isJsonObject(part) && part['isDeleted'] === true;
}

/** Laid over what is staged: maps are joined key by key, the later value wins. */
export function joined(under: Json, over: Json): Json {
  if (!isJsonObject(under) || !isJsonObject(over)) return over;
  const made = new Map<string, Json>(Object.entries(under));
  for (const [name, value] of Object.entries(over)) {
    made.set(name, joined(made.get(name) ?? null, value));
  }
  return objectOf(made);
}
