/** A server that notices are posted to, which can be out of order in the ways that servers are. */
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/**
 * - `refuses`    403, for good
 * - `busy`       503, with Retry-After
 * - `hangs`      takes the request and says nothing
 * - `redirects`  307 to `/elsewhere` of this server
 * - `floods`     200, and an answer without end
 */
export type Fault = 'refuses' | 'busy' | 'hangs' | 'redirects' | 'floods';

export const RETRY_AFTER_SECONDS = 77;

export class HttpReceiver {
  readonly url: string;
  readonly received: Received[] = [];
  fault: Fault | null = null;
  /** What a fault answers with instead of its own status. */
  status: number | null = null;
  /** Chunks of the flood that were taken from us. */
  floodedChunks = 0;
  readonly #server: Server;

  static async start(): Promise<HttpReceiver> {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    return new HttpReceiver(server, portOf(server));
  }

  private constructor(server: Server, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#server = server;
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { headers, url = '' } = request;
        this.received.push({ path: url, headers, body: Buffer.concat(chunks) });
        this.#answer(response);
      });
    });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  #answer(response: ServerResponse): void {
    if (this.status !== null) return void response.writeHead(this.status).end();
    switch (this.fault) {
      case null:
        return void response.writeHead(200).end('ok');
      case 'refuses':
        return void response.writeHead(403).end('invalid_token');
      case 'busy':
        return void response
          .writeHead(503, { 'retry-after': `${RETRY_AFTER_SECONDS}` })
          .end('later');
      case 'hangs':
        return;
      case 'redirects':
        return void response.writeHead(307, { location: '/elsewhere' }).end();
      case 'floods':
        response.writeHead(200);
        return this.#flood(response);
      default:
        return this.fault satisfies never;
    }
  }

  #flood(response: ServerResponse): void {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const more = (): void => {
      while (!response.destroyed) {
        this.floodedChunks += 1;
        if (!response.write(chunk)) return void response.once('drain', more);
      }
    };
    more();
  }
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
