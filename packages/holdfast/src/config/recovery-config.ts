/** What holdfast.yaml says under `vaults`, and under `recovery` of a target. */
import type { SecretRef } from './secret-ref.ts';
import type { UpstreamConfig } from './upstream-config.ts';

/** A key of an object store; its id is a secret here too, since logs tell ids. */
export interface StoreKeysConfig {
  readonly accessKeyId: SecretRef;
  readonly secretAccessKey: SecretRef;
}

export type VaultWay =
  | {
      readonly kind: 'local';
      readonly folder: string;
      /** As whom its process runs; null: as Holdfast does. */
      readonly user: string | null;
    }
  | {
      readonly kind: 's3';
      readonly endpoint: string;
      readonly region: string;
      readonly bucket: string;
      /** Empty, or ends with a slash. */
      readonly prefix: string;
      readonly isPathStyle: boolean;
      /** Where a proof tries what can only be tried by harming a bucket. */
      readonly probeBucket: string | null;
      /** The provider's project it lies in, as `railway/acme`; null: none that we know. */
      readonly project: string | null;
      readonly writer: StoreKeysConfig;
      readonly prober: StoreKeysConfig;
      /** Null: kept elsewhere. */
      readonly restorer: StoreKeysConfig | null;
    }
  | {
      readonly kind: 'restic';
      readonly url: string;
      readonly user: string;
      readonly password: SecretRef;
    };

export interface VaultConfig {
  readonly name: string;
  readonly way: VaultWay;
}

export const RECOVERY_ENGINES = ['pull', 'dump', 'pgbackrest'] as const;

/** What the user has already: a stanza in its own configuration. */
export interface PgBackRestConfig {
  readonly stanza: string;
  /** Null: where pgbackrest itself looks. */
  readonly config: string | null;
  /** The number of one of its repositories; null: the first. */
  readonly repo: number | null;
  /** A name is looked for in PATH. */
  readonly program: string;
}

export interface RecoveryConfig {
  /** What takes the points: base backups and WAL, dumps where the server refuses those, or pgBackRest. */
  readonly engine: (typeof RECOVERY_ENGINES)[number];
  /** Of engine pgbackrest; null: another. */
  readonly pgbackrest: PgBackRestConfig | null;
  /** Names of vaults. */
  readonly vaults: readonly string[];
  /** Of a role with REPLICATION; null: protection.admin, else the upstream. */
  readonly connection: UpstreamConfig | null;
  /** Public keys: age1... */
  readonly recipients: readonly string[];
  /** The private key, for drills; null: it is kept elsewhere, and nothing can be proven here. */
  readonly identity: SecretRef | null;
  readonly backupEveryMs: number;
  readonly keepMs: number;
  readonly drillEveryMs: number;
  /** A file of assertions. */
  readonly assertions: string | null;
  readonly promise: {
    readonly rpoMs: number;
    readonly rtoMs: number;
    readonly provenAgeMsMax: number;
  };
  /** Folders with PostgreSQL's programs, looked in before the usual ones. */
  readonly postgres: readonly string[];
}

/** By name; what is no target of the file has none. */
export function hasRecovery(
  targets: readonly { readonly name: string; readonly recovery: RecoveryConfig | null }[],
  target: string,
): boolean {
  return targets.some(({ name, recovery }) => name === target && recovery !== null);
}
