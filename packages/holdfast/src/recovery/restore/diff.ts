/**
 * The restored database beside the live one: structure, rows, and of tables with a primary key which
 * rows. One snapshot of each side; nothing is written on either. The order:
 *
 *   definitions -> rows and hashes of each table that both have -> keys of those that differ
 *
 * It will not compare what is not there on both sides, nor follow columns that changed their type: such a
 * table is compared by the columns that both have, and the diff says so. Sequences are compared by
 * definition and not by how far they are; materialized views not by their rows.
 */
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import { compareCatalogs, type PartDifference } from './catalog.ts';
import { bucketsOf, compareKeys, differing, type KeyDifferences, rowsIn } from './row-buckets.ts';
import {
  allTables,
  from,
  type SharedTable,
  sharedTable,
  shown,
  type TableName,
} from './table-facts.ts';

export interface TableDifference extends TableName {
  readonly restoredRows: bigint;
  readonly liveRows: bigint;
  /** Columns that only one side has, or that changed their type: not compared. */
  readonly leftOut: readonly string[];
  /** Columns of the key; empty: rows cannot be told apart, `keys` is null then. */
  readonly key: readonly string[];
  readonly keys: KeyDifferences | null;
}

export interface LoneTable extends TableName {
  readonly side: 'restored' | 'live';
  readonly rows: bigint;
}

export interface Diff {
  readonly structure: readonly PartDifference[];
  readonly lone: readonly LoneTable[];
  /** Those whose rows differ; all others that both sides have are equal. */
  readonly tables: readonly TableDifference[];
  readonly equalTables: number;
  readonly equalRows: bigint;
}

export interface DiffProgress {
  readonly phase: 'structure' | 'counting' | 'comparing';
  readonly table: string | null;
  readonly tablesDone: number;
  readonly tablesTotal: number;
  /** Read for comparing keys, of this table, on both sides. */
  readonly rows: number;
}

export interface DiffOptions {
  readonly restored: TargetDatabase;
  readonly live: TargetDatabase;
  /** Of each kind and table; counts are exact whatever it is. */
  readonly keysMax: number;
  readonly onProgress: (progress: DiffProgress) => void;
  readonly signal: AbortSignal;
}

export function diffTargets(options: DiffOptions): Promise<Diff> {
  const { live, restored } = options;
  return restored.transaction('repeatable read', (before) =>
    live.transaction('repeatable read', async (now) => {
      for (const session of [before, now]) await session.query(AS_READER);
      return compare({ restored: before, live: now }, options);
    }),
  );
}

/** A policy that hides rows is an error then, never a table that looks equal. */
export const AS_READER = 'set transaction read only; set local row_security = off';

interface Sides {
  readonly restored: TargetSession;
  readonly live: TargetSession;
}

async function compare(sides: Sides, { keysMax, onProgress, signal }: DiffOptions): Promise<Diff> {
  const still = { tablesDone: 0, tablesTotal: 0, rows: 0 };
  onProgress({ phase: 'structure', table: null, ...still });
  const structure = await compareCatalogs(sides.restored, sides.live);
  const before = await allTables(sides.restored);
  const now = new Map((await allTables(sides.live)).map((table) => [shown(table), table]));
  const tables: TableDifference[] = [];
  const lone: LoneTable[] = [];
  let [equalTables, equalRows, tablesDone] = [0, 0n, 0];
  for (const table of before) {
    signal.throwIfAborted();
    const other = now.get(shown(table));
    now.delete(shown(table));
    if (other === undefined) {
      lone.push(await loneTable(sides.restored, 'restored', table));
    } else {
      const tell = (phase: DiffProgress['phase'], rows: number): void => {
        signal.throwIfAborted();
        onProgress({ phase, table: shown(table), tablesDone, tablesTotal: before.length, rows });
      };
      const found = await compareTable(sides, sharedTable(table, other), keysMax, tell);
      if ('equalRows' in found) {
        equalTables += 1;
        equalRows += found.equalRows;
      } else tables.push(found);
    }
    tablesDone += 1;
  }
  for (const table of now.values()) lone.push(await loneTable(sides.live, 'live', table));
  return { structure, lone, tables, equalTables, equalRows };
}

async function compareTable(
  sides: Sides,
  table: SharedTable,
  keysMax: number,
  tell: (phase: DiffProgress['phase'], rows: number) => void,
): Promise<TableDifference | { readonly equalRows: bigint }> {
  tell('counting', 0);
  const before = await bucketsOf(sides.restored, table.restored, table);
  const now = await bucketsOf(sides.live, table.live, table);
  const buckets = differing(before, now);
  const restoredRows = rowsIn(before);
  if (buckets.length === 0) return { equalRows: restoredRows };
  let read = 0;
  const onRows = (rows: number): void => {
    read += rows;
    tell('comparing', read);
  };
  const { key } = table;
  const keys = key.length === 0 ? null : await compareKeys(sides, table, buckets, keysMax, onRows);
  const { name, schema } = table.live;
  const leftOut = leftOutOf(table);
  return { schema, name, restoredRows, liveRows: rowsIn(now), leftOut, key, keys };
}

function leftOutOf({ columns, live, restored }: SharedTable): readonly string[] {
  const all = new Set([...restored.columns, ...live.columns].map(({ name }) => name));
  return [...all].filter((name) => !columns.includes(name));
}

async function loneTable(
  session: TargetSession,
  side: LoneTable['side'],
  table: Parameters<typeof from>[0],
): Promise<LoneTable> {
  const [row] = await session.query(`select count(*)::text as rows from ${from(table)}`);
  return { schema: table.schema, name: table.name, side, rows: BigInt(String(row?.['rows'] ?? 0)) };
}
