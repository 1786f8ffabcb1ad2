/**
 * Slack by an incoming webhook (api.slack.com/messaging/webhooks), as Block Kit. What others wrote stands in
 * `plain_text` objects, in which Slack reads neither markup nor links nor mentions, and is escaped as Slack
 * asks (`&`, `<`, `>`) all the same. The one button is a link to the dashboard; it sends nothing back.
 */
import type { Clock } from '../../model/clock.ts';
import { cut } from '../../model/text.ts';
import type { Notice } from '../notice.ts';
import { type Channel, type Delivered, type Failed, settled } from './channel.ts';
import { post } from './post.ts';
import { factLines, type Words, wordsOf } from './words.ts';

export interface SlackOptions {
  readonly name: string;
  /** The webhook's URL, which is the secret. */
  readonly url: () => string;
  readonly clock: Clock;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number;
}

/** Of a header, and of a section (docs.slack.dev, reference of blocks). */
const HEADER_CHARS_MAX = 150;
const SECTION_CHARS_MAX = 3_000;

export class SlackChannel implements Channel {
  readonly kind = 'slack';
  readonly name: string;
  readonly #options: SlackOptions;

  constructor(options: SlackOptions) {
    this.name = options.name;
    this.#options = options;
  }

  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed> {
    const { clock, url } = this.#options;
    return settled(() =>
      post({
        url: url(),
        headers: { 'content-type': 'application/json; charset=utf-8' },
        body: JSON.stringify(messageOf(wordsOf(notice))),
        signal,
        where: 'anywhere',
        clock,
        msMax: this.#options.msMax,
      }),
    );
  }
}

function messageOf(words: Words) {
  const title = within(words.title, HEADER_CHARS_MAX);
  return {
    // For the line in a list of notifications, where blocks are not shown.
    text: title,
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [
      { type: 'header', text: plain(title) },
      ...sectionsOf(factLines(words).map((line) => within(line, SECTION_CHARS_MAX))).map(
        (text) => ({
          type: 'section',
          text: plain(text),
        }),
      ),
      ...(words.link === '' ? [] : [linkTo(words.link)]),
    ],
  };
}

/** Whole lines, as few sections as they fit in. */
function sectionsOf(lines: readonly string[]): string[] {
  const sections: string[] = [];
  for (const line of lines) {
    const last = sections.at(-1);
    const longer = last === undefined ? line : `${last}\n${line}`;
    if (last === undefined || longer.length > SECTION_CHARS_MAX) sections.push(line);
    else sections[sections.length - 1] = longer;
  }
  return sections;
}

function linkTo(url: string) {
  const button = { type: 'button', text: plain('Open in Holdfast'), url };
  return { type: 'actions', elements: [button] };
}

/** `emoji: false`: `:white_check_mark: approved` stays what it is. */
function plain(text: string) {
  return { type: 'plain_text', text, emoji: false };
}

/** Escaped, and cut before it is: half an escape would be another text. */
function within(text: string, charsMax: number): string {
  let start = cut(text, charsMax);
  while (escaped(start).length > charsMax) start = cut(start, start.length - 1);
  return escaped(start);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
