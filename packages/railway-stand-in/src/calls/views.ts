/** Records as the API shows them; what hangs together is looked up when it is asked for. */
import { dataBytes } from '../disk/volume-disk.ts';
import type { Answer, AnswerObject, Args } from '../graphql/execute.ts';
import { scheduleOf } from '../world/backups.ts';
import { configOf, etagOf } from '../world/config.ts';
import type {
  Backup,
  Bucket,
  Environment,
  Project,
  Service,
  ServiceInstance,
  Signal,
  Thing,
  Token,
  User,
  Volume,
  VolumeInstance,
  Workspace,
} from '../world/records.ts';
import type { World } from '../world/world.ts';
import { optionalTextAt } from './call.ts';

const BYTES_PER_MB = 1_000_000;

export function time(ms: number): string;
export function time(ms: number | null): string | null;
export function time(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** A page, by the rules of Relay: the cursor of a node is its id. */
export function page<T extends { readonly id: string }>(
  all: readonly T[],
  args: Args,
  show: (one: T) => Answer,
): Answer {
  const after = optionalTextAt(args, 'after');
  const before = optionalTextAt(args, 'before');
  const start = after === null ? 0 : all.findIndex(({ id }) => id === after) + 1;
  const end = before === null ? all.length : all.findIndex(({ id }) => id === before);
  let part = all.slice(start, end < 0 ? all.length : end);
  const { first = null, last = null } = args;
  if (typeof first === 'number') part = part.slice(0, Math.max(0, first));
  if (typeof last === 'number') part = last <= 0 ? [] : part.slice(-last);
  const ids = part.map(({ id }) => id);
  return {
    edges: part.map((one) => ({ cursor: one.id, node: show(one) })),
    pageInfo: {
      startCursor: ids.at(0) ?? null,
      endCursor: ids.at(-1) ?? null,
      hasNextPage: ids.length > 0 && ids.at(-1) !== all.at(-1)?.id,
      hasPreviousPage: ids.length > 0 && ids.at(0) !== all.at(0)?.id,
    },
  };
}

export function userView(world: World, user: User): AnswerObject {
  const own = (): Workspace[] =>
    [...world.workspaces.values()].filter((one) => one.ownerId === user.id);
  return {
    id: user.id,
    name: user.name,
    email: user.email,
    workspaces: () => own().map((one) => workspaceView(world, one)),
  };
}

export function workspaceView(world: World, { id, name }: Workspace): AnswerObject {
  const projects = (): Project[] =>
    [...world.projects.values()].filter((one) => one.workspaceId === id);
  return {
    id,
    name,
    projects: (args) => page(projects(), args, (one) => projectView(world, one)),
    projectCount: () => projects().length,
    team: null,
  };
}

export function projectView(world: World, project: Project): AnswerObject {
  const { id, name, workspaceId } = project;
  const isOf = (one: { readonly projectId: string | null }): boolean => one.projectId === id;
  return {
    id,
    name,
    workspaceId,
    createdAt: time(project.createdAtMs),
    updatedAt: time(project.createdAtMs),
    deletedAt: time(project.deletedAtMs),
    primaryEnvironmentId: world.primaryEnvironment(id)?.id ?? null,
    workspace: () => workspaceView(world, world.workspace(workspaceId)),
    environments: (args) =>
      page(
        world
          .environmentsOf(id)
          .filter((one) => (args['isEphemeral'] ?? one.isEphemeral) === one.isEphemeral),
        args,
        (one) => environmentView(world, one),
      ),
    services: (args) =>
      page([...world.services.values()].filter(isOf), args, (one) => serviceView(world, one)),
    volumes: (args) =>
      page([...world.volumes.values()].filter(isOf), args, (one) => volumeView(world, one)),
    buckets: (args) =>
      page([...world.buckets.values()].filter(isOf), args, (one) => bucketView(world, one)),
    plugins: (args) =>
      page(
        [...world.things.values()].filter((one) => one.kind === 'plugin' && isOf(one)),
        args,
        (one) => thingView(world, one),
      ),
  };
}

export function environmentView(world: World, environment: Environment): AnswerObject {
  const { id, name, projectId, isEphemeral } = environment;
  const isIn = (one: { readonly environmentId: string }): boolean => one.environmentId === id;
  return {
    id,
    name,
    projectId,
    isEphemeral,
    canAccess: true,
    createdAt: time(environment.createdAtMs),
    updatedAt: time(environment.createdAtMs),
    deletedAt: time(environment.deletedAtMs),
    unmergedChangesCount: environment.staged === null ? 0 : 1,
    config: (args) => configOf(world, id, args['decryptVariables'] === true),
    configEtag: () => etagOf(world, id),
    serviceInstances: (args) =>
      page([...world.serviceInstances.values()].filter(isIn), args, (one) =>
        serviceInstanceView(world, one),
      ),
    volumeInstances: (args) =>
      page([...world.volumeInstances.values()].filter(isIn), args, (one) =>
        volumeInstanceView(world, one),
      ),
    variables: (args) => {
      const all = world.allVariables(id).map(([serviceId, variable]) => ({
        id: `${serviceId ?? ''}/${variable}`,
        name: variable,
        serviceId,
        environmentId: id,
        isSealed: world.isSealed(id, serviceId, variable),
      }));
      return page(all, args, (one) => one);
    },
  };
}

export function stagedView(world: World, environment: Environment): AnswerObject {
  const { staged, id } = environment;
  const at = time(staged?.atMs ?? environment.createdAtMs);
  return {
    id: staged?.id ?? id,
    environmentId: id,
    environment: () => environmentView(world, environment),
    patch: staged?.patch ?? {},
    status: 'STAGED',
    createdAt: at,
    updatedAt: at,
  };
}

export function serviceView(world: World, service: Service): AnswerObject {
  const { icon, id, name, projectId } = service;
  return {
    id,
    name,
    icon,
    projectId,
    createdAt: time(service.createdAtMs),
    updatedAt: time(service.createdAtMs),
    deletedAt: time(service.deletedAtMs),
    project: () => projectView(world, world.project(projectId)),
    serviceInstances: (args) =>
      page(
        [...world.serviceInstances.values()].filter((one) => one.serviceId === id),
        args,
        (one) => serviceInstanceView(world, one),
      ),
  };
}

export function serviceInstanceView(world: World, instance: ServiceInstance): AnswerObject {
  const { id, serviceId, environmentId } = instance;
  return {
    activeDeployments: [],
    restartPolicyType: 'ON_FAILURE',
    restartPolicyMaxRetries: 10,
    watchPatterns: [],
    numReplicas: 1,
    ...Object.fromEntries(instance.settings),
    id,
    serviceId,
    environmentId,
    serviceName: world.services.get(serviceId)?.name ?? '',
    service: () => serviceView(world, world.service(serviceId)),
    domains: () => domainsView(world, environmentId, serviceId),
    createdAt: time(instance.createdAtMs),
    updatedAt: time(instance.createdAtMs),
    deletedAt: time(instance.deletedAtMs),
  };
}

export function domainsView(world: World, environmentId: string, serviceId: string): AnswerObject {
  const of = (kind: 'customDomain' | 'serviceDomain'): Answer =>
    world
      .thingsOf(kind, environmentId)
      .filter((one) => one.serviceId === serviceId)
      .map((one) => thingView(world, one));
  return { customDomains: of('customDomain'), serviceDomains: of('serviceDomain') };
}

export function volumeView(world: World, volume: Volume): AnswerObject {
  const { id, name, projectId } = volume;
  return {
    id,
    name,
    projectId,
    createdAt: time(volume.createdAtMs),
    project: () => projectView(world, world.project(projectId)),
    volumeInstances: (args) =>
      page(world.instancesOfVolume(id), args, (one) => volumeInstanceView(world, one)),
  };
}

export function volumeInstanceView(world: World, instance: VolumeInstance): AnswerObject {
  const { id, volumeId, environmentId, serviceId, mountPath, sizeMB, state, disk } = instance;
  return {
    id,
    volumeId,
    environmentId,
    serviceId,
    mountPath,
    sizeMB,
    state,
    currentSizeMB: () => (disk === null ? 0 : dataBytes(disk) / BYTES_PER_MB),
    createdAt: time(instance.createdAtMs),
    deletedAt: time(instance.deletedAtMs),
    isPendingDeletion: instance.deletedAtMs !== null,
    volume: () => volumeView(world, world.volume(volumeId)),
    environment: () => environmentView(world, world.environment(environmentId)),
    service: () => (serviceId === null ? null : serviceView(world, world.service(serviceId))),
  };
}

export function backupView(world: World, backup: Backup): AnswerObject {
  const usedMB = Math.ceil(backup.usedBytes / BYTES_PER_MB);
  return {
    id: backup.id,
    externalId: backup.id,
    name: backup.name,
    createdAt: time(backup.createdAtMs),
    expiresAt: time(backup.expiresAtMs),
    scheduleId: backup.scheduleId,
    creatorId: null,
    usedMB,
    referencedMB: usedMB,
    volumeInstanceSizeMB: world.volumeInstances.get(backup.volumeInstanceId)?.sizeMB ?? null,
  };
}

export function schedulesView(instance: VolumeInstance): Answer {
  return instance.schedules.map(({ id, kind, createdAtMs }) => ({
    id,
    kind,
    name: kind.toLowerCase(),
    createdAt: time(createdAtMs),
    ...scheduleOf(kind),
  }));
}

export function bucketView(world: World, bucket: Bucket): AnswerObject {
  const { id, name, projectId } = bucket;
  return { id, name, projectId, project: () => projectView(world, world.project(projectId)) };
}

export function signalView(signal: Signal): AnswerObject {
  return { ...signal, version: String(signal.version) };
}

/** Nobody here has a zone to look in. */
const DOMAIN_STATUS: Answer = {
  certificateStatus: 'CERTIFICATE_STATUS_TYPE_VALIDATING_OWNERSHIP',
  dnsRecords: [],
  verified: false,
};

export function thingView(world: World, thing: Thing): AnswerObject {
  const { id, projectId, environmentId, serviceId } = thing;
  const createdAt = time(thing.createdAtMs);
  return {
    createdAt,
    updatedAt: createdAt,
    ...(thing.kind === 'customDomain' ? { status: DOMAIN_STATUS } : {}),
    ...(thing.kind === 'deployment' ? { instances: [] } : {}),
    ...Object.fromEntries(thing.fields),
    id,
    projectId: projectId ?? undefined,
    environmentId: environmentId ?? undefined,
    serviceId: serviceId ?? undefined,
    project: () => (projectId === null ? null : projectView(world, world.project(projectId))),
    service: () => (serviceId === null ? null : serviceView(world, world.service(serviceId))),
    environment: () =>
      environmentId === null ? null : environmentView(world, world.environment(environmentId)),
  };
}

/** Never the secret itself. */
export function tokenView(world: World, token: Token): AnswerObject {
  const shown = { id: token.id, name: token.name, displayToken: `****-${token.secret.slice(-4)}` };
  switch (token.kind) {
    case 'account':
      return shown;
    case 'workspace':
      return { ...shown, workspaceId: token.workspaceId };
    case 'project': {
      const { projectId, environmentId } = token;
      return {
        ...shown,
        projectId,
        environmentId,
        project: () => projectView(world, world.project(projectId)),
        environment: () => environmentView(world, world.environment(environmentId)),
      };
    }
  }
}
