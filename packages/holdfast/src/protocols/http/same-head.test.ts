/**
 * What is worked out once for equal heads of one connection (`per-head.ts`) must not answer for a request
 * that differs in anything its answer hangs on. Each row is one connection, kept alive.
 */
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { type HttpGateway, startHttpGateway } from '../../testing/http-gateway.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { Authority } from './authority.ts';

const authority = await Authority.load(scratchFolder('authority'), systemClock);
let gateway: HttpGateway;
let line: Line;

beforeEach(async () => {
  gateway = await startHttpGateway(authority);
  line = await Line.open(gateway.port);
});
afterEach(async () => {
  line.close();
  await gateway.close();
});

class Line {
  readonly #socket: Socket;
  #got = '';
  #woken = (): void => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => {
      this.#got += chunk.toString('latin1');
      this.#woken();
    });
    socket.on('error', () => {});
    socket.on('close', () => this.#woken());
  }

  static async open(port: number): Promise<Line> {
    const socket = connect(port, '127.0.0.1');
    await new Promise((done) => socket.once('connect', done));
    return new Line(socket);
  }

  /** Sends one request; the status of its answer, null when the connection ended without one. */
  async ask(first: string, headers: readonly string[], body = ''): Promise<string | null> {
    this.#got = '';
    const length = `Content-Length: ${Buffer.byteLength(body, 'latin1')}`;
    const text = [`${first} HTTP/1.1`, 'Host: x', ...headers, length, '', body].join('\r\n');
    this.#socket.write(text, 'latin1');
    for (;;) {
      const [head, answer] = this.#got.split('\r\n\r\n');
      const bytes = Number(/content-length: (\d+)/i.exec(head ?? '')?.[1] ?? Number.NaN);
      const isWhole = answer !== undefined && (answer.length >= bytes || /0\r\n$/.test(this.#got));
      const status = /^HTTP\/1\.1 (\d{3})/.exec(this.#got)?.[1];
      if (isWhole || this.#got.endsWith('0\r\n\r\n')) return status ?? null;
      if (this.#socket.destroyed) return status ?? null;
      await new Promise<void>((done) => {
        this.#woken = done;
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

const bearer = (token: string): string => `Authorization: Bearer ${token}`;
const decided = (): readonly string[] => gateway.recorder.decisions.map(({ verdict }) => verdict);

describe('an equal head', () => {
  it('passes again, and each request is recorded', async () => {
    const head = [bearer(gateway.token)];
    for (let at = 0; at < 3; at += 1) expect(await line.ask('GET /plain/read', head)).toBe('200');
    expect(gateway.recorder.reads).toHaveLength(3);
  });

  it('of a token that has ended meanwhile is refused', async () => {
    const head = [bearer(gateway.token)];
    expect(await line.ask('GET /plain/read', head)).toBe('200');
    gateway.tokens.end('token_a');
    expect(await line.ask('GET /plain/read', head)).toBe('401');
    expect(gateway.server.seen).toHaveLength(1);
  });

  it('of a token that was issued meanwhile is let in', async () => {
    const other = gateway.tokens.issue('token_b');
    gateway.tokens.end('token_b');
    expect(await line.ask('GET /plain/read', [bearer(other)])).toBe('401');
    expect(await line.ask('GET /plain/read', [bearer(gateway.token)])).toBe('200');
  });

  it('with another path is judged by that', async () => {
    const head = [bearer(gateway.token)];
    expect(await line.ask('POST /plain/change', head)).toBe('200');
    expect(await line.ask('POST /plain/destroy', head)).toBe('403');
    expect(decided()).toEqual(['forward', 'hold']);
    expect(gateway.server.seen.map(({ url }) => url)).toEqual(['/change']);
  });

  it('with another method is judged by that', async () => {
    const head = [bearer(gateway.token)];
    expect(await line.ask('GET /plain/destroy', head)).toBe('200');
    expect(await line.ask('POST /plain/destroy', head)).toBe('403');
    expect(gateway.server.seen.map(({ method }) => method)).toEqual(['GET']);
  });

  it.each([
    ['/other/read', '404'],
    ['/plain//read', '400'],
    ['/plain/x/../read', '400'],
  ])('with the path %s is another route', async (path, status) => {
    const head = [bearer(gateway.token)];
    expect(await line.ask('GET /plain/read', head)).toBe('200');
    expect(await line.ask(`GET ${path}`, head)).toBe(status);
    expect(gateway.server.seen).toHaveLength(1);
  });

  it('does not vouch for a body in letters that are others to the server', async () => {
    const head = [bearer(gateway.token), 'Content-Type: application/json; charset=iso-8859-1'];
    expect(await line.ask('POST /plain/change', head, '{"a":"e"}')).toBe('200');
    expect(await line.ask('POST /plain/change', head, '{"a":"\u00e9"}')).toBe('400');
    expect(gateway.server.seen).toHaveLength(1);
  });

  it('has bodies of any length, each sent on under its own', async () => {
    const head = [bearer(gateway.token), 'Content-Type: application/json'];
    const bodies = ['{}', '{"a":1}', '', '{"abc":[1,2,3]}', '{}'];
    for (const body of bodies) expect(await line.ask('POST /plain/change', head, body)).toBe('200');
    const { seen } = gateway.server;
    expect(seen.map(({ body }) => body.toString())).toEqual(bodies);
    expect(seen.map(({ headers }) => headers['content-length'])).toEqual([
      '2',
      '7',
      '0',
      '15',
      '2',
    ]);
  });

  it('that was refused for its credential raises the alarm each time', async () => {
    const head = ['Authorization: Bearer somebody-elses-real-token'];
    for (let at = 0; at < 2; at += 1) expect(await line.ask('GET /plain/read', head)).toBe('403');
    const alarms = gateway.recorder.events.filter(({ kind }) => kind === 'foreign-credential');
    expect(alarms).toHaveLength(2);
  });
});

describe('a head that differs a little from the one before', () => {
  it.each<[string, (token: string) => readonly string[], string]>([
    ['another credential', () => ['Authorization: Bearer real-credential-of-mine'], '403'],
    ['a credential beside it', (token) => [bearer(token), 'Plain-Token: a-real-one'], '403'],
    ['no credential', () => ['X-Other: Bearer'], '401'],
    ['the last digit of the token', (token) => [bearer(`${token.slice(0, -1)}~`)], '403'],
    [
      'two media types',
      (token) => [bearer(token), 'Content-Type: a/b', 'Content-Type: c/d'],
      '400',
    ],
    ['a coding', (token) => [bearer(token), 'Content-Encoding: zstd'], '400'],
    ['two Hosts', (token) => ['Host: y', bearer(token)], '400'],
  ])('by %s is looked at anew', async (_what, other, status) => {
    const head = [bearer(gateway.token)];
    expect(await line.ask('GET /plain/read', head)).toBe('200');
    expect(await line.ask('GET /plain/read', other(gateway.token))).toBe(status);
    expect(gateway.server.seen).toHaveLength(1);
  });

  it('by a name in Connection, that header is not passed on', async () => {
    const head = [bearer(gateway.token), 'X-Mine: 1'];
    await line.ask('GET /plain/read', head);
    await line.ask('GET /plain/read', [...head, 'Connection: keep-alive, X-Mine']);
    await line.ask('GET /plain/read', head);
    expect(gateway.server.seen.map(({ headers }) => headers['x-mine'])).toEqual([
      '1',
      undefined,
      '1',
    ]);
  });

  it('by its agent, is of the other agent', async () => {
    const other = gateway.tokens.issue('token_b');
    for (const token of [gateway.token, other, gateway.token]) {
      expect(await line.ask('GET /plain/read', [bearer(token)])).toBe('200');
    }
    const opened = gateway.recorder.events.filter(({ kind }) => kind === 'session-opened');
    expect(opened.map(({ facts }) => facts['agent'])).toEqual(['agent-token_a', 'agent-token_b']);
  });
});
