/**
 * Rows of one segment, over all its tables. The order:
 *
 *   place each shape in the table it belongs to now -> lock -> load -> plan (net, compare)
 *     -> rounds of writing and checking (rounds.ts) -> conflicts and counts into the report
 */
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetSession } from '../../target-database.ts';
import type { RowsSegment } from '../../undo/segments.ts';
import { decisionFor } from '../../undo/undo-report.ts';
import type { UndoProgress } from '../../undo/undos.ts';
import { type CurrentColumn, type CurrentTable, placeShape } from './current-table.ts';
import { planBag } from './keyless.ts';
import { loadRows, type ShapePlace } from './load.ts';
import { planNet } from './net.ts';
import { type ForeignKey, parentsFirst, readForeignKeys } from './references.ts';
import { writeInRounds } from './rounds.ts';
import { reportRows } from './rows-report.ts';
import { notesOnTriggers } from './triggers.ts';
import { makeWay } from './unique.ts';
import {
  addConflict,
  type Planned,
  type RowsWork,
  type Tell,
  tableConflict,
  type UndoOrder,
} from './work.ts';

interface Group {
  readonly table: CurrentTable;
  readonly places: ShapePlace[];
}

export async function undoRows(work: RowsWork): Promise<void> {
  const { session, segment, at } = work;
  const groups = await place(work);
  if (groups.length === 0) return;
  const isLook = work.order.mode === 'preview';
  for (const { table } of isLook ? [] : groups) {
    await session.query(`lock table ${table.from} in share row exclusive mode`);
  }
  const keys = await readForeignKeys(
    session,
    groups.map(({ table }) => table.oid),
  );
  const [may] = await session.query(
    `select current_setting('is_superuser') = 'on'
         or has_parameter_privilege('session_replication_role', 'SET') as quiet`,
  );
  const isQuiet = may?.['quiet'] === true;
  for (const note of await notesOnTriggers(
    session,
    groups.map(({ table }) => table.oid),
    isQuiet,
  )) {
    work.gathered.notes.add(note);
  }
  const names: string[] = [];
  const entries = work.isPart ? `hf_entries_${at}` : null;
  if (entries !== null) {
    names.push(entries);
    await fillEntries(session, entries, segment);
  }
  const planned: Planned[] = [];
  const tell = progressOf(work);
  for (const [number, group] of groups.entries()) {
    const name = `hf_${at}_${number}`;
    names.push(`${name}_rows`, `${name}_plan`, `${name}_way`);
    const one = await plan(work, group, { name, keys, entries, tell });
    if (one !== null) planned.push(one);
  }
  const written = await writeInRounds(work, parentsFirst(planned, keys), { keys, isQuiet, tell });
  await reportRows(work, planned, written);
  // A later act on these tables must not find temp tables that use their types; a look runs none.
  if (isLook) return;
  const all = names.map((name) => `pg_temp.${name}`).join(', ');
  await session.query(`drop table if exists ${all}`);
}

async function place({ session, segment, order, gathered }: RowsWork): Promise<Group[]> {
  const groups = new Map<number, Group>();
  for (const rows of segment.shapes) {
    const found = await placeShape(session, rows.shape);
    const was = `${rows.shape.schema}.${rows.shape.table}`;
    if (found.kind === 'gone') {
      const choice = decisionFor(order.decisions, was, null);
      addConflict(
        gathered,
        tableConflict('table-gone', was, found.about, choice === 'ours' ? null : choice),
      );
      continue;
    }
    for (const note of found.notes) gathered.notes.add(note);
    const { table } = found.placed;
    const there = groups.get(table.oid);
    const one = { ...rows, placed: found.placed };
    if (there === undefined) groups.set(table.oid, { table, places: [one] });
    else there.places.push(one);
  }
  // Always in the same order, so that two undos wait for each other instead of for ever.
  return [...groups.values()].sort((one, other) => one.table.oid - other.table.oid);
}

