/**
 * What the MAC of a row is over, by its table (identity/row-keys.ts), and the one way in which what counts of a
 * person's row is changed: under its lock, only if it is ours, and with a MAC over what it is then. What moves with
 * every try of a code (failures, pauses, the last step) is in no MAC, and is written beside it.
 */
import type { Kysely, Selectable, Transaction } from 'kysely';
import type { RowFacts, RowMacs } from '../model/row-macs.ts';
import type {
  AgentsTable,
  InvitesTable,
  PeopleTable,
  SessionsTable,
  Tables,
  TokensTable,
} from './tables.ts';

type Person = Selectable<PeopleTable>;
type PersonFacts = Pick<
  Person,
  'id' | 'name' | 'roles' | 'totp_sealed' | 'confirmed_at' | 'removed_at' | 'owner_until'
>;

function personFacts(row: Omit<PersonFacts, 'id'>): RowFacts {
  return {
    name: row.name,
    roles: row.roles,
    codes: row.totp_sealed,
    confirmed: row.confirmed_at,
    removed: row.removed_at,
    ownerUntil: row.owner_until,
  };
}

/** Beside columns of other tables: `p` is holdfast.people. */
export const PERSON_COLUMNS = [
  'p.id as p_id',
  'p.name as p_name',
  'p.roles as p_roles',
  'p.totp_sealed as p_totp_sealed',
  'p.confirmed_at as p_confirmed_at',
  'p.removed_at as p_removed_at',
  'p.owner_until as p_owner_until',
  'p.mac as p_mac',
] as const;

export interface JoinedPerson {
  readonly p_id: string;
  readonly p_name: string;
  readonly p_roles: string[];
  readonly p_totp_sealed: Buffer | null;
  readonly p_confirmed_at: Date | null;
  readonly p_removed_at: Date | null;
  readonly p_owner_until: Date | null;
  readonly p_mac: string | null;
}

export function isJoinedPersonOurs(rows: RowMacs, row: JoinedPerson): boolean {
  return isPersonOurs(rows, {
    id: row.p_id,
    name: row.p_name,
    roles: row.p_roles,
    totp_sealed: row.p_totp_sealed,
    confirmed_at: row.p_confirmed_at,
    removed_at: row.p_removed_at,
    owner_until: row.p_owner_until,
    mac: row.p_mac,
  });
}

export function isPersonOurs(rows: RowMacs, row: PersonFacts & Pick<Person, 'mac'>): boolean {
  return rows.fits('person', row.id, personFacts(row), row.mac);
}

export function personMac(rows: RowMacs, row: PersonFacts): string {
  return rows.mac('person', row.id, personFacts(row));
}

