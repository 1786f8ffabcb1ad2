/**
 * Railway's opaque documents, opened: what would applying them do? Three operations take a document
 * that can carry any other act (deleting a bucket exists in no other form), so each part of it becomes
 * an effect of its own, and a part nobody knows becomes `unknown`.
 *
 * `EnvironmentConfig` is a map of maps in which null removes the key. A change set says of itself how
 * severe it is; that is the sender's word, and is not looked at.
 */

import { isObject, type Json } from '../../languages/json/json-text.ts';
import type { Effect, EffectKind, ObjectType } from '../../model/effect.ts';

/** What is done to which resource. */
type Found = (
  kind: EffectKind,
  type: ObjectType,
  name: string,
  why: string,
  reach?: Effect['reach'],
) => void;

/** Effects of applying an `EnvironmentConfig`; `verb` is the operation that carries it. */
export function effectsOfConfig(verb: string, config: Json): readonly Effect[] {
  return gathered(verb, (found) => {
    if (!isObject(config)) return found('unknown', 'environment', '', 'the document is no object');
    for (const [key, value] of Object.entries(config)) {
      const part = PARTS.get(key);
      if (part === undefined) found('unknown', 'environment', key, `nobody knows what ${key} does`);
      else part(value, found);
    }
  });
}

/** Effects of a `RailwayChangeSet`. */
export function effectsOfChangeSet(verb: string, set: Json): readonly Effect[] {
  return gathered(verb, (found) => {
    const changes = isObject(set) && set['version'] === 1 ? set['changes'] : undefined;
    if (!Array.isArray(changes)) {
      return found('unknown', 'environment', '', 'it is no change set of version 1');
    }
    for (const change of changes) {
      const kind = isObject(change) ? change['kind'] : undefined;
      const address = isObject(change) ? change['address'] : undefined;
      const name = typeof address === 'string' ? address : '';
      switch (kind) {
        case 'resource.create':
          found('write', 'other', name, 'it makes a resource');
          break;
        case 'resource.update':
          found('reshape', 'other', name, 'it changes a resource');
          break;
        case 'resource.delete':
          found('destroy', 'other', name, 'it deletes a resource', 'cascade');
          break;
        case 'variable.set':
          found('destroy', 'variable', name, 'it sets a variable; the old value is lost', 'rows');
          break;
        case 'variable.delete':
          found('destroy', 'variable', name, 'it removes a variable', 'rows');
          break;
        default:
          found('unknown', 'other', name, `nobody knows what ${shown(kind)} does`);
      }
    }
  });
}

type Part = (value: Json, found: Found) => void;

const PARTS: ReadonlyMap<string, Part> = new Map(
  Object.entries({
    services: each('service', serviceOf),
    volumes: each('volume', (id, volume, found) => {
      for (const [key, value] of Object.entries(volume)) {
        if (key === 'isDeleted') deleted('volume', id, value, found);
        else if (key === 'sizeMB')
          found('reshape', 'volume', id, 'it changes the size of a volume');
        else if (key === 'region') found('reshape', 'volume', id, 'it moves a volume');
        else if (key === 'isCreated') found('write', 'volume', id, 'it makes a volume');
        else if (key === 'name') found('write', 'volume', id, 'it names a volume');
        else unknown('volume', id, key, found);
      }
    }),
    buckets: each('bucket', (id, bucket, found) => {
      for (const [key, value] of Object.entries(bucket)) {
        if (key === 'isDeleted') deleted('bucket', id, value, found);
        else if (key === 'isCreated') found('write', 'bucket', id, 'it makes a bucket');
        else if (key === 'name' || key === 'region')
          found('reshape', 'bucket', id, 'it changes a bucket');
        else unknown('bucket', id, key, found);
      }
    }),
    sharedVariables: variables,
    privateNetworkDisabled: (_value, found) =>
      found('reshape', 'network', '', 'it switches the private network on or off'),
  } satisfies Record<string, Part>),
);

