/** Everyday mutations that change the world: what makes, renames, locks, hands out. */
import { Refusal } from '../graphql/execute.ts';
import type { JsonObject } from '../graphql/json.ts';
import { makeBackups } from '../world/backups.ts';
import type { Token } from '../world/records.ts';
import {
  type Call,
  inputOf,
  optionalTextAt,
  type Resolver,
  type Resolvers,
  textAt,
} from './call.ts';
import { makeEnvironment, makeProject, makeService, makeVolume } from './making.ts';
import { notAuthorized } from './scope.ts';
import { environmentView, projectView, serviceView, thingView, volumeView } from './views.ts';

export const ORDINARY: Resolvers = new Map<string, Resolver>([
  ['customDomainCreate', addDomain],
  ['customDomainUpdate', updateDomain],
  ['customDomainDelete', ({ world, args }) => world.things.delete(domainId(world, args))],
  [
    'projectScheduleDeleteCancel',
    ({ world, args }) => {
      world.project(textAt(args, 'id')).deletedAtMs = null;
      return true;
    },
  ],
  ['projectCreate', (call) => projectView(call.world, makeProject(call.world, inputOf(call)))],
  [
    'environmentCreate',
    (call) => environmentView(call.world, makeEnvironment(call.world, inputOf(call))),
  ],
  [
    'environmentRename',
    (call) => {
      const environment = call.world.environment(textAt(call.args, 'id'));
      environment.name = textAt(inputOf(call), 'name');
      return environmentView(call.world, environment);
    },
  ],
  ['serviceCreate', (call) => serviceView(call.world, makeService(call.world, inputOf(call)))],
  ['serviceInstanceUpdate', updateServiceInstance],
  [
    'serviceUpdate',
    (call) => {
      const service = call.world.service(textAt(call.args, 'id'));
      service.name = optionalTextAt(inputOf(call), 'name') ?? service.name;
      service.icon = optionalTextAt(inputOf(call), 'icon') ?? service.icon;
      return serviceView(call.world, service);
    },
  ],
  ['volumeCreate', (call) => volumeView(call.world, makeVolume(call.world, inputOf(call)))],
  [
    'volumeUpdate',
    (call) => {
      const volume = call.world.volume(textAt(call.args, 'volumeId'));
      volume.name = optionalTextAt(inputOf(call), 'name') ?? volume.name;
      return volumeView(call.world, volume);
    },
  ],
  [
    'volumeInstanceBackupCreate',
    async ({ world, args }) => {
      const instance = world.volumeInstance(textAt(args, 'volumeInstanceId'));
      const name = optionalTextAt(args, 'name');
      const facts = { name, createdAtMs: world.now(), expiresAtMs: null, scheduleId: null };
      await makeBackups(world, instance, [facts]);
      return { workflowId: world.newWorkflow() };
    },
  ],
  [
    'volumeInstanceBackupLock',
    ({ world, args }) => {
      const [instance, id] = [
        textAt(args, 'volumeInstanceId'),
        textAt(args, 'volumeInstanceBackupId'),
      ];
      world.backup(instance, id).expiresAtMs = null;
      return true;
    },
  ],
  ['deploymentRemove', deployment({ status: 'REMOVED' })],
  ['deploymentStop', deployment({ status: 'REMOVED', deploymentStopped: true })],
  ['deploymentCancel', deployment({ status: 'SKIPPED' })],
  ['deploymentRestart', deployment({ status: 'SUCCESS' })],
  [
    'deploymentRedeploy',
    ({ world, args }) => {
      const before = world.thing('deployment', textAt(args, 'id'));
      const fields = { ...Object.fromEntries(before.fields), status: 'SUCCESS' };
      const made = world.addThing('deployment', fields);
      world.logs.write(made, 'Starting Container');
      return thingView(world, made);
    },
  ],
  ['apiTokenCreate', createApiToken],
  ['apiTokenDelete', ({ world, args }) => world.tokens.delete(textAt(args, 'id'))],
  ['projectTokenCreate', createProjectToken],
  ['projectTokenDelete', ({ world, args }) => world.tokens.delete(textAt(args, 'id'))],
]);

function addDomain(call: Call): ReturnType<Resolver> {
  const input = inputOf(call);
  const domain = textAt(input, 'domain');
  const isTaken = [...call.world.things.values()].some(
    (one) => one.kind === 'customDomain' && one.fields.get('domain') === domain,
  );
  if (isTaken) throw new Refusal('Domain already in use');
  return thingView(call.world, call.world.addThing('customDomain', input));
}

function updateDomain({ world, args }: Call): boolean {
  const domain = world.thing('customDomain', textAt(args, 'id'));
  if (domain.environmentId !== args['environmentId']) {
    throw new Refusal('Domain not found', 'NOT_FOUND');
  }
  domain.fields.set('targetPort', args['targetPort'] ?? null);
  return true;
}

function domainId(world: Call['world'], args: JsonObject): string {
  return world.thing('customDomain', textAt(args, 'id')).id;
}

/** Without an environment, the service in all of them. */
function updateServiceInstance(call: Call): boolean {
  const { world, args } = call;
  const { id } = world.service(textAt(args, 'serviceId'));
  const environmentId = optionalTextAt(args, 'environmentId');
  for (const instance of world.serviceInstances.values()) {
    const isHere = environmentId === null || instance.environmentId === environmentId;
    if (instance.serviceId !== id || !isHere) continue;
    for (const [name, value] of Object.entries(inputOf(call))) instance.settings.set(name, value);
  }
  return true;
}

function deployment(change: JsonObject): Resolver {
  return ({ world, args }) => {
    const one = world.thing('deployment', textAt(args, 'id'));
    for (const [name, value] of Object.entries(change)) one.fields.set(name, value);
    world.logs.write(one, `Deployment is ${String(one.fields.get('status'))}`);
    return true;
  };
}

/** Without a workspace it is an account token: the widest there is. */
function createApiToken(call: Call): string {
  const { world, caller } = call;
  if (caller.kind !== 'account') throw notAuthorized();
  const workspaceId = optionalTextAt(inputOf(call), 'workspaceId');
  const base = { id: world.newId(), secret: world.newId(), name: textAt(inputOf(call), 'name') };
  const token: Token =
    workspaceId === null
      ? { ...base, kind: 'account', userId: caller.userId }
      : { ...base, kind: 'workspace', workspaceId };
  world.tokens.set(token.id, token);
  return token.secret;
}

function createProjectToken(call: Call): string {
  const input = inputOf(call);
  const { world } = call;
  const environment = world.environment(textAt(input, 'environmentId'));
  const projectId = textAt(input, 'projectId');
  if (environment.projectId !== projectId) throw new Refusal('Environment not found', 'NOT_FOUND');
  const base = { id: world.newId(), secret: world.newId(), name: textAt(input, 'name') };
  const token: Token = { ...base, kind: 'project', projectId, environmentId: environment.id };
  world.tokens.set(token.id, token);
  return token.secret;
}
