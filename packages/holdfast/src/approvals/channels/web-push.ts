/**
 * Web push (RFC 8030) to the browsers of people who asked for it: encrypted for the browser (RFC 8291),
 * signed with our key (VAPID, RFC 8292). Where it goes was said by a browser, so it may only be the public
 * internet, whatever the name turns out to be when the connection is made.
 *
 * One message for one browser. It counts as delivered when one browser of anybody has it and everybody had a
 * turn; a browser that is gone (404, 410) is forgotten. People take turns, and no browser more than a part of
 * the time: who turns it on in many browsers that never answer silences nobody else.
 */
import { createHash } from 'node:crypto';
import webPush from 'web-push';
import type { Clock } from '../../model/clock.ts';
import { CHANNEL_MS_MAX, PUSH_PAYLOAD_BYTES_MAX } from '../../model/limits.ts';
import type { Importance } from '../../model/notice-kind.ts';
import type { Notice } from '../notice.ts';
import type { PushSubscription, PushSubscriptions } from '../push-subscriptions.ts';
import {
  type Channel,
  DELIVERED,
  type Delivered,
  type Failed,
  failed,
  settled,
  within,
} from './channel.ts';
import { type Posted, post } from './post.ts';
import { factLines, wordsOf } from './words.ts';

/** Base64url, as RFC 8292 §3.2 has the public one. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
}

type PushedBrowser = Pick<PushSubscription, 'endpoint' | 'id' | 'isLocal' | 'keys' | 'personId'>;

export interface WebPushOptions {
  readonly name: string;
  /** Whom a push service may write to: `mailto:ops@example.com` (RFC 8292 §2.1). */
  readonly contact: string;
  readonly subscriptions: {
    readonly all: () => Promise<readonly PushedBrowser[]>;
    readonly gone: PushSubscriptions['gone'];
  };
  readonly keys: () => Promise<VapidKeys>;
  readonly clock: Clock;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number;
}

const URGENCIES: Readonly<Record<Importance, string>> = {
  now: 'high',
  soon: 'normal',
  digest: 'low',
};
/** How long a push service keeps it for a browser that is away: as long as a hold is open, as a rule. */
const LIFE_SECONDS = 60 * 60;
/** Of one notice at the same time. */
const AT_ONCE_MAX = 8;
/** Of the time of one notice, for one browser. */
const PART = 1 / 4;
/** RFC 8030 §5.4: at most 32 characters of base64url. */
const TOPIC_CHARS = 32;
/** RFC 8292 §2: at most 24 h. */
const VAPID_LIFE_SECONDS = 12 * 60 * 60;

export class WebPushChannel implements Channel {
  readonly kind = 'web-push';
  readonly name: string;
  readonly #options: WebPushOptions;

  constructor(options: WebPushOptions) {
    this.name = options.name;
    this.#options = options;
  }

  get #msMax(): number {
    return this.#options.msMax ?? CHANNEL_MS_MAX;
  }

  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    return settled(() => this.#send(notice, signal));
  }

  async #send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const { keys, subscriptions } = this.#options;
    const browsers = await subscriptions.all();
    if (browsers.length === 0) return failed('nobody has turned it on in a browser', 'never');
    const vapid = await keys();
    // A browser that hangs costs its own lane, and all of them together no more than one message may.
    const limit = within(signal, this.#msMax);
    const left = [...inTurns(browsers)];
    const waiting = new Set(browsers.map(({ personId }) => personId));
    const failures: Failed[] = [];
    let delivered = 0;
    const lane = async (): Promise<void> => {
      for (let next = left.shift(); next !== undefined; next = left.shift()) {
        if (limit.signal.aborted) return;
        waiting.delete(next.personId);
        const posted = await this.#push(next, notice, vapid, limit.signal);
        if (posted.kind === 'failed') failures.push(posted);
        else delivered += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE_MAX }, lane)).finally(limit.end);
    if (waiting.size > 0) return failed(`there was no time left for ${waiting.size} people`);
    if (delivered > 0) return DELIVERED;
    return failures.find(({ again }) => again === 'later') ?? failures[0] ?? failed('none took it');
  }

  async #push(
    browser: PushedBrowser,
    notice: Notice,
    vapid: VapidKeys,
    signal: AbortSignal,
  ): Promise<Posted> {
    const { clock, contact, subscriptions } = this.#options;
    let body: Buffer;
    try {
      const { auth, p256dh } = browser.keys;
      body = webPush.encrypt(p256dh, auth, payloadOf(notice), 'aes128gcm').cipherText;
    } catch {
      return { ...failed('the keys of the browser cannot be used', 'never'), status: null };
    }
    const { origin } = new URL(browser.endpoint);
    const { publicKey, privateKey } = vapid;
    const until = Math.floor(clock.now().getTime() / 1000) + VAPID_LIFE_SECONDS;
    const signed = webPush.getVapidHeaders(
      origin,
      contact,
      publicKey,
      privateKey,
      'aes128gcm',
      until,
    );
    const posted = await post({
      url: browser.endpoint,
      headers: {
        authorization: signed.Authorization,
        'content-type': 'application/octet-stream',
        'content-encoding': 'aes128gcm',
        ttl: String(LIFE_SECONDS),
        urgency: URGENCIES[notice.importance],
        topic: topicOf(notice),
      },
      body,
      signal,
      where: browser.isLocal ? 'anywhere' : 'public',
      clock,
      msMax: Math.ceil(this.#msMax * PART),
    });
    if (posted.kind === 'failed' && (posted.status === 404 || posted.status === 410)) {
      await subscriptions.gone(browser.id);
    }
    return posted;
  }
}

/** The first of each person, then the second of each, and so on. */
function inTurns(browsers: readonly PushedBrowser[]): readonly PushedBrowser[] {
  const turns = new Map<string, number>();
  const numbered = browsers.map((browser) => {
    const turn = turns.get(browser.personId) ?? 0;
    turns.set(browser.personId, turn + 1);
    return { browser, turn };
  });
  return numbered.sort((one, other) => one.turn - other.turn).map(({ browser }) => browser);
}

/** A later word on the same hold takes the place of one that has not been fetched yet. */
function topicOf({ id }: Notice): string {
  const [subject = id] = id.split('.');
  return createHash('sha256').update(subject).digest('base64url').slice(0, TOPIC_CHARS);
}

/** For the service worker: it shows `title` and `body`, and opens `url`. */
function payloadOf(notice: Notice): string {
  const words = wordsOf(notice);
  const lines = factLines(words);
  const json = (): string =>
    JSON.stringify({
      kind: notice.kind,
      importance: notice.importance,
      tag: topicOf(notice),
      title: words.title,
      body: lines.join('\n'),
      url: words.link,
    });
  while (Buffer.byteLength(json()) > PUSH_PAYLOAD_BYTES_MAX && lines.length > 0) lines.pop();
  return json();
}
