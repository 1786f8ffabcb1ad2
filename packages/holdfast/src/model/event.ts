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
  'agent-added',
  'token-issued',
  'token-revoked',
  'person-added',
  'person-confirmed',
  'person-removed',
  'hold-opened',
  'hold-signed',
  'hold-denied',
  'hold-expired',
  'policy-loaded',
  'reads-not-recorded',
  'outcome-ignored',
  'trail-resumed',
  'target-protected',
  'target-unprotected',
  'agent-role-made',
  'agent-role-retired',
  'protection-changed',
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
