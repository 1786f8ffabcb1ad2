/**
 * One-time links in PostgreSQL. The invite's row is locked first, then its person's: of two who come with
 * one link, the second waits, and finds it used.
 */
import { type Kysely, sql, type Transaction } from 'kysely';
import type {
  InviteRecord,
  InviteStore,
  JoinEnd,
  Joining,
  NewInvite,
} from '../identity/invite-store.ts';
import { isRole, type Role } from '../identity/roles.ts';
import type { Database } from './database.ts';
import { addPasskey } from './passkey-store.ts';
import { renewCodes } from './recovery-store.ts';
import { linkIdentity } from './sso-store.ts';
import type { Tables } from './tables.ts';

/** Neither a passkey in use nor codes: who has one is never handed another by somebody else's link. */
const HAS_NO_PROOF = sql<boolean>`p.confirmed_at is null`;

export class SqlInviteStore implements InviteStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async add(invite: NewInvite): Promise<void> {
    await this.#database.transaction(async (trx) => {
      const { personId } = invite;
      const before = trx.deleteFrom('holdfast.invites').where('used_at', 'is', null);
      await (personId === null
        ? before.where('person_id', 'is', null)
        : before.where('person_id', '=', personId)
      ).execute();
      await trx
        .insertInto('holdfast.invites')
        .values({
          id: invite.id,
          secret_hash: invite.secretHash,
          person_id: personId,
          invited_by: invite.invitedBy,
          made_at: invite.madeAt,
          expires_at: invite.expiresAt,
          used_at: null,
        })
        .execute();
    });
  }

  bySecret(secretHash: Buffer, now: Date): Promise<InviteRecord | null> {
    return this.#database.run(async (db) => {
      const row = await open(db, now).where('i.secret_hash', '=', secretHash).executeTakeFirst();
      if (row === undefined) return null;
      const invite = inviteOf(row);
      return invite.person === null && (await isSomebodyHere(db)) ? null : invite;
    });
  }

  list(now: Date): Promise<readonly InviteRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await open(db, now)
        .where('i.person_id', 'is not', null)
        .orderBy('i.made_at', 'desc')
        .orderBy('i.id')
        .execute();
      return rows.map(inviteOf);
    });
  }

  cancel(id: string, now: Date): Promise<string | null> {
    return this.#database.transaction(async (trx) => {
      const gone = await trx
        .deleteFrom('holdfast.invites')
        .where('id', '=', id)
        .where('used_at', 'is', null)
        .where('person_id', 'is not', null)
        .returning('person_id')
        .executeTakeFirst();
      if (gone?.person_id === undefined) return null;
      const person = await trx
        .selectFrom('holdfast.people')
        .select('name')
        .where('id', '=', gone.person_id)
        .executeTakeFirstOrThrow();
      await trx
        .updateTable('holdfast.people as p')
        .set({ removed_at: now })
        .where('p.id', '=', gone.person_id)
        .where('p.removed_at', 'is', null)
        .where(HAS_NO_PROOF)
        .where(
          sql<boolean>`not exists (select from holdfast.sso_identities i where i.person_id = p.id)`,
        )
        .execute();
      return person.name;
    });
  }

  async join(joining: Joining, now: Date): Promise<JoinEnd> {
    let end: JoinEnd = { kind: 'gone' };
    const nothing = new Error('nothing is changed');
    try {
      await this.#database.transaction(async (trx) => {
        end = await tryJoin(trx, joining, now);
        if (end.kind !== 'joined') throw nothing;
      });
    } catch (error) {
      if (error !== nothing) throw error;
    }
    return end;
  }

  useForSso(
    secretHash: Buffer,
    identity: { readonly issuer: string; readonly subject: string },
    now: Date,
  ): Promise<{ readonly id: string; readonly name: string } | null> {
    return this.#database.transaction(async (trx) => {
      const invite = await lockInvite(trx, secretHash, now);
      if (invite === null || invite.person === null) return null;
      const { person } = invite;
      if (!(await linkIdentity(trx, { ...identity, personId: person.id }, now))) return null;
      await trx
        .updateTable('holdfast.invites')
        .set({ used_at: now })
        .where('id', '=', invite.id)
        .execute();
      return person;
    });
  }
}

