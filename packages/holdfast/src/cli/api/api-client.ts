/**
 * The command line's side of the API, typed by its contract: a route's name and what it wants in, the
 * route's answer out. An answer is taken only as the contract describes it, and within ANSWER_BYTES_MAX;
 * a problem becomes the same HoldfastError that the server threw, so that words and exit codes are the
 * same wherever the server is. What a server says is shown inert.
 */
import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import { ROUTES, type RouteName, type Routes } from '../../api/contract/index.ts';
import type { Route } from '../../api/contract/route.ts';
import { ERRORS, type ErrorCode, HoldfastError } from '../../model/errors.ts';
import { API_PAGE_MAX } from '../../model/limits.ts';
import { visible } from '../print.ts';
import type { Response, Transport } from './transport.ts';

type Part<Name extends string, Schema extends z.ZodType> =
  Record<string, never> extends z.input<Schema>
    ? { readonly [K in Name]?: z.input<Schema> }
    : { readonly [K in Name]: z.input<Schema> };

export type AskOf<R extends Route> = Part<'params', R['params']> &
  Part<'query', R['query']> &
  Part<'body', R['body']>;

type Answers = { readonly [N in RouteName]: z.output<Routes[N]['answer']> };
export type AnswerOf<N extends RouteName> = Answers[N];

interface Taker<Value> {
  readonly safeParse: (value: unknown) => z.ZodSafeParseResult<Value>;
}

/** The routes once more, so that the answer of a name that is not known yet has a type. */
const TAKERS: { readonly [N in RouteName]: { readonly answer: Taker<Answers[N]> } } = ROUTES;

/** Routes that answer piece by piece. */
type StreamName<Type extends string> = {
  [N in RouteName]: Routes[N] extends { readonly stream: Type } ? N : never;
}[RouteName];

/** The largest answer is a page of API_PAGE_MAX holds, each with its card. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Of a sentence of a server. */
const WORDS_CHARS_MAX = 2_000;

const PROBLEM = z.object({
  code: z.string(),
  expected: z.string(),
  found: z.string(),
  hint: z.string(),
});

interface Plain {
  readonly params?: unknown;
  readonly query?: unknown;
  readonly body?: unknown;
}

export class ApiClient {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async call<N extends RouteName>(name: N, ask: AskOf<Routes[N]>): Promise<AnswerOf<N>> {
    const response = await this.#send(ROUTES[name], ask);
    return this.#taken(TAKERS[name].answer, await this.#json(response));
  }

  /** An answer that is a file, as it comes. */
  async stream(name: StreamName<'application/jsonl'>, ask: Plain): Promise<AsyncIterable<Buffer>> {
    const response = await this.#send(ROUTES[name], ask);
    return this.#whole(response, 'application/jsonl');
  }

  /** An answer of events (WHATWG HTML, 9.2.6), until the server ends it. */
  async *events<N extends StreamName<'text/event-stream'>>(
    name: N,
    ask: AskOf<Routes[N]>,
  ): AsyncGenerator<AnswerOf<N>> {
    const response = await this.#send(ROUTES[name], ask);
    let data = '';
    for await (const line of this.#lines(this.#whole(response, 'text/event-stream'))) {
      if (line.startsWith('data:')) data += line.slice(5);
      else if (line === '' && data !== '') {
        yield this.#taken(TAKERS[name].answer, this.#parsed(data, 'text/event-stream'));
        data = '';
      }
    }
  }

