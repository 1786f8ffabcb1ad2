import { Agent, request } from 'node:http';
import { systemClock } from '../../model/clock.ts';
import { PlainProvider, PlainServer } from '../../testing/plain-provider.ts';
import { PlainTokens } from '../../testing/plain-tokens.ts';
import { scratchFolder } from '../../testing/scratch-folder.ts';
import { type Answer, type ClientUnderTest, protocolSuite, type World } from '../protocol.suite.ts';
import { Authority } from './authority.ts';
import { createHttpProtocol } from './listener.ts';

/** One connection, as a session is one. */
class Client implements ClientUnderTest {
  readonly #port: number;
  readonly #token: string;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  #isGone = false;

  constructor(port: number, token: string) {
    this.#port = port;
    this.#token = token;
  }

  read = (): Promise<Answer> => this.#ask('GET', '/plain/read');
  change = (): Promise<Answer> => this.#ask('POST', '/plain/change');
  destroy = (): Promise<Answer> => this.#ask('POST', '/plain/destroy');
  gibberish = (): Promise<Answer> => this.#ask('POST', '/plain/nobody-knows');

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  #ask(method: string, path: string): Promise<Answer> {
    // A connection that was ended is not made again: the session is over.
    if (this.#isGone) return Promise.resolve({ kind: 'gone' });
    return new Promise((done) => {
      const gone = (): void => {
        this.#isGone = true;
        done({ kind: 'gone' });
      };
      const headers = { authorization: `Bearer ${this.#token}` };
      const options = { port: this.#port, method, path, headers, agent: this.#agent };
      const sent = request(options, (response) => {
        response.socket.once('close', () => {
          this.#isGone = true;
        });
        let words = '';
        response.on('data', (chunk: Buffer) => {
          words += chunk.toString();
        });
        response.on('error', gone);
        response.on('end', () =>
          done(response.statusCode === 200 ? { kind: 'done' } : { kind: 'refused', words }),
        );
      });
      sent.on('error', gone);
      sent.end();
    });
  }
}

async function world(): Promise<World> {
  const authority = await Authority.load(scratchFolder('authority'), systemClock);
  const server = new PlainServer();
  const provider = new PlainProvider(await server.start());
  const tokens = new PlainTokens();
  const issued = { token_a: tokens.issue('token_a'), token_b: tokens.issue('token_b') };
  return {
    protocol: (pipeline) =>
      createHttpProtocol({
        listen: { host: '127.0.0.1', port: 0 },
        authority,
        allowed: [],
        directory: tokens,
        providers: new Map([[provider.name, provider]]),
        pipeline,
        clock: systemClock,
      }),
    client: async (port, tokenId) => new Client(port, issued[tokenId]),
    changes: async () => server.changes,
    reset: async () => {
      server.changes = 0;
    },
    end: () => server.stop(),
  };
}

protocolSuite('http', world);
