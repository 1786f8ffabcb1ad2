/**
 * What is checked in the transaction of a batch, because triggers are off in it: foreign keys, one by
 * one, and what the user asserts. And that turning triggers off keeps all of the user's from firing.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';
import { ident } from '../../protection/postgres/layout.ts';
import type { TargetSession } from '../../protection/target-database.ts';
import { askedAlone, askedInside } from '../asked-alone.ts';
import { anyHeld } from './batch-keys.ts';
import type { KEY_ARRAYS } from './existing.ts';

/** Something that has to be true of the rebuilt data, in words, and one SELECT that says whether it is. */
export interface RebuildAssertion {
  readonly says: string;
  /** One SELECT, names with their schema; its first row's first column is true, or it does not hold. */
  readonly sql: string;
}

/** The rows of one batch, by key; the checks read those that are held (`holdKeys`). */
export interface BatchRows {
  readonly oid: string;
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string;
  readonly keyKind: keyof typeof KEY_ARRAYS;
  readonly keys: readonly string[];
}

/** Catalogs are read by the session, rows by who writes them: their types may have code of others. */
export interface CheckedBy {
  readonly session: TargetSession;
  readonly writer: TargetSession;
}

const REFUSED = '42501';

/**
 * Triggers and rules of the user do not fire from here to the end of the transaction. Rejects where that
 * cannot be had: a mail that is sent for a row of last week is not taken back by any rollback.
 */
export async function turnTriggersOff(session: TargetSession, oid: string): Promise<void> {
  const isOff = await replicaRole(session);
  const firing = await session.query(
    `with parts as (select $1::oid as oid union select relid from pg_partition_tree($1::oid::regclass))
     select t.tgname::text as name from parts join pg_trigger t on t.tgrelid = parts.oid
       join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
      where not t.tgisinternal and n.nspname <> 'holdfast' and t.tgenabled::text = any ($2::text[])
      union all
     select 'rule ' || r.rulename from parts join pg_rewrite r on r.ev_class = parts.oid
      where r.ev_enabled::text = any ($2::text[])
      order by 1`,
    [oid, isOff ? ['A', 'R'] : ['A', 'O']],
  );
  if (firing.length === 0) return;
  const names = z
    .array(z.object({ name: z.string() }))
    .parse(firing)
    .map(({ name }) => name);
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: 'no trigger or rule of yours to fire while rows are put back',
    found: `${oneLine(names.join(', '))}${isOff ? ' (ENABLE ALWAYS or REPLICA)' : ', and a role that may not turn them off'}`,
    hint: isOff ? 'Disable them in the restored copy.' : 'Use a superuser of the restored copy.',
  });
}

async function replicaRole(session: TargetSession): Promise<boolean> {
  await session.query('savepoint hf_triggers');
  try {
    await session.query("set local session_replication_role = 'replica'");
    await session.query('release savepoint hf_triggers');
    return true;
  } catch (error) {
    await session.query('rollback to savepoint hf_triggers');
    if (codeOf(error) === REFUSED) return false;
    throw error;
  }
}

const CONSTRAINT = z.object({
  name: z.string(),
  isFull: z.boolean(),
  schema: z.string(),
  table: z.string(),
  /** Column here, column there, and the operator that compares there with here. */
  pairs: z.array(z.tuple([z.string(), z.string(), z.string(), z.string()])),
});
type Constraint = z.infer<typeof CONSTRAINT>;

function constraintsSql(mine: 'conrelid' | 'confrelid'): string {
  const other = mine === 'conrelid' ? 'confrelid' : 'conrelid';
  return `
    select c.conname::text as name, c.confmatchtype = 'f' as "isFull",
      n.nspname::text as schema, t.relname::text as "table",
      (select jsonb_agg(jsonb_build_array(here.attname, there.attname, pn.nspname, op.oprname) order by k.at)
         from unnest(c.conkey, c.confkey, c.conpfeqop) with ordinality as k(here, there, op, at)
         join pg_attribute here on here.attrelid = c.conrelid and here.attnum = k.here
         join pg_attribute there on there.attrelid = c.confrelid and there.attnum = k.there
         join pg_operator op on op.oid = k.op join pg_namespace pn on pn.oid = op.oprnamespace) as pairs
      from pg_constraint c join pg_class t on t.oid = c.${other} join pg_namespace n on n.oid = t.relnamespace
     where c.contype = 'f' and c.${mine} = $1::oid and (c.conparentid = 0 or c.conrelid = $1::oid)
     order by 1`;
}

