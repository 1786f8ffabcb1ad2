/**
 * The agent's socket: what comes from it in turn, what is written to it, whether it takes that, and
 * whether anybody is still there.
 */
import type { RawData, WebSocket } from 'ws';
import {
  SOCKET_IDLE_MS_MAX,
  SOCKET_MESSAGES_PER_SECOND_MAX,
  SOCKET_PING_MS,
  SOCKET_WAITING_BYTES_MAX,
} from '../../../model/limits.ts';
import { CLOSE, sayGoodbye } from './goodbye.ts';
import { Inbox } from './inbox.ts';

export interface NearSideParts<State> {
  readonly socket: WebSocket;
  /** When a message came in, whenever its turn is. */
  readonly state: () => State;
  /** One message; the next waits for it. Never rejects. */
  readonly hear: (text: Buffer, state: State) => Promise<void> | undefined;
  /** It does not take what is there, and does again. */
  readonly full: (isFull: boolean) => void;
  /** Nothing is under way: then silence may end it. */
  readonly isIdle: () => boolean;
  /** What came is no message. */
  readonly wrong: (code: number, words: string) => void;
  /** Nobody is there any more. */
  readonly dead: (code: number, words: string) => void;
  /** The socket is gone. */
  readonly gone: () => void;
  readonly faulty: (words: string) => void;
}

/** Null: a ping, which takes its turn like a message. */
interface Said<State> {
  readonly text: Buffer | null;
  readonly state: State;
}

export class NearSide<State> {
  readonly #parts: NearSideParts<State>;
  readonly #inbox: Inbox<Said<State>>;
  readonly #pings: NodeJS.Timeout;
  /** Called when what waited was taken. */
  #room: (() => void) | null = null;
  #isAlive = true;
  #silentMs = 0;
  #isOver = false;

  constructor(parts: NearSideParts<State>) {
    this.#parts = parts;
    const { socket } = parts;
    this.#inbox = new Inbox(socket, SOCKET_MESSAGES_PER_SECOND_MAX, (said) => this.#turn(said));
    this.#pings = setInterval(() => this.#lookForLife(), SOCKET_PING_MS).unref();
    socket.on('pong', () => {
      this.#isAlive = true;
    });
    socket.on('ping', () => this.#said(null));
    socket.on('message', (data: RawData, isBinary: boolean) => {
      if (!isBinary && Buffer.isBuffer(data)) this.#said(data);
      else parts.wrong(CLOSE.binary, 'a binary message');
    });
    // The library has told the agent already, with the code that fits.
    socket.on('error', (error) => parts.faulty(error.message));
    socket.on('close', () => parts.gone());
  }

  send(text: string): void {
    const { socket, full } = this.#parts;
    if (this.#isOver) return;
    socket.send(text, () => {
      if (this.#isOver || this.#isFull) return;
      full(false);
      this.#room?.();
      this.#room = null;
    });
    if (this.#isFull) full(true);
  }

  /** Idempotent. `isAtOnce`: without a word. */
  end(code: number, words: string, isAtOnce: boolean): void {
    const { socket } = this.#parts;
    if (!this.#isOver) {
      this.#isOver = true;
      clearInterval(this.#pings);
      this.#inbox.end();
      this.#room?.();
      // Its goodbye may stand behind what is not read any more.
      socket.resume();
      sayGoodbye(socket, code, words);
    }
    if (isAtOnce) socket.terminate();
  }

  get #isFull(): boolean {
    return !this.#isOver && this.#parts.socket.bufferedAmount > SOCKET_WAITING_BYTES_MAX;
  }

  #said(text: Buffer | null): void {
    this.#isAlive = true;
    this.#inbox.add({ text, state: this.#parts.state() });
  }

  /** Whoever does not take our answers is asked for no more questions. */
  #turn({ text, state }: Said<State>): Promise<void> | undefined {
    if (this.#isFull) {
      const room = new Promise<void>((done) => {
        this.#room = done;
      });
      return room.then(() => this.#turn({ text, state }));
    }
    if (text === null || this.#isOver) return undefined;
    this.#silentMs = 0;
    return this.#parts.hear(text, state);
  }

  #lookForLife(): void {
    const { socket, dead, isIdle } = this.#parts;
    this.#silentMs = isIdle() ? this.#silentMs + SOCKET_PING_MS : 0;
    // While it stands paused by us no sign of life can be heard, unless it is because it takes nothing.
    const mayBeThere = this.#isAlive || (socket.isPaused && !this.#isFull);
    if (this.#silentMs >= SOCKET_IDLE_MS_MAX) {
      dead(CLOSE.normal, 'nothing was asked for a long time');
    } else if (!mayBeThere) {
      dead(CLOSE.goingAway, 'no sign of life');
    } else {
      this.#isAlive = false;
      socket.ping();
    }
  }
}
