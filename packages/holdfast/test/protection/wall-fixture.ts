/** A database as applications leave it, and a server that wants passwords from everybody but us. */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { FOUNDATIONS } from '../../src/protection/postgres/foundations.ts';
import type { ProtectOptions } from '../../src/protection/postgres/wall/ground.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';

export interface Version {
  readonly name: string;
  readonly binFolder: string | null;
  /** Why it cannot be tried here; null: it can. */
  readonly skip: string | null;
}

export const VERSIONS: readonly Version[] = [
  { name: 'PostgreSQL 18', binFolder: null, skip: null },
  {
    name: 'PostgreSQL 15',
    binFolder: DEBIAN_15,
    skip: existsSync(DEBIAN_15) ? null : 'no PostgreSQL 15 of Debian on this machine',
  },
];

/** Our admin and the fixture's own roles are trusted; agents need their password, by SCRAM. */
const HBA = [
  'host all postgres,app,reports,deploy,weak 127.0.0.1/32 trust',
  'host all all 127.0.0.1/32 scram-sha-256',
];

/** `app` owns most, the superuser the rest; `reports` reads; `deploy` is the declared exempt one. */
const FIXTURE = `
create role app login; create role reports login; create role deploy login in role app;
create role weak login createrole; grant app to weak with admin option;
create database shop owner app;
`;

const TABLES = `
create extension if not exists citext;
create extension if not exists dblink;
create extension if not exists postgres_fdw;
set role app;
create schema stock authorization app;
create sequence public.numbers;
create type public.mood as enum ('good', 'bad');
create table public.clients (id serial primary key, name text not null, mail public.citext);
create table public.bookings (
  id int generated always as identity primary key,
  client int references public.clients on delete cascade, note text);
create table public.parted (id int, day date not null) partition by range (day);
create table public.parted_2025 partition of public.parted
  for values from ('2025-01-01') to ('2026-01-01');
create table stock.parts (id int primary key, amount int);
create view public.names as select id, name from public.clients;
create materialized view public.counts as select count(*) as many from public.clients;
create function public.purge() returns void language plpgsql security definer as
  $$ begin delete from public.bookings; end $$;
create function public.wipe() returns int language sql as
  'with gone as (delete from public.bookings returning 1) select count(*)::int from gone';
create view public.trap as select public.wipe() as wiped;
create function public.is_free(car int) returns boolean language sql stable as 'select true';
create procedure public.tidy() language sql as 'delete from stock.parts';
create function public.as_note(public.clients) returns text language sql as 'select $1.name';
insert into public.clients (name, mail) select 'c' || n, 'c' || n || '@x' from generate_series(1, 10) n;
insert into public.bookings (client, note) select 1 + n % 10, 'b' || n from generate_series(1, 50) n;
insert into public.parted values (1, '2025-05-05');
insert into stock.parts values (1, 1), (2, 2);
reset role;
create table public.roots (id int primary key);
create view public.roots_seen as select * from public.roots;
create sequence public.root_numbers;
create function public.root_made() returns int language sql as 'select 1';
insert into public.roots values (1), (2);
grant select, insert on public.roots to app;
grant truncate, references on public.roots to public;
grant select on all tables in schema public to reports;
`;

export interface Shop {
  readonly server: ScratchPostgres;
  readonly db: TargetDatabase;
  /** A client as a role; ended by `stop`. */
  as(user: string, password?: string): Promise<pg.Client>;
  stop(): Promise<void>;
}

/** What a superuser alone leaves: all of it is its own. */
const LONE = `
create table public.notes (id int primary key, note text);
insert into public.notes values (1, 'a'), (2, 'b');
create view public.short_notes as select id from public.notes;
create function public.tidy() returns int language sql as 'select 1';
`;

export function startShop(version: Version): Promise<Shop> {
  return startWith(version, TABLES);
}

export function startLoneShop(version: Version): Promise<Shop> {
  return startWith(version, LONE);
}

