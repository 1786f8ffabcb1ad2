/**
 * Where on this machine pg_dump and pg_restore lie that can work with one server, and how they are told to
 * reach it: a password goes into a file that only we can read, never onto a command line. In this order:
 * folders that somebody named, then the packages of Debian and Red Hat, the version of the server before a
 * newer one; an older one is not taken, since it does not know the server's catalogs.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { HoldfastError } from '../model/errors.ts';
import { bareEnvironment } from './bare-environment.ts';

export interface PostgresClient {
  /** Holds `pg_dump` and `pg_restore`. */
  readonly folder: string;
  readonly major: number;
}

/** Rejects with HF_DRILL_NO_SERVER. `major`: of the server. */
export function findPostgresClient(major: number, named: readonly string[]): PostgresClient {
  const places = [...named, ...installed()];
  const found = places.flatMap((folder) => {
    const version = versionOf(folder);
    return version !== null && version >= major ? [{ folder, major: version }] : [];
  });
  const [first] = found.toSorted((one, other) => one.major - other.major);
  if (first !== undefined) return first;
  throw new HoldfastError('HF_DRILL_NO_SERVER', {
    expected: `pg_dump and pg_restore of PostgreSQL ${major} or later on this machine`,
    found: places.length === 0 ? 'none' : `none in ${places.join(', ')}`,
    hint: `Install them (Debian: postgresql-client-${major}), or say where they are: recovery.postgres.`,
  });
}

function installed(): readonly string[] {
  const below = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return [
    ...below('/usr/lib/postgresql').map((name) => `/usr/lib/postgresql/${name}/bin`),
    ...below('/usr')
      .filter((name) => name.startsWith('pgsql-'))
      .map((name) => `/usr/${name}/bin`),
  ];
}

/** Null: not both are there. */
function versionOf(folder: string): number | null {
  const majorOf = (program: string): number => {
    const said = execFileSync(join(folder, program), ['--version'], {
      stdio: ['ignore', 'pipe', 'ignore'],
      env: bareEnvironment(),
    }).toString();
    return Number(/\) (\d+)/.exec(said)?.[1] ?? Number.NaN);
  };
  try {
    const dump = majorOf('pg_dump');
    return dump === majorOf('pg_restore') ? dump : null;
  } catch {
    return null;
  }
}

/** What a client has to know; as the driver's. */
export interface ClientPlace {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: string | null;
  readonly ssl: ClientTls;
}

export type ClientTls =
  | boolean
  | undefined
  | {
      readonly ca?: unknown;
      readonly rejectUnauthorized?: boolean | undefined;
      readonly checkServerIdentity?: unknown;
    };

/** Environment and files for one run; gone after `forget`, and with `folder`. */
export interface ClientSession {
  readonly env: NodeJS.ProcessEnv;
  /** The password is not needed any more. */
  forget(): void;
}

/** `folder`: made here, for nobody else to enter; whoever calls removes it. */
export function clientSession(place: ClientPlace, folder: string): ClientSession {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const passfile = join(folder, 'pgpass');
  const escaped = (place.password ?? '').replaceAll(/[\\:]/g, (found) => `\\${found}`);
  if (/[\r\n]/.test(escaped)) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      expected: 'a password of one line',
      found: 'one of several',
      hint: 'pg_dump reads its password from a line of a file; choose another password.',
    });
  }
  writeFileSync(passfile, `*:*:*:*:${escaped}\n`, { mode: 0o600, flag: 'wx' });
  return {
    env: {
      ...bareEnvironment(),
      PGHOST: place.host,
      PGPORT: `${place.port}`,
      PGUSER: place.user,
      PGDATABASE: place.database,
      PGPASSFILE: passfile,
      PGAPPNAME: 'holdfast',
      PGCONNECT_TIMEOUT: '10',
      PGCLIENTENCODING: 'UTF8',
      // What lies in somebody's home steers nothing.
      PGSERVICEFILE: join(folder, 'none'),
      PGSYSCONFDIR: folder,
      HOME: folder,
      ...tlsOf(place.ssl, folder),
    },
    forget: () => rmSync(passfile, { force: true }),
  };
}

/** As strict as the driver is with the same setting. */
function tlsOf(ssl: ClientTls, folder: string): Readonly<Record<string, string>> {
  if (ssl === undefined || ssl === false) return { PGSSLMODE: 'disable' };
  const options = ssl === true ? {} : ssl;
  if (options.rejectUnauthorized === false) return { PGSSLMODE: 'require' };
  const ca = join(folder, 'ca.pem');
  const text = typeof options.ca === 'string' ? options.ca : rootCertificates.join('\n');
  writeFileSync(ca, text, { mode: 0o600 });
  const mode = options.checkServerIdentity === undefined ? 'verify-full' : 'verify-ca';
  return { PGSSLMODE: mode, PGSSLROOTCERT: ca };
}
