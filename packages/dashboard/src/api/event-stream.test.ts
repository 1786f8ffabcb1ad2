import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventReader, keepListening, type ServerEvent } from './event-stream.ts';
import type { Problem } from './problem.ts';

const TEXT =
  'retry: 500\r\n\r\n: here\r\nid: 7\r\ndata: {"kind":"hold"}\r\n\r\nevent: signed-out\r\ndata: one\r\ndata: zwei ü\r\n\r\ndata: never whole';
const EVENTS = [
  { type: 'message', data: '{"kind":"hold"}' },
  { type: 'signed-out', data: 'one\nzwei ü' },
];

describe('events', () => {
  it.each([
    ['CRLF', '\r\n'],
    ['LF', '\n'],
    ['CR', '\r'],
  ])('are the same wherever the text is cut, with lines that end in %s', (_, end) => {
    const text = TEXT.replaceAll('\r\n', end);
    for (let size = 1; size <= text.length; size += 1) {
      const reader = new EventReader();
      const events: ServerEvent[] = [];
      for (let at = 0; at < text.length; at += size) {
        events.push(...reader.read(text.slice(at, at + size)));
      }
      expect(events).toEqual(EVENTS);
      expect([reader.lastEventId, reader.retryMs]).toEqual(['7', 500]);
    }
  });

  it.each<readonly [story: string, text: string, events: readonly ServerEvent[]]>([
    ['a comment alone is none', ': here\n\n', []],
    ['an id alone is none', 'id: 9\n\n', []],
    ['a field without a value is empty', 'data\n\n', [{ type: 'message', data: '' }]],
    ['one space behind the colon is not said', 'data:  x\n\n', [{ type: 'message', data: ' x' }]],
    [
      'a field that nobody knows says nothing',
      'data: x\nfoo: y\n\n',
      [{ type: 'message', data: 'x' }],
    ],
    ['a type lasts for one event', 'event: a\n\ndata: x\n\n', [{ type: 'message', data: 'x' }]],
    ['a line of ours is no field', 'data: x\n data: y\n\n', [{ type: 'message', data: 'x' }]],
  ])('%s', (_, text, events) => {
    expect(new EventReader().read(text)).toEqual(events);
  });

  it('count as come through only when they are whole, and an odd pause is none', () => {
    const reader = new EventReader('3');
    reader.read('id: 4\ndata: x\n');
    expect(reader.lastEventId).toBe('3');
    reader.read('\n');
    expect(reader.lastEventId).toBe('4');
    reader.read('id: 5\0\nretry: soon\nretry: 99999999\n\n');
    expect([reader.lastEventId, reader.retryMs]).toEqual(['4', null]);
  });
});

/** A server whose every answer is written by hand. */
class Server {
  readonly asked: Headers[] = [];
  readonly #answers: (() => Response)[] = [];

  next(answer: () => Response): void {
    this.#answers.push(answer);
  }

  readonly fetch = async (_: string, { headers, signal }: RequestInit): Promise<Response> => {
    this.asked.push(new Headers(headers));
    const answer = this.#answers.shift();
    if (answer === undefined) throw new TypeError('fetch failed');
    const response = answer();
    signal?.addEventListener('abort', () => this.#pipes.get(response)?.error(new Error('aborted')));
    return response;
  };

  readonly #pipes = new Map<Response, ReadableStreamDefaultController<Uint8Array>>();

  stream(): { response: Response; say: (bytes: Uint8Array | string) => void; end: () => void } {
    let pipe: ReadableStreamDefaultController<Uint8Array> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        pipe = controller;
      },
    });
    const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    if (pipe !== undefined) this.#pipes.set(response, pipe);
    return {
      response,
      say: (bytes) =>
        pipe?.enqueue(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes),
      end: () => pipe?.close(),
    };
  }
}

describe('a stream', () => {
  let server: Server;
  let events: ServerEvent[];
  let turns: string[];
  let stop: () => void;
  const listen = (): void => {
    stop = keepListening('/v1/events', {
      opened: () => turns.push('opened'),
      away: () => turns.push('away'),
      refused: ({ status }: Problem) => turns.push(`refused ${status}`),
      came: (event) => events.push(event),
    });
  };
  const settle = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
  beforeEach(() => {
    vi.useFakeTimers();
    server = new Server();
    events = [];
    turns = [];
    vi.stubGlobal('fetch', server.fetch);
    vi.stubGlobal('window', { localStorage: { getItem: () => 'hfp_of_this_page' } });
  });
  afterEach(() => {
    stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('shows the page’s secret, and reads letters that were cut in two', async () => {
    const { response, say } = server.stream();
    server.next(() => response);
    listen();
    await settle();
    const bytes = new TextEncoder().encode('data: ü\n\n');
    say(bytes.slice(0, 7));
    await settle();
    say(bytes.slice(7));
    await settle();
    expect(events).toEqual([{ type: 'message', data: 'ü' }]);
    expect(server.asked.map((headers) => headers.get('x-holdfast-page'))).toEqual([
      'hfp_of_this_page',
    ]);
  });

  it('goes on behind the last event that was whole, after the pause that the server asked for', async () => {
    const [first, second] = [server.stream(), server.stream()];
    server.next(() => first.response);
    server.next(() => second.response);
    listen();
    first.say('retry: 700\n\nid: 12\ndata: x\n\nid: 13\ndata: cut');
    first.end();
    await settle(699);
    expect([server.asked.length, turns]).toEqual([1, ['opened', 'away']]);
    await settle(1);
    expect(turns).toEqual(['opened', 'away', 'opened']);
    expect(server.asked[1]?.get('last-event-id')).toBe('12');
    expect(events).toHaveLength(1);
  });

  it('waits longer each time that there is no answer, and never more than half a minute', async () => {
    listen();
    await settle();
    const pauses: number[] = [];
    for (let asked = 1; asked < 8; asked += 1) {
      let ms = 0;
      for (; server.asked.length === asked; ms += 1_000) await settle(1_000);
      pauses.push(ms);
    }
    expect(pauses).toEqual([2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
    const { response } = server.stream();
    server.next(() => response);
    await settle(30_000);
    expect(turns.at(-1)).toBe('opened');
  });

  it('asks again when there are too many or something broke, and not when it is refused', async () => {
    const no = (status: number) => () => Response.json({ code: 'HF_X' }, { status });
    server.next(no(429));
    server.next(no(503));
    server.next(no(401));
    listen();
    await settle(60_000);
    expect(server.asked).toHaveLength(3);
    expect(turns).toEqual(['away', 'away', 'away', 'refused 401']);
  });

  it('takes silence for an end, and a sign of life for none', async () => {
    const [first, second] = [server.stream(), server.stream()];
    server.next(() => first.response);
    server.next(() => second.response);
    listen();
    for (let beat = 0; beat < 10; beat += 1) {
      await settle(15_000);
      first.say(': here\n\n');
    }
    await settle();
    expect(turns).toEqual(['opened']);
    await settle(47_000);
    expect(turns).toEqual(['opened', 'away', 'opened']);
  });

  it('is not read as one when it is something else', async () => {
    server.next(
      () => new Response('<html>data: x\n\n', { headers: { 'content-type': 'text/html' } }),
    );
    listen();
    await settle(1_000);
    expect([events, turns]).toEqual([[], ['away']]);
  });

  it('says nothing more once nobody listens', async () => {
    const { response, say } = server.stream();
    server.next(() => response);
    listen();
    await settle();
    stop();
    await settle(120_000);
    expect(() => say('data: x\n\n')).toThrow();
    expect([events, turns, server.asked.length]).toEqual([[], ['opened'], 1]);
  });
});
