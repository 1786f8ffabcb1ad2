import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type SecureContext, type TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../model/clock.ts';
import { agentWithTokens } from '../../testing/agent-with-tokens.ts';
import { admit, type DoorOptions } from './admission.ts';
import { ByteFeed } from './byte-feed.ts';
import { loadCertificate } from './certificate.ts';
import { type DoorResult, hangUp, openDoor } from './door.ts';
import {
  cancelRequest,
  passwordMessage,
  saslInitialResponse,
  sslRequest,
  startupMessage,
} from './messages.ts';

const TOKEN = 'hf_right';
const directory = agentWithTokens('cursor', ['hf_other', TOKEN]);

let folder: string;
let tls: SecureContext;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-door-'));
  ({ secureContext: tls } = await loadCertificate({
    folder,
    own: null,
    hosts: [],
    clock: systemClock,
  }));
});
afterAll(() => rmSync(folder, { recursive: true }));

const options = (more: Partial<DoorOptions> = {}): DoorOptions => ({
  directory,
  tls: null,
  auth: 'token',
  plaintext: 'loopback',
  clock: systemClock,
  ...more,
});

/** One door on loopback; `results` in the order in which connections were settled. */
interface OpenDoor {
  readonly port: number;
  next(): Promise<DoorResult>;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function door(more: Partial<DoorOptions> = {}): Promise<OpenDoor> {
  const results: Promise<DoorResult>[] = [];
  let arrived = (): void => {};
  const server = createServer((socket) => {
    results.push(openDoor(socket, options(more)));
    arrived();
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    next: async () => {
      if (results.length === 0) {
        await new Promise<void>((done) => {
          arrived = done;
        });
      }
      const result = results.shift();
      if (!result) throw new Error('nobody came');
      return await result;
    },
  };
}

/** Sends the bytes, and collects what comes back until the other side closes. */
async function say(port: number, ...chunks: readonly Uint8Array[]): Promise<Buffer> {
  const socket = connect(port, '127.0.0.1');
  const got: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => got.push(chunk)).on('error', () => {});
  for (const chunk of chunks) socket.write(chunk);
  await new Promise((done) => socket.once('close', done));
  return Buffer.concat(got);
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');
const startup = (...more: [string, string][]): Buffer =>
  startupMessage([['user', 'cursor'], ['database', 'main'], ...more]);

function withLength(length: number, body: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length >>> 0);
  return Buffer.concat([head, body]);
}

const v3 = Buffer.of(0, 3, 0, 0);

describe('hostile callers get a PostgreSQL error and a closed connection', () => {
  const ROWS: readonly (readonly [
    story: string,
    bytes: Buffer,
    sqlstate: string,
    words: string,
  ])[] = [
    ['an HTTP request', latin('GET / HTTP/1.1\r\n\r\n'), '08P01', 'invalid length of startup'],
    ['a declared length of 2 GB', withLength(0x7fffffff, v3), '08P01', 'invalid length'],
    ['a negative length', withLength(0xffffffff, v3), '08P01', 'invalid length'],
    ['a length below 8', withLength(7, v3), '08P01', 'invalid length'],
    ['one byte over the limit', withLength(10_001, v3), '08P01', 'invalid length'],
    ['protocol 2', withLength(8, Buffer.of(0, 2, 0, 0)), '0A000', 'protocol 2.0'],
    ['protocol 4', withLength(8, Buffer.of(0, 4, 0, 0)), '0A000', 'protocol 4.0'],
    ['no user', startupMessage([['database', 'main']]), '28000', 'no user name'],
    [
      'a string without an end',
      withLength(13, Buffer.concat([v3, latin('user\0')])),
      '08P01',
      'no end',
    ],
    [
      'text that is not UTF-8',
      withLength(17, Buffer.concat([v3, latin('user\0\xff\xfe\0\0')])),
      '08P01',
      'UTF-8',
    ],
    ['a parameter twice', startup(['user', 'root']), '08P01', 'comes twice'],
    [
      'a thousand options',
      startup(...Array.from({ length: 1000 }, (_, at): [string, string] => [`o${at}`, ''])),
      '54000',
      'too many',
    ],
    ['replication', startup(['replication', 'database']), '0A000', 'replication'],
    [
      'a lexing switch',
      startup(['options', '-c standard_conforming_strings=off']),
      '0A000',
      'standard_conforming_strings',
    ],
    ['SSLRequest twice', Buffer.concat([sslRequest(), sslRequest()]), '08P01', 'twice'],
    [
      'a query before the login',
      Buffer.concat([startup(), latin('Q\0\0\0\x0dSELECT 1\0')]),
      '08P01',
      'before the login was done',
    ],
    [
      'a login message of 2 GB',
      Buffer.concat([startup(), latin('p\x7f\xff\xff\xff')]),
      '54000',
      'login message',
    ],
    [
      'a login message of length 0',
      Buffer.concat([startup(), latin('p\0\0\0\0')]),
      '08P01',
      'login message',
    ],
    [
      'a password with a NUL inside',
      Buffer.concat([startup(), latin('p\0\0\0\x09hf\0x\0')]),
      '08P01',
      'one string',
    ],
    [
      'a wrong token',
      Buffer.concat([startup(), passwordMessage('hf_wrong')]),
      '28P01',
      'did not accept agent',
    ],
  ];
  it.each(ROWS)('%s', async (_, bytes, sqlstate, words) => {
    const { port, next } = await door();
    const [answer, result] = await Promise.all([say(port, bytes), next()]);
    const text = answer.toString('utf8');
    expect(text).toContain(`SFATAL\0VFATAL\0C${sqlstate}\0M`);
    expect(text).toContain(words);
    expect(result).toMatchObject({ kind: 'closed', sqlstate, spoke: true });
  });

  it('a flood behind the startup packet does not fill the memory', async () => {
    const { port, next } = await door({ loginMsMax: 5_000 });
    const flood = Buffer.concat([startup(), Buffer.from('p\0\0\x10\0'), Buffer.alloc(100_000, 1)]);
    const [, result] = await Promise.all([say(port, flood), next()]);
    expect(result).toMatchObject({ kind: 'closed' });
  });

  it('half a packet and silence', async () => {
    const { port, next } = await door({ loginMsMax: 50 });
    const [answer, result] = await Promise.all([say(port, startup().subarray(0, 9)), next()]);
    expect(answer.toString()).toContain('not finished within 50 ms');
    expect(result).toMatchObject({ kind: 'closed', spoke: true });
  });

  it('a TLS handshake that never goes on', async () => {
    const { port, next } = await door({ tls, loginMsMax: 50 });
    const [answer, result] = await Promise.all([say(port, sslRequest()), next()]);
    expect(answer.toString()).toBe('S');
    expect(result).toMatchObject({ kind: 'closed' });
  });

  it('bytes in clear behind an SSLRequest (CVE-2021-23214)', async () => {
    const { port, next } = await door({ tls });
    const both = Buffer.concat([sslRequest(), startup()]);
    const [answer, result] = await Promise.all([say(port, both), next()]);
    expect(answer.toString()).toContain('received unencrypted data after an SSL request');
    expect(result).toMatchObject({ kind: 'closed', sqlstate: '08P01' });
  });

  it('bytes in clear where the handshake should be', async () => {
    const { port, next } = await door({ tls });
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.write(sslRequest());
    socket.once('data', () => socket.write(startup()));
    expect(await next()).toMatchObject({ kind: 'closed', reason: expect.stringMatching(/^TLS/) });
    socket.destroy();
  });

  it('TLS at once without the name of the protocol', async () => {
    const { port, next } = await door({ tls });
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    socket.on('error', () => {});
    expect(await next()).toMatchObject({ kind: 'closed', reason: expect.stringContaining('ALPN') });
    socket.destroy();
  });

  it('TLS at once where there is none', async () => {
    const { port, next } = await door();
    const [answer] = await Promise.all([say(port, Buffer.of(0x16, 3, 1, 2, 0)), next()]);
    expect(answer.toString()).toContain('without TLS');
  });

  it('a port check leaves without a word', async () => {
    const { port, next } = await door();
    const socket: Socket = connect(port, '127.0.0.1', () => socket.end());
    expect(await next()).toMatchObject({ kind: 'closed', spoke: false });
  });

  it.each(['scram', 'token'] as const)(
    'a name nobody has fails like a wrong token (%s)',
    async (auth) => {
      const words = async (user: string): Promise<string> => {
        const { port, next } = await door({ auth });
        const proof =
          auth === 'token'
            ? [passwordMessage('hf_wrong')]
            : [saslInitialResponse('SCRAM-SHA-256', 'n,,n=,r=abc')];
        const socket = connect(port, '127.0.0.1');
        let got = '';
        socket.on('data', (chunk: Buffer) => {
          got += chunk.toString('latin1');
          const nonce = /r=(\S+?),s=/.exec(got)?.[1];
          if (nonce) {
            socket.removeAllListeners('data').on('data', (more: Buffer) => {
              got += more.toString('latin1');
            });
            const final = `c=biws,r=${nonce},p=${Buffer.alloc(32).toString('base64')}`;
            socket.write(Buffer.concat([latin('p'), withLength(final.length + 4, latin(final))]));
          }
        });
        socket.write(Buffer.concat([startupMessage([['user', user]]), ...proof]));
        await next();
        await new Promise((done) => socket.once('close', done));
        return got
          .replaceAll(user, 'NAME')
          .replaceAll(/r=\S+,s=\S+,/g, 'NONCE,')
          .replaceAll(/^R.*NONCE/gs, 'NONCE');
      };
      expect(await words('nobody')).toBe(await words('cursor'));
    },
  );
});

describe('who is let in', () => {
  it('in clear from this machine, with the token that was shown', async () => {
    const { port, next } = await door();
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const hello = startup(['application_name', 'probe'], ['options', '-c search_path=app']);
    socket.write(Buffer.concat([hello, passwordMessage(TOKEN), latin('Qearly')]));
    const result = await next();
    if (result.kind !== 'session') throw new Error(JSON.stringify(result));
    expect(result).toMatchObject({
      agentName: 'cursor',
      targetName: 'main',
      applicationName: 'probe',
      searchPath: 'app',
      secure: false,
      token: { tokenId: 'token_1' },
    });
    expect(result.leftover.toString()).toBe('Qearly');
    expect(result.socket.isPaused()).toBe(true);
    expect(result.socket.listenerCount('data')).toBe(0);
    const later = new Promise((done) => result.socket.once('data', done));
    result.socket.resume();
    socket.write('more');
    expect(String(await later)).toBe('more');
    result.socket.destroy();
  });

  it('not with a token that was revoked a moment ago, nor with one that ran out', async () => {
    const revoked = agentWithTokens('cursor', [TOKEN]);
    revoked.revoke('token_0');
    const stale = agentWithTokens('cursor', [TOKEN], new Date('2001-01-01T00:00:00Z'));
    for (const dead of [revoked, stale]) {
      const { port, next } = await door({ directory: dead });
      await say(port, startup(), passwordMessage(TOKEN));
      expect(await next()).toMatchObject({ kind: 'closed', code: 'HF_AUTH_FAILED' });
    }
  });

  it('a cancel request, with a key of either protocol', async () => {
    for (const secret of [Buffer.alloc(4, 5), Buffer.alloc(32, 6)]) {
      const { port, next } = await door();
      const told = say(port, cancelRequest(77, secret));
      const result = await next();
      expect(result).toMatchObject({ kind: 'cancel', processId: 77, secret });
      if (result.kind === 'cancel') hangUp(result.socket);
      expect(await told).toHaveLength(0);
    }
  });

  it('protocol 3.2 and unknown protocol options are negotiated down', async () => {
    const { port, next } = await door();
    const hello = startup(['_pq_.whistle', '1']);
    hello.writeUInt32BE(0x0003_0002, 4);
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    const first = new Promise<Buffer>((done) => socket.once('data', done));
    socket.write(hello);
    const expected = Buffer.concat([
      Buffer.from('76 00000019 00030000 00000001'.replaceAll(' ', ''), 'hex'),
      latin('_pq_.whistle\0'),
    ]);
    expect((await first).subarray(0, expected.length)).toEqual(expected);
    socket.write(passwordMessage(TOKEN));
    const result = await next();
    expect(result).toMatchObject({ kind: 'session', protocolMinor: 0 });
    socket.destroy();
  });

  it('with GSS refused, then TLS', async () => {
    const { port, next } = await door({ tls });
    const raw = connect(port, '127.0.0.1');
    const answer = (): Promise<string> =>
      new Promise((done) => raw.once('data', (c) => done(String(c))));
    raw.write(Buffer.from('0000000804d21630', 'hex'));
    expect(await answer()).toBe('N');
    raw.write(sslRequest());
    expect(await answer()).toBe('S');
    await login(connectTls({ socket: raw, rejectUnauthorized: false }));
    expect(await next()).toMatchObject({ kind: 'session', secure: true });
  });

  it('with TLS at once, as PostgreSQL 17 clients may', async () => {
    const { port, next } = await door({ tls });
    const client = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['postgresql'],
    });
    await login(client);
    const result = await next();
    if (result.kind !== 'session') throw new Error(JSON.stringify(result));
    expect(result.secure).toBe(true);
    let got = '';
    client.on('data', (chunk) => {
      got += String(chunk);
    });
    result.socket.end('hello');
    result.socket.resume();
    await new Promise((done) => client.once('end', done));
    expect(got).toMatch(/hello$/);
    client.destroy();
  });

