/**
 * The body of a request: whole, within limits, and without any content coding. What is judged is what
 * is sent on, under a length of our own: nothing of the sender's framing is left to be read in two ways.
 */
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate } from 'node:zlib';
import { HoldfastError } from '../../model/errors.ts';
import { HTTP_BODY_BYTES_MAX, HTTP_CODINGS_MAX, HTTP_REQUEST_MS_MAX } from '../../model/limits.ts';
import { headerOf, type Incoming } from './incoming.ts';

type Decode = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>;

const DECODERS: ReadonlyMap<string, Decode> = new Map([
  ['gzip', promisify(gunzip)],
  ['x-gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
]);

/** Throws HF_LIMIT or HF_HTTP; rejects with the socket's own error when the sender goes away. */
export async function readBody(request: Incoming): Promise<Buffer> {
  const codings = codingsOf(request);
  const chunks: Buffer[] = [];
  let size = 0;
  const late = setTimeout(() => request.body.destroy(tooSlow()), HTTP_REQUEST_MS_MAX);
  try {
    for await (const chunk of request.body) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > HTTP_BODY_BYTES_MAX) throw tooLarge();
      chunks.push(chunk);
    }
  } finally {
    clearTimeout(late);
  }
  let body: Buffer = Buffer.concat(chunks);
  for (const coding of codings.reverse()) body = await decoded(body, coding);
  return body;
}

function codingsOf(request: Incoming): string[] {
  const codings = headerOf(request, 'content-encoding')
    .split(',')
    .map((one) => one.trim().toLowerCase())
    .filter((one) => one !== '' && one !== 'identity');
  const unknown = codings.find((one) => !DECODERS.has(one));
  if (unknown === undefined && codings.length <= HTTP_CODINGS_MAX) return codings;
  throw new HoldfastError('HF_HTTP', {
    expected: `at most ${HTTP_CODINGS_MAX} of the codings gzip, deflate and br`,
    found: codings.join(', ').slice(0, 100),
    hint: 'Send the body as it is, without Content-Encoding.',
  });
}

async function decoded(bytes: Buffer, coding: string): Promise<Buffer> {
  const decode = DECODERS.get(coding);
  if (decode === undefined) return bytes;
  try {
    return await decode(bytes, { maxOutputLength: HTTP_BODY_BYTES_MAX });
  } catch (cause) {
    if (cause instanceof RangeError) throw tooLarge();
    throw new HoldfastError('HF_HTTP', {
      expected: `a body coded as ${coding}`,
      found: cause instanceof Error ? cause.message : String(cause),
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

function tooSlow(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `a whole body within ${HTTP_REQUEST_MS_MAX} ms`,
    found: 'one that had not ended by then',
    hint: 'Send it at once.',
  });
}
