/**
 * `npm run bench:undo`: what it costs that everything can be taken back. In turns, in one run, on one
 * PostgreSQL 15 with fsync and synchronous_commit on: a protected database through Holdfast, and its
 * twin without protection.
 *
 *   tpcb     TPC-B through Holdfast with capture, beside PgBouncer without any
 *   delete   DELETE of 1 row and of many rows through Holdfast, captured and not, each after the drain's end
 *   drop     DROP TABLE of a table of many segments, reversible and plain
 *   drain    how long captured rows stay in the target, at 5,000 a second
 *   list     list and preview with 100,000 undo items (bench/undo-list.ts)
 *   copy     undo of a large DELETE, beside COPY of the same rows (bench/undo-copy.ts)
 *
 * The targets are `open`: nothing waits for a person, all else is as on `guarded`. Prints medians and
 * ratios beside their aims (issue 3), writes its sections of bench/results/undo.json. About 10 minutes;
 * the numbers are worth something on a machine that does nothing else.
 *
 * Options: --quick (small, to see that it runs)  --rounds N  --seconds N  --rows N  --gigabytes X
 *          --only tpcb,delete,drop,drain,list,copy  --out FILE
 */
import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type Aimed, aimed, aimsTable } from './aims.ts';
import { measureDrainLag } from './drain-lag.ts';
import { startHoldfast } from './holdfast.ts';
import { type Cast, type Contestant, runMatrix } from './matrix.ts';
import { compareDelete, compareDrop, type Pair } from './overhead.ts';
import { type Door, runPgbench, runTool, TPCB } from './pgbench.ts';
import { rowsOf, tableOf } from './report.ts';
import { writeSections } from './sections.ts';
import { installTools, PG_BIN, startPgbouncer, startPostgres } from './servers.ts';
import { inWorkshop } from './workshop.ts';

const SCALE = 10;
const SUPERUSER = 'postgres';
/** What is dropped reversibly stays on disk. */
const DROP_ROUNDS_MAX = 2;
const TWIN = 'plain';
/** Those of other benches, which start servers of their own. */
const ELSEWHERE: Readonly<Record<string, string>> = { list: 'undo-list', copy: 'undo-copy' };
const PARTS = ['tpcb', 'delete', 'drop', 'drain', ...Object.keys(ELSEWHERE)];
/** The drain may still be at work for the cell before; its end is waited for so long. */
const SETTLE_MS_MAX = 60_000;
const ELSEWHERE_MS_MAX = 480_000;
const HERE = dirname(fileURLToPath(import.meta.url));
const RESULT = join(HERE, '..', 'results', 'undo.json');

interface Options {
  readonly rounds: number;
  readonly seconds: number;
  readonly rows: number;
  readonly bytes: number;
  readonly isQuick: boolean;
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
    seconds: number('seconds', values.seconds, quick ? 1 : 2),
    rows: number('rows', values.rows, quick ? 2_000 : 100_000),
    bytes: 1024 ** 3 * number('gigabytes', values.gigabytes, quick ? 0.02 : 2),
    isQuick: quick,
    only,
    out: values.out,
  };
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  installTools();
  const results: Aimed[] = [];
  if (options.only.some((part) => !(part in ELSEWHERE))) {
    results.push(...(await onOwnServers(options)));
  }
  for (const part of options.only) await elsewhere(part, options);
  process.stdout.write(aimsTable(results));
  writeSections(options.out, { aims: { results } });
  say(`written: ${options.out}`);
}

async function onOwnServers(options: Options): Promise<Aimed[]> {
  return await inWorkshop(async (root, stops) => {
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
      { name: 'uncaptured', door: { ...holdfast.door, name: 'uncaptured', database: TWIN } },
      { name: 'holdfast', door: holdfast.door },
    ];
    const results: Aimed[] = [];
    const parts: Readonly<Record<string, () => Promise<Aimed[]>>> = {
      tpcb: () => tpcb(options, contestants, cast, () => drained(server.door)),
      delete: () => deletes(options, pair, () => drained(server.door)),
      drop: () => drop(options, pair),
      drain: () => drainLags(options, pair),
    };
    for (const [part, measure] of Object.entries(parts)) {
      if (!options.only.includes(part)) continue;
      results.push(...(await measure().catch((error: unknown) => notMeasured(part, error))));
    }
    return results;
  });
}