function serviceOf(id: string, service: { readonly [key: string]: Json }, found: Found): void {
  for (const [key, value] of Object.entries(service)) {
    switch (key) {
      case 'isDeleted':
        deleted('service', id, value, found);
        break;
      case 'isCreated':
        found('write', 'service', id, 'it makes a service');
        break;
      case 'name':
      case 'icon':
        found('write', 'service', id, 'it names a service');
        break;
      case 'variables':
        variables(value, found);
        break;
      case 'volumeMounts':
        each('volume', mountOf)(value, found);
        break;
      case 'source':
        found('reshape', 'service', id, 'it changes where a service comes from');
        found('execute', 'service', id, 'it runs other code');
        break;
      case 'build':
        found('execute', 'service', id, 'it changes what runs while a service is built');
        break;
      case 'deploy':
        deployOf(id, value, found);
        break;
      case 'networking':
        found('reshape', 'network', id, 'it changes how a service is reached');
        found('grant', 'network', id, 'it may open a service to the internet');
        break;
      default:
        unknown('service', id, key, found);
    }
  }
}

const COMMANDS = new Set(['startCommand', 'preDeployCommand', 'cronSchedule']);

function deployOf(id: string, deploy: Json, found: Found): void {
  if (!isObject(deploy)) return found('reshape', 'service', id, 'it removes how a service is run');
  const keys = Object.keys(deploy);
  if (keys.some((key) => COMMANDS.has(key))) {
    found('execute', 'service', id, 'it changes the commands that a service runs');
  }
  if (keys.some((key) => !COMMANDS.has(key))) {
    found('reshape', 'service', id, 'it changes how a service is run');
  }
}

/** A mount that goes leaves the volume; a schedule that goes ends its backups. */
function mountOf(id: string, mount: { readonly [key: string]: Json }, found: Found): void {
  for (const [key, value] of Object.entries(mount)) {
    if (key === 'mountPath') found('reshape', 'volume', id, 'it changes where a volume is mounted');
    else if (key === 'backupSchedules') {
      const isMore = Array.isArray(value) && value.length > 0;
      const why = isMore ? 'it changes when backups are made' : 'it stops the backups of a volume';
      found('destroy', 'backup', id, why);
    } else unknown('volume', id, key, found);
  }
}

function variables(value: Json, found: Found): void {
  if (!isObject(value)) return found('destroy', 'variable', '', 'it removes all variables');
  for (const [name, to] of Object.entries(value)) {
    const why = to === null ? 'it removes a variable' : 'it sets a variable; the old value is lost';
    found('destroy', 'variable', name, why, 'rows');
  }
}

/** A map from ids to what is changed of each; null removes. */
function each(
  type: ObjectType,
  one: (id: string, value: { readonly [key: string]: Json }, found: Found) => void,
): Part {
  return (map, found) => {
    if (!isObject(map)) return found('destroy', type, '', `it removes every ${type}`, 'cascade');
    for (const [id, value] of Object.entries(map)) {
      if (isObject(value)) one(id, value, found);
      else if (value === null) found('destroy', type, id, `it removes a ${type}`, 'cascade');
      else unknown(type, id, shown(value), found);
    }
  };
}

/** `false` keeps what was staged to be deleted; anything else may count as true. */
function deleted(type: ObjectType, id: string, value: Json, found: Found): void {
  if (value === false || value === null) found('write', type, id, `it keeps a ${type}`);
  else found('destroy', type, id, `it deletes a ${type}`, 'cascade');
}

function unknown(type: ObjectType, id: string, key: string, found: Found): void {
  found('unknown', type, id, `nobody knows what ${key} does to a ${type}`);
}

function gathered(verb: string, walk: (found: Found) => void): readonly Effect[] {
  const effects: Effect[] = [];
  walk((kind, type, name, why, reach = 'whole') => {
    const object = { type, schema: null, name };
    effects.push({ kind, verb, object, reach, additive: false, why });
  });
  return effects;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100);
}
