/** What destroys volumes, backups, and all that holds them. */

import { Refusal } from '../graphql/execute.ts';
import type { Json } from '../graphql/json.ts';
import { dropBackup, restoreBackup, wipeServices } from '../world/backups.ts';
import { setSchedules } from '../world/config.ts';
import type { VolumeInstance } from '../world/records.ts';
import {
  goProject,
  removeEnvironment,
  removeProject,
  removeService,
  removeUser,
  removeVolume,
  removeVolumeInstance,
  removeWorkspace,
  scheduleProject,
} from '../world/removal.ts';
import {
  type Call,
  inputOf,
  optionalTextAt,
  type Resolver,
  type Resolvers,
  textAt,
  textsAt,
} from './call.ts';
import { notAuthorized } from './scope.ts';

/** Every act is done when it answers. */
function doing(act: (call: Call) => void | Promise<void>): Resolver {
  return async (call) => {
    await act(call);
    return true;
  };
}

/** The same, for those that Railway does in a workflow. */
function working(act: (call: Call, instance: VolumeInstance) => void | Promise<void>): Resolver {
  return async (call) => {
    await act(call, call.world.volumeInstance(textAt(call.args, 'volumeInstanceId')));
    return { workflowId: call.world.newWorkflow() };
  };
}

export const DESTROY_DATA: Resolvers = new Map<string, Resolver>([
  ['volumeDelete', doing(({ world, args }) => removeVolume(world, textAt(args, 'volumeId')))],
  ['volumeInstanceUpdate', doing(updateInstances)],
  [
    'volumeInstanceBackupDelete',
    working(({ world, args }, instance) =>
      dropBackup(world, instance, textAt(args, 'volumeInstanceBackupId')),
    ),
  ],
  [
    'volumeInstanceBackupRestore',
    working(async ({ world, args }, instance) => {
      await restoreBackup(world, instance, textAt(args, 'volumeInstanceBackupId'));
      await wipeServices(world, instance.environmentId, textsAt(args, 'wipeServiceIds'));
    }),
  ],
  [
    'volumeInstanceBackupScheduleUpdate',
    doing(({ world, args }) => {
      const instance = world.volumeInstance(textAt(args, 'volumeInstanceId'));
      setSchedules(world, instance, textsAt(args, 'kinds'));
    }),
  ],
  ['environmentDelete', doing(({ world, args }) => removeEnvironment(world, textAt(args, 'id')))],
  [
    'serviceDelete',
    doing(({ world, args }) =>
      removeService(world, textAt(args, 'id'), optionalTextAt(args, 'environmentId')),
    ),
  ],
  ['projectDelete', doing(({ world, args }) => removeProject(world, textAt(args, 'id')))],
  ['projectScheduleDelete', doing(({ world, args }) => scheduleProject(world, textAt(args, 'id')))],
  ['projectScheduleDeleteForce', doing(({ world, args }) => goProject(world, textAt(args, 'id')))],
  ['workspaceDelete', doing(({ world, args }) => removeWorkspace(world, textAt(args, 'id')))],
  [
    'userDelete',
    doing(({ world, caller }) => {
      if (caller.kind !== 'account') throw notAuthorized();
      return removeUser(world, caller.userId);
    }),
  ],
]);

/**
 * Without an environment, all instances. A service that is left out or null disconnects: what ran on
 * the data is stopped. Whether Railway takes a state of DELETED is not known; here it does.
 */
async function updateInstances(call: Call): Promise<void> {
  const { world, args } = call;
  const input = inputOf(call);
  const environmentId = optionalTextAt(args, 'environmentId');
  const serviceId = optionalTextAt(input, 'serviceId');
  if (serviceId !== null) world.service(serviceId);
  const instances = world
    .instancesOfVolume(world.volume(textAt(args, 'volumeId')).id)
    .filter((one) => environmentId === null || one.environmentId === environmentId);
  if (instances.length === 0) throw new Refusal('Volume instance not found', 'NOT_FOUND');
  for (const instance of instances) await updateInstance(call, instance, serviceId, input['state']);
}

async function updateInstance(
  call: Call,
  instance: VolumeInstance,
  serviceId: string | null,
  state: Json | undefined,
): Promise<void> {
  const mountPath = optionalTextAt(inputOf(call), 'mountPath');
  if (mountPath !== null) instance.mountPath = mountPath;
  if (instance.serviceId !== null && serviceId === null) await instance.disk?.stop();
  instance.serviceId = serviceId;
  if (state === 'DELETED' || state === 'DELETING')
    return removeVolumeInstance(call.world, instance);
  if (typeof state === 'string') instance.state = state;
}
