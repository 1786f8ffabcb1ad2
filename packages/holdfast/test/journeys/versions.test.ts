/** The servers we say we support: one short session on each. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { startGateway } from '../support/gateway.ts';
import { answerOf, frontend, RawClient } from '../support/raw-client.ts';

interface Server {
  readonly major: number;
  /** Undefined: the npm package's own. Null: not here. */
  readonly bin: string | undefined | null;
  readonly wanted: string;
}

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
const SERVERS: readonly Server[] = [
  {
    major: 15,
    bin: existsSync(`${DEBIAN_15}/postgres`) ? DEBIAN_15 : null,
    wanted: 'Debian package postgresql-15',
  },
  { major: 16, bin: process.env['HOLDFAST_PG16_BIN'] ?? null, wanted: 'HOLDFAST_PG16_BIN' },
  { major: 17, bin: process.env['HOLDFAST_PG17_BIN'] ?? null, wanted: 'HOLDFAST_PG17_BIN' },
  { major: 18, bin: undefined, wanted: 'npm' },
];

describe('servers 15 to 18', () => {
  it.for(SERVERS)('PostgreSQL $major', async ({ major, bin, wanted }, ctx) => {
    ctx.skip(bin === null, `PostgreSQL ${major} is not here: ${wanted}`);
    const gateway = await startGateway({ level: 'guarded', ...(bin ? { binFolder: bin } : {}) });
    try {
      const client = await RawClient.open(gateway.through);
      const version = await client.query('show server_version_num');
      expect(version.rows[0]?.[0]?.slice(0, 2)).toBe(`${major}`);

      // A transaction with an error in it.
      await client.query('create table t (id int primary key, note text)');
      expect((await client.query('begin')).status).toBe('T');
      expect((await client.query('insert into t values (1), (1)')).errors[0]?.['C']).toBe('23505');
      expect((await client.query('commit')).complete).toEqual(['ROLLBACK']);

      // The extended protocol, a statement used twice.
      client.send(
        frontend.parse('s', 'insert into t values ($1, $2) returning id'),
        frontend.sync(),
      );
      expect(answerOf(await client.until('Z')).tags).toBe('1Z');
      for (const id of ['1', '2']) {
        client.send(frontend.bind('', 's', [id, null]), frontend.execute(''), frontend.sync());
        expect(answerOf(await client.until('Z'))).toMatchObject({
          rows: [[id]],
          complete: ['INSERT 0 1'],
          status: 'I',
        });
      }

      // COPY in and out.
      client.send(frontend.query('copy t from stdin'));
      await client.until('G');
      client.send(frontend.copyData(Buffer.from('10\ta\n11\t\\N\n')), frontend.copyDone());
      expect(answerOf(await client.until('Z')).complete).toEqual(['COPY 2']);
      client.send(frontend.query('copy t to stdout'));
      const copied = await client.until('Z');
      expect(copied.filter((one) => one.tag === 'd')).toHaveLength(4);

      // A cancel with our key.
      client.send(frontend.query('select pg_sleep(30)'));
      await new Promise((done) => setTimeout(done, 200));
      const canceller = new RawClient(gateway.through);
      canceller.send(frontend.cancelRequest(client.keyPid, client.keySecret));
      expect(await canceller.untilClosed()).toEqual([]);
      expect(answerOf(await client.until('Z')).errors[0]?.['C']).toBe('57014');

      // And a hold.
      const held = await client.query('drop table t');
      expect(held.errors[0]).toMatchObject({ C: '42501', S: 'ERROR' });
      expect((await client.query('select count(*) from t')).rows).toEqual([['4']]);
      await client.end();
    } finally {
      await gateway.stop();
    }
  });
});
