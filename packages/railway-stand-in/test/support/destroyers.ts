/** The operations that destroy, by name: what is sent, and what of the world it changes. */
import type { furnish, Town } from './town.ts';

/** A town and what it was furnished with; made anew before each test. */
export interface Scene {
  readonly town: Town;
  readonly extra: ReturnType<typeof furnish>;
}

export interface Destroyer {
  readonly field: string;
  /** What stands in the braces of the mutation. */
  readonly call: () => string;
  /** A view of the world that the operation must change. */
  readonly look: () => unknown;
  readonly before: unknown;
  readonly after: unknown;
}

export const quoted = (value: string): string => JSON.stringify(value);

/** Twenty-four of the twenty-eight; the other four carry documents. */
export function destroyersIn(scene: () => Scene): readonly Destroyer[] {
  const q = quoted;
  const world = () => scene().town.ready.world;
  const production = () => scene().town.ready.production;
  const at = () =>
    `environmentId: ${q(production().id)}, projectId: ${q(scene().town.ready.projectId)}`;
  const backups = () => world().backupsOf(production().volumeInstanceId);
  const oneBackup = (place: number) => {
    const id = backups()[place]?.id ?? '';
    const instance = q(production().volumeInstanceId);
    return `volumeInstanceId: ${instance}, volumeInstanceBackupId: ${q(id)}`;
  };
  const variables = () => [
    ...world().variables(production().id, scene().town.ready.serviceId).keys(),
  ];
  const service = () => `serviceId: ${q(scene().town.ready.serviceId)}`;
  const cluster = () => `input: { ${at()}, rootServiceId: ${q(scene().extra.rootId)}`;
  const environment = () => `environmentId: ${q(production().id)}`;

  return [
    {
      field: 'volumeDelete',
      call: () => `(volumeId: ${q(scene().town.ready.volumeId)})`,
      look: () => [
        world().instancesOfVolume(scene().town.ready.volumeId).length,
        world().backups.size,
      ],
      before: [2, 6],
      after: [0, 0],
    },
    {
      field: 'volumeInstanceUpdate',
      call: () => `(volumeId: ${q(scene().town.ready.volumeId)}, input: { mountPath: "/other" })`,
      look: () =>
        world()
          .instancesOfVolume(scene().town.ready.volumeId)
          .map((one) => one.serviceId === null),
      before: [false, false],
      after: [true, true],
    },
    {
      field: 'volumeInstanceUpdate',
      call: () =>
        `(volumeId: ${q(scene().town.ready.volumeId)}, ${environment()}, input: { state: DELETED, ${service()} })`,
      look: () => world().instancesOfVolume(scene().town.ready.volumeId).length,
      before: 2,
      after: 1,
    },
    {
      field: 'volumeInstanceBackupDelete',
      call: () => `(${oneBackup(0)}) { workflowId }`,
      look: () => backups().length,
      before: 3,
      after: 2,
    },
    {
      field: 'volumeInstanceBackupRestore',
      call: () => `(${oneBackup(0)}) { workflowId }`,
      look: () => backups().length,
      before: 3,
      after: 1,
    },
    {
      field: 'volumeInstanceBackupScheduleUpdate',
      call: () => `(kinds: [], volumeInstanceId: ${q(production().volumeInstanceId)})`,
      look: () => world().volumeInstance(production().volumeInstanceId).schedules.length,
      before: 1,
      after: 0,
    },
    {
      field: 'environmentDelete',
      call: () => `(id: ${q(production().id)})`,
      look: () => [
        world().environments.size,
        world().volumeInstances.has(production().volumeInstanceId),
        world().backups.size,
        variables().length,
      ],
      before: [2, true, 6, 2],
      after: [1, false, 3, 0],
    },
    {
      field: 'serviceDelete',
      call: () => `(id: ${q(scene().town.ready.serviceId)})`,
      look: () => [world().services.has(scene().town.ready.serviceId), world().backups.size],
      before: [true, 6],
      after: [false, 0],
    },
    {
      field: 'serviceDelete',
      call: () => `(id: ${q(scene().town.ready.serviceId)}, ${environment()})`,
      look: () => [world().services.has(scene().town.ready.serviceId), world().backups.size],
      before: [true, 6],
      after: [true, 3],
    },
    {
      field: 'projectDelete',
      call: () => `(id: ${q(scene().town.ready.projectId)})`,
      look: () => [world().projects.size, world().volumes.size, world().things.size],
      before: [1, 2, 8],
      after: [0, 0, 0],
    },
    {
      field: 'projectScheduleDelete',
      call: () => `(id: ${q(scene().town.ready.projectId)})`,
      look: () => world().project(scene().town.ready.projectId).deletedAtMs !== null,
      before: false,
      after: true,
    },
    {
      field: 'projectScheduleDeleteForce',
      call: () => `(id: ${q(scene().town.ready.projectId)})`,
      look: () => world().projects.size,
      before: 1,
      after: 0,
    },
    {
      field: 'workspaceDelete',
      call: () => `(id: ${q(scene().town.ready.workspaceId)})`,
      look: () => [world().workspaces.size, world().projects.size, world().tokens.size],
      before: [1, 1, 3],
      after: [0, 0, 1],
    },
    {
      field: 'userDelete',
      call: () => '',
      look: () => [world().users.size, world().projects.size, world().tokens.size],
      before: [1, 1, 3],
      after: [0, 0, 0],
    },
    {
      field: 'variableDelete',
      call: () => `(input: { ${at()}, ${service()}, name: "DATABASE_URL" })`,
      look: variables,
      before: ['PGDATA', 'DATABASE_URL'],
      after: ['PGDATA'],
    },
    {
      field: 'variableUpsert',
      call: () => `(input: { ${at()}, ${service()}, name: "DATABASE_URL", value: "" })`,
      look: () =>
        world().variables(production().id, scene().town.ready.serviceId).get('DATABASE_URL'),
      before: 'postgres://app:made-up@postgres.internal/production',
      after: '',
    },
    {
      field: 'variableCollectionUpsert',
      call: () => `(input: { ${at()}, ${service()}, replace: true, variables: { ONLY: "this" } })`,
      look: variables,
      before: ['PGDATA', 'DATABASE_URL'],
      after: ['ONLY'],
    },
    {
      field: 'pluginDelete',
      call: () => `(id: ${q(scene().extra.pluginId)}, ${environment()})`,
      look: () => world().things.has(scene().extra.pluginId),
      before: true,
      after: false,
    },
    {
      field: 'pluginReset',
      call: () => `(id: ${q(scene().extra.pluginId)}, input: { ${environment()} })`,
      look: () => world().thing('plugin', scene().extra.pluginId).fields.get('rows'),
      before: 100,
      after: 0,
    },
    {
      field: 'disablePitrForHaCluster',
      call: () => `(${cluster()} }) { projectId workflowId }`,
      look: () => [
        world().serviceInstance(production().id, scene().extra.rootId).hasPitr,
        world().buckets.has(scene().extra.archiveId),
      ],
      before: [true, true],
      after: [false, false],
    },
    {
      field: 'templateRevert',
      call: () => `(${cluster()}, templateCode: "postgres" }) { projectId }`,
      look: () => world().volumes.has(scene().extra.replicaVolumeId),
      before: true,
      after: false,
    },
    {
      field: 'cloudAgentDelete',
      call: () => `(id: ${q(scene().extra.agentId)})`,
      look: () => world().things.has(scene().extra.agentId),
      before: true,
      after: false,
    },
    {
      field: 'sandboxDestroy',
      call: () => `(id: ${q(scene().extra.sandboxId)}, ${environment()}) { id status }`,
      look: () => world().things.has(scene().extra.sandboxId),
      before: true,
      after: false,
    },
    {
      field: 'sandboxCheckpointDelete',
      call: () => `(id: ${q(scene().extra.checkpointId)}, ${environment()})`,
      look: () => world().things.has(scene().extra.checkpointId),
      before: true,
      after: false,
    },
    {
      field: 'signalDelete',
      call: () => '(input: { owner: "team", name: "new-prices" }) { name }',
      look: () => world().signals.size,
      before: 1,
      after: 0,
    },
    {
      field: 'signalReplace',
      call: () =>
        '(input: { owner: "team", name: "new-prices", type: bool, default: true }) { rules version }',
      look: () => world().signal('team', 'new-prices').rules.length,
      before: 1,
      after: 0,
    },
  ];
}
