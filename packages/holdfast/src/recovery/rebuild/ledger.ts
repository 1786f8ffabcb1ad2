/**
 * The books of the rebuild, in the database that is rebuilt: which rows came of which batch. They go with
 * the copy when it is promoted, so that a batch can be taken back there, too.
 *
 * A rollback deletes what the books name, so nobody else may write in them: what a protected target grants
 * to agents in every new schema is taken from them again, and whoever keeps the sum of a batch outside
 * (`booksOf`) sees what was changed in it by somebody who may all the same.
 *
 * Nor may anybody have made them before us: a default, a check, a trigger or a rule of theirs would run with
 * the rights of whoever writes the books. So nothing is read of them or written into them before their owner
 * and their parts are looked at (`checkOurs`), in the catalogs only.
 */
import { z } from 'zod';
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';
import { DDL_ROLE, OWNER_ROLE } from '../../protection/postgres/layout.ts';
import type { TargetSession } from '../../protection/target-database.ts';
import type { HeldKey } from './batch-keys.ts';

export const LEDGER_SCHEMA = 'holdfast_rebuild';

export interface Batch {
  readonly id: string;
  /** Digest of the proposal. */
  readonly proposal: string;
  readonly schema: string;
  readonly table: string;
  readonly keyColumn: string;
  readonly keyKind: 'text' | 'integer' | 'uuid';
  readonly isRolledBack: boolean;
}

const MAKE_SCHEMA = `create schema if not exists ${LEDGER_SCHEMA}`;
const MAKE_TABLES = [
  `create table if not exists ${LEDGER_SCHEMA}.batch (
    id text primary key, proposal text not null, schema_name text not null, table_name text not null,
    key_column text not null, key_kind text not null, applied_by text not null,
    applied_at timestamptz not null default now(), rolled_back_by text, rolled_back_at timestamptz)`,
  `create unique index if not exists batch_proposal on ${LEDGER_SCHEMA}.batch (proposal)
    where rolled_back_at is null`,
  `create table if not exists ${LEDGER_SCHEMA}.row (
    batch text not null references ${LEDGER_SCHEMA}.batch (id), key text not null, digest text not null,
    primary key (batch, key))`,
];
/**
 * What of the books is not as we make it. Ours is what belongs to the very role that asks or to a superuser,
 * who needs no detour: `pg_has_role` is true of every role when a superuser asks. The tables may be handed over to
 * our own roles by a target's protection; what these could hang on them is refused all the same. Triggers of the capture are
 * let be. The first statement in which a stranger's text is shown; none of it is run.
 */
const FAULTS = `
  with ours as (select oid from pg_roles where rolname = current_user or rolsuper),
    space as (select oid, nspowner as owner from pg_namespace where nspname = '${LEDGER_SCHEMA}'),
    books as (select c.* from pg_class c join space on space.oid = c.relnamespace
               where c.relname in ('batch', 'row'))
  select f.fault from (
    select 'one of somebody else' from space where owner not in (select oid from ours)
    union all select 'a ' || relname || ' of somebody else' from books
      where relowner not in (select oid from ours union all select oid from pg_roles
                              where rolname in ('${OWNER_ROLE}', '${DDL_ROLE}'))
    union all select 'a ' || relname || ' that is no plain table' from books
      where relkind <> 'r' or relpersistence <> 'p' or relispartition or relhassubclass or relrowsecurity
    union all select 'the rule ' || r.rulename || ' on ' || b.relname
      from books b join pg_rewrite r on r.ev_class = b.oid
    union all select 'the trigger ' || t.tgname || ' on ' || b.relname
      from books b join pg_trigger t on t.tgrelid = b.oid
      join pg_proc p on p.oid = t.tgfoid join pg_namespace n on n.oid = p.pronamespace
     where not t.tgisinternal and n.nspname <> 'holdfast'
    union all select 'a column ' || a.attname || ' of another kind in ' || b.relname
      from books b join pg_attribute a on a.attrelid = b.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where t.typnamespace <> 'pg_catalog'::regnamespace or a.attgenerated <> ''
       or pg_get_expr(d.adbin, d.adrelid) <> 'now()'
    union all select 'the check ' || c.conname || ' on ' || b.relname
      from books b join pg_constraint c on c.conrelid = b.oid
     where c.contype not in ('p', 'f', 'n')
    union all select 'an index of another kind on ' || b.relname
      from books b join pg_index i on i.indrelid = b.oid
     where i.indexprs is not null
       or pg_get_expr(i.indpred, i.indrelid) <> '(rolled_back_at IS NULL)'
  ) f(fault) limit 1`;
