import { expect, it } from 'vitest';
import { uuidOf } from './row-ids.ts';

it('makes the same UUID of version 8 for the same id of the same table, and no other', () => {
  const key = { column: 'reference', kind: 'text', id: 'booking', generate: 'id' } as const;
  const where = { schema: 'public', table: 'bookings', key };
  const one = uuidOf(where, 'BK-1');
  expect(one).toBe('44c924d3-5590-8cc5-afc0-0aad4bf53641');
  expect(one).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  const others = [
    uuidOf(where, 'BK-2'),
    uuidOf({ ...where, table: 'rooms' }, 'BK-1'),
    uuidOf({ ...where, schema: 'old' }, 'BK-1'),
    uuidOf({ ...where, key: { ...key, id: 'order' } }, 'BK-1'),
  ];
  expect(new Set([one, ...others]).size).toBe(5);
});
