/** What is not as it was signed, where one word of a card decides. */
import { describe, expect, it } from 'vitest';
import type { TakingBack } from '../model/reversal.ts';
import { type CardFacts, NO_FACTS } from './card-facts.ts';
import { factsChanges, isAllTold, untoldChange } from './changes.ts';

it('rows that nobody could tell twice are a change on sealed, and nowhere else', () => {
  expect(untoldChange({ environmentLevel: 'sealed' }, null)).toContain('cannot be told now');
  for (const environmentLevel of ['guarded', 'free'] as const) {
    expect(untoldChange({ environmentLevel }, null)).toBeNull();
  }
});

const LATE = 'the server did not answer within 400 ms';
const NOW: CardFacts = { ...NO_FACTS, lookedUpAt: '2026-11-21T09:00:00.000Z' };
const FOR_GOOD: TakingBack = { level: 'none', reversal: 'none', reason: 'not protected' };
const KEPT: TakingBack = { level: 'full', reversal: 'rename', reason: '' };

describe('ways back that would go', () => {
  const signed = (notTold: string, recoveryLost: readonly string[] = []) => ({
    facts: { ...NOW, recoveryLost, notTold: [notTold] },
    rowsAtMost: null,
    takingBack: KEPT,
  });
  const change = 'which ways back go with it was signed, and cannot be told now';

  it('are a change where they were known, whatever else was not, and nothing is known now', () => {
    const card = signed(`dependents: ${LATE}`);
    for (const now of [null, { ...NOW, notTold: [`what it touches, size: ${LATE}`] }]) {
      expect(factsChanges(card, now)).toEqual([change]);
      expect(isAllTold(card, now)).toBe(false);
    }
    const known = { ...NOW, notTold: [`dependents: ${LATE}`] };
    expect([factsChanges(card, known), isAllTold(card, known)]).toEqual([[], true]);
  });

  it.each([
    `what it touches, rows, size, dependents: ${LATE}`,
    `anything of main-db: ${LATE}`,
    'rows, size, dependents: they could not be looked up in time',
  ])('are none where nobody knew them then: %s', (notTold) => {
    expect(factsChanges(signed(notTold), null)).toEqual([]);
    expect(isAllTold(signed(notTold), null)).toBe(true);
  });
});

describe('rows that nobody could tell in time', () => {
  const facts = { ...NOW, notTold: [`rows: ${LATE}`] };

  it('are looked at once more where nothing takes them back', () => {
    const card = { facts, rowsAtMost: null, takingBack: FOR_GOOD };
    expect(isAllTold(card, facts)).toBe(false);
    expect(isAllTold(card, { ...NOW, rows: { value: 3, how: 'exact' } })).toBe(true);
  });

  it('and not where they come back whole, or never could be told', () => {
    expect(isAllTold({ facts, rowsAtMost: null, takingBack: KEPT }, facts)).toBe(true);
    const never = { ...NOW, notTold: ['rows: it is more than one statement'] };
    expect(isAllTold({ facts: never, rowsAtMost: null, takingBack: FOR_GOOD }, never)).toBe(true);
  });
});
