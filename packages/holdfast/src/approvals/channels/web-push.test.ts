/** Whoever turns notices on in browsers that never answer keeps nobody else from being told. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import webPush from 'web-push';
import { systemClock } from '../../model/clock.ts';
import { HttpReceiver } from '../../testing/http-receiver.ts';
import { NOTICE } from '../../testing/notices.ts';
import { pushBrowser } from '../../testing/push-browser.ts';
import { WebPushChannel } from './web-push.ts';

const { keys } = pushBrowser(randomBytes(16));
const vapid = webPush.generateVAPIDKeys();

let open: HttpReceiver;
let silent: HttpReceiver;

beforeAll(async () => {
  [open, silent] = [await HttpReceiver.start(), await HttpReceiver.start()];
  silent.fault = 'hangs';
});
afterAll(() => Promise.all([open.stop(), silent.stop()]));
beforeEach(() => {
  open.received.length = 0;
});

type Browser = readonly [personId: string, at: HttpReceiver];

function send(browsers: readonly Browser[]) {
  const all = browsers.map(([personId, { url }], index) => ({
    id: `push_${index}`,
    personId,
    endpoint: `${url}/${personId}`,
    isLocal: true,
    keys,
  }));
  const channel = new WebPushChannel({
    name: 'phones',
    contact: 'mailto:ops@example.com',
    subscriptions: { all: async () => all, gone: async () => {} },
    keys: async () => vapid,
    clock: systemClock,
    msMax: 2_000,
  });
  return channel.send(NOTICE, new AbortController().signal);
}

function many(count: number, personOf: (index: number) => string): readonly Browser[] {
  return Array.from({ length: count }, (_, index) => [personOf(index), silent]);
}

describe('web push', () => {
  it('reaches everybody else past the browsers of one person that never answer', async () => {
    const end = await send([
      ['mallory', open],
      ...many(30, () => 'mallory'),
      ['ana', open],
      ['ben', open],
    ]);
    expect(open.received.map(({ path }) => path).sort()).toEqual(['/ana', '/ben', '/mallory']);
    expect(end).toEqual({ kind: 'delivered' });
  });

  it('gives a browser that never answers no more than a part of the time', async () => {
    await send([...many(8, (index) => `slow-${index}`), ['ana', open]]);
    expect(open.received.map(({ path }) => path)).toEqual(['/ana']);
  });

  it('is not delivered while there is somebody whose turn did not come', async () => {
    const end = await send([
      ['mallory', open],
      ...many(60, (index) => `slow-${index}`),
      ['ana', open],
    ]);
    expect(open.received.map(({ path }) => path)).toEqual(['/mallory']);
    expect(end).toMatchObject({ kind: 'failed', again: 'later' });
  });
});
