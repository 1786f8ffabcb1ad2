/**
 * Brings our schema up to this code: forward only, all pending steps in one transaction, under an
 * advisory lock, so that several processes starting at once do it once.
 *
 * Why not kysely's Migrator: it makes its own tables outside its lock (two first starts race), and a
 * database that is ahead of the code is to it a corrupted one. Here that has its own answer,
 * HF_STORE_NEWER, before anything is touched.
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Database } from './database.ts';
import type { Migration } from './migrations/migration.ts';
import type { Tables } from './tables.ts';

/** Any number nobody else uses on this database: "hold" and "fast" in ASCII, as one bigint. */
const LOCK_KEY = 0x686f6c64_66617374n;

/** Returns the names of the steps it took. `after`: in the same transaction, when it took any. */
export function migrate(
  database: Database,
  migrations: readonly Migration[],
  clock: Clock,
  after?: (trx: Transaction<Tables>, taken: readonly string[]) => Promise<void>,
): Promise<readonly string[]> {
  return database.transaction(async (trx) => {
    await sql`select pg_advisory_xact_lock(${LOCK_KEY.toString()}::bigint)`.execute(trx);
    // A step over much data may take longer than a statement of daily work.
    await sql`set local statement_timeout = 0`.execute(trx);
    const applied = await appliedNames(trx);
    refuseUnknown(applied, migrations);
    const pending = migrations.filter(({ name }) => !applied.includes(name));
    if (pending.length > 0) await prepareSchema(trx);
    for (const migration of pending) {
      await sql.raw(migration.sql).execute(trx);
      const now = clock.now();
      await sql`insert into holdfast.migrations (name, applied_at)
                values (${migration.name}, ${now})`.execute(trx);
    }
    const taken = pending.map(({ name }) => name);
    if (taken.length > 0) await after?.(trx, taken);
    return taken;
  });
}

/** Looks before making: CREATE SCHEMA IF NOT EXISTS wants the privilege even when it exists. */
async function prepareSchema(trx: Transaction<Tables>): Promise<void> {
  if (!(await exists(trx, sql`to_regnamespace('holdfast')`))) {
    await sql`create schema holdfast`.execute(trx);
  }
  if (!(await exists(trx, sql`to_regclass('holdfast.migrations')`))) {
    await sql`create table holdfast.migrations (
      name text primary key,
      applied_at timestamptz not null
    )`.execute(trx);
  }
}

async function appliedNames(trx: Transaction<Tables>): Promise<readonly string[]> {
  if (!(await exists(trx, sql`to_regclass('holdfast.migrations')`))) return [];
  const found = await sql<{ name: string }>`select name from holdfast.migrations`.execute(trx);
  return found.rows.map(({ name }) => name);
}

async function exists(
  trx: Kysely<Tables>,
  what: ReturnType<typeof sql<unknown>>,
): Promise<boolean> {
  const found = await sql<{ there: boolean }>`select ${what} is not null as there`.execute(trx);
  return found.rows[0]?.there === true;
}

function refuseUnknown(applied: readonly string[], migrations: readonly Migration[]): void {
  const known = new Set(migrations.map(({ name }) => name));
  const unknown = applied.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new HoldfastError('HF_STORE_NEWER', {
    expected: `a database at ${migrations.at(-1)?.name ?? 'no migration'} or before`,
    found: `migrations this version does not know: ${unknown.toSorted().join(', ')}`,
    hint: 'Run the newer Holdfast that made them; a database never goes back.',
  });
}
