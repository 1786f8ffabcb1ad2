import { beforeEach, describe, expect, it } from 'vitest';
import { CREDENTIAL_OPEN_MS_MAX } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { OpenCredentials } from './open-credentials.ts';

describe('an unsealed credential', () => {
  let clock: ManualClock;
  let stored: string | null;
  let asked: number;
  let credentials: OpenCredentials;

  beforeEach(() => {
    clock = new ManualClock('2026-04-24T09:00:00Z');
    stored = 'first';
    asked = 0;
    const open = async (): Promise<string> => {
      asked += 1;
      const found = stored;
      await Promise.resolve();
      if (found === null) throw new Error('none');
      return found;
    };
    credentials = new OpenCredentials({ clock, open });
  });

  it('is asked of the store once for all requests of a moment', async () => {
    const all = Array.from({ length: 5 }, () => credentials.secret('railway'));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['first']));
    clock.pass(CREDENTIAL_OPEN_MS_MAX - 1);
    expect(await credentials.secret('railway')).toBe('first');
    expect(asked).toBe(1);
  });

  it('that was replaced is another when the moment is over, though no notice came', async () => {
    await credentials.secret('railway');
    stored = 'second';
    clock.pass(CREDENTIAL_OPEN_MS_MAX);
    expect(await credentials.secret('railway')).toBe('second');
  });

  it('is not kept longer by being used', async () => {
    await credentials.secret('railway');
    stored = 'second';
    for (let at = 0; at < 4; at += 1) {
      clock.pass(CREDENTIAL_OPEN_MS_MAX / 4);
      await credentials.secret('railway');
    }
    expect(await credentials.secret('railway')).toBe('second');
  });

  it('that was removed is refused at the notice, and as soon as the store is away', async () => {
    await credentials.secret('railway');
    stored = null;
    credentials.forget();
    await expect(credentials.secret('railway')).rejects.toThrow('none');
    await expect(credentials.secret('railway')).rejects.toThrow('none');
  });

  it('is there at once after it was not', async () => {
    stored = null;
    await expect(credentials.secret('railway')).rejects.toThrow('none');
    stored = 'first';
    expect(await credentials.secret('railway')).toBe('first');
  });

  it('that was under way when the notice came is not kept', async () => {
    const before = credentials.secret('railway');
    stored = 'second';
    credentials.forget();
    expect(await credentials.secret('railway')).toBe('second');
    expect(await before).toBe('first');
    expect(await credentials.secret('railway')).toBe('second');
  });

  it('is not that of another name', async () => {
    const open = async (name: string): Promise<string> => `of ${name}`;
    const two = new OpenCredentials({ clock, open });
    expect(await two.secret('railway')).toBe('of railway');
    expect(await two.secret('fly')).toBe('of fly');
  });
});
