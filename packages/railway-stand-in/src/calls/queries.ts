/** The queries an inventory is made of. */
import { objectOf } from '../graphql/json.ts';
import type { Project, Token } from '../world/records.ts';
import type { World } from '../world/world.ts';
import {
  type Call,
  optionalTextAt,
  type Resolver,
  type Resolvers,
  textAt,
  textsAt,
} from './call.ts';
import { notAuthorized } from './scope.ts';
import { logView, meantBy } from './subscriptions.ts';
import {
  backupView,
  bucketView,
  domainsView,
  environmentView,
  page,
  projectView,
  schedulesView,
  serviceInstanceView,
  serviceView,
  signalView,
  stagedView,
  thingView,
  tokenView,
  userView,
  volumeInstanceView,
  workspaceView,
} from './views.ts';

const thing =
  (kind: Parameters<World['thing']>[0]): Resolver =>
  ({ world, args }) =>
    thingView(world, world.thing(kind, textAt(args, 'id')));

const things =
  (kind: Parameters<World['thing']>[0]): Resolver =>
  ({ world, args }) =>
    world.thingsOf(kind, textAt(args, 'environmentId')).map((one) => thingView(world, one));

/** As they are written, or with what they refer to in its place; a sealed one is not among them. */
const variables: Resolver = ({ world, args }) => {
  const environmentId = textAt(args, 'environmentId');
  const serviceId = optionalTextAt(args, 'serviceId');
  const shared = world.variables(environmentId, null);
  const shown = [...world.variables(environmentId, serviceId)].filter(
    ([name]) => !world.isSealed(environmentId, serviceId, name),
  );
  if (args['unrendered'] === true) return objectOf(shown);
  const rendered = (value: string): string =>
    value.replaceAll(/\$\{\{shared\.(\w+)\}\}/g, (_all, name: string) => shared.get(name) ?? '');
  return objectOf(shown.map(([name, value]) => [name, rendered(value)] as const));
};

