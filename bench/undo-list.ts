/**
 * `npm run bench:undo -- --only list`: the undo list and a preview with 100,000 undo items in the vault.
 * They are written by the vault's own `keep`, in batches as the drain writes them: of several targets,
 * agents and login roles, over two days, one to three parts each, with their rows; a few among them are
 * real transactions on a protected target, which a preview is compared with.
 *
 *   list       as `holdfast undo list` asks the room: the drain's look at the target, a page of 50, its
 *              parts; first page, one agent's, one that did nothing, a range of time, all states
 *   page       a page of 50 deep in the list, by its cursor, asked of the vault
 *   preview    of one item of 1 row and of one of 1,000 rows: read, compared with the table, its SQL
 *   process    the whole `holdfast undo list --json` command; it holds the start of node, so no aim
 *
 * Options: --quick (small, to see that it runs)  --items N  --times N  --out FILE
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { sql } from 'kysely';
import type { Selection } from '#holdfast/protection/undo/selection.js';
import type { UndoState } from '#holdfast/protection/undo-item.js';
import { type Aimed, aimed, aimsTable } from './aims.ts';
import { asking } from './asking.ts';
import { cpuSecondsOf } from './cpu.ts';
import { writeSections } from './sections.ts';
import { installTools } from './servers.ts';
import { startUndoGround, type UndoGround, yamlOf } from './undo-ground.ts';
import { AGENTS, FIRST_AT, fillVault, HOUR_MS } from './undo-items.ts';
import { inWorkshop } from './workshop.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const CLI = join(HERE, '../../packages/holdfast/dist/cli/main.js');
const RESULT = join(HERE, '..', 'results', 'undo.json');
const PAGE = 50;
const PROCESS_TIMES_MAX = 10;
const OPEN: readonly UndoState[] = ['kept', 'purging'];

interface Timed {
  readonly what: string;
  readonly times: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Of this process and both servers, for each: on a machine that others use, the better word. */
  readonly cpuMs: number;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      items: { type: 'string' },
      times: { type: 'string' },
      out: { type: 'string', default: RESULT },
    },
  });
  const items = Number(values.items ?? (values.quick ? 2_000 : 100_000));
  const times = Number(values.times ?? (values.quick ? 20 : 200));
  installTools();
  await inWorkshop(async (root, stops) => {
    const ground = await startUndoGround(root, stops);
    const real = await realItems(ground);
    await fillVault(ground.store, ground.owner.database, items, say);
    // Two days of them in one minute: autovacuum, which comes once a minute, is not waited for.
    await ground.database.run((db) => sql`analyze`.execute(db));
    const lists = await measureLists(ground, times);
    const previews = await measurePreviews(ground, real, times);
    const command = await measureCommand(ground, root, Math.min(times, PROCESS_TIMES_MAX));
    print(values.out, items, lists, previews, command);
  });
}

/** Two transactions of an agent on the protected target: ids of their items, by rows. */
async function realItems({ owner, agent, drain, undos }: UndoGround): Promise<Map<number, string>> {
  await asking(
    owner,
    `create table public.trips (id int primary key, a text, b numeric, at timestamptz);
     insert into public.trips select g, 'trip ' || g, g / 7.0, now() from generate_series(1, 100000) g;
     analyze public.trips`,
  );
  const found = new Map<number, string>();
  for (const [rows, where] of [
    [1, 'id = 77'],
    [1_000, 'id between 5000 and 5999'],
  ] as const) {
    await asking(agent, `delete from public.trips where ${where}`);
    await drain.drainOnce();
    const { items } = await undos.list({ ids: [] }, OPEN, 1);
    found.set(rows, items[0]?.item.id ?? '');
  }
  return found;
}

