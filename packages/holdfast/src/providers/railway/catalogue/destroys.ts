/** Data goes, or a resource that holds data, or a way back to it. And what can carry all of that. */
import { operations } from '../../catalogue.ts';

export const DESTROYS = operations('destroys', [
  [
    'volumeDelete',
    'volume',
    'volumeId',
    'deletes the volume with its data and all its backups, in every environment that has it',
  ],
  [
    'volumeInstanceUpdate',
    'volume',
    'volumeId',
    'changes where the volume is mounted, disconnects it, or sets its state to deleted; without an environment, in all of them',
    'inverse',
  ],
  [
    'volumeInstanceBackupDelete',
    'backup',
    'volumeInstanceBackupId',
    'deletes a backup of the volume',
  ],
  [
    'volumeInstanceBackupRestore',
    'backup',
    'volumeInstanceBackupId',
    'puts a backup over the present data, removes newer backups, and wipes the services named for it',
  ],
  [
    'volumeInstanceBackupScheduleUpdate',
    'backup',
    'volumeInstanceId',
    'changes when backups are made; an empty list stops them',
    'inverse',
  ],
  [
    'environmentDelete',
    'environment',
    'id',
    'deletes the environment with its services and volumes',
  ],
  ['serviceDelete', 'service', 'id', 'deletes the service; without an environment, in all of them'],
  [
    'projectDelete',
    'project',
    'id',
    'deletes the project with all its environments, services and volumes',
  ],
  ['projectScheduleDelete', 'project', 'id', 'has the project deleted in 48 hours', 'inverse'],
  [
    'projectScheduleDeleteForce',
    'project',
    'id',
    'deletes a project now that waits for its deletion',
  ],
  ['workspaceDelete', 'workspace', 'id', 'deletes the workspace with all its projects'],
  ['userDelete', 'account', null, 'deletes the account that the credential belongs to'],
  ['variableDelete', 'variable', 'input.name', 'removes a variable', 'inverse'],
  ['variableUpsert', 'variable', 'input.name', 'sets a variable; the old value is lost', 'inverse'],
  [
    'variableCollectionUpsert',
    'variable',
    null,
    'sets variables; with replace, every other one is removed',
    'inverse',
  ],
  ['pluginDelete', 'service', 'id', 'deletes a database of the old kind'],
  ['pluginReset', 'service', 'id', 'empties a database of the old kind'],
  [
    'disablePitrForHaCluster',
    'backup',
    'input.rootServiceId',
    'ends continuous backup of a database cluster',
  ],
  [
    'templateRevert',
    'service',
    'input.rootServiceId',
    'turns a database cluster back into a single server',
  ],
  ['cloudAgentDelete', 'sandbox', 'id', 'deletes a cloud agent with what it holds'],
  ['sandboxDestroy', 'sandbox', 'id', 'destroys a sandbox with what it holds'],
  ['sandboxCheckpointDelete', 'sandbox', 'id', 'deletes a checkpoint of a sandbox'],
  ['signalDelete', 'other', 'input.name', 'deletes a feature flag with its rules'],
  ['signalReplace', 'other', 'input.name', 'replaces a feature flag and clears its rules'],
]);

export const OPAQUE = operations('opaque', [
  [
    'environmentPatchCommit',
    'environment',
    'environmentId',
    'applies a document of changes to the environment',
  ],
  [
    'environmentStageChanges',
    'environment',
    'environmentId',
    'stages a document of changes for the environment',
  ],
  [
    'environmentPatchCommitStaged',
    'environment',
    'environmentId',
    'applies the changes that are staged for the environment',
  ],
  [
    'environmentApplyChangeSet',
    'environment',
    'environmentId',
    'applies a set of changes to the environment',
  ],
]);