/** Somebody who is here, or was; their row locked until the transaction ends. Null: nobody that we wrote. */
export async function lockPersonRow(
  trx: Transaction<Tables>,
  rows: RowMacs,
  by: { readonly id: string } | { readonly name: string },
): Promise<Person | null> {
  const [column, value] = 'id' in by ? (['id', by.id] as const) : (['name', by.name] as const);
  const row = await trx
    .selectFrom('holdfast.people')
    .selectAll()
    .where(column, '=', value)
    .where('removed_at', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  return row !== undefined && isPersonOurs(rows, row) ? row : null;
}

/** `before`: as it was looked at under the lock that the transaction still has. */
export async function changePersonRow(
  trx: Transaction<Tables>,
  rows: RowMacs,
  before: Person,
  change: Partial<Omit<Person, 'id' | 'mac'>>,
): Promise<void> {
  const mac = personMac(rows, { ...before, ...change });
  await trx
    .updateTable('holdfast.people')
    .set({ ...change, mac })
    .where('id', '=', before.id)
    .execute();
}

export interface FreshPerson {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly totpSealed: Buffer | null;
  readonly addedAt: Date;
  readonly confirmedAt: Date | null;
}

/** False, and nothing changed, when the name is taken. */
export async function addPersonRow(
  db: Kysely<Tables>,
  rows: RowMacs,
  person: FreshPerson,
): Promise<boolean> {
  const row = {
    id: person.id,
    name: person.name,
    roles: [...person.roles],
    totp_sealed: person.totpSealed,
    confirmed_at: person.confirmedAt,
    removed_at: null,
    owner_until: null,
  };
  const added = await db
    .insertInto('holdfast.people')
    .values({
      ...row,
      added_at: person.addedAt,
      failures: 0,
      stranger_failures: 0,
      last_step: -1n,
      mac: personMac(rows, row),
    })
    .onConflict((conflict) => conflict.column('name').where('removed_at', 'is', null).doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

/** Who can sign in by a proof of their own, and whose rows are ours. */
export async function confirmedPeople(
  db: Kysely<Tables>,
  rows: RowMacs,
): Promise<readonly Person[]> {
  const found = await db
    .selectFrom('holdfast.people')
    .selectAll()
    .where('removed_at', 'is', null)
    .where('confirmed_at', 'is not', null)
    .execute();
  return found.filter((row) => isPersonOurs(rows, row));
}

type SessionFacts = Omit<
  Selectable<SessionsTable>,
  'id' | 'user_agent' | 'source' | 'last_used_at' | 'closed_at' | 'mac'
>;

export function sessionFacts(row: SessionFacts): RowFacts {
  return {
    secret: row.secret_hash,
    person: row.person_id,
    kind: row.kind,
    device: row.device_hash,
    page: row.page_hash,
    method: row.method,
    opened: row.opened_at,
    proved: row.proved_at,
    expires: row.expires_at,
  };
}

export function isSessionOurs(rows: RowMacs, row: Selectable<SessionsTable>): boolean {
  return rows.fits('session', row.id, sessionFacts(row), row.mac);
}

type PushRow = Selectable<Tables['holdfast.push_subscriptions']>;

/** All of it. */
export function pushFacts(row: Omit<PushRow, 'id' | 'mac'>): RowFacts {
  return {
    person: row.person_id,
    session: row.session_id,
    endpoint: row.endpoint,
    point: row.p256dh,
    secret: row.auth,
    added: row.added_at,
  };
}

export function inviteFacts(
  row: Omit<Selectable<InvitesTable>, 'id' | 'used_at' | 'mac'>,
): RowFacts {
  return {
    secret: row.secret_hash,
    person: row.person_id,
    by: row.invited_by,
    made: row.made_at,
    expires: row.expires_at,
  };
}

/** In place of a hash that anybody can make: what lies in the store of a recovery code. */
export function keyedHash(rows: RowMacs, personId: string, hash: Buffer): Buffer {
  return Buffer.from(rows.mac('recovery', personId, { hash }), 'base64url');
}

interface Link {
  readonly issuer: string;
  readonly subject: string;
  readonly person_id: string;
}

/** A person has one: it is named by them. */
export function linkMac(rows: RowMacs, { issuer, person_id: id, subject }: Link): string {
  return rows.mac('sso', id, { issuer, subject });
}

export function isLinkOurs(
  rows: RowMacs,
  { issuer, mac, person_id: id, subject }: Link & { readonly mac: string | null },
): boolean {
  return rows.fits('sso', id, { issuer, subject }, mac);
}

type DeviceFacts = Omit<Selectable<Tables['holdfast.device_requests']>, 'id' | 'mac'>;

export function deviceFacts(row: DeviceFacts): RowFacts {
  return {
    secret: row.secret_hash,
    code: row.user_code_hash,
    machine: row.machine,
    source: row.source,
    client: row.user_agent,
    asked: row.asked_at,
    decided: row.decided_at,
    person: row.person_id,
    expires: row.expires_at,
  };
}

/** All of it: who could change one would choose what an old answer of a browser is an answer to. */
export function ceremonyFacts(
  row: Pick<Selectable<Tables['holdfast.ceremonies']>, 'kind' | 'nonce' | 'facts' | 'expires_at'>,
): RowFacts {
  return { kind: row.kind, nonce: row.nonce, facts: row.facts, expires: row.expires_at };
}

type AgentFacts = Pick<
  Selectable<AgentsTable>,
  | 'name'
  | 'salt'
  | 'owner_id'
  | 'environments'
  | 'targets'
  | 'effect_kinds'
  | 'working_hours'
  | 'expires_at'
  | 'parent_id'
  | 'paused_at'
>;

export function agentFacts(row: AgentFacts): RowFacts {
  return {
    name: row.name,
    salt: row.salt,
    owner: row.owner_id,
    environments: row.environments,
    targets: row.targets,
    effects: row.effect_kinds,
    hours: row.working_hours,
    expires: row.expires_at,
    parent: row.parent_id,
    paused: row.paused_at,
  };
}

export function tokenFacts(
  row: Pick<
    Selectable<TokensTable>,
    | 'agent_id'
    | 'token_hash'
    | 'stored_key'
    | 'server_key'
    | 'environment'
    | 'targets'
    | 'issued_at'
    | 'expires_at'
  >,
): RowFacts {
  return {
    agent: row.agent_id,
    hash: row.token_hash,
    stored: row.stored_key,
    server: row.server_key,
    environment: row.environment,
    targets: row.targets,
    issued: row.issued_at,
    expires: row.expires_at,
  };
}
