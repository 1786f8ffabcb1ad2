/**
 * The world of the incident, ready made: one company, one project with `staging` and `production`, one
 * service `postgres`, and one volume whose id both environments share, each with an instance, and so
 * with data, of its own. Three daily backups lie inside each instance that has a disk or none.
 *
 * Tokens of the three kinds. The account token is the one that lay about "for domains".
 */

import { addVolumeInstance, makeEnvironment, makeService } from './calls/making.ts';
import type { VolumeDisk } from './disk/volume-disk.ts';
import { type BackupFacts, makeBackups, scheduleOf } from './world/backups.ts';
import type { Environment, Project, Token, VolumeInstance } from './world/records.ts';
import { World } from './world/world.ts';

export interface ReadyOptions {
  /** The data of each environment's database. Null: a volume without one. */
  readonly disks: { readonly production: VolumeDisk | null; readonly staging: VolumeDisk | null };
  /** Milliseconds since 1970; the machine's clock when left out. */
  readonly now?: () => number;
  readonly softDelete?: boolean;
  /** Of the project. */
  readonly name?: string;
}

export interface ReadyWorld {
  readonly world: World;
  readonly userId: string;
  readonly workspaceId: string;
  readonly projectId: string;
  readonly serviceId: string;
  /** One id, in both environments. */
  readonly volumeId: string;
  readonly bucketId: string;
  readonly production: ReadyEnvironment;
  readonly staging: ReadyEnvironment;
  /** Secrets; the project token is that of staging. */
  readonly tokens: {
    readonly account: string;
    readonly workspace: string;
    readonly project: string;
  };
}

export interface ReadyEnvironment {
  readonly id: string;
  readonly volumeInstanceId: string;
  readonly domainId: string;
  readonly deploymentId: string;
}

const DAY_MS = 24 * 3_600_000;
const BACKUPS = 3;

export async function readyWorld(options: ReadyOptions): Promise<ReadyWorld> {
  const { disks, now = () => Date.now(), softDelete = false, name = 'car-rental' } = options;
  const world = new World({ now, softDelete });
  const [userId, workspaceId] = [world.newId(), world.newId()];
  const email = 'owner@example.com';
  world.users.set(userId, { id: userId, name: 'The owner', email });
  world.workspaces.set(workspaceId, { id: workspaceId, name: 'Car rental', ownerId: userId });
  const project: Project = {
    id: world.newId(),
    name,
    workspaceId,
    createdAtMs: now(),
    deletedAtMs: null,
  };
  world.projects.set(project.id, project);
  const projectId = project.id;
  const production = makeEnvironment(world, { projectId, name: 'production' });
  const staging = makeEnvironment(world, { projectId, name: 'staging' });
  const service = makeService(world, { projectId, name: 'postgres' });
  const volume = { id: world.newId(), name: 'postgres-volume', projectId, createdAtMs: now() };
  world.volumes.set(volume.id, volume);
  const bucketId = world.newId();
  const environmentIds = new Set([production.id]);
  world.buckets.set(bucketId, { id: bucketId, name: 'invoices', projectId, environmentIds });
  const furnish = async (
    environment: Environment,
    disk: VolumeDisk | null,
  ): Promise<ReadyEnvironment> => {
    const facts = { serviceId: service.id, mountPath: '/var/lib/postgresql/data', disk };
    const instance = addVolumeInstance(world, volume, environment.id, facts);
    await backUpDaily(world, instance);
    const place = { environmentId: environment.id, projectId, serviceId: service.id };
    const domain = `${environment.name}.car-rental.example`;
    const variables = world.variables(environment.id, service.id);
    variables.set('PGDATA', '/var/lib/postgresql/data');
    variables.set('DATABASE_URL', `postgres://app:made-up@postgres.internal/${environment.name}`);
    const deployment = world.addThing('deployment', { ...place, status: 'SUCCESS' });
    world.logs.write(deployment, 'database system is ready to accept connections');
    return {
      id: environment.id,
      volumeInstanceId: instance.id,
      domainId: world.addThing('customDomain', { ...place, domain }).id,
      deploymentId: deployment.id,
    };
  };
  const ready = {
    production: await furnish(production, disks.production),
    staging: await furnish(staging, disks.staging),
  };
  const token = (rest: { readonly name: string } & TokenReach): string => {
    const made: Token = { id: world.newId(), secret: world.newId(), ...rest };
    world.tokens.set(made.id, made);
    return made.secret;
  };
  return {
    world,
    userId,
    workspaceId,
    projectId,
    serviceId: service.id,
    volumeId: volume.id,
    bucketId,
    ...ready,
    tokens: {
      account: token({ name: 'domains', kind: 'account', userId }),
      workspace: token({ name: 'ci', kind: 'workspace', workspaceId }),
      project: token({
        name: 'staging-deploy',
        kind: 'project',
        projectId,
        environmentId: staging.id,
      }),
    },
  };
}

type TokenReach =
  | { readonly kind: 'account'; readonly userId: string }
  | { readonly kind: 'workspace'; readonly workspaceId: string }
  | { readonly kind: 'project'; readonly projectId: string; readonly environmentId: string };

/** One a day for three days, made in one go: the data of now, under the dates of then. */
async function backUpDaily(world: World, instance: VolumeInstance): Promise<void> {
  const schedule = { id: world.newId(), kind: 'DAILY', createdAtMs: world.now() - 10 * DAY_MS };
  instance.schedules = [schedule];
  const keptMs = scheduleOf('DAILY').retentionSeconds * 1_000;
  const facts = Array.from({ length: BACKUPS }, (_, place): BackupFacts => {
    const createdAtMs = world.now() - (BACKUPS - place) * DAY_MS;
    const expiresAtMs = createdAtMs + keptMs;
    return { name: null, createdAtMs, expiresAtMs, scheduleId: schedule.id };
  });
  await makeBackups(world, instance, facts);
}