export const QUERY_RESOLVERS: Resolvers = new Map<string, Resolver>([
  [
    'me',
    ({ world, caller }) => {
      const user = caller.kind === 'account' ? world.users.get(caller.userId) : undefined;
      if (user === undefined) throw notAuthorized();
      return userView(world, user);
    },
  ],
  // Of others that one was invited to: none.
  ['externalWorkspaces', () => []],
  ['apiToken', apiToken],
  [
    'apiTokens',
    ({ world, args }) => {
      const all = [...world.tokens.values()].filter((one) => one.kind !== 'project');
      return page(all, args, (one) => tokenView(world, one));
    },
  ],
  [
    'projectToken',
    ({ world, caller }) => {
      if (caller.kind !== 'project') throw notAuthorized();
      return tokenView(world, caller);
    },
  ],
  [
    'projectTokens',
    ({ world, args }) => {
      const isMeant = (one: Token): boolean =>
        one.kind === 'project' && one.projectId === args['projectId'];
      return page([...world.tokens.values()].filter(isMeant), args, (one) => tokenView(world, one));
    },
  ],
  ['projects', (call) => page(projectsOf(call), call.args, (one) => projectView(call.world, one))],
  [
    'projectsByIds',
    (call) => {
      const ids = textsAt(call.args, 'ids');
      return projectsOf(call)
        .filter(({ id }) => ids.includes(id))
        .map((one) => projectView(call.world, one));
    },
  ],
  ['project', ({ world, args }) => projectView(world, world.project(textAt(args, 'id')))],
  [
    'workspace',
    ({ world, args }) => workspaceView(world, world.workspace(textAt(args, 'workspaceId'))),
  ],
  [
    'environment',
    ({ world, args }) => environmentView(world, world.environment(textAt(args, 'id'))),
  ],
  [
    'environments',
    ({ world, args }) => {
      const all = world
        .environmentsOf(textAt(args, 'projectId'))
        .filter((one) => (args['isEphemeral'] ?? one.isEphemeral) === one.isEphemeral);
      return page(all, args, (one) => environmentView(world, one));
    },
  ],
  [
    'environmentStagedChanges',
    ({ world, args }) => stagedView(world, world.environment(textAt(args, 'environmentId'))),
  ],
  ['service', ({ world, args }) => serviceView(world, world.service(textAt(args, 'id')))],
  [
    'serviceInstance',
    ({ world, args }) => {
      const [at, service] = [textAt(args, 'environmentId'), textAt(args, 'serviceId')];
      return serviceInstanceView(world, world.serviceInstance(at, service));
    },
  ],
  [
    'domains',
    ({ world, args }) =>
      domainsView(world, textAt(args, 'environmentId'), textAt(args, 'serviceId')),
  ],
  [
    'volumeInstance',
    ({ world, args }) => volumeInstanceView(world, world.volumeInstance(textAt(args, 'id'))),
  ],
  // By its name for Railway's own people.
  [
    'adminVolumeInstancesForVolume',
    () => {
      throw notAuthorized();
    },
  ],
  [
    'volumeInstanceBackupList',
    ({ world, args }) => {
      const { id } = world.volumeInstance(textAt(args, 'volumeInstanceId'));
      return world.backupsOf(id).map((one) => backupView(world, one));
    },
  ],
  [
    'volumeInstanceBackupScheduleList',
    ({ world, args }) => schedulesView(world.volumeInstance(textAt(args, 'volumeInstanceId'))),
  ],
  [
    'workflowStatus',
    ({ world, args }) => {
      const found = world.workflows.get(textAt(args, 'workflowId'));
      return { status: found?.status ?? 'NotFound', error: found?.error ?? null };
    },
  ],
  ['variables', variables],
  [
    'variablesForServiceDeployment',
    ({ world, args }) => {
      const environmentId = textAt(args, 'environmentId');
      const shared = world.variables(environmentId, null);
      return objectOf([...shared, ...world.variables(environmentId, textAt(args, 'serviceId'))]);
    },
  ],
  ['customDomain', thing('customDomain')],
  ['deployment', thing('deployment')],
  [
    'deploymentLogs',
    ({ world, args }) => {
      const { limit } = args;
      const lines = world.logs.lines(meantBy(args, 'deploymentId'));
      return lines.slice(typeof limit === 'number' ? -limit : 0).map(logView);
    },
  ],
  [
    'deployments',
    ({ world, args }) => {
      const input = args['input'];
      const wanted = typeof input === 'object' && input !== null ? Object.entries(input) : [];
      const all = [...world.things.values()].filter(
        (one) =>
          one.kind === 'deployment' &&
          wanted.every(([name, value]) => !name.endsWith('Id') || one.fields.get(name) === value),
      );
      return page(all, args, (one) => thingView(world, one));
    },
  ],
  [
    'bucketS3Credentials',
    ({ world, args }) => {
      const { name, id } = bucketView(world, world.bucket(textAt(args, 'bucketId')));
      return [
        { bucketName: name, accessKeyId: `key-of-${id}`, secretAccessKey: `secret-of-${id}` },
      ];
    },
  ],
  ['plugin', thing('plugin')],
  ['sandbox', thing('sandbox')],
  [
    'sandboxes',
    ({ world, args }) =>
      page(world.thingsOf('sandbox', textAt(args, 'environmentId')), args, (one) =>
        thingView(world, one),
      ),
  ],
  ['sandboxCheckpoints', things('sandboxCheckpoint')],
  ['cloudAgent', thing('cloudAgent')],
  ['cloudAgents', things('cloudAgent')],
  [
    'signal',
    ({ world, args }) => {
      const owner = optionalTextAt(args, 'owner');
      const found = [...world.signals.values()].find(
        (one) => one.name === args['name'] && (owner === null || one.owner === owner),
      );
      return found === undefined ? null : signalView(found);
    },
  ],
  [
    'signals',
    ({ world, args }) => {
      const owner = optionalTextAt(args, 'owner');
      return [...world.signals.values()]
        .filter((one) => owner === null || one.owner === owner)
        .map(signalView);
    },
  ],
]);

function apiToken({ world, caller }: Call): ReturnType<Resolver> {
  if (caller.kind === 'project') throw notAuthorized();
  const mine = [...world.workspaces.values()].filter((one) =>
    caller.kind === 'workspace' ? one.id === caller.workspaceId : one.ownerId === caller.userId,
  );
  return { workspaces: mine.map(({ id, name }) => ({ id, name })) };
}

/** What the token reaches; those that are marked as deleted only when asked for. */
function projectsOf({ world, caller, args }: Call): readonly Project[] {
  const wanted = optionalTextAt(args, 'workspaceId');
  return [...world.projects.values()].filter(({ id, workspaceId, deletedAtMs }) => {
    if (deletedAtMs !== null && args['includeDeleted'] !== true) return false;
    if (wanted !== null && workspaceId !== wanted) return false;
    if (caller.kind === 'project') return id === caller.projectId;
    if (caller.kind === 'workspace') return workspaceId === caller.workspaceId;
    return world.workspaces.get(workspaceId)?.ownerId === caller.userId;
  });
}
