/**
 * What is not as it was when people were asked, one sentence each; none: the word they gave is a word for
 * this. Facts that may only become better are no change: fewer people wanted, a stronger way back.
 */
import {
  ROWS_BAND_ESTIMATE_PERCENT,
  ROWS_BAND_EXACT_PERCENT,
  UNTOLD_ROWS_MAX,
} from '../model/limits.ts';
import { isWeaker } from '../model/reversal.ts';
import { storable } from '../model/text.ts';
import { LATE_WORDS } from '../model/touched.ts';
import type { CardFacts } from './card-facts.ts';
import type { HoldCard, HoldRecord } from './hold.ts';

/** `now`: the card as it would be made now, facts aside. */
export function changesOf(
  { card, peopleNeeded }: HoldRecord,
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

/** Nobody could tell in time how many rows, when people were asked. */
export function isUntold({ facts, rowsAtMost }: Pick<HoldCard, 'facts' | 'rowsAtMost'>): boolean {
  if (rowsAtMost !== null || facts === null) return false;
  return facts.notTold.some((one) => one.includes('rows') && LATE.test(one));
}

const LATE = new RegExp(`${LATE_WORDS}|in time$`);

/** `now`: looked up when it is to be released, after people signed without a number. Null: still not told, or few. */
export function untoldChange(now: CardFacts | null): string | null {
  if (now === null || now.rows === null || now.rows.value <= UNTOLD_ROWS_MAX) return null;
  return `how many rows could not be told in time, and now it is ${now.rows.value} (${now.rows.how})`;
}

/** `now`: looked up when it is to be released. Null: within what was signed. */
export function rowsChange(rowsAtMost: number | null, now: CardFacts | null): string | null {
  if (rowsAtMost === null) return null;
  if (now === null || now.rows === null) {
    return `at most ${rowsAtMost} rows were signed for, and how many there are cannot be told now`;
  }
  if (now.rows.value <= rowsAtMost) return null;
  return `at most ${rowsAtMost} rows were signed for, and now it is ${now.rows.value} (${now.rows.how})`;
}
