/**
 * Rows of one segment, over all its tables. The order:
 *
 *   place each shape in the table it belongs to now -> lock -> load -> plan (net, compare)
 *     -> rounds of: decide, look for unique values in the way, write, check foreign keys; what a check
 *        finds is rolled back, entered into the plan as a conflict, and the next round leaves it out
 *     -> conflicts and counts into the report
 */
import pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import { UNDO_ROUNDS_MAX } from '../../../model/limits.ts';
import type { TargetSession } from '../../target-database.ts';
import type { RowsSegment } from '../../undo/segments.ts';
import { decisionFor, type UndoConflict } from '../../undo/undo-report.ts';
import type { UndoProgress } from '../../undo/undos.ts';
import type { UndoStore } from '../../undo-store.ts';
import { decide, readConflicts } from './conflict-rows.ts';
import { type CurrentColumn, type CurrentTable, placeShape } from './current-table.ts';
import { bagConflicts, type Keyless, lookAtBag, planBag, writeBag } from './keyless.ts';
import { loadRows, type ShapePlace } from './load.ts';
import { type Net, planNet } from './net.ts';
import {
  bagViolation,
  dependents,
  dependentsAhead,
  type ForeignKey,
  orphans,
  orphansAhead,
  parentsFirst,
  readForeignKeys,
  type Violation,
} from './references.ts';
import { notesOnTriggers } from './triggers.ts';
import { findInTheWay } from './unique.ts';
import { addConflict, type Gathered, type UndoOrder } from './work.ts';
import {
  changeRows,
  clearWay,
  GOES,
  insertRows,
  lookAtWrites,
  removeRows,
  type Written,
} from './write.ts';

export interface RowsWork {
  readonly session: TargetSession;
  readonly store: UndoStore;
  readonly order: UndoOrder;
  readonly gathered: Gathered;
  readonly segment: RowsSegment;
  /** Of the segment; makes the names of temp tables distinct. */
  readonly at: number;
  /** Chunks may hold rows of other segments, or several transactions are chosen. */
  readonly isPart: boolean;
}

interface Group {
  readonly table: CurrentTable;
  readonly places: ShapePlace[];
}

/** A table with its plan. */
type Planned =
  | {
      readonly kind: 'keyed';
      readonly table: CurrentTable;
      readonly net: Net;
      readonly way: string;
    }
  | { readonly kind: 'keyless'; readonly table: CurrentTable; readonly bag: Keyless };

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
    names.push(`${name}_rows`, `${name}_plan`);
    const one = await plan(work, group, { name, keys, entries, tell });
    if (one !== null) planned.push(one);
  }
  const written = await writeInRounds(work, parentsFirst(planned, keys), { keys, isQuiet, tell });
  await report(work, planned, written);
  // A later act on these tables must not find temp tables that use their types.
  for (const name of names) await session.query(`drop table if exists pg_temp.${name}`);
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
    isPlainDelete:
      entries === null &&
      places.length === 1 &&
      places.every((one) => one.entries.every(({ op }) => op === 'D' || op === 'T')),
    only: onlyKey(order, table),
    referenced: table.columns.filter(({ attnum }) => referenced.has(attnum)),
  });
  return { kind: 'keyed', table, net, way: `${name}_way` };
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

interface Around {
  readonly keys: readonly ForeignKey[];
  readonly isQuiet: boolean;
  readonly tell: Tell;
}

/** Each round but the last finds at least one row more that cannot be written. */
async function writeInRounds(
  work: RowsWork,
  planned: readonly Planned[],
  around: Around,
): Promise<Map<Planned, Written>> {
  const { session, order } = work;
  const left = new Set<Planned>();
  const refused = new Map<Planned, UndoConflict>();
  for (let round = 0; round < UNDO_ROUNDS_MAX; round += 1) {
    for (const one of planned) {
      if (one.kind === 'keyed') {
        await decide(session, one.net, order.decisions);
        if ((await findInTheWay(session, one.net, one.way)) > 0)
          await decide(session, one.net, order.decisions);
      } else if (await isBagLeft(work, one)) left.add(one);
    }
    await session.query('savepoint hf_write');
    const now = planned.filter((one) => !left.has(one));
    const tried = await (order.mode === 'preview'
      ? look(work, now, around)
      : write(work, now, around));
    if (tried.kind === 'written') {
      await session.query('release savepoint hf_write');
      for (const conflict of refused.values()) addConflict(work.gathered, conflict);
      return tried.rows;
    }
    await session.query('rollback to savepoint hf_write; release savepoint hf_write');
    if (tried.kind === 'refused') {
      left.add(tried.by);
      const { shown } = tried.by.table;
      const choice = decisionFor(order.decisions, shown, null);
      refused.set(
        tried.by,
        tableConflict('server', shown, tried.about, choice === 'ours' ? null : choice),
      );
    } else {
      for (const { net, found } of tried.found) await enter(session, net, found);
    }
  }
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `foreign keys to hold after ${UNDO_ROUNDS_MAX} rounds of leaving rows out`,
    found: 'more rows that hang on each other',
    hint: 'Nothing was changed. Undo table by table (--table).',
  });
}

