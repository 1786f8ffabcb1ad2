/**
 * Puts the READY rows of a proposal into the scratch copy, as one batch in one transaction: lock the table and
 * what it refers to, triggers off, insert, read back and compare, check foreign keys and assertions, write the
 * books. A dry run does all of it and then takes all of it back.
 *
 * It will not: apply another proposal than the one whose digest was approved, update or overwrite a row,
 * or keep a value that the table holds otherwise than it was approved (a rounded amount, a cut text).
 */
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import { REBUILD_BATCH_ROWS, REBUILD_NAMED_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import { anyHeld, holdKeys } from './batch-keys.ts';
import {
  type BatchRows,
  type CheckedBy,
  checkAssertions,
  checkReferences,
  type RebuildAssertion,
  turnTriggersOff,
} from './checks.ts';
import { heldRows } from './existing.ts';
import { batchOf, beginBatch, booksOf, LEDGER_SCHEMA, openLedger } from './ledger.ts';
import { defaultedIn, type MoneySum, moneyOf, readyRows } from './plan.ts';
import {
  digestOfProposal,
  type Proposal,
  type ProposedColumn,
  type ProposedRow,
} from './proposal.ts';
import { type ColumnFacts, type TableFacts, tableFacts } from './table-facts.ts';
import { lockedTransaction } from './table-locks.ts';
import type { Value } from './values/reading.ts';
import { readStored, sameAs, storedText } from './values/value.ts';

export interface ApplyOptions {
  /** The copy; or, for a promotion, the live target. */
  readonly scratch: TargetDatabase;
  /** In the transaction, before anything is written: rejects where it must not be. */
  readonly before?: (session: TargetSession, tableOid: string) => Promise<void>;
  /**
   * By whom rows are written, and read where code of others may hang on it: checks, defaults, expressions of
   * indexes, what makes a text of a type.
   * Left out: by the session itself, as in a copy of ours without a network.
   */
  readonly lesser?: (session: TargetSession) => Promise<TargetSession>;
  readonly proposal: Proposal;
  /** What was approved: `digestOfProposal` of it. */
  readonly digest: string;
  readonly assertions: readonly RebuildAssertion[];
  /** Everything is done and checked, and nothing stays. */
  readonly isDryRun: boolean;
  /** Id of who applies. */
  readonly person: string;
  readonly clock: Clock;
}

export interface ApplyReport {
  /** Null after a dry run. */
  readonly batch: string | null;
  readonly digest: string;
  readonly inserted: number;
  /** Keys of the first of them. */
  readonly insertedKeys: readonly string[];
  readonly skipped: number;
  readonly skippedRows: readonly { readonly key: string; readonly why: string }[];
  readonly money: readonly MoneySum[];
  /** Columns that some rows left to the table's default. */
  readonly defaulted: readonly string[];
  readonly assertions: readonly string[];
  /** Sum of the batch in the books (`booksOf`). */
  readonly books: string;
}

export async function apply(options: ApplyOptions): Promise<ApplyReport> {
  const { digest, isDryRun, proposal, scratch } = options;
  if (digestOfProposal(proposal) !== digest) {
    throw new HoldfastError('HF_REBUILD_STATE', {
      expected: `the proposal that was approved, ${digest.slice(0, 16)}…`,
      found: 'another',
      hint: 'Somebody chose differently since. Have it approved as it is now.',
    });
  }
  const rows = readyRows(proposal);
  if (rows.length === 0) {
    throw new HoldfastError('HF_REBUILD_STATE', {
      expected: 'at least one READY row',
      found: 'none',
      hint: 'Choose where sources disagree, or bring more sources.',
    });
  }
  let report: ApplyReport | null = null;
  try {
    const { schema, table } = proposal;
    return await lockedTransaction(scratch, { schema, table, ends: 'parents' }, async (session) => {
      report = await applied(session, options, rows);
      if (isDryRun) throw new TakenBack();
      return report;
    });
  } catch (error) {
    if (error instanceof TakenBack && report !== null) return report;
    throw error;
  }
}

/** Ends the transaction of a dry run. */
class TakenBack extends Error {}

async function applied(
  session: TargetSession,
  { assertions, before, clock, digest, isDryRun, lesser, person, proposal }: ApplyOptions,
  rows: readonly ProposedRow[],
): Promise<ApplyReport> {
  const table = await tableFacts(session, proposal.schema, proposal.table);
  await before?.(session, table.oid);
  await turnTriggersOff(session, table.oid);
  await openLedger(session);
  const standing = await batchOf(session, digest);
  if (standing !== null) throw twice(standing.id);
  const key = keyOf(proposal);
  const batch = newId('rebuild', clock);
  const where = { schema: proposal.schema, table: proposal.table };
  const named = { ...where, keyColumn: key.column, keyKind: key.kind };
  await beginBatch(session, { id: batch, proposal: digest, ...named }, person);
  const writer = (await lesser?.(session)) ?? session;
  const by = { session, writer };
  const inserted = await insert(by, proposal, table, rows);
  const keys = rows.map((row) => row.key).filter((one) => inserted.has(one));
  await holdKeys(
    session,
    keys.map((one) => ({ key: one, digest: null })),
  );
  await compare(
    writer,
    proposal,
    rows.filter((row) => inserted.has(row.key)),
  );
  const batchRows: BatchRows = { oid: table.oid, ...named, keys };
  await checkReferences(by, batchRows);
  await writeDown(by, batch, batchRows);
  const books = await booksOf(session, batch);
  await checkAssertions(writer, assertions, writer !== session);
  // Sequences are not taken back with a transaction, and only ever move on: at the very end.
  if (!isDryRun) await moveSequences(session, proposal, table, batchRows);
  const left = rows.filter((row) => !inserted.has(row.key));
  return {
    batch: isDryRun ? null : batch,
    digest,
    inserted: keys.length,
    insertedKeys: keys.slice(0, REBUILD_NAMED_MAX),
    skipped: left.length,
    skippedRows: await whySkipped(by, proposal, left),
    money: moneyOf(rows.filter((row) => inserted.has(row.key))),
    defaulted: defaultedIn(rows),
    assertions: assertions.map(({ says }) => says),
    books,
  };
}

function keyOf({ columns }: Proposal): { column: string; kind: 'text' | 'integer' | 'uuid' } {
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

function twice(batch: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: 'a proposal that is not applied yet',
    found: `one that is, as ${batch}`,
    hint: 'Take that batch back first, if it shall be done again.',
  });
}

