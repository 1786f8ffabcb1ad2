/** `vaults` and a target's `recovery`, from their shape to what the rooms read. */
import type { SecretRef, UpstreamConfig } from './config.ts';
import type {
  PgBackRestConfig,
  RecoveryConfig,
  StoreKeysConfig,
  VaultConfig,
  VaultWay,
} from './recovery-config.ts';
import type { Shaped } from './shape.ts';

type ShapedVault = Shaped['vaults'][string];
type ShapedTarget = Shaped['targets'][string];
type ShapedRecovery = NonNullable<ShapedTarget['recovery']>;
type ShapedRef = { readonly env: string } | { readonly file: string };
type SecretOf = (ref: ShapedRef) => SecretRef;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const KEEP_MS_DEFAULT = 35 * DAY_MS;
const RPO_MS_DEFAULT = MINUTE_MS;
const RTO_MS_DEFAULT = 15 * MINUTE_MS;
/** A day, and time for the drill. */
const PROVEN_AGE_MS_DEFAULT = 26 * HOUR_MS;

export function vaultOf(
  name: string,
  one: ShapedVault,
  secretOf: SecretOf,
  at: (path: string) => string,
): VaultConfig {
  return { name, way: wayOf(one, secretOf, at) };
}

function wayOf(one: ShapedVault, secretOf: SecretOf, at: (path: string) => string): VaultWay {
  const pair = (keys: {
    readonly accessKeyId: ShapedRef;
    readonly secretAccessKey: ShapedRef;
  }): StoreKeysConfig => ({
    accessKeyId: secretOf(keys.accessKeyId),
    secretAccessKey: secretOf(keys.secretAccessKey),
  });
  switch (one.kind) {
    case 'local':
      return { kind: 'local', folder: at(one.folder), user: one.user ?? null };
    case 's3': {
      const { bucket, endpoint, kind, pathStyle, prober, region, restorer, writer } = one;
      return {
        ...{ kind, endpoint, region, bucket },
        prefix: one.prefix ?? '',
        isPathStyle: pathStyle,
        probeBucket: one.probeBucket ?? null,
        project: one.project ?? null,
        writer: pair(writer),
        prober: pair(prober),
        restorer: restorer === undefined ? null : pair(restorer),
      };
    }
    case 'restic':
      return { kind: 'restic', url: one.url, user: one.user, password: secretOf(one.password) };
    default:
      return one satisfies never;
  }
}

export function recoveryOf(
  one: ShapedRecovery,
  parts: {
    readonly at: (path: string) => string;
    readonly secretOf: SecretOf;
    readonly upstreamOf: (upstream: ShapedTarget['upstream']) => UpstreamConfig;
  },
): RecoveryConfig {
  const { at, secretOf, upstreamOf } = parts;
  const { assertions, connection, identity, promise } = one;
  return {
    engine: one.engine,
    pgbackrest: one.engine === 'pgbackrest' ? pgbackrestOf(one, at) : null,
    vaults: [...new Set(one.vaults)],
    connection: connection === undefined ? null : upstreamOf(connection),
    recipients: one.recipients,
    identity: identity === undefined ? null : secretOf(identity),
    backupEveryMs: one.backupEvery ?? DAY_MS,
    keepMs: one.keep ?? KEEP_MS_DEFAULT,
    drillEveryMs: one.drillEvery ?? DAY_MS,
    assertions: assertions === undefined ? null : at(assertions),
    promise: {
      rpoMs: promise.rpo ?? RPO_MS_DEFAULT,
      rtoMs: promise.rto ?? RTO_MS_DEFAULT,
      provenAgeMsMax: promise.provenAge ?? PROVEN_AGE_MS_DEFAULT,
    },
    postgres: one.postgres.map(at),
  };
}

function pgbackrestOf(
  { pgbackrest }: ShapedRecovery,
  at: (path: string) => string,
): PgBackRestConfig | null {
  if (pgbackrest === undefined) return null;
  const { config, program, repo, stanza } = pgbackrest;
  return {
    stanza,
    config: config === undefined ? null : at(config),
    repo: repo ?? null,
    program: program === undefined ? 'pgbackrest' : at(program),
  };
}
