/**
 * Takes a batch back, by its id, wholly or not at all: rows that are still as they were put in are
 * deleted; when one was changed since, or something refers to one, nothing is, and it is said.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_BATCH_ROWS, REBUILD_NAMED_MAX } from '../../model/limits.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import { type BatchRows, checkReferrers, turnTriggersOff } from './checks.ts';
import { KEY_ARRAYS } from './existing.ts';
import { type Batch, booksOf, endBatch, LEDGER_SCHEMA, lockBatch } from './ledger.ts';
import { tableFacts } from './table-facts.ts';

export interface RollbackOptions {
  /** The scratch copy, or what was promoted from it. */
  readonly database: TargetDatabase;
  readonly batch: string;
  /** Rows that somebody changed since: `refuse` all of it, or `keep` those. */
  readonly changed: 'refuse' | 'keep';
  readonly person: string;
  /** What `booksOf` was when it was put in, kept outside of this database. Null: nobody kept it. */
  readonly books?: string | null;
  /** As in `ApplyOptions`. */
  readonly before?: (session: TargetSession, tableOid: string) => Promise<void>;
}

export interface RollbackReport {
  readonly batch: string;
  readonly deleted: number;
  /** Gone before, by somebody else's hand. */
  readonly gone: number;
  /** Changed since, and left as they are. */
  readonly kept: readonly string[];
}

const KEY_TYPES = { text: 'text', integer: 'bigint', uuid: 'uuid' } as const;
const ROW = z.object({ key: z.string(), isChanged: z.boolean().nullable() });

export function rollback(options: RollbackOptions): Promise<RollbackReport> {
  return options.database.transaction('serializable', async (session) => {
    const batch = await lockBatch(session, options.batch);
    if (batch === null || batch.isRolledBack) throw noBatch(options.batch, batch);
    const { oid } = await tableFacts(session, batch.schema, batch.table);
    await options.before?.(session, oid);
    const { books = null } = options;
    if (books !== null && (await booksOf(session, batch.id)) !== books) throw otherBooks(batch.id);
    await turnTriggersOff(session, oid);
    const found = z.array(ROW).parse(await session.query(lookSql(batch), [batch.id]));
    const changed = found.filter(({ isChanged }) => isChanged === true).map(({ key }) => key);
    if (changed.length > 0 && options.changed === 'refuse') throw wasChanged(changed);
    const keys = found.filter(({ isChanged }) => isChanged === false).map(({ key }) => key);
    const { keyColumn, keyKind, schema, table } = batch;
    const rows: BatchRows = { oid, keyColumn, keyKind, schema, table, keys };
    await checkReferrers(session, rows);
    const deleted = await remove(session, rows);
    await endBatch(session, batch.id, options.person);
    return {
      batch: batch.id,
      deleted,
      gone: found.length - keys.length - changed.length,
      kept: changed,
    };
  });
}

/** `isChanged` is null for a row that is gone. */
function lookSql({ keyColumn, keyKind, schema, table }: Batch): string {
  return `
    select r.key, case when t.${ident(keyColumn)} is not null then
        encode(sha256(convert_to(row(t.*)::text, 'UTF8')), 'hex') <> r.digest end as "isChanged"
      from ${LEDGER_SCHEMA}.row r
      left join ${ident(schema)}.${ident(table)} t on t.${ident(keyColumn)} = r.key::${KEY_TYPES[keyKind]}
     where r.batch = $1 order by r.key`;
}

async function remove(session: TargetSession, rows: BatchRows): Promise<number> {
  const key = ident(rows.keyColumn);
  const sql = `
    delete from ${ident(rows.schema)}.${ident(rows.table)} t
     where t.${key} = any ($1::text[]::${KEY_ARRAYS[rows.keyKind]}) returning t.${key}::text`;
  let deleted = 0;
  for (let at = 0; at < rows.keys.length; at += REBUILD_BATCH_ROWS) {
    deleted += (await session.query(sql, [rows.keys.slice(at, at + REBUILD_BATCH_ROWS)])).length;
  }
  return deleted;
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

function wasChanged(keys: readonly string[]): HoldfastError {
  const named = keys.slice(0, REBUILD_NAMED_MAX).map(oneLine).join(', ');
  return new HoldfastError('HF_REBUILD_STATE', {
    expected: 'rows as they were put in',
    found: `${keys.length} that somebody changed since: ${named}`,
    hint: 'Say that those are to be kept, or look at them first.',
  });
}
