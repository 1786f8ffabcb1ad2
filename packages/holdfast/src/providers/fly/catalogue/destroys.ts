/** Data goes, or a resource that holds data, or a way back to it. */
import { operations } from '../../catalogue.ts';

export const DESTROYS = operations('destroys', [
  ['deleteApp', 'service', 'appId', 'deletes the app with its machines and volumes'],
  ['deleteVolume', 'volume', 'input.volumeId', 'deletes the volume with its data'],
  [
    'restoreVolumeSnapshot',
    'backup',
    'input.snapshotId',
    'puts a snapshot over the present data of the volume',
  ],
  [
    'updateVolume',
    'backup',
    'input.volumeId',
    'changes how long snapshots of the volume are kept',
    'inverse',
  ],
  [
    'migrateVolume',
    'volume',
    'input.targetVolumeId',
    'moves the data of a volume, from its latest snapshot when asked for',
  ],
  [
    'removeMachine',
    'service',
    'input.id',
    'destroys the machine with what it keeps outside volumes',
  ],
  ['deleteAddOn', 'database', 'input.addOnId', 'deletes an add-on, as a rule a database'],
  [
    'deleteOrganization',
    'workspace',
    'input.organizationId',
    'deletes the organization with its apps',
  ],
  ['deleteUser', 'account', null, 'deletes the account that the credential belongs to'],
  ['destroyIdentities', 'account', null, 'destroys the identities of the account'],
  [
    'detachPostgresCluster',
    'database',
    'input.postgresClusterAppId',
    'takes its database from an app, with the user it had',
  ],
  ['unsetSecrets', 'variable', 'input.appId', 'removes secrets; their values are lost'],
  ['setSecrets', 'variable', 'input.appId', 'sets secrets; old values, or all others, are lost'],
  ['deleteService', 'service', 'input.name', 'deletes a service of the app'],
  [
    'nomadToMachinesMigration',
    'service',
    'input.appId',
    'moves the app to another platform, which cannot be turned back',
  ],
  ['deleteRemoteBuilder', 'service', 'input.organizationId', 'deletes the builder with its cache'],
]);
