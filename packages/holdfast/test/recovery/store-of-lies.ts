/** An object store of a few lines that keeps one object's bytes and says about them what a test wants. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type Lie =
  | 'none'
  | 'busy'
  | 'cuts'
  | 'hangs'
  | 'redirects'
  | 'deletes-and-says-403'
  | 'keeps-and-says-200'
  | 'shows-governance'
  | 'shows-a-shorter-lock'
  | 'shows-no-version'
  | 'gives-other-bytes'
  | 'refuses-to-read'
  | 'busy-to-read'
  | 'wrong-signature'
  | 'wrong-clock'
  | 'unknown-key'
  | 'says-404';

export interface StoreOfLies {
  readonly endpoint: string;
  /** Requests that came to the place a redirect points to. */
  strays(): number;
  stop(): Promise<void>;
}

const VERSION = 'v1';

export async function startStoreOfLies(lie: Lie): Promise<StoreOfLies> {
  const kept = new Map<string, Buffer>();
  let until = '';
  let strays = 0;
  const elsewhere = await listen((_request, response) => {
    strays += 1;
    answer(response, 200, '');
  });
  const store = await listen((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const query = (request.url ?? '').split('?')[1] ?? '';
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const lock = request.headers['x-amz-object-lock-retain-until-date'];
      if (request.method === 'PUT' && typeof lock === 'string') {
        kept.set(path, Buffer.concat(chunks));
        until = lock;
        const version = lie === 'shows-no-version' ? {} : { 'x-amz-version-id': VERSION };
        answer(response, 200, '', { ...version, etag: '"x"' });
      } else if (request.method === 'HEAD') head(response, lie, until);
      else if (request.method === 'GET' && !query.includes('object-lock')) {
        read(response, lie, kept.get(path));
      } else destroy(response, lie, () => kept.clear(), elsewhere.port);
    });
  });
  return {
    endpoint: `http://127.0.0.1:${store.port}`,
    strays: () => strays,
    stop: async () => {
      await store.stop();
      await elsewhere.stop();
    },
  };
}

function head(response: ServerResponse, lie: Lie, until: string): void {
  const shorter = new Date(Date.parse(until) - 3_600_000).toISOString();
  answer(response, 200, '', {
    'x-amz-object-lock-mode': lie === 'shows-governance' ? 'GOVERNANCE' : 'COMPLIANCE',
    'x-amz-object-lock-retain-until-date': lie === 'shows-a-shorter-lock' ? shorter : until,
  });
}

function read(response: ServerResponse, lie: Lie, bytes: Buffer | undefined): void {
  if (lie === 'refuses-to-read') return refuse(response, 403, 'AccessDenied');
  if (lie === 'busy-to-read') return refuse(response, 503, 'SlowDown');
  if (bytes === undefined) return refuse(response, 404, 'NoSuchVersion');
  answer(response, 200, lie === 'gives-other-bytes' ? 'other bytes' : bytes);
}

function destroy(response: ServerResponse, lie: Lie, forget: () => void, port: number): void {
  switch (lie) {
    case 'busy':
      return refuse(response, 503, 'SlowDown');
    case 'cuts':
      response.destroy();
      return;
    case 'hangs':
      return;
    case 'redirects':
      return answer(response, 307, '', { location: `http://127.0.0.1:${port}/vault/x` });
    case 'deletes-and-says-403':
      forget();
      return refuse(response, 403, 'AccessDenied');
    case 'keeps-and-says-200':
      return answer(response, 200, '<?xml version="1.0"?><Result/>');
    case 'wrong-signature':
      return refuse(response, 403, 'SignatureDoesNotMatch');
    case 'wrong-clock':
      return refuse(response, 403, 'RequestTimeTooSkewed');
    case 'unknown-key':
      return refuse(response, 403, 'InvalidAccessKeyId');
    case 'says-404':
      return refuse(response, 404, 'NoSuchKey');
    default:
      return refuse(response, 403, 'AccessDenied');
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  const xml = `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  answer(response, status, xml, { 'content-type': 'application/xml' });
}

function answer(
  response: ServerResponse,
  status: number,
  body: string | Buffer,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headers);
  response.end(body);
}

async function listen(serve: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(serve);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    stop: () =>
      new Promise<void>((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
