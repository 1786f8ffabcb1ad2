/**
 * One act of the engine "pull" in a process of its own, so that its memory is its own: `backup`,
 * `restore`, `drill`, or `stream` until its input ends. Started by recovery.ts; answers lines of JSON.
 */
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { systemClock } from '#holdfast/model/clock.js';
import { runDrill } from '#holdfast/recovery/drills/drill.js';
import { takeWitness } from '#holdfast/recovery/drills/witness.js';
import { PullEngine } from '#holdfast/recovery/engines/pull/pull-engine.js';
import { lsnOf } from '#holdfast/recovery/lsn.js';
import { PointSeal } from '#holdfast/recovery/point-seal.js';
import { listPoints, readPoint } from '#holdfast/recovery/point-store.js';
import { openSession } from '#holdfast/recovery/target-session.js';
import { benchVault } from './recovery-vault.ts';

const [act = '', port = '', vaultFolder = '', identity = '', recipient = '', folder = ''] =
  process.argv.slice(2);
const vault = benchVault(vaultFolder);
const connection = {
  host: '127.0.0.1',
  port: Number(port),
  user: 'postgres',
  database: 'postgres',
  password: () => null,
  ssl: false,
} as const;
const engine = new PullEngine({
  target: 'bench',
  connection,
  vault,
  recipients: [recipient],
  identities: () => [identity],
  kept: () => ({ retainUntil: new Date(Date.now() + 86_400_000) }),
  slot: 'holdfast_bench',
  acceptsCorruptPages: false,
  seal: new PointSeal(Buffer.alloc(32, 1)),
  clock: systemClock,
});
const never = new AbortController().signal;
const quiet = (): void => {};

if (act === 'stream') await stream();
else if (act === 'drill') await drill();
else {
  const facts = await engine.facts();
  const points = await listPoints(vault, 'bench', facts.systemIdentifier, null);
  if (act === 'backup') await engine.stream();
  const started = performance.now();
  if (act === 'backup') await engine.backup(quiet, never);
  const newest = points.at(-1);
  if (act === 'restore' && newest) {
    const point = await readPoint(vault, newest);
    await engine.restore(point, { at: null, lsn: null }, folder, quiet, never);
  }
  say({ ms: performance.now() - started });
  await engine.close();
}

/**
 * A point, then work, a witness in the middle of it, and more work: brought back as it was at the witness,
 * on a server of its own, every table of it hashed.
 */
async function drill(): Promise<void> {
  const wal = await engine.stream();
  const { server } = await engine.backup(quiet, never);
  const client = await connect();
  const work = 'update pgbench_accounts set abalance = abalance + 1 where aid between';
  await client.query(`${work} 1 and 200000`);
  const witness = await takeWitness({ target: 'bench', now: () => new Date(), connect });
  await client.query(`${work} 200001 and 400000`);
  const { rows } = await client.query('select pg_current_wal_flush_lsn()::text as lsn');
  await client.end();
  await wal.durableUpTo(lsnOf(String(rows[0]?.lsn)) ?? 0n, never);
  const newest = (await listPoints(vault, 'bench', server.systemIdentifier, null)).at(-1);
  if (newest === undefined) throw new Error('no point was stored');
  const goal = { at: null, lsn: witness.lsn };
  const point = await readPoint(vault, newest);
  const order = { point, seal: null, goal, witness, witnessTrouble: null, assertions: [] };
  const started = performance.now();
  const { checks, phases, verdict } = await runDrill(
    { ...order, database: 'postgres' },
    {
      engine,
      vault: vault.name,
      clock: systemClock,
      folder,
      superuser: 'postgres',
      binaries: [],
      replayMsMax: 60_000,
    },
    quiet,
    never,
  );
  say({ ms: performance.now() - started, phases, verdict, checks });
  await engine.close();
}

function connect(mode: 'sql' | 'replication' = 'sql'): Promise<pg.Client> {
  return openSession(connection, mode);
}

/**
 * Each line that comes is a position, and answered when that is durable; or `silence`, and answered when
 * the stream is no longer called streaming.
 */
async function stream(): Promise<void> {
  const wal = await engine.stream();
  await wal.durableUpTo(0n, never);
  say({ ready: true });
  let held = '';
  for await (const chunk of process.stdin) {
    held += String(chunk);
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) {
      while (line === 'silence' && wal.state().isStreaming) await setTimeout(20);
      if (line !== 'silence') await wal.durableUpTo(lsnOf(line) ?? 0n, never);
      say({ lsn: line });
    }
  }
  await engine.close();
}

function say(what: object): void {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const cpuSeconds = (userCPUTime + systemCPUTime) / 1e6;
  process.stdout.write(`${JSON.stringify({ ...what, cpuSeconds, maxRssMiB: maxRSS / 1024 })}\n`);
}