  it('and is let go when its TLS turns into noise', async () => {
    const { port, next } = await door({ tls });
    const raw = connect(port, '127.0.0.1').on('error', () => {});
    raw.write(sslRequest());
    await new Promise((done) => raw.once('data', done));
    const client = connectTls({ socket: raw, rejectUnauthorized: false });
    client.on('error', () => {});
    await login(client);
    const result = await next();
    if (result.kind !== 'session') throw new Error(JSON.stringify(result));
    const closed = new Promise((done) => result.socket.once('close', done));
    result.socket.resume();
    raw.write(Buffer.concat([Buffer.from('1703030040', 'hex'), Buffer.alloc(64, 1)]));
    await closed;
    expect(result.socket.destroyed).toBe(true);
    raw.destroy();
  });

  it('another machine without TLS is told to use it', async () => {
    for (const [plaintext, auth] of [
      ['loopback', 'scram'],
      ['anywhere', 'token'],
    ] as const) {
      const { written, result } = await overMemory([startup()], { plaintext, auth }, false);
      expect(result).toMatchObject({ kind: 'closed', sqlstate: '28000' });
      expect(written).toContain('sslmode=require');
    }
  });
});

async function login(client: TLSSocket): Promise<void> {
  client.on('error', () => {});
  await new Promise((done) => client.once('secureConnect', done));
  const asked = new Promise((done) => client.once('data', done));
  client.write(startup());
  await asked;
  client.write(passwordMessage(TOKEN));
}

