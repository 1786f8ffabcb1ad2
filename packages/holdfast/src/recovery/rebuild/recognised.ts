/**
 * A batch that stands in the database and that nobody wrote down outside of it: whoever put it in did not live
 * to say so. It is recognised when its books alone agree with the proposal that was signed, row by row:
 *
 *   same table and key -> every row of the books is one of the proposal, and was written in the transaction of
 *     the batch -> what stands there unchanged is as it was approved -> every other row of the proposal is kept
 *     out by what stands there, as it was then
 *
 * Rows that somebody changed or deleted since are no obstacle: taking the batch back looks at those for itself.
 * What it will not do: take books at their word that name a row which was not put in, or leave one out that was.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import { HELD, holdKeys, KEY_TYPES } from './batch-keys.ts';
import type { CheckedBy } from './checks.ts';
import { type Batch, booksOf, rowsOf, strangersIn, writtenBy } from './ledger.ts';
import type { Proposal, ProposedRow } from './proposal.ts';
import { compareRows, insertRows, keyOf } from './put-rows.ts';
import type { TableFacts } from './table-facts.ts';

export interface Recognised {
  /** Rows that were put in, by key. */
  readonly put: ReadonlySet<string>;
  /** Sum of the batch in the books (`booksOf`). */
  readonly books: string;
}

const LOOKED = z.object({
  key: z.string(),
  isBooked: z.boolean(),
  isSame: z.boolean(),
  isOfBatch: z.boolean(),
});

/** Rejects with HF_REBUILD_STATE where the books do not agree; the transaction has to end then. */
export async function recognised(
  by: CheckedBy,
  batch: Batch,
  proposal: Proposal,
  table: TableFacts,
  rows: readonly ProposedRow[],
): Promise<Recognised> {
  const { session, writer } = by;
  mustBeOf(batch, proposal);
  const booked = new Map((await rowsOf(session, batch.id)).map(({ digest, key }) => [key, digest]));
  const ready = new Set(rows.map(({ key }) => key));
  const foreign = [...booked.keys()].find((key) => !ready.has(key));
  if (foreign !== undefined) throw otherwise(batch, `the row ${foreign}, which nobody proposed`);
  if ((await strangersIn(session, batch.id)) > 0) {
    throw otherwise(batch, 'rows that were written into the books later');
  }
  await holdKeys(
    session,
    rows.map(({ key }) => ({ key, digest: booked.get(key) ?? null })),
  );
  const looked = await writer.query(lookSql(batch, await writtenBy(session, batch.id)));
  const found = z.array(LOOKED).parse(looked);
  const left = found.find(({ isBooked, isOfBatch }) => isOfBatch && !isBooked);
  if (left !== undefined) throw otherwise(batch, `not the row ${left.key}, which it put in`);
  const unchanged = new Set(found.filter(({ isSame }) => isSame).map(({ key }) => key));
  await holdKeys(
    session,
    [...unchanged].map((key) => ({ key, digest: null })),
  );
  const same = rows.filter(({ key }) => unchanged.has(key));
  await agreeing(batch, compareRows(writer, proposal, same));
  await nothingIsLeft(by, batch, proposal, table, rows, booked);
  return { put: new Set(booked.keys()), books: await booksOf(session, batch.id) };
}

function mustBeOf(batch: Batch, proposal: Proposal): void {
  const key = keyOf(proposal);
  const isOf =
    batch.schema === proposal.schema &&
    batch.table === proposal.table &&
    batch.keyColumn === key.column &&
    batch.keyKind === key.kind;
  if (!isOf) throw otherwise(batch, `rows of ${batch.schema}.${batch.table}`);
}

/** Were one of the others taken now, it would not have been kept out then. */
async function nothingIsLeft(
  by: CheckedBy,
  batch: Batch,
  proposal: Proposal,
  table: TableFacts,
  rows: readonly ProposedRow[],
  booked: ReadonlyMap<string, string | null>,
): Promise<void> {
  const others = rows.filter(({ key }) => !booked.has(key));
  const [taken] = await agreeing(batch, insertRows(by, proposal, table, others));
  if (taken !== undefined) throw otherwise(batch, `not the row ${taken}, which is not there`);
}

/** What is not as it was signed says so itself; what to do then is not what it would be before putting in. */
function agreeing<T>(batch: Batch, work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    if (!(error instanceof HoldfastError)) throw error;
    throw otherwise(batch, error.message, error);
  });
}

/** What is held of a row that stands there; `writtenBy` is a number of the server's own. */
function lookSql({ keyColumn, keyKind, schema, table }: Batch, written: string): string {
  const key = `t.${ident(keyColumn)}`;
  return `
    select r.key, r.digest is not null as "isBooked", t.xmin::text = '${written}' as "isOfBatch",
        coalesce(encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex') = r.digest, false) as "isSame"
      from ${HELD} r join ${ident(schema)}.${ident(table)} t on ${key} = r.key::${KEY_TYPES[keyKind]}
     order by r.key`;
}

function otherwise({ id }: Batch, found: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: `the books of ${oneLine(id).slice(0, 100)}, whose end nobody noted, to name what was signed`,
    found: oneLine(found).slice(0, 300),
    hint: 'Nothing was changed. Look at holdfast_rebuild by hand. Where it was promoted, undo the undo item, then say rollback once more: it notes that nothing is left.',
    cause,
  });
}