async function tryJoin(trx: Transaction<Tables>, joining: Joining, now: Date): Promise<JoinEnd> {
  const invite = await lockInvite(trx, joining.secretHash, now);
  if (invite === null) return { kind: 'gone' };
  const { person, proof } = joining;
  if (invite.person === null) {
    // One at a time: the first owner is one.
    await sql`lock table holdfast.people in share row exclusive mode`.execute(trx);
    if (await isSomebodyHere(trx)) return { kind: 'gone' };
    if (!(await addOwner(trx, person, now))) return { kind: 'taken' };
  } else if (invite.person.id !== person.id) {
    return { kind: 'gone' };
  }
  if (proof.kind === 'passkey') {
    const added = await addPasskey(trx, proof.passkey);
    if (added !== 'added') return { kind: 'known' };
  }
  // Codes that somebody was shown before and never confirmed are nobody's now.
  await trx
    .updateTable('holdfast.people')
    .set({
      confirmed_at: now,
      totp_sealed: proof.kind === 'codes' ? proof.totpSealed : null,
      last_step: proof.kind === 'codes' ? proof.step : -1n,
      failures: 0,
      paused_until: null,
    })
    .where('id', '=', person.id)
    .execute();
  await renewCodes(trx, person.id, joining.recoveryHashes);
  await trx
    .updateTable('holdfast.invites')
    .set({ used_at: now })
    .where('id', '=', invite.id)
    .execute();
  return { kind: 'joined', roles: invite.roles };
}

async function addOwner(
  trx: Transaction<Tables>,
  { id, name }: Joining['person'],
  now: Date,
): Promise<boolean> {
  const added = await trx
    .insertInto('holdfast.people')
    .values({
      id,
      name,
      roles: ['owner'],
      totp_sealed: null,
      added_at: now,
      confirmed_at: null,
      failures: 0,
      last_step: -1n,
    })
    .onConflict((conflict) => conflict.column('name').where('removed_at', 'is', null).doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

/** The invite as `open` has it, with its row and its person's locked. */
async function lockInvite(
  trx: Transaction<Tables>,
  secretHash: Buffer,
  now: Date,
): Promise<InviteRecord | null> {
  const locked = await trx
    .selectFrom('holdfast.invites')
    .select('person_id')
    .where('secret_hash', '=', secretHash)
    .forUpdate()
    .executeTakeFirst();
  if (locked === undefined) return null;
  if (locked.person_id !== null) {
    await trx
      .selectFrom('holdfast.people')
      .select('id')
      .where('id', '=', locked.person_id)
      .forUpdate()
      .execute();
  }
  const row = await open(trx, now).where('i.secret_hash', '=', secretHash).executeTakeFirst();
  return row === undefined ? null : inviteOf(row);
}

function open(db: Kysely<Tables>, now: Date) {
  return db
    .selectFrom('holdfast.invites as i')
    .leftJoin('holdfast.people as p', 'p.id', 'i.person_id')
    .select(['i.id', 'i.person_id', 'i.invited_by', 'i.made_at', 'i.expires_at'])
    .select(['p.name', 'p.roles'])
    .where('i.used_at', 'is', null)
    .where('i.expires_at', '>', now)
    .where((where) =>
      where.or([
        where('i.person_id', 'is', null),
        where.and([where('p.removed_at', 'is', null), HAS_NO_PROOF]),
      ]),
    );
}

/** Somebody who can sign in by a proof of their own. */
async function isSomebodyHere(db: Kysely<Tables>): Promise<boolean> {
  const one = await db
    .selectFrom('holdfast.people')
    .select('id')
    .where('removed_at', 'is', null)
    .where('confirmed_at', 'is not', null)
    .limit(1)
    .executeTakeFirst();
  return one !== undefined;
}

interface InviteRow {
  readonly id: string;
  readonly person_id: string | null;
  readonly invited_by: string;
  readonly made_at: Date;
  readonly expires_at: Date;
  readonly name: string | null;
  readonly roles: string[] | null;
}

const FIRST: readonly Role[] = ['owner'];

function inviteOf(row: InviteRow): InviteRecord {
  return {
    id: row.id,
    person: row.person_id === null ? null : { id: row.person_id, name: row.name ?? '' },
    roles: row.person_id === null ? FIRST : (row.roles ?? []).filter(isRole),
    invitedBy: row.invited_by,
    madeAt: row.made_at,
    expiresAt: row.expires_at,
  };
}
