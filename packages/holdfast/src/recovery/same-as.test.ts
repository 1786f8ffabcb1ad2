import { describe, expect, it } from 'vitest';
import { sameAs, type Whereabouts } from './same-as.ts';

const NOWHERE: Whereabouts = {
  ...{ host: null, device: null, volume: null },
  ...{ account: null, project: null, endpoint: null },
};

describe('what a vault and a target have in common', () => {
  it.each<keyof Whereabouts>(['host', 'volume', 'account', 'project', 'endpoint'])(
    'says the same %s, and nothing when only one of them tells it',
    (fact) => {
      const here = { ...NOWHERE, [fact]: 'x' };
      expect(sameAs(here, here)).toEqual([expect.stringContaining(fact)]);
      expect(sameAs(here, NOWHERE)).toEqual([]);
      expect(sameAs(NOWHERE, here)).toEqual([]);
      expect(sameAs(here, { ...NOWHERE, [fact]: 'y' })).toEqual([]);
    },
  );

  it('compares devices on one host only: their numbers mean nothing on another', () => {
    const here = { ...NOWHERE, host: 'a', device: '8:1' };
    expect(sameAs(here, here)).toHaveLength(2);
    expect(sameAs(here, { ...here, host: 'b' })).toEqual([]);
  });

  it('is silent where nothing is known', () => {
    expect(sameAs(NOWHERE, NOWHERE)).toEqual([]);
  });
});
