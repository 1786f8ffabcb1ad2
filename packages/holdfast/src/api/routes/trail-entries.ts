import type { TrailStore } from '../../trail/trail-store.ts';
import type { TRAIL_ENTRY_ROUTES } from '../contract/trail-entries.ts';
import type { Handlers } from '../handler.ts';

export function trailEntryRoutes(
  store: Pick<TrailStore, 'head' | 'read'>,
): Handlers<typeof TRAIL_ENTRY_ROUTES> {
  return {
    'trail.entries': async ({ query: { from, limit } }) => {
      const size = Number((await store.head()).size);
      const start = from ?? Math.max(0, size - limit);
      const entries = await store.read(BigInt(start), limit);
      return {
        items: entries.map(({ bytes, index }) => ({
          index: Number(index),
          json: bytes.toString('utf8'),
        })),
        size,
      };
    },
  };
}
