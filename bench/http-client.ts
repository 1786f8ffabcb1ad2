/**
 * The load of `npm run bench:http`, in a process of its own: keep-alive connections by raw sockets, each
 * with one request under way at most. What it was asked for stands in its argument as JSON (`LoadWish`);
 * what came of it, as one line of JSON on stdout (`LoadResult`), after a line `{"done":N}` for every
 * `sayEvery` answers. An answer that is not the one that is expected ends it with an error.
 */
import { connect, type Socket } from 'node:net';
import { ANSWER, BODY, COUNTER, PATH } from './http-words.ts';

export interface LoadWish {
  readonly port: number;
  /** An agent's token; the peers do not look at it. */
  readonly token: string;
  readonly connections: number;
  /** Requests under way at a time; the connections take turns. */
  readonly inFlight: number;
  /** Ends after so many seconds, or so many answers, whichever is first. */
  readonly seconds: number;
  readonly requests: number;
  /** No two requests have the same variables. */
  readonly isVaried: boolean;
  readonly sayEvery: number;
  /** Of `COUNTER`, so that another run has no request of this one. */
  readonly countFrom: number;
}

export interface LoadResult {
  readonly answers: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Latencies are counted by the microsecond up to here; what is longer counts as this. */
const LATENCY_US_MAX = 5_000_000;

class Load {
  readonly #wish: LoadWish;
  readonly #request: Buffer;
  readonly #counterAt: number;
  readonly #latencies = new Uint32Array(LATENCY_US_MAX + 1);
  readonly #idle: Line[] = [];
  readonly #lines: Line[] = [];
  #answers = 0;
  #sent = 0;
  #startedMs = 0;
  #ended: (result: LoadResult) => void = () => {};

  constructor(wish: LoadWish) {
    this.#wish = wish;
    const head =
      `POST ${PATH} HTTP/1.1\r\nHost: 127.0.0.1:${wish.port}\r\nAuthorization: Bearer ${wish.token}\r\n` +
      'User-Agent: bench/1.0\r\nAccept: application/json\r\nContent-Type: application/json\r\n' +
      `Content-Length: ${BODY.length}\r\n\r\n`;
    this.#request = Buffer.from(head + BODY, 'latin1');
    this.#counterAt = head.length + BODY.indexOf(COUNTER);
  }

  async run(): Promise<LoadResult> {
    const { connections, inFlight, port } = this.#wish;
    while (this.#lines.length < connections) {
      const group = Math.min(50, connections - this.#lines.length);
      const opened = Array.from({ length: group }, () =>
        Line.open(port, (us) => this.#answered(us)),
      );
      this.#lines.push(...(await Promise.all(opened)));
    }
    this.#idle.push(...this.#lines);
    return await new Promise((done) => {
      this.#ended = done;
      this.#startedMs = performance.now();
      for (let at = 0; at < inFlight; at += 1) this.#next();
    });
  }

  /** The one that has waited longest. */
  #next(): void {
    const line = this.#idle.shift();
    if (line === undefined) return;
    this.#sent += 1;
    line.send(this.#bytes(), () => this.#idle.push(line));
  }

  #bytes(): Buffer {
    if (!this.#wish.isVaried) return this.#request;
    const bytes = Buffer.from(this.#request);
    const count = String(this.#wish.countFrom + this.#sent).padStart(COUNTER.length, '0');
    bytes.write(count, this.#counterAt, 'latin1');
    return bytes;
  }

  #answered(us: number): void {
    const { requests, sayEvery, seconds } = this.#wish;
    const at = Math.min(Math.round(us), LATENCY_US_MAX);
    this.#latencies[at] = (this.#latencies[at] ?? 0) + 1;
    this.#answers += 1;
    if (this.#answers % sayEvery === 0) say({ done: this.#answers });
    const ranMs = performance.now() - this.#startedMs;
    if (this.#answers >= requests || ranMs >= seconds * 1_000) {
      for (const line of this.#lines) line.close();
      this.#ended({
        answers: this.#answers,
        seconds: ranMs / 1_000,
        p50Us: this.#percentile(0.5),
        p99Us: this.#percentile(0.99),
      });
      this.#answers = Number.NEGATIVE_INFINITY;
      return;
    }
    if (this.#answers > 0) this.#next();
  }

  #percentile(share: number): number {
    let left = this.#answers * share;
    return this.#latencies.findIndex((count) => {
      left -= count;
      return left <= 0;
    });
  }
}

/** One connection. */
class Line {
  readonly #socket: Socket;
  readonly #answered: (us: number) => void;
  #free: () => void = () => {};
  #sentMs = 0;
  #got = '';
  #isClosed = false;

  private constructor(socket: Socket, answered: (us: number) => void) {
    this.#socket = socket;
    this.#answered = answered;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => {
      if (!this.#isClosed) throw new Error('a connection was closed by the other side');
    });
  }

  static async open(port: number, answered: (us: number) => void): Promise<Line> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise((done, fail) => socket.once('connect', done).once('error', fail));
    return new Line(socket, answered);
  }

  send(bytes: Buffer, free: () => void): void {
    this.#free = free;
    this.#sentMs = performance.now();
    this.#socket.write(bytes);
  }

  close(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const us = (performance.now() - this.#sentMs) * 1_000;
    this.#got += chunk.toString('latin1');
    const head = this.#got.indexOf('\r\n\r\n');
    if (head < 0) return;
    const body = this.#got.slice(head + 4);
    const isGood = this.#got.startsWith('HTTP/1.1 200 ') && ANSWER.startsWith(body);
    if (!isGood) throw new Error(`another answer than expected: ${this.#got.slice(0, 2_000)}`);
    if (body.length < ANSWER.length) return;
    this.#got = '';
    this.#free();
    this.#answered(us);
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const wish: LoadWish = JSON.parse(process.argv[2] ?? '');
say(await new Load(wish).run());
process.exit(0);
