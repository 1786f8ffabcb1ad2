/**
 * The reliability report as plain data: what `holdfast report --json` prints, the API answers, and the page
 * is made of. Each figure names the entries it is from, so that whoever has the trail can count again.
 */
import { z } from 'zod';
import { INCIDENT_KINDS } from './incident-words.ts';

const index = z.int().nonnegative();
const count = z.int().nonnegative();
/** Milliseconds. */
const ms = z.number().nonnegative();
const at = z.iso.datetime();

/** Entries that a figure is from. */
const SOURCE = z.object({
  /** Kinds of entries, as the trail has them. */
  kinds: z.array(z.string()),
  /** Which of them, in words; empty: all of these kinds. */
  which: z.string(),
  entries: count,
  first: index.nullable(),
  last: index.nullable(),
});
export type Source = z.output<typeof SOURCE>;

const PHASES = z.object({
  fetchMs: ms,
  restoreMs: ms,
  replayMs: ms,
  firstQueryMs: ms,
  checkMs: ms,
});
export type Phases = z.output<typeof PHASES>;

const DRILL = z.object({
  entry: index,
  at,
  verdict: z.enum(['passed', 'failed', 'could-not-run']),
  vault: z.string(),
  point: z.string(),
  /** Null: not in the entry. */
  rtoMs: ms.nullable(),
  rpoMs: ms.nullable(),
  phases: PHASES.nullable(),
  reason: z.string().nullable(),
});
export type DrillLine = z.output<typeof DRILL>;

/** Of one stretch of the period: the worst that was measured in it. */
const RPO_STRETCH = z.object({
  at,
  entry: index,
  /** Null: no WAL reached any vault. */
  rpoMs: ms.nullable(),
  /** What was promised then; null: not in that entry. */
  promisedMs: ms.nullable(),
});
export type RpoStretch = z.output<typeof RPO_STRETCH>;

const TARGET = z.object({
  target: z.string(),
  /** As the newest gateway start of the period, or before it, said; null: not in the trail. */
  promise: z
    .object({
      ...{ entry: index, rpoMs: ms, rtoMs: ms, provenAgeMsMax: ms, changes: count },
      /** Each from when it was first looked by, oldest first; the last is the newest above. */
      list: z.array(z.object({ at, entry: index, rpoMs: ms, rtoMs: ms, provenAgeMsMax: ms })),
      /** Changes that are counted and not in the list. */
      unlisted: count,
    })
    .nullable(),
  rpo: z.object({
    /** Null: nothing was measured, or no WAL reached any vault at some time (`without`). */
    worstMs: ms.nullable(),
    worstEntry: index.nullable(),
    looks: count,
    /** Looks that found more to lose than was promised then, or no WAL at all. */
    late: count,
    /** Looks at which no WAL reached any vault. */
    without: count,
    /** Looks by the colour of the target then. */
    colours: z.object({ green: count, amber: count, red: count }),
    /** Of the period, as far as it was over: how long nobody measured. */
    unmeasuredMs: ms,
    stretches: z.array(RPO_STRETCH),
    source: SOURCE,
  }),
  rto: z.object({
    worstMs: ms.nullable(),
    medianMs: ms.nullable(),
    newestMs: ms.nullable(),
    /** Rehearsals that passed, and took longer than was promised at their time. */
    late: count,
    /** Rehearsals that passed at a time of which no entry says what was promised. */
    unjudged: count,
    source: SOURCE,
  }),
  drills: z.object({
    passed: count,
    failed: count,
    notRun: count,
    /** Of those that passed; the median of each phase. */
    phases: PHASES.nullable(),
    list: z.array(DRILL),
    /** Drills that are counted and not in the list. */
    unlisted: count,
    source: SOURCE,
  }),
  proofs: z.object({
    proven: count,
    refuted: count,
    unknown: count,
    /** UTC days with a proof, each vault by itself. */
    days: z.array(
      z.object({
        day: z.iso.date(),
        vault: z.string(),
        proven: count,
        refuted: count,
        unknown: count,
        first: index,
        last: index,
      }),
    ),
    unlisted: count,
    source: SOURCE,
  }),
  points: z.object({ taken: count, failed: count, bytes: count, source: SOURCE }),
});
export type TargetFigures = z.output<typeof TARGET>;

const FINDING = z.object({ code: z.string(), index: index.nullable(), message: z.string() });

