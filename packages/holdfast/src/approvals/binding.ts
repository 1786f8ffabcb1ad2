/**
 * What a person's word binds: canonical JSON of every fact that an approval hangs on, and the challenge
 * that a passkey signs, which is the SHA-256 of that text. `docs/approvals.md` says it for who wants to
 * recompute it.
 *
 * Where the act is released the same text is made anew, out of what is about to run; so a word given for
 * anything else is no word for this. A denial has a domain of its own: it can never serve as a yes.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../model/canonical.ts';
import type { Effect, Reading } from '../model/effect.ts';
import { BINDING_NAME_CHARS_MAX } from '../model/limits.ts';
import { storable } from '../model/text.ts';
import type { Card, NewHold } from './hold.ts';

export const APPROVAL_DOMAIN = 'holdfast/approval/1';
export const DENIAL_DOMAIN = 'holdfast/denial/1';
export type BindingDomain = typeof APPROVAL_DOMAIN | typeof DENIAL_DOMAIN;

/** How a name begins that stands for a longer one. */
const HASHED = 'sha256:';

/** What of a hold, or of a proposal, is signed. */
export type Bound = Pick<NewHold<Card>, 'id' | 'card' | 'peopleNeeded' | 'approvalUntil'>;

/** The text; at most one fact of an entry long, so that the trail holds all of it. */
export function bindingOf(bound: Bound, domain: BindingDomain): string {
  const { approvalUntil, card, id, peopleNeeded } = bound;
  const { takingBack } = card;
  return canonicalJson({
    domain,
    hold: id,
    digest: card.digest,
    target: named(card.target),
    environment: named(card.environment),
    level: card.environmentLevel,
    resolvedBy: sha256(storable(card.resolvedBy)),
    effects: card.effectsHash,
    takingBack: takingBack === null ? null : `${takingBack.level}/${takingBack.reversal}`,
    policy: card.policyVersion,
    rowsAtMost: card.rowsAtMost,
    typedName: card.typedName === null ? null : named(card.typedName),
    shown: shownHash(card),
    owner: card.ownerId,
    people: peopleNeeded,
    until: approvalUntil === null ? null : approvalUntil.toISOString(),
  });
}

/** 32 bytes. */
export function challengeOf(binding: string): Buffer {
  return createHash('sha256').update(binding).digest();
}

/** Lower-case hex of the challenge of an approval: what words are made of, and what the store compares. */
export function approvalHash(bound: Bound): string {
  return challengeOf(bindingOf(bound, APPROVAL_DOMAIN)).toString('hex');
}

/**
 * Over every effect, in an order of its own, and over what could not be told. Without `why`, which is
 * words for people and may count anew at each look.
 */
export function effectsHash(reading: Reading): string {
  const effects = reading.effects.map((effect) => canonicalJson(plain(effect))).sort();
  const couldNotTell = reading.kind === 'could-not-tell' ? reading.reason.code : null;
  return sha256(`holdfast/effects/1\n${canonicalJson({ couldNotTell, effects })}`);
}

/** Over the words on the card: what a person read is what they signed. */
function shownHash(card: Card): string {
  const { couldNotTell, effects, effectsTotal, facts, reason, rule, statement, takingBack } = card;
  const shown = {
    statement: storable(statement),
    effects: effects.map((effect) => ({ ...plain(effect), why: storableOrNull(effect.why) })),
    effectsTotal,
    couldNotTell: storableOrNull(couldNotTell),
    rule: storable(rule),
    reason: storable(reason),
    facts: facts === null ? null : canonicalJson(facts),
    takingBack: takingBack === null ? null : storable(takingBack.reason),
  };
  return sha256(`holdfast/shown/1\n${canonicalJson(shown)}`);
}

function plain({ additive, kind, object, reach, verb }: Effect) {
  const { name, schema, type } = object ?? { name: '', schema: null, type: null };
  return {
    kind,
    verb: storable(verb),
    type,
    schema: storableOrNull(schema),
    name: storable(name),
    reach,
    additive,
  };
}

function storableOrNull(text: string | null): string | null {
  return text === null ? null : storable(text);
}

/** As it is, or by its hash; never so that one name could stand for another. */
function named(text: string): string {
  const name = storable(text);
  const isShort = JSON.stringify(name).length - 2 <= BINDING_NAME_CHARS_MAX;
  return isShort && !name.startsWith(HASHED) ? name : `${HASHED}${sha256(name)}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
