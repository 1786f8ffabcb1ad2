/** Gap rebuilds: what is proposed to be put back, cell by cell, and what people choose. */
import { z } from 'zod';
import { REBUILD_CHOICES_AT_ONCE_MAX } from '../../model/limits.ts';
import { CELL_STATES, REASON_CODES, ROW_STATES } from '../../recovery/rebuild/proposal.ts';
import { CHOICE } from '../../recovery/rebuild/proposal-shape.ts';
import { SOURCE_KINDS } from '../../recovery/rebuild/source-record.ts';
import { VALUE_KINDS } from '../../recovery/rebuild/values/reading.ts';
import { PROPOSAL } from './proposals.ts';
import { ID, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { WORD_OR_PROOF } from './word.ts';

const COUNT = z.number().int();
const COUNTS = z.object({
  READY: COUNT,
  CONFLICT: COUNT,
  INCOMPLETE: COUNT,
  EXISTS: COUNT,
  LEFT_OUT: COUNT,
  UNREADABLE: COUNT,
});

const REBUILD_LINE = z.object({
  id: z.string(),
  target: z.string(),
  table: z.string(),
  at: WHEN,
  by: z.string(),
  /** The moment that the restored copy stands at. */
  copyAt: WHEN,
  /** The vault that the copy came from was read as it was then; null: as it was when it was restored. */
  copyAsOf: WHEN.nullable(),
  /** As it was proposed. */
  counts: COUNTS,
});

const BATCH = z.object({
  place: z.enum(['copy', 'live']),
  batch: z.string(),
  inserted: COUNT,
  skipped: COUNT,
  by: z.string(),
  at: WHEN,
  takenBackAt: WHEN.nullable(),
  takenBackBy: z.string().nullable(),
});

/** Of all rows, and how many of them nobody has to look at any more. */
const PROGRESS = z.object({ total: COUNT, decided: COUNT });

const REBUILD = REBUILD_LINE.extend({
  /** With every choice. */
  countsNow: COUNTS,
  conflicts: PROGRESS,
  incomplete: PROGRESS,
  /** Of the proposal with every choice: what is signed. Lower-case hex. */
  digest: z.string(),
  /** How many choices were made; `seen` of the next ones. */
  choices: COUNT,
  sources: z.array(
    z.object({
      source: z.string(),
      kind: z.string(),
      file: z.string(),
      sha256: z.string(),
      bytes: COUNT,
      records: COUNT,
      unread: COUNT,
    }),
  ),
  columns: z.array(
    z.object({ name: z.string(), kind: z.enum(VALUE_KINDS), isRequired: z.boolean() }),
  ),
  /** Money taken otherwise than a payment says, or that none backs. */
  overrides: z.array(
    z.object({
      row: z.string(),
      took: z.string(),
      against: z.string(),
      why: z.string(),
      name: z.string(),
    }),
  ),
  loose: COUNT,
  batches: z.array(BATCH),
  /** Places where putting in was begun, and nobody saw the end of it. */
  cutOff: z.array(z.enum(['copy', 'live'])),
});

const CHOSEN = z
  .object({ by: z.string(), at: WHEN, how: z.string(), why: z.string().nullable() })
  .nullable();

const CELL = z.object({
  column: z.string(),
  state: z.enum(CELL_STATES),
  /** As people read it; null: NULL, or the column's default. */
  value: z.string().nullable(),
  /** Names of the sources that say it. */
  sources: z.array(z.string()),
  options: COUNT,
});

const ROW = z.object({
  key: z.string(),
  state: z.enum(ROW_STATES),
  /** As it was proposed. */
  was: z.enum(ROW_STATES),
  cells: z.array(CELL),
  /** In words; those that a person took as looked at are not among them. */
  reasons: z.array(z.string()),
});

/** What a record says begins so: text of strangers, with what does not show written out. */
const RECORD = z.object({
  source: z.string(),
  kind: z.enum(SOURCE_KINDS),
  file: z.string(),
  record: COUNT,
  offset: COUNT,
  snippet: z.string(),
});

const OPTION = z.object({
  /** Its number in a choice. */
  option: COUNT,
  value: z.string().nullable(),
  /** Why it could not be read; null: it could. */
  unread: z.string().nullable(),
  kind: z.enum(SOURCE_KINDS),
  isSuggested: z.boolean(),
  /** It goes against a payment, or nothing backs it: a reason is wanted. */
  wantsWhy: z.boolean(),
  records: z.array(RECORD),
  recordsTotal: COUNT,
});

const ROW_SHOWN = ROW.omit({ cells: true, reasons: true }).extend({
  leftOut: z.string().nullable(),
  cells: z.array(
    CELL.omit({ options: true }).extend({
      options: z.array(OPTION),
      chosen: CHOSEN,
      /** What stands there already; null: the row is not there. */
      existing: z.object({ value: z.string().nullable(), differs: z.boolean() }).nullable(),
      /** Taking nothing wants a reason; null: nothing cannot be taken. */
      nothingWantsWhy: z.boolean().nullable(),
    }),
  ),
  reasons: z.array(
    z.object({
      code: z.enum(REASON_CODES),
      says: z.string(),
      accepted: z.string().nullable(),
      wantsWhy: z.boolean(),
      records: z.array(RECORD),
    }),
  ),
  /** Of the rebuild, when this was looked at. */
  choices: COUNT,
});

export const REBUILD_ROUTES = {
  'rebuilds.list': route({
    method: 'GET',
    path: '/v1/rebuilds',
    access: 'undo.read',
    summary: 'List gap rebuilds, newest first',
    query: z.strictObject(PAGE_QUERY),
    answer: pageOf(REBUILD_LINE),
  }),
  'rebuilds.show': route({
    method: 'GET',
    path: '/v1/rebuilds/:id',
    access: 'undo.read',
    summary: 'Show one rebuild: counts, sources, batches, what was overridden',
    params: ID,
    answer: REBUILD,
  }),
  'rebuilds.rows': route({
    method: 'GET',
    path: '/v1/rebuilds/:id/rows',
    access: 'undo.read',
    summary: 'List its rows by key, each cell with its value and where that is from',
    params: ID,
    query: z.strictObject({
      ...PAGE_QUERY,
      /** As they stand now; left out: all. */
      state: z.enum(ROW_STATES).optional(),
      /** As they were proposed: those that somebody decided since stay. */
      was: z.enum(ROW_STATES).optional(),
    }),
    answer: pageOf(ROW),
  }),
  'rebuilds.row': route({
    method: 'GET',
    path: '/v1/rebuilds/:id/row',
    access: 'undo.read',
    summary: 'Show one row: every candidate of each cell, with the records that say so',
    params: ID,
    query: z.strictObject({ key: z.string().min(1).max(2_000) }),
    answer: ROW_SHOWN,
  }),
  'rebuilds.records': route({
    method: 'GET',
    path: '/v1/rebuilds/:id/records',
    access: 'undo.read',
    summary: 'List records that could not be read, or that are of no row',
    params: ID,
    query: z.strictObject({ ...PAGE_QUERY, which: z.enum(['unreadable', 'loose']) }),
    answer: pageOf(RECORD.extend({ why: z.string() })),
  }),
  'rebuilds.decide': route({
    method: 'POST',
    path: '/v1/rebuilds/:id/decisions',
    access: 'undo.apply',
    summary: 'Choose in cells and rows: all of it or nothing',
    params: ID,
    body: z.strictObject({
      ...WORD_OR_PROOF,
      decisions: z
        .array(z.strictObject({ row: z.string().min(1).max(2_000), choice: CHOICE }))
        .min(1)
        .max(REBUILD_CHOICES_AT_ONCE_MAX),
      /** `choices` as they were seen; null: looked at just now. */
      seen: COUNT.min(0).nullable().default(null),
    }),
    answer: REBUILD,
  }),
  'rebuilds.promote': route({
    method: 'POST',
    path: '/v1/rebuilds/:id/promotion',
    access: 'proposals.open',
    summary: 'Propose that its rows go into the live database; several people have to sign',
    params: ID,
    answer: PROPOSAL,
  }),
} as const;
