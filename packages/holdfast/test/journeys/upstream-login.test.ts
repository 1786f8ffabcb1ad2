/** The way to real servers: every authentication method and sslmode, on PostgreSQL 18 and 15. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { loadCertificate } from '../../src/protocols/postgres/certificate.ts';
import { query, terminate } from '../../src/protocols/postgres/messages.ts';
import {
  connectUpstream,
  type SslMode,
  sendCancel,
  type Upstream,
  type UpstreamSpec,
} from '../../src/protocols/postgres/upstream.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

/** `ø` and the Roman numeral: SASLprep turns the latter into "IX" on both sides. */
const PASSWORD = 'sæcret \u2168';

const HBA = [
  'local all all scram-sha-256',
  'host all postgres 127.0.0.1/32 trust',
  'host all plain 127.0.0.1/32 password',
  'host all digest 127.0.0.1/32 md5',
  'hostssl all tls_only 127.0.0.1/32 scram-sha-256',
  'host all scram 127.0.0.1/32 scram-sha-256',
];

const SERVERS: readonly {
  readonly name: string;
  readonly major: number;
  readonly binFolder: string | null;
}[] = [
  { name: 'PostgreSQL 18 from npm', major: 18, binFolder: null },
  { name: 'PostgreSQL 15 from Debian', major: 15, binFolder: '/usr/lib/postgresql/15/bin' },
];

