/**
 * The customer's side of the demo: one real PostgreSQL server with three databases.
 *
 *   production   the car rental's data; the agent reaches it only through Holdfast
 *   twin         a byte-for-byte copy (CREATE DATABASE ... TEMPLATE); its connection string is direct
 *   staging      a few rows; the agent's task is here
 *
 * Each start makes them anew. The login that production and the twin are reached with owns the tables: nothing but what stands in
 * between decides what happens to them.
 */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { ROWS_SQL } from './rows.ts';
import { INDEX_SQL, SCHEMA_SQL } from './schema.ts';
import { VolumeServer } from './server.ts';

export const PRODUCTION = 'production';
export const TWIN = 'twin';
export const STAGING = 'staging';
/** Owns the tables: the kind of login that lies about in old scripts. */
const OWNER = 'rental_owner';
const STAGING_APP = 'staging_app';
/** Of low privilege and declared so: the nightly job's. May change rows, owns nothing. */
export const CLERK = 'rental_clerk';

export interface CarRental {
  readonly version: string;
  readonly port: number;
  /** The volume that all of it lies on. */
  readonly volume: VolumeServer;
  readonly owner: { readonly user: string; readonly password: string };
  readonly stagingApp: { readonly user: string; readonly password: string };
  /** By the superuser, for counting. */
  adminUrl(database: string): string;
  ownerUrl(database: string): string;
  stagingUrl(password?: string): string;
  /** Straight to the server, as the job's login. */
  clerkUrl(database: string): string;
  readonly superuser: { readonly user: string; readonly password: string };
}

export async function startCarRental(
  folder: string,
  say: (what: string) => void,
  onStop: (stop: () => Promise<void>) => void,
): Promise<CarRental> {
  const server = await VolumeServer.open(folder);
  const { port } = server;
  onStop(() => server.destroy());
  const owner = { user: OWNER, password: madeUpPassword() };
  const clerk = { user: CLERK, password: madeUpPassword() };
  const stagingApp = { user: STAGING_APP, password: madeUpPassword() };
  const url = (login: { user: string; password: string }, database: string): string =>
    `postgres://${login.user}:${login.password}@127.0.0.1:${port}/${database}`;
  const version = await using(server.url('postgres'), async (client) => {
    for (const name of [PRODUCTION, TWIN, STAGING]) {
      await client.query(`drop database if exists ${name} with (force)`);
    }
    await ensureLogin(client, owner);
    await ensureLogin(client, stagingApp);
    await ensureLogin(client, clerk);
    await client.query(`create database ${PRODUCTION} owner ${OWNER}`);
    await client.query(`create database ${STAGING} owner ${STAGING_APP}`);
    const answer = await client.query<{ server_version: string }>('show server_version');
    return answer.rows[0]?.server_version ?? '';
  });
  say(`PostgreSQL ${version} on 127.0.0.1:${port}`);
  await using(server.url(PRODUCTION), (client) =>
    client.query(`alter schema public owner to ${OWNER}`),
  );
  await using(server.url(STAGING), (client) =>
    client.query(`alter schema public owner to ${STAGING_APP}`),
  );
  await using(url(owner, PRODUCTION), fill);
  await using(url(owner, PRODUCTION), (client) => client.query(CLERK_SQL));
  await using(url(stagingApp, STAGING), fillStaging);
  return {
    version,
    port,
    volume: server,
    owner,
    stagingApp,
    adminUrl: (database) => server.url(database),
    ownerUrl: (database) => url(owner, database),
    clerkUrl: (database) => url(clerk, database),
    superuser: superuserOf(server.url('postgres')),
    stagingUrl: (password = stagingApp.password) => url({ ...stagingApp, password }, STAGING),
  };
}

/** What a nightly job needs: rows of some tables, and no more. */
const CLERK_SQL = `
grant usage on schema public to ${CLERK};
grant select, insert, update, delete on bookings, employees, maintenance to ${CLERK};
`;

/** As whom Holdfast protects and undoes; the demo made this server itself. */
function superuserOf(url: string): CarRental['superuser'] {
  const { username, password } = new URL(url);
  return { user: decodeURIComponent(username), password: decodeURIComponent(password) };
}

/** The same rows on a volume of their own, for whoever shall lose a whole volume. */
export async function startUnguardedVolume(
  folder: string,
  onStop: (stop: () => Promise<void>) => void,
): Promise<VolumeServer> {
  const server = await VolumeServer.open(folder);
  onStop(() => server.destroy());
  await using(server.url('postgres'), async (client) => {
    await client.query(`drop database if exists ${PRODUCTION} with (force)`);
    await client.query(`create database ${PRODUCTION}`);
  });
  await using(server.url(PRODUCTION), fill);
  return server;
}

/** The same files, block by block; quicker than filling it again, and identical by construction. */
export async function makeTwin(rental: CarRental): Promise<void> {
  await using(rental.adminUrl('postgres'), (client) =>
    client.query(`create database ${TWIN} template ${PRODUCTION} owner ${OWNER}`),
  );
}

async function fill(client: pg.Client): Promise<void> {
  await client.query('begin');
  // What is being filled can be filled again: the demo's data need not survive a power cut.
  await client.query('set local synchronous_commit = off');
  await client.query(SCHEMA_SQL);
  for (const sql of ROWS_SQL) await client.query(sql);
  await client.query(INDEX_SQL);
  await client.query('commit');
  await client.query('analyze');
}

async function fillStaging(client: pg.Client): Promise<void> {
  await client.query(SCHEMA_SQL + INDEX_SQL);
  await client.query(
    "insert into customers select i, 'Test ' || i, 'test' || i || '@example.org', null, 'X' || i, " +
      "date '2026-11-01', 0 from generate_series(1, 50) i",
  );
}

async function ensureLogin(
  client: pg.Client,
  login: { user: string; password: string },
): Promise<void> {
  const found = await client.query('select 1 from pg_roles where rolname = $1', [login.user]);
  const verb = found.rowCount === 0 ? 'create' : 'alter';
  await client.query(`${verb} role ${login.user} login password '${login.password}'`);
}

export async function using<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'demo' });
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

export function madeUpPassword(): string {
  return randomBytes(18).toString('hex');
}
