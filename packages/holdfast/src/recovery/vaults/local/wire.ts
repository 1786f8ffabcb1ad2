/**
 * What Holdfast and the vault's process say to each other, over a socket pair that nobody else can
 * reach. Many calls at a time, each a lane of its own that is slowed down by whoever takes its bytes.
 *
 *   frame = length of the rest (u32) · type (u8) · lane (u32) · payload        big-endian
 *
 * `call` opens a lane (JSON), `chunk` and `end` carry a stream in either direction, `answer` (JSON) and
 * `fail` (JSON) end the call, `take` (u32) says how many bytes were taken, `cancel` that nobody wants
 * the rest. A frame that is none ends the connection: nothing is guessed.
 */
import type { Duplex } from 'node:stream';
import { VAULT_FRAME_BYTES_MAX, VAULT_WINDOW_BYTES } from '../../../model/limits.ts';

const HEAD_BYTES = 9;
const TYPES = ['call', 'chunk', 'end', 'answer', 'fail', 'take', 'cancel'] as const;
type FrameType = (typeof TYPES)[number];

export interface Frame {
  readonly type: FrameType;
  readonly lane: number;
  readonly payload: Buffer;
}

function headOf(type: FrameType, lane: number, payloadBytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(payloadBytes + HEAD_BYTES - 4, 0);
  head.writeUInt8(TYPES.indexOf(type), 4);
  head.writeUInt32BE(lane, 5);
  return head;
}

/** Frames out of chunks that are cut anywhere, and that nobody writes to later. Throws on what is none. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  read(chunk: Uint8Array): readonly Frame[] {
    const frames: Frame[] = [];
    let bytes =
      this.#rest.length === 0
        ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
        : Buffer.concat([this.#rest, chunk]);
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(0);
      const type = TYPES[bytes.readUInt8(4)];
      const isFrame = length >= HEAD_BYTES - 4 && length <= VAULT_FRAME_BYTES_MAX + HEAD_BYTES - 4;
      if (!isFrame || type === undefined) throw new Error('no frame of the vault’s wire');
      if (bytes.length < length + 4) break;
      frames.push({
        type,
        lane: bytes.readUInt32BE(5),
        payload: bytes.subarray(HEAD_BYTES, length + 4),
      });
      bytes = bytes.subarray(length + 4);
    }
    this.#rest = bytes;
    return frames;
  }
}

type End =
  | { readonly kind: 'open' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly why: unknown };

/** One call and its streams. */
export class Lane {
  readonly id: number;
  readonly #send: (type: FrameType, payload: Uint8Array) => void;
  readonly #came: Buffer[] = [];
  readonly #answer: Promise<unknown>;
  #answered: (value: unknown) => void = () => {};
  #failed: (why: unknown) => void = () => {};
  #inEnd: End = { kind: 'open' };
  #credit = VAULT_WINDOW_BYTES;
  #isCancelled = false;
  #wake: () => void = () => {};