describe.each(SERVERS)('$name', ({ major, binFolder }) => {
  const missing = binFolder !== null && !existsSync(binFolder);
  describe.skipIf(missing)('lets us in', () => {
    let folder: string;
    let ca: string;
    let server: ScratchPostgres;

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-upstream-'));
      chmodSync(folder, 0o755);
      const made = await loadCertificate({ folder, own: null, hosts: [], clock: systemClock });
      ca = readFileSync(made.certificateFile, 'utf8');
      server = await startScratchPostgres({
        hba: HBA,
        conf: [
          'ssl=on',
          `ssl_cert_file='${forServer(made.certificateFile)}'`,
          `ssl_key_file='${forServer(join(folder, 'holdfast.key'))}'`,
        ],
        ...(binFolder === null ? {} : { binFolder }),
      });
      const admin = new pg.Client(server.url());
      await admin.connect();
      for (const role of ['plain', 'scram', 'tls_only']) {
        await admin.query(`create role ${role} login password '${PASSWORD}'`);
      }
      await admin.query("set password_encryption = 'md5'");
      await admin.query(`create role digest login password '${PASSWORD}'`);
      await admin.end();
    }, 60_000);

    afterAll(async () => {
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    const spec = (more: Partial<UpstreamSpec>): UpstreamSpec => ({
      address: { kind: 'tcp', host: '127.0.0.1', port: server.port },
      user: 'scram',
      password: () => PASSWORD,
      database: 'postgres',
      sslmode: 'disable',
      ca: null,
      connectTimeoutMs: 10_000,
      ...more,
    });
    const enter = (more: Partial<UpstreamSpec>): Promise<Upstream> =>
      connectUpstream(spec(more), [['application_name', 'holdfast']], systemClock);

    const ROWS: readonly (readonly [user: string, sslmode: SslMode, secure: boolean])[] = [
      ['postgres', 'disable', false],
      ['plain', 'disable', false],
      ['digest', 'disable', false],
      ['scram', 'disable', false],
      ['scram', 'prefer', true],
      ['tls_only', 'require', true],
    ];
    it.each(ROWS)('as %s with sslmode %s', async (user, sslmode, secure) => {
      const upstream = await enter({ user, sslmode });
      expect(upstream).toMatchObject({ transactionStatus: 'I', serverVersion: major });
      expect(upstream.parameters.get('application_name')).toBe('holdfast');
      expect(upstream.leftover).toHaveLength(0);
      expect(upstream.processId).toBeGreaterThan(0);
      expect(upstream.socket.isPaused()).toBe(true);
      expect(upstream.socket.listenerCount('data')).toBe(0);
      const sql = 'select current_user, ssl from pg_stat_ssl where pid = pg_backend_pid()';
      const answer = await ask(upstream, sql);
      expect(answer).toContain(user);
      expect(answer).toContain(`\0\0\0\u0001${secure ? 't' : 'f'}`);
    });

    it('with the certificate verified, by authority and by name', async () => {
      const address = { kind: 'tcp', host: 'localhost', port: server.port } as const;
      for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
        const upstream = await enter({ sslmode, ca, address });
        upstream.socket.destroy();
      }
    });

    const UNVERIFIED: readonly (readonly [string, Partial<UpstreamSpec>, string])[] = [
      ['an authority nobody knows', { sslmode: 'verify-full' }, 'HF_UPSTREAM_REFUSED'],
      ['verify-ca without a ca', { sslmode: 'verify-ca' }, 'HF_CONFIG_INVALID'],
    ];
    it.each(UNVERIFIED)('not with %s', async (_, more, code) => {
      await expect(enter(more)).rejects.toMatchObject({ code });
    });

    it('not with another authority, as soon as there is a ca (require too)', async () => {
      const other = mkdtempSync(join(tmpdir(), 'holdfast-ca-'));
      const made = await loadCertificate({
        folder: other,
        own: null,
        hosts: [],
        clock: systemClock,
      });
      const stranger = readFileSync(made.certificateFile, 'utf8');
      rmSync(other, { recursive: true });
      for (const sslmode of ['require', 'verify-ca', 'verify-full'] as const) {
        await expect(enter({ sslmode, ca: stranger })).rejects.toMatchObject({
          code: 'HF_UPSTREAM_REFUSED',
        });
      }
    });

    it('not with a wrong password, and says what the server said', async () => {
      for (const user of ['plain', 'digest', 'scram']) {
        await expect(enter({ user, password: () => 'wrong' })).rejects.toMatchObject({
          code: 'HF_UPSTREAM_REFUSED',
          found: `"password authentication failed for user "${user}"" (SQLSTATE 28P01)`,
          cause: { sqlstate: '28P01' },
        });
      }
    });

    it('not without a password, and not where TLS is a must and missing', async () => {
      await expect(enter({ password: () => null })).rejects.toThrow(/a password for this target/);
      await expect(enter({ user: 'tls_only' })).rejects.toMatchObject({
        cause: { sqlstate: '28000' },
      });
    });

    it.each(['disable', 'require'] as const)(
      'cancels what runs, with sslmode %s',
      async (sslmode) => {
        const upstream = await enter({ sslmode });
        const asked = ask(upstream, 'select pg_sleep(30)');
        // A cancel that arrives before the query has begun is lost, as with any server: ask again.
        const again = setInterval(() => {
          void sendCancel(spec({ sslmode }), upstream.processId, upstream.secretKey);
        }, 100);
        expect(await asked).toContain('C57014');
        clearInterval(again);
      },
    );
  });
});

/** Sends one Query on a handed-over socket and gathers text until ReadyForQuery. */
function ask({ socket }: Upstream, sql: string): Promise<string> {
  return new Promise((done, fail) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.slice(-6, -1) === 'Z\0\0\0\u0005') {
        socket.end(terminate());
        done(text);
      }
    });
    socket.once('error', fail);
    socket.write(query(sql));
    socket.resume();
  });
}

/** A copy that the server's user may read, and nobody else. */
function forServer(file: string): string {
  const copy = `${file}.server`;
  copyFileSync(file, copy);
  chmodSync(copy, 0o600);
  if (process.getuid?.() === 0) {
    const id = (flag: string, name: string): number =>
      Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
    const name = hasUser('postgres') ? 'postgres' : 'nobody';
    chownSync(copy, id('-u', name), id('-g', name));
  }
  return copy;
}

function hasUser(name: string): boolean {
  try {
    execFileSync('id', [name], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}
