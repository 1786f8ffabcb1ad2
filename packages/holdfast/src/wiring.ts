/** From what holdfast.yaml says to what the rooms are made of. Reads secrets, keeps none. */
import { readFileSync } from 'node:fs';
import type { Config, Env, TargetConfig } from './config/config.ts';
import { resolveUpstream } from './config/upstream.ts';
import { HoldfastError } from './model/errors.ts';
import type { PolicySource } from './policy/policy-source.ts';
import type { TargetGuard } from './protection/target-guard.ts';
import type { PostgresTarget } from './protocols/index.ts';
import { DeclaredTargets } from './targets/declared-targets.ts';

/** A server that takes longer to let us in is as good as away; the agent is told so. */
const UPSTREAM_CONNECT_MS_MAX = 10_000;

export function policySourceOf({ environments, policy, targets }: Config): PolicySource {
  return {
    files: policy.files,
    replaces: policy.replaces,
    environments: environments.map(({ name, people }) => ({ name, people })),
    targets: targets.map(({ name, functionsAllowed }) => ({ name, functionsAllowed })),
  };
}

export function targetsOf({ environments, targets }: Config): DeclaredTargets {
  return new DeclaredTargets(targets, environments);
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
