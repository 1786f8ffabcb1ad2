/**
 * What is not as it was when people were asked, one sentence each; none: the word they gave is a word for
 * this. Facts that may only become better are no change: fewer people wanted, a stronger way back.
 */
import {
  ENTRY_SENTENCE_CHARS_MAX,
  ROWS_BAND_ESTIMATE_PERCENT,
  ROWS_BAND_EXACT_PERCENT,
  UNTOLD_ROWS_MAX,
} from '../model/limits.ts';
import { isWeaker } from '../model/reversal.ts';
import { cut, oneLine, storable } from '../model/text.ts';
import { LATE_WORDS } from '../model/touched.ts';
import { type CardFacts, type Dependent, NOT_IN_TIME } from './card-facts.ts';
import type { HoldCard, NewHold } from './hold.ts';

/** `now`: the card as it would be made now, facts aside. */
export function changesOf(
  { card, peopleNeeded }: Pick<NewHold<HoldCard>, 'card' | 'peopleNeeded'>,
  now: HoldCard,
  peopleNow: number,
): readonly string[] {
  const changes: string[] = [];
  const compare = (what: string, then: string | null, is: string | null): void => {
    if (then === is) return;
    changes.push(`${what} was ${then ?? 'not known'}, and is ${is ?? 'not known'}`);
  };
  compare('policy', card.policyVersion, now.policyVersion);
  compare('the target', card.target, storable(now.target));
  compare('its environment', card.environment, storable(now.environment));
  compare('the level of its environment', card.environmentLevel, now.environmentLevel);
  if (card.digest !== now.digest) {
    changes.push('its exact bytes, or what was looked up for it, are not those that were shown');
  }
  if (card.effectsHash !== now.effectsHash) changes.push('what it would do is not what was shown');
  if (card.statement !== storable(now.statement)) changes.push('the text shown is another one');
  if (peopleNow > peopleNeeded) {
    changes.push(`${peopleNeeded} people were wanted, and ${peopleNow} are`);
  }
  const { takingBack } = card;
  if (takingBack === null) {
    changes.push('how it is taken back was not shown');
  } else if (now.takingBack !== null && isWeaker(now.takingBack, takingBack)) {
    changes.push(
      `it could be taken back by ${takingBack.reversal}, and now it is ${now.takingBack.reversal}`,
    );
  }
  return changes;
}

/** The most rows that it may change when it runs; null: nobody could tell when people were asked. */
export function rowsAtMostOf(facts: CardFacts | null): number | null {
  if (facts === null || facts.rows === null) return null;
  const { how, value } = facts.rows;
  const percent = how === 'exact' ? ROWS_BAND_EXACT_PERCENT : ROWS_BAND_ESTIMATE_PERCENT;
  return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil((value * (100 + percent)) / 100));
}

/** Nobody could tell in time how many rows, when people were asked, of what nothing takes back. */
export function isUntold({
  facts,
  rowsAtMost,
  takingBack,
}: Pick<HoldCard, 'facts' | 'rowsAtMost' | 'takingBack'>): boolean {
  if (rowsAtMost !== null || facts === null) return false;
  // What comes back whole, however much it is, needs no number.
  const isKept = takingBack !== null && !['none', 'defer'].includes(takingBack.reversal);
  return !isKept && isLateOf(facts, /rows|^anything\b/);
}

/** Nothing at all could be told in time, whatever takes it back. */
export function isUnseen({ facts }: Pick<HoldCard, 'facts'>): boolean {
  if (facts === null || facts.rows !== null || facts.objectsTotal > 0) return false;
  return facts.notTold.includes(NOT_IN_TIME) || isLateOf(facts, TOUCHED);
}

const LATE = new RegExp(`${LATE_WORDS}|in time$`);

function isLateOf({ notTold }: CardFacts, about: RegExp): boolean {
  return notTold.some((one) => about.test(one) && LATE.test(one));
}

/**
 * `now`: looked up when it is to be released, after people signed without a number for want of time, where nothing
 * takes it back. Null: few; or still not told, and not on `sealed`, where nothing runs whose rows nobody could tell
 * twice.
 */
export function untoldChange(
  { environmentLevel }: Pick<HoldCard, 'environmentLevel'>,
  now: CardFacts | null,
): string | null {
  if (now === null || now.rows === null) {
    if (environmentLevel !== 'sealed') return null;
    return 'how many rows could not be told in time, and cannot be told now';
  }
  if (now.rows.value <= UNTOLD_ROWS_MAX) return null;
  return `how many rows could not be told in time, and now it is ${now.rows.value} (${now.rows.how})`;
}

