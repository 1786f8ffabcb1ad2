/** Reads holdfast.yaml into a `Config`, or throws HF_CONFIG_INVALID with every error in it. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { HoldfastError } from '../model/errors.ts';
import {
  GRACE_MS_DEFAULT,
  HOLD_LIFE_MS_DEFAULT,
  SQL_READ_BYTES_MAX,
  SQL_READ_MS_MAX,
  UNIT_BYTES_MAX,
  VAULT_FREE_BYTES_MIN,
  WAITING_BYTES_MAX,
} from '../model/limits.ts';
import {
  API_PLACE,
  type Config,
  type DashboardConfig,
  type Env,
  type ListenTls,
  type OidcConfig,
  type ProviderConfig,
  type SealKeyConfig,
  type SecretRef,
  type TargetConfig,
  type UpstreamConfig,
} from './config.ts';
import { errorOf, type Finding } from './finding.ts';
import { notifyOf } from './notify-of.ts';
import { readPolicyFiles, readTestPaths } from './policy-files.ts';
import { recoveryOf, vaultOf } from './recovery-of.ts';
import { SHAPE, type Shaped } from './shape.ts';
import { shapeFindings } from './shape-findings.ts';
import { wholeFindings } from './whole-findings.ts';
import { readYaml } from './yaml-text.ts';

/** Names the store when the file has no `store`. Not DATABASE_URL: that is often what we guard. */
export const STORE_URL_ENV = 'HOLDFAST_DATABASE_URL';

const DASHBOARD_URL = 'http://localhost:7070';

/** As root the embedded server runs as another user, who may not enter root's folders. */
const ROOT_DATA_FOLDER = '/var/lib/holdfast';

export interface ConfigText {
  readonly text: string;
  /** What errors call it. */
  readonly name: string;
  /** Relative paths in it start here. */
  readonly folder: string;
}

export function loadConfig(path: string, env: Env): Config {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: `a file ${path}`,
      found: whyUnread(cause),
      hint: 'Start from holdfast.example.yaml, or say --config PATH.',
      cause,
    });
  }
  const config = parseConfig({ text, name: path, folder: dirname(resolve(path)) }, env);
  return freeze({ ...config, path: resolve(path) });
}

function whyUnread(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return 'code' in cause && cause.code === 'ENOENT' ? 'no such file (ENOENT)' : cause.message;
}

export function parseConfig(source: ConfigText, env: Env): Config {
  const yaml = readYaml(source.text);
  const fail = (findings: readonly Finding[]): HoldfastError =>
    errorOf('HF_CONFIG_INVALID', source.name, findings);
  if (yaml.findings.length > 0) throw fail(yaml.findings);
  const shaped = SHAPE.safeParse(yaml.value ?? {}, { reportInput: true });
  const whole = wholeFindings(yaml);
  if (!shaped.success) {
    const said = new Set(whole.map((one) => one.path));
    const shape = shapeFindings(yaml, shaped.error.issues).filter((one) => !said.has(one.path));
    throw fail([...shape, ...whole]);
  }
  const files = readPolicyFiles(yaml, source.folder, shaped.data.policy.files);
  const tests = readTestPaths(yaml, source.folder, shaped.data.policy.tests);
  const findings = [...whole, ...files.findings, ...tests.findings];
  if (findings.length > 0) throw fail(findings);
  return freeze(configOf(shaped.data, source.folder, env, files.files, tests.paths));
}

function configOf(
  shaped: Shaped,
  folder: string,
  env: Env,
  files: Config['policy']['files'],
  tests: readonly string[],
): Config {
  const { approvals, credentials, limits } = shaped;
  const at = (path: string): string => resolve(folder, path);
  const holdLifeMs = approvals.holdExpires ?? HOLD_LIFE_MS_DEFAULT;
  return {
    path: null,
    listen: { ...shaped.listen, tls: tlsOf(shaped.listen.tls, at) },
    dashboard: dashboardOf(shaped.dashboard),
    signIn: { oidc: oidcOf(shaped.signIn.oidc, at) },
    metrics: {
      token: shaped.metrics.token === undefined ? null : secretOf(shaped.metrics.token, at),
    },
    store: storeOf(shaped.store, env, at),
    seal: { key: sealKeyOf(shaped.seal.key, folder, at) },
    environments: Object.entries(shaped.environments).map(([name, one]) => ({
      name,
      level: one.level,
      people: Math.max(one.people ?? 1, approvals.people ?? 1),
      holdLifeMs: one.holdExpires ?? holdLifeMs,
      graceMs: one.grace ?? GRACE_MS_DEFAULT,
    })),
    targets: Object.entries(shaped.targets).map(([name, one]) => targetOf(name, one, at)),
    vaults: Object.entries(shaped.vaults).map(([name, one]) =>
      vaultOf(name, one, (ref) => secretOf(ref, at), at),
    ),
    http: shaped.http,
    providers: Object.entries(shaped.providers).map(([name, one]) => providerOf(name, one, at)),
    credentials: {
      rotationMs: credentials.rotationDays * DAY_MS,
      refuseAfterMs:
        credentials.refuseAfterDays === undefined ? null : credentials.refuseAfterDays * DAY_MS,
    },
    approvals: { holdWaitMs: approvals.holdWait ?? 0, holdLifeMs },
    notify: notifyOf(shaped.notify, (ref) => secretOf(ref, at), at),
    trail: shaped.trail,
    limits: {
      unitBytesMax: limits.unitBytesMax ?? UNIT_BYTES_MAX,
      sqlReadBytesMax: limits.sqlReadBytesMax ?? SQL_READ_BYTES_MAX,
      sqlReadMsMax: limits.sqlReadMsMax ?? SQL_READ_MS_MAX,
      vaultFreeBytesMin: limits.vaultFreeBytesMin ?? VAULT_FREE_BYTES_MIN,
      waitingBytesMax: limits.waitingBytesMax ?? WAITING_BYTES_MAX,
    },
    policy: { files, replaces: shaped.policy.replaces, tests },
  };
}

