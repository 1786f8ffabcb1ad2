/**
 * The body of a request: whole, within limits, and without any content coding. What is judged is what
 * is sent on, under a length of our own: nothing of the sender's framing is left to be read in two ways.
 */
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { HoldfastError, messageOf } from '../../model/errors.ts';
import {
  HTTP_BODY_BYTES_MAX,
  HTTP_CODINGS_MAX,
  HTTP_DISCARD_BYTES_MAX,
  HTTP_DISCARD_MS_MAX,
  HTTP_REQUEST_MS_MAX,
} from '../../model/limits.ts';
import { headerOf, type Incoming } from './incoming.ts';
import { perHead } from './per-head.ts';

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** By these names UTF-8 is what it is; by the others only bytes below 128 are the same letters. */
const UTF_8 = new Set(['utf-8', 'utf8']);
const ASCII_BELOW = new Set(['us-ascii', 'ascii', 'iso-8859-1', 'latin1', 'windows-1252']);

/** Throws HF_HTTP, or rejects with it or HF_LIMIT; with the socket's own error when the sender goes away. */
export function readBody(request: Pick<Incoming, 'headers' | 'body'>): Promise<Buffer> {
  const codings = codingsIn(request.headers);
  if (codings.kind === 'not') throw codings.error();
  const whole = wholeOf(request.body);
  return codings.list.length === 0 ? whole : unpacked(whole, codings.list);
}

async function unpacked(whole: Promise<Buffer>, codings: readonly string[]): Promise<Buffer> {
  let body = await whole;
  for (const coding of codings.toReversed()) body = await decoded(body, coding);
  return body;
}

/**
 * Reads what is left of a body that was refused, and drops it, within limits: an answer that overtakes the
 * request ends it in HTTP/2 by a reset, and its client then shows that in place of the answer. Never rejects.
 */
export async function discardBody({ body }: Pick<Incoming, 'body'>): Promise<void> {
  if (body.readableEnded || body.destroyed) return;
  let size = 0;
  await new Promise<void>((done) => {
    const late = setTimeout(done, HTTP_DISCARD_MS_MAX);
    const end = (): void => {
      clearTimeout(late);
      done();
    };
    body.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > HTTP_DISCARD_BYTES_MAX) end();
    });
    body.once('end', end).once('close', end).once('error', end);
  });
}

/**
 * By events: an iterator costs as much as all else that is done for a small body. They are not taken off
 * again: what comes after the end is no part of it, and goes with its request.
 */
function wholeOf(stream: Readable): Promise<Buffer> {
  return new Promise((done, fail) => {
    if (stream.destroyed) {
      fail(cutShort());
      return;
    }
    let chunks: Buffer[] | null = [];
    let size = 0;
    const failed = (error: unknown): void => {
      clearTimeout(late);
      chunks = null;
      fail(error);
    };
    const late = setTimeout(() => {
      failed(tooSlow());
      stream.destroy(tooSlow());
    }, HTTP_REQUEST_MS_MAX);
    stream.on('data', (chunk: Buffer) => {
      size += chunk.length;
      // What still comes is not kept: the connection ends with our answer.
      if (size > HTTP_BODY_BYTES_MAX) failed(tooLarge());
      else chunks?.push(chunk);
    });
    stream.on('end', () => {
      clearTimeout(late);
      const [only] = chunks ?? [];
      done(only !== undefined && chunks?.length === 1 ? only : Buffer.concat(chunks ?? []));
    });
    stream.on('close', () => {
      if (!stream.readableEnded) failed(cutShort());
    });
    stream.on('error', failed);
  });
}

/**
 * What the body is called (RFC 9110 section 8.3), without parameters; '' when it has no name. Throws HF_HTTP
 * where the same bytes would be another text to the server: under two names, or in a charset like UTF-7,
 * in which letters that look harmless are quotes.
 */
