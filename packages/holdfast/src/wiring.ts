/** From what holdfast.yaml says to what the rooms are made of. Reads secrets, keeps none. */
import { readFileSync } from 'node:fs';
import type { Config, Env, SslMode, TargetConfig, UpstreamConfig } from './config/config.ts';
import { resolveUpstream } from './config/upstream.ts';
import type { Clock } from './model/clock.ts';
import { HoldfastError, messageOf } from './model/errors.ts';
import { ENVIRONMENT_LEVELS } from './model/target.ts';
import type { PolicySource } from './policy/policy-source.ts';
import { type AdminConnection, openTargetDatabase } from './protection/postgres/admin.ts';
import { captureDrift } from './protection/postgres/capture/drift.ts';
import { contentsOf } from './protection/postgres/contents.ts';
import { FOUNDATIONS } from './protection/postgres/foundations.ts';
import { type Check, checkProtection, type Probe } from './protection/postgres/wall/check.ts';
import type { ProtectOptions } from './protection/postgres/wall/ground.ts';
import type { TargetDatabase } from './protection/target-database.ts';
import type { AgentRole, TargetGuard } from './protection/target-guard.ts';
import type { PostgresTarget } from './protocols/index.ts';
import { DESCRIBED, PROVIDERS, type ProviderClass } from './providers/index.ts';
import type { Provider, ProviderOptions } from './providers/provider.ts';
import { DeclaredTargets } from './targets/declared-targets.ts';

/** A server that takes longer to let us in is as good as away; the agent is told so. */
const UPSTREAM_CONNECT_MS_MAX = 10_000;
const INSTALL_BYTES = 10;
/** For the words of a card: who asks is an agent that waits. */
const CONTENTS_MS_MAX = 2000;

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

/** Throws HF_CONFIG_INVALID for a provider that this version does not know. */
export function providersOf(
  config: Config,
  parts: {
    readonly env: Env;
    readonly clock: Clock;
    readonly sql: ProviderOptions['sql'];
    readonly secretOf: (credential: string) => Promise<string>;
  },
): ReadonlyMap<string, Provider> {
  const { clock, env, sql, secretOf } = parts;
  const strictnessOf = new Map(
    config.environments.map(({ name, level }) => [name, ENVIRONMENT_LEVELS.indexOf(level)]),
  );
  const providers = new Map(
    config.providers.map(({ credential, kind, name, openapi, places, url }) => {
      const Made = classOf(name, openapi !== null);
      const provider = new Made({
        origin: url,
        clock,
        sql,
        kind,
        description: openapi === null ? null : { name, ...openapi, text: textAt(openapi.path) },
        secret: () => secretOf(credential),
        placeOf: (project, at) => {
          const place = places.find((one) => one.project === project && one.at === at);
          if (place === undefined) return null;
          const strictness = strictnessOf.get(place.environment) ?? ENVIRONMENT_LEVELS.length;
          return { target: place.target, environment: place.environment, strictness };
        },
        databaseOf: async (target, service) => {
          const name = places.find((one) => one.target === target)?.databases[service];
          const database = config.targets.find((one) => one.name === name);
          return database === undefined ? null : databaseWords(database, env);
        },
      });
      return [name, provider];
    }),
  );
  requireOwnHosts(providers);
  return providers;
}

/** Never without the name: that the server did not answer is what people are told, not nothing. */
async function databaseWords(target: TargetConfig, env: Env): Promise<string> {
  let db: TargetDatabase | null = null;
  try {
    db = openTargetDatabase({
      target: target.name,
      connection: adminConnectionOf(target, env),
      poolSize: 1,
      waitMsMax: CONTENTS_MS_MAX,
      statementMsMax: CONTENTS_MS_MAX,
    });
    return `database ${target.name} with ${await contentsOf(db)}`;
  } catch (error) {
    const why = error instanceof HoldfastError ? error.found : String(error);
    return `database ${target.name}, whose rows could not be counted (${why})`;
  } finally {
    // What was asked has its answer; a server that is slow to part must not take it away.
    await db?.close().catch(() => {});
  }
}

/** Of two providers for one host it would be chance which one judges. */
function requireOwnHosts(providers: ReadonlyMap<string, Provider>): void {
  const owners = new Map<string, string>();
  for (const [name, { hosts }] of providers) {
    for (const host of hosts) {
      const owner = owners.get(host);
      if (owner !== undefined) {
        throw new HoldfastError('HF_CONFIG_INVALID', {
          expected: `one provider for ${host}`,
          found: `${owner} and ${name}`,
          hint: 'Take one of them out of providers in holdfast.yaml.',
        });
      }
      owners.set(host, name);
    }
  }
}

/** A file does not take the place of what we know: the catalogue of a known provider says more. */
function classOf(name: string, isDescribed: boolean): ProviderClass {
  const known = [...PROVIDERS.keys()].filter((one) => one !== DESCRIBED);
  const found = PROVIDERS.get(isDescribed ? DESCRIBED : name);
  if (found !== undefined && isDescribed !== known.includes(name)) return found;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    expected: `${known.join(', ')}, or another name with openapi: PATH`,
    found: isDescribed ? `${name} with openapi` : name,
    hint: 'Correct its name under providers in holdfast.yaml.',
  });
}

function textAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: `a description of an API at ${path}`,
      found: messageOf(cause),
      hint: 'Correct openapi under providers in holdfast.yaml.',
      cause,
    });
  }
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