const DAY_MS = 24 * 60 * 60 * 1000;

type At = (path: string) => string;

function tlsOf(tls: Shaped['listen']['tls'], at: At): ListenTls {
  if (tls === 'off' || tls === 'generated') return { kind: tls };
  return { kind: 'files', cert: at(tls.cert), key: at(tls.key) };
}

/** A passkey needs a name, so a dashboard on this machine is seen as `localhost`, not as an address. */
function dashboardOf(dashboard: Shaped['dashboard']): DashboardConfig {
  if (dashboard === 'off') return { listen: null, url: DASHBOARD_URL };
  const { host, port, url } = dashboard;
  return { listen: { host, port }, url: url ?? `http://localhost:${port}` };
}

function oidcOf(oidc: Shaped['signIn']['oidc'], at: At): OidcConfig | null {
  if (oidc === undefined) return null;
  const scopes = [...new Set(['openid', ...oidc.scopes])];
  return { ...oidc, scopes, clientSecret: secretOf(oidc.clientSecret, at) };
}

function storeOf(store: Shaped['store'], env: Env, at: At): Config['store'] {
  if (store !== undefined) {
    return 'url' in store
      ? { kind: 'url', url: secretOf(store.url, at) }
      : { kind: 'embedded', dataFolder: at(store.dataFolder) };
  }
  if (env[STORE_URL_ENV]) return { kind: 'url', url: { kind: 'env', name: STORE_URL_ENV } };
  const dataFolder = process.getuid?.() === 0 ? ROOT_DATA_FOLDER : at('.holdfast');
  return { kind: 'embedded', dataFolder };
}

function sealKeyOf(key: Shaped['seal']['key'], folder: string, at: At): SealKeyConfig {
  if (key === undefined) return { kind: 'kept' };
  if ('file' in key) return { kind: 'file', path: at(key.file) };
  // The shape has seen to it that there is one.
  const [program = '', ...args] = key.command;
  return { kind: 'command', command: [program, ...args], folder: resolve(folder) };
}

function secretOf(ref: { readonly env: string } | { readonly file: string }, at: At): SecretRef {
  return 'env' in ref ? { kind: 'env', name: ref.env } : { kind: 'file', path: at(ref.file) };
}

function targetOf(name: string, one: Shaped['targets'][string], at: At): TargetConfig {
  const { admin, exempt, owner } = one.protection;
  return {
    name,
    protocol: one.protocol,
    environment: one.environment,
    upstream: upstreamOf(one.upstream, at),
    searchPath: one.searchPath ?? null,
    functionsAllowed: one.functions?.allow ?? [],
    protection: {
      admin: admin === undefined ? null : upstreamOf(admin, at),
      owner: owner ?? null,
      exempt,
    },
    recovery:
      one.recovery === undefined
        ? null
        : recoveryOf(one.recovery, {
            at,
            secretOf: (ref) => secretOf(ref, at),
            upstreamOf: (upstream) => upstreamOf(upstream, at),
          }),
  };
}

function providerOf(name: string, one: Shaped['providers'][string], at: At): ProviderConfig {
  const places = Object.entries(one.projects).flatMap(([project, environments]) =>
    Object.entries(environments).map(([where, place]) => ({
      target: `${name}/${project}/${where}`,
      project,
      at: where,
      environment: typeof place === 'string' ? place : place.environment,
      databases: typeof place === 'string' ? {} : place.databases,
    })),
  );
  const { credential = name, environment, kind, openapi, rules, url = null } = one;
  // Of what a file describes no more is known than its name: all of it is one place.
  if (environment !== undefined) {
    places.push({ target: name, project: name, at: API_PLACE, environment, databases: {} });
  }
  return {
    name,
    credential,
    kind,
    url,
    places,
    openapi:
      openapi === undefined
        ? null
        : { path: at(openapi), rules: rules.map(({ call, is }) => ({ call, kind: is })) },
  };
}

function upstreamOf(one: Shaped['targets'][string]['upstream'], at: At): UpstreamConfig {
  const { url, password, sslmode, sslrootcert } = one;
  return {
    url: typeof url === 'string' ? { kind: 'literal', text: url } : secretOf(url, at),
    password: password === undefined ? null : secretOf(password, at),
    sslmode: sslmode ?? null,
    sslrootcert: sslrootcert === undefined ? null : at(sslrootcert),
  };
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) freeze(part);
  }
  return value;
}
