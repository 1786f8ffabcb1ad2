/** Pages of a list that is whole in memory. */
import { describe, expect, it } from 'vitest';
import { pageByName } from './cursor.ts';

const PEOPLE = ['eve', 'ana', 'dot', 'cy', 'ben'].map((name) => ({ name }));
const nameOf = ({ name }: { readonly name: string }): string => name;

describe('a page by name', () => {
  it('ends where the next one begins, and the last one ends the list', () => {
    const first = pageByName(PEOPLE, { limit: 2 }, nameOf);
    expect(first.items).toEqual(['ana', 'ben']);
    const second = pageByName(PEOPLE, { limit: 2, cursor: first.next ?? '' }, nameOf);
    expect(second.items).toEqual(['cy', 'dot']);
    const last = pageByName(PEOPLE, { limit: 2, cursor: second.next ?? '' }, nameOf);
    expect(last).toEqual({ items: ['eve'], next: null });
  });

  it('has none after it where all fit exactly', () => {
    expect(pageByName(PEOPLE, { limit: 5 }, nameOf).next).toBeNull();
  });

  it('goes on after somebody who is gone meanwhile', () => {
    const { next } = pageByName(PEOPLE, { limit: 2 }, nameOf);
    const left = PEOPLE.filter(({ name }) => name !== 'ben');
    expect(pageByName(left, { limit: 1, cursor: next ?? '' }, nameOf).items).toEqual(['cy']);
  });

  it.each(['ben', '', Buffer.from('[1]').toString('base64url')])(
    'refuses %j as its place',
    (cursor) => {
      expect(() => pageByName(PEOPLE, { limit: 2, cursor }, nameOf)).toThrow(/next/);
    },
  );
});