/** Everybody's grants in the schema, but those of its owners and of who attaches the capture. */
const SHUT = `do $hf$
declare given record;
begin
  for given in
    select distinct case x.grantee when 0 then 'public' else x.grantee::regrole::text end as who
      from (select n.nspacl as acl, n.nspowner as owner from pg_namespace n where n.nspname = '${LEDGER_SCHEMA}'
            union all select c.relacl, c.relowner from pg_class c
             where c.relnamespace = '${LEDGER_SCHEMA}'::regnamespace and c.relkind = 'r') o
      cross join lateral aclexplode(o.acl) x
     where x.grantee <> o.owner
       and x.grantee not in (select r.oid from pg_roles r where r.rolname in ('${OWNER_ROLE}', '${DDL_ROLE}'))
  loop
    execute format('revoke all on schema ${LEDGER_SCHEMA} from %s', given.who);
    execute format('revoke all on all tables in schema ${LEDGER_SCHEMA} from %s', given.who);
  end loop;
end $hf$`;
const BATCH = z.object({
  id: z.string(),
  proposal: z.string(),
  schema: z.string(),
  table: z.string(),
  keyColumn: z.string(),
  keyKind: z.enum(['text', 'integer', 'uuid']),
  isRolledBack: z.boolean(),
});
const COLUMNS = `id, proposal, schema_name as schema, table_name as "table", key_column as "keyColumn",
  key_kind as "keyKind", rolled_back_at is not null as "isRolledBack"`;

/** Makes the books where there are none; refuses those that somebody else keeps, or has a hand in. */
export async function openLedger(session: TargetSession): Promise<void> {
  await checkOurs(session);
  await session.query(MAKE_SCHEMA);
  await checkOurs(session);
  await session.query(SHUT);
  for (const sql of MAKE_TABLES) {
    await session.query(sql);
    await checkOurs(session);
  }
  await session.query(SHUT);
}

/** HF_REBUILD_STATE where something of the books is not ours. Passes where there are none. */
async function checkOurs(session: TargetSession): Promise<void> {
  const [first] = await session.query(FAULTS);
  if (first === undefined) return;
  throw new HoldfastError('HF_REBUILD_STATE', {
    expected: `the schema ${LEDGER_SCHEMA} to be ours`,
    found: oneLine(String(first['fault'])),
    hint: 'Rename that schema, and ask who made it.',
  });
}

/** SHA-256 of the rows of a batch as the books have them, lower-case hex. */
export async function booksOf(session: TargetSession, batch: string): Promise<string> {
  const [row] = await session.query(
    `select encode(sha256(convert_to(coalesce(string_agg(key || ' ' || digest, e'\n' order by key collate "C"), ''),
       'UTF8')), 'hex') as sum from ${LEDGER_SCHEMA}.row where batch = $1`,
    [batch],
  );
  return z.object({ sum: z.string() }).parse(row).sum;
}

/** What the books name, for `holdKeys`. */
export async function rowsOf(session: TargetSession, batch: string): Promise<readonly HeldKey[]> {
  const sql = `select key, digest from ${LEDGER_SCHEMA}.row where batch = $1`;
  const rows = await session.query(sql, [batch]);
  return z.array(z.object({ key: z.string(), digest: z.string() })).parse(rows);
}

/** Number of the transaction that wrote the batch down, as the server has it (`xmin`): digits. */
export async function writtenBy(session: TargetSession, batch: string): Promise<string> {
  const [row] = await session.query(
    `select xmin::text as written from ${LEDGER_SCHEMA}.batch where id = $1`,
    [batch],
  );
  return z.object({ written: z.string().regex(/^\d+$/) }).parse(row).written;
}

/** How many rows of a batch were written by another transaction than the batch itself. */
export async function strangersIn(session: TargetSession, batch: string): Promise<number> {
  const [row] = await session.query(
    `select count(*)::int as n from ${LEDGER_SCHEMA}.row r join ${LEDGER_SCHEMA}.batch b on b.id = r.batch
      where b.id = $1 and r.xmin::text <> b.xmin::text`,
    [batch],
  );
  return z.object({ n: z.int() }).parse(row).n;
}

/** Whether there are books at all. */
export async function hasLedger(session: TargetSession): Promise<boolean> {
  const [there] = await session.query(
    `select to_regclass('${LEDGER_SCHEMA}.batch') is not null as "isThere"`,
  );
  return there?.['isThere'] === true;
}

/** The batch of this proposal that stands; null: none. */
export async function batchOf(session: TargetSession, proposal: string): Promise<Batch | null> {
  const sql = `select ${COLUMNS} from ${LEDGER_SCHEMA}.batch where proposal = $1 and rolled_back_at is null`;
  const [row] = await session.query(sql, [proposal]);
  return row === undefined ? null : BATCH.parse(row);
}

/** Locked until the transaction ends; null: no such batch, or no books. */
export async function lockBatch(session: TargetSession, id: string): Promise<Batch | null> {
  if (!(await hasLedger(session))) return null;
  await checkOurs(session);
  const sql = `select ${COLUMNS} from ${LEDGER_SCHEMA}.batch where id = $1 for update`;
  const [row] = await session.query(sql, [id]);
  return row === undefined ? null : BATCH.parse(row);
}

export async function beginBatch(
  session: TargetSession,
  batch: Omit<Batch, 'isRolledBack'>,
  person: string,
): Promise<void> {
  await session.query(
    `insert into ${LEDGER_SCHEMA}.batch
      (id, proposal, schema_name, table_name, key_column, key_kind, applied_by)
      values ($1, $2, $3, $4, $5, $6, $7)`,
    [batch.id, batch.proposal, batch.schema, batch.table, batch.keyColumn, batch.keyKind, person],
  );
}

export async function endBatch(session: TargetSession, id: string, person: string): Promise<void> {
  await session.query(
    `update ${LEDGER_SCHEMA}.batch set rolled_back_at = now(), rolled_back_by = $2 where id = $1`,
    [id, person],
  );
}