  async #send(route: Route, ask: Plain): Promise<Response> {
    const { body, params, query } = ask;
    const response = await this.#transport.send({
      method: route.method,
      path: `${pathOf(route.path, params)}${queryOf(query)}`,
      body: body === undefined ? null : JSON.stringify(body),
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw await this.#problem(response);
  }

  async #problem(response: Response): Promise<unknown> {
    const { contentType, status } = response;
    if (!contentType.startsWith('application/problem+json')) {
      response.body.destroy();
      return this.#strange(`status ${status}, ${visible(contentType) || 'of no type'}`);
    }
    const { code, expected, found, hint } = this.#taken(PROBLEM, await this.#json(response));
    const fault = code === 'HF_INTERNAL' ? this.#transport.fault() : null;
    if (fault !== null && fault !== undefined) return fault;
    const words = { expected: inert(expected), found: inert(found), hint: inert(hint) };
    const { toSignIn } = this.#transport;
    if (code === 'HF_SIGN_IN' && toSignIn !== null) {
      return new HoldfastError(code, { ...words, hint: `${words.hint} Here that is: ${toSignIn}` });
    }
    if (isErrorCode(code)) return new HoldfastError(code, words);
    const { expected: _, ...rest } = words;
    return new HoldfastError('HF_API_ANSWER', {
      expected: `an error that this holdfast knows`,
      ...rest,
      found: `${inert(code).slice(0, 60)}: ${rest.found}`,
    });
  }

  async #json(response: Response): Promise<unknown> {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of this.#chunks(response)) {
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX) throw this.#strange(`more than ${ANSWER_BYTES_MAX} bytes`);
      parts.push(chunk);
    }
    return this.#parsed(Buffer.concat(parts).toString('utf8'), response.contentType);
  }

  #parsed(text: string, contentType: string): unknown {
    try {
      return JSON.parse(text);
    } catch {
      throw this.#strange(visible(contentType).slice(0, 100) || 'something else');
    }
  }

  #whole(response: Response, type: string): AsyncIterable<Buffer> {
    if (response.contentType.startsWith(type)) return this.#chunks(response);
    response.body.destroy();
    throw this.#strange(visible(response.contentType).slice(0, 100) || 'something else');
  }

  /** What breaks off in the middle is an error in our words; whoever stops reading closes it. */
  async *#chunks({ body }: Response): AsyncGenerator<Buffer> {
    try {
      for await (const part of body) yield Buffer.from(part);
    } catch (error) {
      throw this.#transport.broken(error);
    } finally {
      body.destroy();
    }
  }

  async *#lines(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
    const decoder = new StringDecoder('utf8');
    let rest = '';
    for await (const chunk of chunks) {
      const lines = (rest + decoder.write(chunk)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > ANSWER_BYTES_MAX) throw this.#strange('a line without an end');
      yield* lines;
    }
  }

  #taken<Value>(taker: Taker<Value>, value: unknown): Value {
    const parsed = taker.safeParse(value);
    if (parsed.success) return parsed.data;
    const [issue] = parsed.error.issues;
    const where = issue?.path.join('.') || 'it';
    throw this.#strange(visible(`${where}: ${issue?.message}`).slice(0, 300));
  }

  #strange(found: string): HoldfastError {
    return new HoldfastError('HF_API_ANSWER', {
      expected: `an answer of ${this.#transport.place} as this version of holdfast knows it`,
      found,
      hint: 'See that HOLDFAST_URL is the address of the dashboard, and that both are of one version.',
    });
  }
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** All pages of a list, up to `most` items, newest or first as the route has them. */
export async function allOf<Item>(
  ask: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Page<Item>>,
  most = Number.POSITIVE_INFINITY,
): Promise<Item[]> {
  const found: Item[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(API_PAGE_MAX, most - found.length);
    const page: Page<Item> = await ask({ limit, ...(cursor === null ? {} : { cursor }) });
    found.push(...page.items);
    // A list that does not go on is not asked for ever.
    if (page.items.length === 0 || page.next === cursor) break;
    cursor = page.next;
  } while (cursor !== null && found.length < most);
  return found;
}

function pathOf(path: string, params: unknown): string {
  const given = new Map(Object.entries(params ?? {}));
  return path.replaceAll(/:([a-z]+)/gi, (_, name: string) => {
    const value = String(given.get(name) ?? '');
    // A dot segment would be another path (RFC 3986, 5.2.4); a name like that is nobody's.
    if (/^\.{0,2}$/.test(value)) throw emptyName(value);
    return encodeURIComponent(value);
  });
}

function queryOf(query: unknown): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) words.append(name, String(one));
    }
  }
  const text = words.toString();
  return text === '' ? '' : `?${text}`;
}

function emptyName(found: string): HoldfastError {
  return new HoldfastError('HF_USAGE', {
    expected: 'a name or an id',
    found: found === '' ? 'nothing' : found,
    hint: 'See the list of them.',
  });
}

function inert(text: string): string {
  return visible(text).slice(0, WORDS_CHARS_MAX);
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
