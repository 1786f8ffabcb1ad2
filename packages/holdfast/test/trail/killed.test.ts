/**
 * P1 under kill -9: what was let through is in the trail, whatever the moment. A child records without
 * pause and prints each index when it would forward; it is killed at a random moment, fifteen times
 * over one trail, and each time the next start finds and settles what was left open.
 *
 * A slow wire lies between the child and the server: what the child sent rests there for a while, and
 * dies with it. Without it a decision called durable when it was only sent would pass this test.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/model/clock.ts';
import { newId } from '../../src/model/ids.ts';
import type { Database } from '../../src/store/database.ts';
import { PgInstanceBook } from '../../src/store/instances.ts';
import { PgTrailStore } from '../../src/store/trail-store.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { freshTrailDatabase } from '../../src/testing/trail-fixtures.ts';
import { verifyStore } from '../../src/trail/audit.ts';
import { signerFromSeed } from '../../src/trail/signer.ts';
import { TrailLog } from '../../src/trail/trail-log.ts';

const ROUNDS = 15;
const RUN_MS_MAX = 250;
const WIRE_MS = 15;
const CHILD = fileURLToPath(new URL('./recording-child.mjs', import.meta.url));
const BUILT = fileURLToPath(new URL('../../dist/trail/trail-log.js', import.meta.url));
const signer = signerFromSeed('holdfast/killed', Buffer.alloc(32, 9));

let server: ScratchPostgres;
let database: Database;
let wire: Server;
beforeAll(async () => {
  server = await startScratchPostgres();
  database = await freshTrailDatabase(server, 'killed');
  wire = await slowWire(server.port);
});
afterAll(async () => {
  wire.close();
  await database.close();
  await server.stop();
});

/** Hands each chunk of a client on after WIRE_MS, unless the client is gone by then. */
async function slowWire(port: number): Promise<Server> {
  const listener = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port });
    client.on('data', (chunk) => {
      setTimeout(() => {
        if (!upstream.destroyed) upstream.write(chunk);
      }, WIRE_MS);
    });
    client.on('error', () => {});
    client.on('close', () => upstream.destroy());
    upstream.on('error', () => {});
    upstream.on('close', () => client.destroy());
    upstream.pipe(client);
  });
  await new Promise<void>((done) => listener.listen(0, '127.0.0.1', done));
  return listener;
}

function throughTheWire(): string {
  const url = new URL(server.url('killed'));
  url.port = String((wire.address() as AddressInfo).port);
  return url.href;
}

/** Indexes the child printed before it was killed, `afterMs` after its first one. */
async function killAfter(afterMs: number): Promise<bigint[]> {
  const child = spawn(process.execPath, [CHILD, throughTheWire()], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  const started = new Promise<void>((done) => child.stdout.once('data', () => done()));
  child.stdout.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const ended = gone(child);
  await Promise.race([started, ended]);
  await new Promise((done) => setTimeout(done, afterMs));
  child.kill('SIGKILL');
  await ended;
  // The last line may be cut: then its decision was not told to anybody.
  return printed.split('\n').slice(0, -1).map(BigInt);
}

function gone(child: ChildProcess): Promise<void> {
  return new Promise((done) => child.once('close', () => done()));
}

async function restart(): Promise<void> {
  const store = await PgTrailStore.open({ database, requireDurable: false });
  const log = await TrailLog.start({
    store,
    instances: new PgInstanceBook(database),
    signer,
    clock: systemClock,
    instanceId: newId('instance', systemClock),
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
    checkpointMs: 50,
  });
  // The server lets go of a dead process's lock when it reads the closed socket; then the sweep of
  // the next checkpoint settles it.
  for (let tries = 0; tries < 100 && (await openDecisions()) > 0; tries++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  await log.stop();
}

async function openDecisions(): Promise<number> {
  const store = await PgTrailStore.open({ database, requireDurable: false });
  return (await verifyWhole(store)).open;
}

async function verifyWhole(store: PgTrailStore): ReturnType<typeof verifyStore> {
  return verifyStore(store, signer.verifierKey.text);
}

it('keeps every decision that was let through, and gives each one outcome', async () => {
  expect(existsSync(BUILT), 'run npm run build first: the child runs from dist').toBe(true);
  const letThrough: bigint[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const random = systemClock.random(2).readUInt16BE() / 65_536;
    letThrough.push(...(await killAfter(random * RUN_MS_MAX)));
    // Every third time another child comes first, and settles what the one before left open.
    if (round % 3 === 2) await restart();
  }
  await restart();
  const store = await PgTrailStore.open({ database, requireDurable: false });
  const report = await verifyWhole(store);
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ ok: true, open: 0 });
  expect(report.outcomes).toBe(report.decisions);
  expect(letThrough.length).toBeGreaterThan(ROUNDS);
  expect(report.decisions).toBeGreaterThanOrEqual(letThrough.length);
  const kinds = new Map<bigint, string>();
  for (let at = 0n; at < BigInt(report.to); ) {
    const page = await store.read(at, 4_096);
    for (const { bytes, index } of page) kinds.set(index, JSON.parse(bytes.toString()).kind);
    at += BigInt(page.length);
  }
  expect(letThrough.filter((index) => kinds.get(index) !== 'decision')).toEqual([]);
  console.log(
    `${ROUNDS} kills: ${letThrough.length} decisions let through, ${report.decisions} in the trail`,
  );
}, 120_000);
