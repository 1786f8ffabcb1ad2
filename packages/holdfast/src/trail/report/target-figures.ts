/**
 * How well one target could have been brought back over the period: what was measured while the gateway
 * ran (`recovery-measured`, once an hour), what rehearsed restores took and found, what credentials could
 * destroy, which points there are.
 */
import type { DrillLine, Phases, RpoStretch, TargetFigures } from './report-shape.ts';
import {
  Bounded,
  isoOf,
  nameIn,
  numberIn,
  Origin,
  type ReadEntry,
  sumOf,
  Times,
  wordsIn,
} from './tally.ts';

/** Of a year with three drills a day; each is a line. */
const DRILLS_LISTED_MAX = 1_000;
const PROOF_DAYS_MAX = 1_000;
/** As many as a chart has room for. */
const STRETCHES = 240;
/** Each is a change of holdfast.yaml and a start. */
const PROMISES_LISTED_MAX = 50;

const DRILL_KINDS = {
  'drill-passed': 'passed',
  'drill-failed': 'failed',
  'drill-not-run': 'could-not-run',
} as const;
const PROOF_KINDS = {
  'blast-radius-proved': 'proven',
  'blast-radius-refuted': 'refuted',
  'blast-radius-unknown': 'unknown',
} as const;
const POINT_KINDS = ['recovery-point-taken', 'recovery-point-failed'];
const MEASURED = 'recovery-measured';
const PHASE_NAMES = ['fetchMs', 'restoreMs', 'replayMs', 'firstQueryMs', 'checkMs'] as const;

type ProofDay = TargetFigures['proofs']['days'][number];

