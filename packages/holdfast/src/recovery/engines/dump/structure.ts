/**
 * What of a database changes can be decoded for, and how it is built. Tables go into a publication one by
 * one, and only those whose rows can be found again: a table without a key that is published for updates
 * refuses its own application's UPDATE, so it never is, nor is "all tables", which would take in such a
 * table the moment somebody makes it.
 */
import type { TargetDatabase, TargetSession } from '../../../protection/target-database.ts';

type Asked = Pick<TargetDatabase | TargetSession, 'query'>;

export interface Structure {
  /** As `format('%I.%I')` has them, in order. */
  readonly carried: readonly string[];
  /** Sentences: what no change is decoded for. Empty: everything is carried. */
  readonly notCarried: readonly string[];
  /** A digest of how everything is built, oids included: made anew is not the same. */
  readonly digest: string;
}

/** Of an ordinary table that is not an extension's own: whether it is ours to publish, and has a key. */
const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as name,
         pg_has_role(c.relowner, 'USAGE') as ours,
         c.relreplident = 'f' or exists (
           select from pg_index i where i.indrelid = c.oid and i.indisvalid and i.indimmediate
             and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident end
         ) as keyed
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind = 'r' and c.relpersistence = 'p'
     and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
     and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                        and d.objid = c.oid and d.deptype = 'e')
   order by 1`;

const OTHERS = `
  select (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'm' and n.nspname !~ '^pg_')::int as views,
         (select count(*) from pg_largeobject_metadata)::int as objects,
         (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
           where c.relkind = 'S' and c.relpersistence = 'p' and n.nspname !~ '^pg_'
             and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass
                                and d.objid = c.oid and d.deptype in ('a', 'i', 'e')))::int as sequences`;

const DIGEST = `
  with relation as (
    select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence = 'p'
       and n.nspname <> 'information_schema' and n.nspname !~ '^pg_')
  select md5(coalesce(string_agg(line, E'\\n' order by line), '')) as digest from (
    select concat_ws(':', 'r', oid, relname, relnamespace, relkind, relreplident, relowner) from relation
    union all
    select concat_ws(':', 'a', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull)
      from pg_attribute a join relation on relation.oid = a.attrelid
     where a.attnum > 0 and not a.attisdropped
    union all
    select concat_ws(':', 'w', w.oid, md5(w.ev_action::text))
      from pg_rewrite w join relation on relation.oid = w.ev_class
    union all
    select concat_ws(':', 'c', c.oid, c.convalidated) from pg_constraint c join relation on relation.oid = c.conrelid
    union all
    select concat_ws(':', 't', t.oid, t.tgenabled) from pg_trigger t join relation on relation.oid = t.tgrelid
     where not t.tgisinternal
    union all
    select concat_ws(':', 'p', p.oid, md5(p.prosrc), p.proowner) from pg_proc p
      join pg_namespace n on n.oid = p.pronamespace
     where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  ) as lines (line)`;

export async function readStructure(database: Asked): Promise<Structure> {
  const tables = await database.query(TABLES);
  const [others] = await database.query(OTHERS);
  const [digest] = await database.query(DIGEST);
  const isCarried = (row: (typeof tables)[number]): boolean =>
    row['ours'] === true && row['keyed'] === true;
  const count = (name: string): number => Number(others?.[name] ?? 0);
  const foreign = tables.filter(({ ours }) => ours !== true).length;
  const keyless = tables.filter(({ keyed, ours }) => ours === true && keyed !== true).length;
  return {
    carried: tables.filter(isCarried).map(({ name }) => String(name)),
    notCarried: [
      ...said(keyless, 'table without a primary key', 'tables without a primary key'),
      ...said(foreign, 'table of another owner', 'tables of other owners'),
      ...said(count('views'), 'materialized view', 'materialized views'),
      ...said(count('objects'), 'large object', 'large objects'),
      ...said(count('sequences'), 'sequence of no column', 'sequences of no column'),
    ],
    digest: String(digest?.['digest'] ?? ''),
  };
}

/**
 * Makes the publication one of exactly those tables. True: it was made anew. Rejects with what the server
 * said; nothing but the publication is changed.
 */
export async function publish(
  database: Asked,
  publication: string,
  tables: readonly string[],
): Promise<void> {
  const [there] = await database.query(
    `select coalesce(array_agg(format('%I.%I', schemaname, tablename) order by 1)
                       filter (where tablename is not null), '{}') as tables
       from pg_publication p left join pg_publication_tables t using (pubname)
      where p.pubname = $1 having count(*) > 0`,
    [publication],
  );
  if (there === undefined) {
    const list = tables.length === 0 ? '' : ` for table only ${tables.join(', only ')}`;
    await database.query(
      `create publication ${publication}${list} with (publish = 'insert, update, delete, truncate')`,
    );
    return;
  }
  const found = Array.isArray(there['tables']) ? there['tables'].map(String).sort() : [];
  const wanted = [...tables].sort();
  if (found.length === wanted.length && found.every((name, at) => name === wanted[at])) return;
  // One statement: at no moment is a table out that was in before.
  if (wanted.length === 0) {
    await database.query(`alter publication ${publication} drop table ${found.join(', ')}`);
  } else {
    await database.query(
      `alter publication ${publication} set table only ${wanted.join(', only ')}`,
    );
  }
}

function said(count: number, one: string, many: string): string[] {
  if (count === 0) return [];
  return [
    `Changes of ${count} ${count === 1 ? one : many} are not carried: as at the last dump after a restore.`,
  ];
}