async function isBagLeft({ session, order }: RowsWork, one: Planned): Promise<boolean> {
  if (one.kind === 'keyed') return false;
  const { total } = await bagConflicts(session, one.bag, null);
  return total > 0 && decisionFor(order.decisions, one.table.shown, null) !== 'ours';
}

type Tried =
  | { readonly kind: 'written'; readonly rows: Map<Planned, Written> }
  | {
      readonly kind: 'found';
      readonly found: readonly { readonly net: Net; readonly found: readonly Violation[] }[];
    }
  | { readonly kind: 'refused'; readonly by: Planned; readonly about: string };

/** `ordered`: parents first. */
async function write(
  { session, gathered }: RowsWork,
  ordered: readonly Planned[],
  { keys, isQuiet, tell }: Around,
): Promise<Tried> {
  const counts = new Map(ordered.map((one) => [one, { inserted: 0, updated: 0, deleted: 0 }]));
  const mark = gathered.sql.length;
  const say = (sql: string): void => void gathered.sql.push(sql);
  const locked = new Set(ordered.map(({ table }) => table.oid));
  let at: Planned | undefined;
  try {
    await session.query(
      isQuiet ? 'set local session_replication_role = replica' : 'set constraints all deferred',
    );
    for (const one of ordered.toReversed()) {
      at = one;
      const count = counts.get(one);
      if (count === undefined || one.kind === 'keyless') continue;
      if (!isQuiet) {
        const found = await violations(session, one, keys, (key) =>
          dependents(session, one.net, key, 'before'),
        );
        if (found.length > 0) return { kind: 'found', found: [{ net: one.net, found }] };
      }
      await clearWay(session, one.net, `pg_temp.${one.way}`, say);
      count.deleted = await removeRows(session, one.net, say);
    }
    for (const one of ordered) {
      at = one;
      const count = counts.get(one);
      if (count === undefined) continue;
      if (one.kind === 'keyless') Object.assign(count, await writeBag(session, one.bag, say));
      else {
        count.updated = await changeRows(session, one.net, isQuiet, say);
        count.inserted = await insertRows(session, one.net, say);
      }
      tell('writing', count.inserted + count.updated + count.deleted);
    }
    // What waits for the commit would run as the admin then.
    await session.query('set constraints all immediate');
    if (isQuiet) await session.query('set local session_replication_role = origin');
    tell('checking', 0);
    for (const by of ordered) {
      if (by.kind === 'keyed') continue;
      for (const key of keys) {
        const about = await bagViolation(session, by.bag, key, locked);
        if (about === null) continue;
        gathered.sql.length = mark;
        return { kind: 'refused', by, about };
      }
    }
    const found = await checkAll(session, ordered, keys, locked);
    if (found.length === 0) return { kind: 'written', rows: counts };
    gathered.sql.length = mark;
    return { kind: 'found', found };
  } catch (error) {
    gathered.sql.length = mark;
    if (at !== undefined && error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '')) {
      const detail = error.detail === undefined ? '' : ` ${error.detail}`;
      return {
        kind: 'refused',
        by: at,
        about: `The server refused its rows: ${error.message}.${detail}`,
      };
    }
    throw error;
  }
}

/** A preview's round: what would be written and what foreign keys would say, from the plans alone. */
async function look(
  { session, gathered }: RowsWork,
  ordered: readonly Planned[],
  { keys }: Around,
): Promise<Tried> {
  const nets = new Map(
    ordered.flatMap((one) => (one.kind === 'keyed' ? [[one.table.oid, one.net]] : [])),
  );
  const keyless = new Set(ordered.flatMap((one) => (one.kind === 'keyed' ? [] : [one.table.oid])));
  const all: { net: Net; found: readonly Violation[] }[] = [];
  for (const [oid, net] of nets) {
    const found: Violation[] = [];
    for (const key of keys) {
      // Rows of a table without a key cannot be told apart ahead: applying finds out.
      if (key.child === oid && !keyless.has(key.parent)) {
        found.push(...(await orphansAhead(session, net, key, nets.get(key.parent) ?? null)));
      }
      if (key.parent === oid && !keyless.has(key.child)) {
        found.push(...(await dependentsAhead(session, net, key, nets.get(key.child) ?? null)));
      }
    }
    if (found.length > 0) all.push({ net, found });
  }
  if (all.length > 0) return { kind: 'found', found: all };
  const rows = new Map<Planned, Written>();
  const say = (sql: string): void => void gathered.sql.push(sql);
  for (const one of ordered) {
    const count =
      one.kind === 'keyed' ? lookAtWrites(session, one.net, say) : lookAtBag(session, one.bag);
    rows.set(one, await count);
  }
  return { kind: 'written', rows };
}