/** The target of an entry that says how it stands with recovery; null: it is of another kind. */
export function recoveryTargetOf({ facts, kind }: ReadEntry): string | null {
  const isOurs = kind === MEASURED || POINT_KINDS.includes(kind) || isDrill(kind) || isProof(kind);
  return isOurs ? nameIn(facts['target']) : null;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

export class TargetTally {
  readonly #target: string;
  readonly #period: Span;
  readonly #rpo = new Origin([MEASURED]);
  readonly #rto = new Origin(['drill-passed'], 'facts.rtoMs is a number');
  readonly #drills = new Origin(Object.keys(DRILL_KINDS));
  readonly #proofs = new Origin(Object.keys(PROOF_KINDS));
  readonly #points = new Origin(POINT_KINDS);
  #promise: Promised | null = null;
  readonly #promises = new Bounded<Promised>(PROMISES_LISTED_MAX);
  #changes = 0;
  /** Times of rehearsals whose promise no entry has said yet. */
  #unjudged: { readonly ms: number; readonly rtoMs: number }[] = [];
  readonly #returned = { late: 0, unjudged: 0 };
  readonly #looked = { looks: 0, late: 0, without: 0, green: 0, amber: 0, red: 0 };
  #worst: { readonly ms: number; readonly entry: number } | null = null;
  readonly #stretches = new Map<number, RpoStretch>();
  #coveredMs = 0;
  #coveredTo: number;
  readonly #rtos = new Times(1);
  #newestRtoMs: number | null = null;
  readonly #counts = { passed: 0, failed: 0, 'could-not-run': 0 };
  readonly #phases = new Map(PHASE_NAMES.map((name) => [name, new Times(1)] as const));
  readonly #lines = new Bounded<DrillLine>(DRILLS_LISTED_MAX);
  readonly #proofCounts = { proven: 0, refuted: 0, unknown: 0 };
  readonly #days = new Map<string, ProofDay>();
  #daysLeft = 0;
  readonly #taken = { taken: 0, failed: 0, bytes: 0 };

  constructor(target: string, period: Span) {
    this.#target = target;
    this.#period = period;
    this.#coveredTo = period.fromMs;
  }

  take(entry: ReadEntry): void {
    const { kind } = entry;
    if (kind === MEASURED) this.#measured(entry);
    else if (isDrill(kind)) this.#drill(entry, DRILL_KINDS[kind]);
    else if (isProof(kind)) this.#proof(entry, PROOF_KINDS[kind]);
    else if (POINT_KINDS.includes(kind)) this.#point(entry);
  }

  /** `span`: the part of the period that the trail covers. */
  figures(span: Span): TargetFigures {
    const { green, amber, red, ...looked } = this.#looked;
    const { 'could-not-run': notRun, ...counts } = this.#counts;
    const phases = (name: (typeof PHASE_NAMES)[number]): number | null =>
      this.#phases.get(name)?.at(0.5) ?? null;
    return {
      target: this.#target,
      promise: this.#promised(),
      rpo: {
        worstMs: this.#worst?.ms ?? null,
        worstEntry: this.#worst?.entry ?? null,
        ...looked,
        colours: { green, amber, red },
        unmeasuredMs: Math.max(0, span.toMs - span.fromMs - this.#coveredMs),
        stretches: [...this.#stretches].toSorted(([a], [b]) => a - b).map(([, one]) => one),
        source: this.#rpo.source(),
      },
      rto: {
        worstMs: this.#rtos.at(1),
        medianMs: this.#rtos.at(0.5),
        newestMs: this.#newestRtoMs,
        ...this.#judged(),
        source: this.#rto.source(),
      },
      drills: {
        ...counts,
        notRun,
        phases: phasesOf(phases),
        list: this.#lines.kept,
        unlisted: this.#lines.left,
        source: this.#drills.source(),
      },
      proofs: {
        ...this.#proofCounts,
        days: [...this.#days.values()].toSorted((a, b) =>
          a.day === b.day ? (a.vault < b.vault ? -1 : 1) : a.day < b.day ? -1 : 1,
        ),
        unlisted: this.#daysLeft,
        source: this.#proofs.source(),
      },
      points: { ...this.#taken, source: this.#points.source() },
    };
  }

  #measured({ facts, index, ms }: ReadEntry): void {
    this.#rpo.add(index);
    const looked = this.#looked;
    for (const name of ['looks', 'late', 'without', 'green', 'amber', 'red'] as const) {
      looked[name] = sumOf(looked[name], facts[name]);
    }
    const since = Date.parse(String(facts['from']));
    const sinceMs = Number.isNaN(since) ? ms : Math.min(since, ms);
    const promise = promiseIn(facts, index, isoOf(Math.max(sinceMs, this.#period.fromMs)));
    if (promise !== null) this.#learn(promise, sinceMs);
    const worstMs = (numberIn(facts['without']) ?? 0) > 0 ? null : numberIn(facts['rpoMs']);
    const known = numberIn(facts['rpoMs']);
    if (known !== null && known >= (this.#worst?.ms ?? -1)) {
      this.#worst = { ms: known, entry: index };
    }
    const promisedMs = promise?.rpoMs ?? null;
    this.#stretch({ at: isoOf(ms), entry: index, rpoMs: worstMs, promisedMs }, ms);
    const from = Math.max(this.#coveredTo, sinceMs);
    const last = Date.parse(String(facts['to']));
    const until = Number.isNaN(last) ? ms : Math.min(ms, last);
    if (until <= from) return;
    this.#coveredMs += until - from;
    this.#coveredTo = until;
  }

  /** `sinceMs`: what was rehearsed from then on was under this promise; what was before, under the one before. */
  #learn(promise: Promised, sinceMs: number): void {
    const before = this.#promise;
    for (const { ms, rtoMs } of this.#unjudged.splice(0)) {
      const under = ms >= sinceMs ? promise : before;
      if (under === null) this.#returned.unjudged += 1;
      else if (rtoMs > under.rtoMs) this.#returned.late += 1;
    }
    if (before !== null && isSame(before, promise)) {
      this.#promise = { ...before, entry: promise.entry };
      return;
    }
    if (before !== null) this.#changes += 1;
    this.#promise = promise;
    this.#promises.add(promise);
  }

  #promised(): TargetFigures['promise'] {
    const newest = this.#promise;
    if (newest === null) return null;
    const { at: _at, ...figures } = newest;
    const { kept, left } = this.#promises;
    return { ...figures, changes: this.#changes, list: [...kept], unlisted: left };
  }

  /** What no later entry spoke of was under the newest promise that was said. */
  #judged(): { readonly late: number; readonly unjudged: number } {
    const { late, unjudged } = this.#returned;
    const newest = this.#promise;
    if (newest === null) return { late, unjudged: unjudged + this.#unjudged.length };
    const more = this.#unjudged.filter(({ rtoMs }) => rtoMs > newest.rtoMs).length;
    return { late: late + more, unjudged };
  }

  #stretch(one: RpoStretch, ms: number): void {
    const { fromMs, toMs } = this.#period;
    const at = Math.floor(((ms - fromMs) * STRETCHES) / Math.max(1, toMs - fromMs));
    const before = this.#stretches.get(at);
    const isWorse =
      before === undefined ||
      (before.rpoMs !== null && (one.rpoMs === null || one.rpoMs >= before.rpoMs));
    if (isWorse) this.#stretches.set(at, one);
  }

  #drill({ facts, index, ms }: ReadEntry, verdict: DrillLine['verdict']): void {
    this.#drills.add(index);
    this.#counts[verdict] += 1;
    const rtoMs = numberIn(facts['rtoMs']);
    const phases = phasesOf((name) => numberIn(facts[name]));
    if (verdict === 'passed') {
      if (rtoMs !== null) {
        this.#rto.add(index);
        this.#rtos.add(rtoMs);
        this.#newestRtoMs = rtoMs;
        if (this.#unjudged.length < DRILLS_LISTED_MAX) this.#unjudged.push({ ms, rtoMs });
        else this.#returned.unjudged += 1;
      }
      for (const name of phases === null ? [] : PHASE_NAMES) {
        this.#phases.get(name)?.add(phases?.[name] ?? 0);
      }
    }
    this.#lines.add({
      entry: index,
      at: isoOf(ms),
      verdict,
      vault: nameIn(facts['vault']) ?? '',
      point: nameIn(facts['point']) ?? '',
      rtoMs,
      rpoMs: numberIn(facts['rpoMs']),
      phases,
      reason: facts['reason'] == null ? null : wordsIn(facts['reason']),
    });
  }

  #proof({ facts, index, ms }: ReadEntry, verdict: 'proven' | 'refuted' | 'unknown'): void {
    this.#proofs.add(index);
    this.#proofCounts[verdict] += 1;
    const [day, vault] = [isoOf(ms).slice(0, 10), nameIn(facts['vault']) ?? ''];
    const key = `${day} ${vault}`;
    const before = this.#days.get(key);
    if (before === undefined && this.#days.size >= PROOF_DAYS_MAX) {
      this.#daysLeft += 1;
      return;
    }
    const none = { day, vault, proven: 0, refuted: 0, unknown: 0, first: index, last: index };
    const { first, ...rest } = before ?? none;
    this.#days.set(key, { ...rest, first, last: index, [verdict]: rest[verdict] + 1 });
  }

  #point({ facts, index, kind }: ReadEntry): void {
    this.#points.add(index);
    if (kind !== 'recovery-point-taken') {
      this.#taken.failed += 1;
      return;
    }
    this.#taken.taken += 1;
    this.#taken.bytes = sumOf(this.#taken.bytes, facts['bytes']);
  }
}

type Promised = NonNullable<TargetFigures['promise']>['list'][number];

/** Null: the entry does not say it whole. */
function promiseIn(facts: ReadEntry['facts'], entry: number, at: string): Promised | null {
  const rpoMs = numberIn(facts['promisedRpoMs']);
  const rtoMs = numberIn(facts['promisedRtoMs']);
  const provenAgeMsMax = numberIn(facts['promisedProvenAgeMs']);
  if (rpoMs === null || rtoMs === null || provenAgeMsMax === null) return null;
  return { at, entry, rpoMs, rtoMs, provenAgeMsMax };
}

function isSame(one: Promised, other: Promised): boolean {
  return (
    one.rpoMs === other.rpoMs &&
    one.rtoMs === other.rtoMs &&
    one.provenAgeMsMax === other.provenAgeMsMax
  );
}

/** Null unless each of them is there. */
function phasesOf(of: (name: (typeof PHASE_NAMES)[number]) => number | null): Phases | null {
  const [fetchMs, restoreMs, replayMs, firstQueryMs, checkMs] = PHASE_NAMES.map(of);
  const isWhole = [fetchMs, restoreMs, replayMs, firstQueryMs, checkMs].every((ms) => ms != null);
  if (!isWhole) return null;
  return {
    fetchMs: fetchMs ?? 0,
    restoreMs: restoreMs ?? 0,
    replayMs: replayMs ?? 0,
    firstQueryMs: firstQueryMs ?? 0,
    checkMs: checkMs ?? 0,
  };
}

function isDrill(kind: string): kind is keyof typeof DRILL_KINDS {
  return Object.hasOwn(DRILL_KINDS, kind);
}

function isProof(kind: string): kind is keyof typeof PROOF_KINDS {
  return Object.hasOwn(PROOF_KINDS, kind);
}
