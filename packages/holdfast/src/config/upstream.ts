/** Where a target really is, resolved at use: secrets are read here and handed straight on. */
import { readFileSync } from 'node:fs';
import { HoldfastError, messageOf } from '../model/errors.ts';
import {
  type Env,
  type SecretRef,
  SSL_MODES,
  type SslMode,
  type UpstreamConfig,
} from './config.ts';

/** Holds a password: never logged, never kept in a `Config`. */
export interface Upstream {
  readonly host: string;
  readonly port: number;
  /** Null: the protocol decides (the agent's own role). */
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
  readonly sslmode: SslMode;
  /** Path of a PEM file; null: what Node trusts. */
  readonly sslrootcert: string | null;
}

/** Throws HF_CONFIG_INVALID when it is not there or empty. One trailing newline of a file is cut. */
export function resolveSecret(ref: SecretRef, env: Env): string {
  const fail = (expected: string, found: string): HoldfastError =>
    new HoldfastError('HF_CONFIG_INVALID', {
      expected,
      found,
      hint: 'Set it for the process that runs Holdfast, and start again.',
    });
  if (ref.kind === 'env') {
    const value = env[ref.name];
    if (!value)
      throw fail(`the environment variable ${ref.name}`, value === '' ? 'it empty' : 'none');
    return value;
  }
  let text: string;
  try {
    text = readFileSync(ref.path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw fail(`the file ${ref.path}`, messageOf(cause));
  }
  if (text === '') throw fail(`a secret in ${ref.path}`, 'an empty file');
  return text;
}

/** Throws HF_CONFIG_INVALID; its words never contain the URL, which may hold a password. */
export function resolveUpstream(upstream: UpstreamConfig, env: Env): Upstream {
  const literal = upstream.url.kind === 'literal';
  const text =
    upstream.url.kind === 'literal' ? upstream.url.text : resolveSecret(upstream.url, env);
  const url = postgresUrl(text);
  if (url === null) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: 'an upstream URL postgres://user@host:5432/database',
      found: `${text.length} characters that are none (${literal ? 'in the file' : describe(upstream.url)})`,
      hint: 'Percent-encode special characters in user and password.',
    });
  }
  const decoded = (part: string): string | null => (part === '' ? null : decodeURIComponent(part));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const said = SSL_MODES.find((mode) => mode === url.searchParams.get('sslmode'));
  const password = upstream.password === null ? null : resolveSecret(upstream.password, env);
  return {
    host,
    port: url.port === '' ? 5432 : Number(url.port),
    user: decoded(url.username),
    password: password ?? decoded(url.password),
    database: decoded(url.pathname.slice(1)),
    sslmode: upstream.sslmode ?? said ?? (isOnThisMachine(host) ? 'prefer' : 'verify-full'),
    sslrootcert: upstream.sslrootcert ?? url.searchParams.get('sslrootcert'),
  };
}

function describe(ref: UpstreamConfig['url']): string {
  if (ref.kind === 'env') return `from ${ref.name}`;
  return ref.kind === 'file' ? `from ${ref.path}` : 'in the file';
}

interface UrlFault {
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** What is wrong with a URL written into holdfast.yaml; null when nothing. */
export function urlFault(text: string): UrlFault | null {
  const expected = 'a URL without a password: the file is meant to be committed';
  const hint = 'Write password: {env: NAME} beside it, or url: {env: NAME}, or {file: PATH}.';
  const url = postgresUrl(text);
  if (url === null) {
    // Even what does not parse may hold a password, so it is not repeated.
    return { expected: 'postgres://user@host:5432/database', found: 'another text', hint };
  }
  if (url.password !== '') return { expected, found: 'a URL with a password in it', hint };
  if (url.search === '' && url.hash === '') return null;
  return {
    expected: 'a URL without ?parameters',
    found: `the parameters ${[...url.searchParams.keys()].join(', ')}`,
    hint: 'sslmode and sslrootcert are keys of their own beside the url.',
  };
}

function postgresUrl(text: string): URL | null {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text)) return null;
  const url = new URL(text);
  try {
    decodeURIComponent(`${url.username}${url.password}${url.pathname}`);
  } catch {
    return null;
  }
  return url.hostname === '' ? null : url;
}

/** Loopback, or the folder of a Unix socket (`%2Fvar%2Frun%2Fpostgresql`). */
function isOnThisMachine(host: string): boolean {
  return isLoopback(host) || /^%2f/i.test(host);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
