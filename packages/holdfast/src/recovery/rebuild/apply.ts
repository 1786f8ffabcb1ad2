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
import { HoldfastError, isOutcomeUnknown, messageOf } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import { REBUILD_BATCH_ROWS, REBUILD_NAMED_MAX } from '../../model/limits.ts';
import { inSteps } from '../../model/steps.ts';
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
import { batchOf, beginBatch, booksOf, hasLedger, LEDGER_SCHEMA, openLedger } from './ledger.ts';
import { defaultedIn, type MoneySum, moneyOf, readyRows } from './plan.ts';
import { digestSteps, type Proposal, type ProposedRow } from './proposal.ts';
import { compareRows, insertRows, keyOf } from './put-rows.ts';
import { recognised } from './recognised.ts';
import { type TableFacts, tableFacts } from './table-facts.ts';
import { lockedTransaction } from './table-locks.ts';

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
  /**
   * Where a batch of the very proposal stands: `refuse`, or `recognise` it as what was put in before by somebody
   * who did not live to write it down (`recognised.ts`). Left out: `refuse`.
   */
  readonly whenThere?: 'refuse' | 'recognise';
  /** Id of who applies. */
  readonly person: string;
  readonly clock: Clock;
}

/** To look for what stands there already. */
export type FindOptions = Pick<
  ApplyOptions,
  'scratch' | 'before' | 'lesser' | 'proposal' | 'digest'
>;

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
  /** It stood there: it was put in before, and nobody had written it down. */
  readonly isRecognised: boolean;
}

/**
 * HF_REBUILD_STATE or HF_REBUILD_CHECK when nothing was put in; what the server said when it could not be
 * asked. Whether it was put in is not known after HF_REBUILD_UNKNOWN.
 */
export async function apply(options: ApplyOptions): Promise<ApplyReport> {
  const { digest, isDryRun, proposal, scratch } = options;
  const rows = await approvedRows(proposal, digest);
  let report: ApplyReport | null = null;
  try {
    const { schema, table } = proposal;
    return await lockedTransaction(scratch, { schema, table, ends: 'parents' }, async (session) => {
      report = null;
      report = await applied(session, options, rows);
      if (isDryRun) throw new TakenBack();
      return report;
    });
  } catch (error) {
    if (report === null) throw error;
    if (error instanceof TakenBack) return report;
    throw isOutcomeUnknown(error) ? unknownEnd(error) : error;
  }
}

/** What of it stands there already, unnoted; null: nothing of it. Nothing is changed. HF_REBUILD_STATE. */
export async function findApplied(options: FindOptions): Promise<ApplyReport | null> {
  const { digest, proposal, scratch } = options;
  const rows = await approvedRows(proposal, digest);
  const { schema, table } = proposal;
  return await lockedTransaction(scratch, { schema, table, ends: 'parents' }, async (session) => {
    if (!(await hasLedger(session))) return null;
    return await standingIn(session, options, await ready(session, options), rows);
  });
}

async function approvedRows(proposal: Proposal, digest: string): Promise<readonly ProposedRow[]> {
  if ((await inSteps(digestSteps(proposal))) !== digest) {
    throw new HoldfastError('HF_REBUILD_STATE', {
      expected: `the proposal that was approved, ${digest.slice(0, 16)}…`,
      found: 'another',
      hint: 'Somebody chose differently since. Have it approved as it is now.',
    });
  }
  const rows = readyRows(proposal);
  if (rows.length > 0) return rows;
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: 'at least one READY row',
    found: 'none',
    hint: 'Choose where sources disagree, or bring more sources.',
  });
}

/** Ends the transaction of a dry run. */
class TakenBack extends Error {}

/** Everything was done, and the answer to COMMIT never came. */
function unknownEnd(cause: unknown): HoldfastError {
  return new HoldfastError('HF_REBUILD_UNKNOWN', {
    expected: 'the database to say whether the rows were kept',
    found: oneLine(messageOf(cause)),
    hint: 'They are in whole, or not at all. Try again: what stands there is recognised.',
    cause,
  });
}

/** Before anything is written: the table as it is, what `before` says, triggers off, books that are ours. */
async function ready(
  session: TargetSession,
  { before, proposal }: Pick<ApplyOptions, 'before' | 'proposal'>,
): Promise<TableFacts> {
  const table = await tableFacts(session, proposal.schema, proposal.table);
  await before?.(session, table.oid);
  await turnTriggersOff(session, table.oid);
  await openLedger(session);
  return table;
}

async function standingIn(
  session: TargetSession,
  { digest, lesser, proposal }: Pick<ApplyOptions, 'digest' | 'lesser' | 'proposal'>,
  table: TableFacts,
  rows: readonly ProposedRow[],
): Promise<ApplyReport | null> {
  const batch = await batchOf(session, digest);
  if (batch === null) return null;
  const by = { session, writer: (await lesser?.(session)) ?? session };
  const { books, put } = await recognised(by, batch, proposal, table, rows);
  const skippedRows = await whySkipped(
    by,
    proposal,
    rows.filter(({ key }) => !put.has(key)),
  );
  return {
    ...reportOf(digest, rows, put, skippedRows),
    batch: batch.id,
    assertions: [],
    books,
    isRecognised: true,
  };
}

/** What is told of rows that were put in, and of the others. */
function reportOf(
  digest: string,
  rows: readonly ProposedRow[],
  put: ReadonlySet<string>,
  skippedRows: ApplyReport['skippedRows'],
): Omit<ApplyReport, 'batch' | 'assertions' | 'books' | 'isRecognised'> {
  const inserted = rows.filter(({ key }) => put.has(key));
  return {
    digest,
    inserted: inserted.length,
    insertedKeys: inserted.slice(0, REBUILD_NAMED_MAX).map(({ key }) => key),
    skipped: rows.length - inserted.length,
    skippedRows,
    money: moneyOf(inserted),
    defaulted: defaultedIn(rows),
  };
}

async function applied(
  session: TargetSession,
  options: ApplyOptions,
  rows: readonly ProposedRow[],
): Promise<ApplyReport> {
  const { assertions, clock, digest, isDryRun, lesser, person, proposal } = options;
  const table = await ready(session, options);
  if (options.whenThere === 'recognise') {
    const standing = await standingIn(session, options, table, rows);
    if (standing !== null) return standing;
  }
  const standing = await batchOf(session, digest);
  if (standing !== null) throw twice(standing.id);
  const key = keyOf(proposal);
  const batch = newId('rebuild', clock);
  const where = { schema: proposal.schema, table: proposal.table };
  const named = { ...where, keyColumn: key.column, keyKind: key.kind };
  await beginBatch(session, { id: batch, proposal: digest, ...named }, person);
  const writer = (await lesser?.(session)) ?? session;
  const by = { session, writer };
  const inserted = await insertRows(by, proposal, table, rows);
  const keys = rows.map((row) => row.key).filter((one) => inserted.has(one));
  await holdKeys(
    session,
    keys.map((one) => ({ key: one, digest: null })),
  );
  await compareRows(
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
  const skippedRows = await whySkipped(by, proposal, left);
  return {
    ...reportOf(digest, rows, inserted, skippedRows),
    batch: isDryRun ? null : batch,
    assertions: assertions.map(({ says }) => says),
    books,
    isRecognised: false,
  };
}

function twice(batch: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: 'a proposal that is not applied yet',
    found: `one that is, as ${batch}`,
    hint: 'Take that batch back first, if it shall be done again. One that was cut off is noted by putting it in once more.',
  });
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
