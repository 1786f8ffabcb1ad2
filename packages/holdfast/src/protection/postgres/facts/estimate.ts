/**
 * How many rows a DELETE, UPDATE or MERGE with a condition would take, by the server's own planner:
 * EXPLAIN without ANALYZE, which runs nothing of the statement. But planning runs functions: immutable and
 * stable ones of constants, those behind an operator, a cast, the check of a domain, a policy, a view. An
 * agent could write one that does more than it says, so this is done only when all of these hold:
 *
 *   1. the text is plain (`plain-change.ts`): one statement, without a semicolon in it;
 *   2. the catalogs know no operator, cast, operator class, or function that is named in it, in a language
 *      that an ordinary user may write; and what it touches are plain tables, without policies, rules, or
 *      anything that hangs on such a function;
 *   3. it is planned over a login of its own, as the role that the agent's own session has: never as the
 *      admin, and never as a superuser. Whatever slips past 1 and 2 has no right that the agent has not;
 *   4. in a transaction that was read only before its first query, and so stays it, with short timeouts.
 *
 * It is planned and counted under the settings of the session, as far as each is known and can be set there; where
 * one is not, nothing is. Where one of the four does not hold there is no estimate, and the card says why. Where the planner has only a rule
 * of thumb for the condition (`plain-count.ts`), the rows are counted, up to a number and a part of the time.
 */
import pg from 'pg';
import { z } from 'zod';
import type { NamePath } from '../../../model/session-settings.ts';
import { canBeSetAgain, type SessionSetting } from '../../../model/session-settings.ts';
import type { Measured } from '../../../model/touched.ts';
import { type AdminConnection, clientConfigOf } from '../admin.ts';
import { ident } from '../layout.ts';
import type { OneStatement } from './asked.ts';
import { isLate, whyNot } from './late.ts';
import { plainChange } from './plain-change.ts';
import { plainCount } from './plain-count.ts';

export type Estimated =
  | {
      readonly kind: 'estimated';
      readonly rows: Measured;
      /** The planner has nothing but a rule of thumb for its condition, and counting took too long. */
      readonly isRough: boolean;
    }
  /** `why` ends a sentence: `rows: ...`. */
  | { readonly kind: 'not'; readonly why: string };

export interface EstimateParts {
  /** As whom the agent's session is logged in. */
  readonly login: AdminConnection;
  readonly msMax: number;
  readonly lockMsMax: number;
}

export interface EstimateAsked {
  readonly statement: OneStatement;
  readonly path: NamePath;
  /** Of the session that it would run in. */
  readonly settings: readonly SessionSetting[];
  /** Every relation that the text names, as the catalogs of the admin have it, with children. */
  readonly relations: readonly { readonly oid: number; readonly schema: string }[];
}

/** GENERIC_PLAN: what a statement with parameters is planned with. */
const GENERIC_PLAN_FROM = 160_000;
/** Languages whose functions only a superuser makes. */
const TRUSTED = `('c', 'internal')`;
const FIRST_OWN_OID = 16_384;

const CHECK = `
  with own as (
    select p.oid, p.proname from pg_proc p join pg_language l on l.oid = p.prolang
      where p.oid >= ${FIRST_OWN_OID} and l.lanname not in ${TRUSTED}
  ), parts as (
    select 'pg_class'::regclass as classid, t.oid from unnest($2::oid[]) as t(oid)
    union all select 'pg_class'::regclass, i.indexrelid from pg_index i where i.indrelid = any($2::oid[])
    union all select 'pg_constraint'::regclass, k.oid from pg_constraint k where k.conrelid = any($2::oid[])
    union all select 'pg_attrdef'::regclass, a.oid from pg_attrdef a where a.adrelid = any($2::oid[])
  )
  select current_setting('server_version_num')::int as version,
    (select bool_or(r.rolsuper) from pg_roles r where r.rolname in (session_user, current_user)) as "isSuper",
    array_remove(array[
      case when exists (select from pg_operator o where o.oid >= ${FIRST_OWN_OID}
        and o.oprcode::oid in (select oid from own)) then 'operators' end,
      case when exists (select from pg_cast c where c.castfunc in (select oid from own)) then 'casts' end,
      case when exists (select from pg_amproc a where a.amproc::oid in (select oid from own))
        then 'operator classes' end,
      case when exists (select from own where own.proname = any($1::text[]))
        then 'a function with a name that stands in it' end,
      case when exists (select from pg_depend d join parts p on p.classid = d.classid and p.oid = d.objid
        where d.refclassid = 'pg_proc'::regclass and d.refobjid in (select oid from own))
        then 'functions in an index, a constraint or a default' end,
      case when exists (select from pg_range r where r.rngsubdiff::oid in (select oid from own)
        or r.rngcanonical::oid in (select oid from own)) then 'ranges' end,
      case when exists (select from pg_type t where t.typtype = 'd'
        and (t.typname = any($1::text[]) or exists (select from pg_attribute a
          where a.attrelid = any($2::oid[]) and a.attnum > 0 and a.atttypid = t.oid))
        and exists (select from pg_constraint k where k.contypid = t.oid)) then 'domains with a check' end,
      case when exists (select from pg_class c where c.oid = any($2::oid[])
        and (c.relkind not in ('r', 'p') or c.relrowsecurity or c.relhasrules))
        then 'a view, policies or rules' end
    ], null) as found`;

const CHECKED = z.tuple([
  z.object({ version: z.number(), isSuper: z.boolean(), found: z.array(z.string()) }),
]);

