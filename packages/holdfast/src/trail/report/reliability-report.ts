/**
 * The reliability report: how well what was promised was kept over a period, by the trail alone. It asks no
 * table, no vault and no server; what the trail does not have it says it does not have.
 *
 * Entries of the period are those whose time lies in it; older ones, back to TOKEN_LIFE_MS_MAX, say what was
 * open when it began. When the trail does not verify, the report says so before anything else, and its
 * figures are worth nothing.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../model/canonical.ts';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { REPORT_PERIOD_MS_MAX, TOKEN_LIFE_MS_MAX } from '../../model/limits.ts';
import { storable } from '../../model/text.ts';
import { textIn } from '../entry-facts.ts';
import type { TrailStore } from '../trail-store.ts';
import type { VerifierKey } from '../verify/note.ts';
import { DecisionTally } from './decision-figures.ts';
import { IncidentTally } from './incident-figures.ts';
import { HoldTally, RestoreTally, TokenTally, UndoTally } from './people-figures.ts';
import { type OnProgress, type PeriodRead, readPeriod } from './read-period.ts';
import type { ReliabilityReport, ReportBody } from './report-shape.ts';
import { isoOf, nameIn, Origin, type ReadEntry } from './tally.ts';
import { recoveryTargetOf, TargetTally } from './target-figures.ts';

export interface ReportQuestion {
  readonly from: Date;
  /** Not in it any more. */
  readonly to: Date;
  /** Null: all of them. */
  readonly target: string | null;
}

export interface ReportParts {
  readonly store: TrailStore;
  readonly key: VerifierKey;
  readonly origin: string;
  readonly clock: Clock;
}

/** Targets with recovery come of holdfast.yaml; what is beyond is told. */
const TARGETS_MAX = 500;

/** HF_USAGE for a period that is none, or too long. Ask before anything is sent. */
export function checkPeriod({ from, to }: Pick<ReportQuestion, 'from' | 'to'>): void {
  const spanMs = to.getTime() - from.getTime();
  if (spanMs > 0 && spanMs <= REPORT_PERIOD_MS_MAX) return;
  const days = REPORT_PERIOD_MS_MAX / 86_400_000;
  throw new HoldfastError('HF_USAGE', {
    expected: `a period that ends after it begins, of at most ${days} days`,
    found: `from ${from.toISOString()} to ${to.toISOString()}`,
    hint: 'The end is not in it any more: November is from 2026-11-01 to 2026-12-01.',
  });
}

/** `onProgress` may throw to end it. Errors as `checkPeriod`; the store's own. */
export async function makeReport(
  { clock, key, origin, store }: ReportParts,
  question: ReportQuestion,
  onProgress?: OnProgress,
): Promise<ReliabilityReport> {
  checkPeriod(question);
  const tally = new ReportTally(question);
  const [fromMs, toMs] = [question.from.getTime(), question.to.getTime()];
  const read = await readPeriod(
    store,
    { origin, key, fromMs, toMs, leadMs: TOKEN_LIFE_MS_MAX },
    (entry) => tally.take(entry),
    onProgress,
  );
  const body = tally.body(read, { key: key.text, madeAt: clock.now() });
  return { ...body, digest: digestOf(body) };
}

export function digestOf(body: ReportBody): string {
  return createHash('sha256').update(canonicalJson(body)).digest('hex');
}

class ReportTally {
  readonly #question: ReportQuestion;
  readonly #fromMs: number;
  readonly #toMs: number;
  readonly #targets = new Map<string, TargetTally>();
  #targetsLeft = 0;
  readonly #holds = new HoldTally();
  readonly #decisions = new DecisionTally();
  readonly #undo = new UndoTally();
  readonly #restores = new RestoreTally();
  readonly #tokens: TokenTally;
  readonly #incidents = new IncidentTally();
  readonly #period = new Origin([]);
  #firstMs: number | null = null;
  #lastMs: number | null = null;
  /** Of entry 0, when it was read. */
  #bornMs: number | null = null;

  constructor(question: ReportQuestion) {
    this.#question = question;
    this.#fromMs = question.from.getTime();
    this.#toMs = question.to.getTime();
    this.#tokens = new TokenTally(this.#fromMs);
  }

