/**
 * What a target held at one moment, to compare with what a restore brings back: of each table how many
 * rows and a hash over all of them, of one snapshot whose place in the WAL is known exactly.
 *
 * How the place is known, in this order:
 *   `slot`   where the server decodes WAL: a slot exports a snapshot together with its position
 *   `quiet`  no transaction was under way, and no WAL was written while the snapshot was taken
 *   `snapshot`  the snapshot of a dump: what it is compared with has the same, and no WAL
 *   `close`  neither could be had: the position is near, and tables that changed meanwhile may differ
 *
 * A table is hashed as `sum(hashtextextended(format('%s', row), 0))`, under settings that make text the same
 * everywhere: format() takes the type's own output, where a cast could be one that the table's owner made, and
 * would run as us. What is not looked at: unlogged and foreign tables, which no restore brings back, and the
 * current values of sequences, which the server itself moves ahead.
 */
import type pg from 'pg';
import { z } from 'zod';
import { pause } from '../../programs/pause.ts';
import type { Lsn } from '../recovery-point.ts';

export const WITNESS_METHODS = ['slot', 'quiet', 'snapshot', 'close'] as const;
export type WitnessMethod = (typeof WITNESS_METHODS)[number];

/** Of what PostgreSQL names, by its length; a server can be built for longer ones than 63 bytes. */
const word = z.string().max(256);

const tableWitness = z.strictObject({
  schema: word,
  name: word,
  /** Whole numbers as text: they may be larger than 2^53. */
  rows: z.string().regex(/^\d{1,20}$/),
  hash: z.string().regex(/^-?\d{1,60}$/),
});
export type TableWitness = Readonly<z.output<typeof tableWitness>>;

export const WITNESS_SHAPE = z.strictObject({
  format: z.literal('holdfast/witness/1'),
  target: z.string(),
  database: word,
  systemIdentifier: z.string(),
  takenAt: z.iso.datetime(),
  timeline: z.int(),
  /** Everything before it is in the snapshot, and nothing after it. */
  lsn: z.string().regex(/^[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/),
  method: z.enum(WITNESS_METHODS),
  tables: z.array(tableWitness),
  roles: z.array(word),
  extensions: z.array(z.strictObject({ name: word, version: word })),
});
export type Witness = Readonly<z.output<typeof WITNESS_SHAPE>>;

export interface WitnessParts {
  readonly target: string;
  readonly now: () => Date;
  /** A session with the target's database; in replication mode when asked. Closed by who asked. */
  readonly connect: (mode: 'sql' | 'replication') => Promise<pg.Client>;
}

const QUIET_TRIES = 40;
const QUIET_PAUSE_MS = 25;
/** A slot waits for every transaction that is under way. */
const SLOT_MS_MAX = 20_000;

/** Text that means the same on every server and in every session. */
const SETTINGS = [
  "set datestyle = 'ISO, YMD'",
  "set intervalstyle = 'postgres'",
  "set timezone = 'UTC'",
  "set bytea_output = 'hex'",
  'set extra_float_digits = 1',
  "set xmloption = 'content'",
  "set search_path = ''",
].join('; ');

/** Reads only, at least at `repeatable read`. Rejects with what the server said. */
export async function takeWitness(parts: WitnessParts): Promise<Witness> {
  const client = await parts.connect('sql');
  try {
    await client.query(SETTINGS);
    const moment =
      (await bySlot(parts, client)) ?? (await byQuiet(client)) ?? (await close(client));
    try {
      return await lookAt(client, parts, moment);
    } finally {
      await client.query('rollback');
      await moment.release();
    }
  } finally {
    await client.end().catch(() => {});
  }
}

/** What is there now; for a scratch cluster, where nobody else writes. */
export async function tablesOf(client: pg.Client): Promise<readonly TableWitness[]> {
  await client.query(SETTINGS);
  try {
    return await hashTables(client);
  } finally {
    await client.query('reset all');
  }
}

/** In a session that has a snapshot already, at `lsn`. */
export async function witnessIn(
  client: pg.Client,
  parts: Pick<WitnessParts, 'target' | 'now'>,
  moment: Pick<Moment, 'lsn' | 'method'>,
): Promise<Witness> {
  await client.query(SETTINGS);
  return lookAt(client, parts, moment);
}

interface Moment {
  readonly lsn: Lsn;
  readonly method: WitnessMethod;
  readonly release: () => Promise<void>;
}

/** Null where the server does not decode, or somebody's long transaction keeps the slot waiting. */
async function bySlot(parts: WitnessParts, client: pg.Client): Promise<Moment | null> {
  const { rows } = await client.query<{ level: string; version: number }>(
    "select current_setting('wal_level') as level, current_setting('server_version_num')::int as version",
  );
  if (rows[0]?.level !== 'logical') return null;
  let replication: pg.Client | null = null;
  try {
    replication = await parts.connect('replication');
    const held = replication;
    const slot = `holdfast_witness_${parts.now().getTime()}`;
    const made = await within(
      SLOT_MS_MAX,
      held.query<{ consistent_point: string; snapshot_name: string }>(
        `CREATE_REPLICATION_SLOT ${slot} TEMPORARY LOGICAL pgoutput EXPORT_SNAPSHOT`,
      ),
    );
    const { consistent_point: lsn, snapshot_name: snapshot } = made.rows[0] ?? {};
    if (lsn === undefined || snapshot === undefined) throw new Error('no snapshot was exported');
    await client.query('begin transaction isolation level repeatable read read only');
    await client.query(`set transaction snapshot ${client.escapeLiteral(snapshot)}`);
    await client.query('select 1');
    return { lsn, method: 'slot', release: () => held.end() };
  } catch {
    await client.query('rollback').catch(() => {});
    await replication?.end().catch(() => {});
    return null;
  }
}

/** The server goes on waiting until the connection ends, which is what whoever calls does then. */
async function within<T>(ms: number, wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, fail) => {
    timer = setTimeout(() => fail(new Error(`no answer within ${ms / 1000} s`)), ms);
  });
  wanted.catch(() => {});
  return await Promise.race([wanted, late]).finally(() => clearTimeout(timer));
}