async function measureLists({ undos, store }: UndoGround, times: number): Promise<Timed[]> {
  const noon = new Date(FIRST_AT + 24 * HOUR_MS);
  const asked: readonly (readonly [
    what: string,
    selection: Selection,
    states: readonly UndoState[],
  ])[] = [
    ['list: first page', { ids: [] }, OPEN],
    ['list: one agent', { ids: [], agentName: AGENTS[3] ?? '' }, OPEN],
    ['list: an agent that did nothing', { ids: [], agentName: 'nobody' }, OPEN],
    [
      'list: one hour of yesterday',
      { ids: [], since: noon, until: new Date(noon.getTime() + HOUR_MS) },
      OPEN,
    ],
    ['list: all states', { ids: [] }, ['kept', 'undone', 'purging', 'purged']],
  ];
  const done: Timed[] = [];
  for (const [what, selection, states] of asked) {
    done.push(await timed(what, times, () => undos.list(selection, states, PAGE)));
  }
  const deep = await store.list({ states: OPEN, until: noon, limit: 1 });
  const after = deep[0]?.id ?? '';
  done.push(
    await timed('page: in the middle, by its cursor', times, () =>
      store.list({ states: OPEN, after, limit: PAGE }),
    ),
  );
  return done;
}

async function measurePreviews(
  { undos }: UndoGround,
  real: ReadonlyMap<number, string>,
  times: number,
): Promise<Timed[]> {
  const done: Timed[] = [];
  for (const [rows, id] of real) {
    const wish = { selection: { ids: [id] }, tables: null, key: [], decisions: [] };
    done.push(
      await timed(`preview: ${rows} row(s) of one item`, times, async () => {
        const { tables } = await undos.preview(wish);
        if (tables[0]?.insertedBack !== rows) throw new Error(`${tables[0]?.insertedBack} rows.`);
      }),
    );
  }
  return done;
}

async function measureCommand(ground: UndoGround, root: string, times: number): Promise<Timed> {
  const config = join(root, 'holdfast.yaml');
  writeFileSync(config, yamlOf(ground));
  const env = { ...process.env, BENCH_PASSWORD: ground.owner.password, HOLDFAST_CONFIG: config };
  return timed('process: holdfast undo list --json', times, async () => {
    const words = [CLI, 'undo', 'list', '--json'];
    const { stdout } = await promisify(execFile)(process.execPath, words, { env });
    const count = (stdout.match(/"undo_/g) ?? []).length;
    if (count < PAGE) throw new Error(`The command listed ${count} items.`);
  });
}

async function timed(what: string, times: number, once: () => Promise<unknown>): Promise<Timed> {
  await once();
  const all: number[] = [];
  const cpuBefore = cpuSeconds();
  for (let time = 0; time < times; time += 1) {
    const started = performance.now();
    await once();
    all.push(performance.now() - started);
  }
  all.sort((one, other) => one - other);
  const at = (share: number): number => all[Math.floor((all.length - 1) * share)] ?? Number.NaN;
  const cpuMs = ((cpuSeconds() - cpuBefore) * 1_000) / times;
  const result = { what, times, medianMs: at(0.5), p99Ms: at(0.99), cpuMs };
  const shown = [result.medianMs, result.p99Ms, cpuMs].map((ms) => ms.toFixed(1));
  say(`${what}: median ${shown[0]} ms, p99 ${shown[1]} ms; CPU ${shown[2]} ms`);
  return result;
}

/** Both servers are children of this process. */
function cpuSeconds(): number {
  return cpuSecondsOf({ all: process.pid }).all;
}

function print(
  out: string,
  items: number,
  lists: readonly Timed[],
  previews: readonly Timed[],
  command: Timed,
): void {
  const results: Aimed[] = [
    ...lists.map((one) => aimed('listMs', `${one.what}, p99 in ms of ${items} items`, one.p99Ms)),
    ...previews.map((one) => aimed('previewMs', `${one.what}, p99 in ms`, one.p99Ms)),
  ];
  writeSections(out, { list: { items, timed: [...lists, ...previews, command], results } });
  process.stdout.write(aimsTable(results));
  process.stdout.write(
    `${command.what}: median ${command.medianMs.toFixed(0)} ms with the start of node (no aim)\n`,
  );
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

await main();
