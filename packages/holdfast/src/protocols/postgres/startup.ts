/**
 * The first packets of a connection, as a function over bytes (PostgreSQL manual, "Start-up" and
 * "Message Formats"). A packet before the login has no tag: length, then a code that is either a
 * protocol version or one of three requests.
 *
 * It reads and does not judge: which settings may pass is `startup-parameters.ts`.
 */
import { CANCEL_REQUEST_CODE, GSSENC_REQUEST_CODE, SSL_REQUEST_CODE } from './messages.ts';

export type StartupParameter = readonly [name: string, value: string];

export type FirstPacket =
  | { readonly kind: 'ssl' }
  | { readonly kind: 'gssenc' }
  | { readonly kind: 'cancel'; readonly processId: number; readonly secret: Buffer }
  | {
      readonly kind: 'startup';
      /** The minor version asked for; the major one is 3. */
      readonly minor: number;
      readonly parameters: readonly StartupParameter[];
    }
  | { readonly kind: 'other-protocol'; readonly major: number; readonly minor: number }
  | { readonly kind: 'malformed'; readonly why: string };

/** Protocol 3.2 lets a cancel key grow to this many bytes. */
const CANCEL_SECRET_BYTES_MAX = 256;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** `body`: the packet without its length word; at least 4 bytes. */
export function parseFirstPacket(body: Buffer): FirstPacket {
  if (body.length < 4) return { kind: 'malformed', why: 'a packet without a protocol version' };
  const code = body.readUInt32BE(0);
  const rest = body.subarray(4);
  if (code === SSL_REQUEST_CODE || code === GSSENC_REQUEST_CODE) {
    const kind = code === SSL_REQUEST_CODE ? 'ssl' : 'gssenc';
    return rest.length === 0
      ? { kind }
      : { kind: 'malformed', why: 'an encryption request with something inside' };
  }
  if (code === CANCEL_REQUEST_CODE) return parseCancel(rest);
  const major = code >>> 16;
  const minor = code & 0xffff;
  if (major !== 3) return { kind: 'other-protocol', major, minor };
  return parseParameters(minor, rest);
}

function parseCancel(rest: Buffer): FirstPacket {
  const secretBytes = rest.length - 4;
  if (secretBytes < 4 || secretBytes > CANCEL_SECRET_BYTES_MAX) {
    return { kind: 'malformed', why: 'a cancel request with a key of the wrong length' };
  }
  return {
    kind: 'cancel',
    processId: rest.readInt32BE(0),
    secret: Buffer.from(rest.subarray(4)),
  };
}

/** name NUL value NUL ... NUL, and nothing behind the last NUL. */
function parseParameters(minor: number, rest: Buffer): FirstPacket {
  const parameters: StartupParameter[] = [];
  let at = 0;
  while (true) {
    const name = stringAt(rest, at);
    if (!name.ok) return { kind: 'malformed', why: name.why };
    at = name.next;
    if (name.text === '') break;
    const value = stringAt(rest, at);
    if (!value.ok) return { kind: 'malformed', why: value.why };
    at = value.next;
    parameters.push([name.text, value.text]);
  }
  if (at !== rest.length) {
    return { kind: 'malformed', why: 'bytes behind the terminator of the startup packet' };
  }
  return { kind: 'startup', minor, parameters };
}

type StringAt =
  | { readonly ok: true; readonly text: string; readonly next: number }
  | { readonly ok: false; readonly why: string };

function stringAt(bytes: Buffer, at: number): StringAt {
  const end = bytes.indexOf(0, at);
  if (end < 0) return { ok: false, why: 'a startup packet whose last string has no end' };
  try {
    return { ok: true, text: utf8.decode(bytes.subarray(at, end)), next: end + 1 };
  } catch {
    return { ok: false, why: 'a startup packet with text that is not UTF-8' };
  }
}
