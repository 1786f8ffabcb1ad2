/**
 * A scratch PostgreSQL as a company would have it: a superuser for the test alone, and a role `app`
 * that logs in by SCRAM, owns the database `shop` and is what Holdfast holds the credential of.
 */
import pg from 'pg';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import type { Login } from './raw-client.ts';

export const APP_ROLE = 'app';
export const APP_PASSWORD = 'app password: not for agents';
export const DATABASE = 'shop';

export interface Upstream {
  readonly server: ScratchPostgres;
  /** As `app`, past Holdfast: what a driver shows without us. */
  readonly direct: Login;
  /** As superuser, for looking and for preparing; one result per call. */
  ask(sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export async function startUpstream(binFolder?: string): Promise<Upstream> {
  const server = await startScratchPostgres({
    ...(binFolder === undefined ? {} : { binFolder }),
    hba: ['host all postgres 127.0.0.1/32 trust', 'host all all 127.0.0.1/32 scram-sha-256'],
  });
  const { host, port } = server;
  const run = async (database: string, sql: string): Promise<Record<string, unknown>[]> => {
    const client = new pg.Client(server.url(database));
    await client.connect();
    try {
      const found = await client.query<Record<string, unknown>>(sql);
      return Array.isArray(found) ? [] : found.rows;
    } finally {
      await client.end();
    }
  };
  await run('postgres', `create role ${APP_ROLE} login password '${APP_PASSWORD}'`);
  await run('postgres', `create database ${DATABASE} owner ${APP_ROLE}`);
  await run(DATABASE, `alter schema public owner to ${APP_ROLE}`);
  return {
    server,
    direct: { host, port, user: APP_ROLE, password: APP_PASSWORD, database: DATABASE },
    ask: (sql) => run(DATABASE, sql),
    stop: () => server.stop(),
  };
}
