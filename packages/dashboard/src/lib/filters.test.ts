import { describe, expect, it } from 'vitest';
import { oneOf, queryText, trailFilters } from './filters.ts';

describe('filters in an address', () => {
  it('keeps what is known, and drops what is not', () => {
    expect(
      trailFilters({ agent: 'a', kind: '', verdict: 'refuse', text: 'drop', at: '12', evil: 'x' }),
    ).toEqual({ agent: 'a', verdict: 'refuse', text: 'drop', at: 12 });
  });

  it.each([
    ['a verdict that there is not', { verdict: 'maybe' }],
    ['a place before the first', { at: '-1' }],
    ['a place that is none', { at: 'x' }],
    ['half an entry', { at: '1.5' }],
    ['a list', { agent: ['a'] }],
    ['an object', { text: { toString: () => 'x' } }],
  ])('drops %s', (_story, search) => {
    expect(trailFilters(search)).toEqual({});
  });

  it('cuts what is longer than a name', () => {
    expect(trailFilters({ agent: 'a'.repeat(10_000) }).agent).toHaveLength(200);
  });

  it('takes an agent that is called by a number', () => {
    expect(trailFilters({ agent: 7 })).toEqual({ agent: '7' });
  });

  it('makes a query of what is set only, and escapes it', () => {
    expect(queryText({ a: 'x&y=z', b: undefined, c: '', d: 0, e: null })).toBe('?a=x%26y%3Dz&d=0');
    expect(queryText({})).toBe('');
  });

  it('chooses out of a list, or not at all', () => {
    expect(oneOf(['open', 'all'], 'all')).toBe('all');
    expect(oneOf(['open', 'all'], '__proto__')).toBeUndefined();
  });
});
