/**
 * The duties of every channel (channel.ts), as tests. An implementation lends a real receiver that takes
 * what comes apart by means of its own; nothing in here knows which wire it is.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Fault, RETRY_AFTER_SECONDS } from '../../testing/http-receiver.ts';
import { HOSTILE_TEXTS, hostileNotice, LINK, NOTICE } from '../../testing/notices.ts';
import type { Channel } from './channel.ts';

/** One message, as whoever gets it sees it. */
export interface Shown {
  /** Everything that is text on the screen; lines end by \n. */
  readonly text: string;
  /** Everything that can be clicked, or is loaded. */
  readonly links: readonly string[];
  /** Of the whole message on the wire. */
  readonly bytes: number;
}

export interface ChannelWorld {
  readonly channel: Channel;
  /** What came, oldest first; throws when a message is not as its wire wants it. */
  shown(): readonly Shown[] | Promise<readonly Shown[]>;
  /** Messages and requests of any kind that reached a place where none belongs. */
  strays(): number;
  /** Null: in order again. */
  fault(fault: Fault | 'gone' | null): void | Promise<void>;
  readonly secrets: readonly string[];
  reset(): void;
  end(): Promise<void>;
}

/** For channels under test, instead of CHANNEL_MS_MAX: a test waits for it to pass. */
export const TEST_MS_MAX = 2_000;

const CALM = new AbortController().signal;
/** A screenful and its wrapping. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** What a browser, a mail program or a chat makes a link of. */
const LINK_LIKE = /(?:https?|javascript|data|mailto|file|slack):|www\.\w|\bevil\.(?:com|io)\b/i;

/** `faults`: those that this wire has. */
export function channelSuite(
  name: string,
  faults: readonly Fault[],
  makeWorld: () => Promise<ChannelWorld>,
): void {
  describe(`${name} keeps the contract of a channel`, () => {
    let world: ChannelWorld;

    beforeAll(async () => {
      world = await makeWorld();
    }, 60_000);
    afterAll(async () => {
      await world?.end();
    });
    beforeEach(async () => {
      await world.fault(null);
      world.reset();
    });

    it('delivers a notice once, with its words and its link', async () => {
      expect(await world.channel.send(NOTICE, CALM)).toEqual({ kind: 'delivered' });
      const [message, ...more] = await world.shown();
      expect(more).toEqual([]);
      expect(message?.links).toEqual([LINK]);
      for (const words of [NOTICE.title, 'production (sealed)', 'DROP TABLE bookings']) {
        expect(message?.text).toContain(words);
      }
    });

    it.each(HOSTILE_TEXTS)('shows as text, and as nothing else: %s', async (_story, text) => {
      expect(await world.channel.send(hostileNotice(text), CALM)).toEqual({ kind: 'delivered' });
      const [message, ...more] = await world.shown();
      expect(more).toEqual([]);
      expect(world.strays()).toBe(0);
      expect(message?.links).toEqual([LINK]);
      const shown = message?.text.replaceAll(LINK, '') ?? '';
      expect(shown).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/u);
      expect(shown).not.toMatch(LINK_LIKE);
      expect(shown).not.toMatch(/^(?:Bcc|X-Evil|MAIL FROM|Holdfast: approved)/m);
      expect(message?.bytes).toBeLessThan(MESSAGE_BYTES_MAX);
    });

    it('keeps a link that is none to itself', async () => {
      for (const link of ['javascript:alert(1)', 'https://a@evil.example/', 'x" onclick="y', '']) {
        world.reset();
        expect((await world.channel.send({ ...NOTICE, link }, CALM)).kind).toBe('delivered');
        const [message] = await world.shown();
        expect(message?.links).toEqual([]);
      }
    });

    it('says that it was refused for good, and no secret with it', async () => {
      await world.fault('refuses');
      const sent = await world.channel.send(NOTICE, CALM);
      expect(sent).toMatchObject({ kind: 'failed', again: 'never' });
      expect(world.secrets.filter((secret) => JSON.stringify(sent).includes(secret))).toEqual([]);
    });

    it('says that a busy receiver may be tried again', async () => {
      await world.fault('busy');
      const sent = await world.channel.send(NOTICE, CALM);
      expect(sent).toMatchObject({ kind: 'failed', again: 'later' });
      expect(sent).toMatchObject({
        afterMs: faults.includes('redirects') ? RETRY_AFTER_SECONDS * 1000 : null,
      });
    });

    it('says that a receiver which is gone may be tried again', async () => {
      await world.fault('gone');
      const sent = await world.channel.send(NOTICE, CALM);
      expect(sent).toMatchObject({ kind: 'failed', again: 'later', afterMs: null });
      expect(world.secrets.filter((secret) => JSON.stringify(sent).includes(secret))).toEqual([]);
    });

    it('lets go of a receiver that hangs when it is told to, and at last by itself', async () => {
      await world.fault('hangs');
      const stop = new AbortController();
      const told = world.channel.send(NOTICE, stop.signal);
      const alone = world.channel.send(NOTICE, CALM);
      stop.abort();
      expect(await Promise.race([told, alone])).toMatchObject({ kind: 'failed', again: 'later' });
      expect(await alone).toMatchObject({
        kind: 'failed',
        again: 'later',
        reason: expect.stringContaining('within'),
      });
    });

    it('sends nothing once it was told to stop', async () => {
      expect(await world.channel.send(NOTICE, AbortSignal.abort())).toMatchObject({
        kind: 'failed',
        again: 'later',
      });
      expect(await world.shown()).toEqual([]);
    });

    if (faults.includes('redirects'))
      it('follows nobody elsewhere', async () => {
        await world.fault('redirects');
        expect(await world.channel.send(NOTICE, CALM)).toMatchObject({
          kind: 'failed',
          again: 'never',
          reason: expect.stringContaining('not followed'),
        });
        expect(world.strays()).toBe(0);
      });

    if (faults.includes('floods'))
      it('takes no more of an answer than it needs', async () => {
        await world.fault('floods');
        expect(await world.channel.send(NOTICE, CALM)).toEqual({ kind: 'delivered' });
      });
  });
}
