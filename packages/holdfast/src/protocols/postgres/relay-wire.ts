/**
 * One connection as the relay sees it: bytes come by callback, in a buffer that is used again, and go
 * out by `write`. Measured (docs/decisions/0004): with Node's 'data' events each read allocates and
 * shrinks a 64 KB slab; with `onread` and one buffer per direction the relay costs a fifth less.
 * A write goes straight to the descriptor while nothing waits in the socket's own queue: of what a
 * write by the stream costs, two thirds is the stream. What the kernel does not take, the stream does.
 *
 * Order kept: a chunk is only valid during the callback, and nothing more is read while `pause` holds.
 * A socket that cannot be taken over (TLS) falls back to 'data' events behind the same interface.
 */
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export interface RelayHandler {
  /** `bytes[0, length)` is valid until this returns. */
  onBytes(bytes: Buffer, length: number): void;
  /** The other side is gone, or the socket failed. Once. */
  onGone(reason: string): void;
}

const READ_BUFFER_BYTES = 16 * 1024;
const NOTHING = Buffer.alloc(0);

export class RelayWire {
  readonly #socket: Socket;
  /** Of a socket that was taken over; null: writes go by the stream. */
  readonly #handle: Handle | null;
  #handler: RelayHandler;
  #gone = false;
  #paused = true;
  /** What the old owner of the socket had read ahead. */
  #early: Buffer | null;

  constructor(socket: Socket, handler: RelayHandler) {
    this.#handler = handler;
    const taken = socket instanceof TLSSocket ? null : takeOver(socket, (b, n) => this.#read(b, n));
    this.#socket = taken?.socket ?? socket;
    this.#handle = taken?.handle ?? null;
    this.#early = taken?.early ?? null;
    if (taken === null) socket.on('data', (chunk: Buffer) => this.#read(chunk, chunk.length));
    this.#socket.on('error', (error: Error) => this.#leave(error.message));
    this.#socket.on('end', () => this.#leave('closed by the other side'));
    this.#socket.on('close', () => this.#leave('closed'));
    this.#socket.setNoDelay(true);
    if (taken === null) this.#socket.pause();
    // It may have gone while nobody listened; then no event will ever say so.
    if (socket.destroyed && taken === null) queueMicrotask(() => this.#leave('closed'));
  }

  get isGone(): boolean {
    return this.#gone;
  }

  /** True when written bytes still wait in our memory: then stop reading what feeds this wire. */
  get isBehind(): boolean {
    return this.#socket.writableLength > 0;
  }

  /** `bytes[from, to)` may be used again when it returns, unless the wire is behind then. */
  write(bytes: Buffer, from = 0, to = bytes.length): void {
    if (this.#gone || from >= to) return;
    const sent = this.isBehind ? 0 : this.#sendNow(bytes, from, to);
    if (from + sent < to && !this.#gone) this.#socket.write(bytes.subarray(from + sent, to));
  }

  /** How many bytes the kernel took. */
  #sendNow(bytes: Buffer, from: number, to: number): number {
    // Asked each time: once the handle closes it is negative, and its number may be another's.
    const descriptor = this.#handle?.fd ?? -1;
    if (descriptor < 0 || this.#socket.destroyed) return 0;
    try {
      return writeSync(descriptor, bytes, from, to - from, null);
    } catch {
      // Full, or failing: the stream waits for room, or finds the fault and says so.
      return 0;
    }
  }

  /** Calls back when everything written so far has left (or the wire is gone). */
  whenFlushed(done: () => void): void {
    if (this.#gone) done();
    else this.#socket.write(NOTHING, () => done());
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused || this.#gone) return;
    this.#paused = false;
    const early = this.#early;
    this.#early = null;
    if (early !== null) this.#read(early, early.length);
    if (!this.#paused) this.#socket.resume();
  }

  /** Writes last bytes and closes; whatever the other side still sends is dropped. */
  end(lastBytes?: Buffer): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#socket.resume();
    this.#socket.end(lastBytes ?? NOTHING, () => this.#socket.destroySoon());
  }

  destroy(): void {
    this.#gone = true;
    this.#socket.destroy();
  }

  #read(bytes: Buffer, length: number): void {
    if (!this.#gone) this.#handler.onBytes(bytes, length);
  }

  #leave(reason: string): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#socket.destroy();
    this.#handler.onGone(reason);
  }
}

interface Handle {
  readStop?: () => unknown;
  reading?: boolean;
  /** Negative, or not there, when it cannot be written to. */
  readonly fd?: number;
}

/**
 * Moves the handle of an accepted or connected socket into a new one that reads by `onread`. The
 * handle is reached by one underscore property; when it is not there, null, and 'data' events serve.
 */
function takeOver(
  socket: Socket,
  read: (bytes: Buffer, length: number) => void,
): { socket: Socket; handle: Handle; early: Buffer | null } | null {
  const holder = socket as unknown as { _handle?: Handle | null };
  const handle = holder._handle;
  if (!handle || typeof handle.readStop !== 'function') return null;
  socket.removeAllListeners();
  handle.readStop();
  handle.reading = false;
  const early: Buffer | null = socket.read();
  holder._handle = null;
  const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
  const options = {
    handle,
    manualStart: true,
    onread: {
      buffer,
      callback: (length: number): boolean => {
        read(buffer, length);
        return true;
      },
    },
  };
  const taken = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  // The husk gives its place in the server's count back; it no longer owns a handle to close.
  socket.destroy();
  return { socket: taken, handle, early };
}
