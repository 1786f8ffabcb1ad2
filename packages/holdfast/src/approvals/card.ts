/** Makes the card of a hold, or of a deferral, out of what is known when it opens. */
import { canonicalJson } from '../model/canonical.ts';
import { digestOf } from '../model/digest.ts';
import type { Effect } from '../model/effect.ts';
import type { Intent } from '../model/intent.ts';
import {
  CARD_OBJECTS_MAX,
  CARD_PARAMETER_CHARS_MAX,
  CARD_PARAMETERS_MAX,
  ENTRY_TEXT_CHARS_MAX,
  HOLD_EFFECTS_MAX,
} from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import { sessionMarkOf, settingsText } from '../model/session-settings.ts';
import type { Target } from '../model/target.ts';
import { cut, oneLine, startOf, storable } from '../model/text.ts';
import type { Verdict } from '../model/verdict.ts';
import { effectsHash } from './binding.ts';
import { type CardFacts, type Measured, NO_FACTS, NOT_IN_TIME } from './card-facts.ts';
import { isUnseen, isUntold, rowsAtMostOf } from './changes.ts';
import type { HoldCard } from './hold.ts';
import { type Parameter, runnableOf } from './runnable.ts';

/** What is not in the intent. */
export interface CardExtras {
  readonly policyVersion: string | null;
  readonly ownerId: string | null;
}

export const NO_EXTRAS: CardExtras = { policyVersion: null, ownerId: null };

/** Without facts that have to be looked up: see `withFacts`. */
export function cardOf(
  intent: Intent,
  target: Target,
  verdict: Verdict,
  takingBack: TakingBack | null,
  { ownerId, policyVersion }: CardExtras,
): HoldCard {
  const { actor, reading, session } = intent;
  return {
    digest: digestOf(intent, target),
    statement: statementOf(intent),
    effects: worstFirst(reading.effects).slice(0, HOLD_EFFECTS_MAX),
    effectsTotal: reading.effects.length,
    couldNotTell: reading.kind === 'could-not-tell' ? reading.reason.message : null,
    target: target.name,
    environment: target.environment.name,
    environmentLevel: target.environment.level,
    resolvedBy: target.resolvedBy,
    rule: verdict.rule,
    reason: verdict.reason,
    agentId: actor.id,
    agentName: actor.name,
    tokenId: actor.tokenId,
    sessionId: session.id,
    source: session.source,
    client: session.client,
    task: null,
    takingBack,
    policyVersion,
    effectsHash: effectsHash(reading),
    facts: null,
    rowsAtMost: null,
    typedName: typedNameOf(reading.effects, target, takingBack),
    ownerId,
  };
}

/**
 * What goes for good is named by whoever approves it: the one object that is destroyed, else the target.
 * Null where something takes it back, or nothing is destroyed.
 */
function typedNameOf(
  effects: readonly Effect[],
  target: Target,
  takingBack: TakingBack | null,
): string | null {
  if (takingBack === null) return null;
  if (takingBack.reversal !== 'none' && takingBack.reversal !== 'defer') return null;
  const destroyed = effects.filter(({ kind }) => kind === 'destroy');
  if (destroyed.length === 0) return null;
  const names = new Set(destroyed.map(({ object }) => object?.name ?? ''));
  const [name = ''] = names;
  // A name that cannot be typed as it is shown is no name to type.
  const isPlain = names.size === 1 && /^[\p{L}\p{N}][\p{L}\p{N} ._/-]{0,99}$/u.test(name);
  return isPlain ? name : target.name;
}

/**
 * Where rows could not be told in time of what nothing takes back, or nothing could of anything, whoever approves it
 * types its name, so that nobody takes a card without numbers for one of a small act.
 */
export function withFacts(card: HoldCard, facts: CardFacts | null): HoldCard {
  const told: HoldCard = { ...card, facts, rowsAtMost: rowsAtMostOf(facts) };
  const { effects, target, typedName } = card;
  const mayLose = effects.some(({ additive, kind }) => kind !== 'read' && !additive);
  const isBlind = mayLose && (isUntold(told) || isUnseen(told));
  return { ...told, typedName: typedName ?? (isBlind ? target : null) };
}

