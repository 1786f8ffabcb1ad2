/**
 * The catalogue of errors. Each has a stable code, and every throw says what was expected, what was
 * found and what to do. `docs/errors.md` is generated from this list; `errors.test.ts` keeps it whole.
 */

interface ErrorKind {
  /** One line for the docs. */
  readonly title: string;
  /** SQLSTATE when it reaches a PostgreSQL client (Appendix A of the manual). */
  readonly sqlstate: string;
}

export const ERRORS = {
  HF_CONFIG_INVALID: { title: 'The file holdfast.yaml could not be used', sqlstate: 'F0000' },
  HF_POLICY_INVALID: { title: 'A policy could not be used', sqlstate: 'F0000' },
  HF_STORE_UNAVAILABLE: { title: 'Our own database cannot be reached', sqlstate: '57P03' },
  HF_STORE_NEWER: { title: 'Our database was made by a newer Holdfast', sqlstate: 'F0000' },
  HF_STORE_ROWS: { title: 'Rows would be taken for ours a second time', sqlstate: 'F0000' },
  HF_STORE_NOT_STARTED: { title: 'The embedded PostgreSQL did not start', sqlstate: '57P03' },
  HF_SEAL: { title: 'A sealed secret cannot be opened', sqlstate: 'F0000' },
  HF_TRAIL_UNAVAILABLE: {
    title: 'The trail cannot be written, so nothing that changes state is forwarded',
    sqlstate: '57P03',
  },
  HF_TRAIL_BROKEN: { title: 'The trail does not verify', sqlstate: 'XX000' },
  HF_AUTH_FAILED: { title: 'Agent or token not accepted', sqlstate: '28P01' },
  HF_CREDENTIAL_FOREIGN: {
    title: 'A credential that is not of Holdfast came from an agent',
    sqlstate: '28000',
  },
  HF_TOKEN_REVOKED: { title: 'The token was revoked', sqlstate: '57P01' },
  HF_TOKEN_EXPIRED: { title: 'The token has expired', sqlstate: '57P01' },
  HF_AGENT_PAUSED: { title: 'The agent is paused', sqlstate: '57P01' },
  HF_AGENT_EXPIRED: { title: 'The agent has expired', sqlstate: '57P01' },
  HF_AGENT_HOURS: { title: 'The agent is outside its working hours', sqlstate: '57P01' },
  HF_AGENT_SCOPE: { title: 'Outside what the agent may do', sqlstate: '42501' },
  HF_AGENT_EFFECT: { title: 'The agent may not ask for this kind of effect', sqlstate: '42501' },
  HF_TARGET_UNKNOWN: { title: 'The target is not declared', sqlstate: '3D000' },
  HF_TARGET_FORBIDDEN: { title: 'The token is not for this target', sqlstate: '42501' },
  HF_CREDENTIAL_OLD: {
    title: 'The sealed credential is older than it may be used',
    sqlstate: '57P03',
  },
  HF_UPSTREAM_UNREACHABLE: { title: 'The target could not be reached', sqlstate: '08001' },
  HF_UPSTREAM_REFUSED: { title: 'The target did not let Holdfast in', sqlstate: '08004' },
  HF_UPSTREAM_LOST: { title: 'The connection to the target was lost', sqlstate: '08006' },
  HF_PROTOCOL: { title: 'The bytes are not the PostgreSQL protocol', sqlstate: '08P01' },
  HF_HTTP: { title: 'The request could be read in two ways, or not at all', sqlstate: '08P01' },
  HF_LIMIT: { title: 'Larger than a stated limit', sqlstate: '54000' },
  HF_UNSUPPORTED: { title: 'Not supported through Holdfast, on purpose', sqlstate: '0A000' },
  HF_SYNTAX: { title: 'The statement cannot be parsed', sqlstate: '42601' },
  HF_NOT_PREPARED: { title: 'The prepared statement does not exist', sqlstate: '26000' },
  HF_REFUSED: { title: 'Refused by policy', sqlstate: '42501' },
  HF_HELD: { title: 'Held until people approve it', sqlstate: '42501' },
  HF_DENIED: { title: 'Denied by a person', sqlstate: '42501' },
  HF_HOLD_UNKNOWN: { title: 'No such hold', sqlstate: 'F0000' },
  HF_HOLD_STATE: { title: 'The hold is no longer waiting', sqlstate: 'F0000' },
  HF_DEFERRED: { title: 'Approved, and runs after the grace unless cancelled', sqlstate: '42501' },
  HF_DEFERRAL_UNKNOWN: { title: 'No such deferral', sqlstate: 'F0000' },
  HF_DEFERRAL_STATE: { title: 'The deferral is not in a state for this', sqlstate: 'F0000' },
  HF_PROPOSAL_UNKNOWN: { title: 'No such proposal', sqlstate: 'F0000' },
  HF_PROPOSAL_STATE: { title: 'The proposal is not in a state for this', sqlstate: 'F0000' },
  HF_QUORUM: { title: 'There are not enough people for this', sqlstate: 'F0000' },
  HF_PROTECT: { title: 'The target cannot be protected like this', sqlstate: 'F0000' },
  HF_PROTECTION_LOST: {
    title: 'What would take it back is not at hand, so it was not forwarded',
    sqlstate: '57P03',
  },
  HF_PROTECTION_CHANGED: {
    title: 'How the target is protected has changed: connect again',
    sqlstate: '57P01',
  },
  HF_VAULT_FULL: { title: 'The vault has no room', sqlstate: '53100' },
  HF_VAULT_KEY: { title: 'Not a key under which a vault stores', sqlstate: 'F0000' },
  HF_VAULT_UNKNOWN: { title: 'The vault holds no such object', sqlstate: 'F0000' },
  HF_VAULT_CHANGED: { title: 'What lies in the vault is not what was stored', sqlstate: 'XX001' },
  HF_VAULT_UNLOCKED: { title: 'The vault does not lock what is stored', sqlstate: 'F0000' },
  HF_VAULT_REFUSED: { title: 'The vault refused', sqlstate: '42501' },
  HF_VAULT_UNREACHABLE: { title: 'The vault cannot be reached', sqlstate: '57P03' },
  HF_UNDO_UNKNOWN: { title: 'No such undo item', sqlstate: 'F0000' },
  HF_UNDO_STATE: { title: 'The undo item is not in a state for this', sqlstate: 'F0000' },
  HF_UNDO_CONFLICT: { title: 'Newer work would be overwritten', sqlstate: 'F0000' },
  HF_DRILL_NO_SERVER: {
    title: 'No PostgreSQL of that version is installed here',
    sqlstate: 'F0000',
  },
  HF_DRILL_NOT_RECOVERED: { title: 'What was restored does not get up', sqlstate: 'F0000' },
  HF_DRILL_ASSERTIONS: { title: 'The assertions of a drill could not be read', sqlstate: 'F0000' },
  HF_RESTORE_WINDOW: { title: 'Nothing in the vault reaches there', sqlstate: 'F0000' },
  HF_RESTORE_ROOM: { title: 'There is no room for the restore', sqlstate: '53100' },
  HF_RESTORE_STATE: { title: 'This cannot be written back as things are', sqlstate: 'F0000' },
  HF_RESTORE_UNKNOWN: {
    title: 'It is not known whether rows were written back',
    sqlstate: '08007',
  },
  HF_REBUILD_MAPPING: { title: 'The mapping of a rebuild could not be used', sqlstate: 'F0000' },
  HF_REBUILD_SOURCE: { title: 'A source of a rebuild could not be read', sqlstate: 'F0000' },
  HF_REBUILD_STATE: { title: 'The rebuild is not in a state for this', sqlstate: 'F0000' },
  HF_REBUILD_CHECK: { title: 'The rebuilt rows did not pass a check', sqlstate: 'F0000' },
  HF_REBUILD_UNKNOWN: {
    title: 'It is not known whether the rows of a rebuild were kept',
    sqlstate: '08007',
  },
  HF_TOTP_WRONG: { title: 'The one-time code was not accepted', sqlstate: '28P01' },
  HF_PASSKEY: { title: 'The passkey was not accepted', sqlstate: '28P01' },
  HF_TYPED_NAME: { title: 'The name of what goes for good was not typed', sqlstate: 'F0000' },
  HF_NOT_FOUND: { title: 'Nothing by that name', sqlstate: 'F0000' },
  HF_LAST_OWNER: { title: 'Nobody would be left to keep the house', sqlstate: 'F0000' },
  HF_SIGN_IN: { title: 'Nobody is signed in', sqlstate: 'F0000' },
  HF_INVITE: { title: 'The one-time link opens nothing', sqlstate: '28P01' },
  HF_LAST_WAY_IN: { title: 'It would be the last way to sign in', sqlstate: 'F0000' },
  HF_TOO_MANY: { title: 'More requests than one source may send', sqlstate: '53300' },
  HF_FORBIDDEN: { title: 'The role does not allow this', sqlstate: '42501' },
  HF_API_UNREACHABLE: {
    title: 'The Holdfast at HOLDFAST_URL cannot be reached',
    sqlstate: 'F0000',
  },
  HF_API_ANSWER: { title: 'The answer is not one of a Holdfast', sqlstate: 'F0000' },
  HF_EXISTS: { title: 'The name is taken', sqlstate: 'F0000' },
  HF_RATE: { title: 'More than one may ask for at a time', sqlstate: '53000' },
  HF_KEY_REUSED: { title: 'The idempotency key belongs to another request', sqlstate: 'F0000' },
  HF_IN_PROGRESS: { title: 'The same request is being answered', sqlstate: 'F0000' },
  HF_USAGE: { title: 'The command was not understood', sqlstate: 'F0000' },
  HF_RECOVERY_SERVER: {
    title: 'The server does not let its backup be pulled',
    sqlstate: 'F0000',
  },
  HF_RECOVERY_PROGRAM: {
    title: 'A program that recovery drives did not do its work',
    sqlstate: 'F0000',
  },
  HF_RECOVERY_SLOT: {
    title: 'WAL was lost at the server, so a new base backup is needed',
    sqlstate: 'F0000',
  },
  HF_RECOVERY_PAGES: { title: 'The server has corrupted pages', sqlstate: 'F0000' },
  HF_RECOVERY_MANIFEST: {
    title: 'The files are not those that the backup manifest lists',
    sqlstate: 'F0000',
  },
  HF_RECOVERY_DAMAGED: {
    title: 'What lies in the vault is not what was stored',
    sqlstate: 'F0000',
  },
  HF_RECOVERY_KEY: { title: 'No key at hand opens the recovery point', sqlstate: 'F0000' },
  HF_RECOVERY_WAL: { title: 'WAL is missing in the vault', sqlstate: 'F0000' },
  HF_RECOVERY_GOAL: { title: 'The recovery point does not reach there', sqlstate: 'F0000' },
  HF_RECOVERY_FOLDER: { title: 'Nothing can be restored into this folder', sqlstate: 'F0000' },
  HF_INTERNAL: { title: 'A fault of Holdfast itself; nothing was forwarded', sqlstate: 'XX000' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorFacts {
  readonly expected: string;
  readonly found: string;
  /** What to do now. */
  readonly hint: string;
  readonly cause?: unknown;
}

export class HoldfastError extends Error {
  readonly code: ErrorCode;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;

  constructor(code: ErrorCode, facts: ErrorFacts) {
    super(
      `${ERRORS[code].title}: expected ${facts.expected}, found ${facts.found}.`,
      facts.cause === undefined ? undefined : { cause: facts.cause },
    );
    this.name = 'HoldfastError';
    this.code = code;
    this.expected = facts.expected;
    this.found = facts.found;
    this.hint = facts.hint;
  }
}

/** What was thrown, in its own words; anything can be thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Of ours, of Node's system errors, of PostgreSQL's: the code says which. */
export function hasCode(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code;
}

const OUTCOME_UNKNOWN: readonly ErrorCode[] = [
  'HF_UPSTREAM_LOST',
  'HF_RESTORE_UNKNOWN',
  'HF_REBUILD_UNKNOWN',
];

/** It was begun, and nobody knows what came of it: no failure, since who takes it for one does it again. */
export function isOutcomeUnknown(thrown: unknown): boolean {
  return thrown instanceof HoldfastError && OUTCOME_UNKNOWN.includes(thrown.code);
}