  take(entry: ReadEntry): void {
    if (entry.index === 0) this.#bornMs = entry.ms;
    if (entry.ms >= this.#toMs) return;
    const isInPeriod = entry.ms >= this.#fromMs;
    const isOfTarget = this.#isAskedFor(entry);
    if (isInPeriod) {
      this.#period.add(entry.index);
      this.#firstMs = Math.min(this.#firstMs ?? entry.ms, entry.ms);
      this.#lastMs = Math.max(this.#lastMs ?? entry.ms, entry.ms);
    }
    if (!isOfTarget) return;
    this.#holds.take(entry, isInPeriod);
    this.#tokens.take(entry, isInPeriod);
    if (!isInPeriod) return;
    this.#decisions.take(entry);
    this.#undo.take(entry);
    this.#restores.take(entry);
    this.#incidents.take(entry);
    const target = recoveryTargetOf(entry);
    if (target !== null) this.#tallyOf(target)?.take(entry);
  }

  body(read: PeriodRead, made: { readonly key: string; readonly madeAt: Date }): ReportBody {
    const { audit } = read;
    const endMs = Math.max(this.#fromMs, Math.min(this.#toMs, made.madeAt.getTime()));
    const span = {
      fromMs: Math.min(endMs, Math.max(this.#fromMs, this.#bornMs ?? 0)),
      toMs: endMs,
    };
    const { entries, first, last } = this.#period.source();
    const targets = [...this.#targets].toSorted(([a], [b]) => (a < b ? -1 : 1));
    const body = {
      format: 'holdfast/reliability-report/1',
      period: { from: isoOf(this.#fromMs), to: isoOf(this.#toMs) },
      target: this.#question.target === null ? null : storable(this.#question.target),
      madeAt: made.madeAt.toISOString(),
      trail: {
        ok: audit.ok,
        origin: storable(audit.origin),
        key: made.key,
        from: audit.from,
        to: audit.to,
        root: audit.root,
        checkpoint: read.checkpoint === null ? null : storable(read.checkpoint),
        checkpoints: audit.checkpoints,
        findings: audit.findings.map(({ code, index, message }) => ({
          code,
          index,
          message: storable(message),
        })),
        findingCount: audit.findingCount,
        decisions: audit.decisions,
        outcomes: audit.outcomes,
        open: audit.open,
        timeStepsBack: audit.timeStepsBack,
        unreadable: read.unreadable,
        unsigned: read.unsigned,
        period: {
          entries,
          first,
          last,
          firstAt: this.#firstMs === null ? null : isoOf(this.#firstMs),
          lastAt: this.#lastMs === null ? null : isoOf(this.#lastMs),
        },
        beginsAt: this.#bornMs !== null && this.#bornMs > this.#fromMs ? isoOf(this.#bornMs) : null,
        isOver: made.madeAt.getTime() >= this.#toMs,
      },
      targets: targets.map(([, tally]) => tally.figures(span)),
      holds: this.#holds.figures(),
      ...this.#decisions.figures(),
      undo: this.#undo.figures(),
      restores: this.#restores.figures(),
      tokens: this.#tokens.figures(endMs),
      incidents: this.#incidents.figures(),
    } as const;
    return { ...body, notInTrail: notInTrail(body, this.#targetsLeft) };
  }

  #tallyOf(target: string): TargetTally | null {
    const known = this.#targets.get(target);
    if (known !== undefined) return known;
    if (this.#targets.size >= TARGETS_MAX) {
      this.#targetsLeft += 1;
      return null;
    }
    const tally = new TargetTally(target, { fromMs: this.#fromMs, toMs: this.#toMs });
    this.#targets.set(target, tally);
    return tally;
  }

  /** What names no target is of all of them. */
  #isAskedFor({ entry, facts }: ReadEntry): boolean {
    const { target: wanted } = this.#question;
    if (wanted === null) return true;
    const of = entry['target'];
    const named = typeof of === 'object' && of !== null && 'name' in of ? of.name : facts['target'];
    const target = nameIn(named);
    if (target !== null) return target === wanted;
    const targets = textIn(facts['targets']);
    return targets === null || targets.split(',').includes(wanted);
  }
}

function notInTrail(body: Omit<ReportBody, 'notInTrail'>, targetsLeft: number): string[] {
  const missing: string[] = [
    'A freeze of everything: Holdfast cannot freeze yet. That people stopped an agent is in it.',
  ];
  if (targetsLeft > 0) {
    missing.unshift(
      `${targetsLeft} entries of targets beyond the first ${TARGETS_MAX} are counted nowhere.`,
    );
  }
  if (body.targets.length === 0) {
    missing.unshift('How well a target could be brought back: no entry of the period says so.');
  }
  for (const { drills, promise, target } of body.targets) {
    if (promise === null) missing.push(`What was promised for ${target}, and what was measured.`);
    if (drills.source.entries === 0) missing.push(`Rehearsed restores of ${target}.`);
    else if (drills.passed > 0 && drills.phases === null)
      missing.push(`How long each part of the rehearsed restores of ${target} took.`);
  }
  if (body.undo.conflicts === null) {
    missing.push('Conflicts of some undos: their entries are of a version that did not say.');
  }
  if (body.restores.rows === null) {
    missing.push(
      'Rows of some restores that were promoted: their entries are of a version that did not say.',
    );
  }
  return missing;
}
