/**
 * Holds what the reader said against what the server did.
 *
 * - harmless: nothing changed at all.
 * - a change of rows in X: only X changed, and what the catalog ties to X (partitions, children,
 *   foreign keys, the tables under a view, owned sequences).
 * - anything else was not called harmless, which is all that is claimed.
 *
 * Where the catalog shows code or another door behind a relation that the text names (a view, a rule,
 * a trigger, a default, a policy), the text cannot tell: counted as `opaque`, with that door as proof.
 */

import type { SqlReading } from '../../src/languages/sql/sql-reading.ts';
import type { Effect } from '../../src/model/effect.ts';
import type { Change } from './server.ts';

export type Claim = 'harmless' | 'rows' | 'other' | 'could-not-tell';

export type Finding =
  | { readonly kind: 'right' }
  | { readonly kind: 'opaque'; readonly door: string }
  | { readonly kind: 'wrong'; readonly what: string };

export interface Said {
  readonly claim: Claim;
  readonly effects: readonly Effect[];
  readonly sets: boolean;
}

/** What the reading of a text comes to, with what the session prepared before. */
export function said(reading: SqlReading, prepared: ReadonlyMap<string, SqlReading>): Said {
  const effects = [...reading.effects];
  let known = reading.kind === 'understood';
  let sets = false;
  for (const act of reading.session) {
    if (act.kind === 'set') sets = true;
    if (act.kind !== 'execute') continue;
    const inner = prepared.get(act.name);
    if (inner === undefined || inner.kind !== 'understood') known = false;
    effects.push(...(inner?.effects ?? []));
  }
  if (!known) return { claim: 'could-not-tell', effects, sets };
  if (effects.every((effect) => effect.kind === 'read'))
    return { claim: 'harmless', effects, sets };
  const rows = effects.every(isRowChange);
  return { claim: rows ? 'rows' : 'other', effects, sets };
}

const ROW_VERBS =
  /^(INSERT|UPDATE|DELETE|MERGE \w+|COPY FROM|TRUNCATE|NEXTVAL|SETVAL|NOTIFY|PG_NOTIFY)$/;

function isRowChange(effect: Effect): boolean {
  if (effect.kind === 'read') return true;
  const rows = effect.kind === 'write' || effect.kind === 'destroy';
  return rows && effect.reach !== 'cascade' && ROW_VERBS.test(effect.verb);
}

/** Asks the session's own catalog; in the transaction of the statement, where it still can. */
export type Ask = (query: string, values: readonly unknown[]) => Promise<readonly string[]>;

export async function judge(words: Said, change: Change, ask: Ask): Promise<Finding> {
  if (words.claim === 'other' || words.claim === 'could-not-tell') return { kind: 'right' };
  if (change.settings && !words.sets) {
    const door = await doors(words, ask);
    if (door !== null) return { kind: 'opaque', door };
    return { kind: 'wrong', what: 'a setting changed that was not told' };
  }
  const touched = [...change.relations, ...change.sequences];
  if (touched.length === 0) return { kind: 'right' };
  const allowed = words.claim === 'rows' ? await reached(words, ask) : new Set<string>();
  const outside = touched.filter((oid) => !allowed.has(oid));
  if (outside.length === 0) return { kind: 'right' };
  const names = await ask('select oid::regclass::text from pg_class where oid = any($1::oid[])', [
    outside,
  ]);
  const door = await doors(words, ask);
  const what = `${words.claim} was said, but ${names.join(', ') || outside.join(', ')} changed`;
  return door === null ? { kind: 'wrong', what } : { kind: 'opaque', door: `${door}: ${what}` };
}

function named(words: Said, kinds: readonly string[]): string[] {
  return words.effects
    .filter((effect) => kinds.includes(effect.kind) && effect.object !== null)
    .map(({ object }) => [object?.schema, object?.name])
    .map((parts) =>
      parts
        .filter((part) => part != null)
        .map((part) => `"${String(part).replaceAll('"', '""')}"`)
        .join('.'),
    );
}

const PG_CLASS = '1259';

const REACH = `
  with recursive reach(oid) as (
    select to_regclass(name)::oid from unnest($1::text[]) name where to_regclass(name) is not null
    union
    select next.oid from reach, lateral (
      select inhrelid as oid from pg_inherits where inhparent = reach.oid
      union all select inhparent from pg_inherits where inhrelid = reach.oid
      union all select conrelid from pg_constraint where contype = 'f' and confrelid = reach.oid
      union all select reltoastrelid from pg_class where oid = reach.oid and reltoastrelid > 0
      union all select d.refobjid from pg_depend d join pg_rewrite w on d.objid = w.oid
        where w.ev_class = reach.oid and d.classid = 'pg_rewrite'::regclass
          and d.refclassid = 'pg_class'::regclass
      union all select d.objid from pg_depend d join pg_class s on s.oid = d.objid
        where d.refobjid = reach.oid and s.relkind = 'S' and d.deptype in ('a', 'i')
      union all select d.refobjid from pg_depend d join pg_attrdef a on a.oid = d.objid
        where a.adrelid = reach.oid and d.classid = 'pg_attrdef'::regclass
          and d.refclassid = 'pg_class'::regclass
    ) next
  )`;

async function reached(words: Said, ask: Ask): Promise<Set<string>> {
  const names = named(words, ['write', 'destroy']);
  const oids = new Set(await ask(`${REACH} select oid::text from reach`, [names]));
  // TRUNCATE gives the table a new file, which its line in pg_class says.
  if (words.effects.some((effect) => effect.verb === 'TRUNCATE')) oids.add(PG_CLASS);
  return oids;
}

/** The first thing in the catalog, behind the relations named, that can do what no text shows. */
async function doors(words: Said, ask: Ask): Promise<string | null> {
  const names = named(words, ['read', 'write', 'destroy']);
  const found = await ask(
    `${REACH}
     select 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass from pg_trigger t, reach
      where t.tgrelid = reach.oid and not t.tgisinternal
     union all
     select case when c.relkind in ('v', 'm') then 'view ' else 'rule on ' end || c.oid::regclass
       from pg_rewrite w join pg_class c on c.oid = w.ev_class, reach where w.ev_class = reach.oid
     union all
     select 'policy ' || p.polname || ' on ' || p.polrelid::regclass from pg_policy p, reach
      where p.polrelid = reach.oid
     union all
     select 'default of ' || a.adrelid::regclass from pg_attrdef a, reach
      where a.adrelid = reach.oid
     union all
     select 'check of ' || k.conrelid::regclass from pg_constraint k, reach
      where k.conrelid = reach.oid and k.contype = 'c'
     union all
     select 'index expression of ' || i.indrelid::regclass from pg_index i, reach
      where i.indrelid = reach.oid and (i.indexprs is not null or i.indpred is not null)`,
    [names],
  );
  return found[0] ?? null;
}
