/**
 * Takes a batch back, by its id, wholly or not at all: rows that are still as they were put in are
 * deleted; when one was changed since, or something refers to one, nothing is, and it is said.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_NAMED_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import { anyHeld, HELD, holdKeys, KEY_TYPES } from './batch-keys.ts';
import { type BatchRows, checkReferrers, turnTriggersOff } from './checks.ts';
import { type Batch, booksOf, endBatch, lockBatch, rowsOf } from './ledger.ts';
import { readyRows } from './plan.ts';
import type { Proposal } from './proposal.ts';
import { standingAsApproved } from './put-rows.ts';
import { tableFacts } from './table-facts.ts';
import { lockedTransaction } from './table-locks.ts';

export interface RollbackOptions {
  /** The scratch copy, or what was promoted from it. */
  readonly database: TargetDatabase;
  readonly batch: string;
  /** Rows that somebody changed since: `refuse` all of it, or `keep` those. */
  readonly changed: 'refuse' | 'keep';
  readonly person: string;
  /** What `booksOf` was when it was put in, kept outside of this database. Null: nobody kept it. */
  readonly books?: string | null;
  /**
   * What was put in, as it is kept outside, for a batch that does not stand here any more: taken back by
   * somebody who did not live to write it down, or gone with its rows. Left out: that is refused.
   */
  readonly noted?: NotedBatch;
  /** As in `ApplyOptions`. */
  readonly before?: (session: TargetSession, tableOid: string) => Promise<void>;
  /** As in `ApplyOptions`: by whom rows are compared and deleted. */
  readonly lesser?: (session: TargetSession) => Promise<TargetSession>;
}

export interface NotedBatch {
  /** Of the proposal whose rows were put in. */
  readonly digest: string;
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string;
  readonly keyKind: Batch['keyKind'];
  /** Whose READY rows were to be put in. */
  readonly proposal: Proposal;
  /** How many of them were kept out by what stood there. */
  readonly skipped: number;
}

export interface RollbackReport {
  readonly batch: string;
  readonly deleted: number;
  /** Gone before, by somebody else's hand. */
  readonly gone: number;
  /** Changed since, and left as they are. */
  readonly kept: readonly string[];
  /** It was done before, and nobody had written it down: `deleted` is what does not stand there any more. */
  readonly isRecognised: boolean;
}

const ROW = z.object({ key: z.string(), isChanged: z.boolean().nullable() });

export async function rollback(options: RollbackOptions): Promise<RollbackReport> {
  const { database, noted } = options;
  // Which table it is of, so that it is locked before anything else.
  const there = await database.transaction('read committed', (session) =>
    lockBatch(session, options.batch),
  );
  if (there === null || there.isRolledBack) {
    if (noted === undefined) throw noBatch(options.batch, there);
    const { schema, table } = noted;
    return lockedTransaction(database, { schema, table, ends: 'referrers' }, (session) =>
      takenBackBefore(session, options, noted),
    );
  }
  const { schema, table } = there;
  return lockedTransaction(database, { schema, table, ends: 'referrers' }, async (session) => {
    const batch = await lockBatch(session, options.batch);
    if (batch === null || batch.isRolledBack) throw noBatch(options.batch, batch);
    if (batch.schema !== schema || batch.table !== table) throw otherBooks(batch.id);
    return takenBack(session, options, batch);
  });
}

/** Nothing is deleted. Refuses where a row of it stands as it was put in. */
async function takenBackBefore(
  session: TargetSession,
  options: RollbackOptions,
  noted: NotedBatch,
): Promise<RollbackReport> {
  const batch = await lockBatch(session, options.batch);
  const { oid } = await tableFacts(session, noted.schema, noted.table);
  await options.before?.(session, oid);
  const writer = (await options.lesser?.(session)) ?? session;
  if (batch === null) return goneWithItsBooks(session, writer, options.batch, noted);
  const { books = null } = options;
  const isNoted =
    batch.isRolledBack &&
    batch.proposal === noted.digest &&
    batch.schema === noted.schema &&
    batch.table === noted.table;
  if (!isNoted || books === null || (await booksOf(session, batch.id)) !== books) {
    throw otherBooks(batch.id);
  }
  await holdKeys(session, await rowsOf(session, batch.id));
  const found = z.array(ROW).parse(await writer.query(lookSql(batch)));
  const standing = found.filter(({ isChanged }) => isChanged === false).map(({ key }) => key);
  if (standing.length > 0) throw standsStill(batch.id, standing);
  const kept = found.filter(({ isChanged }) => isChanged === true).map(({ key }) => key);
  const deleted = found.length - kept.length;
  return { batch: batch.id, deleted, gone: 0, kept, isRecognised: true };
}

