/** One query by a connection of its own, for tests that look at a server once in a while. */
import pg from 'pg';

export async function queryOf(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const result: unknown = await client.query(sql);
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    return typeof last === 'object' && last !== null && 'rows' in last && Array.isArray(last.rows)
      ? last.rows
      : [];
  } finally {
    await client.end();
  }
}
