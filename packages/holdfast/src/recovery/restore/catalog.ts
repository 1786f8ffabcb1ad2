/**
 * What a database is made of, as definitions that can be compared as text: both sides are written by
 * servers of one version under one search_path. Holdfast's own schemas and triggers are left out, and so
 * are owners and grants.
 */
import { z } from 'zod';
import { TRASH_PREFIX } from '../../protection/postgres/layout.ts';
import type { TargetSession } from '../../protection/target-database.ts';

export const PART_KINDS = [
  'table',
  'column',
  'constraint',
  'index',
  'trigger',
  'view',
  'function',
  'sequence',
  'type',
] as const;
export type PartKind = (typeof PART_KINDS)[number];

const PART = z.object({
  kind: z.enum(PART_KINDS),
  /** `public.bookings`; of what belongs to no table, the schema. */
  of: z.string(),
  name: z.string(),
  definition: z.string(),
});
type Part = Readonly<z.output<typeof PART>>;

/** Null: not there. */
export interface PartDifference {
  readonly kind: PartKind;
  readonly of: string;
  readonly name: string;
  readonly restored: string | null;
  readonly live: string | null;
}

/** Of schema `n`. Ours are `holdfast`, what is in the trash, and the books of a rebuild. */
const USERS_SCHEMA = `n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
  and n.nspname not in ('holdfast', 'holdfast_rebuild') and not starts_with(n.nspname, '${TRASH_PREFIX}')`;
const SHOWN = `format('%I.%I', n.nspname, c.relname)`;
/** What an extension brought is compared as the extension's. */
const OWN = (catalog: string, oid: string): string =>
  `not exists (select from pg_depend d where d.classid = '${catalog}'::regclass and d.objid = ${oid} and d.deptype = 'e')`;

const PARTS = `
  select 'table' as kind, ${SHOWN} as of, c.relname::text as name,
      concat_ws(' ', case c.relkind when 'p' then 'partitioned by ' || pg_get_partkeydef(c.oid)
          when 'm' then 'materialized view' when 'f' then 'foreign' else 'table' end,
        case c.relpersistence when 'u' then 'unlogged' end,
        case when c.relispartition then 'partition ' || pg_get_expr(c.relpartbound, c.oid) end,
        case when c.relrowsecurity then 'row security' end) as definition
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't' and ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'column', ${SHOWN}, a.attname::text, concat_ws(' ', format_type(a.atttypid, a.atttypmod),
      case when a.attcollation <> t.typcollation then 'collate ' || a.attcollation::regcollation::text end,
      case when a.attnotnull then 'not null' end,
      case a.attidentity when 'a' then 'identity always' when 'd' then 'identity' end,
      case a.attgenerated when '' then 'default ' else 'generated ' end || pg_get_expr(f.adbin, f.adrelid))
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_type t on t.oid = a.atttypid left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
   where a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p', 'm', 'f') and c.relpersistence <> 't'
     and ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'constraint', ${SHOWN}, k.conname::text,
      pg_get_constraintdef(k.oid) || case when k.convalidated then '' else ' (not validated)' end
    from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
   where k.contype <> 'n' and ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'index', ${SHOWN}, x.relname::text,
      pg_get_indexdef(i.indexrelid) || case when i.indisvalid then '' else ' (invalid)' end
    from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace where ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'trigger', ${SHOWN}, t.tgname::text, pg_get_triggerdef(t.oid) || case t.tgenabled when 'O' then '' else format(' (%s)', t.tgenabled) end
    from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
    join pg_proc p on p.oid = t.tgfoid join pg_namespace pn on pn.oid = p.pronamespace
   where not t.tgisinternal and pn.nspname <> 'holdfast' and ${USERS_SCHEMA}
  union all
  select 'view', quote_ident(n.nspname), c.relname::text, pg_get_viewdef(c.oid)
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('v', 'm') and ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'function', quote_ident(n.nspname), format('%s(%s)', p.proname, pg_get_function_identity_arguments(p.oid)),
      case p.prokind when 'a' then 'aggregate' else pg_get_functiondef(p.oid) end
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${USERS_SCHEMA} and ${OWN('pg_proc', 'p.oid')}
  union all
  select 'sequence', quote_ident(n.nspname), c.relname::text,
      format('%s start %s increment %s %s..%s%s', format_type(s.seqtypid, null), s.seqstart, s.seqincrement,
        s.seqmin, s.seqmax, case when s.seqcycle then ' cycle' end)
    from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
   where ${USERS_SCHEMA} and ${OWN('pg_class', 'c.oid')}
  union all
  select 'type', quote_ident(n.nspname), t.typname::text, concat_ws(' ', t.typtype::text,
      (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
      case t.typtype when 'd' then format_type(t.typbasetype, t.typtypmod) end)
    from pg_type t join pg_namespace n on n.oid = t.typnamespace
   where t.typtype in ('e', 'd', 'r') and ${USERS_SCHEMA} and ${OWN('pg_type', 't.oid')}`;

/** In order of kind, then of name. Parts of a table that is missing whole are not told one by one. */
export async function compareCatalogs(
  restored: TargetSession,
  live: TargetSession,
): Promise<readonly PartDifference[]> {
  const [before, now] = [await partsOf(restored), await partsOf(live)];
  const differences: PartDifference[] = [];
  for (const [id, part] of before) {
    const other = now.get(id);
    if (other?.definition === part.definition) continue;
    differences.push(different(part, part.definition, other?.definition ?? null));
  }
  for (const [id, part] of now) {
    if (!before.has(id)) differences.push(different(part, null, part.definition));
  }
  const lone = new Set(
    differences
      .filter(({ kind, live: there, restored: here }) => kind === 'table' && (!there || !here))
      .map(({ of }) => of),
  );
  return differences
    .filter(({ kind, of }) => kind === 'table' || !lone.has(of))
    .sort((a, b) => order(a) - order(b) || compareText(a.of, b.of) || compareText(a.name, b.name));
}

async function partsOf(session: TargetSession): Promise<ReadonlyMap<string, Part>> {
  const parts = z.array(PART).parse(await session.query(PARTS));
  return new Map(parts.map((part) => [JSON.stringify([part.kind, part.of, part.name]), part]));
}

function different(
  { kind, name, of }: Part,
  restored: string | null,
  live: string | null,
): PartDifference {
  return { kind, of, name, restored, live };
}

function order({ kind }: PartDifference): number {
  return PART_KINDS.indexOf(kind);
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
