/**
 * Is this request the opening of a WebSocket (RFC 6455 section 4.2.1), in the one form that cannot be
 * read in two ways? And which subprotocol of those it offers is spoken.
 */
import type { IncomingMessage } from 'node:http';
import { HoldfastError } from '../../../model/errors.ts';
import { headerOf, type Incoming } from '../incoming.ts';
import { SUBPROTOCOLS, type Subprotocol } from './subprotocol.ts';

/** Throws HoldfastError. */
export function requireHandshake(
  { method, headers }: Pick<Incoming, 'method' | 'headers'>,
  { httpVersion, headers: framing }: Pick<IncomingMessage, 'httpVersion' | 'headers'>,
  isAlone: boolean,
): void {
  const one = (name: string): string => {
    const [value = '', ...more] = headers.get(name) ?? [];
    return more.length > 0 ? '' : value.trim().toLowerCase();
  };
  if (method !== 'GET' || httpVersion !== '1.1') throw wrong('GET and HTTP/1.1', 'another');
  if (one('upgrade') !== 'websocket') throw wrong('Upgrade: websocket', 'another protocol');
  if (one('sec-websocket-version') !== '13') throw wrong('version 13 of WebSocket', 'another');
  if (!/^[a-z0-9+/]{22}==$/.test(one('sec-websocket-key'))) {
    throw wrong('one Sec-WebSocket-Key of 16 bytes', 'another');
  }
  if ('content-length' in framing || 'transfer-encoding' in framing) {
    throw wrong('a handshake without a body', 'one with a body');
  }
  // A client has nothing to say until it is answered; what it says is no part of a WebSocket yet.
  if (!isAlone) throw wrong('nothing before and behind the handshake', 'more');
}

/** Whatever else is offered is not repeated in any answer: some put credentials there. */
export function subprotocolOf(request: Pick<Incoming, 'headers'>): Subprotocol {
  const offered = headerOf(request, 'sec-websocket-protocol')
    .split(',')
    .map((one) => one.trim());
  const known = offered.map((one) => SUBPROTOCOLS.find((name) => name === one));
  const [first] = known;
  const isPlain = known.every((one) => one !== undefined) && new Set(known).size === known.length;
  if (first !== undefined && isPlain) return first;
  throw new HoldfastError('HF_UNSUPPORTED', {
    expected: `a WebSocket that offers ${SUBPROTOCOLS.join(' or ')} and nothing else`,
    found: headerOf(request, 'sec-websocket-protocol') === '' ? 'no subprotocol' : 'others',
    hint: 'Use a GraphQL client over WebSocket, or send ordinary requests.',
  });
}

/** Headers of a handshake that belong to it, and not to what is asked. */
export function withoutHandshake(
  headers: Readonly<Record<string, string | string[]>>,
): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('sec-websocket-')),
  );
}

function wrong(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_HTTP', {
    expected,
    found,
    hint: 'Send it in the plain form that your client library makes.',
  });
}