export function mediaTypeOf(request: Pick<Incoming, 'headers'>, body: Buffer): string {
  const named = namedIn(request.headers);
  if (named.kind === 'not') throw otherText(named.expected, named.found);
  const { said, isAscii, type } = named;
  if (isAscii && body.some((byte) => byte >= 0x80)) throw otherText(UTF_8_ONLY, said);
  return type;
}

const UTF_8_ONLY = 'a body in UTF-8';

type Named =
  /** `isAscii`: only for a body that is. */
  | {
      readonly kind: 'named';
      readonly type: string;
      readonly said: string;
      readonly isAscii: boolean;
    }
  | { readonly kind: 'not'; readonly expected: string; readonly found: string };

const namedIn = perHead((headers): Named => {
  const [said = '', ...more] = headers.get('content-type') ?? [];
  const [type = ''] = said.split(';');
  if (more.length > 0 || said.includes(',')) {
    return { kind: 'not', expected: 'one media type', found: [said, ...more].join(', ') };
  }
  let isAscii = false;
  // Anywhere in it, quoted or in the form of RFC 2231 or not: servers differ on how they look for it.
  for (const charset of charsetsIn(said.toLowerCase())) {
    if (UTF_8.has(charset)) continue;
    if (!ASCII_BELOW.has(charset)) return { kind: 'not', expected: UTF_8_ONLY, found: said };
    isAscii = true;
  }
  return { kind: 'named', type: type.trim().toLowerCase(), said, isAscii };
});

/** What stands behind each `=` before which the word stands; in one pass, however long the header is. */
function charsetsIn(said: string): readonly string[] {
  return said.split(/[;,]/).flatMap((part) => {
    const sides = part.split('=');
    return sides.slice(1).flatMap((value, at) => {
      if (!sides[at]?.includes('charset')) return [];
      return [/^[\s"]*([^\s"]*)/.exec(value)?.[1] ?? ''];
    });
  });
}

function otherText(expected: string, found: string): HoldfastError {
  const hint = 'Send it as UTF-8 under one Content-Type, as your client library does.';
  return new HoldfastError('HF_HTTP', { expected, found: found.slice(0, 100), hint });
}

type Codings =
  | { readonly kind: 'known'; readonly list: readonly string[] }
  | { readonly kind: 'not'; readonly error: () => HoldfastError };

const codingsIn = perHead((headers): Codings => {
  const list = headerOf({ headers }, 'content-encoding')
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '' && one !== 'identity');
  const unknown = list.find((one) => !DECODERS.has(one));
  if (unknown === undefined && list.length <= HTTP_CODINGS_MAX) return { kind: 'known', list };
  const error = (): HoldfastError =>
    new HoldfastError('HF_HTTP', {
      expected: `at most ${HTTP_CODINGS_MAX} of the codings gzip, deflate and br`,
      found: list.join(', ').slice(0, 100),
      hint: 'Send the body as it is, without Content-Encoding.',
    });
  return { kind: 'not', error };
});

async function decoded(bytes: Buffer, coding: string): Promise<Buffer> {
  const decode = DECODERS.get(coding);
  if (decode === undefined) return bytes;
  try {
    return await decode(bytes, { maxOutputLength: HTTP_BODY_BYTES_MAX });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge();
    throw new HoldfastError('HF_HTTP', {
      expected: `a body coded as ${coding}`,
      found: messageOf(cause),
      hint: 'Send the body as it is, without Content-Encoding.',
      cause,
    });
  }
}

function tooLarge(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `a body of at most ${HTTP_BODY_BYTES_MAX} bytes, also when unpacked`,
    found: 'a larger one',
    hint: 'Send less at once.',
  });
}

function cutShort(): HoldfastError {
  return new HoldfastError('HF_HTTP', {
    expected: 'a whole body',
    found: 'one whose connection ended before it',
    hint: 'Send it again.',
  });
}

function tooSlow(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `a whole body within ${HTTP_REQUEST_MS_MAX} ms`,
    found: 'one that had not ended by then',
    hint: 'Send it at once.',
  });
}
