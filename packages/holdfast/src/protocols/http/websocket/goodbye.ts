/**
 * How a connection ends: a code and a few words, a moment for the other side to answer, then the cut.
 * Codes below 4000 are RFC 6455's, the others those of graphql-transport-ws; both subprotocols get them.
 */
import { WebSocket } from 'ws';
import type { HoldfastError } from '../../../model/errors.ts';
import { SOCKET_GOODBYE_MS } from '../../../model/limits.ts';

export const CLOSE = {
  normal: 1000,
  goingAway: 1001,
  binary: 1003,
  provider: 1014,
  noMessage: 4400,
  nobody: 4401,
  forbidden: 4403,
  initTooLate: 4408,
  idTaken: 4409,
  initTwice: 4429,
  fault: 4500,
} as const;

/** RFC 6455 section 5.5: what a control frame holds, without the code. */
const REASON_BYTES_MAX = 123;

/** Idempotent. */
export function sayGoodbye(socket: WebSocket, code: number, reason: string): void {
  if (socket.readyState === WebSocket.CONNECTING) {
    socket.terminate();
    return;
  }
  socket.close(
    code,
    Buffer.from(reason.replaceAll(/[^\x20-\x7e]/g, '?')).subarray(0, REASON_BYTES_MAX),
  );
  setTimeout(() => socket.terminate(), SOCKET_GOODBYE_MS).unref();
}

/** A code that may stand in a frame of our own; those of a library or a proxy may not. */
export function passableCode(code: number): number {
  const isOwn = code >= 3000 && code <= 4999;
  return isOwn || code === CLOSE.normal ? code : CLOSE.provider;
}

export function closeCodeOf({ code }: Pick<HoldfastError, 'code'>): number {
  switch (code) {
    case 'HF_AUTH_FAILED':
    case 'HF_CREDENTIAL_FOREIGN':
      return CLOSE.forbidden;
    case 'HF_UPSTREAM_UNREACHABLE':
      return CLOSE.provider;
    default:
      return CLOSE.fault;
  }
}
