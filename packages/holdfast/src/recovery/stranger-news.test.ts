import { describe, expect, it } from 'vitest';
import { StrangerNews } from './stranger-news.ts';

describe('news of points that are not ours', () => {
  it('is told once a vault, not at each look, and again when there were none in between', () => {
    const news = new StrangerNews('shop');
    const told = (vault: string, ...keys: string[]) => news.look(vault, keys)?.facts ?? null;
    expect(told('far')).toBeNull();
    const first = { target: 'shop', vault: 'far', points: 1, key: 'shop/77/points/p9/point.json' };
    expect(told('far', first.key)).toEqual(first);
    expect(told('far', first.key)).toBeNull();
    // One more each minute is not one more message each minute.
    expect(told('far', first.key, 'shop/77/points/p8/point.json')).toBeNull();
    expect(told('near', first.key)).toMatchObject({ vault: 'near' });
    expect(told('far')).toBeNull();
    expect(told('far', first.key)).toEqual(first);
  });

  it('is told again where it reached nobody', () => {
    const news = new StrangerNews('shop');
    expect(news.look('far', ['k'])).not.toBeNull();
    news.untold('far');
    expect(news.look('far', ['k'])).not.toBeNull();
    expect(news.look('far', ['k'])).toBeNull();
  });

  it('shows a key that moves the cursor as it is', () => {
    const event = new StrangerNews('shop').look('far', ['shop/\u001b[2K/point.json']);
    expect(event?.message).not.toContain('\u001b');
  });
});
