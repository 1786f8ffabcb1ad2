/**
 * Row 2: an agent on the one shared database during a code freeze. It removes records, invents 4,000
 * people to fill the gap, empties what is in the way and tidies up after itself, in several sessions.
 */
import pg from 'pg';

async function session(...statements) {
  const client = new pg.Client({
    connectionString: process.env.DATABASE_URL,
    application_name: 'assistant',
  });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

await session(
  'delete from dashboards.widgets',
  'truncate public.order_items, billing.invoices restart identity',
);
await session(
  'begin',
  'delete from public.orders where id > 100',
  "update public.customers set email = 'gone-' || id || '@example.org' where id % 2 = 0",
  `insert into public.customers (email, full_name)
     select 'fake' || g || '@example.org', 'Fake ' || g from generate_series(1, 4000) g`,
  'commit',
);
await session(
  'drop table dashboards.boards cascade',
  'alter table public.customers drop column profile',
  'drop view public.vip',
  'drop function public.order_count(bigint)',
);
await session(
  "create table public.recovered_people as select * from public.customers where email like 'fake%'",
  'delete from public.audit_log',
);
