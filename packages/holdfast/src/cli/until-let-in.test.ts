import { expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { untilLetIn } from './until-let-in.ts';

const limit = (): HoldfastError =>
  new HoldfastError('HF_LIMIT', { expected: 'its turn', found: 'a backup', hint: 'Try again.' });

it('asks again while others are at work, and says that it waits', async () => {
  const said: string[] = [];
  const ends = [limit(), limit(), null];
  const ask = async () => {
    const end = ends.shift();
    if (end) throw end;
    return 'done';
  };
  const never = new AbortController().signal;
  expect(await untilLetIn(ask, () => said.push('waits'), never)).toBe('done');
  expect(said).toEqual(['waits', 'waits']);
});

it('goes on with whatever else is said, and asks no more after Ctrl-C', async () => {
  const stop = new AbortController();
  const lost = new Error('gone');
  const ask = (error: Error) => async () => {
    throw error;
  };
  await expect(untilLetIn(ask(lost), () => {}, stop.signal)).rejects.toBe(lost);
  const asked = untilLetIn(ask(limit()), () => stop.abort(new Error('Ctrl-C')), stop.signal);
  await expect(asked).rejects.toThrow('Ctrl-C');
});
