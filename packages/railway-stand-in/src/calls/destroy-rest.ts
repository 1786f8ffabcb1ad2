/** What destroys variables, databases of the old kind, clusters, sandboxes and signals. */
import { Refusal } from '../graphql/execute.ts';
import { isJsonObject, type Json } from '../graphql/json.ts';
import type { ServiceInstance, Thing } from '../world/records.ts';
import { removeService } from '../world/removal.ts';
import { signalKey } from '../world/world.ts';
import {
  type Call,
  inputOf,
  optionalTextAt,
  type Resolver,
  type Resolvers,
  textAt,
} from './call.ts';
import { stage } from './documents.ts';
import { signalView, thingView } from './views.ts';

export const DESTROY_REST: Resolvers = new Map<string, Resolver>([
  ['variableDelete', (call) => variablesOf(call).delete(textAt(inputOf(call), 'name')) || true],
  [
    'variableUpsert',
    (call) => {
      const input = inputOf(call);
      variablesOf(call).set(textAt(input, 'name'), textAt(input, 'value'));
      return true;
    },
  ],
  ['variableCollectionUpsert', upsertVariables],
  ['pluginDelete', (call) => removePlugin(call)],
  [
    'pluginReset',
    ({ world, args }) => {
      world.thing('plugin', textAt(args, 'id')).fields.set('rows', 0);
      return true;
    },
  ],
  ['disablePitrForHaCluster', endPitr],
  ['templateRevert', revertCluster],
  ['cloudAgentDelete', (call) => remove(call, 'cloudAgent') !== null],
  [
    'sandboxDestroy',
    (call) => {
      const thing = remove(call, 'sandbox');
      return { ...thingView(call.world, thing), status: 'DESTROYED' };
    },
  ],
  ['sandboxCheckpointDelete', (call) => remove(call, 'sandboxCheckpoint') !== null],
  [
    'signalDelete',
    (call) => {
      const [owner, name] = signalOf(call);
      const signal = call.world.signal(owner, name);
      call.world.signals.delete(signalKey(owner, name));
      return signalView(signal);
    },
  ],
  [
    'signalReplace',
    (call) => {
      const [owner, name] = signalOf(call);
      const input = inputOf(call);
      const before = call.world.signal(owner, name);
      const signal = {
        ...before,
        type: textAt(input, 'type'),
        default: input['default'] ?? null,
        rules: [],
        version: before.version + 1,
      };
      call.world.signals.set(signalKey(owner, name), signal);
      return signalView(signal);
    },
  ],
]);

function signalOf(call: Call): readonly [owner: string, name: string] {
  const input = inputOf(call);
  return [textAt(input, 'owner'), textAt(input, 'name')];
}

function variablesOf(call: Call): Map<string, string> {
  const input = inputOf(call);
  const serviceId = optionalTextAt(input, 'serviceId');
  return call.world.variables(textAt(input, 'environmentId'), serviceId);
}

/** `replace` removes every variable that is not in the collection. */
function upsertVariables(call: Call): boolean {
  const { replace = false, variables = null } = inputOf(call);
  if (!isJsonObject(variables)) throw new Refusal('Variables must be an object.');
  const there = variablesOf(call);
  if (replace === true) there.clear();
  for (const [name, value] of Object.entries(variables)) there.set(name, asText(value));
  return true;
}

function asText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function remove(call: Call, kind: Parameters<Call['world']['thing']>[0]): Thing {
  const thing = call.world.thing(kind, textAt(call.args, 'id'));
  call.world.things.delete(thing.id);
  return thing;
}

function removePlugin(call: Call): boolean {
  const thing = call.world.thing('plugin', textAt(call.args, 'id'));
  const environmentId = optionalTextAt(call.args, 'environmentId');
  const isElsewhere = environmentId !== null && thing.environmentId !== environmentId;
  if (isElsewhere) throw new Refusal('Plugin not found', 'NOT_FOUND');
  return call.world.things.delete(thing.id);
}

function clusterOf(call: Call): ServiceInstance {
  const input = inputOf(call);
  return call.world.serviceInstance(textAt(input, 'environmentId'), textAt(input, 'rootServiceId'));
}

function deployed(call: Call): { readonly projectId: string; readonly workflowId: string } {
  return {
    projectId: textAt(inputOf(call), 'projectId'),
    workflowId: call.world.newWorkflow(),
  };
}

/** Continuous backup ends, and the bucket of its archive goes. */
function endPitr(call: Call): ReturnType<Resolver> {
  const root = clusterOf(call);
  root.hasPitr = false;
  for (const { id, name } of [...call.world.buckets.values()]) {
    if (name === `pitr-${root.serviceId}`) call.world.buckets.delete(id);
  }
  return deployed(call);
}

/** From a cluster to a single server: the members other than the root go, with their volumes. */
async function revertCluster(call: Call): Promise<Awaited<ReturnType<Resolver>>> {
  const { world } = call;
  const { serviceId, environmentId } = clusterOf(call);
  const members = [...world.services.values()].filter(
    ({ id, clusterRootId }) => clusterRootId === serviceId && id !== serviceId,
  );
  if (inputOf(call)['stageOnly'] === true) {
    const services = Object.fromEntries(members.map(({ id }) => [id, { isDeleted: true }]));
    stage(world, environmentId, { services }, true);
  } else {
    for (const { id } of members) await removeService(world, id, environmentId);
  }
  return deployed(call);
}