/** Nothing could be told in time, where something might have been. */
export function withoutFacts(card: HoldCard, lookedUpAt: string): HoldCard {
  return withFacts(card, { ...NO_FACTS, lookedUpAt, notTold: [NOT_IN_TIME] });
}

/** As it is kept and signed: whole numbers, text that our store can hold, lists within their bounds. Throws when it cannot be. */
export function tidyFacts(facts: CardFacts): CardFacts {
  const measured = (one: Measured | null): Measured | null =>
    one === null ? null : { value: whole(one.value), how: one.how };
  const found: CardFacts = {
    lookedUpAt: facts.lookedUpAt,
    rows: measured(facts.rows),
    objects: facts.objects.slice(0, CARD_OBJECTS_MAX).map(({ bytes, name, rows, type }) => ({
      name: storable(name),
      type: storable(type),
      rows: measured(rows),
      bytes: measured(bytes),
    })),
    objectsTotal: whole(facts.objectsTotal),
    dependents: facts.dependents.slice(0, CARD_OBJECTS_MAX).map(({ name, type, what }) => ({
      name: storable(name),
      type: storable(type),
      what,
    })),
    dependentsTotal: whole(facts.dependentsTotal),
    recoveryLost: facts.recoveryLost.slice(0, CARD_OBJECTS_MAX).map(storable),
    notTold: facts.notTold.slice(0, CARD_OBJECTS_MAX).map(storable),
  };
  // Throws here, before anybody is asked, and not when somebody signs.
  canonicalJson(found);
  return found;
}

function whole(value: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.round(value)));
}

/**
 * The text, and before it the values bound to its parameters: `$1` alone says nothing of what would go. Before
 * those the settings of the session, where they may change which rows it means. They
 * stand first, without any comment sign, where no statement of an agent's could put the like.
 */
function statementOf(intent: Intent): string {
  const text = startOf(intent.text(), ENTRY_TEXT_CHARS_MAX);
  const acts = intent
    .acts()
    .map(({ buffer, byteOffset, length }) => Buffer.from(buffer, byteOffset, length));
  const under = settingsLine(acts);
  return under === '' ? boundTextOf(text, acts) : `${under}\n\n${boundTextOf(text, acts)}`;
}

/** What the session has set that the same bytes may mean other rows under; '' when nothing. */
function settingsLine(acts: readonly Buffer[]): string {
  const said = settingsText(sessionMarkOf(acts).settings);
  return said === '' ? '' : oneLine(`with settings: ${said}`);
}

function boundTextOf(text: string, acts: readonly Buffer[]): string {
  const runnable = runnableOf(acts);
  if (runnable === null) {
    // A Bind of something that may mean several things, or in types that are not the server's own.
    return acts.length === 3 ? `$1 ... = values that cannot be shown\n\n${text}` : text;
  }
  const { parameters } = runnable;
  if (parameters.length === 0) return text;
  const lines = parameters
    .slice(0, CARD_PARAMETERS_MAX)
    .map((parameter, at) => `$${at + 1} = ${boundText(parameter)}`);
  const more = parameters.length - lines.length;
  return [...lines, ...(more > 0 ? [`and ${more} more`] : []), '', text].join('\n');
}

/** Of a value of megabytes no more is looked at than can be shown; it then has no closing quote. */
function boundText({ isBinary, value }: Parameter): string {
  if (value === null) return 'NULL';
  if (isBinary) {
    return cut(
      `\\x${value.toString('hex', 0, CARD_PARAMETER_CHARS_MAX)}`,
      CARD_PARAMETER_CHARS_MAX,
    );
  }
  const start = startOf(value, CARD_PARAMETER_CHARS_MAX);
  const end = Buffer.byteLength(start) === value.length ? "'" : '';
  return cut(oneLine(`'${start}${end}`), CARD_PARAMETER_CHARS_MAX);
}

/** So that a long run of harmless statements cannot push the one that matters off the card. */
function worstFirst(effects: readonly Effect[]): readonly Effect[] {
  const order = ['destroy', 'unknown', 'execute', 'grant', 'reshape', 'write', 'read'];
  return effects.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}
