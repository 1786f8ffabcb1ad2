/**
 * A login's two hands on a connection: a feed to read from and `write`. Whoever owns the socket
 * connects the two (`attachWire` does it with 'data' events; an `onread` callback may do it instead).
 */
import type { Socket } from 'node:net';
import { HoldfastError } from '../../model/errors.ts';
import { ByteFeed } from './byte-feed.ts';

export interface Wire {
  readonly feed: ByteFeed;
  write(bytes: Uint8Array): void;
}

export interface AttachedWire extends Wire {
  /**
   * Takes our listeners off and leaves the socket paused, nothing lost: what was read and not used is
   * in the feed. One listener stays, an 'error' one that does nothing, so that a reset in between
   * does not end the process; the socket is then `destroyed`.
   */
  detach(): void;
}

/** `pushed`: the socket has an `onread` buffer, and its owner pushes each chunk into the feed. */
export function attachWire(
  socket: Socket,
  bytesMax: number,
  chunks: 'by-events' | 'pushed' = 'by-events',
): AttachedWire {
  const feed = new ByteFeed(bytesMax);
  const onData = (chunk: Buffer): void => feed.push(chunk);
  const onEnd = (): void => feed.end();
  const onError = (error: Error): void => feed.end(error);
  if (!socket.listeners('error').includes(ignore)) socket.on('error', ignore);
  if (chunks === 'by-events') socket.on('data', onData);
  socket.on('end', onEnd).on('close', onEnd).on('error', onError);
  if (socket.destroyed || socket.readableEnded) feed.end();
  return {
    feed,
    write: (bytes) => {
      if (!socket.destroyed && socket.writable) socket.write(bytes);
    },
    detach: () => {
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('close', onEnd).off('error', onError);
    },
  };
}

function ignore(): void {}

export interface TaggedMessage {
  /** One character: 'R', 'E', 'p'. */
  readonly tag: string;
  readonly body: Buffer;
}

/** One message after the startup packet: tag, length, body. Throws HF_PROTOCOL or HF_LIMIT. */
export async function readMessage(feed: ByteFeed, bodyBytesMax: number): Promise<TaggedMessage> {
  const head = await feed.read(5);
  const tag = head.toString('latin1', 0, 1);
  const bodyBytes = head.readInt32BE(1) - 4;
  if (bodyBytes < 0 || bodyBytes > bodyBytesMax) {
    throw new HoldfastError(bodyBytes < 0 ? 'HF_PROTOCOL' : 'HF_LIMIT', {
      expected: `a login message of at most ${bodyBytesMax} bytes`,
      found: `one that says it has ${bodyBytes}`,
      hint: 'Is this a PostgreSQL connection?',
    });
  }
  return { tag, body: await feed.read(bodyBytes) };
}
