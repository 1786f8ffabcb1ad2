/** The drivers that are programs of their own: how to call them, and whether they are here. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Login } from '../../support/raw-client.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const PYTHON = '/usr/bin/python3';
const JDBC = '/usr/share/java/postgresql.jar';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** A file that is there exactly when the Debian package is. */
  readonly needs: string;
  readonly debianPackage: string;
}

export const PSQL: Program = {
  name: 'psql',
  command: '/usr/bin/psql',
  args: ['-X'],
  needs: '/usr/bin/psql',
  debianPackage: 'postgresql-client-15',
};
export const PSYCOPG2: Program = {
  name: 'psycopg2',
  command: PYTHON,
  args: [join(HERE, 'psycopg2_driver.py')],
  needs: '/usr/lib/python3/dist-packages/psycopg2',
  debianPackage: 'python3-psycopg2',
};
export const ASYNCPG: Program = {
  name: 'asyncpg',
  command: PYTHON,
  args: [join(HERE, 'asyncpg_driver.py')],
  needs: '/usr/lib/python3/dist-packages/asyncpg',
  debianPackage: 'python3-asyncpg',
};
export const PGJDBC: Program = {
  name: 'pgjdbc',
  command: '/usr/bin/java',
  args: ['-cp', JDBC, join(HERE, 'Journey.java')],
  needs: JDBC,
  debianPackage: 'libpostgresql-jdbc-java',
};

/** Null when the program can run; else why not, for `ctx.skip`. */
export function missing(program: Program): string | null {
  if (existsSync(program.needs) && existsSync(program.command)) return null;
  return `${program.name} is not installed (Debian: ${program.debianPackage})`;
}

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly msMax?: number;
  /** Sends SIGINT after so many ms: Ctrl-C. */
  readonly interruptMs?: number;
}

/** Runs to the end, bounded in time; never rejects for what the program says. */
export function run(
  program: Pick<Program, 'command' | 'args'>,
  login: Login,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  return new Promise((done, fail) => {
    const child = spawn(program.command, [...program.args, ...args], {
      env: {
        PATH: '/usr/bin:/bin',
        LC_ALL: 'C.UTF-8',
        PGHOST: login.host,
        PGPORT: `${login.port}`,
        PGUSER: login.user,
        PGPASSWORD: login.password,
        PGDATABASE: login.database,
        PGSSLMODE: 'disable',
        PGGSSENCMODE: 'disable',
        PSQL_HISTORY: '/dev/null',
      },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    const kill = setTimeout(() => child.kill('SIGKILL'), options.msMax ?? 90_000);
    const interrupt = options.interruptMs
      ? setTimeout(() => child.kill('SIGINT'), options.interruptMs)
      : undefined;
    child.once('error', fail);
    child.once('close', (code) => {
      clearTimeout(kill);
      clearTimeout(interrupt);
      const text = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString('utf8');
      done({ code, out: text(out), err: text(err) });
    });
  });
}

/** The psql script of the fidelity journey. */
export const PSQL_SCRIPT = join(HERE, 'fidelity.psql');
