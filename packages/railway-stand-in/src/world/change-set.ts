/**
 * A RailwayChangeSet of version 1, applied. What severity it claims for itself is not looked at.
 *
 * How addresses are written is not published; here they are `KIND.NAME` or `KIND.ID` with the kinds
 * service, volume, bucket and environment (its shared variables), and a variable is named by `path`.
 */
import { Refusal } from '../graphql/execute.ts';
import { isJsonObject, type Json, type JsonObject, objectOf } from '../graphql/json.ts';
import { applyConfig } from './config.ts';
import type { World } from './world.ts';

export async function applyChangeSet(
  world: World,
  environmentId: string,
  set: Json,
): Promise<void> {
  for (const patch of patchesOf(world, environmentId, set)) {
    await applyConfig(world, environmentId, patch);
  }
}

/** Each change as a patch; throws before anything is done when one of them cannot be read. */
export function patchesOf(world: World, environmentId: string, set: Json): readonly Json[] {
  const changes = isJsonObject(set) && set['version'] === 1 ? set['changes'] : undefined;
  if (!Array.isArray(changes)) throw new Refusal('It is no change set of version 1.');
  return changes.map((change: Json) => {
    if (!isJsonObject(change)) throw new Refusal('A change is no object.');
    return patchOf(world, environmentId, change);
  });
}

function patchOf(world: World, environmentId: string, change: JsonObject): Json {
  const { kind, address, path, value = null } = change;
  if (typeof address !== 'string') throw new Refusal('A change has no address.');
  const dot = address.indexOf('.');
  const type = dot < 0 ? address : address.slice(0, dot);
  const id = idOf(world, environmentId, type, dot < 0 ? '' : address.slice(dot + 1));
  const part = (what: Json): Json => {
    if (type === 'environment') throw new Refusal('A change set does not reach that far.');
    return objectOf([[`${type}s`, objectOf([[id, what]])]]);
  };
  switch (kind) {
    case 'resource.delete':
      return part({ isDeleted: true });
    case 'resource.update':
      return part(value);
    case 'variable.set':
    case 'variable.delete': {
      if (typeof path !== 'string') throw new Refusal('A variable has no name.');
      const given = kind === 'variable.set' ? { value } : null;
      const variables = objectOf([[path, given]]);
      return type === 'service' ? part({ variables }) : { sharedVariables: variables };
    }
    default:
      throw new Refusal(`Nothing here applies ${JSON.stringify(kind ?? null)}.`);
  }
}

function idOf(world: World, environmentId: string, type: string, name: string): string {
  const { projectId } = world.environment(environmentId);
  const all = { service: world.services, volume: world.volumes, bucket: world.buckets };
  if (type === 'environment') return environmentId;
  if (type !== 'service' && type !== 'volume' && type !== 'bucket') {
    throw new Refusal(`Nothing here is called ${type}.`);
  }
  for (const one of all[type].values()) {
    const isMeant = one.id === name || one.name === name;
    if (isMeant && one.projectId === projectId) return one.id;
  }
  throw new Refusal(`${type} not found`, 'NOT_FOUND');
}
