/**
 * Gap rebuilds over the API. What it hands out is production data and text of strangers, to people who may
 * see the undo list; values are as people read them, and snippets come with what does not show written out.
 */
import type { z } from 'zod';
import type { Proposals } from '../../approvals/proposals.ts';
import { HoldfastError } from '../../model/errors.ts';
import type { Target } from '../../model/target.ts';
import { promotionOf } from '../../recovery/rebuild/promotion.ts';
import {
  type Cell,
  type Choice,
  MONEY_REASONS,
  type Proposal,
  type ProposedRow,
  type Review,
  type RowState,
} from '../../recovery/rebuild/proposal.ts';
import type { Rebuild, Rebuilds, Standing } from '../../recovery/rebuild/rebuilds.ts';
import { overriddenBy } from '../../recovery/rebuild/review.ts';
import type { Value } from '../../recovery/rebuild/values/reading.ts';
import { plainOf } from '../../recovery/rebuild/values/value.ts';
import type { REBUILD_ROUTES } from '../contract/rebuilds.ts';
import { indexIn, indexText, pageOf, placeIn } from '../cursor.ts';
import type { Handlers } from '../handler.ts';
import { type People, signedOf } from '../word.ts';
import { proposalView } from './proposals.ts';

export interface RebuildRouteParts {
  readonly rebuilds: Rebuilds;
  readonly proposals: Proposals;
  readonly people: People;
  readonly targetOf: (name: string) => Target;
}

type Shown = z.input<(typeof REBUILD_ROUTES)['rebuilds.show']['answer']>;
type Line = z.input<(typeof REBUILD_ROUTES)['rebuilds.list']['answer']>['items'][number];
type RowView = z.input<(typeof REBUILD_ROUTES)['rebuilds.rows']['answer']>['items'][number];
type RowShown = z.input<(typeof REBUILD_ROUTES)['rebuilds.row']['answer']>;
type RecordView = RowShown['cells'][number]['options'][number]['records'][number];

/** Of one candidate: a hundred mails may say the same. */
const RECORDS_SHOWN_MAX = 5;
const OVERRIDES_SHOWN_MAX = 1_000;

export function rebuildRoutes(parts: RebuildRouteParts): Handlers<typeof REBUILD_ROUTES> {
  const { people, proposals, rebuilds, targetOf } = parts;
  return {
    'rebuilds.list': async ({ query: { cursor, limit } }) => {
      const found = await rebuilds.list({ limit: limit + 1, after: placeIn(cursor) });
      return pageOf(found, limit, lineView, ({ at, id }) => ({ at, id }));
    },
    'rebuilds.show': async ({ params }) => shownView(await rebuilds.show(params.id)),
    'rebuilds.rows': async ({ params, query: { cursor, limit, state, was } }) => {
      const { first, proposal } = await rebuilds.show(params.id);
      // A choice leaves each row in its place.
      const before = (row: ProposedRow, at: number): RowState => first.rows[at]?.state ?? row.state;
      const fits = (row: ProposedRow, at: number): boolean =>
        (state === undefined || row.state === state) &&
        (was === undefined || before(row, at) === was);
      return paged(proposal.rows, fits, cursor, limit, (row, at) =>
        rowView(row, before(row, at), proposal),
      );
    },
    'rebuilds.row': async ({ params, query: { key } }) => {
      const standing = await rebuilds.show(params.id);
      const row = standing.proposal.rows.find((one) => one.key === key);
      if (row === undefined) throw noRow(key);
      return rowShown(row, standing);
    },
    'rebuilds.records': async ({ params, query: { cursor, limit, which } }) => {
      const { proposal } = await rebuilds.show(params.id);
      const all = which === 'loose' ? proposal.loose : proposal.unreadable;
      return paged(
        all,
        () => true,
        cursor,
        limit,
        ({ record, why }) => ({ ...recordView(proposal, record), why }),
      );
    },
    'rebuilds.decide': async ({ body, params, principal }) => {
      const signed = await signedOf(principal, body, 'undo.apply', people);
      return shownView(await rebuilds.decide(params.id, body.decisions, body.seen, signed));
    },
    'rebuilds.promote': async ({ params }) => {
      const standing = await rebuilds.show(params.id);
      const act = promotionOf(standing, targetOf(standing.rebuild.target));
      return proposalView(await proposals.open(act));
    },
  };
}

/** The cursor is a place in the whole list, which never changes: so nothing is left out, or comes twice. */
function paged<Item, View>(
  all: readonly Item[],
  fits: (item: Item, at: number) => boolean,
  cursor: string | undefined,
  limit: number,
  view: (item: Item, at: number) => View,
): { items: View[]; next: string | null } {
  const items: View[] = [];
  for (let at = Number(indexIn(cursor) ?? 0n); at < all.length; at += 1) {
    const item = all[at];
    if (item === undefined || !fits(item, at)) continue;
    if (items.length === limit) return { items, next: indexText(BigInt(at)) };
    items.push(view(item, at));
  }
  return { items, next: null };
}

function lineView({ at, by, facts, id, target }: Rebuild): Line {
  return {
    ...{ id, target, by, table: `${facts.schema}.${facts.table}` },
    at: at.toISOString(),
    copyAt: facts.at,
    copyAsOf: facts.asOf,
    counts: facts.counts,
  };
}

