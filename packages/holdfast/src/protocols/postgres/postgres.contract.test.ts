/** The PostgreSQL gateway held to the contract of a protocol, with node-postgres and a real server. */
import pg from 'pg';
import type { SqlReader, SqlReading } from '../../languages/sql/sql-reading.ts';
import { systemClock } from '../../model/clock.ts';
import { fakeDirectory } from '../../testing/fake-directory.ts';
import { guardedTarget } from '../../testing/fake-parts.ts';
import { startScratchPostgres } from '../../testing/scratch-postgres.ts';
import { type Answer, type ClientUnderTest, protocolSuite, type World } from '../protocol.suite.ts';
import { createPostgresProtocol } from './listener.ts';

protocolSuite('postgres', async (): Promise<World> => {
  const server = await startScratchPostgres();
  const admin = new pg.Client(server.url());
  await admin.connect();
  const directory = fakeDirectory(['token_a', 'token_b']);
  return {
    protocol: (pipeline) =>
      createPostgresProtocol({
        listen: { host: '127.0.0.1', port: 0 },
        door: { tls: null, auth: 'scram', plaintext: 'loopback' },
        directory: directory.directory,
        targets: new Map([
          [
            'main-db',
            {
              target: guardedTarget,
              guard: null,
              upstream: {
                address: { kind: 'tcp', host: server.host, port: server.port },
                user: server.user,
                password: () => null,
                database: 'postgres',
                sslmode: 'disable',
                ca: null,
                connectTimeoutMs: 5_000,
              },
            },
          ],
        ]),
        pipeline,
        reader: toyReader(),
        clock: systemClock,
        unitBytesMax: 1 << 20,
      }),
    client: async (port, tokenId) => {
      const user = 'cursor-backend';
      const password = directory.secretOf(tokenId);
      const client = new pg.Client({
        host: '127.0.0.1',
        port,
        user,
        password,
        database: 'main-db',
      });
      client.on('error', () => {});
      await client.connect();
      return clientUnderTest(client);
    },
    changes: async () => {
      const { rows } = await admin.query(`select to_regclass('kept') is not null as there`);
      if (rows[0].there !== true) return -1;
      return (await admin.query('select count(*)::int as n from kept')).rows[0].n;
    },
    reset: async () => {
      await admin.query('drop table if exists kept; create table kept (n int)');
    },
    end: async () => {
      await admin.end();
      await server.stop();
    },
  };
});

function clientUnderTest(client: pg.Client): ClientUnderTest {
  const ask = async (sql: string): Promise<Answer> => {
    try {
      await client.query(sql);
      return { kind: 'done' };
    } catch (cause) {
      if (!(cause instanceof pg.DatabaseError) || cause.severity === 'FATAL')
        return { kind: 'gone' };
      return { kind: 'refused', words: `${cause.message} ${cause.detail} ${cause.hint}` };
    }
  };
  return {
    read: () => ask('select 1'),
    change: () => ask('insert into kept values (1)'),
    destroy: () => ask('drop table kept'),
    gibberish: () => ask('frobnicate the database'),
    close: () => client.end().catch(() => {}),
  };
}

/** Reads by the first word: the contract is about the protocol, not about SQL. */
function toyReader(): SqlReader {
  const kinds = { select: 'read', insert: 'write', drop: 'destroy' } as const;
  return {
    read(bytes, start, end): SqlReading {
      const verb = bytes.toString('utf8', start, end).split(' ')[0] ?? '';
      const common = { session: [], statements: 1 };
      if (verb !== 'select' && verb !== 'insert' && verb !== 'drop') {
        const reason = { code: 'syntax-error', message: 'not a verb', position: 1 } as const;
        return { kind: 'could-not-tell', effects: [], reason, ...common };
      }
      const base = {
        verb: verb.toUpperCase(),
        object: null,
        reach: 'rows',
        additive: false,
        why: null,
      };
      return {
        kind: 'understood',
        effects: [{ kind: kinds[verb], ...base } as const],
        ...common,
      } as SqlReading;
    },
    close: async () => {},
  };
}
