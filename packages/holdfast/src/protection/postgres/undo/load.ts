/**
 * Captured rows, back from the vault into a temp table of the target's session: one per table, however
 * many shapes it has had. Its columns are typed as the table's are now, so that nothing is converted
 * on the way in unless a column's type has changed; then the kept value is read as what it was kept as,
 * cast, and cast back: a value that does not survive that is a conflict, never a silent loss.
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetSession } from '../../target-database.ts';
import type { ShapeRows } from '../../undo/segments.ts';
import type { UndoStore } from '../../undo-store.ts';
import type { CurrentColumn, CurrentTable, Placed } from './current-table.ts';

/** Rows of one table in a segment, loaded. */
export interface Loaded {
  readonly table: CurrentTable;
  /** Temp table: seq, n, side, sh, and the columns (see `value`). */
  readonly rows: string;
  /** For each shape, in the order of `sh`: the columns it has values for. */
  readonly shapes: readonly (readonly CurrentColumn[])[];
  /** Columns every shape has values for: what rows are compared by. */
  readonly common: readonly CurrentColumn[];
  /** SQL of a column's value; `alias` is an alias of `rows`. */
  readonly value: (column: CurrentColumn, alias: string) => string;
  readonly misfits: readonly Misfit[];
  /** How many there are in it. */
  readonly count: number;
  /** Enough rows that how they are looked up matters: tables that are made of them are analyzed. */
  readonly isLarge: boolean;
}

/** So few are looked up one by one by whatever plan, and to count them first costs more than that. */
const UNANALYZED_ROWS_MAX = 50;

export interface Misfit {
  readonly column: string;
  readonly from: string;
  readonly to: string;
  readonly rows: number;
}

export interface ShapePlace extends ShapeRows {
  readonly placed: Placed;
}

export interface LoadOptions {
  readonly session: TargetSession;
  readonly store: UndoStore;
  /** Distinct within the transaction. */
  readonly name: string;
  readonly onBytes: (bytes: number, rows: number) => void;
}

export async function loadRows(
  options: LoadOptions,
  table: CurrentTable,
  places: readonly ShapePlace[],
): Promise<Loaded> {
  const { session, name } = options;
  const rows = `pg_temp.${name}`;
  const isWhole = places.some(({ shape }) => shape.isWhole);
  const plan = isWhole ? wholePlan(table, places) : columnPlan(places);
  await session.query(
    `create temp table ${name} (seq bigint, n bigint, side "char", sh int2 default 0` +
      `${plan.columns.map((column) => `, ${column}`).join('')}) on commit drop`,
  );
  let count = 0;
  for (const [sh, place] of places.entries()) {
    if (sh > 0) await session.query(`alter table ${rows} alter column sh set default ${sh}`);
    const into = plan.copied[sh] ?? [];
    const copy = `copy ${rows} (seq, n, side${into.map((column) => `, ${column}`).join('')}) from stdin`;
    count += await session.copyIn(copy, chunksOf(options, place));
  }
  if (isWhole) await session.query(`update ${rows} set r = whole::${table.sql}`);
  const misfits: Misfit[] = [];
  for (const change of plan.changed) misfits.push(...(await convert(session, rows, change)));
  // What rows are matched by; in a row that is kept as one there is nothing to count.
  const keys = isWhole ? [] : keyNames(table, places);
  const isLarge = count > UNANALYZED_ROWS_MAX;
  if (isLarge) await session.query(`analyze ${rows} (${['seq', 'side', ...keys].join(', ')})`);
  const shapes = places.map(({ placed }) => {
    const has = new Set(placed.to.map((column) => column?.attnum));
    return table.columns.filter(({ attnum }) => has.has(attnum));
  });
  const common = table.columns.filter((column) => shapes.every((one) => one.includes(column)));
  const value = (column: CurrentColumn, alias: string): string =>
    isWhole ? `(${alias}.r).${quote(column.name)}` : `${alias}.x${column.attnum}`;
  return { table, rows, shapes, common, value, misfits, count, isLarge };
}