function shownView(standing: Standing): Shown {
  const { batches, cutOff, digest, first, plan, proposal, rebuild } = standing;
  return {
    ...lineView(rebuild),
    countsNow: plan.counts,
    conflicts: progressOf(first, proposal, 'CONFLICT'),
    incomplete: progressOf(first, proposal, 'INCOMPLETE'),
    digest,
    choices: proposal.reviews.length,
    sources: [...rebuild.facts.sources],
    columns: proposal.columns
      .filter(({ role }) => role === 'plain')
      .map(({ isRequired, kind, name }) => ({ name, kind, isRequired })),
    overrides: plan.overrides.slice(0, OVERRIDES_SHOWN_MAX),
    loose: proposal.loose.length,
    batches: batches.map(({ at, batch, by, inserted, place, skipped, takenBack }) => ({
      ...{ place, batch, inserted, skipped, by, at },
      takenBackAt: takenBack?.at ?? null,
      takenBackBy: takenBack?.by ?? null,
    })),
    cutOff: cutOff.map(({ place }) => place),
  };
}

function progressOf(
  first: Proposal,
  now: Proposal,
  was: RowState,
): { total: number; decided: number } {
  const progress = { total: 0, decided: 0 };
  for (const [at, { state }] of first.rows.entries()) {
    if (state !== was) continue;
    const stands = now.rows[at]?.state;
    progress.total += 1;
    if (stands !== 'CONFLICT' && stands !== 'INCOMPLETE') progress.decided += 1;
  }
  return progress;
}

function rowView(row: ProposedRow, was: RowState, proposal: Proposal): RowView {
  return {
    key: row.key,
    state: row.state,
    was,
    cells: row.cells.map((cell) => ({
      ...cellView(cell, proposal),
      options: cell.options.length,
    })),
    reasons: row.reasons.filter(({ accepted }) => accepted === null).map(({ says }) => says),
  };
}

function cellView(cell: Cell, { records }: Proposal) {
  const { column, options, state, value } = cell;
  const text = textOf(value);
  const saying = options.filter((one) => one.value !== null && textOf(one.value) === text);
  const names = saying.flatMap(({ by }) => by.flatMap((number) => records[number]?.source ?? []));
  return { column, state, value: text, sources: [...new Set(names)] };
}

function rowShown(row: ProposedRow, { first, proposal }: Standing): RowShown {
  const reviews = proposal.reviews.filter((one) => one.row === row.key);
  const columns = new Map(proposal.columns.map((one) => [one.name, one]));
  return {
    key: row.key,
    state: row.state,
    was: first.rows.find(({ key }) => key === row.key)?.state ?? row.state,
    leftOut: row.leftOut,
    choices: proposal.reviews.length,
    cells: row.cells.map((cell) => {
      const column = columns.get(cell.column);
      const wantsWhy = (value: Value | null): boolean =>
        column !== undefined && overriddenBy(cell, column, value) !== null;
      const there = row.existing?.find((one) => one.column === cell.column) ?? null;
      return {
        ...cellView(cell, proposal),
        chosen: chosenView(reviews, cell.column),
        existing: there === null ? null : { value: textOf(there.value), differs: there.differs },
        nothingWantsWhy: column?.isRequired === false ? wantsWhy(null) : null,
        options: cell.options.map((option, number) => ({
          option: number,
          value: textOf(option.value),
          unread: option.unread,
          kind: option.kind,
          isSuggested: option.isSuggested,
          wantsWhy: option.value !== null && wantsWhy(option.value),
          records: recordViews(proposal, option.by),
          recordsTotal: option.by.length,
        })),
      };
    }),
    reasons: row.reasons.map(({ accepted, by, code, says }) => ({
      ...{ code, says, accepted },
      wantsWhy: MONEY_REASONS.includes(code),
      records: recordViews(proposal, by),
    })),
  };
}

/** The last word on a cell. */
function chosenView(
  reviews: readonly Review[],
  column: string,
): RowShown['cells'][number]['chosen'] {
  const last = reviews.findLast(({ choice }) => 'column' in choice && choice.column === column);
  if (last === undefined) return null;
  const { at, choice, name } = last;
  return { by: name, at, how: HOW[choice.kind], why: ('why' in choice && choice.why) || null };
}

const HOW: Readonly<Record<Choice['kind'], string>> = {
  option: 'took what a source says',
  typed: 'typed it',
  nothing: 'said that there is nothing',
  accept: 'took a reason as looked at',
  'leave-out': 'left the row out',
  keep: 'kept the row',
};

function recordViews(proposal: Proposal, by: readonly number[]): RecordView[] {
  return by.slice(0, RECORDS_SHOWN_MAX).map((number) => recordView(proposal, number));
}

function recordView({ records }: Proposal, number: number): RecordView {
  const record = records[number];
  if (record === undefined) throw new Error('a record that is not in the proposal');
  const { file, kind, offset, record: at, snippet, source } = record;
  return { source, kind, file, record: at, offset, snippet };
}

function textOf(value: Value | null): string | null {
  return value === null ? null : plainOf(value);
}

function noRow(key: string): HoldfastError {
  return new HoldfastError('HF_NOT_FOUND', {
    expected: 'the key of a row of the rebuild',
    found: JSON.stringify(key.slice(0, 100)),
    hint: 'GET /v1/rebuilds/{id}/rows lists them.',
  });
}
