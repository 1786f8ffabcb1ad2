import pg from 'pg';
import { expect, it } from 'vitest';
import { startScratchPostgres } from './scratch-postgres.ts';

it('starts a real server and stops it', async () => {
  const server = await startScratchPostgres();
  const client = new pg.Client(server.url());
  await client.connect();
  const { rows } = await client.query('select current_setting($1) as fsync', ['fsync']);
  expect(rows).toEqual([{ fsync: 'off' }]);
  await client.end();
  await server.stop();
}, 60_000);

it('gives each a cluster of its own, also to two that start at once', async () => {
  const servers = await Promise.all([startScratchPostgres(), startScratchPostgres()]);
  const found: unknown[] = [];
  for (const server of servers) {
    const client = new pg.Client(server.url());
    await client.connect();
    await client.query('create table notes as select pg_backend_pid() as pid');
    const { rows } = await client.query('select count(*)::int as n from notes');
    found.push(...rows);
    await client.end();
  }
  expect(found).toEqual([{ n: 1 }, { n: 1 }]);
  await Promise.all(servers.map((server) => server.stop()));
}, 60_000);
