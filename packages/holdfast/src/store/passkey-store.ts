/**
 * Passkeys in PostgreSQL. What adds or takes a way to sign in locks the person's row first, so that two
 * removals at once cannot leave nobody, and two additions not one too many. What ends a passkey takes its MAC
 * away, so that no stroke of the pen brings it back.
 */
import { type Selectable, sql, type Transaction } from 'kysely';
import type { Prover } from '../approvals/proofs.ts';
import type {
  PasskeyAdded,
  PasskeyRecord,
  PasskeyStore,
  PasskeyUse,
  PasskeyUsed,
} from '../identity/passkey-store.ts';
import { PASSKEYS_MAX } from '../model/limits.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { isJoinedPersonOurs, lockPersonRow, PERSON_COLUMNS } from './row-facts.ts';
import type { PasskeysTable, Tables } from './tables.ts';

/** What tells a row, and a passkey, that we wrote from any other. */
export type OwnKeys = Pick<Prover, 'rows' | 'isPasskey'>;

export class SqlPasskeyStore implements PasskeyStore {
  readonly #database: Database;
  readonly #keys: OwnKeys;

  constructor(database: Database, keys: OwnKeys) {
    this.#database = database;
    this.#keys = keys;
  }

  add(passkey: PasskeyRecord): Promise<PasskeyAdded> {
    return this.#database.transaction((trx) => addPasskey(trx, this.#keys.rows, passkey));
  }

  list(personId: string): Promise<readonly PasskeyRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await db
        .selectFrom('holdfast.passkeys')
        .selectAll()
        .where('person_id', '=', personId)
        .where('removed_at', 'is', null)
        .orderBy('added_at')
        .orderBy('credential_id')
        .execute();
      return rows.map(passkeyOf);
    });
  }

  use(
    credentialId: string,
    now: Date,
    judge: (passkey: PasskeyRecord) => Promise<PasskeyUse>,
  ): Promise<PasskeyUsed | null> {
    return this.#database.transaction(async (trx) => {
      const row = await trx
        .selectFrom('holdfast.passkeys as k')
        .innerJoin('holdfast.people as p', 'p.id', 'k.person_id')
        .selectAll('k')
        .select(PERSON_COLUMNS)
        .where('k.credential_id', '=', credentialId)
        .where('k.removed_at', 'is', null)
        .where('p.removed_at', 'is', null)
        .forUpdate('k')
        .executeTakeFirst();
      if (row === undefined || !isJoinedPersonOurs(this.#keys.rows, row)) return null;
      const passkey = passkeyOf(row);
      const use = await judge(passkey);
      const own = trx.updateTable('holdfast.passkeys').where('credential_id', '=', credentialId);
      if (use.kind === 'right') {
        await own.set({ counter: BigInt(use.counter), last_used_at: now }).execute();
      } else if (use.kind === 'copy') {
        await own.set({ suspended_at: now, mac: null }).execute();
      }
      return { passkey, personName: row.p_name, use };
    });
  }

  remove(credentialId: string, personId: string, now: Date): Promise<'done' | 'none' | 'last'> {
    return this.#database.transaction(async (trx) => {
      const person = await lockPerson(trx, this.#keys.rows, personId);
      if (person === null) return 'none';
      const keys = await trx
        .selectFrom('holdfast.passkeys')
        .select('credential_id')
        .where('person_id', '=', personId)
        .where('removed_at', 'is', null)
        .execute();
      if (!keys.some((key) => key.credential_id === credentialId)) return 'none';
      const inUse = await passkeysInUse(trx, this.#keys, personId);
      const left = inUse.filter((key) => key.credentialId !== credentialId);
      if (left.length === 0 && !person.hasCodes) return 'last';
      await trx
        .updateTable('holdfast.passkeys')
        .set({ removed_at: now, mac: null })
        .where('credential_id', '=', credentialId)
        .execute();
      return 'done';
    });
  }
}

/** Null: nobody of that id is here any more. */
export async function lockPerson(
  trx: Transaction<Tables>,
  rows: RowMacs,
  personId: string,
): Promise<{ readonly name: string; readonly hasCodes: boolean } | null> {
  const row = await lockPersonRow(trx, rows, { id: personId });
  if (row === null) return null;
  return { name: row.name, hasCodes: row.totp_sealed !== null && row.confirmed_at !== null };
}

/** One that signs in and approves. Under the lock of its person's row. */
export async function hasPasskey(
  trx: Transaction<Tables>,
  keys: OwnKeys,
  personId: string,
): Promise<boolean> {
  return (await passkeysInUse(trx, keys, personId)).length > 0;
}

/** Neither removed nor suspended, and enrolled by us for whom they are kept; null: of everybody. */
export async function passkeysInUse(
  trx: Transaction<Tables>,
  keys: OwnKeys,
  personId: string | null,
): Promise<readonly PasskeyRecord[]> {
  const all = trx
    .selectFrom('holdfast.passkeys')
    .selectAll()
    .where('removed_at', 'is', null)
    .where('suspended_at', 'is', null);
  const found = personId === null ? all : all.where('person_id', '=', personId);
  const passkeys = (await found.execute()).map(passkeyOf);
  return passkeys.filter((passkey) => keys.isPasskey(passkey, passkey.mac));
}

export async function addPasskey(
  trx: Transaction<Tables>,
  rows: RowMacs,
  passkey: PasskeyRecord,
): Promise<PasskeyAdded> {
  if ((await lockPerson(trx, rows, passkey.personId)) === null) return 'nobody';
  const { count } = await trx
    .selectFrom('holdfast.passkeys')
    .select(sql<bigint>`count(*)`.as('count'))
    .where('person_id', '=', passkey.personId)
    .where('removed_at', 'is', null)
    .executeTakeFirstOrThrow();
  if (count >= BigInt(PASSKEYS_MAX)) return 'full';
  const added = await trx
    .insertInto('holdfast.passkeys')
    .values({
      credential_id: passkey.credentialId,
      person_id: passkey.personId,
      public_key: passkey.publicKey,
      counter: BigInt(passkey.counter),
      rp_id: passkey.rpId,
      label: storable(passkey.label),
      transports: [...passkey.transports],
      backed_up: passkey.isBackedUp,
      added_at: passkey.addedAt,
      last_used_at: null,
      removed_at: null,
      mac: passkey.mac,
      suspended_at: null,
    })
    .onConflict((conflict) => conflict.column('credential_id').doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n ? 'added' : 'known';
}

function passkeyOf(row: Selectable<PasskeysTable>): PasskeyRecord {
  return {
    credentialId: row.credential_id,
    personId: row.person_id,
    publicKey: row.public_key,
    counter: Number(row.counter),
    rpId: row.rp_id,
    label: row.label,
    transports: row.transports,
    isBackedUp: row.backed_up,
    addedAt: row.added_at,
    lastUsedAt: row.last_used_at,
    suspendedAt: row.suspended_at,
    mac: row.mac,
  };
}
