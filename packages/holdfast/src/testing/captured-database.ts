/** A scratch PostgreSQL with the capture in it, an owner of tables and an agent's role; for tests. */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { captureFoundation } from '../protection/postgres/capture/foundation.ts';
import { type ScratchOptions, startScratchPostgres } from './scratch-postgres.ts';

export interface CapturedDatabase {
  /** Superuser. */
  readonly admin: pg.Client;
  /** `hf_agent`: owns nothing, may select, insert, update and delete in public. */
  readonly agent: pg.Client;
  readonly version: number;
  /** As `shop`, who owns the tables, then everything is attached and the journal is emptied. */
  tables(sql: string): Promise<void>;
  /** What was captured since: `D public.t 2: -(1,a) -(2,b)`, in order. */
  captured(): Promise<string[]>;
  url(user: string): string;
  stop(): Promise<void>;
}

const OLD = '/usr/lib/postgresql/15/bin';

/** The oldest server we speak to and the newest; the old one only where Debian's package is installed. */
export const CAPTURED_SERVERS = [
  { name: 'PostgreSQL 18', options: {}, isThere: true },
  { name: 'PostgreSQL 15 (Debian)', options: { binFolder: OLD }, isThere: existsSync(OLD) },
] as const;

const ROLES = `
create role shop nologin;
create role hf_agent login;
create role holdfast_owner nologin bypassrls;
grant shop to holdfast_owner;
create schema holdfast authorization holdfast_owner;
grant create on schema public to shop;
grant usage on schema public to hf_agent;
alter default privileges for role shop in schema public
  grant select, insert, update, delete on tables to hf_agent;
alter default privileges for role shop in schema public grant usage on sequences to hf_agent;`;

const CAPTURED = `
select j.op::text || ' ' || coalesce(s.schema_name || '.' || s.table_name, '') || ' ' || j.rows as entry,
       j.seq::text, j.shape_id::text
  from holdfast.journal j left join holdfast.shapes s using (shape_id) order by j.seq`;

export async function startCapturedDatabase(
  options: ScratchOptions = {},
): Promise<CapturedDatabase> {
  const server = await startScratchPostgres(options);
  const url = (user: string): string => server.url().replace('postgres@', `${user}@`);
  const connect = async (user: string): Promise<pg.Client> => {
    const client = new pg.Client(url(user));
    await client.connect();
    return client;
  };
  const admin = await connect('postgres');
  await admin.query(ROLES);
  for (const step of captureFoundation()) await admin.query(step.sql);
  const agent = await connect('hf_agent');
  const { rows } = await admin.query(
    "select current_setting('server_version_num')::int / 10000 as v",
  );
  return {
    admin,
    agent,
    version: Number(rows[0]?.v),
    url,
    tables: async (sql) => {
      await admin.query(`set role shop; ${sql}; reset role`);
      await admin.query('select holdfast.attach_missing()');
      await admin.query('delete from holdfast.journal');
    },
    captured: () => capturedSince(admin),
    stop: async () => {
      await Promise.all([admin.end(), agent.end()]);
      await server.stop();
    },
  };
}

async function capturedSince(admin: pg.Client): Promise<string[]> {
  const { rows } = await admin.query(CAPTURED);
  const found: string[] = [];
  for (const { entry, seq, shape_id: shape } of rows) {
    if (shape === null) {
      found.push(String(entry).trim());
      continue;
    }
    // The row's text without seq, n and side; sides of one updated row together: they lie in the same order.
    const kept = await admin.query(
      `select side::text || '(' || substr(c::text, length((seq, n, side)::text) + 1) as line
         from holdfast.c${shape} c where seq = $1
        order by row_number() over (partition by side order by ctid), side desc`,
      [seq],
    );
    found.push([`${entry}:`, ...kept.rows.map(({ line }) => String(line))].join(' '));
  }
  await admin.query('delete from holdfast.journal');
  return found;
}
