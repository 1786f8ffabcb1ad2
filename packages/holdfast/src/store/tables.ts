/** The shape of our tables for kysely; the truth is in `migrations/`. All lie in schema `holdfast`. */
import type { ColumnType } from 'kysely';

/** Written as JSON text; read as a value that whoever reads it has to check. */
type Json = ColumnType<unknown, string, string>;

export interface AgentsTable {
  id: string;
  name: string;
  salt: Buffer;
  added_at: Date;
  purpose: string;
  owner_id: string | null;
  environments: string[];
  targets: string[];
  effect_kinds: string[] | null;
  working_hours: string | null;
  expires_at: Date | null;
  parent_id: string | null;
  paused_at: Date | null;
  paused_by: string | null;
  paused_note: string | null;
  /** identity/row-keys.ts; so in each table that has one. Null: nobody's. */
  mac: string | null;
}

export interface TokensTable {
  id: string;
  agent_id: string;
  token_hash: Buffer;
  stored_key: Buffer;
  server_key: Buffer;
  environment: string;
  targets: string[];
  issued_at: Date;
  expires_at: Date;
  revoked_at: Date | null;
  last_used_at: Date | null;
  last_source: string | null;
  last_protocol: string | null;
  mac: string | null;
}

interface SecretsTable {
  name: string;
  value: Buffer;
}

export interface PeopleTable {
  id: string;
  name: string;
  roles: string[];
  /** Sealed by identity/seal.ts; AAD `person|id`. Null: this person has no one-time codes. */
  totp_sealed: Buffer | null;
  added_at: Date;
  confirmed_at: Date | null;
  removed_at: Date | null;
  /** Wrong codes since the last right one. */
  failures: number;
  paused_until: Date | null;
  /** The newest time step whose code was used; a code counts once. */
  last_step: bigint;
  /** An owner by break-glass until then, whatever `roles` says. */
  owner_until: Date | null;
  /** As `failures`, of browsers that never signed in as this person. */
  stranger_failures: number;
  stranger_paused_until: Date | null;
  mac: string | null;
}

export interface PasskeysTable {
  credential_id: string;
  person_id: string;
  /** COSE key, as the authenticator gave it. */
  public_key: Buffer;
  counter: bigint;
  rp_id: string;
  label: string;
  transports: string[];
  backed_up: boolean;
  added_at: Date;
  last_used_at: Date | null;
  removed_at: Date | null;
  /** identity/proof-keys.ts. Null once it was removed or suspended. */
  mac: string | null;
  suspended_at: Date | null;
}

export interface SessionsTable {
  id: string;
  secret_hash: Buffer;
  person_id: string;
  kind: string;
  device_hash: Buffer | null;
  page_hash: Buffer | null;
  method: string;
  user_agent: string;
  source: string;
  opened_at: Date;
  last_used_at: Date;
  proved_at: Date;
  expires_at: Date;
  closed_at: Date | null;
  mac: string | null;
}

export interface InvitesTable {
  id: string;
  secret_hash: Buffer;
  /** Null: the first owner. */
  person_id: string | null;
  invited_by: string;
  made_at: Date;
  expires_at: Date;
  used_at: Date | null;
  mac: string | null;
}

interface RecoveryCodesTable {
  person_id: string;
  /** Under our key, so that nobody puts one of theirs there. */
  code_hash: Buffer;
}

interface SsoIdentitiesTable {
  issuer: string;
  subject: string;
  person_id: string;
  linked_at: Date;
  mac: string | null;
}

interface DeviceRequestsTable {
  id: string;
  secret_hash: Buffer;
  user_code_hash: Buffer;
  machine: string;
  source: string;
  user_agent: string;
  asked_at: Date;
  expires_at: Date;
  decided_at: Date | null;
  /** Null beside `decided_at`: turned away. */
  person_id: string | null;
  mac: string | null;
}

interface CeremoniesTable {
  id: string;
  kind: string;
  nonce: string;
  /** JSON, exactly as it was written. */
  facts: string;
  expires_at: Date;
  mac: string;
}

