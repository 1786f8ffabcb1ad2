/**
 * Writing a plan: rows that stand in the way first, then what was inserted is removed, what was changed is
 * changed back, what was deleted is inserted. Each statement says how many rows it touched, and that
 * must be what the plan says: a rule or a BEFORE trigger that swallows a row is found out.
 *
 * Generated columns are left out, identity values are put back as they were (OVERRIDING SYSTEM VALUE),
 * sequences are not touched: what they have given out stays given out.
 */
import pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import type { TargetSession } from '../../target-database.ts';
import type { CurrentColumn } from './current-table.ts';
import { type Net, quoted } from './net.ts';

export interface Written {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** Statements as they were run, for the preview. */
export type Say = (sql: string) => void;

/** Rows of a plan that are written: no conflict, or one that is decided so and can be. */
export const GOES = `(p.conflict is null or (p.choice = 'ours'
  and p.conflict not in ('parent-missing', 'dependents')))`;

/** What a plan would write, counted before anything is written. */
export type PlannedRows = (act: 'd' | 'u' | 'i', sh?: number) => number;

export async function plannedRows(session: TargetSession, net: Net): Promise<PlannedRows> {
  const rows = await session.query(
    `select p.act::text as act, coalesce(p.sh, 0)::int as sh, count(*)::int as rows
       from ${net.plan} p where p.act in ('d', 'u', 'i') and ${GOES} group by 1, 2`,
  );
  return (act, sh) =>
    rows
      .filter((row) => row['act'] === act && (sh === undefined || row['sh'] === sh))
      .reduce((sum, row) => sum + Number(row['rows']), 0);
}

export interface WriteOptions {
  readonly planned: PlannedRows;
  /** No trigger of the user's fires, so a row may be taken out and put in again. */
  readonly isQuiet: boolean;
  readonly say: Say;
}

export async function removeRows(
  session: TargetSession,
  net: Net,
  { planned, isQuiet, say }: WriteOptions,
): Promise<number> {
  if (planned('d') === 0) return 0;
  const removed = await counted(session, removeSql(net), say);
  // Where cascades run, one of its rows may be gone before its turn.
  return isQuiet ? asPlanned(net, planned('d'), removed) : removed;
}

function removeSql({ table, plan, onKey }: Net): string {
  return `delete from ${table.from} t using ${plan} p
    where p.act = 'd' and ${GOES} and ${onKey('p', 't')}`;
}

/** Rows of newer work that hold a unique value the kept row needs, where that was decided so. */
export async function clearWay(
  session: TargetSession,
  net: Net,
  way: string | null,
  say: Say,
): Promise<number> {
  if (way === null) return 0;
  return await counted(
    session,
    `delete from ${net.table.from} t using ${way} w join ${net.plan} p on p.b = w.b
      where p.choice = 'ours' and t.tableoid = w.at and t.ctid = w.id`,
    say,
  );
}

export async function changeRows(
  session: TargetSession,
  net: Net,
  { planned, isQuiet, say }: WriteOptions,
): Promise<number> {
  let changed = 0;
  for (const [sh, columns] of net.shapes.entries()) {
    const sql = changeSql(net, sh, columns);
    if (sql === null || planned('u', sh) === 0) continue;
    const rows = await changeOrSwap(session, net, { sql, sh, columns, isQuiet }, say);
    changed += asPlanned(net, planned('u', sh), rows);
  }
  return changed;
}

/** Null: there is nothing in it that an UPDATE may set. */
function changeSql(net: Net, sh: number, columns: readonly CurrentColumn[]): string | null {
  const set = columns.filter(({ identity }) => identity !== 'a');
  if (set.length === 0) return null;
  const pairs = set.map((column) => `${quoted(column)} = ${net.value(column, 'l')}`);
  return `update ${net.table.from} t set ${pairs.join(', ')}
      from ${net.plan} p join ${net.rows} l on l.ctid = p.b
      where p.act = 'u' and p.sh = ${sh} and ${GOES} and ${net.onKey('p', 't')}`;
}

/** A preview: nothing is written. */
export async function lookAtWrites(session: TargetSession, net: Net, say: Say): Promise<Written> {
  const planned = await plannedRows(session, net);
  const tell = (sql: string | null): void => {
    if (sql !== null) say(sql.replaceAll(/\s+/g, ' '));
  };
  if (planned('d') > 0) tell(removeSql(net));
  for (const [sh, columns] of net.shapes.entries()) {
    if (planned('u', sh) > 0) tell(changeSql(net, sh, columns));
    if (planned('i', sh) > 0) tell(putBackSql(net, sh, columns, planned));
  }
  return { inserted: planned('i'), updated: planned('u'), deleted: planned('d') };
}

interface ChangeOfShape {
  readonly sql: string;
  readonly sh: number;
  readonly columns: readonly CurrentColumn[];
  readonly isQuiet: boolean;
}

/** Unique values that changed hands collide row by row; then the rows are taken out first. */
async function changeOrSwap(
  session: TargetSession,
  net: Net,
  { sql, sh, columns, isQuiet }: ChangeOfShape,
  say: Say,
): Promise<number> {
  await session.query('savepoint hf_change');
  try {
    const changed = await counted(session, sql, say);
    await session.query('release savepoint hf_change');
    return changed;
  } catch (error) {
    const isUnique = error instanceof pg.DatabaseError && error.code === '23505';
    const covers = net.table.columns.every(
      (column) => column.generated !== '' || columns.includes(column),
    );
    if (!isUnique || !isQuiet || !covers) throw error;
    await session.query('rollback to savepoint hf_change; release savepoint hf_change');
  }
  const taken = await counted(
    session,
    `delete from ${net.table.from} t using ${net.plan} p
      where p.act = 'u' and p.sh = ${sh} and ${GOES} and ${net.onKey('p', 't')}`,
    say,
  );
  const put = await counted(session, insertSql(net, sh, columns, 'u'), say);
  if (put !== taken) throw swallowed(net.table.shown, taken, put);
  return taken;
}

export async function insertRows(
  session: TargetSession,
  net: Net,
  { planned, say }: WriteOptions,
): Promise<number> {
  let inserted = 0;
  for (const [sh, columns] of net.shapes.entries()) {
    if (planned('i', sh) === 0) continue;
    const rows = await counted(session, putBackSql(net, sh, columns, planned), say);
    inserted += asPlanned(net, planned('i', sh), rows);
  }
  return inserted;
}

/** Each loaded row stands in the plan once at most: where all are put back, the plan need not be asked. */
function putBackSql(
  net: Net,
  sh: number,
  columns: readonly CurrentColumn[],
  planned: PlannedRows,
): string {
  if (planned('i') !== net.count) return insertSql(net, sh, columns, 'i');
  const names = columns.map(quoted).join(', ');
  const values = columns.map((column) => net.value(column, 'l')).join(', ');
  const ofShape = net.shapes.length === 1 ? '' : ` where l.sh = ${sh}`;
  return `insert into ${net.table.sql} (${names}) overriding system value
    select ${values} from ${net.rows} l${ofShape}`;
}

function insertSql(
  net: Net,
  sh: number,
  columns: readonly CurrentColumn[],
  act: 'i' | 'u',
): string {
  const names = columns.map(quoted).join(', ');
  const values = columns.map((column) => net.value(column, 'l')).join(', ');
  const ofShape = net.shapes.length === 1 ? '' : ` and p.sh = ${sh}`;
  return `insert into ${net.table.sql} (${names}) overriding system value
    select ${values} from ${net.plan} p join ${net.rows} l on l.ctid = p.b
     where p.act = '${act}'${ofShape} and ${GOES}`;
}

export async function counted(session: TargetSession, sql: string, say: Say): Promise<number> {
  const [row] = await session.query(
    `with done as (${sql} returning 1) select count(*)::int as rows from done`,
  );
  const rows = Number(row?.['rows'] ?? 0);
  if (rows > 0) say(sql.replaceAll(/\s+/g, ' '));
  return rows;
}

function asPlanned({ table }: Net, planned: number, written: number): number {
  if (written !== planned) throw swallowed(table.shown, planned, written);
  return written;
}

export function swallowed(table: string, expected: number, found: number): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: `${expected} rows of ${table} to be written`,
    found: `${found}: a rule, a trigger or row security kept the others out`,
    hint: 'Nothing was changed. Let the admin of this target be a superuser, or switch that off.',
  });
}
