/**
 * What counts as an incident, and what it is called for people. Each is the kind of one entry, or of
 * those of its entries that `ONLY` names.
 */
import type { Fields } from '../entry-facts.ts';

export const INCIDENT_WORDS = {
  'recovery-standing': 'Recovery of a target turned red',
  'wal-stream-trouble': 'Changes stopped reaching a vault',
  'recovery-point-failed': 'A recovery point could not be taken',
  'recovery-point-foreign': 'A recovery point that is not ours lay in a vault',
  'drill-failed': 'A rehearsed restore failed',
  'restore-failed': 'A target could not be brought back',
  'restore-not-written': 'Rows could not be written back',
  'restore-unknown': 'It is not known whether rows were written back',
  'drill-not-run': 'A rehearsed restore could not be carried through',
  'blast-radius-refuted': 'A vault could be destroyed by a credential',
  'target-unprotected': 'The protection of a target was taken down',
  'protection-removed': 'The wall of a target was taken down',
  'protection-drift': 'The wall of a target was not as it should be',
  'protection-changed': 'Something was amiss with the protection of a target',
  'vault-trouble': 'Undo data could not be kept',
  'agent-paused': 'An agent was stopped by a person',
  'foreign-credential': 'A real credential came from an agent',
  'row-foreign': 'Somebody wrote into the tables of Holdfast by hand',
  'break-glass': 'Somebody became an owner by break-glass',
  'intent-unsettled': 'It is not known whether something was done',
  'reads-not-recorded': 'Reads passed that were not recorded',
  'trail-resumed': 'The trail could not be written for a while',
  'instance-stopped': 'A process of Holdfast ended without a word',
} as const;
export type IncidentKind = keyof typeof INCIDENT_WORDS;

function isIncidentKind(kind: string): kind is IncidentKind {
  return Object.hasOwn(INCIDENT_WORDS, kind);
}

const [FIRST = 'drill-failed', ...REST] = Object.keys(INCIDENT_WORDS).filter(isIncidentKind);
export const INCIDENT_KINDS: readonly [IncidentKind, ...IncidentKind[]] = [FIRST, ...REST];

/** What was asked for does not fit: the folder, the words. Nothing was asked of the vault yet. */
const WRONGLY_ASKED: readonly unknown[] = ['HF_RECOVERY_FOLDER', 'HF_USAGE'];
/** What was asked for is not there. Where all there is was asked for, it should have been. */
const NOT_THERE: readonly unknown[] = ['HF_RESTORE_WINDOW', 'HF_RECOVERY_GOAL'];

/** Whether a `restore-failed` says nothing against the vault. One without a code may say anything. */
export function isOutOfReach({ code, wishKind }: Fields): boolean {
  if (WRONGLY_ASKED.includes(code)) return true;
  return NOT_THERE.includes(code) && typeof wishKind === 'string' && wishKind !== 'newest';
}

/** Of kinds of which not every entry is an incident: which ones are. */
const ONLY: Readonly<
  Partial<Record<IncidentKind, { readonly words: string; readonly is: (facts: Fields) => boolean }>>
> = {
  'recovery-standing': { words: 'facts.now is "red"', is: ({ now }) => now === 'red' },
  'restore-failed': {
    words: `facts.code is neither ${WRONGLY_ASKED.join(' nor ')}, nor ${NOT_THERE.join(' or ')} where facts.wishKind is not "newest"`,
    is: (facts) => !isOutOfReach(facts),
  },
  'protection-changed': {
    words: 'facts.findings is above 0',
    is: ({ findings }) => typeof findings === 'number' && findings > 0,
  },
  'instance-stopped': { words: 'facts.killed is true', is: ({ killed }) => killed === true },
};

/** Empty: all of its entries. */
export function incidentWhich(kind: IncidentKind): string {
  return ONLY[kind]?.words ?? '';
}

/** Null: it is none. */
export function incidentIn(kind: string, facts: Fields): IncidentKind | null {
  if (!isIncidentKind(kind)) return null;
  return ONLY[kind]?.is(facts) === false ? null : kind;
}