async function checkAll(
  session: TargetSession,
  ordered: readonly Planned[],
  keys: readonly ForeignKey[],
  locked: ReadonlySet<number>,
): Promise<{ net: Net; found: readonly Violation[] }[]> {
  const all: { net: Net; found: readonly Violation[] }[] = [];
  for (const one of ordered) {
    if (one.kind === 'keyless') continue;
    const { net, table } = one;
    const found: Violation[] = [];
    for (const key of keys) {
      if (key.child === table.oid) found.push(...(await orphans(session, net, key, locked)));
      if (key.parent === table.oid) found.push(...(await dependents(session, net, key, 'after')));
    }
    if (found.length > 0) all.push({ net, found });
  }
  return all;
}

async function violations(
  _session: TargetSession,
  { table }: Planned,
  keys: readonly ForeignKey[],
  look: (key: ForeignKey) => Promise<Violation[]>,
): Promise<Violation[]> {
  const found: Violation[] = [];
  for (const key of keys) if (key.parent === table.oid) found.push(...(await look(key)));
  return found;
}

/** What a check found, into the plan: the next round leaves it out. */
async function enter(session: TargetSession, { plan: into }: Net, found: readonly Violation[]) {
  await session.query(
    `update ${into} p set conflict = v.kind, about = v.about, choice = null
       from unnest($1::text[], $2::text[], $3::text[], $4::text[]) v(kind, b, a, about)
      where p.b is not distinct from v.b::tid and p.a is not distinct from v.a::tid`,
    [
      found.map(({ kind }) => kind),
      found.map(({ b }) => b),
      found.map(({ a }) => a),
      found.map(({ about }) => about),
    ],
  );
}

async function report(
  { session, gathered, order }: RowsWork,
  planned: readonly Planned[],
  written: ReadonlyMap<Planned, Written>,
): Promise<void> {
  for (const one of planned) {
    const { inserted, updated, deleted } = written.get(one) ?? NOTHING;
    const base = {
      table: one.table.shown,
      insertedBack: inserted,
      changedBack: updated,
      removedAgain: deleted,
    };
    if (one.kind === 'keyless') {
      const choice = decisionFor(order.decisions, one.table.shown, null);
      const { total, shown } = await bagConflicts(session, one.bag, choice);
      gathered.conflicts.push(...shown);
      gathered.conflictsTotal += total;
      if (choice === null) gathered.undecided += total;
      if (choice === 'skip') gathered.skipped += total;
      gathered.tables.push({ ...base, already: 0, leftOut: written.has(one) ? 0 : total });
      continue;
    }
    const list = await readConflicts(session, one.net, `pg_temp.${one.way}`);
    gathered.conflicts.push(...list.shown);
    gathered.conflictsTotal += list.total;
    gathered.undecided += list.undecided;
    const [counts] = await session.query(
      `select count(*) filter (where p.act = 'n')::int as already,
              count(*) filter (where p.act <> 'n' and not ${GOES})::int as left_out,
              count(*) filter (where p.choice = 'skip')::int as skipped from ${one.net.plan} p`,
    );
    gathered.skipped += Number(counts?.['skipped'] ?? 0);
    gathered.tables.push({
      ...base,
      already: Number(counts?.['already'] ?? 0),
      leftOut: Number(counts?.['left_out'] ?? 0),
    });
  }
}

const NOTHING: Written = { inserted: 0, updated: 0, deleted: 0 };

type Tell = (phase: UndoProgress['phase'], rows: number) => void;

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

function tableConflict(
  kind: UndoConflict['kind'],
  table: string,
  about: string,
  choice: UndoConflict['choice'],
): UndoConflict {
  return {
    kind,
    table,
    key: null,
    about,
    kept: null,
    now: null,
    choice,
    choices: ['theirs', 'skip'],
  };
}