/** Keys of the rows that were not there. Rows that fill the same columns go in together. */
async function insert(
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
async function compare(
  writer: TargetSession,
  proposal: Proposal,
  rows: readonly ProposedRow[],
): Promise<void> {
  const plain = proposal.columns.filter(({ role }) => role === 'plain');
  const key = keyOf(proposal);
  const stored = await heldRows(
    writer,
    { schema: proposal.schema, table: proposal.table, key: { ...key, id: '', generate: null } },
    plain.map(({ name }) => name),
  );
  for (const row of rows) {
    for (const column of plain) {
      const cell = row.cells.find((one) => one.column === column.name);
      const text = stored.get(row.key)?.get(column.name) ?? null;
      if (cell === undefined || cell.state === 'empty' || isKept(cell.value, text, column))
        continue;
      throw new HoldfastError('HF_REBUILD_CHECK', {
        expected: `${column.name} of ${oneLine(row.key)} to be kept as it was approved`,
        found: `${oneLine(JSON.stringify(text)).slice(0, 200)} in the table`,
        hint: 'Correct `stored`, or the column that the mapping names.',
      });
    }
  }
}

function isKept(value: Value | null, text: string | null, column: ProposedColumn): boolean {
  if (value === null || text === null) return value === null && text === null;
  const currency = value.kind === 'money' ? value.currency : null;
  const reading = readStored(text, column, currency);
  const exactly = { isCaseless: false };
  return reading.kind === 'value' && sameAs(reading.value, exactly) === sameAs(value, exactly);
}

async function writeDown(
  { session, writer }: CheckedBy,
  batch: string,
  rows: BatchRows,
): Promise<void> {
  const found = await writer.query(`
    select t.${ident(rows.keyColumn)}::text as key,
        encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex') as digest
      from ${ident(rows.schema)}.${ident(rows.table)} t
     where t.${ident(rows.keyColumn)} = ${anyHeld(rows.keyKind)}`);
  const own = new Set(rows.keys);
  const written = z
    .array(z.object({ key: z.string(), digest: z.string() }))
    .parse(found)
    .filter(({ key }) => own.has(key));
  const sql = `insert into ${LEDGER_SCHEMA}.row (batch, key, digest)
    select $1, v.* from unnest($2::text[], $3::text[]) v`;
  for (let at = 0; at < written.length; at += REBUILD_BATCH_ROWS) {
    const part = written.slice(at, at + REBUILD_BATCH_ROWS);
    await session.query(sql, [batch, part.map(({ key }) => key), part.map(({ digest }) => digest)]);
  }
}

/** A sequence that lags behind would give out, tomorrow, a number that stands there since today. */
async function moveSequences(
  session: TargetSession,
  proposal: Proposal,
  { columns }: TableFacts,
  rows: BatchRows,
): Promise<void> {
  for (const { name } of proposal.columns) {
    const sequence = columns.get(name)?.sequence ?? null;
    if (sequence === null || rows.keys.length === 0) continue;
    await session.query(
      `select setval($1::regclass, m.most) from pg_sequence s,
        (select max(${ident(name)})::bigint as most from ${ident(rows.schema)}.${ident(rows.table)}) m
        where s.seqrelid = $1::regclass and s.seqincrement > 0
          and m.most > coalesce(pg_sequence_last_value($1::regclass), s.seqstart - 1)`,
      [sequence],
    );
  }
}

async function whySkipped(
  { session, writer }: CheckedBy,
  proposal: Proposal,
  rows: readonly ProposedRow[],
): Promise<ApplyReport['skippedRows']> {
  const named = rows.slice(0, REBUILD_NAMED_MAX).map(({ key }) => key);
  const key = { ...keyOf(proposal), id: '', generate: null };
  const where = { schema: proposal.schema, table: proposal.table, key };
  await holdKeys(
    session,
    named.map((one) => ({ key: one, digest: null })),
  );
  const there = await heldRows(writer, where, []);
  return named.map((one) => ({
    key: one,
    why: there.has(one)
      ? 'a row with this key has come since the proposal'
      : 'another row has a value of it that may stand there only once',
  }));
}
