/**
 * The incidents as programs: what is run, with what, and which row of the incident table it replays.
 * Each is a child process with a connection URL in its environment, exactly as a person or an agent runs
 * it; none of them knows of Holdfast.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OTHER_DATABASE } from '../support/company.ts';
import type { Login } from '../support/raw-client.ts';

const PROGRAMS = join(dirname(fileURLToPath(import.meta.url)), 'programs');
/** The workspace's own: the tools are installed at its root. */
const MODULES = join(PROGRAMS, '../../../../../node_modules');
const RUN_MS_MAX = 120_000;

export interface Program {
  readonly id: string;
  /** Rows of the incident table, or '' for ordinary work. */
  readonly rows: string;
  readonly story: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A Debian package the machine may lack, and a file that tells. */
  readonly needs?: { readonly file: string; readonly debianPackage: string };
  /** Ids of ordinary programs that ran before, when the company was well. */
  readonly after?: readonly string[];
  /**
   * Sequences that its own INSERTs move on. An undo does not turn them back, as a ROLLBACK does not;
   * every sequence that it drops or restarts is not among them and comes back as it stood.
   */
  readonly sequencesMoved?: readonly string[];
  /** It drops columns of these: each comes back as the last one of its table, which the undo says. */
  readonly columnsDroppedOf?: readonly string[];
  /** Approved, it waits out the grace: nobody can read off its text how to take it back. */
  readonly waits?: true;
  /** What it destroys lies in the second database. */
  readonly otherDatabase?: true;
}

const node = (file: string, ...args: readonly string[]) => ({
  command: process.execPath,
  args: [join(PROGRAMS, file), ...args],
});
const tool = (name: string, file: string, ...args: readonly string[]) => ({
  command: process.execPath,
  args: [join(MODULES, name, file), ...args],
});
const drizzle = (schema: string, ...args: readonly string[]) =>
  tool('drizzle-kit', 'bin.cjs', 'push', '--dialect', 'postgresql', '--schema', join(PROGRAMS, schema), '--url', '{url}', ...args); // biome-ignore format: one command line
const typeorm = (...words: readonly string[]) =>
  tool('typeorm', 'cli.js', ...words, '-d', join(PROGRAMS, 'typeorm-source.mjs'));
const knex = (...words: readonly string[]) =>
  tool('knex', 'bin/cli.js', ...words, '--knexfile', join(PROGRAMS, 'knexfile.cjs'));
const DESK = tool('drizzle-kit', 'bin.cjs', 'push', '--config', 'drizzle-desk.config.cjs');
const CLIENTS = { file: '/usr/bin/dropdb', debianPackage: 'postgresql-client-15' };
const PYTHON = {
  file: '/usr/lib/python3/dist-packages/psycopg2',
  debianPackage: 'python3-psycopg2',
};

export const DESTRUCTIVE: readonly Program[] = [
  {
    id: 'code-freeze',
    rows: '2',
    story: 'deletes, 4,000 invented people, TRUNCATE, drops, over four sessions',
    ...node('code-freeze.mjs'),
    sequencesMoved: ['public.customers_id_seq'],
    columnsDroppedOf: ['public.customers'],
  },
  {
    id: 'prisma-reset',
    rows: '5, 8',
    story: 'prisma migrate reset --force: DROP SCHEMA public CASCADE, then all migrations',
    ...node('prisma-engine.mjs', 'reset'),
    columnsDroppedOf: ['dashboards.boards'],
  },
  {
    id: 'prisma-reset-extended',
    rows: '5, 8',
    story: 'the same with every statement prepared by name',
    ...node('prisma-engine.mjs', 'reset', 'extended'),
    columnsDroppedOf: ['dashboards.boards'],
  },
  {
    id: 'prisma-force-reset',
    rows: '6',
    story: 'prisma db push --force-reset',
    ...node('prisma-engine.mjs', 'force-reset'),
    columnsDroppedOf: ['dashboards.boards'],
  },
  {
    id: 'prisma-accept-data-loss',
    rows: '7',
    story: 'prisma db push --accept-data-loss: columns, types and tables go',
    ...node('prisma-engine.mjs', 'accept-data-loss'),
    columnsDroppedOf: ['public.customers'],
  },
  {
    id: 'drizzle-push',
    rows: '9, 10',
    story: 'drizzle-kit push --force of an app that does not know the other tables',
    ...drizzle('drizzle-agent-app.ts', '--force'),
  },
  {
    id: 'sequelize-force',
    rows: '11',
    story: 'a test that calls sequelize.sync({ force: true })',
    ...node('sequelize-app.mjs', 'force'),
  },
  {
    id: 'typeorm-drop',
    rows: '11',
    story: 'typeorm schema:drop',
    ...typeorm('schema:drop'),
  },
  {
    id: 'knex-rollback',
    rows: '28',
    story: 'knex migrate:rollback --all, whose down() drops the table',
    ...knex('migrate:rollback', '--all'),
    after: ['knex-latest'],
  },
  {
    id: 'init-db',
    rows: '12',
    story: 'init_db(conn) in Python, where the argument means drop_existing',
    command: '/usr/bin/python3',
    args: [join(PROGRAMS, 'init_db.py')],
    needs: PYTHON,
  },
  {
    id: 'drop-poc-staging',
    rows: '13',
    story: 'DROP TABLE poc_staging by psql, on the wrong database',
    command: '/usr/bin/psql',
    args: ['-X', '-v', 'ON_ERROR_STOP=1', '-d', '{url}', '-c', 'DROP TABLE poc_staging'],
    needs: CLIENTS,
  },
  {
    id: 'dropdb',
    rows: '14',
    story: `dropdb ${OTHER_DATABASE}`,
    command: '/usr/bin/dropdb',
    args: ['--maintenance-db={url}', OTHER_DATABASE],
    needs: CLIENTS,
    otherDatabase: true,
  },
  {
    id: 'delete-one-by-one',
    rows: '15',
    story: '10,000 deletes of one row each',
    ...node('delete-one-by-one.mjs', '10000'),
  },
  {
    id: 'supabase-reset',
    rows: '16',
    story: 'a reset as one DO block over the catalog',
    ...node('supabase-reset.mjs'),
    waits: true,
  },
  {
    id: 'update-all',
    rows: '7',
    story: 'an UPDATE without WHERE, in a transaction',
    ...node('update-all.mjs'),
  },
];

