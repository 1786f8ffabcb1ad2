import { expect, it } from 'vitest';
import type { Effect } from '../model/effect.ts';
import { effectLines } from './effect-words.ts';

const dropped: Effect = {
  kind: 'destroy',
  verb: 'DROP TABLE',
  object: { type: 'table', schema: 'public', name: 'orders' },
  reach: 'cascade',
  additive: false,
  why: null,
};

it('says what each effect does and, below it, what dies with it', () => {
  const volume: Effect = {
    ...dropped,
    verb: 'volumeDelete',
    object: { type: 'volume', schema: null, name: 'v-1' },
    reach: 'whole',
    why: 'it deletes the volume: postgres-volume of production, 3 backups die with it; postgres-volume of staging',
  };
  expect(effectLines({ effects: [dropped, volume], effectsTotal: 4 })).toEqual([
    'destroy: DROP TABLE public.orders (reaches cascade)',
    'destroy: volumeDelete v-1 (reaches whole)',
    '  it deletes the volume: postgres-volume of production, 3 backups die with it',
    '  postgres-volume of staging',
    'and 2 more',
  ]);
});

it('keeps names that others chose on their line, and harmless', () => {
  const why = 'it deletes backups of \u001b[2Ka\nfake line';
  const lines = effectLines({ effects: [{ ...dropped, object: null, why }], effectsTotal: 1 });
  expect(lines).toEqual([
    'destroy: DROP TABLE (reaches cascade)',
    '  it deletes backups of \\u{1b}[2Ka fake line',
  ]);
});
