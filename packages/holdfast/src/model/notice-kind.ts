/**
 * What people are told without having asked: the kinds of notices, and how much each matters. Which
 * channel takes which is said under `notify` in holdfast.yaml.
 */
import type { EventKind } from './event.ts';

/**
 * - `now`     somebody is needed; may break through quiet hours where a channel says `urgent`
 * - `soon`    worth a look today; waits for the end of quiet hours
 * - `digest`  gathers, and goes out once in a while
 */
export const IMPORTANCES = ['now', 'soon', 'digest'] as const;
export type Importance = (typeof IMPORTANCES)[number];

interface SignalKind {
  readonly importance: Importance;
  readonly title: string;
}

/** Entries of the trail that people hear of. What anybody could cause without a token is not in here,
 * but for a foreign credential, which is an alarm; many of those at once are one notice. */
export const SIGNALS = {
  'foreign-credential': {
    importance: 'now',
    title: 'A credential that is not of Holdfast came from an agent',
  },
  'row-foreign': { importance: 'now', title: 'Somebody wrote into the tables of Holdfast by hand' },
  'rows-stamped': { importance: 'now', title: 'Rows of before were taken as ours, once' },
  'agent-owner': { importance: 'now', title: 'Somebody else answers for an agent' },
  'intent-unsettled': { importance: 'soon', title: 'It is not known whether something was done' },
  'purge-requested': { importance: 'now', title: 'Undo data is about to be purged early' },
  'target-unprotected': { importance: 'now', title: 'A target is not protected any more' },
  'protection-removed': { importance: 'now', title: 'The wall of a target was taken down' },
  'protection-drift': { importance: 'now', title: 'The wall of a target is not as it should be' },
  'vault-trouble': { importance: 'now', title: 'Undo data cannot be kept' },
  'vault-over': { importance: 'soon', title: 'Undo data is kept again' },
  'recovery-point-failed': { importance: 'now', title: 'A recovery point could not be taken' },
  'recovery-point-foreign': {
    importance: 'now',
    title: 'Somebody else wrote a recovery point into a vault',
  },
  'drill-failed': { importance: 'now', title: 'A recovery point does not come back' },
  'drill-not-run': { importance: 'soon', title: 'A drill could not be carried through' },
  'drill-of-other': {
    importance: 'digest',
    title: 'A recovery point that does not count here was drilled',
  },
  'blast-radius-refuted': {
    importance: 'now',
    title: 'What lies in a vault of recovery points can be destroyed',
  },
  'wal-stream-trouble': { importance: 'now', title: 'WAL does not reach a vault' },
  'wal-stream-over': { importance: 'soon', title: 'WAL reaches the vault again' },
  'recovery-standing': { importance: 'soon', title: 'How well a target could come back changed' },
  'restore-failed': { importance: 'soon', title: 'A target could not be brought back' },
  'restore-written-back': {
    importance: 'soon',
    title: 'Rows of a restored copy were written back',
  },
  'restore-unknown': {
    importance: 'now',
    title: 'It is not known whether rows of a restored copy were written back',
  },
  'restore-promoted': {
    importance: 'now',
    title: 'Tables became again what they were in a restored copy',
  },
  'vault-undeleted': { importance: 'soon', title: 'A mass delete in a vault was undone' },
  'restore-came-back': { importance: 'digest', title: 'A target came back beside the live one' },
  'recovery-point-taken': { importance: 'digest', title: 'A recovery point was taken' },
  'drill-passed': { importance: 'digest', title: 'A recovery point came back in a drill' },
  'reads-not-recorded': { importance: 'soon', title: 'Reads passed that were not recorded' },
  'trail-resumed': { importance: 'soon', title: 'The trail is written again' },
  'deferral-scheduled': { importance: 'soon', title: 'What has no undo was put off' },
  'deferral-void': { importance: 'soon', title: 'What was put off will not run' },
  'deferral-ran': { importance: 'soon', title: 'What was put off has run' },
  'deferral-cancelled': { importance: 'digest', title: 'What was put off was cancelled' },
  'proposal-executed': { importance: 'soon', title: 'What people proposed was carried out' },
  'break-glass': { importance: 'now', title: 'Somebody is an owner for an hour, by break-glass' },
  'recovery-used': { importance: 'now', title: 'Somebody signed in by a recovery code' },
  'passkey-suspended': {
    importance: 'now',
    title: 'A passkey looks like a copy, and is suspended',
  },
  'person-roles': { importance: 'soon', title: 'What a person may do has changed' },
  'person-invited': { importance: 'soon', title: 'A person was invited' },
  'person-joined': { importance: 'soon', title: 'A person has joined' },
  'passkey-added': { importance: 'soon', title: 'A passkey was added' },
  'codes-changed': { importance: 'soon', title: 'Somebody has new one-time codes' },
  'codes-removed': { importance: 'soon', title: 'One-time codes were taken away' },
  'sso-linked': { importance: 'soon', title: 'A person was linked at the identity provider' },
  'agent-resumed': { importance: 'soon', title: 'An agent may go on' },
  'agent-changed': { importance: 'digest', title: 'What an agent may do has changed' },
  'person-added': { importance: 'soon', title: 'A person was added' },
  'person-removed': { importance: 'soon', title: 'A person was removed' },
  'credential-added': { importance: 'soon', title: 'A credential was sealed' },
  'credential-removed': { importance: 'soon', title: 'A credential was removed' },
  'notice-failed': { importance: 'soon', title: 'A notice could not be delivered' },
  'person-confirmed': { importance: 'digest', title: 'A person has enrolled' },
  'agent-added': { importance: 'digest', title: 'An agent was added' },
  'token-issued': { importance: 'digest', title: 'A token was issued' },
  'token-revoked': { importance: 'digest', title: 'A token was revoked' },
  'undo-applied': { importance: 'digest', title: 'Something was undone' },
  'purge-done': { importance: 'digest', title: 'Undo data was purged' },
} as const satisfies Partial<Record<EventKind, SignalKind>>;

/** Of what is held and proposed: from the rows themselves, sooner than the trail tells. */
const CARD_KINDS = ['hold-opened', 'proposal-opened', 'hold-escalated', 'hold-decided'] as const;

export type SignalName = keyof typeof SIGNALS;

export function isSignal(kind: string): kind is SignalName {
  return Object.hasOwn(SIGNALS, kind);
}

export const SIGNAL_NAMES: readonly SignalName[] = Object.keys(SIGNALS).filter(isSignal);

/** What a route may name. */
export const ROUTED_KINDS: readonly RoutedKind[] = [...CARD_KINDS, ...SIGNAL_NAMES];
export type RoutedKind = (typeof CARD_KINDS)[number] | SignalName;

/** `several`: many notices in one; `test`: somebody tries a channel. */
export type NoticeKind = RoutedKind | 'several' | 'test';

export const NOTICE_KINDS: readonly NoticeKind[] = [...ROUTED_KINDS, 'several', 'test'];
