/** Identities at another provider in PostgreSQL. One is one person's; a person who is gone keeps none. */
import { type Kysely, sql, type Transaction } from 'kysely';
import type { Role } from '../identity/roles.ts';
import type { SsoFound, SsoIdentity, SsoPerson, SsoStore } from '../identity/sso-store.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import { hasPasskey, lockPerson, type OwnKeys } from './passkey-store.ts';
import {
  addPersonRow,
  isJoinedPersonOurs,
  isLinkOurs,
  linkMac,
  PERSON_COLUMNS,
} from './row-facts.ts';
import type { Tables } from './tables.ts';

export class SqlSsoStore implements SsoStore {
  readonly #database: Database;
  readonly #keys: OwnKeys;

  constructor(database: Database, keys: OwnKeys) {
    this.#database = database;
    this.#keys = keys;
  }

  find({ issuer, subject }: SsoIdentity): Promise<SsoFound | null> {
    return this.#database.run(async (db): Promise<SsoFound | null> => {
      const row = await knownIdentity(db, { issuer, subject });
      if (row === undefined) return null;
      if (!isLinkOurs(this.#keys.rows, row) || !isJoinedPersonOurs(this.#keys.rows, row)) {
        return { kind: 'foreign' };
      }
      if (row.p_removed_at !== null) return { kind: 'removed' };
      return { kind: 'here', person: { id: row.p_id, name: row.p_name } };
    });
  }

  link(identity: SsoIdentity & { readonly personId: string }, now: Date): Promise<boolean> {
    return this.#database.transaction((trx) => linkIdentity(trx, this.#keys.rows, identity, now));
  }

  addPerson(
    identity: SsoIdentity,
    person: {
      readonly id: string;
      readonly names: readonly string[];
      readonly roles: readonly Role[];
    },
    now: Date,
  ): Promise<SsoPerson | null> {
    return this.#database.transaction(async (trx) => {
      // One at a time: of two who come as one at once, the second finds the first.
      await sql`lock table holdfast.sso_identities in share row exclusive mode`.execute(trx);
      const known = await knownIdentity(trx, identity);
      if (known !== undefined) {
        const isHere =
          known.p_removed_at === null &&
          isLinkOurs(this.#keys.rows, known) &&
          isJoinedPersonOurs(this.#keys.rows, known);
        return isHere ? { id: known.p_id, name: known.p_name } : null;
      }
      for (const name of person.names) {
        const { id, roles } = person;
        const fresh = { id, name, roles, totpSealed: null, addedAt: now, confirmedAt: null };
        if (!(await addPersonRow(trx, this.#keys.rows, fresh))) continue;
        await trx
          .insertInto('holdfast.sso_identities')
          .values({
            ...identity,
            person_id: person.id,
            linked_at: now,
            mac: linkMac(this.#keys.rows, { ...identity, person_id: person.id }),
          })
          .execute();
        return { id: person.id, name };
      }
      return null;
    });
  }

  of(personId: string) {
    return this.#database.run(async (db) => {
      const row = await db
        .selectFrom('holdfast.sso_identities')
        .select(['issuer', 'linked_at'])
        .where('person_id', '=', personId)
        .executeTakeFirst();
      return row === undefined ? null : { issuer: row.issuer, linkedAt: row.linked_at };
    });
  }

  unlink(personId: string): Promise<'done' | 'none' | 'last'> {
    return this.#database.transaction(async (trx) => {
      const person = await lockPerson(trx, this.#keys.rows, personId);
      if (person === null) return 'none';
      if (!person.hasCodes && !(await hasPasskey(trx, this.#keys, personId))) return 'last';
      const gone = await trx
        .deleteFrom('holdfast.sso_identities')
        .where('person_id', '=', personId)
        .executeTakeFirst();
      return gone.numDeletedRows > 0n ? 'done' : 'none';
    });
  }
}

function knownIdentity(db: Kysely<Tables>, { issuer, subject }: SsoIdentity) {
  return db
    .selectFrom('holdfast.sso_identities as i')
    .innerJoin('holdfast.people as p', 'p.id', 'i.person_id')
    .select(['i.issuer', 'i.subject', 'i.person_id', 'i.mac'])
    .select(PERSON_COLUMNS)
    .where('i.issuer', '=', issuer)
    .where('i.subject', '=', subject)
    .executeTakeFirst();
}

/**
 * False: it is another's who is here. A person has one: the one before goes. Who was sent away and is
 * invited again comes back as whom they are invited.
 */
export async function linkIdentity(
  trx: Transaction<Tables>,
  rows: RowMacs,
  { issuer, personId, subject }: SsoIdentity & { readonly personId: string },
  now: Date,
): Promise<boolean> {
  if ((await lockPerson(trx, rows, personId)) === null) return false;
  const has = await trx
    .selectFrom('holdfast.sso_identities as i')
    .innerJoin('holdfast.people as p', 'p.id', 'i.person_id')
    .select(['p.id', 'p.removed_at'])
    .where('i.issuer', '=', issuer)
    .where('i.subject', '=', subject)
    .forUpdate('i')
    .executeTakeFirst();
  if (has !== undefined && has.removed_at === null && has.id !== personId) return false;
  await trx
    .deleteFrom('holdfast.sso_identities')
    .where((where) =>
      where.or([
        where('person_id', '=', personId),
        where.and([where('issuer', '=', issuer), where('subject', '=', subject)]),
      ]),
    )
    .execute();
  await trx
    .insertInto('holdfast.sso_identities')
    .values({
      issuer,
      subject,
      person_id: personId,
      linked_at: now,
      mac: linkMac(rows, { issuer, subject, person_id: personId }),
    })
    .execute();
  return true;
}
