/**
 * `npm run bench:undo -- --only copy`: how fast rows that were deleted come back, beside COPY of the very
 * same rows from memory. In turns, in one run, on one PostgreSQL 15 with fsync on:
 *
 *   undo      an agent's DELETE of all rows, captured and drained; then the room's `apply` of that item
 *   captured  COPY in by the same agent, into the same table, which is captured
 *   plain     COPY in by the owner, into the same table of a database that is not protected
 *
 * The aim (issue 3) is meant of `captured`: an undo is itself captured, so that it can be undone, and
 * so is that COPY. Beside `plain` an undo is asked to do twice the work in the same time; its ratio
 * stands there without an aim. Time of an undo: from its order to the rows standing in the table, which
 * is its transaction with the reading of the vault; what is drained after its commit is reported apart,
 * as the drain after a COPY is not counted either. After each undo the table's checksum is compared.
 *
 * Options: --quick (small, to see that it runs)  --rounds N  --rows N  --out FILE
 */
import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { aimed, aimsTable } from './aims.ts';
import { as, asking } from './asking.ts';
import { cpuSecondsOf } from './cpu.ts';
import type { Door } from './pgbench.ts';
import { median } from './report.ts';
import { writeSections } from './sections.ts';
import { installTools } from './servers.ts';
import { startUndoGround, type UndoGround } from './undo-ground.ts';
import { inWorkshop } from './workshop.ts';

const RESULT = join(dirname(fileURLToPath(import.meta.url)), '..', 'results', 'undo.json');
const TABLE = 'public.bookings';
const SIGNED = { kind: 'code', person: 'bench', code: '000000' } as const;
const WAYS = ['undo', 'captured', 'plain'] as const;
type Way = (typeof WAYS)[number];

interface Spent {
  readonly ms: number;
  /** Of the target's server, in the same time: what a neighbour on this machine does not falsify. */
  readonly serverCpuMs: number;
}

interface Sample extends Spent {
  readonly way: Way;
  readonly round: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      rows: { type: 'string' },
      out: { type: 'string', default: RESULT },
    },
  });
  const rounds = Number(values.rounds ?? (values.quick ? 1 : 5));
  const rows = Number(values.rows ?? (values.quick ? 2_000 : 100_000));
  installTools();
  await inWorkshop(async (root, stops) => {
    const ground = await startUndoGround(root, stops);
    const samples = await measure(ground, rows, rounds);
    print(values.out, rows, rounds, samples);
  });
}

async function measure(
  ground: UndoGround,
  rows: number,
  rounds: number,
): Promise<readonly Sample[]> {
  for (const door of [ground.owner, ground.twin]) {
    await asking(
      door,
      `create table ${TABLE} (id int primary key, a text, b numeric, c timestamptz, d jsonb, e int, f int);
       create index on ${TABLE} (e)`,
    );
  }
  await asking(
    ground.owner,
    `insert into ${TABLE} select g, 'text ' || g, g / 7.0, timestamptz '2026-01-01' + g * interval '1 min',
       '{"a": 1}', g % 1000, g from generate_series(1, ${rows}) g`,
  );
  const bytes = await copiedOut(ground.owner);
  const samples: Sample[] = [];
  // The first of each is for the caches.
  for (let round = -1; round < rounds; round += 1) {
    const turns = round % 2 === 0 ? WAYS : WAYS.toReversed();
    for (const way of turns) {
      const spent = await once(ground, way, bytes, rows);
      say(`copy: round ${round + 1} of ${rounds}, ${way}: ${spent.ms.toFixed(0)} ms`);
      if (round >= 0) samples.push({ way, round, ...spent });
    }
  }
  return samples;
}

