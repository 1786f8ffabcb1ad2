/**
 * A target laid out by the contract (docs/decisions/0006), without triggers: a test says itself what a
 * statement captured. Tables have the shape (id integer, name text).
 */
import { openTargetDatabase } from '../protection/postgres/admin.ts';
import { captureFoundation } from '../protection/postgres/capture/foundation.ts';
import type { TargetDatabase, TargetSession } from '../protection/target-database.ts';
import type { ActRecord } from '../protection/undo-item.ts';
import type { ScratchPostgres } from './scratch-postgres.ts';

const LAYOUT = `
  create schema holdfast;
  create sequence holdfast.seq;
  create table holdfast.meta (key text primary key, value jsonb not null);
  create table holdfast.shapes (
    shape_id bigint generated always as identity primary key, table_oid oid not null,
    schema_name name not null, table_name name not null, columns jsonb not null, key jsonb not null);
  create table holdfast.journal (
    seq bigint primary key default nextval('holdfast.seq'),
    txid xid8 not null default pg_current_xact_id(), at timestamptz not null default clock_timestamp(),
    role name not null default session_user, pid int not null default pg_backend_pid(),
    application text default current_setting('application_name'), shape_id bigint, op "char" not null,
    rows bigint not null, detail jsonb);
  insert into holdfast.meta values ('install', '"install-one"');`;

const COLUMNS = JSON.stringify([
  {
    attnum: 1,
    name: 'id',
    type: 'integer',
    kept: 'integer',
    generated: '',
    identity: '',
    notNull: true,
  },
  {
    attnum: 2,
    name: 'name',
    type: 'text',
    kept: 'text',
    generated: '',
    identity: '',
    notNull: false,
  },
]);

export function adminOf(server: ScratchPostgres, target: string, database: string): TargetDatabase {
  return openTargetDatabase({
    target,
    connection: { ...server, database, password: () => null, ssl: false },
  });
}

/** A database of its own, with as many shapes as asked for: public.t1, public.t2 ... */
export async function layOutTarget(
  server: ScratchPostgres,
  name: string,
  tables: number,
): Promise<TargetDatabase> {
  const postgres = adminOf(server, 'postgres', 'postgres');
  await postgres.query(`create database ${name}`);
  await postgres.close();
  const target = adminOf(server, name, name);
  await target.query(LAYOUT);
  for (let table = 1; table <= tables; table += 1) {
    await target.query(`
      create table public.t${table} (id integer primary key, name text);
      insert into holdfast.shapes (table_oid, schema_name, table_name, columns, key)
        values ('public.t${table}'::regclass, 'public', 't${table}', '${COLUMNS}', '[1]');
      create table holdfast.c${table} (seq bigint, n bigint, side "char", c1 integer, c2 text)`);
  }
  return target;
}

/** The same tables, with the real capture on them. */
export async function captureTarget(
  server: ScratchPostgres,
  name: string,
  tables: number,
): Promise<TargetDatabase> {
  const postgres = adminOf(server, 'postgres', 'postgres');
  await postgres.query(`create database ${name}`);
  await postgres.close();
  const target = adminOf(server, name, name);
  await target.query(`create role holdfast_owner;
    create schema holdfast authorization holdfast_owner`);
  for (const { sql } of captureFoundation()) await target.query(sql);
  await target.query(`insert into holdfast.meta values ('install', '"install-one"')`);
  for (let table = 1; table <= tables; table += 1) {
    await target.query(`create table public.t${table} (id integer primary key, name text);
      alter table public.t${table} owner to holdfast_owner`);
    await target.query(`select holdfast.attach('public.t${table}')`);
  }
  return target;
}

/** As the trigger of a DELETE of these ids would. */
export async function captureDelete(
  session: Pick<TargetSession, 'query'>,
  shape: number,
  ids: { readonly from: number; readonly to: number },
  name = 'name',
): Promise<void> {
  await session.query(
    `with statement as (
       insert into holdfast.journal (shape_id, op, rows) values ($1, 'D', $3::int - $2::int + 1) returning seq)
     insert into holdfast.c${shape} select seq, id - $2::int, '-', id, $4::text || id
     from statement, generate_series($2::int, $3::int) id`,
    [shape, ids.from, ids.to, name],
  );
}

export async function captureAct(
  session: Pick<TargetSession, 'query'>,
  act: Partial<ActRecord>,
): Promise<void> {
  const whole = {
    verb: 'DROP TABLE',
    statement: 'drop table public.bookings',
    objects: [{ type: 'table', name: 'public.bookings' }],
    undo: [],
    redo: [],
    absent: [],
    trash: [],
    notRestored: [],
    ...act,
  };
  await session.query(`insert into holdfast.journal (op, rows, detail) values ('X', 0, $1)`, [
    JSON.stringify(whole),
  ]);
}
