/**
 * Server-sent events (WHATWG HTML, 9.2) over fetch: an EventSource cannot show the page's secret. A stream that
 * ends or falls silent is opened again, each time after a longer pause, and goes on behind the last event that
 * came through. One that is refused stays so: whoever listens is told, and asks who is signed in.
 */
import { pageHeaders } from './page-secret.ts';
import { Problem } from './problem.ts';

export interface ServerEvent {
  /** `message` when it does not say. */
  readonly type: string;
  readonly data: string;
}

/** The gateway gives a sign of life every 15 seconds. */
const SILENCE_MS = 45_000;
const RETRY_MS = 2_000;
const RETRY_MS_MAX = 30_000;

/** Text in whatever pieces it comes; events as soon as each is whole. */
export class EventReader {
  #text = '';
  #isAfterReturn = false;
  #data: string[] = [];
  #type = '';
  #id: string | null;
  #lastEventId: string | null;
  #retryMs: number | null = null;

  constructor(lastEventId: string | null = null) {
    this.#id = lastEventId;
    this.#lastEventId = lastEventId;
  }

  /** Of the last event that was whole. */
  get lastEventId(): string | null {
    return this.#lastEventId;
  }

  /** How long the server wants to be left alone before it is asked again; null: it did not say. */
  get retryMs(): number | null {
    return this.#retryMs;
  }

  read(piece: string): readonly ServerEvent[] {
    if (piece === '') return [];
    // The second half of a CRLF that was cut in two.
    this.#text += this.#isAfterReturn && piece.startsWith('\n') ? piece.slice(1) : piece;
    this.#isAfterReturn = piece.endsWith('\r');
    const lines = this.#text.split(/\r\n|\r|\n/);
    this.#text = lines.pop() ?? '';
    return lines.flatMap((line) => this.#line(line) ?? []);
  }

  #line(line: string): ServerEvent | null {
    if (line === '') return this.#whole();
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#type = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d{1,6}$/.test(value)) this.#retryMs = Number(value);
    return null;
  }

  #whole(): ServerEvent | null {
    const [data, type] = [this.#data, this.#type];
    this.#data = [];
    this.#type = '';
    this.#lastEventId = this.#id;
    if (data.length === 0) return null;
    return { type: type === '' ? 'message' : type, data: data.join('\n') };
  }
}

export interface Listener {
  readonly opened?: () => void;
  readonly came: (event: ServerEvent) => void;
}

/**
 * One stream, to its end. Throws a Problem when it was refused, or could not be reached, or broke off; and
 * whatever aborting `signal` throws.
 */
export async function readStream(
  path: string,
  reader: EventReader,
  { came, opened }: Listener,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const leave = (): void => stop.abort();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const alive = (): void => {
    clearTimeout(timer);
    timer = setTimeout(leave, SILENCE_MS);
  };
  const { lastEventId } = reader;
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  alive();
  try {
    const response = await fetch(path, {
      credentials: 'same-origin',
      cache: 'no-store',
      headers: {
        accept: 'text/event-stream, application/problem+json',
        ...(lastEventId === null || lastEventId === '' ? {} : { 'last-event-id': lastEventId }),
        ...pageHeaders(),
      },
      signal: stop.signal,
    });
    const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
    if (!response.ok || !isEvents || response.body === null) {
      throw Problem.ofAnswer(response.status, await response.json().catch(() => null));
    }
    opened?.();
    const decoder = new TextDecoder();
    const body = response.body.getReader();
    for (;;) {
      alive();
      const { done, value } = await body.read();
      if (done) return;
      for (const event of reader.read(decoder.decode(value, { stream: true }))) {
        if (signal.aborted) return;
        came(event);
      }
    }
  } catch (error) {
    if (signal.aborted || error instanceof Problem) throw error;
    throw Problem.noAnswer();
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', leave);
  }
}

export interface KeptListener extends Listener {
  readonly opened: () => void;
  /** It is opened again by itself. */
  readonly away: () => void;
  /** It is not. */
  readonly refused: (problem: Problem) => void;
}

/** Until the returned function is called, or it is refused. */
export function keepListening(path: string, listener: KeptListener): () => void {
  const leave = new AbortController();
  void listenOn(path, listener, leave.signal);
  return () => leave.abort();
}

async function listenOn(path: string, listener: KeptListener, signal: AbortSignal): Promise<void> {
  let lastEventId: string | null = null;
  let retryMs = RETRY_MS;
  let failures = 0;
  const { away, came, opened, refused } = listener;
  const heard = {
    came,
    opened: () => {
      failures = 0;
      opened();
    },
  };
  while (!signal.aborted) {
    const reader = new EventReader(lastEventId);
    try {
      await readStream(path, reader, heard, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && isRefusal(error)) {
        away();
        refused(error);
        return;
      }
    }
    if (signal.aborted) return;
    away();
    lastEventId = reader.lastEventId;
    retryMs = reader.retryMs ?? retryMs;
    await pause(Math.min(retryMs * 2 ** failures, RETRY_MS_MAX), signal);
    failures += 1;
  }
}

/** What asking again does not change. */
function isRefusal({ status }: Problem): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      done();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });
}
