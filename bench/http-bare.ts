/**
 * The second peer of `npm run bench:http`: a pass-through proxy of node:http and undici, in a process of
 * its own, with nothing in it that is not needed to pass a request on. What it costs is what the
 * runtime costs: no gateway on this runtime and these libraries is cheaper.
 *
 *     node http-bare.js PORT ORIGIN CREDENTIAL
 */
import { createServer, type ServerResponse } from 'node:http';
import { type Dispatcher, Pool } from 'undici';

const [, , port = '0', origin = '', credential = ''] = process.argv;
const pool = new Pool(origin, { connections: 64, pipelining: 1 });

/** Hands the answer on as it comes. */
class Passing implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    { connection: _ours, 'keep-alive': _also, ...headers }: Record<string, string | string[]>,
  ): void {
    this.#response.writeHead(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#response.write(chunk);
  }

  onResponseEnd(): void {
    this.#response.end();
  }

  onResponseError(): void {
    this.#response.destroy();
  }
}

const server = createServer({ keepAliveTimeout: 600_000, noDelay: true }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const [first] = chunks;
    const body = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
    const { 'content-type': type = '', accept = '', 'user-agent': agent = '' } = request.headers;
    const headers = {
      'content-type': type,
      accept,
      'user-agent': agent,
      authorization: `Bearer ${credential}`,
    };
    const path = (request.url ?? '').replace('/railway/', '/');
    pool.dispatch({ method: 'POST', path, headers, body }, new Passing(response));
  });
});
server.listen(Number(port), '127.0.0.1');
process.once('SIGINT', () => process.exit(0));
