import { expect, it } from 'vitest';
import { NOTHING_PROVEN, recoveryRemedy } from '../model/recovery-facts.ts';
import { knownFacts } from './known-facts.ts';

it.each([
  ['no vault', [], false],
  ['a local one', [{ colour: 'amber' }], false],
  ['one that is red', [{ colour: 'red' }], false],
  ['one that refused all, beside a local one', [{ colour: 'amber' }, { colour: 'green' }], true],
] as const)(
  'with %s, what to do first is not to take points that change nothing',
  (_, vaults, has) => {
    const facts = knownFacts({ facts: NOTHING_PROVEN, vaults });
    expect(facts).toEqual({ ...NOTHING_PROVEN, hasVaultOutside: has });
    const [first = ''] = recoveryRemedy(facts, 'shop').split('. ');
    expect(first.startsWith('Take a point')).toBe(has);
  },
);
