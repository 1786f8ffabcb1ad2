/** Row 16: a reset of a linked project as one DO block that drops whatever it finds in the catalog. */
import pg from 'pg';

const RESET = `do $$ declare
  found record;
begin
  for found in select n.nspname from pg_namespace n
    where n.nspname !~ '^(pg_|information_schema|public|holdfast)' loop
    execute format('drop schema if exists %I cascade', found.nspname);
  end loop;
  for found in select c.relname, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition loop
    if found.relkind in ('r', 'p') then
      execute format('drop table if exists public.%I cascade', found.relname);
    elsif found.relkind = 'm' then
      execute format('drop materialized view if exists public.%I cascade', found.relname);
    else
      execute format('drop view if exists public.%I cascade', found.relname);
    end if;
  end loop;
  for found in select p.oid::regprocedure as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'public' loop
    execute format('drop routine if exists %s cascade', found.name);
  end loop;
end $$`;

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query(RESET);
await client.end();
