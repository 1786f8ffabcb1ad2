/**
 * A provider with three operations and a server behind it, for tests of the HTTP protocol: GET reads,
 * POST /change adds one, POST /destroy takes all. Its real credential never leaves the way upstream.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Effect, Reading } from '../model/effect.ts';
import type { Provider, ProviderAct, ProviderRequest } from '../providers/provider.ts';

export const REAL_CREDENTIAL = 'real-credential-of-the-provider';

export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
}

export class PlainServer {
  /** -1: destroyed. */
  changes = 0;
  readonly seen: Seen[] = [];
  /** Answers instead of the usual one. */
  answer: ((response: ServerResponse, seen: Seen) => void) | null = null;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<string> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const stopped = new Promise<void>((done) => this.#server.close(() => done()));
    this.#server.closeAllConnections();
    await stopped;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers, rawHeaders } = request;
    const seen = { method, url, headers, rawHeaders, body: Buffer.concat(chunks) };
    this.seen.push(seen);
    if (url === '/change') this.changes += 1;
    if (url === '/destroy') this.changes = -1;
    if (this.answer !== null) this.answer(response, seen);
    else response.end(JSON.stringify({ ok: true, changes: this.changes }));
  }
}

export class PlainProvider implements Provider {
  readonly name = 'plain';
  readonly hosts = ['api.plain.test', 'api.old-plain.test'] as const;
  readonly credentialHeaders = ['authorization', 'plain-token'];
  readonly origin: string;
  reaches: ProviderAct['reaches'] = [];

  constructor(origin: string) {
    this.origin = origin;
  }

  async read({ method, path }: ProviderRequest): Promise<ProviderAct> {
    return {
      reading: readingOf(method, path),
      place: { asked: 'main-db', searchPath: [] },
      reaches: this.reaches,
      reversal: { kind: 'none', reason: 'nothing takes it back' },
      evidence: [],
    };
  }

  async credential(): Promise<Readonly<Record<string, string>>> {
    return { authorization: `Bearer ${REAL_CREDENTIAL}` };
  }

  refusal(refusal: Parameters<Provider['refusal']>[0]): ReturnType<Provider['refusal']> {
    const { message, detail, hint } = refusal;
    return {
      status: 0,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ error: `${message} ${detail} ${hint}` }),
    };
  }

  outcomeOf(status: number, body: Buffer): ReturnType<Provider['outcomeOf']> {
    if (status >= 400) return { kind: 'failed', code: String(status), message: body.toString() };
    return { kind: 'done', tag: String(status), transaction: 'ended' };
  }
}

function readingOf(method: string, path: string): Reading {
  const act = (kind: Effect['kind'], verb: string): Reading => ({
    kind: 'understood',
    effects: [{ kind, verb, object: null, reach: 'whole', additive: false, why: null }],
  });
  if (method === 'GET') return act('read', 'GET');
  if (path === '/change') return act('write', 'CHANGE');
  if (path === '/destroy') return act('destroy', 'DESTROY');
  const message = `Expected a known path, found ${path}.`;
  const reason = { code: 'unknown-statement', message, position: null } as const;
  return { kind: 'could-not-tell', effects: [], reason };
}