/**
 * The snapshot is taken at the first statement; when nobody's transaction has an id at that moment and
 * the position is the same before and after, what is before the position is what the snapshot sees. A
 * commit that is written but not yet seen still has its id in the snapshot.
 */
async function byQuiet(client: pg.Client): Promise<Moment | null> {
  for (let tries = 0; tries < QUIET_TRIES; tries += 1) {
    const before = await positionOf(client);
    await client.query('begin transaction isolation level repeatable read read only');
    const { rows } = await client.query<{ running: string; lsn: string }>(
      `select count(*)::text as running, pg_current_wal_insert_lsn()::text as lsn
       from pg_snapshot_xip(pg_current_snapshot())`,
    );
    const [found] = rows;
    if (found?.running === '0' && found.lsn === before) {
      return { lsn: before, method: 'quiet', release: async () => {} };
    }
    await client.query('rollback');
    await pause(QUIET_PAUSE_MS);
  }
  return null;
}

async function close(client: pg.Client): Promise<Moment> {
  await client.query('begin transaction isolation level repeatable read read only');
  return { lsn: await positionOf(client), method: 'close', release: async () => {} };
}

async function positionOf(client: pg.Client): Promise<Lsn> {
  const { rows } = await client.query<{ lsn: string }>(
    'select pg_current_wal_insert_lsn()::text as lsn',
  );
  return rows[0]?.lsn ?? '0/0';
}

async function lookAt(
  client: pg.Client,
  parts: Pick<WitnessParts, 'target' | 'now'>,
  moment: Pick<Moment, 'lsn' | 'method'>,
): Promise<Witness> {
  const { rows } = await client.query<{ database: string; system: string; timeline: number }>(
    `select current_database() as database, system_identifier::text as system,
       (select timeline_id from pg_control_checkpoint()) as timeline
     from pg_control_system()`,
  );
  const [place] = rows;
  if (place === undefined) throw new Error('the server does not say who it is');
  return {
    format: 'holdfast/witness/1',
    target: parts.target,
    database: place.database,
    systemIdentifier: place.system,
    takenAt: parts.now().toISOString(),
    timeline: place.timeline,
    lsn: moment.lsn,
    method: moment.method,
    tables: [...(await hashTables(client))],
    roles: await rolesOf(client),
    extensions: await extensionsOf(client),
  };
}

async function hashTables(client: pg.Client): Promise<readonly TableWitness[]> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    `select n.nspname as schema, c.relname as name
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and c.relpersistence = 'p'
       and (c.relkind <> 'm' or c.relispopulated)
       and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
     order by 1, 2`,
  );
  const tables: TableWitness[] = [];
  for (const { name, schema } of rows) {
    const table = `${client.escapeIdentifier(schema)}.${client.escapeIdentifier(name)}`;
    const found = await client.query<{ rows: string; hash: string }>(
      `select count(*)::text as rows,
         coalesce(sum(pg_catalog.hashtextextended(pg_catalog.format('%s', holdfast_row), 0)), 0)::text as hash
       from only ${table} as holdfast_row`,
    );
    const { hash = '0', rows: count = '0' } = found.rows[0] ?? {};
    tables.push({ schema, name, rows: count, hash });
  }
  return tables;
}

export async function rolesOf(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    "select rolname as name from pg_catalog.pg_roles where rolname !~ '^pg_' order by 1",
  );
  return rows.map(({ name }) => name);
}

export async function extensionsOf(
  client: pg.Client,
): Promise<{ name: string; version: string }[]> {
  const { rows } = await client.query<{ name: string; version: string }>(
    'select extname as name, extversion as version from pg_catalog.pg_extension order by 1',
  );
  return rows;
}