function keyNames({ key }: CurrentTable, places: readonly ShapePlace[]): string[] {
  const filled = new Set(places.flatMap(({ placed }) => placed.to.map((one) => one?.attnum)));
  return key.filter(({ attnum }) => filled.has(attnum)).map(({ attnum }) => `x${attnum}`);
}

async function* chunksOf({ store, onBytes }: LoadOptions, place: ShapePlace) {
  for await (const { data, rows } of store.chunksOf(place.itemIds, place.shape.shapeId)) {
    onBytes(data.byteLength, rows);
    yield data;
  }
}

interface Plan {
  readonly columns: readonly string[];
  /** By shape: where each captured column is copied to. */
  readonly copied: readonly (readonly string[])[];
  readonly changed: readonly Change[];
}

interface Change {
  readonly raw: string;
  readonly kept: string;
  readonly column: CurrentColumn;
}

function columnPlan(places: readonly ShapePlace[]): Plan {
  const columns = new Map<string, string>();
  const changed: Change[] = [];
  const copied = places.map(({ placed }, sh) =>
    placed.shape.columns.map((captured, place) => {
      const column = placed.to[place] ?? null;
      if (column === null) {
        // Read and let go: a dropped or a generated column.
        columns.set(`gone${sh}_${place}`, `gone${sh}_${place} text`);
        return `gone${sh}_${place}`;
      }
      const name = `x${column.attnum}`;
      columns.set(name, `${name} ${column.type}${column.collate}`);
      // Another kind than it is kept as: its input may run code of others (the check of a domain), and
      // COPY would run it as the admin.
      if (column.type === captured.type && captured.kept === captured.type) return name;
      const raw = `raw${sh}_${place}`;
      columns.set(raw, `${raw} ${captured.kept}`);
      changed.push({ raw, kept: captured.kept, column });
      return raw;
    }),
  );
  return { columns: [...columns.values()], copied, changed };
}

/** A row kept as one text is read by its own type, which must be what it was. */
function wholePlan(table: CurrentTable, places: readonly ShapePlace[]): Plan {
  const same = places.every(
    ({ shape, placed: { to } }) =>
      shape.isWhole &&
      shape.columns.length === table.columns.length &&
      shape.columns.every((column, place) => {
        const now = table.columns[place];
        const isPlain = column.generated !== '' || to[place]?.attnum === now?.attnum;
        return isPlain && now?.type === column.type;
      }),
  );
  if (!same) {
    throw new HoldfastError('HF_UNDO_STATE', {
      expected: `${table.shown} to have the columns it had, because its rows are kept as one text`,
      found: 'columns that were added, dropped or changed since',
      hint: 'Undo the change of its columns first.',
    });
  }
  return {
    columns: [`r ${table.sql}`, 'whole text'],
    copied: places.map(() => ['whole']),
    changed: [],
  };
}

async function convert(
  session: TargetSession,
  rows: string,
  { raw, kept, column }: Change,
): Promise<Misfit[]> {
  const name = `x${column.attnum}`;
  const cast = await castOf(session, kept, column.type);
  const back = await castOf(session, column.type, kept);
  await session.query(`update ${rows} set ${name} = ${cast(raw)} where ${raw} is not null`);
  const [found] = await session.query(
    `select count(*)::int as misfits from ${rows}
      where ${raw} is not null and ${back(name)}::text is distinct from ${raw}::text`,
  );
  const misfits = Number(found?.['misfits'] ?? 0);
  if (misfits === 0) return [];
  return [{ column: column.name, from: kept, to: column.type, rows: misfits }];
}

/** The server's own cast where there is one, else through text. */
async function castOf(
  session: TargetSession,
  from: string,
  to: string,
): Promise<(value: string) => string> {
  await session.query('savepoint hf_cast');
  try {
    await session.query(`select cast(cast(null as ${from}) as ${to})`);
    return (value) => `cast(${value} as ${to})`;
  } catch {
    await session.query('rollback to savepoint hf_cast');
    return (value) => `cast(cast(${value} as text) as ${to})`;
  } finally {
    await session.query('release savepoint hf_cast');
  }
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
