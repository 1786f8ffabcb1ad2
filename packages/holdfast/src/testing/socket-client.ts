/** An agent at a WebSocket, by raw messages: what it sends and what comes back, as text. */
import { WebSocket } from 'ws';

export interface SocketClientOptions {
  readonly protocols?: string | readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Beyond these two, as the client of `ws` takes them. */
  readonly more?: WebSocket.ClientOptions;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class SocketClient {
  readonly socket: WebSocket;
  readonly heard: string[] = [];
  readonly closed: Promise<Closed>;
  /** The status of an upgrade that was refused, and its body; null: it was not. */
  refused: { readonly status: number; readonly body: string } | null = null;
  #told = (): void => {};

  constructor(url: string, options: SocketClientOptions = {}) {
    const { protocols = 'graphql-transport-ws', headers = {}, more = {} } = options;
    const list = typeof protocols === 'string' ? [protocols] : [...protocols];
    this.socket = new WebSocket(url, list, { headers, perMessageDeflate: false, ...more });
    this.socket.on('message', (data) => {
      this.heard.push(String(data));
      this.#told();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((done) => {
      this.socket.on('close', (code, reason) => {
        this.#told();
        done({ code, reason: reason.toString() });
      });
      this.socket.on('unexpected-response', (_request, response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () => {
          this.refused = { status: response.statusCode ?? 0, body };
          done({ code: 0, reason: body });
        });
      });
    });
  }

  /** False: it was refused. */
  async opened(): Promise<boolean> {
    const open = new Promise<boolean>((done) => this.socket.once('open', () => done(true)));
    return await Promise.race([open, this.closed.then(() => false)]);
  }

  send(...messages: readonly (string | object)[]): void {
    for (const one of messages) {
      this.socket.send(typeof one === 'string' ? one : JSON.stringify(one));
    }
  }

  /** The first message that has all of `words` in it, once it came; rejects when the connection ends. */
  async until(...words: readonly string[]): Promise<string> {
    for (;;) {
      const found = this.heard.find((text) => words.every((word) => text.includes(word)));
      if (found !== undefined) return found;
      if (this.socket.readyState === WebSocket.CLOSED) {
        const { code, reason } = await this.closed;
        throw new Error(`ended (${code} ${reason}) before ${words.join(', ')}: ${this.heard}`);
      }
      await new Promise<void>((done) => {
        this.#told = done;
      });
    }
  }
}
