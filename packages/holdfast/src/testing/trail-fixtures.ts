/** Decisions and reads as the pipeline hands them in, for tests and the bench of the trail. */

import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import type { Reading } from '../model/effect.ts';
import type { Intent, SessionFacts } from '../model/intent.ts';
import type { Target } from '../model/target.ts';
import { up } from '../store/migrations/0003-trail.ts';
import type { Decision } from '../trail/recorder.ts';

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
    text: () => text,
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

/** Makes the trail's tables in an empty database. */
export async function migrateTrail(url: string): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url, max: 1 }) }),
  });
  await up(db);
  await db.destroy();
}
