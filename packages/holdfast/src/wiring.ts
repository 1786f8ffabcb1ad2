/** From what holdfast.yaml says to what the rooms are made of. Reads secrets, keeps none. */
import { readFileSync } from 'node:fs';
import type { Config, Env, SslMode, TargetConfig, UpstreamConfig } from './config/config.ts';
import { resolveUpstream } from './config/upstream.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError } from './model/errors.ts';
import type { PolicySource } from './policy/policy-source.ts';
import { type AdminConnection, openTargetDatabase } from './protection/postgres/admin.ts';
import { captureDrift } from './protection/postgres/capture/drift.ts';
import { FOUNDATIONS } from './protection/postgres/foundations.ts';
import { type Check, checkProtection, type Probe } from './protection/postgres/wall/check.ts';
import type { ProtectOptions } from './protection/postgres/wall/ground.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import type { AgentRole, TargetGuard } from './protection/target-guard.ts';
import type { PostgresTarget } from './protocols/index.ts';
import { DeclaredTargets } from './targets/declared-targets.ts';

/** A server that takes longer to let us in is as good as away; the agent is told so. */
const UPSTREAM_CONNECT_MS_MAX = 10_000;
const INSTALL_BYTES = 10;

export function policySourceOf({ environments, policy, targets }: Config): PolicySource {
  return {
    files: policy.files,
    replaces: policy.replaces,
    environments: environments.map(({ name, people }) => ({ name, people })),
    targets: targets.map(({ name, functionsAllowed }) => ({ name, functionsAllowed })),
  };
}

export function targetsOf({ environments, providers, targets }: Config): DeclaredTargets {
  const places = providers.flatMap((one) => one.places);
  const hosted = places.map(({ target, environment }) => ({
    name: target,
    protocol: 'http' as const,
    environment,
  }));
  return new DeclaredTargets([...targets, ...hosted], environments);
}

/** Throws HF_CONFIG_INVALID for a target whose server cannot be named. */
export function postgresTargetsOf(
  config: Config,
  env: Env,
  declared: DeclaredTargets,
  guards: ReadonlyMap<string, TargetGuard>,
): ReadonlyMap<string, PostgresTarget> {
  return new Map(
    config.targets.map((one) => {
      const target = declared.resolve({ asked: one.name, searchPath: one.searchPath ?? [] });
      const guard = guards.get(one.name) ?? null;
      return [one.name, { target, upstream: upstreamOf(one, env), guard }];
    }),
  );
}

function upstreamOf(target: TargetConfig, env: Env): PostgresTarget['upstream'] {
  const { host, port, user, database, sslmode, sslrootcert } = resolveUpstream(
    target.upstream,
    env,
  );
  if (user === null) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: `targets.${target.name}.upstream.url with a user`,
      found: 'none',
      hint: 'Say as whom Holdfast logs in: postgres://user@host:5432/database',
    });
  }
  const folder = decodeURIComponent(host);
  return {
    address: folder.startsWith('/')
      ? { kind: 'unix', path: `${folder}/.s.PGSQL.${port}` }
      : { kind: 'tcp', host, port },
    user,
    // Read at each connection: a password that was changed counts without a restart.
    password: () => resolveUpstream(target.upstream, env).password,
    database: database ?? target.name,
    sslmode,
    ca: sslrootcert === null ? null : readFileSync(sslrootcert, 'utf8'),
    connectTimeoutMs: UPSTREAM_CONNECT_MS_MAX,
  };
}

/** Holdfast's own way to a target: as protection.admin, or as the upstream's user. */
export function adminConnectionOf(target: TargetConfig, env: Env): AdminConnection {
  const source = target.protection.admin ?? target.upstream;
  return connectionOf(target, source, env, 'protection.admin');
}

/** As whom Holdfast takes recovery points: a role with REPLICATION. */
export function recoveryConnectionOf(target: TargetConfig, env: Env): AdminConnection {
  const source = target.recovery?.connection ?? target.protection.admin ?? target.upstream;
  return connectionOf(target, source, env, 'recovery.connection');
}

function connectionOf(
  target: TargetConfig,
  source: UpstreamConfig,
  env: Env,
  key: 'protection.admin' | 'recovery.connection',
): AdminConnection {
  const { host, port, user, database, sslmode, sslrootcert } = resolveUpstream(source, env);
  if (user === null) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: `targets.${target.name}.${key}.url with a user`,
      found: 'none',
      hint: 'Say as whom Holdfast protects: postgres://holdfast_admin@host:5432/database',
    });
  }
  return {
    host: decodeURIComponent(host),
    port,
    user,
    database: database ?? target.name,
    password: () => resolveUpstream(source, env).password,
    ssl: sslOf(sslmode, sslrootcert),
  };
}

/** As whom an agent's own session is upstream: its role, or the upstream's user where it has none. */
export function agentConnectionOf(
  target: TargetConfig,
  env: Env,
  role: AgentRole | null,
): AdminConnection {
  const { host, port, user, password, database, sslmode, sslrootcert } = resolveUpstream(
    target.upstream,
    env,
  );
  return {
    host: decodeURIComponent(host),
    port,
    user: role?.user ?? user ?? '',
    database: database ?? target.name,
    password: () => (role === null ? password : role.password),
    ssl: sslOf(sslmode, sslrootcert),
  };
}

/** As libpq means them; `prefer` without TLS, because it is for this machine only. */
function sslOf(sslmode: SslMode, sslrootcert: string | null): AdminConnection['ssl'] {
  const ca = sslrootcert === null ? {} : { ca: readFileSync(sslrootcert, 'utf8') };
  switch (sslmode) {
    case 'disable':
    case 'prefer':
      return false;
    case 'require':
      return { ...ca, rejectUnauthorized: sslrootcert !== null };
    case 'verify-ca':
      return { ...ca, checkServerIdentity: () => undefined };
    case 'verify-full':
      return ca;
    default:
      return sslmode satisfies never;
  }
}

export function openTarget(target: TargetConfig, env: Env): TargetDatabase {
  return openTargetDatabase({ target: target.name, connection: adminConnectionOf(target, env) });
}

/** What `protect`, the check and the guard are told of a target. */
export function protectOptionsOf(target: TargetConfig, clock: Clock): ProtectOptions {
  return {
    target: target.name,
    exempt: target.protection.exempt,
    ddlOwner: target.protection.owner,
    functionsAllowed: target.functionsAllowed,
    foundations: FOUNDATIONS,
    install: `install_${clock.random(INSTALL_BYTES).toString('hex')}`,
  };
}

/** Drift of a target: holdfast protect --check, doctor, and the guard every so often. */
export function checkTarget(
  db: TargetDatabase,
  target: TargetConfig,
  clock: Clock,
): Promise<Check> {
  const findUncaptured: Probe = async (session) =>
    (await captureDrift(session)).map(({ reason, table }) => ({
      code: 'drift.capture',
      about: `${table}: ${reason}`,
      fix: `holdfast protect ${target.name} --apply`,
    }));
  return checkProtection(db, protectOptionsOf(target, clock), [findUncaptured]);
}
