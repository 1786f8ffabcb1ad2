/** Things made by a call or for a world that is ready: each with all that belongs to it. */
import type { VolumeDisk } from '../disk/volume-disk.ts';
import { Refusal } from '../graphql/execute.ts';
import type { JsonObject } from '../graphql/json.ts';
import type { Environment, Project, Service, Volume, VolumeInstance } from '../world/records.ts';
import type { World } from '../world/world.ts';
import { optionalTextAt, textAt } from './call.ts';

/** With its first environment. */
export function makeProject(world: World, input: JsonObject): Project {
  const [onlyOne] = world.workspaces.keys();
  const workspaceId = optionalTextAt(input, 'workspaceId') ?? onlyOne;
  if (workspaceId === undefined) throw new Refusal('Workspace not found', 'NOT_FOUND');
  const project: Project = {
    id: world.newId(),
    name: optionalTextAt(input, 'name') ?? 'unnamed',
    workspaceId,
    createdAtMs: world.now(),
    deletedAtMs: null,
  };
  world.projects.set(project.id, project);
  const name = optionalTextAt(input, 'defaultEnvironmentName') ?? 'production';
  makeEnvironment(world, { projectId: project.id, name });
  return project;
}

export function makeEnvironment(world: World, input: JsonObject): Environment {
  const environment: Environment = {
    id: world.newId(),
    name: textAt(input, 'name'),
    projectId: world.project(textAt(input, 'projectId')).id,
    isEphemeral: input['ephemeral'] === true,
    createdAtMs: world.now(),
    deletedAtMs: null,
    staged: null,
  };
  world.environments.set(environment.id, environment);
  return environment;
}

/** In one environment, or in all of the project. */
export function makeService(
  world: World,
  input: JsonObject,
  clusterRootId: string | null = null,
): Service {
  const projectId = textAt(input, 'projectId');
  const environmentId = optionalTextAt(input, 'environmentId');
  const service: Service = {
    id: world.newId(),
    name: optionalTextAt(input, 'name') ?? 'unnamed',
    icon: optionalTextAt(input, 'icon'),
    projectId,
    createdAtMs: world.now(),
    deletedAtMs: null,
    clusterRootId,
  };
  world.services.set(service.id, service);
  for (const environment of world.environmentsOf(projectId)) {
    if (environmentId !== null && environment.id !== environmentId) continue;
    const id = world.newId();
    world.serviceInstances.set(id, {
      id,
      serviceId: service.id,
      environmentId: environment.id,
      createdAtMs: world.now(),
      deletedAtMs: null,
      settings: new Map(),
      hasPitr: false,
    });
  }
  return service;
}

/** In one environment, or in all of the project: an id that more than one of them shares. */
export function makeVolume(world: World, input: JsonObject): Volume {
  const projectId = textAt(input, 'projectId');
  const environmentId = optionalTextAt(input, 'environmentId');
  const volume: Volume = {
    id: world.newId(),
    name: 'volume',
    projectId: world.project(projectId).id,
    createdAtMs: world.now(),
  };
  world.volumes.set(volume.id, volume);
  for (const { id } of world.environmentsOf(projectId)) {
    if (environmentId !== null && id !== environmentId) continue;
    addVolumeInstance(world, volume, id, {
      serviceId: optionalTextAt(input, 'serviceId'),
      mountPath: optionalTextAt(input, 'mountPath') ?? '/data',
      disk: null,
    });
  }
  return volume;
}

export function addVolumeInstance(
  world: World,
  volume: Volume,
  environmentId: string,
  facts: {
    readonly serviceId: string | null;
    readonly mountPath: string;
    readonly disk: VolumeDisk | null;
  },
): VolumeInstance {
  const instance: VolumeInstance = {
    ...facts,
    id: world.newId(),
    volumeId: volume.id,
    environmentId,
    createdAtMs: world.now(),
    sizeMB: 50_000,
    state: 'READY',
    deletedAtMs: null,
    schedules: [],
  };
  world.volumeInstances.set(instance.id, instance);
  return instance;
}
