/**
 * The way to a provider's API for one connection of an agent: a WebSocket of our own, with the real
 * credential in the header of its handshake. Of what the agent put into `connection_init` nothing is sent.
 *
 * What it will not do: follow a redirect, talk to a host whose certificate nobody vouches for, unpack,
 * connect a second time.
 */
import { WebSocket } from 'ws';
import { HoldfastError } from '../../../model/errors.ts';
import {
  SOCKET_ANSWER_BYTES_MAX,
  SOCKET_FRAGMENTS_MAX,
  SOCKET_INIT_MS_MAX,
  SOCKET_PING_MS,
} from '../../../model/limits.ts';
import type { Provider } from '../../../providers/provider.ts';
import { CLOSE, passableCode, sayGoodbye } from './goodbye.ts';
import {
  INIT,
  PONG,
  type ProviderMessage,
  providerMessage,
  type Subprotocol,
} from './subprotocol.ts';

export interface FarSideParts {
  readonly provider: Provider;
  readonly path: string;
  readonly subprotocol: Subprotocol;
  /** Of the agent's handshake, without those that are not sent on. */
  readonly headers: Readonly<Record<string, string | string[]>>;
  /** Results, failures and ends of operations, in order. */
  readonly said: (message: ProviderMessage) => void;
  /** Once, after `open` resolved and unless `end` was called. */
  readonly gone: (code: number, words: string) => void;
}

export class FarSide {
  readonly #parts: FarSideParts;
  #socket: WebSocket | null = null;
  #isAcked = false;
  #isOver = false;
  #isAlive = true;
  #pings: NodeJS.Timeout | null = null;

  constructor(parts: FarSideParts) {
    this.#parts = parts;
  }

  /** The payload of the provider's `connection_ack`, as text. Rejects with HoldfastError. */
  async open(): Promise<string | null> {
    const { provider, path, subprotocol, headers } = this.#parts;
    const origin = provider.originOf?.(path) ?? provider.origin;
    const credential = await provider.credential();
    if (this.#isOver) throw this.#unreached('the agent had gone');
    const socket = new WebSocket(new URL(path, origin), [subprotocol], {
      headers: { ...headers, ...credential },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: SOCKET_ANSWER_BYTES_MAX,
      maxFragments: SOCKET_FRAGMENTS_MAX,
      handshakeTimeout: SOCKET_INIT_MS_MAX,
    });
    this.#socket = socket;
    return await this.#acknowledged(socket);
  }

  /** Resolves when it is written, or never will be. */
  send(text: string): Promise<void> {
    const socket = this.#socket;
    if (socket === null || this.#isOver) return Promise.resolve();
    return new Promise((done) => socket.send(text, () => done()));
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  /** Idempotent. `isAtOnce`: without a word. */
  end(isAtOnce: boolean): void {
    this.#isOver = true;
    if (this.#pings !== null) clearInterval(this.#pings);
    const socket = this.#socket;
    if (socket === null) return;
    if (isAtOnce) socket.terminate();
    else sayGoodbye(socket, CLOSE.normal, '');
  }

  #acknowledged(socket: WebSocket): Promise<string | null> {
    return new Promise((done, fail) => {
      const late = setTimeout(() => no('no answer to connection_init'), SOCKET_INIT_MS_MAX);
      const no = (words: string): void => {
        clearTimeout(late);
        this.end(true);
        fail(this.#unreached(words));
      };
      let why = 'the connection ended';
      socket.on('open', () => socket.send(INIT));
      socket.on('error', (error) => {
        why = error.message;
      });
      socket.on('close', (code, reason) => {
        const words = reason.length > 0 ? `${code} ${reason.toString().slice(0, 100)}` : why;
        if (this.#isAcked) this.#lost(passableCode(code), words);
        else no(words);
      });
      socket.on('pong', () => {
        this.#isAlive = true;
      });
      socket.on('message', (data, isBinary) => {
        this.#isAlive = true;
        const message: ProviderMessage =
          isBinary || !Buffer.isBuffer(data)
            ? { kind: 'unreadable', why: 'Expected text, found a binary message.' }
            : providerMessage(this.#parts.subprotocol, data);
        if (message.kind === 'ping') void this.send(PONG);
        else if (this.#isAcked) this.#heard(message);
        else if (message.kind === 'ack') {
          clearTimeout(late);
          this.#isAcked = true;
          this.#pings = setInterval(() => this.#lookForLife(socket), SOCKET_PING_MS).unref();
          done(message.payload);
        } else if (message.kind !== 'pong') no(`${message.kind} in the place of connection_ack`);
      });
    });
  }

  #heard(message: ProviderMessage): void {
    if (this.#isOver) return;
    if (message.kind === 'unreadable') this.#lost(CLOSE.provider, message.why);
    else if (message.kind !== 'pong') this.#parts.said(message);
  }

  /** While it stands paused, no sign of life can be heard. */
  #lookForLife(socket: WebSocket): void {
    if (socket.isPaused) return;
    if (!this.#isAlive) return this.#lost(CLOSE.provider, 'it gave no sign of life');
    this.#isAlive = false;
    socket.ping();
  }

  #lost(code: number, words: string): void {
    if (this.#isOver) return;
    this.end(true);
    this.#parts.gone(code, words);
  }

  #unreached(found: string): HoldfastError {
    const { name } = this.#parts.provider;
    return new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
      expected: `a WebSocket to ${name}`,
      found,
      hint: 'Nothing was sent. Try again, or use ordinary requests.',
    });
  }
}
