/**
 * Where a call acts, by the ids in its arguments, and whether a token reaches there. Tokens differ in
 * reach only, never in what may be done: an account token reaches all of its account, a workspace token
 * one workspace, a project token one environment.
 */
import { Refusal } from '../graphql/execute.ts';
import { isJsonObject } from '../graphql/json.ts';
import type { Token } from '../world/records.ts';
import type { World } from '../world/world.ts';
import { type Call, optionalTextAt } from './call.ts';

export const NOT_AUTHORIZED = 'Not Authorized';

/** Null where a level is not said or does not apply. */
interface Scope {
  readonly workspaceId: string | null;
  readonly projectId: string | null;
  readonly environmentId: string | null;
}

type Place = (world: World, id: string) => readonly Scope[];

/** Throws "Not Authorized", or that a thing is not there. */
export function authorize(call: Call): void {
  const { caller, world, field } = call;
  if (OWN.has(field)) return;
  const scopes = scopesOf(call);
  const isFine = scopes.every((scope) => reaches(world, caller, scope, isReading(call)));
  if (!isFine || (scopes.length === 0 && caller.kind !== 'account' && !OF_TOKENS.has(field))) {
    throw notAuthorized();
  }
}

export function notAuthorized(): Refusal {
  return new Refusal(NOT_AUTHORIZED, 'UNAUTHENTICATED');
}

/** They say who asks, or see to it themselves. */
const OWN = new Set(['apiToken', 'projectToken', 'me', 'workflowStatus']);
/** Without a scope of their own, and cut to what the token reaches. */
const OF_TOKENS = new Set(['projects']);

function isReading({ field }: Call): boolean {
  return READS_OF_PROJECT.has(field);
}

/** A project token may look at the project it is in. */
const READS_OF_PROJECT = new Set(['project', 'environments', 'service', 'projectsByIds']);

function reaches(world: World, caller: Token, scope: Scope, isReading: boolean): boolean {
  switch (caller.kind) {
    case 'account': {
      const workspace =
        scope.workspaceId === null ? undefined : world.workspaces.get(scope.workspaceId);
      return workspace === undefined || workspace.ownerId === caller.userId;
    }
    case 'workspace':
      return scope.workspaceId === caller.workspaceId;
    case 'project':
      if (isReading && scope.environmentId === null) return scope.projectId === caller.projectId;
      return scope.environmentId === caller.environmentId;
  }
}

function scopesOf({ world, field, args }: Call): readonly Scope[] {
  const scopes: Scope[] = [];
  const { input = null } = args;
  for (const given of isJsonObject(input) ? [args, input] : [args]) {
    for (const [name, place] of PLACES) {
      const id = optionalTextAt(given, name);
      if (id !== null) scopes.push(...place(world, id));
    }
  }
  const id = optionalTextAt(args, 'id');
  const ofId = id === null ? undefined : IDS.find(([prefix]) => field.startsWith(prefix));
  if (id !== null && ofId !== undefined) scopes.push(...ofId[1](world, id));
  return narrowed(scopes);
}

/** A call that names its environment acts there, whatever wider thing it names as well. */
function narrowed(scopes: readonly Scope[]): readonly Scope[] {
  return scopes.filter(
    (one) =>
      one.environmentId !== null ||
      !scopes.some((other) => other.environmentId !== null && other.projectId === one.projectId),
  );
}

const ofProject: Place = (world, id) => {
  const { workspaceId } = world.project(id);
  return [{ workspaceId, projectId: id, environmentId: null }];
};

const ofEnvironment: Place = (world, id) => {
  const { projectId } = world.environment(id);
  const workspaceId = world.projects.get(projectId)?.workspaceId ?? null;
  return [{ workspaceId, projectId, environmentId: id }];
};

const ofService: Place = (world, id) => ofProject(world, world.service(id).projectId);

const ofVolumeInstance: Place = (world, id) =>
  ofEnvironment(world, world.volumeInstance(id).environmentId);

/** Every environment that has it: a project token of one of them does not reach the others. */
const ofVolume: Place = (world, id) => {
  const instances = world.instancesOfVolume(id);
  if (instances.length === 0) return ofProject(world, world.volume(id).projectId);
  return instances.flatMap((one) => ofEnvironment(world, one.environmentId));
};

const ofThing: Place = (world, id) => {
  const thing = world.things.get(id);
  if (thing === undefined) throw new Refusal('Not found', 'NOT_FOUND');
  if (thing.environmentId !== null) return ofEnvironment(world, thing.environmentId);
  return thing.projectId === null ? [] : ofProject(world, thing.projectId);
};

const ofWorkspace: Place = (world, id) => {
  world.workspace(id);
  return [{ workspaceId: id, projectId: null, environmentId: null }];
};

const ofBucket: Place = (world, id) => ofProject(world, world.bucket(id).projectId);

const ofToken: Place = (world, id) => {
  const token = world.tokens.get(id);
  if (token?.kind === 'project') return ofEnvironment(world, token.environmentId);
  return token?.kind === 'workspace' ? ofWorkspace(world, token.workspaceId) : [];
};

const PLACES: readonly (readonly [argument: string, place: Place])[] = [
  ['projectId', ofProject],
  ['environmentId', ofEnvironment],
  ['serviceId', ofService],
  ['rootServiceId', ofService],
  ['volumeId', ofVolume],
  ['volumeInstanceId', ofVolumeInstance],
  ['workspaceId', ofWorkspace],
  ['bucketId', ofBucket],
  ['deploymentId', ofThing],
];

/** What `id` is of, by how the operation is called; the longer name stands first. */
const IDS: readonly (readonly [prefix: string, place: Place])[] = [
  ['projectTokenDelete', ofToken],
  ['projectTransfer', ofProject],
  ['projectInvitationDelete', () => []],
  ['projectInvitationResend', () => []],
  ['project', ofProject],
  ['environment', ofEnvironment],
  ['serviceDomain', ofThing],
  ['service', ofService],
  ['customDomain', ofThing],
  ['volumeInstance', ofVolumeInstance],
  ['workspace', ofWorkspace],
  ['bucketUpdate', ofBucket],
  ['deploymentTrigger', () => []],
  ['deployment', ofThing],
  ['plugin', ofThing],
  ['sandboxDestroy', ofThing],
  ['sandboxCheckpointDelete', ofThing],
  ['cloudAgent', ofThing],
  ['apiTokenDelete', ofToken],
];
