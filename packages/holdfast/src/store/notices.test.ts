import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ScratchPostgres, startScratchPostgres } from '../testing/scratch-postgres.ts';
import { type Database, openDatabase } from './database.ts';
import { Notices } from './notices.ts';

let server: ScratchPostgres;
let database: Database;

beforeAll(async () => {
  server = await startScratchPostgres();
  database = await openDatabase({ connection: { url: server.url() } });
}, 60_000);
afterAll(async () => {
  await database?.close();
  await server?.stop();
});

/** So rare that only notices and reconnects call back within a test. */
const NO_POLL = { pollMs: 3_600_000 };

async function tell(channel: string, payload: string): Promise<void> {
  await database.run((db) => sql`select pg_notify(${channel}, ${payload})`.execute(db));
}

describe('notices', () => {
  it('bring a payload to who listens, before and after start', async () => {
    const notices = new Notices(database, NO_POLL);
    const early: (string | null)[] = [];
    const late: (string | null)[] = [];
    notices.on('early', (payload) => early.push(payload));
    await notices.start();
    notices.on('late', (payload) => late.push(payload));
    await tell('early', 'one');
    await vi.waitFor(() => expect(early).toContain('one'), 5_000);
    // LISTEN of a later channel is on its way: a notice may come too early, a later one may not.
    await vi.waitFor(async () => {
      await tell('late', 'two');
      expect(late).toContain('two');
    }, 5_000);
    await notices.close();
  });

  it('connect again after their connection was cut, and then ask everybody to look', async () => {
    const notices = new Notices(database, NO_POLL);
    const heard: (string | null)[] = [];
    notices.on('cut', (payload) => heard.push(payload));
    await notices.start();
    heard.length = 0;
    await database.run((db) =>
      sql`select pg_terminate_backend(pid) from pg_stat_activity
          where query ilike 'listen%' and pid <> pg_backend_pid()`.execute(db),
    );
    await vi.waitFor(() => expect(heard).toContain(null), 10_000);
    await tell('cut', 'after');
    await vi.waitFor(() => expect(heard).toContain('after'), 5_000);
    await notices.close();
  });

  it('poll, so that a lost notice costs a moment and not for ever', async () => {
    const notices = new Notices(database, { pollMs: 20 });
    let polls = 0;
    notices.on('quiet', (payload) => {
      if (payload === null) polls += 1;
    });
    await notices.start();
    await vi.waitFor(() => expect(polls).toBeGreaterThan(3), 5_000);
    await notices.close();
  });

  it('stop calling who has left', async () => {
    const notices = new Notices(database, NO_POLL);
    const left: (string | null)[] = [];
    const stayed: (string | null)[] = [];
    const leave = notices.on('room', (payload) => left.push(payload));
    notices.on('room', (payload) => stayed.push(payload));
    await notices.start();
    leave();
    left.length = 0;
    await tell('room', 'x');
    await vi.waitFor(() => expect(stayed).toContain('x'), 5_000);
    expect(left).toEqual([]);
    await notices.close();
  });
});
