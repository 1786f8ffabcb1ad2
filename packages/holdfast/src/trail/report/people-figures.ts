/**
 * What people did: what they decided and how long that was waited for, what they took back or brought back
 * beside a target, and how old the tokens were that agents worked with.
 */
import { isOutOfReach } from './incident-words.ts';
import type { ReliabilityReport } from './report-shape.ts';
import { nameIn, numberIn, Origin, type ReadEntry, sumOf, Times } from './tally.ts';

/** What is open at a time; the oldest are let go of first, and said to be untimed. */
const OPEN_MAX = 50_000;
const SECOND_MS = 1_000;

const HOLD_KINDS = ['hold-opened', 'hold-signed', 'hold-denied', 'hold-expired', 'hold-voided'];

export class HoldTally {
  readonly #origin = new Origin(HOLD_KINDS, 'of hold-signed: facts.complete is true');
  readonly #counts = { opened: 0, approved: 0, denied: 0, expired: 0, voided: 0 };
  readonly #open = new Map<string, number>();
  readonly #waited = new Times(SECOND_MS);
  #untimed = 0;

  take({ facts, index, kind, ms }: ReadEntry, isInPeriod: boolean): void {
    const hold = nameIn(facts['hold']);
    if (hold === null || !HOLD_KINDS.includes(kind)) return;
    if (kind === 'hold-signed' && facts['complete'] !== true) return;
    if (isInPeriod) this.#origin.add(index);
    const openedMs = this.#open.get(hold);
    switch (kind) {
      case 'hold-opened':
        keepBounded(this.#open, hold, ms);
        if (isInPeriod) this.#counts.opened += 1;
        return;
      case 'hold-signed':
      case 'hold-denied':
        if (isInPeriod) {
          this.#counts[kind === 'hold-signed' ? 'approved' : 'denied'] += 1;
          if (openedMs === undefined) this.#untimed += 1;
          else this.#waited.add(ms - openedMs);
        }
        break;
      default:
        if (isInPeriod) this.#counts[kind === 'hold-expired' ? 'expired' : 'voided'] += 1;
    }
    this.#open.delete(hold);
  }

  figures(): ReliabilityReport['holds'] {
    return {
      ...this.#counts,
      waiting: {
        medianMs: this.#waited.at(0.5),
        p90Ms: this.#waited.at(0.9),
        longestMs: this.#waited.at(1),
        counted: this.#waited.total,
        untimed: this.#untimed,
      },
      source: this.#origin.source(),
    };
  }
}

export class UndoTally {
  readonly #origin = new Origin(['undo-applied']);
  readonly #counts = { applied: 0, items: 0, rows: 0, partly: 0 };
  #conflicts: number | null = 0;

  take({ facts, index, kind }: ReadEntry): void {
    if (kind !== 'undo-applied') return;
    this.#origin.add(index);
    this.#counts.applied += 1;
    this.#counts.items = sumOf(this.#counts.items, facts['count']);
    this.#counts.rows = sumOf(this.#counts.rows, facts['rows']);
    if (facts['whole'] !== true) this.#counts.partly += 1;
    const conflicts = numberIn(facts['conflicts']);
    this.#conflicts =
      conflicts === null || this.#conflicts === null ? null : sumOf(this.#conflicts, conflicts);
  }

  figures(): ReliabilityReport['undo'] {
    return { ...this.#counts, conflicts: this.#conflicts, source: this.#origin.source() };
  }
}

const RESTORE_KINDS = [
  'restore-came-back',
  'restore-failed',
  'restore-written-back',
  'restore-promoted',
];
const ROW_FACTS = ['inserted', 'setBack', 'deleted'] as const;

export class RestoreTally {
  readonly #origin = new Origin(RESTORE_KINDS);
  readonly #counts = { came: 0, writtenBack: 0, promoted: 0, failed: 0, outOfReach: 0 };
  #rows: number | null = 0;

