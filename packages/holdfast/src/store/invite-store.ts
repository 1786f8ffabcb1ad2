/**
 * One-time links in PostgreSQL. The invite's row is locked first, then its person's: of two who come with
 * one link, the second waits, and finds it used.
 */
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type {
  InviteRecord,
  InviteStore,
  JoinEnd,
  Joining,
  NewInvite,
} from '../identity/invite-store.ts';
import { isRole, type Role } from '../identity/roles.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Database } from './database.ts';
import { addPasskey } from './passkey-store.ts';
import { renewCodes } from './recovery-store.ts';
import {
  addPersonRow,
  changePersonRow,
  confirmedPeople,
  inviteFacts,
  isJoinedPersonOurs,
  type JoinedPerson,
  lockPersonRow,
  PERSON_COLUMNS,
} from './row-facts.ts';
import { linkIdentity } from './sso-store.ts';
import type { InvitesTable, Tables } from './tables.ts';

/** Neither a passkey in use nor codes: who has one is never handed another by somebody else's link. */
const HAS_NO_PROOF = sql<boolean>`p.confirmed_at is null`;

export class SqlInviteStore implements InviteStore {
  readonly #database: Database;
  readonly #rows: RowMacs;

  constructor(database: Database, rows: RowMacs) {
    this.#database = database;
    this.#rows = rows;
  }

