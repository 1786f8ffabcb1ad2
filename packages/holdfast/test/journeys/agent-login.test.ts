/** Real clients at the door: libpq (psql), node-postgres, postgres.js; behind it a canned server. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import type { DoorOptions } from '../../src/protocols/postgres/admission.ts';
import { loadCertificate, type OwnCertificate } from '../../src/protocols/postgres/certificate.ts';
import { type DoorResult, hangUp, openDoor } from '../../src/protocols/postgres/door.ts';
import {
  backendKeyData,
  parameterStatus,
  readyForQuery,
} from '../../src/protocols/postgres/messages.ts';
import { agentWithTokens } from '../../src/testing/agent-with-tokens.ts';

const TOKEN = 'hf_0123456789abcdef';
const PSQL = '/usr/lib/postgresql/15/bin/psql';
const directory = agentWithTokens('cursor', ['hf_earlier', TOKEN]);
const run = promisify(execFile);

let folder: string;
let certificate: OwnCertificate;
const servers: Server[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-agents-'));
  certificate = await loadCertificate({ folder, own: null, hosts: [], clock: systemClock });
});
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

interface Gate {
  readonly port: number;
  readonly results: DoorResult[];
}

async function gate(more: Partial<DoorOptions>): Promise<Gate> {
  const results: DoorResult[] = [];
  const server = createServer((raw) => {
    void openDoor(raw, {
      directory,
      tls: certificate.secureContext,
      auth: 'scram',
      plaintext: 'loopback',
      clock: systemClock,
      ...more,
    }).then((result) => {
      results.push(result);
      if (result.kind === 'cancel') hangUp(result.socket);
      if (result.kind === 'session') canned(result);
    });
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { port: address.port, results };
}

/** Answers every simple query as if it were empty. */
function canned({ socket, leftover }: Extract<DoorResult, { kind: 'session' }>): void {
  expect(leftover).toHaveLength(0);
  socket.write(parameterStatus('server_version', '16.0'));
  socket.write(parameterStatus('client_encoding', 'UTF8'));
  socket.write(parameterStatus('standard_conforming_strings', 'on'));
  socket.write(backendKeyData(7, Buffer.of(1, 2, 3, 4)));
  socket.write(readyForQuery('I'));
  socket.on('data', (chunk: Buffer) => {
    if (chunk[0] === 0x51) socket.write(Buffer.from('49000000045a0000000549', 'hex'));
    if (chunk[0] === 0x58) socket.end();
  });
  socket.resume();
}

async function psql(port: number, more: string, token = TOKEN) {
  const connection = `host=127.0.0.1 port=${port} user=cursor dbname=main connect_timeout=10 ${more}`;
  const env = { ...process.env, PGPASSWORD: token, PSQLRC: '/dev/null', HOME: folder };
  return await run(PSQL, ['-X', '-c', ';', connection], { env, timeout: 20_000 }).then(
    () => '',
    (error: { stderr?: string }) => error.stderr ?? String(error),
  );
}

describe.skipIf(!existsSync(PSQL))('psql', () => {
  const ROWS: readonly (readonly [
    story: string,
    connection: string,
    secure: boolean,
    more: Partial<DoorOptions>,
  ])[] = [
    ['SCRAM in clear', 'sslmode=disable', false, {}],
    ['SCRAM with TLS, bound to the channel', 'sslmode=require channel_binding=require', true, {}],
    ['SCRAM with TLS, not bound', 'sslmode=require channel_binding=disable', true, {}],
    ['sslmode prefer where there is no TLS', 'sslmode=prefer', false, { tls: null }],
    ['GSS asked for first', 'gssencmode=prefer sslmode=require', true, {}],
    ['a token shown with TLS', 'sslmode=require', true, { auth: 'token' }],
    ['a token shown in clear on loopback', 'sslmode=disable', false, { auth: 'token' }],
    ['settings in options', "sslmode=require options='-c search_path=app'", true, {}],
  ];
  it.each(ROWS)('%s', async (_, connection, secure, more) => {
    const { port, results } = await gate(more);
    expect(await psql(port, connection)).toBe('');
    expect(results).toMatchObject([
      { kind: 'session', secure, targetName: 'main', token: { tokenId: 'token_1' } },
    ]);
  });

  it('verifies our own certificate by name when it is given the file', async () => {
    const { port } = await gate({});
    const verify = `sslmode=verify-full sslrootcert=${certificate.certificateFile}`;
    expect(await psql(port, verify)).toBe('');
    expect(await psql(port, `${verify} host=localhost`)).toBe('');
  });

  it('is told what to do about a wrong token', async () => {
    const { port } = await gate({});
    const said = await psql(port, 'sslmode=require', 'hf_wrong');
    expect(said).toContain('FATAL:  Holdfast did not accept agent "cursor" with this token');
    expect(said).toContain('HINT:  The name or the token may be mistyped');
  });

  it('is told why its options are refused', async () => {
    const { port } = await gate({});
    const said = await psql(port, "sslmode=require options='-c client_encoding=SJIS'");
    expect(said).toContain('FATAL:  setting "client_encoding" may not be "SJIS"');
  });
});

describe('node-postgres', () => {
  const client = (port: number, more: pg.ClientConfig) =>
    new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'cursor',
      password: TOKEN,
      database: 'main',
      ...more,
    });

  const TLS = { rejectUnauthorized: false };
  it.each([
    ['SCRAM in clear', {}, {}],
    ['SCRAM with TLS', { ssl: TLS }, {}],
    ['SCRAM bound to the channel', { ssl: TLS, enableChannelBinding: true }, {}],
    ['a token shown', { ssl: TLS }, { auth: 'token' }],
  ] as const)('%s', async (_, config, more) => {
    const { port, results } = await gate(more);
    const agent = client(port, config);
    await agent.connect();
    await agent.query('');
    await agent.end();
    expect(results).toMatchObject([{ kind: 'session', secure: 'ssl' in config }]);
  });

  it('gets 28P01 for a wrong token', async () => {
    const { port } = await gate({});
    const agent = client(port, { password: 'hf_wrong' });
    await expect(agent.connect()).rejects.toMatchObject({ code: '28P01', severity: 'FATAL' });
  });
});

describe('postgres.js', () => {
  it.each([
    ['SCRAM in clear', false, {}],
    ['SCRAM with TLS', { rejectUnauthorized: false }, {}],
    ['a token shown', { rejectUnauthorized: false }, { auth: 'token' }],
  ] as const)('%s', async (_, ssl, more) => {
    const { port, results } = await gate(more);
    const sql = postgres({
      host: '127.0.0.1',
      port,
      user: 'cursor',
      password: TOKEN,
      database: 'main',
      ssl: ssl === false ? false : { ...ssl },
      max: 1,
      fetch_types: false,
    });
    await sql.unsafe('').simple();
    await sql.end({ timeout: 5 });
    expect(results).toMatchObject([{ kind: 'session', secure: ssl !== false }]);
  });
});
