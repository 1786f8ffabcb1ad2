/** What is not as it was signed, where one word of a card decides. */
import { expect, it } from 'vitest';
import { untoldChange } from './changes.ts';

it('rows that nobody could tell twice are a change on sealed, and nowhere else', () => {
  expect(untoldChange({ environmentLevel: 'sealed' }, null)).toContain('cannot be told now');
  for (const environmentLevel of ['guarded', 'free'] as const) {
    expect(untoldChange({ environmentLevel }, null)).toBeNull();
  }
});
