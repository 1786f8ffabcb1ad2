/**
 * Rounds of writing a plan: decide, look for unique values in the way, write, check foreign keys; what a
 * check finds is rolled back, entered into the plan as a conflict, and the next round leaves it out.
 * A preview goes the same rounds, and asks the plans instead of writing.
 */
import pg from 'pg';
import { HoldfastError } from '../../../model/errors.ts';
import { UNDO_ROUNDS_MAX } from '../../../model/limits.ts';
import type { TargetSession } from '../../target-database.ts';
import { decisionFor, type UndoConflict } from '../../undo/undo-report.ts';
import { decide } from './conflict-rows.ts';
import { bagConflicts, lookAtBag, writeBag } from './keyless.ts';
import type { Net } from './net.ts';
import {
  bagViolation,
  dependents,
  dependentsAhead,
  type ForeignKey,
  orphans,
  orphansAhead,
  type Violation,
} from './references.ts';
import { findInTheWay } from './unique.ts';
import { addConflict, type Planned, type RowsWork, type Tell, tableConflict } from './work.ts';
import {
  changeRows,
  clearWay,
  insertRows,
  lookAtWrites,
  type PlannedRows,
  plannedRows,
  removeRows,
  type Written,
} from './write.ts';

export interface Around {
  readonly keys: readonly ForeignKey[];
  readonly isQuiet: boolean;
  readonly tell: Tell;
}

/** Each round but the last finds at least one row more that cannot be written. */
export async function writeInRounds(
  work: RowsWork,
  planned: readonly Planned[],
  around: Around,
): Promise<Map<Planned, Written>> {
  const { session, order } = work;
  const left = new Set<Planned>();
  const refused = new Map<Planned, UndoConflict>();
  for (let round = 0; round < UNDO_ROUNDS_MAX; round += 1) {
    for (const one of planned) {
      if (one.kind === 'keyed') {
        await decide(session, one.net, order.decisions);
        if (one.way !== null && (await findInTheWay(session, one.net, one.way)) > 0)
          await decide(session, one.net, order.decisions);
      } else if (await isBagLeft(work, one)) left.add(one);
    }
    await session.query('savepoint hf_write');
    const now = planned.filter((one) => !left.has(one));
    const tried = await (order.mode === 'preview'
      ? look(work, now, around)
      : write(work, now, around));
    if (tried.kind === 'written') {
      await session.query('release savepoint hf_write');
      for (const conflict of refused.values()) addConflict(work.gathered, conflict);
      return tried.rows;
    }
    await session.query('rollback to savepoint hf_write; release savepoint hf_write');
    if (tried.kind === 'refused') {
      left.add(tried.by);
      const { shown } = tried.by.table;
      const choice = decisionFor(order.decisions, shown, null);
      refused.set(
        tried.by,
        tableConflict('server', shown, tried.about, choice === 'ours' ? null : choice),
      );
    } else {
      for (const { net, found } of tried.found) await enter(session, net, found);
    }
  }
  throw new HoldfastError('HF_UNDO_STATE', {
    expected: `foreign keys to hold after ${UNDO_ROUNDS_MAX} rounds of leaving rows out`,
    found: 'more rows that hang on each other',
    hint: 'Nothing was changed. Undo table by table (--table).',
  });
}

async function isBagLeft({ session, order }: RowsWork, one: Planned): Promise<boolean> {
  if (one.kind === 'keyed') return false;
  const { total } = await bagConflicts(session, one.bag, null);
  return total > 0 && decisionFor(order.decisions, one.table.shown, null) !== 'ours';
}

type Tried =
  | { readonly kind: 'written'; readonly rows: Map<Planned, Written> }
  | {
      readonly kind: 'found';
      readonly found: readonly { readonly net: Net; readonly found: readonly Violation[] }[];
    }
  | { readonly kind: 'refused'; readonly by: Planned; readonly about: string };

/** What one round of writing carries along. */
interface Writing {
  readonly session: TargetSession;
  /** Parents first. */
  readonly ordered: readonly Planned[];
  readonly around: Around;
  readonly say: (sql: string) => void;
  readonly counts: Map<Planned, { inserted: number; updated: number; deleted: number }>;
  readonly planned: Map<Planned, PlannedRows>;
  /** Whose rows the server was at when it refused. */
  at: Planned | null;
}

/** `ordered`: parents first. */
async function write(
  { session, gathered }: RowsWork,
  ordered: readonly Planned[],
  around: Around,
): Promise<Tried> {
  const { isQuiet, keys, tell } = around;
  const mark = gathered.sql.length;
  const writing: Writing = {
    session,
    ordered,
    around,
    say: (sql) => void gathered.sql.push(sql),
    counts: new Map(ordered.map((one) => [one, { inserted: 0, updated: 0, deleted: 0 }])),
    planned: new Map(),
    at: null,
  };
  const tried = async (): Promise<Tried> => {
    await session.query(
      isQuiet ? 'set local session_replication_role = replica' : 'set constraints all deferred',
    );
    const blocked = await takeOut(writing);
    if (blocked !== null) return blocked;
    await putBack(writing);
    // What waits for the commit would run as the admin then.
    await session.query('set constraints all immediate');
    if (isQuiet) await session.query('set local session_replication_role = origin');
    tell('checking', 0);
    const locked = new Set(ordered.map(({ table }) => table.oid));
    const refused = await checkBags(session, ordered, keys, locked);
    if (refused !== null) return refused;
    const found = await checkAll(session, ordered, keys, locked);
    return found.length > 0 ? { kind: 'found', found } : { kind: 'written', rows: writing.counts };
  };
  try {
    const outcome = await tried();
    if (outcome.kind !== 'written') gathered.sql.length = mark;
    return outcome;
  } catch (error) {
    gathered.sql.length = mark;
    const isRows = error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '');
    if (writing.at === null || !isRows) throw error;
    const detail = error.detail === undefined ? '' : ` ${error.detail}`;
    const about = `The server refused its rows: ${error.message}.${detail}`;
    return { kind: 'refused', by: writing.at, about };
  }
}

