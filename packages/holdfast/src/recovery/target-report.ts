/**
 * How one target stands, as plain data: what the command line shows, what the gateway leaves for it, and
 * what the dashboard will read. Dates as ISO 8601, so that it is the same after a file.
 */
import { z } from 'zod';
import { DRILL_FIELD } from './drills/drill-shape.ts';
import { SEAL_VERDICTS } from './point-seal.ts';
import { CONTROL_SHAPE, TRIED_SHAPE } from './proof-shape.ts';

const colour = z.enum(['green', 'amber', 'red']);
const at = z.iso.datetime();
const sentences = z.array(z.string());
const place = z.object({ point: z.string(), vault: z.string(), at }).nullable();
const verdict = z.enum(['PROVEN', 'REFUTED', 'UNKNOWN']);
const drilled = z.enum(['passed', 'failed', 'could-not-run']);
const known = z.string().nullable();
/** What it would die with; null: not known, or there is no such thing. */
const whereabouts = z.object({
  host: known,
  device: known,
  volume: known,
  account: known,
  project: known,
  endpoint: known,
});

export const REPORT_SHAPE = z.object({
  format: z.literal('holdfast/recovery-report/1'),
  target: z.string(),
  /** When it was looked. */
  at,
  /** Whether a gateway streams WAL and keeps to the schedule. */
  isRunning: z.boolean(),
  colour,
  because: sentences,
  proven: place,
  outside: place,
  rpoMs: z.number().nullable(),
  rtoMs: z.number().nullable(),
  promise: z.object({ rpoMs: z.number(), rtoMs: z.number(), provenAgeMsMax: z.number() }),
  facts: z.object({
    provenAgeMinutes: z.number(),
    outsideBlastRadius: z.boolean(),
    rpoSeconds: z.number(),
    colour: z.enum(['green', 'amber', 'red', 'none']),
  }),
  whereabouts,
  /** Snapshots and backups at the provider, by name: they share the target's fate and count for nothing. */
  snapshots: sentences,
  vaults: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['local', 's3', 'restic']),
      colour,
      protectsFrom: sentences,
      doesNotProtectFrom: sentences,
      troubles: sentences,
      /** What brings back what lay there before somebody wrote into it: commands, in sentences. */
      hints: sentences,
      /** The same as data: the vault as it was at `at`, and what was found of then in a sentence. */
      views: z.array(z.object({ at, why: z.string() })),
      sameAs: sentences,
      points: z.array(
        z.object({
          id: z.string(),
          endedAt: at,
          /** As stored. */
          bytes: z.number(),
          /** The point that it is an increment of. */
          prior: z.string().nullish(),
          /** Of a full one: why it is none, a sentence. */
          fullBecause: z.string().nullish(),
          drill: drilled.nullable(),
          /** When the newest drill of this very point ended, if it passed; null: none did. */
          drilledAt: at.nullable(),
          /** By its seal: `none` is from before seals, `foreign` and `elsewhere` of another installation or vault. */
          seal: z.enum(SEAL_VERDICTS),
          /** By this installation; null: its key is not here, and nobody can tell. */
          isSealed: z.boolean().nullable(),
        }),
      ),
      lastDrill: DRILL_FIELD,
      proof: z
        .object({ at, verdict, why: z.string(), control: CONTROL_SHAPE.nullable() })
        .nullable(),
      /** A drill that is due because of a gap: of which point, and not before when; null: none is. */
      gapDrill: z.object({ point: z.string(), from: at }).nullish(),
      newestWalAt: at.nullable(),
      /** From where to where it can be brought back from there by what counts; null: nowhere. */
      window: z.object({ from: at, to: at }).nullable(),
      /** Of the window, oldest first: no moment of these comes back. */
      gaps: z.array(z.object({ from: at, to: at })),
      /**
       * What lay there before ours and counts for nothing: it is restored and drilled when it is asked for. By
       * its own words. Null: there is no such point.
       */
      others: z
        .object({
          points: z.number(),
          /** Of them under a key that is not here: another installation took them, or somebody says so. */
          foreign: z.number(),
          /** Drills and proofs that lay with them. */
          records: z.number(),
          /** From where to where they bring it back, as far as a listing tells. */
          from: at,
          to: at,
          /** The id of the newest of them. */
          newest: z.string(),
        })
        .nullable(),
      whereabouts,
      /** What each credential tried, in the proof above. */
      tried: z.array(TRIED_SHAPE),
      /** Oldest first, and of each the last HISTORY_MAX. */
      history: z.object({
        drills: z.array(
          z.object({
            id: z.string(),
            point: z.string(),
            at,
            verdict: drilled,
            /** As measured by it; null: it came to no answer. */
            rpoMs: z.number().nullable(),
            rtoMs: z.number().nullable(),
            /** One sentence of what did not pass; null: everything did. */
            reason: z.string().nullable(),
          }),
        ),
        proofs: z.array(z.object({ id: z.string(), at, verdict, why: z.string() })),
      }),
    }),
  ),
});
export type TargetReport = z.output<typeof REPORT_SHAPE>;
export type VaultReport = TargetReport['vaults'][number];

/** Months of drills and proofs as they are due, and a report that is still read in a moment. */
export const HISTORY_MAX = 120;
