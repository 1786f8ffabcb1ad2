/** What a text says of settings, as far as a word of it alone decides. */
import { expect, it } from 'vitest';
import { isPinnedTo, mayChangeMeaning, pinnedSetting } from './setting-changes.ts';

it.each(['constructor', '__proto__', 'tostring'])(
  'takes %s for a setting like any other',
  (name) => {
    expect([pinnedSetting(name, '1'), pinnedSetting(name, null)]).toEqual([null, null]);
    expect([isPinnedTo(name, '1'), mayChangeMeaning(name, '1')]).toEqual([false, true]);
  },
);

it('knows what is pinned by its own name', () => {
  expect(pinnedSetting('standard_conforming_strings', 'off')).toContain('is pinned');
  expect(pinnedSetting('standard_conforming_strings', 'ON')).toBeNull();
});
