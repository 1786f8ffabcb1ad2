/**
 * A webhook of your own, signed as standardwebhooks.com has it: `webhook-id`, `webhook-timestamp` and
 * `webhook-signature` over both and the body, with a secret `whsec_…`. The id is the notice's and stays the
 * same when it is tried again: a receiver that has seen it has had it.
 */
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../../model/clock.ts';
import type { Notice } from '../notice.ts';
import { type Channel, type Delivered, type Failed, failed, settled } from './channel.ts';
import { post } from './post.ts';
import { wordsOf } from './words.ts';

export interface WebhookOptions {
  readonly name: string;
  readonly url: () => string;
  /** `whsec_` and 24 to 64 bytes in base64, as the specification asks. */
  readonly secret: () => string;
  readonly clock: Clock;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number;
}

const SECRET = /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/;

export class WebhookChannel implements Channel {
  readonly kind = 'webhook';
  readonly name: string;
  readonly #options: WebhookOptions;

  constructor(options: WebhookOptions) {
    this.name = options.name;
    this.#options = options;
  }

  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    return settled(() => this.#send(notice, signal));
  }

  async #send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const { clock, secret, url } = this.#options;
    const key = secret();
    if (!SECRET.test(key)) {
      return failed('its secret is not whsec_ and 24 to 64 bytes in base64', 'never');
    }
    const now = clock.now();
    const body = JSON.stringify(payloadOf(notice));
    return await post({
      url: url(),
      headers: {
        'content-type': 'application/json',
        'webhook-id': notice.id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(key).sign(notice.id, now, body),
      },
      body,
      signal,
      where: 'anywhere',
      clock,
      msMax: this.#options.msMax,
    });
  }
}

function payloadOf(notice: Notice) {
  const { title, facts, link } = wordsOf(notice);
  return {
    type: notice.kind,
    timestamp: notice.at.toISOString(),
    data: {
      importance: notice.importance,
      title,
      facts: facts.map(([name, text]) => ({ name, text })),
      link,
    },
  };
}
