/** What the world keeps. Times are in milliseconds since 1970. */

import type { VolumeDisk } from '../disk/volume-disk.ts';
import type { Json } from '../graphql/json.ts';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

export interface Workspace {
  readonly id: string;
  name: string;
  /** Who it goes with. */
  readonly ownerId: string;
}

export interface Project {
  readonly id: string;
  name: string;
  readonly workspaceId: string;
  readonly createdAtMs: number;
  /** Marked: 48 hours later it goes, with all that is in it. */
  deletedAtMs: number | null;
}

export interface Environment {
  readonly id: string;
  name: string;
  readonly projectId: string;
  readonly isEphemeral: boolean;
  readonly createdAtMs: number;
  deletedAtMs: number | null;
  /** Changes that wait for a commit. */
  staged: { readonly id: string; readonly patch: Json; readonly atMs: number } | null;
}

export interface Service {
  readonly id: string;
  name: string;
  icon: string | null;
  readonly projectId: string;
  readonly createdAtMs: number;
  deletedAtMs: number | null;
  /** The service whose cluster it is a member of; the root names itself. */
  readonly clusterRootId: string | null;
}

export interface ServiceInstance {
  readonly id: string;
  readonly serviceId: string;
  readonly environmentId: string;
  readonly createdAtMs: number;
  deletedAtMs: number | null;
  /** As `serviceInstanceUpdate` and patches set it: startCommand, region, source, ... */
  readonly settings: Map<string, Json>;
  /** Continuous backup of a cluster. */
  hasPitr: boolean;
}

export interface Volume {
  readonly id: string;
  name: string;
  readonly projectId: string;
  readonly createdAtMs: number;
}

/** A volume in one environment: the data is here. */
export interface VolumeInstance {
  readonly id: string;
  readonly volumeId: string;
  readonly environmentId: string;
  readonly createdAtMs: number;
  serviceId: string | null;
  mountPath: string;
  sizeMB: number;
  state: string;
  deletedAtMs: number | null;
  schedules: readonly Schedule[];
  /** Null: nothing is kept on disk for it. */
  readonly disk: VolumeDisk | null;
}

export interface Schedule {
  readonly id: string;
  readonly kind: string;
  readonly createdAtMs: number;
}

export interface Backup {
  readonly id: string;
  readonly volumeInstanceId: string;
  readonly name: string | null;
  readonly createdAtMs: number;
  expiresAtMs: number | null;
  readonly scheduleId: string | null;
  readonly usedBytes: number;
}

export interface Bucket {
  readonly id: string;
  name: string;
  readonly projectId: string;
  /** Where there is an instance of it. */
  readonly environmentIds: Set<string>;
}

/** Databases of the old kind, cloud agents, sandboxes, checkpoints, domains, deployments, tokens. */
export interface Thing {
  readonly id: string;
  readonly kind: ThingKind;
  readonly projectId: string | null;
  readonly environmentId: string | null;
  readonly serviceId: string | null;
  readonly createdAtMs: number;
  /** As the API names it. */
  readonly fields: Map<string, Json>;
}

export type ThingKind =
  | 'plugin'
  | 'cloudAgent'
  | 'sandbox'
  | 'sandboxCheckpoint'
  | 'customDomain'
  | 'serviceDomain'
  | 'deployment';

export interface Signal {
  readonly id: string;
  readonly owner: string;
  readonly name: string;
  readonly type: string;
  readonly default: Json;
  readonly rules: readonly Json[];
  readonly version: number;
}

/** A credential. No kind of it is limited to some operations. */
export type Token = { readonly id: string; readonly secret: string; readonly name: string } & (
  | { readonly kind: 'account'; readonly userId: string }
  | { readonly kind: 'workspace'; readonly workspaceId: string }
  | { readonly kind: 'project'; readonly projectId: string; readonly environmentId: string }
);
