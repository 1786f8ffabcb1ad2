/**
 * The state of a small Railway: what there is, found by id. A thing that is not there is a refusal in
 * the API's words. Nothing here decides who may do what (access.ts does).
 */
import { randomUUID } from 'node:crypto';
import { Refusal } from '../graphql/execute.ts';
import type { Json } from '../graphql/json.ts';
import { Logs } from './logs.ts';
import type {
  Backup,
  Bucket,
  Environment,
  Project,
  Service,
  ServiceInstance,
  Signal,
  Thing,
  ThingKind,
  Token,
  User,
  Volume,
  VolumeInstance,
  Workspace,
} from './records.ts';

/** For how long Railway keeps what is marked as deleted. */
export const GRACE_MS = 48 * 3_600_000;

export interface WorldOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** As since May 2026: a delete marks, and 48 hours later it is done. False: it is done at once. */
  readonly softDelete: boolean;
}

export class World {
  readonly users = new Map<string, User>();
  readonly workspaces = new Map<string, Workspace>();
  readonly projects = new Map<string, Project>();
  readonly environments = new Map<string, Environment>();
  readonly services = new Map<string, Service>();
  readonly serviceInstances = new Map<string, ServiceInstance>();
  readonly volumes = new Map<string, Volume>();
  readonly volumeInstances = new Map<string, VolumeInstance>();
  readonly backups = new Map<string, Backup>();
  readonly buckets = new Map<string, Bucket>();
  readonly things = new Map<string, Thing>();
  readonly signals = new Map<string, Signal>();
  readonly tokens = new Map<string, Token>();
  /** By environment and service (null: shared by all of the environment). */
  readonly #variables = new Map<string, Map<string, string>>();
  readonly #sealed = new Set<string>();
  readonly workflows = new Map<
    string,
    { readonly status: string; readonly error: string | null }
  >();
  readonly logs: Logs;
  readonly now: () => number;
  readonly softDelete: boolean;

  constructor({ now, softDelete }: WorldOptions) {
    this.logs = new Logs(now);
    this.now = now;
    this.softDelete = softDelete;
  }

  newId(): string {
    return randomUUID();
  }

  /** Says that it is done: nothing here takes long. */
  newWorkflow(): string {
    const id = `workflow-${randomUUID()}`;
    this.workflows.set(id, { status: 'Complete', error: null });
    return id;
  }

  workspace(id: string): Workspace {
    return found('Workspace', this.workspaces.get(id));
  }

  project(id: string): Project {
    return found('Project', this.projects.get(id));
  }

  environment(id: string): Environment {
    return found('Environment', this.environments.get(id));
  }

  service(id: string): Service {
    return found('Service', this.services.get(id));
  }

  volume(id: string): Volume {
    return found('Volume', this.volumes.get(id));
  }

  volumeInstance(id: string): VolumeInstance {
    return found('Volume instance', this.volumeInstances.get(id));
  }

  bucket(id: string): Bucket {
    return found('Bucket', this.buckets.get(id));
  }

  thing(kind: ThingKind, id: string): Thing {
    const thing = this.things.get(id);
    return found(kind, thing?.kind === kind ? thing : undefined);
  }

  signal(owner: string, name: string): Signal {
    return found('Signal', this.signals.get(signalKey(owner, name)));
  }

  /** Of that very instance: an id of another's backup is none. */
  backup(volumeInstanceId: string, id: string): Backup {
    const backup = this.backups.get(id);
    return found('Backup', backup?.volumeInstanceId === volumeInstanceId ? backup : undefined);
  }

  serviceInstance(environmentId: string, serviceId: string): ServiceInstance {
    return found(
      'Service instance',
      [...this.serviceInstances.values()].find(
        (one) => one.environmentId === environmentId && one.serviceId === serviceId,
      ),
    );
  }

  environmentsOf(projectId: string): Environment[] {
    return [...this.environments.values()].filter((one) => one.projectId === projectId);
  }

  /** The oldest that is to stay. */
  primaryEnvironment(projectId: string): Environment | null {
    const lasting = this.environmentsOf(projectId).filter((one) => !one.isEphemeral);
    return lasting.sort((a, b) => a.createdAtMs - b.createdAtMs)[0] ?? null;
  }

  instancesOfVolume(volumeId: string): VolumeInstance[] {
    return [...this.volumeInstances.values()].filter((one) => one.volumeId === volumeId);
  }

  backupsOf(volumeInstanceId: string): Backup[] {
    return [...this.backups.values()].filter((one) => one.volumeInstanceId === volumeInstanceId);
  }

  /** From now on its value is for deployments only: no question is answered with it. */
  sealVariable(environmentId: string, serviceId: string | null, name: string): void {
    this.#sealed.add(JSON.stringify([environmentId, serviceId, name]));
  }

  isSealed(environmentId: string, serviceId: string | null, name: string): boolean {
    return this.#sealed.has(JSON.stringify([environmentId, serviceId, name]));
  }

  /** Of one environment, with the service that each is of; null: shared. */
  allVariables(
    environmentId: string,
  ): readonly (readonly [service: string | null, name: string])[] {
    return [...this.#variables].flatMap(([key, values]) => {
      const [of = '', service = ''] = key.split('/');
      if (of !== environmentId) return [];
      return [...values.keys()].map((name) => [service === '' ? null : service, name] as const);
    });
  }

  variables(environmentId: string, serviceId: string | null): Map<string, string> {
    const key = `${environmentId}/${serviceId ?? ''}`;
    let there = this.#variables.get(key);
    if (there === undefined) {
      there = new Map();
      this.#variables.set(key, there);
    }
    return there;
  }

  addThing(kind: ThingKind, fields: { readonly [name: string]: Json }): Thing {
    const textAt = (name: string): string | null => {
      const value = fields[name];
      return typeof value === 'string' ? value : null;
    };
    const environmentId = textAt('environmentId');
    const thing: Thing = {
      id: this.newId(),
      kind,
      projectId:
        textAt('projectId') ??
        (environmentId === null ? null : (this.environments.get(environmentId)?.projectId ?? null)),
      environmentId,
      serviceId: textAt('serviceId'),
      createdAtMs: this.now(),
      fields: new Map(Object.entries(fields)),
    };
    this.things.set(thing.id, thing);
    return thing;
  }

  thingsOf(kind: ThingKind, environmentId: string): Thing[] {
    return [...this.things.values()].filter(
      (one) => one.kind === kind && one.environmentId === environmentId,
    );
  }
}

export function signalKey(owner: string, name: string): string {
  return `${owner}/${name}`;
}

function found<T>(what: string, value: T | undefined): T {
  if (value === undefined) throw new Refusal(`${what} not found`, 'NOT_FOUND');
  return value;
}
