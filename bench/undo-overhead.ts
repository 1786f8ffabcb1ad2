/**
 * `npm run bench:undo`: what it costs that everything can be taken back. In turns, in one run, on one
 * PostgreSQL 15 with fsync on: a protected database through Holdfast, and its twin without protection.
 *
 *   tpcb     TPC-B through Holdfast with capture, beside PgBouncer without any
 *   delete   DELETE of 1 row and of many rows through Holdfast, captured and not
 *   drop     DROP TABLE of a table of many segments, reversible and plain
 *
 * The targets are `open`: nothing waits for a person, all else is as on `guarded`. Medians and ratios;
 * writes its sections of bench/results/undo.json (bench/undo.ts and bench/drain.ts write the others).
 *
 * Options: --quick (small, to see that it runs)  --rounds N  --seconds N  --rows N  --gigabytes X
 *          --only tpcb,delete,drop  --out FILE
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startHoldfast } from './holdfast.ts';
import { type Cast, type Contestant, runMatrix } from './matrix.ts';
import { compareDelete, compareDrop, type Pair } from './overhead.ts';
import { type Door, runTool, WORKLOADS } from './pgbench.ts';
import { rowsOf, tableOf } from './report.ts';
import { writeSections } from './sections.ts';
import { installTools, PG_BIN, startPgbouncer, startPostgres } from './servers.ts';

const SCALE = 10;
const SUPERUSER = 'postgres';
/** What is dropped reversibly stays on disk. */
const DROP_ROUNDS_MAX = 2;
const TWIN = 'plain';
const PARTS = ['tpcb', 'delete', 'drop'];
const RESULT = join(dirname(fileURLToPath(import.meta.url)), '..', 'results', 'undo.json');

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
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
      rows: { type: 'string' },
      gigabytes: { type: 'string' },
      only: { type: 'string', default: PARTS.join() },
      out: { type: 'string', default: RESULT },
    },
  });
  const { quick } = values;
  const only = values.only.split(',');
  const wrong = only.filter((part) => !PARTS.includes(part));
  if (wrong.length > 0)
    throw new Error(`--only knows ${PARTS.join(', ')}; not ${wrong.join(', ')}.`);
  const number = (name: string, text: string | undefined, usual: number): number => {
    const value = text === undefined ? usual : Number(text);
    if (value > 0 && Number.isFinite(value)) return value;
    throw new Error(`--${name} takes a number above 0, not ${text}.`);
  };
  return {
    rounds: number('rounds', values.rounds, quick ? 1 : 5),
    seconds: number('seconds', values.seconds, quick ? 1 : 4),
    rows: number('rows', values.rows, quick ? 2_000 : 100_000),
    bytes: 1024 ** 3 * number('gigabytes', values.gigabytes, quick ? 0.02 : 2),
    only,
    out: values.out,
  };
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
    const twin = await makeTwin(server.door);
    const pgbouncer = await startPgbouncer(root, twin);
    stops.push(pgbouncer.stop);
    const holdfast = await startHoldfast(root, server.door, {
      more: [TWIN],
      level: 'open',
      protectAs: SUPERUSER,
    });
    stops.push(holdfast.stop);
    const pair: Pair = {
      captured: { agent: holdfast.door, owner: server.door },
      plain: { agent: { ...holdfast.door, database: TWIN }, owner: twin },
    };
    const cast = {
      server: server.pid,
      pgbouncer: pgbouncer.pid,
      holdfast: holdfast.pid,
      store: holdfast.storePid,
    };
    const contestants: readonly Contestant[] = [
      { name: 'pgbouncer', door: pgbouncer.door },
      { name: 'holdfast', door: holdfast.door },
    ];
    if (options.only.includes('tpcb')) await tpcb(options, contestants, cast);
    if (options.only.includes('delete')) await deletes(options, pair);
    if (options.only.includes('drop')) await drop(options, pair);
    say(`written: ${options.out}`);
  } finally {
    for (const stop of stops.reverse()) await stop();
    rmSync(root, { recursive: true, force: true });
  }
}

async function tpcb(
  { rounds, seconds, out }: Options,
  contestants: readonly Contestant[],
  cast: Cast,
): Promise<void> {
  const workloads = WORKLOADS.filter(({ id }) => id.startsWith('tpcb'));
  const cells = workloads.flatMap((workload) => [1, 16].map((clients) => ({ workload, clients })));
  const samples = await runMatrix({
    binFolder: PG_BIN,
    contestants,
    cells,
    rounds,
    seconds,
    cast,
    cores: availableParallelism(),
    progress: (done, all, what) => say(`${done}/${all} cells: ${what}`),
  });
  const rows = rowsOf(cells, samples);
  process.stdout.write(tableOf(rows));
  writeSections(out, { tpcb: { scale: SCALE, rounds, seconds, rows, samples } });
}

async function deletes({ rows, rounds, out }: Options, pair: Pair): Promise<void> {
  const results = [];
  for (const count of [1, rows]) {
    const result = await compareDelete(pair, count, rounds, say);
    say(`DELETE of ${count}: ${result.ratio.toFixed(2)}x uncaptured`);
    results.push(result);
  }
  writeSections(out, { delete: { rounds, results } });
}

async function drop({ bytes, rounds, out }: Options, pair: Pair): Promise<void> {
  const result = await compareDrop(pair, bytes, Math.min(rounds, DROP_ROUNDS_MAX), say);
  say(
    `DROP TABLE of ${(result.bytes / 1024 ** 3).toFixed(2)} GB: ${result.ratio.toFixed(2)}x plain`,
  );
  writeSections(out, { drop: result });
}

/** The same files under another name, before anything is protected. */
async function makeTwin(door: Door): Promise<Door> {
  const admin = { ...door, user: SUPERUSER, database: 'postgres' };
  const sql = `create database ${TWIN} template ${door.database} owner ${door.user}`;
  await runTool(PG_BIN, 'psql', admin, ['-Xqc', sql], 120_000);
  return { ...door, name: TWIN, database: TWIN };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
