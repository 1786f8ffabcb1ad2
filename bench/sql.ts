/**
 * `npm run bench:sql`: an agent's SQL through Holdfast, with policy and trail on, beside PgBouncer in
 * session mode and beside no proxy at all. Everything on loopback, everything started and stopped
 * here. Prints medians and ratios to PgBouncer, writes bench/results/sql.json with the raw rounds.
 *
 * Options: --quick (2 rounds of 2 s)  --rounds N  --seconds N  --clients 1,16
 *          --out FILE (instead of bench/results/sql.json)
 *          --only select-simple,select-prepared,select-extended,tpcb-simple,idle,block
 */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startHoldfast } from './holdfast.ts';
import { type Contestant, runMatrix } from './matrix.ts';
import { WORKLOADS } from './pgbench.ts';
import { rowsOf, tableOf } from './report.ts';
import { installTools, machineFacts, PG_BIN, startPgbouncer, startPostgres } from './servers.ts';
import { measureBlock, measureIdle } from './sessions.ts';

const SCALE = 10;
const IDLE_CONNECTIONS = 1_000;
const BLOCK_BYTES = [16, 64, 256, 1024, 4096].map((kib) => kib * 1024);
const RESULT = join(dirname(fileURLToPath(import.meta.url)), '..', 'results', 'sql.json');

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly clients: readonly number[];
  readonly only: readonly string[];
  readonly out: string;
}

function optionsOf(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      clients: { type: 'string', default: '1,16' },
      only: { type: 'string' },
      out: { type: 'string', default: RESULT },
    },
  });
  const known = [...WORKLOADS.map((workload) => workload.id), 'idle', 'block'];
  const only = values.only?.split(',') ?? known;
  const wrong = only.filter((name) => !known.includes(name));
  if (wrong.length > 0)
    throw new Error(`--only knows ${known.join(', ')}; not ${wrong.join(', ')}.`);
  return {
    rounds: countOf('--rounds', values.rounds ?? (values.quick ? '2' : '5')),
    seconds: countOf('--seconds', values.seconds ?? (values.quick ? '2' : '4')),
    clients: values.clients.split(',').map((text) => countOf('--clients', text)),
    only,
    out: values.out,
  };
}

function countOf(option: string, text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 600) return count;
  throw new Error(`${option} takes a whole number from 1 to 600, not ${text}.`);
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  installTools();
  const root = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  chmodSync(root, 0o711);
  const stops: (() => Promise<void>)[] = [];
  try {
    say(`starting PostgreSQL (scale ${SCALE}, fsync on), PgBouncer, Holdfast ...`);
    const server = await startPostgres(root, SCALE);
    stops.push(server.stop);
    const pgbouncer = await startPgbouncer(root, server.door);
    stops.push(pgbouncer.stop);
    const holdfast = await startHoldfast(root, server.door);
    stops.push(holdfast.stop);
    const contestants: readonly Contestant[] = [
      { name: 'direct', door: server.door },
      { name: 'pgbouncer', door: pgbouncer.door },
      { name: 'holdfast', door: holdfast.door },
    ];
    const cells = WORKLOADS.filter((workload) => options.only.includes(workload.id)).flatMap(
      (workload) => options.clients.map((clients) => ({ workload, clients })),
    );
    const cores = availableParallelism();
    const samples = await runMatrix({
      binFolder: PG_BIN,
      contestants,
      cells,
      rounds: options.rounds,
      seconds: options.seconds,
      cast: {
        server: server.pid,
        pgbouncer: pgbouncer.pid,
        holdfast: holdfast.pid,
        store: holdfast.storePid,
      },
      cores,
      progress: progressLine(options.seconds),
    });
    const rows = rowsOf(cells, samples);
    process.stdout.write(tableOf(rows));
    const block = [];
    if (options.only.includes('block')) {
      for (const { name, door } of contestants) {
        say(`large statements: ${name}`);
        block.push(...(await measureBlock(name, door, BLOCK_BYTES, 5)));
      }
      for (const one of block) {
        say(
          `${one.contestant}: ${one.statementBytes / 1024} KiB statement, another session waited ` +
            `${one.longestWaitMs.toFixed(1)} ms at most (quiet: ${one.quietWaitMs.toFixed(1)} ms)`,
        );
      }
    }
    let idle = null;
    if (options.only.includes('idle')) {
      say(`${IDLE_CONNECTIONS} idle connections ...`);
      idle = await measureIdle(holdfast.door, holdfast.pid, IDLE_CONNECTIONS);
      say(`${(idle.bytesPerConnection / 1024).toFixed(1)} KiB per idle connection`);
    }
    const machine = {
      ...machineFacts(),
      node: process.version,
      cores,
      memoryBytes: totalmem(),
      at: new Date().toISOString(),
    };
    const { rounds, seconds } = options;
    mkdirSync(dirname(options.out), { recursive: true });
    const result = { machine, scale: SCALE, rounds, seconds, rows, block, idle, samples };
    writeFileSync(options.out, `${JSON.stringify(result, null, 2)}\n`);
    say(`written: ${options.out}`);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(root, { recursive: true, force: true });
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** One line, rewritten on a terminal: what runs, how far, how long still. */
function progressLine(seconds: number): (done: number, all: number, what: string) => void {
  const started = performance.now();
  return (done, all, what) => {
    const each = done === 0 ? seconds + 0.5 : (performance.now() - started) / 1000 / done;
    const left = Math.round(each * (all - done));
    const text = `${done}/${all} cells, about ${Math.floor(left / 60)} min ${left % 60} s left: ${what}`;
    process.stderr.write(
      process.stderr.isTTY ? `\r\x1b[K${text}${done === all ? '\n' : ''}` : `${text}\n`,
    );
  };
}

await main();
