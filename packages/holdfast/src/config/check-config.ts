/** What is not wrong with a configuration but worth saying: for `holdfast check` and at start. */

import { HoldfastError } from '../model/errors.ts';
import type { Config, Env, SecretRef, UpstreamConfig } from './config.ts';
import type { ChannelConfig, TextOrRef } from './notify-config.ts';
import { notifyWarnings } from './notify-findings.ts';
import type { StoreKeysConfig, VaultConfig } from './recovery-config.ts';
import { type RecoveryWarningCode, recoveryWarnings } from './recovery-warnings.ts';
import { isLoopback, resolveSecret } from './upstream.ts';

export interface Warning {
  /** For programs, where it is one that a program would look for. */
  readonly code?: RecoveryWarningCode;
  readonly path: string;
  readonly found: string;
  readonly hint: string;
}

export function checkConfig(config: Config): Warning[] {
  const declared = new Set(config.environments.map((one) => one.name));
  const warnings: Warning[] = [];
  for (const target of config.targets) {
    const path = `targets.${target.name}`;
    if (!declared.has(target.environment)) {
      warnings.push({
        path: `${path}.environment`,
        found: `${target.environment} is not declared, so ${target.name} counts as sealed`,
        hint: `Declare it under environments, or use one of ${[...declared].join(', ') || 'none yet'}.`,
      });
    }
    const { sslmode } = target.upstream;
    if (sslmode !== null && ['disable', 'prefer', 'require'].includes(sslmode)) {
      warnings.push({
        path: `${path}.upstream.sslmode`,
        found: `${sslmode} does not check who the server is`,
        hint: 'Use verify-full where the way to the server is not your own machine.',
      });
    }
  }
  for (const { name, openapi, places } of config.providers) {
    for (const { target, environment } of places) {
      if (declared.has(environment)) continue;
      warnings.push({
        path: `providers.${name}.${openapi === null ? 'projects' : 'environment'}`,
        found: `${environment} is not declared, so ${target} counts as sealed`,
        hint: 'Declare it under environments.',
      });
    }
    if (places.length === 0) {
      warnings.push({
        path: `providers.${name}.${openapi === null ? 'projects' : 'environment'}`,
        found: 'no place, so everything there counts as sealed',
        hint: 'Say which of your environments each of its environments is.',
      });
    }
  }
  if (config.targets.length + config.providers.length === 0) {
    warnings.push({ path: 'targets', found: 'no target', hint: 'Declare one under targets.' });
  }
  const { host, tls } = config.listen;
  if (tls.kind === 'off' && !isLoopback(host)) {
    warnings.push({
      path: 'listen.tls',
      found: `SQL and rows cross the network in clear to ${host}`,
      hint: 'Use tls: generated, or your own certificate.',
    });
  }
  return [...warnings, ...recoveryWarnings(config), ...notifyWarnings(config)];
}

/**
 * Secrets that the file names and that are not there for this process: each would stop `up`. Nothing of
 * what is there is kept or said.
 */
export function missingSecrets(config: Config, env: Env): Warning[] {
  return secretsNamed(config).flatMap(([path, ref]) => {
    if (ref === null) return [];
    try {
      resolveSecret(ref, env);
      return [];
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      const found = `${error.expected} is missing here (${error.found})`;
      return [{ path, found, hint: 'Set it where Holdfast runs: commands and `up` need it.' }];
    }
  });
}

function secretsNamed({
  notify,
  metrics,
  signIn,
  store,
  targets,
  vaults,
}: Config): (readonly [string, SecretRef | null])[] {
  const named: (readonly [string, SecretRef | null])[] = targets.flatMap(
    ({ name, protection, recovery, upstream }) => [
      ...secretsOf(`targets.${name}.upstream`, upstream),
      ...(protection.admin === null
        ? []
        : secretsOf(`targets.${name}.protection.admin`, protection.admin)),
      ...(recovery?.connection == null
        ? []
        : secretsOf(`targets.${name}.recovery.connection`, recovery.connection)),
      [`targets.${name}.recovery.identity`, recovery?.identity ?? null],
    ],
  );
  named.push(...vaults.flatMap(secretsOfVault));
  if (signIn.oidc !== null) named.push(['signIn.oidc.clientSecret', signIn.oidc.clientSecret]);
  named.push(...notify.channels.flatMap(secretsOfChannel));
  named.push(['metrics.token', metrics.token]);
  return store.kind === 'url' ? [...named, ['store.url', store.url]] : named;
}

/** Names of environment variables that hold secrets of ours: no other program needs them. */
export function secretNamesIn(config: Config): ReadonlySet<string> {
  return new Set(
    secretsNamed(config).flatMap(([, ref]) => (ref?.kind === 'env' ? [ref.name] : [])),
  );
}

function secretsOf(
  path: string,
  { password, url }: UpstreamConfig,
): (readonly [string, SecretRef | null])[] {
  return [
    [`${path}.url`, url.kind === 'literal' ? null : url],
    [`${path}.password`, password],
  ];
}

function secretsOfVault({ name, way }: VaultConfig): (readonly [string, SecretRef | null])[] {
  const path = `vaults.${name}`;
  const pair = (
    of: string,
    one: StoreKeysConfig | null,
  ): (readonly [string, SecretRef | null])[] =>
    one === null
      ? []
      : [
          [`${path}.${of}.accessKeyId`, one.accessKeyId],
          [`${path}.${of}.secretAccessKey`, one.secretAccessKey],
        ];
  switch (way.kind) {
    case 'local':
      return [];
    case 's3':
      return [
        ...pair('writer', way.writer),
        ...pair('prober', way.prober),
        ...pair('restorer', way.restorer),
      ];
    case 'restic':
      return [[`${path}.password`, way.password]];
    default:
      return way satisfies never;
  }
}

function secretsOfChannel({ name, way }: ChannelConfig): (readonly [string, SecretRef | null])[] {
  const path = `notify.channels.${name}`;
  const ref = (one: TextOrRef): SecretRef | null => (one.kind === 'literal' ? null : one);
  switch (way.kind) {
    case 'slack':
      return [[`${path}.url`, way.url]];
    case 'smtp':
      return [[`${path}.password`, way.password]];
    case 'ntfy':
      return [
        [`${path}.url`, ref(way.url)],
        [`${path}.topic`, ref(way.topic)],
        [`${path}.token`, way.token],
      ];
    case 'webhook':
      return [
        [`${path}.url`, ref(way.url)],
        [`${path}.secret`, way.secret],
      ];
    case 'web-push':
      return [];
    default:
      return way satisfies never;
  }
}
