import { expect, it } from 'vitest';
import { ownLine } from './in-turn.ts';

it('runs one at a time in a line of its own, and goes on after one that fails', async () => {
  const line = ownLine();
  const done: string[] = [];
  let end = (): void => {};
  line(async () => {
    await new Promise<void>((over) => {
      end = over;
    });
    done.push('first');
    throw new Error('lost');
  });
  const second = new Promise<void>((over) => {
    line(async () => {
      done.push('second');
      over();
    });
  });
  await new Promise((turn) => setImmediate(turn));
  expect(done).toEqual([]);
  end();
  await second;
  expect(done).toEqual(['first', 'second']);
});
