/**
 * One act of the engine "pull" in a process of its own, so that its memory is its own: `backup`,
 * `restore`, or `stream` until its input ends. Started by recovery.ts; answers one line of JSON.
 */
import { systemClock } from '#holdfast/model/clock.js';
import { PullEngine } from '#holdfast/recovery/engines/pull/pull-engine.js';
import { lsnOf } from '#holdfast/recovery/lsn.js';
import { PointSeal } from '#holdfast/recovery/point-seal.js';
import { listPoints, readPoint } from '#holdfast/recovery/point-store.js';
import { benchVault } from './recovery-vault.ts';

const [act = '', port = '', vaultFolder = '', identity = '', recipient = '', folder = ''] =
  process.argv.slice(2);
const vault = benchVault(vaultFolder);
const engine = new PullEngine({
  target: 'bench',
  connection: {
    host: '127.0.0.1',
    port: Number(port),
    user: 'postgres',
    database: 'postgres',
    password: () => null,
    ssl: false,
  },
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

/** Each line that comes is a position; it is answered when that is durable. */
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
      await wal.durableUpTo(lsnOf(line) ?? 0n, never);
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
