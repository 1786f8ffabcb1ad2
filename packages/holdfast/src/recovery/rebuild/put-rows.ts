/**
 * The rows of a proposal into a table, and what stands there afterwards against what was approved. Texts go
 * in first, by whoever holds the transaction; they become values by the writer, whose rights the code of others
 * runs with.
 *
 * It will not: update or overwrite a row, or cut a text or round an amount to make it fit.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_BATCH_ROWS } from '../../model/limits.ts';
import { inSteps, type Steps } from '../../model/steps.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { TargetSession } from '../../protection/target-database.ts';
import type { CheckedBy } from './checks.ts';
import { heldRows, type StoredRow } from './existing.ts';
import type { Proposal, ProposedColumn, ProposedRow } from './proposal.ts';
import type { ColumnFacts, TableFacts } from './table-facts.ts';
import type { Value } from './values/reading.ts';
import { readStored, sameAs, storedText } from './values/value.ts';

/** Keys of the rows that were not there. Rows that fill the same columns go in together. */
export async function insertRows(
  { session, writer }: CheckedBy,
  proposal: Proposal,
  table: TableFacts,
  rows: readonly ProposedRow[],
): Promise<ReadonlySet<string>> {
  const inserted = new Set<string>();
  for (const [at, [columns, alike]] of [...byColumns(proposal, rows)].entries()) {
    const texts = `hf_rebuild_${at}`;
    const names = columns.map((_, place) => `a${place}`);
    // Not the writer's: it could hang a rule on it, which would run as the session that fills it.
    await session.query(
      `create temp table ${texts} (${names.map((name) => `${name} text`).join(', ')}) on commit drop`,
    );
    await session.query(`grant select on pg_temp.${texts} to public`);
    for (let from = 0; from < alike.length; from += REBUILD_BATCH_ROWS) {
      const part = alike.slice(from, from + REBUILD_BATCH_ROWS);
      const values = columns.map((column) => part.map((row) => textOf(row, column)));
      const arrays = names.map((_, place) => `$${place + 1}::text[]`).join(', ');
      // Texts only, so that no code of anybody's runs here; they become values by the writer.
      await session.query(`insert into pg_temp.${texts} select * from unnest(${arrays})`, values);
      const done = await writer.query(insertSql(proposal, table, columns, texts)).catch(refused);
      await session.query(`truncate pg_temp.${texts}`);
      for (const { key } of z.array(z.object({ key: z.string() })).parse(done)) inserted.add(key);
    }
  }
  return inserted;
}

function byColumns(
  { columns }: Proposal,
  rows: readonly ProposedRow[],
): ReadonlyMap<readonly ProposedColumn[], readonly ProposedRow[]> {
  const groups = new Map<string, { columns: readonly ProposedColumn[]; rows: ProposedRow[] }>();
  for (const row of rows) {
    const empty = row.cells.filter(({ state }) => state === 'empty').map(({ column }) => column);
    const filled = columns.filter(({ name }) => !empty.includes(name));
    const name = JSON.stringify(filled.map((column) => column.name));
    const group = groups.get(name) ?? { columns: filled, rows: [] };
    groups.set(name, group);
    group.rows.push(row);
  }
  return new Map([...groups.values()].map((group) => [group.columns, group.rows]));
}

function textOf(row: ProposedRow, column: ProposedColumn): string | null {
  if (column.role === 'key') return row.key;
  if (column.role === 'generated') return row.generated;
  const value = row.cells.find((cell) => cell.column === column.name)?.value ?? null;
  return value === null ? null : storedText(value, column);
}

/**
 * Cast to the type without its length, then assigned: so a text that is too long is an error, where a cast
 * to `varchar(3)` would cut it.
 */
function insertSql(
  proposal: Proposal,
  { columns }: TableFacts,
  filled: readonly ProposedColumn[],
  texts: string,
): string {
  const names = filled.map(({ name }) => ident(name));
  const typed = filled.map(({ name }, at) => `v.a${at}::${typeOf(columns.get(name))}`);
  return `with put as (
    insert into ${ident(proposal.schema)}.${ident(proposal.table)} as t (${names.join(', ')})
    overriding system value
    select ${typed.join(', ')} from pg_temp.${texts} v
    on conflict do nothing returning t.${ident(keyOf(proposal).column)}::text as key) select key from put`;
}

function typeOf(column: ColumnFacts | undefined): string {
  if (column !== undefined) return column.type;
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: 'the columns of the proposal',
    found: 'a table without one of them',
    hint: 'The table was changed since. Propose again.',
  });
}

