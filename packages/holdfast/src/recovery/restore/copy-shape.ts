/**
 * A restored copy as plain data: what is wished, how far it is, what differs, what would be written back. The
 * same for the API, for a command, and on the counter between a command and the gateway. Names, keys and
 * definitions are strangers' text: whoever shows them makes them inert. Rows never stand in here.
 */
import { z } from 'zod';
import { TROUBLE } from '../trouble.ts';

const WHEN = z.iso.datetime();
const COUNT = z.number().int().nonnegative();

/** Names as PostgreSQL has them; longer ones are none. */
const NAME = z
  .string()
  .min(1)
  .max(63 * 4);
export const TABLE_SHAPE = z.strictObject({ schema: NAME, name: NAME });

export const TABLES_MAX = 500;
export const KEYS_MAX = 10_000;
const KEY_CHARS_MAX = 2_000;

/** What a person asks for; `point`: as it was when that point became whole; `newest`: all there is. */
export const WISH_SHAPE = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('at'), at: WHEN }),
  z.strictObject({
    kind: z.literal('lsn'),
    lsn: z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/),
  }),
  z.strictObject({ kind: z.literal('point'), id: z.string().min(1).max(200) }),
  z.strictObject({ kind: z.literal('newest') }),
]);
export type WishWords = z.output<typeof WISH_SHAPE>;

/** A key: one text for each column of the primary key, in its order. */
const KEY = z.array(z.string().max(KEY_CHARS_MAX)).min(1).max(32);

/** What becomes of rows that are there with other values, and of rows that are only in the live database. */
const CHANGES = {
  changed: z.enum(['keep', 'set-back']).default('keep'),
  extra: z.enum(['keep', 'delete']).default('keep'),
};

/** `keys` null: the whole table. */
export const WRITE_BACK_SHAPE = {
  tables: z
    .array(TABLE_SHAPE.extend({ keys: z.array(KEY).min(1).max(KEYS_MAX).nullable().default(null) }))
    .min(1)
    .max(TABLES_MAX),
  ...CHANGES,
};
export const WRITE_BACK_ORDER = z.strictObject(WRITE_BACK_SHAPE);
export type WriteBackWords = z.output<typeof WRITE_BACK_ORDER>;

/** Whole tables: what several people sign. */
export const PROMOTION_SHAPE = {
  tables: z.array(TABLE_SHAPE).min(1).max(TABLES_MAX),
  ...CHANGES,
};
export const PROMOTION_ORDER = z.strictObject(PROMOTION_SHAPE);
export type PromotionWords = z.output<typeof PROMOTION_ORDER>;

const KEY_SHOWN = z.array(z.string().nullable());

export const REPORT_SHAPE = z.object({
  /** The undo item's `application` ends with it; null in a preview. */
  id: z.string().nullable(),
  tables: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      /** Done, or to be done in a preview. */
      inserted: COUNT,
      setBack: COUNT,
      deleted: COUNT,
      /** There with other values, and kept. */
      conflicts: COUNT,
      conflictKeys: z.array(KEY_SHOWN),
      /** Came since, and kept. */
      extraKept: COUNT,
    }),
  ),
  /** Sentences: anything here makes an apply fail. Of a preview only. */
  wouldFail: z.array(z.string()),
  /** Sentences: triggers that fire, columns that are left to their default. */
  notes: z.array(z.string()),
});
export type ReportWords = z.output<typeof REPORT_SHAPE>;

/** Counts are exact; lists are cut, and their totals are said. */
export const DIFF_SHAPE = z.object({
  structure: z.array(
    z.object({
      kind: z.string(),
      of: z.string(),
      name: z.string(),
      /** Definitions; null: not there. */
      restored: z.string().nullable(),
      live: z.string().nullable(),
    }),
  ),
  structureTotal: COUNT,
  /** Tables that only one side has. */
  lone: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      side: z.enum(['restored', 'live']),
      rows: COUNT,
    }),
  ),
  loneTotal: COUNT,
  /** Tables whose rows differ. */
  tables: z.array(
    z.object({
      schema: z.string(),
      name: z.string(),
      restoredRows: COUNT,
      liveRows: COUNT,
      /** Columns that were not compared. */
      leftOut: z.array(z.string()),
      /** Columns of the primary key; empty: rows cannot be told apart, and not be written back. */
      key: z.array(z.string()),
      rows: z
        .object({
          missing: COUNT,
          changed: COUNT,
          extra: COUNT,
          /** The first of each. */
          missingKeys: z.array(KEY_SHOWN),
          changedKeys: z.array(KEY_SHOWN),
          extraKeys: z.array(KEY_SHOWN),
        })
        .nullable(),
    }),
  ),
  tablesTotal: COUNT,
  equalTables: COUNT,
  equalRows: COUNT,
  /** All of it in words, inert. */
  sentences: z.array(z.string()),
});
export type DiffWords = z.output<typeof DIFF_SHAPE>;