  take({ facts, index, kind }: ReadEntry): void {
    if (!RESTORE_KINDS.includes(kind)) return;
    this.#origin.add(index);
    switch (kind) {
      case 'restore-came-back':
        this.#counts.came += 1;
        return;
      case 'restore-failed':
        this.#counts[isOutOfReach(facts) ? 'outOfReach' : 'failed'] += 1;
        return;
      default:
        this.#counts[kind === 'restore-promoted' ? 'promoted' : 'writtenBack'] += 1;
        for (const name of ROW_FACTS) this.#addRows(numberIn(facts[name]));
    }
  }

  figures(): ReliabilityReport['restores'] {
    return { ...this.#counts, rows: this.#rows, source: this.#origin.source() };
  }

  #addRows(rows: number | null): void {
    this.#rows = rows === null || this.#rows === null ? null : sumOf(this.#rows, rows);
  }
}

interface Alive {
  readonly issuedMs: number;
  readonly expiresMs: number;
  readonly agent: string;
  readonly entry: number;
}

export class TokenTally {
  readonly #fromMs: number;
  readonly #origin = new Origin(['token-issued', 'token-revoked']);
  readonly #counts = { issued: 0, revoked: 0 };
  readonly #alive = new Map<string, Alive>();
  #oldest: ReliabilityReport['tokens']['oldest'] = null;
  #sweptMs = 0;

  constructor(fromMs: number) {
    this.#fromMs = fromMs;
  }

  take({ facts, index, kind, ms }: ReadEntry, isInPeriod: boolean): void {
    const token = nameIn(facts['token']);
    if (token === null || (kind !== 'token-issued' && kind !== 'token-revoked')) return;
    if (isInPeriod) this.#origin.add(index);
    if (kind === 'token-revoked') {
      if (isInPeriod) this.#counts.revoked += 1;
      this.#end(token, ms, index);
      return;
    }
    if (isInPeriod) this.#counts.issued += 1;
    this.#sweep(ms);
    const expiresMs = Date.parse(String(facts['expires']));
    keepBounded(this.#alive, token, {
      issuedMs: ms,
      expiresMs: Number.isNaN(expiresMs) ? Number.POSITIVE_INFINITY : expiresMs,
      agent: nameIn(facts['agent']) ?? '',
      entry: index,
    });
  }

  /** `endMs`: of the period, or when the report is made where that is earlier. */
  figures(endMs: number): ReliabilityReport['tokens'] {
    for (const token of [...this.#alive.keys()]) this.#end(token, endMs, null);
    return { ...this.#counts, oldest: this.#oldest, source: this.#origin.source() };
  }

  #end(token: string, ms: number, revokedEntry: number | null): void {
    const one = this.#alive.get(token);
    this.#alive.delete(token);
    if (one === undefined) return;
    const untilMs = Math.min(ms, one.expiresMs);
    const ageMs = untilMs - one.issuedMs;
    if (untilMs <= this.#fromMs || ageMs < 0 || ageMs <= (this.#oldest?.ageMs ?? -1)) return;
    const isRevoked = revokedEntry !== null && ms <= one.expiresMs;
    this.#oldest = {
      ageMs,
      token,
      agent: one.agent,
      issuedEntry: one.entry,
      revokedEntry: isRevoked ? revokedEntry : null,
      isAlive: !isRevoked && one.expiresMs > ms,
    };
  }

  /** What ran out is let go of, so that only what is alive takes room. */
  #sweep(nowMs: number): void {
    if (this.#alive.size < 1_000 || nowMs - this.#sweptMs < 60 * SECOND_MS) return;
    this.#sweptMs = nowMs;
    for (const [token, { expiresMs }] of [...this.#alive]) {
      if (expiresMs <= nowMs) this.#end(token, expiresMs, null);
    }
  }
}

function keepBounded<T>(kept: Map<string, T>, key: string, value: T): void {
  kept.set(key, value);
  if (kept.size <= OPEN_MAX) return;
  const [oldest] = kept.keys();
  if (oldest !== undefined) kept.delete(oldest);
}