export const RELIABILITY_REPORT = z.object({
  format: z.literal('holdfast/reliability-report/1'),
  /** `from` is in it, `to` is not. */
  period: z.object({ from: at, to: at }),
  /** Null: all of them. What is of no target is counted whichever is asked for. */
  target: z.string().nullable(),
  madeAt: at,
  trail: z.object({
    /** Everything read fits the signed checkpoints. False: no figure of this report is worth anything. */
    ok: z.boolean(),
    origin: z.string(),
    /** Believe it only if you have it from elsewhere, too. */
    key: z.string(),
    /** Entries that were read and held against checkpoints: from this one ... */
    from: index,
    /** ... until before this one. */
    to: index,
    root: z.string(),
    /** The signed note at `to`; null: nothing is signed. */
    checkpoint: z.string().nullable(),
    checkpoints: count,
    findings: z.array(FINDING),
    findingCount: count,
    decisions: count,
    outcomes: count,
    open: count,
    timeStepsBack: count,
    /** Entries that are no JSON object of ours with a time: counted nowhere. */
    unreadable: count,
    /** Newer entries that no checkpoint covers yet: counted nowhere. */
    unsigned: count,
    /** Entries of the period. */
    period: z.object({
      entries: count,
      first: index.nullable(),
      last: index.nullable(),
      firstAt: at.nullable(),
      lastAt: at.nullable(),
    }),
    /** When the trail begins after the period does: its first entry. */
    beginsAt: at.nullable(),
    /** The period was not over when this was made. */
    isOver: z.boolean(),
  }),
  targets: z.array(TARGET),
  holds: z.object({
    opened: count,
    approved: count,
    denied: count,
    expired: count,
    voided: count,
    /** From the opening to the yes or no of people, by whole seconds; nearest rank. Null: none. */
    waiting: z.object({
      medianMs: ms.nullable(),
      p90Ms: ms.nullable(),
      longestMs: ms.nullable(),
      counted: count,
      /** Decided, and the opening is not among the entries that were read. */
      untimed: count,
    }),
    source: SOURCE,
  }),
  decisions: z.object({
    forward: count,
    protect: count,
    hold: count,
    refuse: count,
    source: SOURCE,
  }),
  refusals: z.object({
    total: count,
    /** The most frequent first. */
    rules: z.array(z.object({ rule: z.string(), entries: count, first: index, last: index })),
    /** Refusals by rules beyond those. */
    others: count,
    source: SOURCE,
  }),
  undo: z.object({
    applied: count,
    items: count,
    rows: count,
    /** What somebody had changed since, and people decided; null: some entries do not say. */
    conflicts: count.nullable(),
    /** Runs that left something out. */
    partly: count,
    source: SOURCE,
  }),
  /** Copies beside a target, and what was written out of them. */
  restores: z.object({
    /** Copies that came back to be looked at. */
    came: count,
    writtenBack: count,
    promoted: count,
    /** Put in again, set back and deleted by those two; null: some entries do not say. */
    rows: count.nullable(),
    /** That did not come back: an incident each. */
    failed: count,
    /** That asked for what is not there, or into a folder that was not empty: no incident. */
    outOfReach: count,
    source: SOURCE,
  }),
  tokens: z.object({
    issued: count,
    revoked: count,
    /** The longest that any token that was alive in the period had been so, within the period. */
    oldest: z
      .object({
        ageMs: ms,
        token: z.string(),
        agent: z.string(),
        issuedEntry: index,
        /** Null: it ran out by itself, or was alive at the end. */
        revokedEntry: index.nullable(),
        isAlive: z.boolean(),
      })
      .nullable(),
    source: SOURCE,
  }),
  incidents: z.object({
    total: count,
    kinds: z.array(z.object({ kind: z.enum(INCIDENT_KINDS), source: SOURCE })),
    list: z.array(
      z.object({
        entry: index,
        at,
        kind: z.enum(INCIDENT_KINDS),
        target: z.string().nullable(),
        /** The sentence of the entry. Others wrote in it. */
        words: z.string(),
      }),
    ),
    unlisted: count,
  }),
  /** Sentences: what the trail does not have. */
  notInTrail: z.array(z.string()),
  /** SHA-256 of the canonical JSON (RFC 8785 as docs/trail-format.md has it) of all but this, hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ReliabilityReport = z.output<typeof RELIABILITY_REPORT>;
export type ReportBody = Omit<ReliabilityReport, 'digest'>;
