import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ScratchPostgres, startScratchPostgres } from '../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../target-database.ts';
import { openTargetDatabase } from './admin.ts';

let server: ScratchPostgres;
let wire: Server;
let db: TargetDatabase;
/** The wire takes bytes, and none come back: neither an answer nor an end. */
let isSilent = false;
/** What the server is made to say to COMMIT, as an ErrorResponse, before the connection ends. */
let last: { readonly severity: string; readonly code: string } | null = null;

beforeAll(async () => {
  server = await startScratchPostgres();
  wire = createServer((near) => {
    const far = connect(server.port, server.host);
    near.on('data', (chunk) => {
      if (last === null || !/^Q.{4}commit\0/s.test(chunk.toString('latin1'))) {
        return void far.write(chunk);
      }
      const fields = `S${last.severity}\0C${last.code}\0Mnot here\0\0`;
      const size = Buffer.alloc(4);
      size.writeInt32BE(4 + fields.length);
      near.end(Buffer.concat([Buffer.from('E'), size, Buffer.from(fields, 'latin1')]));
    });
    far.on('data', (chunk) => void (isSilent || near.write(chunk)));
    for (const socket of [near, far]) {
      socket.on('error', () => {});
      socket.on('close', () => (socket === near ? far : near).destroy());
    }
  });
  await new Promise<void>((done) => wire.listen(0, '127.0.0.1', done));
  db = openTargetDatabase({
    target: 'shop',
    connection: {
      host: '127.0.0.1',
      port: (wire.address() as AddressInfo).port,
      user: server.user,
      database: 'postgres',
      password: () => null,
      ssl: false,
    },
    poolSize: 1,
    waitMsMax: 500,
  });
});
afterAll(async () => {
  await db?.close();
  await new Promise<void>((done) => wire.close(() => done()));
  await server?.stop();
});

it.each([
  ['ERREUR', '23503', '23503'],
  ['ERROR', '40002', '40002'],
  ['FATALE', '57P01', 'HF_UPSTREAM_LOST'],
  ['ERROR', '08006', 'HF_UPSTREAM_LOST'],
  ['PANICO', '58030', 'HF_UPSTREAM_LOST'],
  ['PANICO', '53100', 'HF_UPSTREAM_LOST'],
  ['ERROR', 'XX000', 'HF_UPSTREAM_LOST'],
])('takes %s %s at COMMIT for %s, in whatever language', async (severity, code, said) => {
  last = { severity, code };
  const work = db.transaction('read committed', (session) => session.query('select 1'));
  await expect(work).rejects.toMatchObject({ code: said });
  last = null;
});

it('does not wait for a server that fell silent, and goes on when it is back', async () => {
  expect(await db.query('select 1 as one')).toEqual([{ one: 1 }]);
  isSilent = true;
  // On the session that is open, then on a new one.
  await expect(db.query('select 2 as two')).rejects.toThrow(/timeout/i);
  await expect(db.query('select 3 as three')).rejects.toMatchObject({
    code: 'HF_UPSTREAM_UNREACHABLE',
  });
  isSilent = false;
  expect(await db.query('select 4 as four')).toEqual([{ four: 4 }]);
});
