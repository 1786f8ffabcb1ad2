/**
 * Things worth an entry that are not a judged unit: sessions, identities, approvals, our own state.
 * Flat, JSON-safe facts only; never a secret, never a token.
 */
export const EVENT_KINDS = [
  'instance-started',
  'instance-stopped',
  'session-opened',
  'session-closed',
  'session-refused',
  'protocol-error',
  'cancel-requested',
  'foreign-credential',
  'tunnel-opened',
  'credential-added',
  'credential-removed',
  'agent-added',
  'agent-changed',
  'agent-owner',
  'agent-paused',
  'agent-resumed',
  'token-issued',
  'token-revoked',
  'person-added',
  'person-confirmed',
  'person-removed',
  'person-roles',
  'person-invited',
  'person-joined',
  'passkey-added',
  'passkey-removed',
  'passkey-suspended',
  'codes-changed',
  'codes-removed',
  'recovery-renewed',
  'invite-cancelled',
  'sso-linked',
  'sso-unlinked',
  'device-decided',
  'push-turned-on',
  'push-turned-off',
  'recovery-used',
  'signed-in',
  'sign-in-refused',
  'signed-out',
  'break-glass',
  'hold-opened',
  'hold-signed',
  'hold-denied',
  'hold-expired',
  'hold-voided',
  'policy-loaded',
  'reads-not-recorded',
  'outcome-ignored',
  'trail-resumed',
  'target-protected',
  'target-unprotected',
  'agent-role-made',
  'agent-role-retired',
  'protection-changed',
  // What passed and can be taken back.
  'undo-previewed',
  'undo-sent',
  'undo-applied',
  'undo-extended',
  'purge-requested',
  'purge-cancelled',
  'purge-done',
  'vault-trouble',
  'vault-over',
  // The wall in a target.
  'protection-applied',
  'protection-removed',
  'protection-drift',
  'agent-role-made',
  'agent-role-rotated',
  // What has no reversal, and what people do among themselves.
  'deferral-scheduled',
  'deferral-cancelled',
  'deferral-void',
  'deferral-ran',
  'proposal-opened',
  'proposal-signed',
  'proposal-denied',
  'proposal-expired',
  'proposal-started',
  'proposal-executed',
  // What somebody else wrote into our own tables; what got its MAC when there were none before.
  'row-foreign',
  'rows-stamped',
  // What was begun when we stopped, and nobody saw the end of.
  'intent-unsettled',
  // Recovery points, and what drills and proofs found.
  'recovery-ordered',
  'recovery-point-taken',
  'recovery-point-failed',
  'drill-passed',
  'drill-failed',
  'drill-not-run',
  'blast-radius-proved',
  'blast-radius-unknown',
  'blast-radius-refuted',
  'wal-stream-trouble',
  'wal-stream-over',
  'recovery-standing',
  'recovery-measured',
  // Copies beside a target, and what was written back from them.
  'restore-asked',
  'restore-came-back',
  'restore-failed',
  'restore-diffed',
  'restore-writing',
  'restore-written-back',
  'restore-not-written',
  'restore-promoted',
  'restore-kept',
  'restore-discarded',
  'vault-undeleting',
  'vault-undeleted',
  // Gap rebuilds: proposed, chosen in, put in, taken back.
  'rebuild-proposed',
  'rebuild-decided',
  'rebuild-applied',
  'rebuild-taken-back',
  // What people could not be told.
  'notice-failed',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export interface HoldfastEvent {
  readonly kind: EventKind;
  /** Ids and names: `{ agent: 'cursor-backend', session: 'session_…' }`. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
  /** One sentence for people. */
  readonly message: string;
}

/** Hands an event to whoever keeps the trail. */
export type Note = (event: HoldfastEvent) => void | Promise<void>;
