import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteFeed, FeedEnded } from './byte-feed.ts';

it('gives the same reads whatever the chunks', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 20 }),
      fc.array(fc.nat(12), { maxLength: 20 }),
      async (chunks, sizes) => {
        const whole = Buffer.concat(chunks);
        const feed = new ByteFeed(1024);
        const reading = (async () => {
          const got: Buffer[] = [];
          try {
            for (const size of sizes) got.push(await feed.read(size));
          } catch (error) {
            expect(error).toBeInstanceOf(FeedEnded);
          }
          return got;
        })();
        for (const chunk of chunks) {
          feed.push(chunk);
          chunk.fill(0xee); // its owner reuses the memory
          await Promise.resolve();
        }
        feed.end();
        const got = Buffer.concat([...(await reading), feed.takeRest()]);
        expect(got.equals(whole)).toBe(true);
      },
    ),
  );
});

it('stops at its limit and says so', async () => {
  const feed = new ByteFeed(8);
  feed.push(Buffer.alloc(6));
  feed.push(Buffer.alloc(6));
  await expect(feed.read(7)).rejects.toMatchObject({ code: 'HF_LIMIT' });
  expect(feed.buffered).toBe(6);
});

it('tells why it ended, and still gives what was there', async () => {
  const feed = new ByteFeed(8);
  feed.push(Buffer.from('ab'));
  feed.end(new Error('reset'));
  feed.push(Buffer.from('cd'));
  expect((await feed.read(2)).toString()).toBe('ab');
  await expect(feed.read(1)).rejects.toThrow('reset');
});

it('has one reader', async () => {
  const feed = new ByteFeed(8);
  const first = feed.read(1);
  expect(() => feed.read(1)).toThrow(/one reader/);
  feed.push(Buffer.from('x'));
  expect((await first).toString()).toBe('x');
});
