/** Servers that misbehave, and lines that break; the well-behaved ones are real, in test/journeys. */
import { createHmac, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type SecureContext, TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../model/clock.ts';
import { ByteFeed } from './byte-feed.ts';
import { loadCertificate } from './certificate.ts';
import {
  authenticationCleartextPassword,
  authenticationOk,
  authenticationSasl,
  authenticationSaslContinue,
  authenticationSaslFinal,
  backendKeyData,
  errorResponse,
  noticeResponse,
  parameterStatus,
  readyForQuery,
} from './messages.ts';
import { connectUpstream, type OpenSocket, sendCancel, type UpstreamSpec } from './upstream.ts';
import { authenticateUpstream } from './upstream-login.ts';
import { attachWire } from './wire.ts';

let folder: string;
let tls: SecureContext;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-fake-'));
  ({ secureContext: tls } = await loadCertificate({
    folder,
    own: null,
    hosts: [],
    clock: systemClock,
  }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const servers: Server[] = [];
const guests = new Set<Socket>();
afterEach(() => {
  for (const guest of guests) guest.destroy();
  for (const server of servers.splice(0)) server.close();
});

/** `answers[n]` is written when the n-th chunk of the client has come; a function may look at it. */
type Answer = Uint8Array | ((chunk: Buffer, socket: Socket) => Uint8Array | undefined);

async function fake(...answers: readonly Answer[]): Promise<UpstreamSpec> {
  const server = createServer((socket) => {
    guests.add(socket);
    let turn = 0;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      const answer = answers[turn];
      turn += 1;
      const bytes = typeof answer === 'function' ? answer(chunk, socket) : answer;
      if (bytes) socket.write(bytes);
    });
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    address: { kind: 'tcp', host: '127.0.0.1', port: address.port },
    user: 'u',
    password: () => 'pencil',
    database: 'd',
    sslmode: 'disable',
    ca: null,
    connectTimeoutMs: 5_000,
  };
}

const enter = (spec: UpstreamSpec) => connectUpstream(spec, [], systemClock);
const bytes = (...parts: readonly (Uint8Array | string)[]): Buffer =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
const sasl = authenticationSasl(['SCRAM-SHA-256']);
const welcome = bytes(
  authenticationOk(),
  noticeResponse({ severity: 'WARNING', code: '01000', message: 'by the way' }),
  parameterStatus('server_version', '17.2 (x)'),
  backendKeyData(-5, Buffer.of(9, 8, 7, 6)),
  readyForQuery('I'),
);

/** The SCRAM answer of a server that knows the password, or thinks it does. */
function scramServer(password: string): Answer[] {
  let bare = '';
  let first = '';
  return [
    sasl,
    (chunk) => {
      bare = /n=.*$/.exec(chunk.toString('latin1'))?.[0] ?? '';
      first = `${/r=(.*)$/.exec(bare)?.[0]}server,s=YWJj,i=4096`;
      return authenticationSaslContinue(first);
    },
    (chunk) => {
      const final = /c=.*?(?=,p=)/.exec(chunk.toString('latin1'))?.[0];
      const salted = pbkdf2Sync(password, 'abc', 4096, 32, 'sha256');
      const key = createHmac('sha256', salted).update('Server Key').digest();
      const signature = createHmac('sha256', key)
        .update(`${bare},${first},${final}`)
        .digest('base64');
      return bytes(authenticationSaslFinal(`v=${signature}`), welcome);
    },
  ];
}

describe('a target that is one', () => {
  it('greets us: settings, cancel key, version', async () => {
    const upstream = await enter(await fake(bytes(welcome, 'early')));
    expect(upstream).toMatchObject({
      processId: -5,
      secretKey: Buffer.of(9, 8, 7, 6),
      serverVersion: 17,
      transactionStatus: 'I',
    });
    expect(upstream.leftover.toString()).toBe('early');
    upstream.socket.destroy();
  });

  it('proves that it knows the password', async () => {
    const upstream = await enter(await fake(...scramServer('pencil')));
    expect(upstream.serverVersion).toBe(17);
    upstream.socket.destroy();
  });

  it('is understood whatever the chunks', async () => {
    const feed = new ByteFeed(1024);
    const login = {
      user: 'u',
      database: 'd',
      password: () => null,
      isPrivate: true,
      binding: null,
      clock: systemClock,
    };
    const reading = authenticateUpstream({ feed, write: () => {} }, login, []);
    for (const byte of welcome) feed.push(Buffer.of(byte));
    expect(await reading).toMatchObject({ serverVersion: 17, processId: -5 });
  });
});

describe('a target that is not let near our password or our session', () => {
  const final = authenticationSaslFinal(`v=${Buffer.alloc(32).toString('base64')}`);
  const toContinue: Answer = (chunk) =>
    authenticationSaslContinue(`${/r=.*$/.exec(chunk.toString('latin1'))?.[0]}x,s=YWJj,i=4096`);
  const ROWS: readonly (readonly [story: string, answers: readonly Answer[], words: RegExp])[] = [
    [
      'a wrong server signature',
      [sasl, toContinue, bytes(final, welcome)],
      /signature of a server/,
    ],
    ['a signature of another password', scramServer('pen'), /signature of a server/],
    ['no signature at all', [sasl, toContinue, welcome], /next step of SCRAM/],
    ['AuthenticationOk in the middle', [sasl, welcome], /next step of SCRAM/],
    ['a nonce of its own', [sasl, authenticationSaslContinue('r=zzz,s=YWJj,i=1')], /nonce/],
    [
      'a second challenge',
      [authenticationCleartextPassword(), authenticationCleartextPassword()],
      /one challenge/,
    ],
    ['Kerberos', [Buffer.from('520000000800000007', 'hex')], /GSSAPI/],
    ['half an md5 challenge', [Buffer.from('520000000800000005', 'hex')], /half of one/],
    ['only an unknown SASL', [authenticationSasl(['OAUTHBEARER'])], /only OAUTHBEARER/],
    [
      'an HTTP server',
      [bytes('HTTP/1.1 400 Bad Request\r\n\r\n')],
      /login message|authentication request/,
    ],
    ['a result before the greeting', [bytes(authenticationOk(), 'D\0\0\0\x04')], /message "D"/],
    [
      'no room',
      [
        errorResponse({
          severity: 'FATAL',
          code: '53300',
          message: 'sorry, too many clients already',
        }),
      ],
      /sorry, too many clients already.*53300/,
    ],
  ];
  it.each(ROWS)('%s', async (_, answers, words) => {
    await expect(enter(await fake(...answers))).rejects.toThrow(words);
  });

  it('never sends a password in clear over a line that others can read', async () => {
    const feed = new ByteFeed(1024);
    const sent: Uint8Array[] = [];
    const reading = authenticateUpstream(
      { feed, write: (chunk) => sent.push(chunk) },
      {
        user: 'u',
        database: 'd',
        password: () => 'pencil',
        isPrivate: false,
        binding: null,
        clock: systemClock,
      },
      [],
    );
    feed.push(authenticationCleartextPassword());
    await expect(reading).rejects.toThrow(/in clear over plain TCP/);
    expect(Buffer.concat(sent).includes('pencil')).toBe(false);
  });
});

it('goes over a socket with an onread buffer, in clear and under TLS', async () => {
  const overTls: Answer = (_, socket) => {
    socket.removeAllListeners('data');
    socket.write('S');
    const secure = new TLSSocket(socket, { isServer: true, secureContext: tls });
    secure.on('error', () => {});
    secure.once('data', () => secure.write(bytes(welcome, 'behind')));
    return undefined;
  };
  for (const [answer, sslmode] of [
    [bytes(welcome, 'behind'), 'disable'],
    [overTls, 'require'],
  ] as const) {
    const buffer = Buffer.alloc(16);
    let chunks = 0;
    const open: OpenSocket = (where) => {
      const callback = (byteCount: number): boolean => {
        chunks += 1;
        wire.feed.push(buffer.subarray(0, byteCount));
        return true;
      };
      const socket = connect({ ...where, onread: { buffer, callback } });
      const wire = attachWire(socket, 65_536, 'pushed');
      return { socket, wire };
    };
    const spec = { ...(await fake(answer)), sslmode };
    const upstream = await connectUpstream(spec, [], systemClock, open);
    expect(upstream).toMatchObject({ serverVersion: 17, processId: -5 });
    expect(chunks).toBeGreaterThan(sslmode === 'disable' ? 5 : 0);
    upstream.socket.destroy();
  }
});

describe('sslmode', () => {
  const N = Buffer.from('N');
  it('prefer goes on in clear when the server has no TLS', async () => {
    const upstream = await enter({ ...(await fake(N, welcome)), sslmode: 'prefer' });
    expect(upstream.socket).not.toBeInstanceOf(TLSSocket);
    upstream.socket.destroy();
  });

  it('require does not', async () => {
    const spec = { ...(await fake(N, welcome)), sslmode: 'require' } as const;
    await expect(enter(spec)).rejects.toThrow(/a server without TLS/);
  });

  it('prefer does not go on in clear when the handshake fails', async () => {
    const spec = {
      ...(await fake(Buffer.from('S'), bytes('not TLS'))),
      sslmode: 'prefer',
    } as const;
    await expect(enter(spec)).rejects.toMatchObject({ code: 'HF_UPSTREAM_REFUSED' });
  });

  it('bytes in clear behind the "S" are refused (CVE-2021-23222)', async () => {
    const spec = { ...(await fake(bytes('S', welcome))), sslmode: 'require' } as const;
    await expect(enter(spec)).rejects.toThrow(/bytes in clear/);
  });

  it('the channel is bound where the server offers it, and a stripped offer is told', async () => {
    const firsts: string[] = [];
    const overTls = (offer: readonly string[]): Answer[] => [
      (_, socket) => {
        socket.removeAllListeners('data');
        socket.write('S');
        const secure = new TLSSocket(socket, { isServer: true, secureContext: tls });
        secure.on('error', () => {});
        secure.once('data', () => {
          secure.once('data', (chunk: Buffer) => {
            firsts.push(chunk.toString('latin1', 5));
            secure.end();
          });
          secure.write(authenticationSasl(offer));
        });
        return undefined;
      },
    ];
    for (const offer of [['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'], ['SCRAM-SHA-256']]) {
      const spec = { ...(await fake(...overTls(offer))), sslmode: 'require' } as const;
      await expect(enter(spec)).rejects.toMatchObject({ code: 'HF_UPSTREAM_UNREACHABLE' });
    }
    expect(firsts[0]).toMatch(/^SCRAM-SHA-256-PLUS\0....p=tls-server-end-point,,n=,r=/s);
    expect(firsts[1]).toMatch(/^SCRAM-SHA-256\0....y,,n=,r=/s);
  });
});

describe('a target that is not there', () => {
  const ROWS: readonly (readonly [
    story: string,
    answer: Answer | null,
    more: Partial<UpstreamSpec>,
  ])[] = [
    ['nobody listens', null, { address: { kind: 'tcp', host: '127.0.0.1', port: 1 } }],
    ['no such socket', null, { address: { kind: 'unix', path: '/nonexistent/s' } }],
    ['it hangs up', (_, socket) => void socket.destroy(), {}],
    ['it never answers', null, { connectTimeoutMs: 50 }],
    ['TLS never starts', Buffer.from('S'), { sslmode: 'require', connectTimeoutMs: 50 }],
  ];
  it.each(ROWS)('%s', async (_, answer, more) => {
    const spec = { ...(await fake(...(answer === null ? [] : [answer]))), ...more };
    await expect(enter(spec)).rejects.toMatchObject({ code: 'HF_UPSTREAM_UNREACHABLE' });
  });

  it('a cancel waits for the end, and not for ever', async () => {
    let seen = '';
    const spec = await fake((chunk, socket) => {
      seen = chunk.toString('hex');
      socket.end();
      return undefined;
    });
    await sendCancel(spec, 5, Buffer.of(1, 2, 3, 4));
    expect(seen).toBe('0000001004d2162e0000000501020304');
    const silent = { ...(await fake()), connectTimeoutMs: 50 };
    await sendCancel(silent, 5, Buffer.of(1, 2, 3, 4));
  });
});