async function fillEntries(
  session: TargetSession,
  name: string,
  segment: RowsSegment,
): Promise<void> {
  const all = segment.shapes.flatMap(({ entries }) => entries);
  await session.query(`create temp table ${name} (seq bigint primary key, tx int) on commit drop`);
  await session.query(
    `insert into pg_temp.${name} select * from unnest($1::bigint[], $2::int[]) on conflict do nothing`,
    [all.map(({ seq }) => seq.toString()), all.map(({ tx }) => tx)],
  );
}

interface PlanAround {
  readonly name: string;
  readonly keys: readonly ForeignKey[];
  readonly entries: string | null;
  readonly tell: Tell;
}

async function plan(
  work: RowsWork,
  { table, places }: Group,
  { name, keys, entries, tell }: PlanAround,
): Promise<Planned | null> {
  const { session, store, order, gathered } = work;
  const onBytes = (_bytes: number, rows: number): void => tell('reading', rows);
  const loaded = await loadRows({ session, store, name: `${name}_rows`, onBytes }, table, places);
  for (const { column, from, to, rows } of loaded.misfits) {
    const choice = decisionFor(order.decisions, table.shown, null);
    const about = `${rows} kept value(s) of ${column} (${from}) do not fit its type now (${to}).`;
    addConflict(gathered, {
      ...tableConflict('does-not-fit', table.shown, about, choice),
      choices: ['ours', 'theirs', 'skip'],
    });
    if (choice !== 'ours') return null;
  }
  tell('comparing', 0);
  const isKeyed =
    table.key.length > 0 &&
    table.key.every(({ attnum }) => loaded.common.some((column) => column.attnum === attnum));
  if (!isKeyed) {
    if (order.key.length > 0) throw noSuchKey(order, table);
    const bag = await planBag(session, loaded, `${name}_plan`, entries);
    return { kind: 'keyless', table, bag };
  }
  const referenced = new Set(
    keys.filter(({ parent }) => parent === table.oid).flatMap(({ parentAttnums }) => parentAttnums),
  );
  const net = await planNet({
    session,
    loaded,
    name: `${name}_plan`,
    entries,
    isPlainDelete: isPlainDelete(places),
    only: onlyKey(order, table),
    referenced: table.columns.filter(({ attnum }) => referenced.has(attnum)),
  });
  return { kind: 'keyed', table, net, way: await makeWay(session, net, `${name}_way`) };
}

/** By one transaction, and nothing else: then no key is among the rows twice. */
function isPlainDelete(places: readonly ShapePlace[]): boolean {
  const entries = places.flatMap((one) => one.entries);
  const isDelete = entries.every(({ op }) => op === 'D' || op === 'T');
  return isDelete && places.length === 1 && new Set(entries.map(({ tx }) => tx)).size === 1;
}

function onlyKey(
  order: UndoOrder,
  table: CurrentTable,
): { readonly column: CurrentColumn; readonly value: string }[] {
  return order.key.map(({ name, value }) => {
    const column = table.columns.find(
      (one) => one.name === name && table.key.some(({ attnum }) => attnum === one.attnum),
    );
    if (column === undefined) throw noSuchKey(order, table);
    return { column, value };
  });
}

function noSuchKey(order: UndoOrder, table: CurrentTable): HoldfastError {
  const names = table.key.flatMap(({ attnum }) =>
    table.columns.filter((one) => one.attnum === attnum).map(({ name }) => name),
  );
  return new HoldfastError('HF_USAGE', {
    expected: `--key with a column of ${table.shown}'s key${names.length === 0 ? '' : ` (${names.join(', ')})`}`,
    found:
      names.length === 0 ? 'a table without a key' : order.key.map(({ name }) => name).join(', '),
    hint: 'Choose the table with --table, and its rows by --key COLUMN=VALUE.',
  });
}

/** Rows are read once and written once: both count. */
function progressOf({ order, segment }: RowsWork): Tell {
  const rowsTotal = segment.shapes.reduce((sum, { rows }) => sum + rows, 0);
  let rows = 0;
  let phase: UndoProgress['phase'] = 'reading';
  return (next, more) => {
    rows = next === phase ? rows + more : more;
    phase = next;
    order.onProgress?.({ phase, rows, rowsTotal });
  };
}