function refused(cause: unknown): never {
  const found = cause instanceof Error ? oneLine(cause.message) : 'an error';
  // What the database wants tried again is tried again by whoever began the transaction.
  if (cause instanceof Error && 'code' in cause && /^40/.test(String(cause.code))) throw cause;
  throw new HoldfastError('HF_REBUILD_CHECK', {
    expected: 'the table to take the rows',
    found,
    hint: 'Nothing was changed. Leave the row out, or correct the mapping.',
    cause,
  });
}

/** What stands there now has to be what was approved. */
export async function compareRows(
  writer: TargetSession,
  proposal: Proposal,
  rows: readonly ProposedRow[],
): Promise<void> {
  const plain = plainIn(proposal);
  const stored = await storedOf(writer, proposal, plain);
  await inSteps(comparing(plain, stored, rows));
}

/** Keys of those that stand there as they were approved. By `heldRows`, of the keys that are held. */
export async function standingAsApproved(
  writer: TargetSession,
  proposal: Proposal,
  rows: readonly ProposedRow[],
): Promise<readonly string[]> {
  const plain = plainIn(proposal);
  const stored = await storedOf(writer, proposal, plain);
  return await inSteps(finding(plain, stored, rows));
}

function* finding(
  plain: readonly ProposedColumn[],
  stored: ReadonlyMap<string, StoredRow>,
  rows: readonly ProposedRow[],
): Steps<readonly string[]> {
  const found: string[] = [];
  for (const [at, row] of rows.entries()) {
    if (at % REBUILD_BATCH_ROWS === REBUILD_BATCH_ROWS - 1) yield;
    const there = stored.get(row.key);
    if (there !== undefined && firstOther(plain, there, row) === undefined) found.push(row.key);
  }
  return found;
}

function plainIn({ columns }: Proposal): readonly ProposedColumn[] {
  return columns.filter(({ role }) => role === 'plain');
}

function storedOf(
  writer: TargetSession,
  proposal: Proposal,
  plain: readonly ProposedColumn[],
): Promise<ReadonlyMap<string, StoredRow>> {
  const { schema, table } = proposal;
  const key = { ...keyOf(proposal), id: '', generate: null };
  const names = plain.map(({ name }) => name);
  return heldRows(writer, { schema, table, key }, names);
}

/** The first column that is not as it was approved. */
function firstOther(
  plain: readonly ProposedColumn[],
  stored: StoredRow | undefined,
  row: ProposedRow,
): ProposedColumn | undefined {
  return plain.find((column) => {
    const cell = row.cells.find((one) => one.column === column.name);
    if (cell === undefined || cell.state === 'empty') return false;
    return !isKept(cell.value, stored?.get(column.name) ?? null, column);
  });
}

function* comparing(
  plain: readonly ProposedColumn[],
  stored: ReadonlyMap<string, StoredRow>,
  rows: readonly ProposedRow[],
): Steps<void> {
  for (const [at, row] of rows.entries()) {
    if (at % REBUILD_BATCH_ROWS === REBUILD_BATCH_ROWS - 1) yield;
    const there = stored.get(row.key);
    const other = firstOther(plain, there, row);
    if (other === undefined) continue;
    const text = there?.get(other.name) ?? null;
    throw new HoldfastError('HF_REBUILD_CHECK', {
      expected: `${other.name} of ${oneLine(row.key)} to be kept as it was approved`,
      found: `${oneLine(JSON.stringify(text)).slice(0, 200)} in the table`,
      hint: 'Correct `stored`, or the column that the mapping names.',
    });
  }
}

function isKept(value: Value | null, text: string | null, column: ProposedColumn): boolean {
  if (value === null || text === null) return value === null && text === null;
  const currency = value.kind === 'money' ? value.currency : null;
  const reading = readStored(text, column, currency);
  const exactly = { isCaseless: false };
  return reading.kind === 'value' && sameAs(reading.value, exactly) === sameAs(value, exactly);
}

export function keyOf({ columns }: Proposal): {
  column: string;
  kind: 'text' | 'integer' | 'uuid';
} {
  const key = columns.find(({ role }) => role === 'key');
  if (key?.kind === 'text' || key?.kind === 'integer' || key?.kind === 'uuid') {
    return { column: key.name, kind: key.kind };
  }
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: 'a proposal with a key',
    found: 'one without',
    hint: 'Propose again.',
  });
}
