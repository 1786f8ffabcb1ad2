/**
 * ntfy (docs.ntfy.sh/publish), published as JSON: names and texts of others stand in a body that has its own
 * escapes, and the only header that is not a constant is the token, which is printable ASCII or is not sent.
 * Without `markdown`, ntfy shows the message as it is.
 */
import type { Clock } from '../../model/clock.ts';
import type { Importance } from '../../model/notice-kind.ts';
import type { Notice } from '../notice.ts';
import { type Channel, type Delivered, type Failed, failed, settled } from './channel.ts';
import { post } from './post.ts';
import { factLines, wordsOf } from './words.ts';

export interface NtfyOptions {
  readonly name: string;
  /** Of the server: `https://ntfy.sh`. */
  readonly url: () => string;
  /** Who knows the topic may read it, where the server asks for no token. */
  readonly topic: () => string;
  readonly token: (() => string) | null;
  readonly clock: Clock;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number;
}

/** 1 to 5, 3 is what comes without a word. */
const PRIORITIES: Readonly<Record<Importance, number>> = { now: 5, soon: 3, digest: 2 };
const TOPIC = /^[-_A-Za-z0-9]{1,64}$/;
/** Longer messages become attachments (docs.ntfy.sh/publish, limits). */
const MESSAGE_BYTES_MAX = 4_000;

export class NtfyChannel implements Channel {
  readonly kind = 'ntfy';
  readonly name: string;
  readonly #options: NtfyOptions;

  constructor(options: NtfyOptions) {
    this.name = options.name;
    this.#options = options;
  }

  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    return settled(() => this.#send(notice, signal));
  }

  async #send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const { clock, token, topic, url } = this.#options;
    const to = topic();
    if (!TOPIC.test(to))
      return failed('its topic is no name of up to 64 letters, digits, - and _', 'never');
    const secret = token?.() ?? null;
    if (secret !== null && !/^[\x21-\x7e]+$/.test(secret)) {
      return failed('its token is not of printable characters', 'never');
    }
    const words = wordsOf(notice);
    const message = {
      topic: to,
      title: words.title,
      message: within(factLines(words).join('\n'), MESSAGE_BYTES_MAX) || words.title,
      priority: PRIORITIES[notice.importance],
      ...(words.link === '' ? {} : { click: words.link }),
    };
    return await post({
      url: url(),
      headers: {
        'content-type': 'application/json',
        ...(secret === null ? {} : { authorization: `Bearer ${secret}` }),
      },
      body: JSON.stringify(message),
      signal,
      where: 'anywhere',
      clock,
      msMax: this.#options.msMax,
    });
  }
}

/** The start of it, never with half a character at the end. */
function within(text: string, bytesMax: number): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= bytesMax) return text;
  return `${bytes.toString('utf8', 0, bytesMax - 3).replace(/\ufffd+$/, '')}…`;
}
