/** Decisions and reads as the pipeline hands them in, for tests and the bench of the trail. */

import pg from 'pg';
import { systemClock } from '../model/clock.ts';
import type { Reading } from '../model/effect.ts';
import type { Intent, SessionFacts } from '../model/intent.ts';
import type { Target } from '../model/target.ts';
import { type Database, openDatabase } from '../store/database.ts';
import { migrate } from '../store/migrate.ts';
import { MIGRATIONS } from '../store/migrations/index.ts';
import type { Decision } from '../trail/recorder.ts';
import type { ScratchPostgres } from './scratch-postgres.ts';

export const TARGET: Target = {
  name: 'main-db',
  environment: { name: 'production', level: 'guarded' },
  protocol: 'postgres',
  resolvedBy: 'declared in holdfast.yaml',
};

export const SESSION: SessionFacts = {
  id: 'session_06f3k9w2m4t8xq1c',
  protocol: 'postgres',
  source: '127.0.0.1:50123',
  client: 'psql',
};

export const DELETE_READING: Reading = {
  kind: 'understood',
  effects: [
    {
      kind: 'write',
      verb: 'DELETE',
      object: { type: 'table', schema: 'public', name: 'bookings' },
      reach: 'rows',
      additive: false,
      why: null,
    },
  ],
};

export function intentOf(text: string, reading: Reading = DELETE_READING): Intent {
  return {
    actor: {
      kind: 'agent',
      id: 'agent_06f3k9w2m4t8xq1c',
      name: 'cursor-backend',
      tokenId: 'token_06f3k9w2m4t8xq1c',
    },
    session: SESSION,
    reading,
    text: () => Buffer.from(text),
    acts: () => [Buffer.from(text)],
  };
}

export function decisionOf(text: string, changes: Partial<Decision> = {}): Decision {
  return {
    intent: intentOf(text),
    target: TARGET,
    digest: 'd'.repeat(64),
    verdict: { kind: 'forward', rule: 'guarded.rows', reason: 'Names the rows it changes.' },
    policyVersion: '1f0c',
    holdId: null,
    ...changes,
  };
}

/** A new database with our tables; the caller closes it. */
export async function freshTrailDatabase(server: ScratchPostgres, name: string): Promise<Database> {
  const client = new pg.Client(server.url());
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  return openTrailDatabase(server.url(name));
}

async function openTrailDatabase(url: string): Promise<Database> {
  const database = await openDatabase({ connection: { url } });
  await migrate(database, MIGRATIONS, systemClock);
  return database;
}
