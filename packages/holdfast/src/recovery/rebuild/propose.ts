/**
 * From sources to a proposal, in this order: keep and hash every file, read it, interpret its records by
 * the mapping, link them to rows, merge what they say, look what the restored database has already.
 *
 * It writes nothing but the kept copies. It will not: propose to change or delete a row that is there.
 */

import { assemble } from './assemble.ts';
import { CAPTURED, type CapturedState, capturedStates } from './captured.ts';
import type { CapturedRows } from './captured-rows.ts';
import { existingRows } from './existing.ts';
import { type Interpreted, interpret } from './interpret.ts';
import { link } from './link.ts';
import type { Mapping } from './mapping/mapping.ts';
import { type MergedReason, type MergedRow, merge } from './merge.ts';
import { namedBy, type Unclear } from './named-by.ts';
import type { Proposal, SourceSummary } from './proposal.ts';
import { type ReadSource, readSources, type SourceInput } from './read-sources.ts';
import type { Asked } from './table-facts.ts';
import { fit, tableFacts } from './table-facts.ts';

export interface ProposeOptions {
  /** The target's name, and a session in the restored copy: its settings as TargetDatabase promises them. */
  readonly target: string;
  readonly scratch: Asked;
  readonly mapping: Mapping;
  readonly sources: readonly SourceInput[];
  /** What Holdfast captured since the restored state; null: nothing was. */
  readonly captured: CapturedRows | null;
  /** Folder of the kept copies. */
  readonly copies: string;
}

/** Rejects with HF_REBUILD_MAPPING where mapping and table do not fit, with HF_REBUILD_SOURCE for a file. */
export async function propose(options: ProposeOptions): Promise<Proposal> {
  const { captured, copies, mapping, scratch, target } = options;
  fit(mapping, await tableFacts(scratch, mapping.schema, mapping.table));
  const read = await readSources(options.sources, mapping, copies);
  const outside = read.map((one) => ({ one, said: interpreted(one, mapping) }));
  const states =
    captured === null
      ? []
      : await capturedStates(captured.of(mapping.schema, mapping.table), mapping);
  const said = [...states.map(({ record }) => record), ...outside.flatMap((each) => each.said)];
  const { entities, loose } = link(said, mapping);
  const unread = read.flatMap((one) => one.unread);
  const named = namedBy([...unread, ...unclearIds(said)], entities);
  const deleted = new Map(states.filter(({ isDeleted }) => isDeleted).map((one) => [one.key, one]));
  const rows = [...entities.values()].map((entity): MergedRow => {
    const row = merge(entity, mapping);
    const places = named.get(entity.key) ?? [];
    return { ...row, reasons: [...row.reasons, ...further(places, deleted.get(entity.key))] };
  });
  const columns = mapping.columns.map(({ name }) => name);
  const keys = rows.map(({ key }) => key);
  return assemble({
    target,
    mapping,
    rows,
    existing: await existingRows(scratch, mapping, columns, keys),
    unread,
    loose: loose.map(({ record, why }) => ({ by: record.by, why })),
    sources: [
      ...outside.map(({ one, said: own }) => summaryOf(one, own.length)),
      ...(captured === null ? [] : [capturedSummary(states.length)]),
    ],
  });
}

function interpreted({ records }: ReadSource, mapping: Mapping): readonly Interpreted[] {
  return records.flatMap((record) => interpret(record, mapping) ?? []);
}

/** Records whose ids could not be told, such as one that names two rows: each of those is uncertain. */
function unclearIds(said: readonly Interpreted[]): readonly Unclear[] {
  return said
    .filter(({ unreadText }) => unreadText !== '')
    .map(({ by, unreadText }) => ({ by, text: unreadText }));
}

function* further(
  named: readonly MergedReason['by'][number][],
  deleted: CapturedState | undefined,
): Iterable<MergedReason> {
  if (named.length > 0) {
    yield {
      code: 'named-by-unread',
      says: 'a record that could not be read names it',
      blocks: 'conflict',
      by: named,
    };
  }
  if (deleted !== undefined) {
    yield {
      code: 'captured-delete',
      says: 'the last that was captured of it is that it was deleted',
      blocks: 'conflict',
      by: [deleted.record.by],
    };
  }
}

function summaryOf({ file, records, unread }: ReadSource, counted: number): SourceSummary {
  const { bytes, kind, sha256, source } = file;
  return {
    source,
    kind,
    file: file.file,
    sha256,
    bytes: bytes.length,
    records: records.length,
    unread: unread.length,
    ignored: records.length - counted,
  };
}

function capturedSummary(records: number): SourceSummary {
  const none = { sha256: '', bytes: 0, unread: 0, ignored: 0 };
  return { source: CAPTURED, kind: 'captured', file: 'undo items', records, ...none };
}