/**
 * As after the undo of a promotion, or in a copy that was restored anew. What was kept out then may be there, but
 * nothing as it was approved: which of them was kept out, nobody noted.
 */
async function goneWithItsBooks(
  session: TargetSession,
  writer: TargetSession,
  id: string,
  { keyColumn, keyKind, proposal, schema, skipped, table }: NotedBatch,
): Promise<RollbackReport> {
  const rows = readyRows(proposal);
  await holdKeys(
    session,
    rows.map(({ key }) => ({ key, digest: null })),
  );
  const sql = `select t.${ident(keyColumn)}::text as key from ${ident(schema)}.${ident(table)} t
    where t.${ident(keyColumn)} = ${anyHeld(keyKind)}`;
  const there = await writer.query(sql);
  if (there.length > skipped) throw noBatch(id, null);
  const standing = await standingAsApproved(writer, proposal, rows);
  if (standing.length > 0) throw standsStill(id, standing);
  return { batch: id, deleted: 0, gone: rows.length - skipped, kept: [], isRecognised: true };
}

async function takenBack(
  session: TargetSession,
  options: RollbackOptions,
  batch: Batch,
): Promise<RollbackReport> {
  const { oid } = await tableFacts(session, batch.schema, batch.table);
  await options.before?.(session, oid);
  const { books = null } = options;
  if (books !== null && (await booksOf(session, batch.id)) !== books) throw otherBooks(batch.id);
  await turnTriggersOff(session, oid);
  const writer = (await options.lesser?.(session)) ?? session;
  await holdKeys(session, await rowsOf(session, batch.id));
  const found = z.array(ROW).parse(await writer.query(lookSql(batch)));
  const changed = found.filter(({ isChanged }) => isChanged === true).map(({ key }) => key);
  if (changed.length > 0 && options.changed === 'refuse') throw wasChanged(changed);
  const keys = found.filter(({ isChanged }) => isChanged === false).map(({ key }) => key);
  const { keyColumn, keyKind, schema, table } = batch;
  const rows: BatchRows = { oid, keyColumn, keyKind, schema, table, keys };
  await holdKeys(
    session,
    keys.map((key) => ({ key, digest: null })),
  );
  await checkReferrers({ session, writer }, rows);
  const deleted = await remove(writer, rows);
  await endBatch(session, batch.id, options.person);
  return {
    batch: batch.id,
    deleted,
    gone: found.length - keys.length - changed.length,
    kept: changed,
    isRecognised: false,
  };
}

/** `isChanged` is null for a row that is gone. */
function lookSql({ keyColumn, keyKind, schema, table }: Batch): string {
  return `
    select r.key, case when t.${ident(keyColumn)} is not null then
        encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex') <> r.digest end as "isChanged"
      from ${HELD} r
      left join ${ident(schema)}.${ident(table)} t on t.${ident(keyColumn)} = r.key::${KEY_TYPES[keyKind]}
     order by r.key`;
}

async function remove(writer: TargetSession, rows: BatchRows): Promise<number> {
  const key = ident(rows.keyColumn);
  const gone = await writer.query(`with gone as (
    delete from ${ident(rows.schema)}.${ident(rows.table)} t
     where t.${key} = ${anyHeld(rows.keyKind)} returning 1 as one) select one from gone`);
  return gone.length;
}

function noBatch(id: string, batch: Batch | null): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `a batch ${oneLine(id).slice(0, 100)} that stands`,
    found: batch === null ? 'none of that id in this database' : 'one that was taken back already',
    hint: 'Its id is in the report of what was applied.',
  });
}

function otherBooks(id: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `the books of ${oneLine(id).slice(0, 100)} as they were written`,
    found: 'others: somebody changed which rows it names',
    hint: 'Find out who writes in the schema holdfast_rebuild. The undo item of the promotion takes it back, too.',
  });
}

function standsStill(id: string, keys: readonly string[]): HoldfastError {
  const named = keys.slice(0, REBUILD_NAMED_MAX).map(oneLine).join(', ');
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `no row of ${oneLine(id).slice(0, 100)}, which was taken back by its books, or is gone with them`,
    found: `${keys.length} that stand there as they were put in: ${named}`,
    hint: 'Somebody put them in again, or wrote in holdfast_rebuild. Look at them by hand.',
  });
}

function wasChanged(keys: readonly string[]): HoldfastError {
  const named = keys.slice(0, REBUILD_NAMED_MAX).map(oneLine).join(', ');
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: 'rows as they were put in',
    found: `${keys.length} that somebody changed since: ${named}`,
    hint: 'Say that those are to be kept, or look at them first.',
  });
}
