/** People in PostgreSQL, and the one place where a one-time code is spent. */
import { sql, type Transaction, type Updateable } from 'kysely';
import { codeRefused, nobody } from '../identity/people.ts';
import type {
  ActorId,
  CodeState,
  CodeVerdict,
  NewPerson,
  PeopleStore,
  PersonChange,
  PersonOverview,
  PersonRecord,
  SpentCode,
} from '../identity/people-store.ts';
import { isRole, type Role } from '../identity/roles.ts';
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
          roles: [...person.roles],
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
        .select(['id', 'name', 'roles', 'added_at', 'confirmed_at'])
        .where('removed_at', 'is', null)
        .orderBy('name')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        roles: row.roles.filter(isRole),
        addedAt: row.added_at,
        confirmedAt: row.confirmed_at,
      }));
    });
  }

  remove(name: string, by: ActorId, now: Date): Promise<PersonChange> {
    return this.#change({ name, by, makesOwner: false }, async (trx, id) => {
      await trx
        .updateTable('holdfast.people')
        .set({ removed_at: now })
        .where('id', '=', id)
        .execute();
      await trx
        .updateTable('holdfast.sessions')
        .set({ closed_at: now })
        .where('person_id', '=', id)
        .where('closed_at', 'is', null)
        .execute();
    });
  }

  setRoles(name: string, roles: readonly Role[], by: ActorId): Promise<PersonChange> {
    const makesOwner = roles.includes('owner');
    return this.#change({ name, by, makesOwner }, async (trx, id) => {
      await trx
        .updateTable('holdfast.people')
        .set({ roles: [...roles], owner_until: null })
        .where('id', '=', id)
        .execute();
    });
  }

  /**
   * One at a time, so that two owners cannot take each other away, and never between somebody's lock and
   * change of their own row (`exclusive` waits for who reads for update, else each would wait for the other): tried, counted, and undone if it must not be. */
  async #change(
    { by, makesOwner, name }: Change,
    deed: (trx: Transaction<Tables>, id: string) => Promise<void>,
  ): Promise<PersonChange> {
    const nothing = new Error('nothing is changed');
    let change: PersonChange = 'done';
    try {
      await this.#database.transaction(async (trx) => {
        await sql`lock table holdfast.people in exclusive mode`.execute(trx);
        const person = await trx
          .selectFrom('holdfast.people')
          .select(['id', 'roles'])
          .where('name', '=', name)
          .where('removed_at', 'is', null)
          .executeTakeFirst();
        if (person === undefined) {
          change = 'nobody';
          throw nothing;
        }
        const isOfOwners = makesOwner || person.roles.includes('owner');
        if (by !== null && !(await mayChange(trx, by, isOfOwners))) {
          change = 'not-theirs';
          throw nothing;
        }
        const before = await countOwners(trx);
        await deed(trx, person.id);
        if (before > 0 && (await countOwners(trx)) === 0) {
          change = 'last-owner';
          throw nothing;
        }
      });
    } catch (error) {
      if (error !== nothing) throw error;
    }
    return change;
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

  spend(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    nobodys: CodeState,
  ): Promise<SpentCode | null> {
    return this.#database.transaction(async (trx) => {
      const spent = await spendCode(trx, name, judge);
      if (spent === null) judge(nobodys);
      // As many statements whatever was found: the time it takes tells nobody who is here.
      if (spent?.verdict.kind !== 'right' && spent?.verdict.kind !== 'wrong') {
        await trx
          .updateTable('holdfast.people')
          .set({ failures: 0 })
          .where('id', '=', nobodys.id)
          .execute();
      }
      return spent;
    });
  }

  setCodes(personId: string, totpSealed: Buffer, step: bigint): Promise<boolean> {
    return this.#set(personId, {
      totp_sealed: totpSealed,
      last_step: step,
      failures: 0,
      paused_until: null,
    });
  }

  raise(personId: string, until: Date): Promise<boolean> {
    return this.#set(personId, { owner_until: until });
  }

  #set(personId: string, values: Updateable<Tables['holdfast.people']>): Promise<boolean> {
    return this.#database.run(async (db) => {
      const changed = await db
        .updateTable('holdfast.people')
        .set(values)
        .where('id', '=', personId)
        .where('removed_at', 'is', null)
        .where('confirmed_at', 'is not', null)
        .executeTakeFirst();
      return changed.numUpdatedRows === 1n;
    });
  }

  overview(): Promise<readonly PersonOverview[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.people as p')
        .select(['p.id', 'p.name', 'p.roles', 'p.added_at', 'p.confirmed_at', 'p.owner_until'])
        .select([
          sql<bigint>`(select count(*) from holdfast.passkeys k where k.person_id = p.id
            and k.removed_at is null and k.suspended_at is null)`.as('passkeys'),
          sql<boolean>`p.totp_sealed is not null and p.confirmed_at is not null`.as('has_codes'),
          sql<boolean>`exists (select from holdfast.sso_identities i where i.person_id = p.id)`.as(
            'has_sso',
          ),
          sql<Date | null>`(select max(s.last_used_at) from holdfast.sessions s
            where s.person_id = p.id)`.as('last_seen_at'),
        ])
        .where('p.removed_at', 'is', null)
        .orderBy('p.name')
        .execute();
      return rows.map((row) => ({
        id: row.id,
        name: row.name,
        roles: row.roles.filter(isRole),
        addedAt: row.added_at,
        confirmedAt: row.confirmed_at,
        passkeys: Number(row.passkeys),
        hasCodes: row.has_codes,
        hasSso: row.has_sso,
        lastSeenAt: row.last_seen_at,
        ownerUntil: row.owner_until,
      }));
    });
  }
}

interface Change {
  readonly name: string;
  readonly by: ActorId;
  readonly makesOwner: boolean;
}

/** Who acts is looked at again, under the lock: they may be gone by now, or be an owner for an hour only. */
async function mayChange(
  trx: Transaction<Tables>,
  id: string,
  isOfOwners: boolean,
): Promise<boolean> {
  const actor = await trx
    .selectFrom('holdfast.people')
    .select('roles')
    .where('id', '=', id)
    .where('removed_at', 'is', null)
    .executeTakeFirst();
  return actor !== undefined && (!isOfOwners || actor.roles.includes('owner'));
}

/** Of those who have a way to sign in still; one by break-glass is gone in an hour. */
async function countOwners(trx: Transaction<Tables>): Promise<number> {
  const owners = await trx
    .selectFrom('holdfast.people')
    .select('id')
    .where('removed_at', 'is', null)
    .where('confirmed_at', 'is not', null)
    .where(sql<boolean>`'owner' = any (roles)`)
    .where(
      sql<boolean>`(totp_sealed is not null
        or exists (select from holdfast.passkeys k where k.person_id = people.id
          and k.removed_at is null and k.suspended_at is null)
        or exists (select from holdfast.recovery_codes c where c.person_id = people.id
          and c.used_at is null))`,
    )
    .execute();
  return owners.length;
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
