/**
 * One batch out of a target: whole transactions, oldest statements first, with the shapes they need and
 * a stream of their rows; all from the snapshot of the caller's REPEATABLE READ transaction. And its
 * removal there, of exactly the statements that were read, once the vault has them.
 *
 * What it will not do: believe an agent. Only a statement of our own login can say that it is an undo.
 */
import { createHash, type Hash } from 'node:crypto';
import { z } from 'zod';
import { DRAIN_STATEMENTS_MAX } from '../../model/limits.ts';
import { parseActRecord } from '../act-record.ts';
import type { TargetSession } from '../target-database.ts';
import type { TableShape, UndoEntry } from '../undo-item.ts';
import type { DrainedItem, RowChunk } from '../undo-store.ts';
import { ident, SCHEMA } from './layout.ts';
import { splitRows } from './row-splitter.ts';

export type AgentOfRole = (role: string) => AgentName | null | Promise<AgentName | null>;

interface AgentName {
  readonly id: string;
  readonly name: string;
}

export interface DrainBatch {
  readonly items: readonly DrainedItem[];
  readonly shapes: readonly TableShape[];
  readonly seqs: readonly string[];
  /** Nothing more was there in this snapshot. */
  readonly isAll: boolean;
  readonly rows: () => AsyncIterable<RowChunk>;
}

const S = ident(SCHEMA);
/** Journal rows held as the driver gives them, at a time; a transaction may have a million. */
const FETCH_ROWS = 5_000;
const UNDO_WORD = /^holdfast undo (undo_[0-9a-z]{16})(?: \+\d+)?(?: run_[0-9a-z]{16})?$/;

const JOURNAL = `
  declare holdfast_drain no scroll cursor for
  select j.seq::text, j.txid::text, j.at::text as moment,
    floor(extract(epoch from j.at) * 1000)::text as at_ms, j.role::text, j.pid::text,
    coalesce(j.application, '') as application, j.shape_id::text, j.op::text, j.rows::text, j.detail,
    j.role = session_user as is_ours
  from ${S}.journal j
  where j.txid in (
    select o.txid from (select txid from ${S}.journal order by seq limit ${DRAIN_STATEMENTS_MAX}) o)
  order by j.seq`;

const journalRow = z.object({
  seq: z.string(),
  txid: z.string().regex(/^\d+$/),
  moment: z.string(),
  at_ms: z.string().transform(Number),
  role: z.string(),
  pid: z.string().nullable(),
  application: z.string(),
  shape_id: z.string().regex(/^\d+$/).nullable(),
  op: z.enum(['D', 'U', 'I', 'T', 'X']),
  rows: z.string().nullable(),
  detail: z.unknown(),
  is_ours: z.boolean(),
});
type JournalRow = z.infer<typeof journalRow>;

const SHAPES = `
  select s.shape_id::text, s.table_oid::bigint::text as table_oid, s.schema_name::text,
    s.table_name::text, s.columns, to_jsonb(s.key) as key, exists (
      select from pg_attribute a
      where a.attrelid = to_regclass(format('%I.%I', '${SCHEMA}', 'c' || s.shape_id))
        and a.attname = 'whole' and not a.attisdropped) as is_whole
  from ${S}.shapes s where s.shape_id = any($1::bigint[])`;

const shapeRow = z.object({
  shape_id: z.string().transform(BigInt),
  table_oid: z.string().transform(Number),
  schema_name: z.string(),
  table_name: z.string(),
  columns: z.array(
    z.object({
      attnum: z.number(),
      name: z.string(),
      type: z.string(),
      kept: z.string(),
      generated: z.string(),
      identity: z.string(),
      notNull: z.boolean(),
    }),
  ),
  key: z.array(z.number()).nullable(),
  is_whole: z.boolean(),
});

interface Draft {
  readonly first: JournalRow;
  readonly entries: UndoEntry[];
  readonly hash: Hash;
}

