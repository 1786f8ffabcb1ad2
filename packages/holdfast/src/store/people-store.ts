/** People in PostgreSQL, and the one place where a one-time code is spent. */
import { type Selectable, sql, type Transaction } from 'kysely';
import { codeRefused, nobody } from '../identity/people.ts';
import type {
  ActorId,
  BrowserOf,
  CodeState,
  CodesRemoved,
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
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import { hasPasskey, type OwnKeys, passkeysInUse } from './passkey-store.ts';
import {
  addPersonRow,
  changePersonRow,
  confirmedPeople,
  isJoinedPersonOurs,
  isPersonOurs,
  lockPersonRow,
  PERSON_COLUMNS,
} from './row-facts.ts';
import type { PeopleTable, Tables } from './tables.ts';

export class SqlPeopleStore implements PeopleStore {
  readonly #database: Database;
  readonly #keys: OwnKeys;
  readonly #rows: RowMacs;

  constructor(database: Database, keys: OwnKeys) {
    this.#database = database;
    this.#keys = keys;
    this.#rows = keys.rows;
  }

  add(person: NewPerson): Promise<boolean> {
    return this.#database.run((db) => addPersonRow(db, this.#rows, person));
  }

  list(): Promise<readonly PersonRecord[]> {
    return this.#database.run(async (db) => {
      const found = await db
        .selectFrom('holdfast.people')
        .selectAll()
        .where('removed_at', 'is', null)
        .orderBy('name')
        .execute();
      return found
        .filter((row) => isPersonOurs(this.#rows, row))
        .map((row) => ({
          id: row.id,
          name: row.name,
          roles: row.roles.filter(isRole),
          addedAt: row.added_at,
          confirmedAt: row.confirmed_at,
        }));
    });
  }

  remove(name: string, by: ActorId, now: Date): Promise<PersonChange> {
    return this.#change({ name, by, makesOwner: false }, async (trx, person) => {
      await changePersonRow(trx, this.#rows, person, { removed_at: now });
      await trx
        .updateTable('holdfast.sessions')
        .set({ closed_at: now, mac: null })
        .where('person_id', '=', person.id)
        .where('closed_at', 'is', null)
        .execute();
    });
  }

  setRoles(name: string, roles: readonly Role[], by: ActorId): Promise<PersonChange> {
    const makesOwner = roles.includes('owner');
    return this.#change({ name, by, makesOwner }, async (trx, person) => {
      await changePersonRow(trx, this.#rows, person, { roles: [...roles], owner_until: null });
    });
  }

  /**
   * One at a time, so that two owners cannot take each other away, and never between somebody's lock and
   * change of their own row (`exclusive` waits for who reads for update, else each would wait for the other): tried, counted, and undone if it must not be. */
  async #change(
    { by, makesOwner, name }: Change,
    deed: (trx: Transaction<Tables>, person: Selectable<PeopleTable>) => Promise<void>,
  ): Promise<PersonChange> {
    const nothing = new Error('nothing is changed');
    let change: PersonChange = 'done';
    try {
      await this.#database.transaction(async (trx) => {
        await sql`lock table holdfast.people in exclusive mode`.execute(trx);
        const person = await lockPersonRow(trx, this.#rows, { name });
        if (person === null) {
          change = 'nobody';
          throw nothing;
        }
        const isOfOwners = makesOwner || person.roles.includes('owner');
        if (by !== null && !(await mayChange(trx, this.#rows, by, isOfOwners))) {
          change = 'not-theirs';
          throw nothing;
        }
        const before = await countOwners(trx, this.#keys);
        await deed(trx, person);
        if (before > 0 && (await countOwners(trx, this.#keys)) === 0) {
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
      const spent = await spendCode(trx, this.#rows, name, judge, null);
      if (spent?.verdict.kind === 'right') {
        const person = await lockPersonRow(trx, this.#rows, { id: spent.personId });
        if (person?.confirmed_at === null) {
          await changePersonRow(trx, this.#rows, person, { confirmed_at: now });
        }
      }
      return spent?.verdict ?? null;
    });
  }

  spend(
    name: string,
    judge: (state: CodeState) => CodeVerdict,
    nobodys: CodeState,
    whoseBrowser: BrowserOf,
  ): Promise<SpentCode | null> {
    return this.#database.transaction(async (trx) => {
      const spent = await spendCode(trx, this.#rows, name, judge, whoseBrowser);
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

  removeCodes(personId: string): Promise<CodesRemoved> {
    return this.#database.transaction(async (trx): Promise<CodesRemoved> => {
      const person = await lockPersonRow(trx, this.#rows, { id: personId });
      if (person === null || person.totp_sealed === null) return 'none';
      if (!(await hasPasskey(trx, this.#keys, personId))) return 'last';
      await changePersonRow(trx, this.#rows, person, {
        totp_sealed: null,
        last_step: -1n,
        failures: 0,
        paused_until: null,
        stranger_failures: 0,
        stranger_paused_until: null,
      });
      return 'done';
    });
  }

  raise(personId: string, until: Date): Promise<boolean> {
    return this.#set(personId, { owner_until: until });
  }

  #set(
    personId: string,
    values: Partial<Omit<Selectable<PeopleTable>, 'id' | 'mac'>>,
  ): Promise<boolean> {
    return this.#database.transaction(async (trx) => {
      const person = await lockPersonRow(trx, this.#rows, { id: personId });
      if (person === null || person.confirmed_at === null) return false;
      await changePersonRow(trx, this.#rows, person, values);
      return true;
    });
  }

  overview(): Promise<readonly PersonOverview[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.people as p')
        .select(['p.id', 'p.name', 'p.roles', 'p.added_at', 'p.confirmed_at', 'p.owner_until'])
        .select(PERSON_COLUMNS)
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
      const ours = rows.filter((row) => isJoinedPersonOurs(this.#rows, row));
      return ours.map((row) => ({
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
  rows: RowMacs,
  id: string,
  isOfOwners: boolean,
): Promise<boolean> {
  const actor = await lockPersonRow(trx, rows, { id });
  return actor !== null && (!isOfOwners || actor.roles.includes('owner'));
}

/**
 * Of those who have a way to sign in still; one by break-glass is gone in an hour. A passkey that was not enrolled
 * by us is no way. Of a recovery code only its keyed hash lies here, which tells nothing: each counts.
 */
async function countOwners(trx: Transaction<Tables>, keys: OwnKeys): Promise<number> {
  const ways = await trx
    .selectFrom('holdfast.people')
    .select('id')
    .where(
      sql<boolean>`(totp_sealed is not null
        or exists (select from holdfast.recovery_codes c where c.person_id = people.id))`,
    )
    .execute();
  const passkeys = await passkeysInUse(trx, keys, null);
  const canComeIn = new Set([...ways.map(({ id }) => id), ...passkeys.map((one) => one.personId)]);
  const people = await confirmedPeople(trx, keys.rows);
  return people.filter(({ id, roles }) => roles.includes('owner') && canComeIn.has(id)).length;
}

/** Judges a person's one-time code; identity/totp.ts. */
export type JudgeCode = (state: CodeState, code: string) => CodeVerdict;

/**
 * The id of the person whose right code was spent; else the error, given and not thrown: the caller's
 * transaction must commit, or failures would not be counted.
 */
export async function spendOrRefuse(
  trx: Transaction<Tables>,
  rows: RowMacs,
  word: { readonly person: string; readonly code: string },
  judgeCode: JudgeCode,
): Promise<string | HoldfastError> {
  const spent = await spendCode(
    trx,
    rows,
    word.person,
    (state) => judgeCode(state, word.code),
    null,
  );
  if (spent === null) return nobody(word.person);
  if (spent.verdict.kind !== 'right') return codeRefused(word.person, spent.verdict);
  return spent.personId;
}

/**
 * Locks the person's row, has the code judged, and writes what the verdict says: the step that is
 * now spent, or one more failure, counted apart for a browser that is a stranger's. Null: nobody of that
 * name. The caller's transaction must commit whatever the verdict is, or failures would not be counted.
 */
async function spendCode(
  trx: Transaction<Tables>,
  rows: RowMacs,
  name: string,
  judge: (state: CodeState) => CodeVerdict,
  whoseBrowser: BrowserOf,
): Promise<SpentCode | null> {
  const row = await lockPersonRow(trx, rows, { name });
  if (row === null) return null;
  const isStranger = whoseBrowser !== null && !whoseBrowser.includes(row.id);
  const verdict = judge({
    id: row.id,
    confirmed: row.confirmed_at !== null,
    totpSealed: row.totp_sealed,
    failures: isStranger ? row.stranger_failures : row.failures,
    pausedUntil: isStranger ? row.stranger_paused_until : row.paused_until,
    lastStep: row.last_step,
  });
  const person = trx.updateTable('holdfast.people').where('id', '=', row.id);
  if (verdict.kind === 'right') {
    const spent = await person
      .set({
        last_step: verdict.step,
        ...(isStranger
          ? { stranger_failures: 0, stranger_paused_until: null }
          : { failures: 0, paused_until: null }),
      })
      .where('last_step', '<', verdict.step)
      .executeTakeFirst();
    if (spent.numUpdatedRows === 0n) return { personId: row.id, verdict: { kind: 'used' } };
  } else if (verdict.kind === 'wrong') {
    const { failures, pausedUntil } = verdict;
    await person
      .set(
        isStranger
          ? { stranger_failures: failures, stranger_paused_until: pausedUntil }
          : { failures, paused_until: pausedUntil },
      )
      .execute();
  }
  return { personId: row.id, verdict };
}