/** Rejects with HF_REBUILD_CHECK when a row of the batch refers to one that is not there. */
export async function checkReferences(
  { session, writer }: CheckedBy,
  rows: BatchRows,
): Promise<void> {
  const found = await session.query(constraintsSql('conrelid'), [rows.oid]);
  for (const constraint of z.array(CONSTRAINT).parse(found)) {
    const [broken] = await writer.query(brokenSql(constraint, rows));
    const { count, key } = z
      .object({ count: z.string(), key: z.string().nullable() })
      .parse(broken);
    if (count === '0') continue;
    throw new HoldfastError('HF_REBUILD_CHECK', {
      expected: `every row to have what ${constraint.name} refers to in ${constraint.schema}.${constraint.table}`,
      found: `${count} row(s) without, such as ${oneLine(key ?? '')}`,
      hint: 'Rebuild that table first, or leave these rows out.',
    });
  }
}

function brokenSql({ isFull, pairs, schema, table }: Constraint, rows: BatchRows): string {
  const here = pairs.map(([column]) => `t.${ident(column)}`);
  const equal = pairs.map(
    ([mine, theirs, space, op]) =>
      `r.${ident(theirs)} operator(${ident(space)}.${op}) t.${ident(mine)}`,
  );
  const isAll = here.map((one) => `${one} is not null`).join(' and ');
  const isAny = here.map((one) => `${one} is not null`).join(' or ');
  const missing = `${isAll} and not exists (
    select from ${ident(schema)}.${ident(table)} r where ${equal.join(' and ')})`;
  return `
    select count(*)::text as count, min(t.${ident(rows.keyColumn)}::text) as key
      from ${ident(rows.schema)}.${ident(rows.table)} t
     where t.${ident(rows.keyColumn)} = ${anyHeld(rows.keyKind)}
       and (${missing}${isFull ? ` or ((${isAny}) and not (${isAll}))` : ''})`;
}

/** Rejects with HF_REBUILD_CHECK when a row outside of the batch refers to one of it. */
export async function checkReferrers(
  { session, writer }: CheckedBy,
  rows: BatchRows,
): Promise<void> {
  const found = await session.query(constraintsSql('confrelid'), [rows.oid]);
  for (const constraint of z.array(CONSTRAINT).parse(found)) {
    const [referring] = await writer.query(referringSql(constraint, rows));
    const { count } = z.object({ count: z.string() }).parse(referring);
    if (count === '0') continue;
    throw new HoldfastError('HF_REBUILD_CHECK', {
      expected: 'nothing to refer to the rows that are taken back',
      found: `${count} row(s) of ${constraint.schema}.${constraint.table} by ${constraint.name}`,
      hint: 'Take those back first.',
    });
  }
}

function referringSql({ pairs, schema, table }: Constraint, rows: BatchRows): string {
  const inBatch = (alias: string): string =>
    `${alias}.${ident(rows.keyColumn)} = ${anyHeld(rows.keyKind)}`;
  const equal = pairs.map(
    ([theirs, mine, space, op]) =>
      `t.${ident(mine)} operator(${ident(space)}.${op}) c.${ident(theirs)}`,
  );
  const isSelf = schema === rows.schema && table === rows.table;
  return `
    select count(*)::text as count from ${ident(schema)}.${ident(table)} c
     where exists (select from ${ident(rows.schema)}.${ident(rows.table)} t
       where ${inBatch('t')} and ${equal.join(' and ')})
     ${isSelf ? `and not (${inBatch('c')})` : ''}`;
}

/** Each in a read-only part of the transaction. */
export async function checkAssertions(
  session: TargetSession,
  assertions: readonly RebuildAssertion[],
  isLesser: boolean,
): Promise<void> {
  for (const { says, sql } of assertions) {
    await session.query('savepoint hf_assertion');
    let holds: unknown;
    try {
      await session.query('set local transaction_read_only = on');
      const [row] = isLesser
        ? await session.query(askedInside(sql, 1))
        : await session.query(askedAlone(sql, 1), [true]);
      holds = row === undefined ? null : Object.values(row)[0];
    } catch (cause) {
      throw failed(says, cause instanceof Error ? oneLine(cause.message) : 'an error', cause);
    }
    await session.query('rollback to savepoint hf_assertion');
    if (holds !== true) throw failed(says, oneLine(JSON.stringify(holds) ?? 'nothing'), undefined);
  }
}

function failed(says: string, found: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF_REBUILD_CHECK', {
    expected: `${JSON.stringify(says)} to be true`,
    found,
    hint: 'Nothing was changed. Look at the rows, or at the assertion.',
    cause,
  });
}

function codeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
