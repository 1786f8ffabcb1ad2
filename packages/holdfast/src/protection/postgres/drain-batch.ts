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
import { type JournalRow, journalCopy, journalRows } from './journal-rows.ts';
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
/** As many seqs are named in the text of a COPY; a transaction may have a million. */
const NAMED_MAX = 20_000;
/** Facts of one transaction that wait to be hashed: few calls, and no text without end. */
const FACTS_CHARS_MAX = 64 * 1024;
/** Capture tables emptied by one statement. */
const PRUNED_TABLES_MAX = 50;
const UNDO_WORD = /^holdfast undo (undo_[0-9a-z]{16})(?: \+\d+)?(?: run_[0-9a-z]{16})?$/;

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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Draft {
  readonly first: JournalRow;
  readonly entries: Mutable<UndoEntry>[];
  readonly hash: Hash;
  /** Not hashed yet. */
  facts: string;
}

/** What the statements of one capture table are. */
type SeqsOfShape = Map<string, string[]>;

interface Read {
  readonly drafts: Map<string, Draft>;
  readonly seqs: string[];
  readonly txidOfSeq: Map<number, string>;
  readonly seqsOfShape: SeqsOfShape;
  /** To be given their shape once all shapes are known. */
  readonly shaped: { readonly entry: Mutable<UndoEntry>; readonly shapeId: string }[];
}

/** Null: nothing is waiting. */
export async function readBatch(
  session: TargetSession,
  agentOf: AgentOfRole,
): Promise<DrainBatch | null> {
  const read: Read = {
    drafts: new Map(),
    seqs: [],
    txidOfSeq: new Map(),
    seqsOfShape: new Map(),
    shaped: [],
  };
  for await (const rows of journalRows(session.copyOut(journalCopy(DRAIN_STATEMENTS_MAX)))) {
    for (const row of rows) addRow(read, row);
  }
  const { drafts, seqs, txidOfSeq, seqsOfShape } = read;
  if (seqs.length === 0) return null;
  const shapes = await shapesOf(session, [...seqsOfShape.keys()]);
  for (const { entry, shapeId } of read.shaped) entry.shape = shapes.get(shapeId) ?? null;
  const txids = [...drafts.keys()];
  return {
    items: await Promise.all([...drafts].map(([txid, draft]) => itemOf(txid, draft, agentOf))),
    shapes: [...shapes.values()],
    seqs,
    isAll: seqs.length < DRAIN_STATEMENTS_MAX,
    rows: async function* () {
      for (const [id, { shapeId }] of shapes) {
        const copy = copyOf(shapeId, seqsOfShape.get(id) ?? [], txids);
        yield* splitRows(shapeId, txidOfSeq, session.copyOut(copy));
      }
    },
  };
}

async function shapesOf(
  session: TargetSession,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TableShape>> {
  const known = new Map<string, TableShape>();
  if (ids.length === 0) return known;
  for (const row of await session.query(SHAPES, [ids])) {
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
  const lost = ids.filter((id) => !known.has(id));
  // Without its shape nobody can read the rows: they stay where they are, and it is said aloud.
  if (lost.length > 0) throw new Error(`${SCHEMA}.shapes has no row for shape ${lost.join(', ')}`);
  return known;
}

function addRow(read: Read, row: JournalRow): void {
  const { seq, txid, shapeId, op } = row;
  read.seqs.push(seq);
  read.txidOfSeq.set(Number(seq), txid);
  let draft = read.drafts.get(txid);
  if (draft === undefined) {
    draft = { first: row, entries: [], hash: createHash('sha256'), facts: '' };
    read.drafts.set(txid, draft);
  }
  const facts = [seq, txid, row.moment, row.role, row.pid, shapeId, op, row.rows];
  draft.facts += `${JSON.stringify(facts)}\n`;
  if (draft.facts.length > FACTS_CHARS_MAX) {
    draft.hash.update(draft.facts);
    draft.facts = '';
  }
  const entry = {
    seq: BigInt(seq),
    op,
    rows: Number(row.rows ?? 0),
    shape: null,
    act: op === 'X' ? parseActRecord(JSON.parse(row.detail ?? 'null')) : null,
  };
  draft.entries.push(entry);
  if (shapeId === null) return;
  read.shaped.push({ entry, shapeId });
  const named = read.seqsOfShape.get(shapeId);
  if (named === undefined) read.seqsOfShape.set(shapeId, [seq]);
  else named.push(seq);
}

async function itemOf(
  txid: string,
  { first, entries, hash, facts }: Draft,
  agentOf: AgentOfRole,
): Promise<DrainedItem> {
  const agent = await agentOf(first.role);
  return {
    txid,
    fingerprint: hash.update(facts).digest('hex'),
    at: new Date(first.atMs),
    role: first.role,
    agentId: agent?.id ?? null,
    agentName: agent?.name ?? null,
    application: first.application,
    undoOf: first.isOurs ? (UNDO_WORD.exec(first.application)?.[1] ?? null) : null,
    entries,
  };
}

/** Seqs and txids are digits, as parsed; COPY takes no parameters. */
function copyOf(shapeId: bigint, seqs: readonly string[], txids: readonly string[]): string {
  const wanted =
    seqs.length <= NAMED_MAX
      ? `any ('{${seqs.join(',')}}'::bigint[])`
      : `any (select j.seq from ${S}.journal j where j.txid = any ('{${txids.join(',')}}'::xid8[]))`;
  return `copy (select c.* from ${S}.${ident(`c${shapeId}`)} c where c.seq = ${wanted}) to stdout`;
}

/**
 * By seq, not by txid: a target that was loaded from a dump may give a txid out that its journal
 * already has, and that statement has not been read.
 */
export async function pruneBatch(session: TargetSession, batch: DrainBatch): Promise<void> {
  const tables = batch.shapes.map(({ shapeId }) => `${S}.${ident(`c${shapeId}`)}`);
  const gone = (table: string): string => `delete from ${table} where seq = any ($1::bigint[])`;
  for (let at = 0; at < batch.seqs.length; at += DRAIN_STATEMENTS_MAX) {
    const seqs = `{${batch.seqs.slice(at, at + DRAIN_STATEMENTS_MAX).join(',')}}`;
    for (let from = 0; from < tables.length; from += PRUNED_TABLES_MAX) {
      const [last = '', ...others] = tables.slice(from, from + PRUNED_TABLES_MAX);
      const first = others.map((table, place) => `g${place} as (${gone(table)})`).join(', ');
      await session.query(first === '' ? gone(last) : `with ${first} ${gone(last)}`, [seqs]);
    }
    await session.query(gone(`${S}.journal`), [seqs]);
  }
}