/** Null: nothing is waiting. */
export async function readBatch(
  session: TargetSession,
  agentOf: AgentOfRole,
): Promise<DrainBatch | null> {
  const drafts = new Map<string, Draft>();
  const shapes = new Map<string, TableShape>();
  const txidOfSeq = new Map<number, string>();
  const seqs: string[] = [];
  await session.query(JOURNAL);
  for (;;) {
    const page = await session.query(`fetch ${FETCH_ROWS} from holdfast_drain`);
    const rows = page.map((row) => journalRow.parse(row));
    await addShapes(session, rows, shapes);
    for (const row of rows) {
      seqs.push(row.seq);
      txidOfSeq.set(Number(row.seq), row.txid);
      addEntry(drafts, row, shapes);
    }
    if (page.length < FETCH_ROWS) break;
  }
  await session.query('close holdfast_drain');
  if (seqs.length === 0) return null;
  const txids = [...drafts.keys()];
  return {
    items: await Promise.all([...drafts].map(([txid, draft]) => itemOf(txid, draft, agentOf))),
    shapes: [...shapes.values()],
    seqs,
    isAll: seqs.length < DRAIN_STATEMENTS_MAX,
    rows: async function* () {
      for (const { shapeId } of shapes.values()) {
        yield* splitRows(shapeId, txidOfSeq, session.copyOut(copyOf(shapeId, txids)));
      }
    },
  };
}

async function addShapes(
  session: TargetSession,
  rows: readonly JournalRow[],
  known: Map<string, TableShape>,
): Promise<void> {
  const ids = new Set(rows.flatMap(({ shape_id }) => (shape_id === null ? [] : [shape_id])));
  const missing = [...ids].filter((id) => !known.has(id));
  if (missing.length === 0) return;
  for (const row of await session.query(SHAPES, [missing])) {
    const one = shapeRow.parse(row);
    known.set(one.shape_id.toString(), {
      shapeId: one.shape_id,
      tableOid: one.table_oid,
      schema: one.schema_name,
      table: one.table_name,
      columns: one.columns,
      key: one.key ?? [],
      isWhole: one.is_whole,
    });
  }
  const lost = missing.filter((id) => !known.has(id));
  // Without its shape nobody can read the rows: they stay where they are, and it is said aloud.
  if (lost.length > 0) throw new Error(`${SCHEMA}.shapes has no row for shape ${lost.join(', ')}`);
}

function addEntry(
  drafts: Map<string, Draft>,
  row: JournalRow,
  shapes: ReadonlyMap<string, TableShape>,
): void {
  let draft = drafts.get(row.txid);
  if (draft === undefined) {
    draft = { first: row, entries: [], hash: createHash('sha256') };
    drafts.set(row.txid, draft);
  }
  const facts = [row.seq, row.txid, row.moment, row.role, row.pid, row.shape_id, row.op, row.rows];
  draft.hash.update(`${JSON.stringify(facts)}\n`);
  draft.entries.push({
    seq: BigInt(row.seq),
    op: row.op,
    rows: Number(row.rows ?? 0),
    shape: row.shape_id === null ? null : (shapes.get(row.shape_id) ?? null),
    act: row.op === 'X' ? parseActRecord(row.detail) : null,
  });
}

async function itemOf(
  txid: string,
  { first, entries, hash }: Draft,
  agentOf: AgentOfRole,
): Promise<DrainedItem> {
  const agent = await agentOf(first.role);
  return {
    txid,
    fingerprint: hash.digest('hex'),
    at: new Date(first.at_ms),
    role: first.role,
    agentId: agent?.id ?? null,
    agentName: agent?.name ?? null,
    application: first.application,
    undoOf: first.is_ours ? (UNDO_WORD.exec(first.application)?.[1] ?? null) : null,
    entries,
  };
}

/** Txids are digits, as parsed above; COPY takes no parameters. */
function copyOf(shapeId: bigint, txids: readonly string[]): string {
  return `copy (
    select c.* from ${S}.${ident(`c${shapeId}`)} c
    where c.seq in (
      select j.seq from ${S}.journal j where j.txid = any ('{${txids.join(',')}}'::xid8[]))
  ) to stdout`;
}

/**
 * By seq, not by txid: a target that was loaded from a dump may give a txid out that its journal
 * already has, and that statement has not been read.
 */
export async function pruneBatch(session: TargetSession, batch: DrainBatch): Promise<void> {
  for (let at = 0; at < batch.seqs.length; at += DRAIN_STATEMENTS_MAX) {
    const seqs = batch.seqs.slice(at, at + DRAIN_STATEMENTS_MAX);
    for (const { shapeId } of batch.shapes) {
      await session.query(
        `delete from ${S}.${ident(`c${shapeId}`)} where seq = any($1::bigint[])`,
        [seqs],
      );
    }
    await session.query(`delete from ${S}.journal where seq = any($1::bigint[])`, [seqs]);
  }
}
