/** An UPDATE that lost its WHERE, in a transaction with an ordinary statement before and after. */
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
await client.query('begin');
await client.query("insert into public.products values ('sku-new', 'New', 5)");
await client.query("update public.customers set full_name = 'Redacted', tags = '{}'");
await client.query("update public.products set price = price + 1 where sku = 'sku-new'");
await client.query('commit');
await client.end();
