/** People in PostgreSQL, and the one place where a one-time code is spent. */
import type { Transaction } from 'kysely';
import { codeRefused, nobody } from '../identity/people.ts';
import type {
  CodeState,
  CodeVerdict,
  NewPerson,
  PeopleStore,
  PersonRecord,
} from '../identity/people-store.ts';
import type { HoldfastError } from '../model/errors.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

export class SqlPeopleStore implements PeopleStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  add(person: NewPerson): Promise<boolean> {
    return this.#database.run(async (db) => {
      const added = await db
        .insertInto('holdfast.people')
        .values({
          id: person.id,
          name: person.name,
          totp_sealed: person.totpSealed,
          added_at: person.addedAt,
          confirmed_at: person.confirmedAt,
          failures: 0,
          last_step: -1n,
        })
        .onConflict((conflict) =>
          conflict.column('name').where('removed_at', 'is', null).doNothing(),
        )
        .executeTakeFirst();
      return added.numInsertedOrUpdatedRows === 1n;
    });
  }

  list(): Promise<readonly PersonRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.people')
        .select(['id', 'name', 'added_at', 'confirmed_at'])
        .where('removed_at', 'is', null)
        .orderBy('name')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        addedAt: row.added_at,
        confirmedAt: row.confirmed_at,
      }));
    });
  }

  remove(name: string, now: Date): Promise<boolean> {
    return this.#database.run(async (db) => {
      const removed = await db
        .updateTable('holdfast.people')
        .set({ removed_at: now })
        .where('name', '=', name)
        .where('removed_at', 'is', null)
        .executeTakeFirst();
      return removed.numUpdatedRows === 1n;
    });
  }

  confirm(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    now: Date,
  ): Promise<CodeVerdict | null> {
    return this.#database.transaction(async (trx) => {
      const spent = await spendCode(trx, name, judge);
      if (spent?.verdict.kind === 'right') {
        await trx
          .updateTable('holdfast.people')
          .set({ confirmed_at: now })
          .where('id', '=', spent.personId)
          .where('confirmed_at', 'is', null)
          .execute();
      }
      return spent?.verdict ?? null;
    });
  }
}

/** Judges a person's one-time code; identity/totp.ts. */
export type JudgeCode = (state: CodeState, code: string) => CodeVerdict;

/**
 * The id of the person whose right code was spent; else the error, given and not thrown: the caller's
 * transaction must commit, or failures would not be counted.
 */
export async function spendOrRefuse(
  trx: Transaction<Tables>,
  word: { readonly person: string; readonly code: string },
  judgeCode: JudgeCode,
): Promise<string | HoldfastError> {
  const spent = await spendCode(trx, word.person, (state) => judgeCode(state, word.code));
  if (spent === null) return nobody(word.person);
  if (spent.verdict.kind !== 'right') return codeRefused(word.person, spent.verdict);
  return spent.personId;
}

interface SpentCode {
  readonly personId: string;
  readonly verdict: CodeVerdict;
}

/**
 * Locks the person's row, has the code judged, and writes what the verdict says: the step that is
 * now spent, or one more failure. Null: nobody of that name. The caller's transaction must commit
 * whatever the verdict is, or failures would not be counted.
 */
async function spendCode(
  trx: Transaction<Tables>,
  name: string,
  judge: (state: CodeState) => CodeVerdict,
): Promise<SpentCode | null> {
  const row = await trx
    .selectFrom('holdfast.people')
    .selectAll()
    .where('name', '=', name)
    .where('removed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return null;
  const verdict = judge({
    id: row.id,
    confirmed: row.confirmed_at !== null,
    totpSealed: row.totp_sealed,
    failures: row.failures,
    pausedUntil: row.paused_until,
    lastStep: row.last_step,
  });
  const person = trx.updateTable('holdfast.people').where('id', '=', row.id);
  if (verdict.kind === 'right') {
    const spent = await person
      .set({ last_step: verdict.step, failures: 0, paused_until: null })
      .where('last_step', '<', verdict.step)
      .executeTakeFirst();
    if (spent.numUpdatedRows === 0n) return { personId: row.id, verdict: { kind: 'used' } };
  } else if (verdict.kind === 'wrong') {
    await person.set({ failures: verdict.failures, paused_until: verdict.pausedUntil }).execute();
  }
  return { personId: row.id, verdict };
}