const PLANNED = z.tuple([
  z.object({
    Plan: z.object({
      'Node Type': z.literal('ModifyTable'),
      Plans: z.array(
        z.object({ 'Parent Relationship': z.string(), 'Plan Rows': z.number().nonnegative() }),
      ),
    }),
  }),
]);

/** Never rejects. */
export async function estimateRows(
  { statement, path, relations, settings }: EstimateAsked,
  { login, lockMsMax, msMax }: EstimateParts,
): Promise<Estimated> {
  const plain = plainChange(statement.text);
  if (plain === null) return not('its text is not plain enough to be planned without running code');
  if (!canBeSetAgain(settings)) return not(OTHER_SETTINGS);
  const schemas =
    path.isInOrder && path.schemas.length > 0 ? path.schemas : relations.map((one) => one.schema);
  const client = new pg.Client({
    ...clientConfigOf(login),
    connectionTimeoutMillis: msMax,
    query_timeout: msMax,
    options:
      `-c statement_timeout=${msMax} -c lock_timeout=${lockMsMax} -c search_path=pg_catalog ` +
      '-c standard_conforming_strings=on -c default_transaction_read_only=on',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('begin isolation level repeatable read read only');
    const [checked] = CHECKED.parse(
      (await client.query(CHECK, [plain.words, relations.map(({ oid }) => oid)])).rows,
    );
    if (checked.isSuper) {
      return not(
        'agents work as a superuser there, and as one nothing is planned (holdfast protect)',
      );
    }
    const [found] = checked.found;
    if (found !== undefined)
      return not(`the database has ${found} of its own, which planning may run`);
    const isGeneric = statement.parameterCount > 0;
    if (isGeneric && checked.version < GENERIC_PLAN_FROM) {
      return not('it has parameters, and this server plans none without their values');
    }
    const names = ['pg_catalog', ...new Set(schemas)].map(ident).join(', ');
    await client.query(`set local search_path = ${names}`);
    if (!(await isSet(client, settings))) return not(OTHER_SETTINGS);
    const text = `explain (format json${isGeneric ? ', generic_plan' : ''}) ${plain.text}`;
    // Named, it goes by the extended protocol, which takes no second statement behind a semicolon; there
    // parameters would have to be bound, and be planned with. (No plain text has a semicolon in it.)
    const said = await client.query(isGeneric ? { text } : { name: 'holdfast-estimate', text });
    const planned = rowsIn(said.rows);
    const { isRough, rows } = plainCount(plain.text);
    if (!isRough) return { kind: 'estimated', rows: planned, isRough: false };
    const counted = rows === null || isGeneric ? null : await countOf(client, rows, msMax);
    return counted === null
      ? { kind: 'estimated', rows: planned, isRough: true }
      : { kind: 'estimated', rows: atLeast(counted, planned), isRough: false };
  } catch (error) {
    const why = whyNot(error, msMax);
    return not(isLate(error) ? why : `the server did not plan it (${why})`);
  } finally {
    // What was asked is answered; a server that is slow to part must not hold anybody up.
    client.end().catch(() => {});
  }
}

const OTHER_SETTINGS = 'it runs under settings that cannot be set here';

/** For the transaction. The path is said by whoever asks, in the order that was judged. */
async function isSet(client: pg.Client, settings: readonly SessionSetting[]): Promise<boolean> {
  try {
    for (const { name, value } of settings) {
      if (name === 'search_path') continue;
      await client.query('select pg_catalog.set_config($1, $2, true)', [name, value]);
    }
    return true;
  } catch (error) {
    if (isLate(error)) throw error;
    return false;
  }
}

/** More are not counted: who reads `more than 100,000` knows enough. */
const COUNTED_ROWS_MAX = 100_000;
/** Of the time there is; the planner's number must still be there in time. */
const COUNT_SHARE = 3;
const COUNTED = z.tuple([z.object({ n: z.number() })]);

/** By the same role, in the same read-only transaction, under the same four conditions. Null: it took too long. */
async function countOf(client: pg.Client, rows: string, msMax: number): Promise<Measured | null> {
  const ms = Math.max(1, Math.floor(msMax / COUNT_SHARE));
  try {
    await client.query(`set local statement_timeout = ${ms}`);
    const text = `select count(*)::float8 as n from (${rows} limit ${COUNTED_ROWS_MAX + 1}) picked`;
    const [{ n }] = COUNTED.parse((await client.query({ name: 'holdfast-count', text })).rows);
    return { value: n, how: n > COUNTED_ROWS_MAX ? 'estimate' : 'exact' };
  } catch {
    return null;
  }
}

/** Of a count that was broken off only its number is certain, and the planner may know of more. */
function atLeast(counted: Measured, planned: Measured): Measured {
  if (counted.how === 'exact') return counted;
  return { value: Math.max(counted.value, planned.value), how: 'estimate' };
}

const SAID = z.tuple([z.object({ 'QUERY PLAN': z.unknown() })]);

/** What is handed to ModifyTable: its own node is said to give no rows. */
function rowsIn(rows: unknown): Measured {
  const [{ 'QUERY PLAN': plan }] = SAID.parse(rows);
  const [{ Plan }] = PLANNED.parse(plan);
  const outer = Plan.Plans.filter((one) => one['Parent Relationship'] === 'Outer');
  return { value: outer.reduce((sum, one) => sum + one['Plan Rows'], 0), how: 'estimate' };
}

function not(why: string): Estimated {
  return { kind: 'not', why };
}
