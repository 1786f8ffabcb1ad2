/** Undo: what passed and can still be taken back. */
import { z } from 'zod';
import { CHOICES, CONFLICT_KINDS } from '../../protection/undo/undo-report.ts';
import { PROPOSAL } from './proposals.ts';
import { ID, NAME, PAGE_QUERY, pageOf, route, WHEN } from './route.ts';
import { WORD_OR_PROOF } from './word.ts';

const UNDO_STATES = ['kept', 'undone', 'purging', 'purged'] as const;
const JOURNAL_OPS = ['D', 'U', 'I', 'T', 'X'] as const;

const UNDO_ITEM = z.object({
  id: z.string(),
  target: z.string(),
  state: z.enum(UNDO_STATES),
  at: WHEN,
  role: z.string(),
  agent: z.string().nullable(),
  /** The client's own word. */
  application: z.string(),
  /** What of which table: delete, update, insert, truncate, or an act on structure. */
  parts: z.array(z.object({ op: z.enum(JOURNAL_OPS), name: z.string(), rows: z.number().int() })),
  rows: z.number().int(),
  undoOf: z.string().nullable(),
  /** For an act at a provider. */
  provider: z
    .object({ name: z.string(), happened: z.enum(['done', 'failed', 'unknown']) })
    .nullable(),
  /** Of watched time, until its data may go; null: it is gone. */
  leftMs: z.number().nullable(),
});

const UNDO_SHOWN = UNDO_ITEM.extend({
  acts: z.array(z.object({ statement: z.string(), undo: z.array(z.string()) })),
});

const ROW = z.record(z.string(), z.string().nullable()).nullable();

const UNDO_REPORT = z.object({
  items: z.array(z.string()),
  tables: z.array(
    z.object({
      table: z.string(),
      insertedBack: z.number().int(),
      changedBack: z.number().int(),
      removedAgain: z.number().int(),
      already: z.number().int(),
      leftOut: z.number().int(),
    }),
  ),
  acts: z.array(z.object({ about: z.string(), statement: z.string(), steps: z.array(z.string()) })),
  conflicts: z.array(
    z.object({
      kind: z.enum(CONFLICT_KINDS),
      table: z.string(),
      key: z.string().nullable(),
      about: z.string(),
      kept: ROW,
      now: ROW,
      choice: z.enum(CHOICES).nullable(),
      choices: z.array(z.enum(CHOICES)),
    }),
  ),
  conflictsTotal: z.number().int(),
  undecided: z.number().int(),
  notes: z.array(z.string()),
  sql: z.array(z.string()),
  isWhole: z.boolean(),
});

/** Made up by whoever asks, so that nobody else can guess it. */
const WATCH = z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits');

const IDS = z.array(z.string().min(1).max(64)).max(500);

const SELECTION = {
  ids: IDS.default([]),
  target: NAME.optional(),
  agent: NAME.optional(),
  role: NAME.optional(),
  since: WHEN.optional(),
  until: WHEN.optional(),
};

const WISH = {
  ...SELECTION,
  /** Only these tables; null: all. */
  tables: z.array(NAME).max(500).nullable().default(null),
  /** Only this row; with `tables`. */
  key: z
    .array(z.strictObject({ name: NAME, value: z.string().max(2_000) }))
    .max(32)
    .default([]),
  decisions: z
    .array(
      z.strictObject({
        table: NAME.nullable().default(null),
        key: z.string().max(2_000).nullable().default(null),
        choice: z.enum(CHOICES),
      }),
    )
    .max(1_000)
    .default([]),
};

export const UNDO_ROUTES = {
  'undo.list': route({
    method: 'GET',
    path: '/v1/undo',
    access: 'undo.read',
    summary: 'List what can be taken back, newest first',
    query: z.strictObject({
      ...PAGE_QUERY,
      /** `open`: kept or purging. */
      state: z.enum(['open', 'all']).default('open'),
      target: NAME.optional(),
      agent: NAME.optional(),
      role: NAME.optional(),
      since: WHEN.optional(),
      until: WHEN.optional(),
    }),
    /** `away`: targets that could not be drained now, so what is newest there may be missing. */
    answer: pageOf(UNDO_ITEM).extend({ away: z.array(z.string()) }),
  }),
  'undo.vault': route({
    method: 'GET',
    path: '/v1/undo/vault',
    access: 'undo.read',
    summary: 'Say how full the vault of undo data is',
    answer: z.object({
      bytes: z.number(),
      /** Null: its disk is not ours to see. */
      freeBytes: z.number().nullable(),
      freeBytesMin: z.number(),
      kept: z.array(
        z.object({
          target: z.string(),
          items: z.number().int(),
          oldestAt: WHEN,
          nextPurgeMs: z.number(),
        }),
      ),
    }),
  }),
  'undo.show': route({
    method: 'GET',
    path: '/v1/undo/:id',
    access: 'undo.read',
    summary: 'Show one item: who, when, and what of which table',
    params: ID,
    answer: UNDO_SHOWN,
  }),
  'undo.preview': route({
    method: 'POST',
    path: '/v1/undo/preview',
    access: 'undo.read',
    summary: 'Say what applying would do: rows by table, conflicts, the SQL; nothing is changed',
    body: z.strictObject(WISH),
    answer: UNDO_REPORT,
  }),
  'undo.apply': route({
    method: 'POST',
    path: '/v1/undo/apply',
    access: 'undo.apply',
    summary: 'Take it back, in one transaction',
    /** `watch`: what whoever asks calls it, to see how far it is meanwhile. */
    body: z.strictObject({ ...WISH, ...WORD_OR_PROOF, watch: WATCH.optional() }),
    /** `applied: false`: conflicts are not decided, and nothing was changed. */
    answer: z.object({ applied: z.boolean(), report: UNDO_REPORT }),
  }),
  'undo.progress': route({
    method: 'GET',
    path: '/v1/undo/progress/:watch',
    access: 'undo.apply',
    summary: 'Say how far an undo is that this gateway is applying',
    params: z.strictObject({ watch: WATCH }),
    /** Null: it has not begun, it is over, or another gateway does it. */
    answer: z.object({
      progress: z
        .object({
          phase: z.enum(['reading', 'comparing', 'writing', 'checking']),
          rows: z.number(),
          rowsTotal: z.number(),
        })
        .nullable(),
    }),
  }),
  'undo.extend': route({
    method: 'POST',
    path: '/v1/undo/extend',
    access: 'undo.apply',
    summary: 'Keep items longer',
    body: z.strictObject({
      ...WORD_OR_PROOF,
      ids: IDS.min(1),
      byMs: z
        .number()
        .int()
        .min(60_000)
        .max(365 * 24 * 3_600_000),
    }),
    answer: z.object({ extended: z.number().int() }),
  }),
  'undo.purge': route({
    method: 'POST',
    path: '/v1/undo/purge',
    access: 'proposals.open',
    summary: 'Propose that undo data goes before its time; several people have to sign',
    body: z.strictObject(SELECTION),
    answer: PROPOSAL,
  }),
  'undo.cancel-purge': route({
    method: 'POST',
    path: '/v1/undo/cancel-purge',
    access: 'undo.apply',
    summary: 'Take back a purge that is pending',
    body: z.strictObject({ ...WORD_OR_PROOF, ids: IDS.min(1) }),
    answer: z.object({ cancelled: z.number().int() }),
  }),
} as const;
