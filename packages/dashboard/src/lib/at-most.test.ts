import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { atMost } from './at-most.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('waits for what answers, or fails, and leaves no timer', async () => {
  await atMost(2_000, Promise.resolve());
  await atMost(2_000, Promise.reject(new Error('it failed')));
  expect(vi.getTimerCount()).toBe(0);
});

it('waits no longer for what never answers', async () => {
  let isOver = false;
  const waited = atMost(2_000, new Promise(() => {})).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(1_999);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await waited;
  expect(isOver).toBe(true);
});