export interface HoldsTable {
  id: string;
  digest: string;
  state: string;
  people_needed: number;
  rule: string;
  reason: string;
  statement: string;
  effects: Json;
  effects_total: number;
  could_not_tell: string | null;
  target: string;
  environment: string;
  environment_level: string;
  resolved_by: string;
  /** Null from here to `client`: people proposed it. */
  agent_id: string | null;
  agent_name: string | null;
  token_id: string | null;
  session_id: string | null;
  source: string | null;
  client: string | null;
  taking_back: Json | null;
  act_kind: string | null;
  act: string | null;
  outcome: string | null;
  outcome_note: string | null;
  opened_at: Date;
  expires_at: Date;
  decided_at: Date | null;
  decided_by: string | null;
  note: string | null;
  policy_version: string | null;
  effects_hash: string | null;
  facts: Json | null;
  rows_at_most: bigint | null;
  /** Null: an older Holdfast opened it. */
  approval_until: Date | null;
  task: string | null;
  owner_id: string | null;
  typed_name: string | null;
  denial: Json | null;
}

interface SignaturesTable {
  hold_id: string;
  digest: string;
  person_id: string;
  person_name: string;
  method: string;
  signed_at: Date;
  binding: string | null;
  proof: Json | null;
  comment: string;
}

export interface UndoItemsTable {
  id: string;
  target: string;
  install: string;
  txid: string;
  fingerprint: string;
  at: Date;
  role: string;
  agent_id: string | null;
  agent_name: string | null;
  application: string;
  undo_of: string | null;
  state: string;
  state_before: string;
  kept_until_tick_ms: bigint;
  purge_at_tick_ms: bigint | null;
  purge_begun_tick_ms: bigint | null;
}

interface UndoPartsTable {
  item_id: string;
  place: number;
  op: string;
  name: string;
  rows: bigint;
}

interface AgentRolesTable {
  target: string;
  agent_id: string;
  role: string;
  /** Sealed by identity/seal.ts; AAD `agent-role|target/agent_id`. */
  password_sealed: Buffer;
  valid_until: Date;
  /** Null: the target may not know this password yet. */
  applied_at: Date | null;
}

interface WallsTable {
  target: string;
  raised_at: Date;
}

export interface DeferralsTable {
  id: string;
  digest: string;
  state: string;
  hold_id: string | null;
  card: Json;
  acts: Buffer[];
  search_path: string[];
  scheduled_at: Date;
  due_tick_ms: bigint;
  decided_at: Date | null;
  decided_by: string | null;
  note: string | null;
  run_by: string | null;
}

interface CredentialsTable {
  name: string;
  sealed: Buffer;
  fingerprint: string;
  added_at: Date;
}

interface NoticesTable {
  subject: string;
  step: string;
  notice: Json;
  made_at: Date;
  ended_at: Date | null;
}

interface DeliveriesTable {
  subject: string;
  step: string;
  channel: string;
  importance: string;
  state: string;
  due_at: Date;
  tries: number;
  claimed_by: string | null;
  claimed_until: Date | null;
  ended_at: Date | null;
  reason: string | null;
}

interface SignalsSeenTable {
  up_to: bigint;
  at: Date;
}

interface PushSubscriptionsTable {
  id: string;
  person_id: string;
  endpoint: string;
  p256dh: string;
  auth: string;
  added_at: Date;
  session_id: string;
  mac: string;
}

interface IntendedNotesTable {
  id: string;
  event: string;
  mac: string;
  intended_at: Date;
}

export interface Tables {
  'holdfast.intended_notes': IntendedNotesTable;
  'holdfast.credentials': CredentialsTable;
  'holdfast.agent_roles': AgentRolesTable;
  'holdfast.walls': WallsTable;
  'holdfast.agents': AgentsTable;
  'holdfast.tokens': TokensTable;
  'holdfast.secrets': SecretsTable;
  'holdfast.people': PeopleTable;
  'holdfast.passkeys': PasskeysTable;
  'holdfast.sessions': SessionsTable;
  'holdfast.invites': InvitesTable;
  'holdfast.recovery_codes': RecoveryCodesTable;
  'holdfast.sso_identities': SsoIdentitiesTable;
  'holdfast.ceremonies': CeremoniesTable;
  'holdfast.device_requests': DeviceRequestsTable;
  'holdfast.holds': HoldsTable;
  'holdfast.signatures': SignaturesTable;
  'holdfast.undo_items': UndoItemsTable;
  'holdfast.undo_parts': UndoPartsTable;
  'holdfast.deferrals': DeferralsTable;
  'holdfast.notices': NoticesTable;
  'holdfast.deliveries': DeliveriesTable;
  'holdfast.signals_seen': SignalsSeenTable;
  'holdfast.push_subscriptions': PushSubscriptionsTable;
}