/** Children first: what is in the way, and what was inserted. Null: it may go on. */
async function takeOut(writing: Writing): Promise<Tried | null> {
  const { session, ordered, say } = writing;
  const { isQuiet, keys } = writing.around;
  for (const one of ordered.toReversed()) {
    writing.at = one;
    const count = writing.counts.get(one);
    if (count === undefined || one.kind === 'keyless') continue;
    if (!isQuiet) {
      const found: Violation[] = [];
      for (const key of keys) {
        if (key.parent !== one.table.oid) continue;
        found.push(...(await dependents(session, one.net, key, 'before')));
      }
      if (found.length > 0) return { kind: 'found', found: [{ net: one.net, found }] };
    }
    await clearWay(session, one.net, one.way?.table ?? null, say);
    const planned = await plannedRows(session, one.net);
    writing.planned.set(one, planned);
    count.deleted = await removeRows(session, one.net, { planned, isQuiet, say });
  }
  return null;
}

/** Parents first: what was changed, and what was deleted. */
async function putBack(writing: Writing): Promise<void> {
  const { session, ordered, say } = writing;
  const { isQuiet, tell } = writing.around;
  for (const one of ordered) {
    writing.at = one;
    const count = writing.counts.get(one);
    const planned = writing.planned.get(one);
    if (count === undefined) continue;
    if (one.kind === 'keyless') Object.assign(count, await writeBag(session, one.bag, say));
    else if (planned !== undefined) {
      const options = { planned, isQuiet, say };
      count.updated = await changeRows(session, one.net, options);
      count.inserted = await insertRows(session, one.net, options);
    }
    tell('writing', count.inserted + count.updated + count.deleted);
  }
}

async function checkBags(
  session: TargetSession,
  ordered: readonly Planned[],
  keys: readonly ForeignKey[],
  locked: ReadonlySet<number>,
): Promise<Tried | null> {
  for (const by of ordered) {
    if (by.kind === 'keyed') continue;
    for (const key of keys) {
      const about = await bagViolation(session, by.bag, key, locked);
      if (about !== null) return { kind: 'refused', by, about };
    }
  }
  return null;
}

/** A preview's round: what would be written and what foreign keys would say, from the plans alone. */
async function look(
  { session, gathered }: RowsWork,
  ordered: readonly Planned[],
  { keys }: Around,
): Promise<Tried> {
  const nets = new Map(
    ordered.flatMap((one) => (one.kind === 'keyed' ? [[one.table.oid, one.net]] : [])),
  );
  const keyless = new Set(ordered.flatMap((one) => (one.kind === 'keyed' ? [] : [one.table.oid])));
  const all: { net: Net; found: readonly Violation[] }[] = [];
  for (const [oid, net] of nets) {
    const found: Violation[] = [];
    for (const key of keys) {
      // Rows of a table without a key cannot be told apart ahead: applying finds out.
      if (key.child === oid && !keyless.has(key.parent)) {
        found.push(...(await orphansAhead(session, net, key, nets.get(key.parent) ?? null)));
      }
      if (key.parent === oid && !keyless.has(key.child)) {
        found.push(...(await dependentsAhead(session, net, key, nets.get(key.child) ?? null)));
      }
    }
    if (found.length > 0) all.push({ net, found });
  }
  if (all.length > 0) return { kind: 'found', found: all };
  const rows = new Map<Planned, Written>();
  const say = (sql: string): void => void gathered.sql.push(sql);
  for (const one of ordered) {
    const count =
      one.kind === 'keyed' ? lookAtWrites(session, one.net, say) : lookAtBag(session, one.bag);
    rows.set(one, await count);
  }
  return { kind: 'written', rows };
}

async function checkAll(
  session: TargetSession,
  ordered: readonly Planned[],
  keys: readonly ForeignKey[],
  locked: ReadonlySet<number>,
): Promise<{ net: Net; found: readonly Violation[] }[]> {
  const all: { net: Net; found: readonly Violation[] }[] = [];
  for (const one of ordered) {
    if (one.kind === 'keyless') continue;
    const { net, table } = one;
    const found: Violation[] = [];
    for (const key of keys) {
      if (key.child === table.oid) found.push(...(await orphans(session, net, key, locked)));
      if (key.parent === table.oid) found.push(...(await dependents(session, net, key, 'after')));
    }
    if (found.length > 0) all.push({ net, found });
  }
  return all;
}

/** What a check found, into the plan: the next round leaves it out. */
async function enter(session: TargetSession, { plan: into }: Net, found: readonly Violation[]) {
  await session.query(
    `update ${into} p set conflict = v.kind, about = v.about, choice = null
       from unnest($1::text[], $2::text[], $3::text[], $4::text[]) v(kind, b, a, about)
      where p.b is not distinct from v.b::tid and p.a is not distinct from v.a::tid`,
    [
      found.map(({ kind }) => kind),
      found.map(({ b }) => b),
      found.map(({ a }) => a),
      found.map(({ about }) => about),
    ],
  );
}