/** The door over no socket at all: chunks in, text out. */
async function overMemory(
  chunks: readonly Uint8Array[],
  more: Partial<DoorOptions>,
  isLoopback = true,
) {
  const feed = new ByteFeed(65_536);
  const written: Buffer[] = [];
  const result = admit(
    {
      feed,
      isLoopback,
      write: (bytes) => written.push(Buffer.from(bytes)),
      encrypt: () => Promise.reject(new Error('no TLS in this test')),
    },
    options(more),
  );
  for (const chunk of chunks) {
    feed.push(chunk);
    await new Promise((done) => setImmediate(done));
  }
  feed.end();
  const settled = await result;
  return { result: settled, written: Buffer.concat(written).toString('latin1') };
}

it('any chunking of the same bytes gives the same admission and the same answer', async () => {
  const still: Clock = { ...systemClock, random: (byteCount) => Buffer.alloc(byteCount, 1) };
  const CONVERSATIONS = [
    Buffer.concat([startup(['options', '-c a.b=1']), passwordMessage(TOKEN)]),
    Buffer.concat([sslRequest(), startup(), passwordMessage('wrong')]),
    Buffer.concat([startup(['_pq_.x', 'y']), latin('Q\0\0\0\x04')]),
    cancelRequest(5, Buffer.alloc(4, 1)),
    withLength(9, Buffer.concat([v3, latin('x')])),
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...CONVERSATIONS),
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 30 }),
      async (bytes, sizes) => {
        const chunks: Buffer[] = [];
        let rest = bytes;
        for (const size of sizes) {
          if (rest.length > 0) chunks.push(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        if (rest.length > 0) chunks.push(rest);
        const whole = await overMemory([bytes], { clock: still });
        expect(await overMemory(chunks, { clock: still })).toEqual(whole);
      },
    ),
    { numRuns: 60 },
  );
});
