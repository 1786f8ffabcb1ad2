/**
 * Captured rows out of the vault of undo data (`protection/undo-store.ts`): COPY text of typed columns
 * back into texts. Items that are left out (those of the attack that is being repaired) are the caller's
 * to name: a hostile DELETE is captured as faithfully as any other.
 */
import { HoldfastError } from '../../model/errors.ts';
import { REBUILD_RECORDS_MAX } from '../../model/limits.ts';
import { COPY_NULL, copyFieldOf } from '../../protection/postgres/copy-text.ts';
import type { TableShape, UndoItem } from '../../protection/undo-item.ts';
import type { UndoStore } from '../../protection/undo-store.ts';
import type { CapturedRow, CapturedRows } from './captured-rows.ts';

export interface CapturedUndoOptions {
  readonly store: UndoStore;
  readonly target: string;
  /** From the restored state on. */
  readonly since: Date;
  readonly until: Date | null;
  /** Ids of undo items that are not looked at. */
  readonly except: readonly string[];
}

const PAGE = 200;
const LINE_FEED = 0x0a;

export function capturedFrom(options: CapturedUndoOptions): CapturedRows {
  return { of: (schema, table) => rowsOf(options, schema, table) };
}

async function* rowsOf(
  options: CapturedUndoOptions,
  schema: string,
  table: string,
): AsyncIterable<CapturedRow> {
  let count = 0;
  for await (const { item, shapes } of itemsOf(options, schema, table)) {
    for (const shape of shapes) {
      if (shape.isWhole) throw whole(schema, table);
      for await (const row of rowsOfShape(options.store, item, shape)) {
        count += 1;
        if (count > REBUILD_RECORDS_MAX) throw tooMany(schema, table);
        yield row;
      }
    }
  }
}

interface ItemShapes {
  readonly item: UndoItem;
  /** Of the table that is asked for. */
  readonly shapes: readonly TableShape[];
}

/** Undone or not: what an item holds was so, and an undo is an item of its own. */
async function* itemsOf(
  options: CapturedUndoOptions,
  schema: string,
  table: string,
): AsyncIterable<ItemShapes> {
  const { except, since, store, target, until } = options;
  for (let after: string | null = null; ; ) {
    const page: readonly UndoItem[] = await store.list({
      target,
      since,
      ...(until === null ? {} : { until }),
      states: ['kept', 'undone', 'purging'],
      limit: PAGE,
      ...(after === null ? {} : { after }),
    });
    const wanted = page.filter(({ id }) => !except.includes(id));
    const entries = await store.entriesOf(wanted.map(({ id }) => id));
    for (const item of wanted) {
      const own = (entries.get(item.id) ?? []).flatMap(({ shape }) => shape ?? []);
      const shapes = own.filter((shape) => shape.schema === schema && shape.table === table);
      const distinct = new Map(shapes.map((shape) => [shape.shapeId, shape]));
      yield { item, shapes: [...distinct.values()] };
    }
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.id;
  }
}

async function* rowsOfShape(
  store: UndoStore,
  item: UndoItem,
  shape: TableShape,
): AsyncIterable<CapturedRow> {
  const names = shape.columns.map(({ name }) => name);
  for await (const { data } of store.chunks(item.id, shape.shapeId)) {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, at);
      const end = feed < 0 ? bytes.length : feed;
      yield rowOf(bytes.toString('utf8', at, end), names, item);
      at = end + 1;
    }
  }
}

function rowOf(line: string, names: readonly string[], item: UndoItem): CapturedRow {
  const [seq = '', , side, ...fields] = line.split('\t');
  if (!/^\d{1,19}$/.test(seq) || fields.length !== names.length || !/^[-+]$/.test(side ?? '')) {
    throw new Error(`captured rows of ${item.id} that are not as their shape says`);
  }
  const values = names.map((name, at) => [name, copyFieldOf(fields[at] ?? COPY_NULL)] as const);
  return {
    values: new Map(values),
    side: side === '+' ? 'after' : 'before',
    seq: BigInt(seq),
    txid: item.txid,
    at: item.at,
    role: item.role,
    item: item.id,
  };
}

function whole(schema: string, table: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `captured rows of ${schema}.${table} by column`,
    found: 'rows that were kept as one text each',
    hint: 'Rebuild without captured rows, or take the items back by `holdfast undo`.',
  });
}

function tooMany(schema: string, table: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_SOURCE', {
    expected: `at most ${REBUILD_RECORDS_MAX} captured rows of ${schema}.${table}`,
    found: 'more',
    hint: 'Take a shorter time, or leave out the items of the attack.',
  });
}
