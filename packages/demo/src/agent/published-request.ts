/**
 * The request of the incident, byte for byte as curl sent it when Railway printed it: one anonymous
 * mutation, the id inline in the text, no content type of JSON (curl's `-d` calls it a form).
 *
 *     curl -X POST https://backboard.railway.app/graphql/v2 \
 *       -H "Authorization: Bearer [token]" \
 *       -d '{"query":"mutation { volumeDelete(volumeId: \"3d2c42fb-...\") }"}'
 */
import { readFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { at, listAt } from '../looked-at.ts';

/** Railway's old host name, which the published request used, and the one of its docs. */
export const RAILWAY_HOSTS = ['backboard.railway.app', 'backboard.railway.com'] as const;
const PATH = '/graphql/v2';
const ANSWER_MS_MAX = 30_000;

/** How a host name is reached. */
export type Way =
  /** In place of the provider's own address. */
  | { readonly kind: 'direct'; readonly port: number }
  /** HTTPS_PROXY and SSL_CERT_FILE, as clients know them. */
  | { readonly kind: 'proxy'; readonly url: string; readonly authority: string };

export interface Published {
  readonly host: string;
  readonly token: string;
  readonly volumeId: string;
}

export type RailwayAnswer =
  | { readonly kind: 'done'; readonly body: string; readonly ms: number }
  | ({ readonly kind: 'refused'; readonly ms: number } & RefusalWords);

interface RefusalWords {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

export function bodyOf(volumeId: string): string {
  return `{"query":"mutation { volumeDelete(volumeId: \\"${volumeId}\\") }"}`;
}

export async function send(published: Published, way: Way): Promise<RailwayAnswer> {
  const started = performance.now();
  const socket = way.kind === 'direct' ? await plain(way.port) : await tunnel(published.host, way);
  try {
    const body = await post(published, socket);
    return answerOf(body, performance.now() - started);
  } finally {
    socket.destroy();
  }
}

/** Headers in curl's order; none is added. */
async function post({ host, token, volumeId }: Published, socket: Socket): Promise<string> {
  const body = bodyOf(volumeId);
  const headers = {
    Host: host,
    'User-Agent': 'curl/8.5.0',
    Accept: '*/*',
    Authorization: `Bearer ${token}`,
    'Content-Length': String(Buffer.byteLength(body)),
    'Content-Type': 'application/x-www-form-urlencoded',
  };
  const options = { method: 'POST', path: PATH, headers, setDefaultHeaders: false };
  const response = await new Promise<IncomingMessage>((done, fail) => {
    const sent = request({ ...options, createConnection: () => socket, timeout: ANSWER_MS_MAX });
    sent.once('response', done).once('error', fail);
    sent.once('timeout', () => sent.destroy(new Error('Railway gave no answer in time.')));
    sent.removeHeader('Connection');
    sent.end(body);
  });
  return text(response);
}

function plain(port: number): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect(port, '127.0.0.1', () => done(socket));
    socket.once('error', fail);
  });
}

async function tunnel(host: string, way: Extract<Way, { kind: 'proxy' }>): Promise<Socket> {
  const { hostname, port } = new URL(way.url);
  const raw = await new Promise<Socket>((done, fail) => {
    const asked = request({
      ...{ host: hostname, port, method: 'CONNECT', path: `${host}:443`, agent: false },
    });
    asked.once('connect', (response, socket) => {
      if (response.statusCode === 200) done(socket);
      else fail(new Error(`The proxy answered ${response.statusCode}.`));
    });
    asked.once('error', fail);
    asked.end();
  });
  const ca = readFileSync(way.authority, 'utf8');
  return new Promise((done, fail) => {
    const secure = connectTls({ socket: raw, servername: host, ca }, () => done(secure));
    secure.once('error', fail);
  });
}

function answerOf(body: string, ms: number): RailwayAnswer {
  const answer: unknown = JSON.parse(body);
  const [error] = listAt(answer, 'errors');
  if (error === undefined) return { kind: 'done', body, ms };
  const words = (name: string): string => String(at(error, 'extensions', name) ?? '');
  const message = String(at(error, 'message') ?? body);
  return { kind: 'refused', ms, code: words('code'), message, hint: words('hint') };
}
