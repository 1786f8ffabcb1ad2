/**
 * Exact sizes, and rows that no statistics know. These open tables, so that they wait for whoever holds one;
 * what is held is left out, the lock timeout of the session bounds the rest, and a savepoint keeps the
 * transaction. A count reads a plain table under a lock that nobody else notices, after it was seen that
 * the name still means that table: a view put in its place would run as the admin.
 */
import { z } from 'zod';
import type { Measured } from '../../../model/touched.ts';
import type { TargetSession } from '../../target-database.ts';
import { ident } from '../layout.ts';
import type { Relation } from './relations.ts';

const PAGE_BYTES = 8_192;
/** Of a table that was never analyzed: 8 MB are counted in some ms. */
export const COUNTED_PAGES_MAX = 1_000;
/** Tables whose size is asked, the largest by what is known: 2,000 took 200 ms. Of more the statistics must do. */
const SIZED_MAX = 500;

export interface Size {
  readonly own: number;
  readonly total: number;
}

/** With storage of their own. */
const STORED: ReadonlySet<string> = new Set(['r', 'm', 'i', 'S']);

export function isStored({ kind }: Pick<Relation, 'kind'>): boolean {
  return STORED.has(kind);
}

const SIZES = z.array(z.object({ oid: z.number(), own: z.number(), total: z.number() }));

/** By oid; what is held by others is not in it. Rejects with what the server said. */
export function sizesOf(
  session: TargetSession,
  relations: readonly Relation[],
): Promise<ReadonlyMap<number, Size>> {
  const asked = relations.filter((one) => isStored(one) && !one.isLocked).slice(0, SIZED_MAX);
  return guarded(session, async () => {
    const rows = await session.query(
      // Null: it is gone since.
      `select s.* from unnest($1::oid[]) as t(oid), lateral (
          select t.oid::int8::float8 as oid, pg_relation_size(t.oid)::float8 as own,
            pg_total_relation_size(t.oid)::float8 as total) s
        where s.own is not null and s.total is not null`,
      [asked.map(({ oid }) => oid)],
    );
    return new Map(SIZES.parse(rows).map(({ oid, ...size }) => [oid, size]));
  });
}

/** A failure inside does not end the transaction around it. */
async function guarded<T>(session: TargetSession, work: () => Promise<T>): Promise<T> {
  await session.query('savepoint facts');
  try {
    return await work();
  } catch (error) {
    await session.query('rollback to savepoint facts');
    throw error;
  }
}

/** By its statistics at the size it has now, as the server's own planner does. */
export function rowsBy(relation: Relation, size: Size | null): Measured | null {
  const { kind, live, pages, tuples } = relation;
  // What a partitioned table holds lies in its partitions.
  if (kind === 'v' || kind === 'i' || kind === 'S' || kind === 'p') return null;
  if (size?.own === 0) return { value: 0, how: 'exact' };
  const pagesNow = size === null ? pages : size.own / PAGE_BYTES;
  if (tuples > 0 && pages > 0) return estimate((tuples / pages) * pagesNow);
  if (tuples >= 0 && pages >= pagesNow) return estimate(tuples);
  if (live > 0) return estimate(live);
  return null;
}

/** Never analyzed, or not since it had rows; small, plain, and nobody's policies decide what is seen. */
export function mayBeCounted(relation: Relation, size: Size | null): boolean {
  const { hasPolicies, isLocked, kind, pages, tuples } = relation;
  const isKnown = tuples > 0 && pages > 0;
  if (isKnown || hasPolicies || isLocked || size === null || size.own === 0) return false;
  return kind === 'r' && size.own <= COUNTED_PAGES_MAX * PAGE_BYTES;
}

const SEEN = z.tuple([z.object({ oid: z.number(), kind: z.string() })]);
const COUNT = z.tuple([z.object({ rows: z.number() })]);

/** Rejects as `sizesOf`; null when another table has the name now. */
export function countOf(session: TargetSession, relation: Relation): Promise<Measured | null> {
  const name = `${ident(relation.schema)}.${ident(relation.name)}`;
  return guarded(session, async () => {
    await session.query(`lock table only ${name} in access share mode nowait`);
    const seen = SEEN.parse(
      await session.query(
        `select c.oid::int8::float8 as oid, c.relkind::text as kind from pg_class c
          where c.oid = to_regclass($1)`,
        [name],
      ),
    );
    if (seen[0].oid !== relation.oid || seen[0].kind !== relation.kind) return null;
    const counted = COUNT.parse(
      await session.query(`select count(*)::float8 as rows from only ${name}`),
    );
    return { value: counted[0].rows, how: 'exact' };
  });
}

export function bytesBy(relation: Relation, size: Size | null): Measured | null {
  if (size !== null) return { value: size.total, how: 'exact' };
  return isStored(relation) ? estimate(relation.pagesTotal * PAGE_BYTES) : null;
}

function estimate(value: number): Measured {
  return { value: Math.round(value), how: 'estimate' };
}
