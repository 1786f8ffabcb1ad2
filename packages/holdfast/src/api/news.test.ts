import { describe, expect, it } from 'vitest';
import { News, type NewsItem } from './news.ts';

class Ground {
  size = 10n;
  kindsFrom: string[] = [];
  tell: (id: string | null) => void = () => {};
  listening = 0;

  news(): News {
    return new News({
      head: async () => ({ size: this.size }),
      kinds: async () => this.kindsFrom,
      holds: (handler) => {
        this.listening += 1;
        this.tell = handler;
        return () => {
          this.listening -= 1;
        };
      },
      trouble: (error) => {
        throw error;
      },
    });
  }
}

async function next(events: AsyncGenerator<{ readonly data: NewsItem }>): Promise<NewsItem> {
  const { value } = await events.next();
  return value.data;
}

describe('news', () => {
  it('of a hold come at once, and a poll of the channel is none', async () => {
    const ground = new Ground();
    const leave = new AbortController();
    const events = ground.news().listen(null, leave.signal);
    expect(await next(events)).toEqual({ kind: 'trail', size: 10 });
    ground.tell(null);
    ground.tell('hold_a');
    expect(await next(events)).toEqual({ kind: 'hold', id: 'hold_a' });
    leave.abort();
    expect((await events.next()).done).toBe(true);
    // Nobody listens: nothing is asked for any more.
    expect(ground.listening).toBe(0);
  });

  it('for who reads too slowly become: look at everything', async () => {
    const ground = new Ground();
    const leave = new AbortController();
    const events = ground.news().listen(null, leave.signal);
    await next(events);
    for (let at = 0; at < 1_000; at += 1) ground.tell(`hold_${at}`);
    const kinds: string[] = [];
    for (let at = 0; at < 5; at += 1) kinds.push((await next(events)).kind);
    expect(kinds).toEqual(expect.arrayContaining(['hold', 'deferrals']));
    leave.abort();
    let left = 0;
    for await (const _ of events) left += 1;
    expect(left).toBeLessThanOrEqual(200);
  });

  it('since an id are the kinds of entries since then', async () => {
    const ground = new Ground();
    ground.kindsFrom = ['deferral-ran', 'protection-drift', 'drill-failed'];
    const leave = new AbortController();
    const events = ground.news().listen('7', leave.signal);
    const four = [await next(events), await next(events), await next(events), await next(events)];
    expect(four).toEqual([
      { kind: 'deferrals' },
      { kind: 'targets' },
      { kind: 'recovery' },
      { kind: 'trail', size: 10 },
    ]);
    leave.abort();
  });
});