  constructor(id: number, send: (type: FrameType, payload: Uint8Array) => void) {
    this.id = id;
    this.#send = send;
    this.#answer = new Promise((answered, failed) => {
      this.#answered = answered;
      this.#failed = failed;
    });
    this.#answer.catch(() => {});
  }

  answer(): Promise<unknown> {
    return this.#answer;
  }

  reply(value: unknown): void {
    this.#send('answer', Buffer.from(JSON.stringify(value ?? null)));
  }

  fail(why: unknown): void {
    this.#send('fail', Buffer.from(JSON.stringify(why)));
  }

  /** Sends a stream, as fast as the other side takes it. False: nobody wants the rest. */
  async send(body: AsyncIterable<Uint8Array>): Promise<boolean> {
    for await (const chunk of body) {
      for (let at = 0; at < chunk.length; at += VAULT_FRAME_BYTES_MAX) {
        while (this.#credit <= 0 && !this.#isOver()) await this.#change();
        if (this.#isOver()) return false;
        const piece = chunk.subarray(at, at + VAULT_FRAME_BYTES_MAX);
        this.#credit -= piece.length;
        this.#send('chunk', piece);
      }
    }
    this.#send('end', Buffer.alloc(0));
    return true;
  }

  /** What the other side sends. */
  async *body(): AsyncGenerator<Buffer> {
    let isWhole = false;
    try {
      while (true) {
        const chunk = this.#came.shift();
        if (chunk !== undefined) {
          yield chunk;
          const taken = Buffer.alloc(4);
          taken.writeUInt32BE(chunk.length, 0);
          this.#send('take', taken);
        } else if (this.#inEnd.kind === 'open') await this.#change();
        else {
          isWhole = true;
          if (this.#inEnd.kind === 'failed') throw this.#inEnd.why;
          return;
        }
      }
    } finally {
      if (!isWhole) this.#send('cancel', Buffer.alloc(0));
    }
  }

  /** A frame of this lane came. */
  took(frame: Frame): void {
    const { type, payload } = frame;
    if (type === 'chunk') this.#came.push(payload);
    if (type === 'end') this.#inEnd = { kind: 'ended' };
    if (type === 'take') this.#credit += payload.readUInt32BE(0);
    if (type === 'cancel') this.#isCancelled = true;
    if (type === 'answer') this.#answered(JSON.parse(payload.toString('utf8')));
    this.#wake();
  }

  /** The other side failed, or is gone. */
  broke(why: unknown): void {
    if (this.#inEnd.kind === 'open') this.#inEnd = { kind: 'failed', why };
    this.#failed(why);
    this.#wake();
  }

  #isOver(): boolean {
    return this.#isCancelled || this.#inEnd.kind === 'failed';
  }

  #change(): Promise<void> {
    return new Promise((done) => {
      this.#wake = done;
    });
  }
}

export interface WireParts {
  readonly socket: Duplex;
  /** A call from the other side. */
  readonly called: (what: unknown, lane: Lane) => void;
  /** What a `fail` of the other side is here. */
  readonly errorOf: (sent: unknown) => unknown;
  readonly ended: () => void;
}

export class Wire {
  readonly #parts: WireParts;
  readonly #lanes = new Map<number, Lane>();
  #next = 1;

  constructor(parts: WireParts) {
    this.#parts = parts;
    const reader = new FrameReader();
    parts.socket.on('data', (chunk: Buffer) => {
      try {
        for (const frame of reader.read(chunk)) this.#took(frame);
      } catch {
        parts.socket.destroy();
      }
    });
    parts.socket.on('error', () => {});
    parts.socket.on('close', () => parts.ended());
  }

  call(what: unknown): Lane {
    const lane = this.#open(this.#next);
    this.#next += 1;
    this.#write('call', lane.id, Buffer.from(JSON.stringify(what)));
    return lane;
  }

  /** The call is over; what still comes for it is nobody's. */
  forget(lane: Lane): void {
    this.#lanes.delete(lane.id);
  }

  breakAll(why: unknown): void {
    for (const lane of this.#lanes.values()) lane.broke(why);
    this.#lanes.clear();
  }

  #open(id: number): Lane {
    const lane = new Lane(id, (type, payload) => this.#write(type, id, payload));
    this.#lanes.set(id, lane);
    return lane;
  }

  #took(frame: Frame): void {
    if (frame.type === 'call') {
      this.#parts.called(JSON.parse(frame.payload.toString('utf8')), this.#open(frame.lane));
      return;
    }
    const lane = this.#lanes.get(frame.lane);
    if (frame.type !== 'fail') lane?.took(frame);
    else lane?.broke(this.#parts.errorOf(JSON.parse(frame.payload.toString('utf8'))));
  }

  #write(type: FrameType, lane: number, payload: Uint8Array): void {
    const { socket } = this.#parts;
    if (!socket.writable) return;
    socket.cork();
    socket.write(headOf(type, lane, payload.length));
    socket.write(payload);
    socket.uncork();
  }
}
