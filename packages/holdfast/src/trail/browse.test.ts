import { expect, it } from 'vitest';
import type { MemoryTrailStore } from '../testing/memory-trail-store.ts';
import { filledStore } from '../testing/trail-export-rows.ts';
import { showEntry, tailEntries } from './browse.ts';

async function tailed(
  store: MemoryTrailStore,
  last: number,
  follow: boolean,
  until: number,
): Promise<number[]> {
  const stop = new AbortController();
  const seen: number[] = [];
  for await (const { index } of tailEntries(store, { last, follow, signal: stop.signal })) {
    seen.push(index);
    if (seen.length === until) stop.abort();
  }
  return seen;
}

it('shows an entry as it was hashed, and says what there is when there is none', async () => {
  const store = await filledStore();
  const { json } = await showEntry(store, 1n);
  expect(Buffer.from(json)).toEqual(store.entries[1]?.bytes);
  for (const index of [-1n, BigInt(store.entries.length)]) {
    await expect(showEntry(store, index)).rejects.toMatchObject({
      code: 'HF_NOT_FOUND',
      expected: `an entry from 0 to ${store.entries.length - 1}`,
    });
  }
});

it('tails the newest, and goes on with what comes', async () => {
  const store = await filledStore();
  const size = store.entries.length;
  expect(await tailed(store, 3, false, 99)).toEqual([size - 3, size - 2, size - 1]);
  expect(await tailed(store, 10_000, false, 10_000)).toHaveLength(size);
  const following = tailed(store, 1, true, 2);
  const head = await store.head();
  const bytes = Buffer.from('{}');
  const entry = { index: head.size, bytes, kind: 'x', decisionIndex: null, instanceId: 'i' };
  await store.append(head, { ...head, size: head.size + 1n }, [entry]);
  expect(await following).toEqual([size - 1, size]);
});