/** `now`: looked up when it is to be released. Null: within what was signed. */
function rowsChange(rowsAtMost: number | null, now: CardFacts | null): string | null {
  if (rowsAtMost === null) return null;
  if (now === null || now.rows === null) {
    return `at most ${rowsAtMost} rows were signed for, and how many there are cannot be told now`;
  }
  if (now.rows.value <= rowsAtMost) return null;
  return `at most ${rowsAtMost} rows were signed for, and now it is ${now.rows.value} (${now.rows.how})`;
}

/** What it would touch, looked up when it is to be released, against what was signed. None: no more than that. */
export function factsChanges(
  { facts, rowsAtMost }: Pick<HoldCard, 'facts' | 'rowsAtMost'>,
  now: CardFacts | null,
): readonly string[] {
  const rows = rowsChange(rowsAtMost, now);
  const changes = rows === null ? [] : [rows];
  if (facts === null) return changes;
  if (isTold(facts, DEPENDENTS)) {
    const grown = dependentsChange(facts, now);
    if (grown !== null) changes.push(grown);
  } else if (isTold(facts, TOUCHED) && !isTold(now, TOUCHED)) {
    changes.push('which ways back go with it was signed, and cannot be told now');
  }
  const lost = (now?.recoveryLost ?? []).find((sentence) => !isSignedLoss(sentence, facts));
  if (lost !== undefined) {
    changes.push(`a way back would go that was not signed for: ${shown(lost)}`);
  }
  return changes;
}

/** What was known when people signed is known now too, and how many rows where nobody could tell them in time then. */
export function isAllTold(
  card: Pick<HoldCard, 'facts' | 'rowsAtMost' | 'takingBack'>,
  now: CardFacts | null,
): boolean {
  const { facts, rowsAtMost } = card;
  // Rows that nobody could tell in time are looked at, too.
  if ((rowsAtMost !== null || isUntold(card)) && (now?.rows ?? null) === null) return false;
  if (facts === null) return true;
  return [DEPENDENTS, TOUCHED].every((about) => !isTold(facts, about) || isTold(now, about));
}

function dependentsChange(facts: CardFacts, now: CardFacts | null): string | null {
  if (now === null || !isTold(now, DEPENDENTS)) {
    return 'what depends on it was signed, and cannot be told now';
  }
  const { dependents, dependentsTotal } = facts;
  const isWhole = dependents.length === dependentsTotal;
  const signed = new Set(dependents.map(keyOf));
  // Of a list that was cut only the number can be compared.
  const more = isWhole ? now.dependents.filter((one) => !signed.has(keyOf(one))) : [];
  if (more.length === 0 && now.dependentsTotal <= dependentsTotal) return null;
  const [first] = more;
  const named =
    first === undefined ? '' : `, among them ${first.type} ${first.name} (${first.what})`;
  return shown(
    `${dependentsTotal} things that depend on it were signed for, and now it is ${now.dependentsTotal}${named}`,
  );
}

function keyOf({ name, type, what }: Dependent): string {
  return JSON.stringify([name, type, what]);
}

/** What depends on it; and what it touches itself, with the ways back that lie there. */
const DEPENDENTS = /\bdependents\b|^anything\b|^what it touches\b/;
const TOUCHED = /^anything\b|^what it touches\b/;

/** No sentence of `notTold` is about it: before the colon stand the questions without an answer. */
function isTold(facts: CardFacts | null, about: RegExp): boolean {
  if (facts === null) return false;
  return !facts.notTold.some((sentence) => {
    const [head = ''] = sentence.split(': ');
    return sentence === NOT_IN_TIME || about.test(head);
  });
}

/** The same sentence, or one that begins with a smaller number and is the same after it. */
function isSignedLoss(sentence: string, { recoveryLost }: CardFacts): boolean {
  const { count, rest } = counted(sentence);
  return recoveryLost.some((one) => {
    const signed = counted(one);
    return one === sentence || (signed.rest === rest && count <= signed.count);
  });
}

function counted(sentence: string): { readonly count: number; readonly rest: string } {
  const [, digits] = /^(\d{1,15}) /.exec(sentence) ?? [];
  return digits === undefined
    ? { count: 0, rest: sentence }
    : { count: Number(digits), rest: sentence.slice(digits.length) };
}

function shown(sentence: string): string {
  return cut(oneLine(sentence), ENTRY_SENTENCE_CHARS_MAX);
}
