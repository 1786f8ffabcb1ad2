/**
 * Drops a trash schema, or a database that was renamed to one's name, for good. What hangs on it from outside is not dropped along: a view or a default
 * of live tables that still uses what lies in the trash makes the purge wait, by name, for a person.
 */
import { HoldfastError } from '../../model/errors.ts';
import { isTrashName } from '../act-record.ts';
import type { TargetDatabase } from '../target-database.ts';
import { ident } from './layout.ts';

/**
 * Everything that depends on the members of a schema, however far, and which schema that lies in. What
 * has no schema of its own (a rule, a default, a trigger, a policy) counts as its table does; toast
 * tables follow theirs. Triggers of the server's own are left out: those that a foreign key of a trashed
 * table has put on a live one go with the key, and nothing is lost.
 */
const HANGING = `
  with recursive gone (classid, objid, objsubid) as (
    select d.classid, d.objid, d.objsubid from pg_depend d
    where d.refclassid = 'pg_namespace'::regclass and d.refobjid = $1::regnamespace
    union
    select d.classid, d.objid, d.objsubid from pg_depend d
    join gone on d.refclassid = gone.classid and d.refobjid = gone.objid
      and gone.objsubid in (0, d.refobjsubid)
  ), placed as (
    select gone.*, coalesce(c.relnamespace, t.typnamespace, p.pronamespace, con.connamespace,
      (select relnamespace from pg_class where oid = coalesce(def.adrelid, tg.tgrelid, rw.ev_class,
        pol.polrelid)), op.oprnamespace, col.collnamespace, st.stxnamespace) as nsp
    from gone
    left join pg_class c on gone.classid = 'pg_class'::regclass and c.oid = gone.objid
    left join pg_type t on gone.classid = 'pg_type'::regclass and t.oid = gone.objid
    left join pg_proc p on gone.classid = 'pg_proc'::regclass and p.oid = gone.objid
    left join pg_constraint con on gone.classid = 'pg_constraint'::regclass and con.oid = gone.objid
    left join pg_attrdef def on gone.classid = 'pg_attrdef'::regclass and def.oid = gone.objid
    left join pg_trigger tg on gone.classid = 'pg_trigger'::regclass and tg.oid = gone.objid
      and not tg.tgisinternal
    left join pg_rewrite rw on gone.classid = 'pg_rewrite'::regclass and rw.oid = gone.objid
    left join pg_policy pol on gone.classid = 'pg_policy'::regclass and pol.oid = gone.objid
    left join pg_operator op on gone.classid = 'pg_operator'::regclass and op.oid = gone.objid
    left join pg_collation col on gone.classid = 'pg_collation'::regclass and col.oid = gone.objid
    left join pg_statistic_ext st on gone.classid = 'pg_statistic_ext'::regclass and st.oid = gone.objid
  )
  select pg_describe_object(classid, objid, objsubid) as what from placed
  where nsp <> $1::regnamespace and nsp <> 'pg_toast'::regnamespace
  order by 1 limit 5`;

/** Idempotent. Rejects with HF_UNDO_STATE when live things hang on it, or when it is no trash at all. */
export async function dropTrash(target: TargetDatabase, name: string): Promise<void> {
  if (!isTrashName(name)) {
    throw new HoldfastError('HF_UNDO_STATE', {
      expected: 'the name of a trash schema',
      found: name,
      hint: 'The record of this act was tampered with; nothing is dropped for it.',
    });
  }
  await dropTrashedDatabase(target, name);
  await target.transaction('serializable', async (session) => {
    const found = await session.query('select to_regnamespace($1) is not null as there', [
      ident(name),
    ]);
    if (found[0]?.['there'] !== true) return;
    const hanging = await session.query(HANGING, [ident(name)]);
    if (hanging.length > 0)
      throw hangsOn(
        target.target,
        name,
        hanging.map(({ what }) => what),
      );
    await session.query(`drop schema ${ident(name)} cascade`);
  });
}

/** What a DROP DATABASE left: renamed and closed. One that was opened again is somebody's. */
async function dropTrashedDatabase(target: TargetDatabase, name: string): Promise<void> {
  const found = await target.query(
    'select from pg_database where datname = $1 and not datallowconn and not datistemplate',
    [name],
  );
  // Cannot run in a transaction; alone in its statement it is either gone or still there.
  if (found.length > 0) await target.query(`drop database ${ident(name)}`);
}

function hangsOn(target: string, name: string, what: readonly unknown[]): HoldfastError {
  return new HoldfastError('HF_UNDO_STATE', {
    expected: `nothing outside ${name} in ${target} to hang on it`,
    found: what.map(String).join(', '),
    hint: 'Drop or change these by hand if they are not needed; the purge is tried again by itself.',
  });
}
