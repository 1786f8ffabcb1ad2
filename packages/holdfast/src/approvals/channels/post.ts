/**
 * One POST of a channel: within a time, without following redirects, with an answer of which little is
 * read. Where the address came from somebody else's browser, it may only be a public one.
 *
 * The reason of a failure says a status, and the other side's word for it when it is one plain word. It
 * never says the URL, which is a secret with some channels.
 */
import { isIP } from 'node:net';
import { Agent, type Dispatcher, errors, request } from 'undici';
import type { Clock } from '../../model/clock.ts';
import {
  CHANNEL_ANSWER_BYTES_MAX,
  CHANNEL_MS_MAX,
  NOTICE_RETRY_MS_MAX,
} from '../../model/limits.ts';
import { DELIVERED, type Delivered, type Failed, failed, within } from './channel.ts';
import { isPublicAddress, NotPublic, publicLookup } from './public-address.ts';

export interface Posting {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
  readonly signal: AbortSignal;
  /** `public`: the address is a stranger's, and must not lead into our own network. */
  readonly where: 'anywhere' | 'public';
  readonly clock: Clock;
  /** CHANNEL_MS_MAX when left out. */
  readonly msMax?: number | undefined;
}

export type Posted = Delivered | (Failed & { readonly status: number | null });

/** A connection for each message: they are few, and none is kept open to who may hold it. */
const OF_ONE_MESSAGE = {
  pipelining: 0,
  keepAliveTimeout: 1,
  headersTimeout: CHANNEL_MS_MAX,
} as const;

/** Statuses that say "not now" (RFC 9110, RFC 6585); of the others below 500, "not like this". */
const NOT_NOW = new Set([408, 425, 429]);

export async function post(posting: Posting): Promise<Posted> {
  const { body, clock, headers, msMax = CHANNEL_MS_MAX, signal, url, where } = posting;
  const limit = within(signal, msMax);
  const connect = { timeout: CHANNEL_MS_MAX };
  const dispatcher = new Agent({
    ...OF_ONE_MESSAGE,
    connect: where === 'public' ? { ...connect, lookup: publicLookup } : connect,
  });
  try {
    // An address is connected to without being looked up.
    if (where === 'public' && isOwnAddress(url)) throw new NotPublic();
    const answer = await request(url, {
      method: 'POST',
      headers: { 'user-agent': 'holdfast', ...headers },
      body,
      signal: limit.signal,
      dispatcher,
    });
    const word = await wordIn(answer.body);
    return judge(answer, word, clock);
  } catch (error) {
    return { ...whyNot(error, signal, msMax), status: null };
  } finally {
    limit.end();
    dispatcher.destroy().catch(() => {});
  }
}

function judge(answer: Dispatcher.ResponseData, word: string, clock: Clock): Posted {
  const { headers, statusCode: status } = answer;
  if (status >= 200 && status < 300) return DELIVERED;
  const found = word === '' ? `it answered ${status}` : `it answered ${status}: ${word}`;
  if (status >= 300 && status < 400) {
    return { ...failed(`${found}, which leads elsewhere and is not followed`, 'never'), status };
  }
  const isLater = status >= 500 || NOT_NOW.has(status);
  const afterMs = isLater ? retryAfterMs(headers['retry-after'], clock) : null;
  return { ...failed(found, isLater ? 'later' : 'never', afterMs), status };
}

/** Read so that the sender hears no reset; no more than is allowed, and nothing of it is an error. */
async function wordIn(body: Dispatcher.ResponseData['body']): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString('latin1');
      if (text.length > CHANNEL_ANSWER_BYTES_MAX) break;
    }
  } catch {
    // What it said before it broke off is what there is.
  }
  return /^[a-z_ ]{3,60}$/i.test(text.trim()) ? text.trim() : '';
}

/** Seconds, or a date (RFC 9110 §10.2.3). */
function retryAfterMs(header: string | string[] | undefined, clock: Clock): number | null {
  const said = Array.isArray(header) ? header[0] : header;
  if (said === undefined) return null;
  const ms = /^\d{1,9}$/.test(said)
    ? Number(said) * 1000
    : Date.parse(said) - clock.now().getTime();
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), NOTICE_RETRY_MS_MAX);
}

/** By the name of the fault; its text may hold the URL. */
function whyNot(error: unknown, signal: AbortSignal, msMax: number): Failed {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (error instanceof NotPublic || cause instanceof NotPublic) {
    return failed('its address is not a public one', 'never');
  }
  if (signal.aborted && nameOf(signal.reason) !== 'TimeoutError') {
    return failed('Holdfast stopped before it answered');
  }
  if (error instanceof errors.InvalidArgumentError) {
    return failed('its URL or a header of ours cannot be used', 'never');
  }
  const name = nameOf(error);
  if (/Timeout/.test(name)) return failed(`it did not answer within ${msMax / 1000} s`);
  const code = error instanceof Error && 'code' in error ? String(error.code) : name;
  return failed(`it could not be reached (${/^[A-Z0-9_]{2,40}$/.test(code) ? code : 'no answer'})`);
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function isOwnAddress(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 && !isPublicAddress(host);
}