const DIFFING_SHAPE = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('running'),
    /** Null: it waits for other work on recovery. */
    progress: z
      .object({
        phase: z.enum(['structure', 'counting', 'comparing']),
        table: z.string().nullable(),
        tablesDone: COUNT,
        tablesTotal: COUNT,
        rows: COUNT,
      })
      .nullable(),
  }),
  z.object({ state: z.literal('done'), at: WHEN, result: DIFF_SHAPE }),
  z.object({ state: z.literal('failed'), ...TROUBLE }),
]);
export type Diffing = z.output<typeof DIFFING_SHAPE>;

export const RESTORE_PHASES = [
  'start',
  'backup',
  'wal',
  'fetch',
  'restore',
  'replay',
  'verify',
] as const;

/**
 * `running` until the server of the copy answers; `ready` until it is discarded, or `keptUntil` is over
 * without anybody asking; then `discarded`. `failed`: nothing is left of it.
 */
const STANDING_SHAPE = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('running'),
    /** Null: it waits for other work on recovery. */
    progress: z
      .object({
        phase: z.enum(RESTORE_PHASES),
        doneBytes: z.number(),
        totalBytes: z.number().nullable(),
        bytesPerSecond: z.number(),
        /** Of this phase; null: nobody knows. */
        leftMs: z.number().nullable(),
      })
      .nullable(),
  }),
  z.object({
    state: z.literal('ready'),
    point: z.object({
      id: z.string(),
      endedAt: z.string(),
      /** When the newest drill of this very point ended, if it passed, as of when it came back; null: none did. */
      drilledAt: WHEN.nullable(),
      /** By this installation; null: its key is not here, and nobody can tell. */
      isSealed: z.boolean().nullable(),
    }),
    /** Where it ended; both null: all the WAL there was, which cannot be promoted. */
    goal: z.object({ at: WHEN.nullable(), lsn: z.string().nullable() }),
    /** What the vault reached. */
    window: z.object({ from: WHEN, to: WHEN }),
    /** Of a vault as it was: by whose word, in a sentence. Null: as it is now. */
    view: z.string().nullable(),
    /** From the beginning of the work to the first answer. */
    rtoMs: COUNT,
    phases: z.object({ fetchMs: COUNT, restoreMs: COUNT, replayMs: COUNT, firstQueryMs: COUNT }),
    /** Each look or use moves it. */
    keptUntil: WHEN,
    /** Null: nobody asked. */
    diff: DIFFING_SHAPE.nullable(),
  }),
  z.object({ state: z.literal('failed'), ...TROUBLE }),
  z.object({
    state: z.literal('discarded'),
    why: z.enum(['asked', 'idle', 'kept', 'stopped']),
  }),
]);
export type CopyStanding = z.output<typeof STANDING_SHAPE>;

export const COPY_SHAPE = z.object({
  id: z.string(),
  target: z.string(),
  vault: z.string(),
  wish: WISH_SHAPE,
  /** The vault as it was then, whatever was hidden, written over or added since; null: as it is. */
  asOf: WHEN.nullable(),
  askedAt: WHEN,
  askedBy: z.string(),
  standing: STANDING_SHAPE,
});
export type CopyWords = z.output<typeof COPY_SHAPE>;

/** A vault as it was, before anything of it is restored. */
export const VIEW_SHAPE = z.object({
  vault: z.string(),
  asOf: WHEN,
  /** By whose word, in a sentence. */
  view: z.string(),
  /** What it reached then. */
  window: z.object({ from: WHEN, to: WHEN }),
  /** That a restore of then may begin with, oldest first; of many the newest. */
  points: z.array(
    z.object({
      id: z.string(),
      endedAt: z.string(),
      drilledAt: WHEN.nullable(),
      isSealed: z.boolean().nullable(),
    }),
  ),
});
export type ViewWords = z.output<typeof VIEW_SHAPE>;