async function tpcb(
  { rounds, seconds, out }: Options,
  contestants: readonly Contestant[],
  cast: Cast,
  settled: () => Promise<void>,
): Promise<Aimed[]> {
  const cells = TPCB.flatMap((workload) => [1, 16].map((clients) => ({ workload, clients })));
  for (const { door } of contestants) {
    for (const workload of TPCB) await runPgbench(PG_BIN, door, workload, 4, 1);
  }
  const samples = await runMatrix({
    binFolder: PG_BIN,
    contestants,
    cells,
    rounds,
    seconds,
    cast,
    cores: availableParallelism(),
    settled,
    progress: (done, all, what) => say(`${done}/${all} cells: ${what}`),
  });
  const rows = rowsOf(cells, samples);
  process.stdout.write(tableOf(rows));
  writeSections(out, { tpcb: { scale: SCALE, rounds, seconds, rows, samples } });
  return rows
    .filter(({ contestant }) => contestant === 'holdfast')
    .map(({ title, clients, tpsRatio }) =>
      aimed('tpcb', `${title}, ${clients} clients: tps to PgBouncer's`, tpsRatio ?? Number.NaN),
    );
}

async function deletes(
  { rows, rounds, out }: Options,
  pair: Pair,
  settled: () => Promise<void>,
): Promise<Aimed[]> {
  const one = await compareDelete(pair, 1, rounds, settled, say);
  const many = await compareDelete(pair, rows, rounds, settled, say);
  writeSections(out, { delete: { rounds, results: [one, many] } });
  return [
    aimed('deleteOne', 'DELETE of 1 row, to uncaptured', one.ratio),
    aimed('deleteMany', `DELETE of ${rows} rows, to uncaptured`, many.ratio),
  ];
}

async function drop({ bytes, rounds, out }: Options, pair: Pair): Promise<Aimed[]> {
  const result = await compareDrop(pair, bytes, Math.min(rounds, DROP_ROUNDS_MAX), say);
  writeSections(out, { drop: result });
  const gigabytes = (result.bytes / 1024 ** 3).toFixed(2);
  return [aimed('drop', `DROP TABLE of ${gigabytes} GB, to plain`, result.ratio)];
}

async function drainLags({ seconds, out }: Options, pair: Pair): Promise<Aimed[]> {
  const results = [];
  for (const rows of [50, 5]) {
    say(`drain: ${rows} rows a transaction`);
    results.push(await measureDrainLag(pair, rows, seconds * 3));
  }
  writeSections(out, { drain: { results } });
  return results.map(({ rowsPerTransaction, rowsPerSecond, p99Ms }) =>
    aimed(
      'drainMs',
      `drain lag p99 in ms, ${rowsPerSecond.toFixed(0)} rows/s, ${rowsPerTransaction} a transaction`,
      p99Ms,
    ),
  );
}

/** Prints and writes for itself. */
async function elsewhere(part: string, { isQuick, out }: Options): Promise<void> {
  const name = ELSEWHERE[part];
  if (name === undefined) return;
  const script = join(HERE, `${name}.js`);
  const args = [script, '--out', out, ...(isQuick ? ['--quick'] : [])];
  try {
    const done = await promisify(execFile)(process.execPath, args, { timeout: ELSEWHERE_MS_MAX });
    process.stdout.write(done.stdout);
  } catch (error) {
    notMeasured(part, error);
  }
}

/** One that fails does not take the others' results with it. */
function notMeasured(part: string, error: unknown): Aimed[] {
  say(`${part}: not measured: ${String(error)}`);
  process.exitCode = 1;
  return [];
}

/** Until nothing is left in the target for the drain. */
async function drained(door: Door): Promise<void> {
  const admin = { ...door, user: SUPERUSER };
  const until = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < until) {
    const left = await runTool(
      PG_BIN,
      'psql',
      admin,
      ['-XAtqc', 'select count(*) from (select from holdfast.journal limit 1) j'],
      10_000,
    );
    if (left.trim() === '0') return;
    await new Promise((done) => setTimeout(done, 200));
  }
  throw new Error(`Captured rows are still in the target after ${SETTLE_MS_MAX / 1000} s.`);
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