/** Empties the table, brings the rows back, sees that they are the same, and says how long that took. */
async function once(ground: UndoGround, way: Way, bytes: Buffer, rows: number): Promise<Spent> {
  const into = way === 'plain' ? ground.twin : ground.owner;
  if (way === 'undo') {
    await asking(ground.owner, `analyze ${TABLE}`);
    await asking(ground.agent, `delete from ${TABLE}`);
    await ground.drain.drainOnce();
  } else await asking(into, `truncate ${TABLE}`);
  await asking(into, 'checkpoint', 'postgres');
  const watch = stopwatch(ground.serverPid);
  const spent = await (way === 'undo'
    ? undoNewest(ground, rows, watch)
    : copyIn(way === 'captured' ? ground.agent : ground.twin, bytes, watch));
  await ground.drain.drainOnce();
  if (digest(await copiedOut(into)) !== digest(bytes)) {
    throw new Error(`Not a comparison: after ${way} the rows are not what they were.`);
  }
  return spent;
}

type Stopwatch = () => () => Spent;

function stopwatch(server: number): Stopwatch {
  const cpu = (): number => cpuSecondsOf({ server }).server;
  return () => {
    const cpuBefore = cpu();
    const started = performance.now();
    return () => {
      const ms = performance.now() - started;
      return { ms, serverCpuMs: (cpu() - cpuBefore) * 1_000 };
    };
  };
}

/** From the order to the commit: the first drain of `apply` finds nothing, its last one comes after. */
async function undoNewest(
  { undos, hooks }: UndoGround,
  rows: number,
  watch: Stopwatch,
): Promise<Spent> {
  const { items } = await undos.list({ ids: [] }, ['kept'], 1);
  const id = items[0]?.item.id ?? '';
  const stop = watch();
  let spent: Spent | null = null;
  hooks.committed = () => {
    spent ??= stop();
  };
  const wish = { selection: { ids: [id] }, tables: null, key: [], decisions: [] };
  const { tables, isWhole } = await undos.apply(wish, SIGNED);
  const back = tables[0]?.insertedBack;
  if (back !== rows || !isWhole || spent === null) {
    throw new Error(`Not a comparison: ${back} rows are back.`);
  }
  return spent;
}

async function copyIn(door: Door, bytes: Buffer, watch: Stopwatch): Promise<Spent> {
  return as(door, async (client) => {
    const stop = watch();
    await pipeline(Readable.from([bytes]), client.query(copyFrom(`copy ${TABLE} from stdin`)));
    return stop();
  });
}

async function copiedOut(door: Door): Promise<Buffer> {
  return as(door, async (client) => {
    const pieces: Buffer[] = [];
    const query = copyTo(`copy (select * from ${TABLE} order by id) to stdout`);
    for await (const piece of client.query(query)) pieces.push(Buffer.from(piece));
    return Buffer.concat(pieces);
  });
}

function print(out: string, rows: number, rounds: number, samples: readonly Sample[]): void {
  const ratioTo = (other: Way, part: keyof Spent): number => {
    const of = (way: Way): readonly Sample[] => samples.filter((one) => one.way === way);
    const pairs = of('undo').map(
      (one) =>
        (of(other).find(({ round }) => round === one.round)?.[part] ?? Number.NaN) / one[part],
    );
    return median(pairs);
  };
  const medianMs = Object.fromEntries(
    WAYS.map((way) => [way, median(samples.filter((one) => one.way === way).map(({ ms }) => ms))]),
  );
  const toCaptured = ratioTo('captured', 'ms');
  const toPlain = ratioTo('plain', 'ms');
  const results = [aimed('undoCopy', `undo of ${rows} rows, to COPY through capture`, toCaptured)];
  const cpu = { toCaptured: ratioTo('captured', 'serverCpuMs') };
  writeSections(out, {
    copy: { rows, rounds, medianMs, toCaptured, toPlain, cpu, samples, results },
  });
  process.stdout.write(aimsTable(results));
  process.stdout.write(
    `copy: medians in ms: ${JSON.stringify(medianMs)}; to COPY into a table without capture ` +
      `${toPlain.toFixed(2)} (no aim); by the server's CPU, to COPY through capture ${cpu.toCaptured.toFixed(2)}\n`,
  );
}

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
