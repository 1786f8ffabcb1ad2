import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { type ScratchPostgres, startScratchPostgres } from '../testing/scratch-postgres.ts';
import { type Database, openDatabase } from './database.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';

let server: ScratchPostgres;

beforeAll(async () => {
  server = await startScratchPostgres();
}, 60_000);
afterAll(() => server?.stop());

async function freshDatabase(name: string): Promise<Database> {
  const admin = await openDatabase({ connection: { url: server.url() }, poolSize: 1 });
  await admin.run((db) => sql`create database ${sql.id(name)}`.execute(db));
  await admin.close();
  return openDatabase({ connection: { url: server.url(name) } });
}

async function refusal(work: Promise<unknown>): Promise<HoldfastError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error(`expected a HoldfastError, found ${String(error)}`);
}

describe('migrations', () => {
  it('are named after their files, in order, once each', () => {
    const names = MIGRATIONS.map(({ name }) => name);
    expect(names).toEqual(names.toSorted());
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^\d{4}-[a-z-]+$/);
  });

  it('run once when several processes start at the same moment', async () => {
    const several = [await freshDatabase('race')];
    for (let more = 0; more < 3; more += 1) {
      several.push(await openDatabase({ connection: { url: server.url('race') } }));
    }
    const taken = await Promise.all(several.map((one) => migrate(one, MIGRATIONS, systemClock)));
    expect(taken.flat().toSorted()).toEqual(MIGRATIONS.map(({ name }) => name));
    expect(await migrate(several[0] as Database, MIGRATIONS, systemClock)).toEqual([]);
    await Promise.all(several.map((one) => one.close()));
  });

  it('refuse a database that a newer version made, and touch nothing', async () => {
    const database = await freshDatabase('newer');
    const future = [...MIGRATIONS, { name: '9999-from-the-future', sql: 'select 1' }];
    await migrate(database, future, systemClock);
    const error = await refusal(migrate(database, MIGRATIONS, systemClock));
    expect(error.code).toBe('HF_STORE_NEWER');
    expect(error.found).toContain('9999-from-the-future');
    await database.close();
  });

  it('leave nothing of a step that fails, nor of the steps before it', async () => {
    const database = await freshDatabase('broken');
    const broken = [
      ...MIGRATIONS,
      { name: '9999-broken', sql: 'create table holdfast.x (); boom' },
    ];
    await expect(migrate(database, broken, systemClock)).rejects.toThrow(/syntax error/);
    const left = await database.run((db) =>
      sql`select 1 from pg_namespace where nspname = 'holdfast'`.execute(db),
    );
    expect(left.rows).toEqual([]);
    expect(await migrate(database, MIGRATIONS, systemClock)).toHaveLength(MIGRATIONS.length);
    await database.close();
  });
});

describe('a database that is not there', () => {
  it('is HF_STORE_UNAVAILABLE with an address, without the password', async () => {
    const url = 'postgres://someone:very-secret@127.0.0.1:1/nothing';
    const error = await refusal(openDatabase({ connection: { url } }));
    expect(error.code).toBe('HF_STORE_UNAVAILABLE');
    expect(error.expected).toContain('127.0.0.1:1/nothing');
    expect(`${error.message} ${error.hint}`).not.toContain('very-secret');
  });

  it('is so too when it goes away in mid-work, and serves again when it is back', async () => {
    const database = await openDatabase({ connection: { url: server.url() }, poolSize: 1 });
    const error = await refusal(
      database.run((db) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(db)),
    );
    expect(error.code).toBe('HF_STORE_UNAVAILABLE');
    await vi.waitFor(async () => {
      const again = await database.run((db) => sql`select 1 as one`.execute(db));
      expect(again.rows).toEqual([{ one: 1 }]);
    }, 5_000);
    await database.close();
  });

  it('does not dress up a fault of our own statement', async () => {
    const database = await openDatabase({ connection: { url: server.url() }, poolSize: 1 });
    const wrong = database.run((db) => sql`select nonsense`.execute(db));
    await expect(wrong).rejects.toThrow(/column "nonsense" does not exist/);
    await expect(wrong).rejects.not.toBeInstanceOf(HoldfastError);
    await database.close();
  });
});