async function startWith({ binFolder }: Version, tables: string): Promise<Shop> {
  const server = await startScratchPostgres({
    hba: HBA,
    ...(binFolder === null ? {} : { binFolder }),
  });
  const clients: pg.Client[] = [];
  const open = async (user: string, database: string, password?: string): Promise<pg.Client> => {
    const { host, port } = server;
    const client = new pg.Client({ host, port, user, database, password: password ?? '' });
    client.on('error', () => {});
    await client.connect();
    clients.push(client);
    return client;
  };
  const postgres = await open('postgres', 'postgres');
  for (const line of FIXTURE.split(';')) if (line.trim() !== '') await postgres.query(line);
  const shop = await open('postgres', 'shop');
  await shop.query(tables);
  await shop.end();
  const db = databaseAs(server, 'postgres');
  return {
    server,
    db,
    as: (user, password) => open(user, 'shop', password),
    stop: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => {})));
      await db.close();
      await server.stop();
    },
  };
}

export function databaseAs({ host, port }: ScratchPostgres, user: string): TargetDatabase {
  return openTargetDatabase({
    target: 'shop',
    connection: { host, port, user, database: 'shop', password: () => null, ssl: false },
  });
}

export const OPTIONS: ProtectOptions = {
  target: 'shop',
  exempt: ['deploy'],
  ddlOwner: null,
  functionsAllowed: ['public.is_free'],
  foundations: FOUNDATIONS,
  install: 'test-install',
};

/** Every catalog fact that protect may touch, in words that do not depend on oids or on order. */
export async function catalogDump(db: TargetDatabase): Promise<readonly string[]> {
  const rows = await db.query(`
    with acls as (
      select 'relation ' || c.oid::regclass as what, c.relowner as owner,
             coalesce(c.relacl, acldefault((case c.relkind when 'S' then 's' else 'r' end)::"char", c.relowner)) as acl
        from pg_class c where c.relkind in ('r','p','v','m','S','f') and c.oid >= 16384
      union all
      select 'routine ' || p.oid::regprocedure, p.proowner,
             coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
       where p.oid >= 16384 or p.proname ~ '^lo'
      union all
      select 'schema ' || n.nspname, n.nspowner, coalesce(n.nspacl, acldefault('n', n.nspowner))
        from pg_namespace n where n.nspname !~ '^pg_(toast_)?temp'
      union all
      select 'database ' || d.datname, d.datdba, coalesce(d.datacl, acldefault('d', d.datdba)) from pg_database d
      union all
      select 'language ' || l.lanname, l.lanowner, coalesce(l.lanacl, acldefault('l', l.lanowner)) from pg_language l
      union all
      select 'wrapper ' || f.fdwname, f.fdwowner, coalesce(f.fdwacl, acldefault('F', f.fdwowner)) from pg_foreign_data_wrapper f
      union all
      select 'type ' || t.oid::regtype, t.typowner, coalesce(t.typacl, acldefault('T', t.typowner)) from pg_type t
       where t.oid >= 16384
    )
    select what || ' of ' || pg_get_userbyid(owner) || ': ' || coalesce((
      select string_agg(format('%s=%s by %s', case when grantee = 0 then 'public' else grantee::regrole::text end,
               privilege_type, grantor::regrole), ', ' order by 1, grantee, privilege_type)
        from (select distinct * from aclexplode(acl)) a), '') as line from acls
    union all
    select 'role ' || r.rolname || ' in ' || coalesce((select string_agg(g.roleid::regrole::text, ',' order by g.roleid::regrole::text)
      from pg_auth_members g where g.member = r.oid), '-') from pg_roles r
    union all select 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass from pg_trigger t where not tgisinternal
    union all select 'event trigger ' || evtname from pg_event_trigger
    union all select 'defaults of ' || pg_get_userbyid(defaclrole) || ' ' || defaclobjtype::text || ' ' || defaclacl::text from pg_default_acl
    union all select 'extension ' || extname from pg_extension
    order by 1`);
  return rows.map((row) => String(row['line']));
}
