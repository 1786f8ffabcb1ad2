/** The ready world with all that the incident's project did not have, and a client to talk to it. */

import { addVolumeInstance, makeService } from '../../src/calls/making.ts';
import { isObject, type Json } from '../../src/graphql/json.ts';
import {
  type RailwayStandIn,
  type ReadyWorld,
  readyWorld,
  type StandInOptions,
  startRailwayStandIn,
  type VolumeDisk,
} from '../../src/stand-in.ts';

export interface Town {
  readonly ready: ReadyWorld;
  readonly standIn: RailwayStandIn;
  /** The world's clock, to be turned. */
  readonly clock: { nowMs: number };
  ask(query: string, variables?: { readonly [name: string]: Json }, token?: Bearer): Promise<Reply>;
  stop(): Promise<void>;
}

export interface Bearer {
  readonly kind: 'account' | 'workspace' | 'project';
  readonly secret: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly data: unknown;
  readonly errors: readonly { readonly message: string; readonly path?: readonly string[] }[];
}

export interface TownOptions extends Partial<StandInOptions> {
  readonly softDelete?: boolean;
  readonly disks?: { readonly production: VolumeDisk | null; readonly staging: VolumeDisk | null };
}

export async function startTown(options: TownOptions = {}): Promise<Town> {
  const clock = { nowMs: Date.UTC(2026, 3, 24, 15) };
  const { softDelete = false, disks = { production: null, staging: null }, ...rest } = options;
  const ready = await readyWorld({ now: () => clock.nowMs, softDelete, disks });
  const standIn = await startRailwayStandIn({ world: ready.world, ...rest });
  const ask: Town['ask'] = async (query, variables = {}, token) => {
    const headers = { 'content-type': 'application/json', ...headersOf(token ?? account(ready)) };
    const body = JSON.stringify({ query, variables });
    const response = await fetch(standIn.url, { method: 'POST', headers, body });
    const { data = null, errors = [] } = JSON.parse(await response.text());
    return { status: response.status, headers: response.headers, data, errors };
  };
  return { ready, standIn, clock, ask, stop: () => standIn.stop() };
}

export function account({ tokens }: ReadyWorld): Bearer {
  return { kind: 'account', secret: tokens.account };
}

export function headersOf({ kind, secret }: Bearer): Record<string, string> {
  if (kind === 'project') return { 'Project-Access-Token': secret };
  return { Authorization: `Bearer ${secret}` };
}

/** A cluster of three, a database of the old kind, a sandbox, an agent, a signal, staged changes. */
export function furnish({ ready }: Town) {
  const { world, projectId, production } = ready;
  const place = { projectId, environmentId: production.id };
  const root = makeService(world, { projectId, name: 'cluster' });
  const replica = makeService(world, { projectId, name: 'replica' }, root.id);
  world.serviceInstance(production.id, root.id).hasPitr = true;
  const volume = { id: world.newId(), name: 'replica', projectId, createdAtMs: world.now() };
  world.volumes.set(volume.id, volume);
  addVolumeInstance(world, volume, production.id, {
    serviceId: replica.id,
    mountPath: '/data',
    disk: null,
  });
  const archive = world.newId();
  const environmentIds = new Set([production.id]);
  world.buckets.set(archive, { id: archive, name: `pitr-${root.id}`, projectId, environmentIds });
  const signal = {
    id: world.newId(),
    owner: 'team',
    name: 'new-prices',
    type: 'bool',
    default: false,
    rules: [{ when: 'staff' }],
    version: 3,
  };
  world.signals.set('team/new-prices', signal);
  world.variables(production.id, null).set('REGION', 'eu');
  return {
    rootId: root.id,
    replicaId: replica.id,
    replicaVolumeId: volume.id,
    archiveId: archive,
    pluginId: world.addThing('plugin', { ...place, name: 'postgresql', rows: 100 }).id,
    agentId: world.addThing('cloudAgent', { ...place, name: 'worker' }).id,
    sandboxId: world.addThing('sandbox', place).id,
    checkpointId: world.addThing('sandboxCheckpoint', { ...place, key: 'clean' }).id,
  };
}

/** What lies at a path of an answer. */
export function pick(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((here, step) => {
    if (Array.isArray(here)) return here[Number(step)];
    return isObject(here) ? here[step] : undefined;
  }, value);
}