/** Migrations that lose nothing. In this order: later ones build on earlier ones. */
export const ORDINARY: readonly Program[] = [
  { ...ordinary('drizzle-1', 'drizzle-kit push: a first table', DESK), env: { DESK_VERSION: '1' } },
  { ...ordinary('drizzle-2', 'drizzle-kit push: a column, an index, a table', DESK), env: { DESK_VERSION: '2' } },
  { ...ordinary('drizzle-3', 'drizzle-kit push again: nothing to do', DESK), env: { DESK_VERSION: '2' } },
  ordinary('sequelize-sync', 'sequelize.sync()', node('sequelize-app.mjs', 'sync')),
  ordinary('sequelize-alter', 'sequelize.sync({ alter: true }) that adds', node('sequelize-app.mjs', 'alter')),
  ordinary('typeorm-migrations', 'typeorm migration:run', typeorm('migration:run')),
  ordinary('typeorm-sync', 'typeorm schema:sync: a first entity', typeorm('schema:sync')),
  { ...ordinary('typeorm-sync-2', 'typeorm schema:sync that adds', typeorm('schema:sync')), env: { TYPEORM_VERSION: '2' } },
  ordinary('knex-latest', 'knex migrate:latest, with its lock table and renames', knex('migrate:latest')),
  ordinary('knex-again', 'knex migrate:latest again', knex('migrate:latest')),
  ordinary('prisma-deploy', 'prisma migrate deploy', node('prisma-engine.mjs', 'deploy')),
  ordinary('prisma-deploy-again', 'prisma migrate deploy again', node('prisma-engine.mjs', 'deploy')),
]; // biome-ignore format: a table

/** One table of each tool, so that a tool that failed and said nothing is seen (drizzle-kit exits with 0). */
export const MADE: readonly string[] = [
  'desk.bookings',
  'public.letters',
  'public.support_cases',
  'public.help_answers',
  'public.bonus_cards',
  'public."User"',
];

function ordinary(id: string, story: string, how: Pick<Program, 'command' | 'args'>): Program {
  return { id, rows: '', story, ...how };
}

export function programOf(id: string): Program {
  const found = [...DESTRUCTIVE, ...ORDINARY].find((program) => program.id === id);
  if (found === undefined) throw new Error(`No program ${id}.`);
  return found;
}

/** Null when it can run here; else why not, for `ctx.skip`. */
export function missing(program: Program): string | null {
  if (program.needs === undefined || existsSync(program.needs.file)) return null;
  return `${program.id} needs the Debian package ${program.needs.debianPackage}`;
}

export function urlOf(login: Login): string {
  const { host, port, user, password, database } = login;
  const words = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
  return `postgres://${words}@${host}:${port}/${encodeURIComponent(database)}?sslmode=disable`;
}

export interface Ran {
  readonly code: number;
  /** Both streams: what the person or the agent reads. */
  readonly said: string;
}

/** To the end, bounded in time; never rejects for what the program says. */
export function runProgram(program: Program, login: Login): Promise<Ran> {
  const url = urlOf(login);
  const args = program.args.map((word) => word.replace('{url}', url));
  const env = {
    PATH: process.env['PATH'] ?? '/usr/bin:/bin',
    HOME: '/nonexistent',
    LC_ALL: 'C.UTF-8',
    NO_COLOR: '1',
    DATABASE_URL: url,
    ...program.env,
  };
  return new Promise((done) => {
    const child = execFile(
      program.command,
      args,
      { env, timeout: RUN_MS_MAX, maxBuffer: 16 * 1024 * 1024, cwd: PROGRAMS },
      (error, out, err) => {
        // A program that is killed has no exit code; that is never well.
        const code = error === null ? 0 : (child.exitCode ?? 1);
        done({ code, said: `${out}${err}`.replaceAll(url, '(url)') });
      },
    );
  });
}
