/** Row 15 on the SQL wire: each statement is ordinary, ten thousand of them are a clean slate. */
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env.DATABASE_URL });
await client.connect();
let count = 0;
for (const [table, key] of [
  ['public.order_items', ['order_id', 'line']],
  ['public.orders', ['id']],
]) {
  const found = await client.query(`select ${key.join(', ')} from ${table} order by 1`);
  const where = key.map((column, index) => `${column} = $${index + 1}`).join(' and ');
  for (const row of found.rows) {
    if (count === Number(process.argv[2] ?? 10_000)) break;
    await client.query({
      name: table,
      text: `delete from ${table} where ${where}`,
      values: key.map((column) => row[column]),
    });
    count += 1;
  }
}
await client.end();
console.log(`${count} deleted`);