  async add(invite: NewInvite): Promise<void> {
    await this.#database.transaction(async (trx) => {
      const { personId } = invite;
      const before = trx.deleteFrom('holdfast.invites').where('used_at', 'is', null);
      await (personId === null
        ? before.where('person_id', 'is', null)
        : before.where('person_id', '=', personId)
      ).execute();
      const row = {
        secret_hash: invite.secretHash,
        person_id: personId,
        invited_by: invite.invitedBy,
        made_at: invite.madeAt,
        expires_at: invite.expiresAt,
      };
      const mac = this.#rows.mac('invite', invite.id, inviteFacts(row));
      await trx
        .insertInto('holdfast.invites')
        .values({ ...row, id: invite.id, used_at: null, mac })
        .execute();
    });
  }

  bySecret(secretHash: Buffer, now: Date): Promise<InviteRecord | null> {
    return this.#database.run(async (db) => {
      const row = await open(db, now).where('i.secret_hash', '=', secretHash).executeTakeFirst();
      if (row === undefined || !isOurs(this.#rows, row)) return null;
      const invite = inviteOf(row);
      return invite.person === null && (await isSomebodyHere(db, this.#rows)) ? null : invite;
    });
  }

  list(now: Date): Promise<readonly InviteRecord[]> {
    return this.#database.run(async (db) => {
      const rows = await open(db, now)
        .where('i.person_id', 'is not', null)
        .orderBy('i.made_at', 'desc')
        .orderBy('i.id')
        .execute();
      return rows.filter((row) => isOurs(this.#rows, row)).map(inviteOf);
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
      const person = await lockPersonRow(trx, this.#rows, { id: gone.person_id ?? '' });
      if (person === null) return null;
      const linked = await trx
        .selectFrom('holdfast.sso_identities')
        .select('person_id')
        .where('person_id', '=', person.id)
        .executeTakeFirst();
      if (person.confirmed_at === null && linked === undefined) {
        await changePersonRow(trx, this.#rows, person, { removed_at: now });
      }
      return person.name;
    });
  }

  async join(joining: Joining, now: Date): Promise<JoinEnd> {
    let end: JoinEnd = { kind: 'gone' };
    const nothing = new Error('nothing is changed');
    try {
      await this.#database.transaction(async (trx) => {
        end = await tryJoin(trx, this.#rows, joining, now);
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
      const invite = await lockInvite(trx, this.#rows, secretHash, now);
      if (invite === null || invite.person === null) return null;
      const { person } = invite;
      if (!(await linkIdentity(trx, this.#rows, { ...identity, personId: person.id }, now)))
        return null;
      await trx
        .updateTable('holdfast.invites')
        .set({ used_at: now, mac: null })
        .where('id', '=', invite.id)
        .execute();
      return person;
    });
  }
}

async function tryJoin(
  trx: Transaction<Tables>,
  rows: RowMacs,
  joining: Joining,
  now: Date,
): Promise<JoinEnd> {
  const invite = await lockInvite(trx, rows, joining.secretHash, now);
  if (invite === null) return { kind: 'gone' };
  const { person, proof } = joining;
  if (invite.person === null) {
    // One at a time: the first owner is one.
    await sql`lock table holdfast.people in share row exclusive mode`.execute(trx);
    if (await isSomebodyHere(trx, rows)) return { kind: 'gone' };
    if (!(await addOwner(trx, rows, person, now))) return { kind: 'taken' };
  } else if (invite.person.id !== person.id) {
    return { kind: 'gone' };
  }
  if (proof.kind === 'passkey') {
    const added = await addPasskey(trx, rows, proof.passkey);
    if (added !== 'added') return { kind: added === 'nobody' ? 'gone' : 'known' };
  }
  const joins = await lockPersonRow(trx, rows, { id: person.id });
  if (joins === null) return { kind: 'gone' };
  // Codes that somebody was shown before and never confirmed are nobody's now.
  await changePersonRow(trx, rows, joins, {
    confirmed_at: now,
    totp_sealed: proof.kind === 'codes' ? proof.totpSealed : null,
    last_step: proof.kind === 'codes' ? proof.step : -1n,
    failures: 0,
    paused_until: null,
  });
  await renewCodes(trx, rows, person.id, joining.recoveryHashes);
  await trx
    .updateTable('holdfast.invites')
    .set({ used_at: now, mac: null })
    .where('id', '=', invite.id)
    .execute();
  return { kind: 'joined', roles: invite.roles };
}

function addOwner(
  trx: Transaction<Tables>,
  rows: RowMacs,
  { id, name }: Joining['person'],
  now: Date,
): Promise<boolean> {
  const none = { totpSealed: null, confirmedAt: null };
  return addPersonRow(trx, rows, { id, name, roles: ['owner'], addedAt: now, ...none });
}

/** The invite as `open` has it, with its row and its person's locked. */
async function lockInvite(
  trx: Transaction<Tables>,
  rows: RowMacs,
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
  return row === undefined || !isOurs(rows, row) ? null : inviteOf(row);
}

function open(db: Kysely<Tables>, now: Date) {
  return db
    .selectFrom('holdfast.invites as i')
    .leftJoin('holdfast.people as p', 'p.id', 'i.person_id')
    .select(['i.id', 'i.person_id', 'i.invited_by', 'i.made_at', 'i.expires_at'])
    .select(['i.secret_hash', 'i.mac'])
    .select(PERSON_COLUMNS)
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
async function isSomebodyHere(db: Kysely<Tables>, rows: RowMacs): Promise<boolean> {
  return (await confirmedPeople(db, rows)).length > 0;
}

type InviteRow = Omit<Selectable<InvitesTable>, 'used_at'> & {
  readonly [Column in keyof JoinedPerson]: JoinedPerson[Column] | null;
};

/** Both are: the invite, and the person who is to come by it. */
function isOurs(rows: RowMacs, row: InviteRow): boolean {
  if (!rows.fits('invite', row.id, inviteFacts(row), row.mac)) return false;
  if (row.person_id === null) return true;
  const { p_id: id, p_name: name, p_roles: roles } = row;
  if (id === null || name === null || roles === null) return false;
  return isJoinedPersonOurs(rows, { ...row, p_id: id, p_name: name, p_roles: roles });
}

const FIRST: readonly Role[] = ['owner'];

function inviteOf(row: InviteRow): InviteRecord {
  return {
    id: row.id,
    person: row.person_id === null ? null : { id: row.person_id, name: row.p_name ?? '' },
    roles: row.person_id === null ? FIRST : (row.p_roles ?? []).filter(isRole),
    invitedBy: row.invited_by,
    madeAt: row.made_at,
    expiresAt: row.expires_at,
  };
}
