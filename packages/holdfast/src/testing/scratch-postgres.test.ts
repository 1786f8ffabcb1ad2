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
