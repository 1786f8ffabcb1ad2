/** A mail server that keeps what it is given, and a reading of MIME that is not the sender's. */
import { once } from 'node:events';
import { createServer as createTcpServer } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly login: string | null;
  readonly encrypted: boolean;
}

export type MailFault = 'refuses' | 'busy';

export class MailReceiver {
  readonly port: number;
  readonly mails: Mail[] = [];
  fault: MailFault | null = null;
  readonly #server: SMTPServer;

  static async start(options: {
    readonly tls: { readonly key: string; readonly cert: string } | null;
    readonly login: { readonly user: string; readonly password: string } | null;
  }): Promise<MailReceiver> {
    const { login, tls } = options;
    const mails: Mail[] = [];
    let receiver: MailReceiver | null = null;
    const server = new SMTPServer({
      ...(tls ?? { hideSTARTTLS: true }),
      authOptional: login === null,
      allowInsecureAuth: tls === null,
      disableReverseLookup: true,
      onAuth: ({ password, username }, _session, callback) => {
        if (username === login?.user && password === login?.password) {
          return callback(null, { user: username });
        }
        callback(new Error(`535 not with ${password ?? ''}`));
      },
      onMailFrom: (_address, _session, callback) => {
        if (receiver?.fault === 'refuses') return callback(reply(550, 'not from you'));
        if (receiver?.fault === 'busy') return callback(reply(451, 'come back later'));
        callback();
      },
      onData: (stream, session, callback) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            raw: Buffer.concat(chunks).toString('utf8'),
            login: typeof session.user === 'string' ? session.user : null,
            encrypted: session.secure,
          });
          callback();
        });
      },
    });
    server.on('error', () => {});
    const listening = server.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const address = listening.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    receiver = new MailReceiver(server, address.port, mails);
    return receiver;
  }

  private constructor(server: SMTPServer, port: number, mails: Mail[]) {
    this.port = port;
    this.mails = mails;
    this.#server = server;
  }

  stop(): Promise<void> {
    return new Promise((done) => this.#server.close(() => done()));
  }
}

function reply(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/** A port that takes connections and never says a word. */
export async function startSilence(): Promise<{ readonly port: number; stop(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    sockets.add(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

export interface ReadMail {
  /** Lower-case names; one that comes twice is joined by a line break. */
  readonly headers: ReadonlyMap<string, string>;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** `multipart/alternative` of a text and an HTML part (RFC 2045 to 2047), and nothing else. */
export function readMail(raw: string): ReadMail {
  const [head = '', body = ''] = split(raw);
  const headers = headersOf(head);
  const boundary = /^multipart\/alternative;\s*boundary="?([^";]+)/.exec(
    headers.get('content-type') ?? '',
  )?.[1];
  if (boundary === undefined) throw new Error(`no alternatives: ${headers.get('content-type')}`);
  const parts = body.split(`--${boundary}`).slice(1, -1).map(partOf);
  const [text, html, ...more] = parts;
  if (text?.type !== 'text/plain' || html?.type !== 'text/html' || more.length > 0) {
    throw new Error(`other parts: ${parts.map(({ type }) => type).join(', ')}`);
  }
  const subject = words(headers.get('subject') ?? '');
  return { headers, subject, text: text.content, html: html.content };
}

function split(raw: string): [string, string] {
  const at = raw.indexOf('\r\n\r\n');
  return [raw.slice(0, at), raw.slice(at + 4)];
}

function headersOf(head: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    headers.set(name, headers.has(name) ? `${headers.get(name)}\n${value}` : value);
  }
  return headers;
}

function partOf(part: string): { readonly type: string; readonly content: string } {
  const [head, body] = split(part.replace(/^\r\n/, ''));
  const headers = headersOf(head);
  const type = headers.get('content-type')?.split(';')[0] ?? '';
  switch (headers.get('content-transfer-encoding')) {
    case 'base64':
      return { type, content: Buffer.from(body, 'base64').toString('utf8') };
    case 'quoted-printable':
      return { type, content: quoted(body.replaceAll(/=\r\n/g, '')) };
    default:
      return { type, content: body };
  }
}

function quoted(text: string): string {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** Encoded words (RFC 2047); between two of them blanks count for nothing. */
function words(text: string): string {
  const encoded = /=\?utf-8\?([QB])\?([^?]*)\?=/gi;
  return text
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(encoded, (_, how: string, what: string) =>
      how.toUpperCase() === 'B'
        ? Buffer.from(what, 'base64').toString('latin1')
        : Buffer.from(quotedWord(what), 'latin1').toString('latin1'),
    )
    .replaceAll(/[\u0080-\u00ff]+/g, (bytes) => Buffer.from(bytes, 'latin1').toString('utf8'));
}

function quotedWord(text: string): string {
  return text
    .replaceAll('_', ' ')
    .replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
}
