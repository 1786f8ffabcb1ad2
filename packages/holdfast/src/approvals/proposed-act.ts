/**
 * What people propose to each other: acts that no single person may do, although no agent asks for
 * them. An act is flat facts; its canonical JSON is what is signed, kept, and handed to whoever
 * carries it out, so that nothing can be put between the signing and the doing.
 *
 *     digest = SHA-256( "holdfast/proposal/1" ‖ 0x0A ‖ canonical JSON of the act )
 *
 * The words on the card are Holdfast's own, made from the facts by the command that proposes.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../model/canonical.ts';
import { HoldfastError } from '../model/errors.ts';
import { ENTRY_TEXT_CHARS_MAX, PROPOSAL_ACT_BYTES_MAX } from '../model/limits.ts';
import type { Target } from '../model/target.ts';
import { cut } from '../model/text.ts';
import type { Card } from './hold.ts';

/**
 * - `purge`      undo data goes before its time
 * - `unprotect`  the wall of a sealed target is taken down
 * - `hasten`     what waits out the grace runs before its time
 * - `break-glass`  somebody is an owner for an hour
 * - `promote-restore`  tables become again what they were in a restored copy
 * - `promote-rebuild`  rows that were missing are put into the live database
 */
export const ACT_KINDS = [
  'purge',
  'unprotect',
  'hasten',
  'break-glass',
  'promote-restore',
  'promote-rebuild',
] as const;
export type ActKind = (typeof ACT_KINDS)[number];

export interface ProposedAct {
  readonly kind: ActKind;
  readonly target: Target;
  /** What exactly: strings, integers, booleans, null and lists of them. Ids before names. */
  readonly facts: ActFacts;
  /** For whoever signs: what happens, and what cannot be taken back afterwards. */
  readonly words: string;
  /** Why several people must say so. One sentence. */
  readonly reason: string;
}

export type ActFact = string | number | boolean | null;
export type ActFacts = Readonly<Record<string, ActFact | readonly ActFact[]>>;

export interface ProposalCard extends Card {
  readonly actKind: ActKind;
  /** Canonical JSON of kind, target and facts: exactly what `digest` covers. */
  readonly act: string;
}

const DOMAIN = 'holdfast/proposal/1\n';

export function digestOfAct(act: string): string {
  return createHash('sha256').update(DOMAIN).update(act).digest('hex');
}

/** HF_LIMIT when it is larger than a person could read. */
export function cardOfAct({ kind, target, facts, words, reason }: ProposedAct): ProposalCard {
  const act = canonicalJson({
    kind,
    target: target.name,
    environment: target.environment.name,
    level: target.environment.level,
    facts,
  });
  const bytes = Buffer.byteLength(act);
  if (bytes > PROPOSAL_ACT_BYTES_MAX) {
    throw new HoldfastError('HF_LIMIT', {
      expected: `a proposal of at most ${PROPOSAL_ACT_BYTES_MAX} bytes`,
      found: `${bytes} bytes`,
      hint: 'Propose it in several parts.',
    });
  }
  return {
    digest: digestOfAct(act),
    statement: cut(words, ENTRY_TEXT_CHARS_MAX),
    effects: [],
    effectsTotal: 0,
    couldNotTell: null,
    target: target.name,
    environment: target.environment.name,
    environmentLevel: target.environment.level,
    resolvedBy: target.resolvedBy,
    rule: `people.${kind}`,
    reason,
    takingBack: null,
    policyVersion: null,
    effectsHash: null,
    facts: null,
    rowsAtMost: null,
    typedName: null,
    ownerId: null,
    actKind: kind,
    act,
  };
}
