import { describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import { dueWork, type WorkState } from './due-work.ts';
import { type FruitlessDrill, type GapFacts, gapDrillOf, gapDrillWords } from './gap-drill.ts';
import type { StoredPoint } from './recovery-point.ts';
import { aStoredPoint } from './testing/a-point.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Minutes of one day and more. */
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 28) + minute * MINUTE_MS);
const point = (id: string, minute: number): StoredPoint =>
  aStoredPoint(id, { startedAt: at(minute - 1).toISOString(), endedAt: at(minute).toISOString() });

function drill(
  of: StoredPoint,
  minute: number,
  verdict: DrillResult['verdict'],
  minutes = 1,
): DrillResult {
  return {
    ...{ format: 'holdfast/drill/1', id: `d-${minute}`, target: 'shop', vault: 'far' },
    ...{ point: of.id, pointDigest: of.digest, goal: { at: null, lsn: null }, phases: null },
    ...{ startedAt: at(minute - minutes).toISOString(), endedAt: at(minute).toISOString() },
    ...{ rtoMs: null, rpoMs: null, checks: [], verdict, isolation: null, server: null },
  };
}

const [p1, p2, p3] = [point('p1', 0), point('p2', 600), point('p3', 700)];
/** WAL was lost between p1, which is proven, and p2. */
const GAP: GapFacts = {
  now: at(601),
  points: [p1, p2],
  holed: new Set([p1.digest]),
  drills: [drill(p1, 5, 'passed')],
  fruitless: [],
  hasGap: false,
  isSmall: false,
};
const asked = (changes: Partial<GapFacts>) => gapDrillOf({ ...GAP, ...changes });
const proven = drill(p1, 5, 'passed');

describe('the drill that a gap asks for', () => {
  it('is of the first point behind it, and at once', () => {
    const found = asked({});
    expect(found).toMatchObject({ point: 'p2', failures: 0 });
    expect(found?.from.getTime()).toBeLessThanOrEqual(GAP.now.getTime());
  });

  it.for<[string, Partial<GapFacts>]>([
    ['nothing is missing', { holed: new Set() }],
    ['what lies before the gap was never proven: the schedule drills it', { drills: [] }],
    ['the point behind it is proven', { drills: [proven, drill(p2, 602, 'passed')] }],
    ['the point behind it does not come back', { drills: [proven, drill(p2, 602, 'failed')] }],
    ['something is missing again, and a new point comes first', { hasGap: true }],
    ['there is no point', { points: [] }],
    [
      'an older gap is passed by what is proven',
      { points: [p1, p2, p3], drills: [proven, drill(p2, 602, 'passed')] },
    ],
  ])('is none where %s', ([, changes]) => expect(asked(changes)).toBeNull());

  it('is of the newest where points were taken since, once for all gaps before it', () => {
    const points = [p1, p2, p3];
    const holed = new Set([p1.digest, p2.digest]);
    expect(asked({ points, holed })?.point).toBe('p3');
    const drills = [proven, drill(p3, 702, 'passed')];
    expect(asked({ points, holed, drills })).toBeNull();
  });

  it('is asked for still when another point.json lies under the name that was drilled', () => {
    const other = drill({ ...p2, digest: 'f'.repeat(64) }, 500, 'passed');
    expect(asked({ drills: [proven, other] })?.point).toBe('p2');
  });

  it('comes no sooner than an hour after any drill, or than that took', () => {
    const points = [p1, p2];
    const short = asked({ points, drills: [proven, drill(p1, 590, 'passed', 10)] });
    expect(short?.from).toEqual(at(590 + 60));
    const long = asked({ points, drills: [proven, drill(p1, 590, 'passed', 240)] });
    expect(long?.from).toEqual(at(590 + 240));
  });

  it('waits twice as long with each that did not pass, and no longer than a day', () => {
    const points = [p1, ...Array.from({ length: 9 }, (_, n) => point(`q${n}`, 600 + n)), p3];
    const pauses = [1, 2, 3, 4, 5, 6, 7].map((count) => {
      const failed = points.slice(1, 1 + count).map((one, n) => drill(one, 600 + n, 'failed'));
      const found = asked({ points, drills: [proven, ...failed], now: at(700) });
      expect(found?.failures).toBe(count);
      return ((found?.from.getTime() ?? 0) - at(600 + count - 1).getTime()) / HOUR_MS;
    });
    expect(pauses).toEqual([1, 2, 4, 8, 16, 24, 24]);
  });

  it('counts what left no record in the vault as well', () => {
    const unkept: FruitlessDrill[] = [601, 662].map((minute) => ({
      ...{ point: 'p2', endedAt: at(minute) },
    }));
    expect(asked({ fruitless: unkept, now: at(663) })).toMatchObject({
      ...{ failures: 2, from: at(662 + 120) },
    });
    // Of nobody knows which, and of one before the gap.
    const [one] = unkept;
    const others = [
      { point: null, endedAt: at(601) },
      { point: 'p1', endedAt: at(602) },
    ];
    expect(asked({ fruitless: others })?.failures).toBe(1);
    expect(asked({ fruitless: one === undefined ? [] : [one] })?.failures).toBe(1);
  });

  it('waits six hours where it could not run', () => {
    const found = asked({ drills: [proven, drill(p2, 602, 'could-not-run')], now: at(603) });
    expect(found).toMatchObject({ point: 'p2', failures: 1, from: at(602 + 360) });
  });

  it('waits for nothing in a small database, which is drilled after each backup', () => {
    const drills = [proven, drill(p1, 590, 'passed', 240)];
    expect(asked({ drills, isSmall: true })?.from).toEqual(GAP.now);
  });

  it('is not brought forward by a clock that went back', () => {
    const drills = [proven, drill(p1, 9_000, 'passed')];
    expect(asked({ drills })?.from).toEqual(at(601 + 60));
  });

  it('is said in a sentence', () => {
    const now = at(601);
    const words = (failures: number, minute: number) =>
      gapDrillWords({ point: 'p2', failures, from: at(minute) }, 'far', now);
    expect(words(0, 600)).toBe('A drill of p2 in far is due because of the gap, now.');
    expect(words(1, 661)).toBe(
      'A drill of p2 in far is due because of the gap, from 2026-11-28T11:01:00.000Z on, since one before it did not pass.',
    );
    expect(words(3, 661)).toContain('since 3 before it did not pass');
  });
});

/** A gateway that looks every minute, drills one at a time, and takes a point at once where WAL was lost. */
function day(
  gapEveryMinutes: number,
  drillMinutes: number,
  ends: (count: number) => DrillResult['verdict'],
  isKept = true,
) {
  const points: StoredPoint[] = [point('first', 0)];
  const [first] = points;
  if (first === undefined) throw new Error('no point');
  const drills: DrillResult[] = [drill(first, 1, 'passed')];
  const fruitless: FruitlessDrill[] = [];
  const begun: number[] = [];
  let holed = new Set<string>();
  let triedAt: WorkState['triedAt'] = {};
  let busyUntil = 0;
  for (let minute = 120; minute < 120 + 20 * 60; minute += 1) {
    if (minute < busyUntil) continue;
    if (minute % gapEveryMinutes === 0) {
      holed = new Set(points.map(({ digest }) => digest));
      points.push(point(`p${minute}`, minute));
    }
    const newest = points.at(-1) ?? first;
    const now = at(minute);
    const found = gapDrillOf({
      ...{ now, points, holed, drills, fruitless, hasGap: false, isSmall: false },
    });
    const due = dueWork({
      ...{ now, backupEveryMs: 24 * HOUR_MS, drillEveryMs: 24 * HOUR_MS, needsPoint: false },
      ...{ newestPointAt: new Date(newest.endedAt), canBeDrilled: true, isNewestDrilled: false },
      ...{ isSmall: false, canDrill: true, canProve: false, lastProofAt: null, triedAt },
      lastDrillAt: new Date(drills.at(-1)?.endedAt ?? 0),
      gapDrillFrom: found?.from ?? null,
    });
    if (due !== 'gap-drill') continue;
    begun.push(minute);
    triedAt = { drill: now };
    busyUntil = minute + drillMinutes;
    const verdict = ends(begun.length);
    if (isKept) drills.push(drill(newest, busyUntil, verdict, drillMinutes));
    if (verdict !== 'passed') fruitless.push({ point: newest.id, endedAt: at(busyUntil) });
  }
  return begun;
}

describe('drills over a day', () => {
  it('are one after one gap', () => expect(day(600, 30, () => 'passed')).toEqual([600, 1200]));

  it('take less than half of the time where a gap follows the other', () => {
    expect(day(10, 5, () => 'passed').length).toBeLessThanOrEqual(20);
    const long = day(10, 180, () => 'passed');
    expect(long.length).toBeGreaterThan(1);
    expect(long.length * 180).toBeLessThanOrEqual(20 * 60 * 0.6);
  });

  it.each([
    ['fail', 'failed', true],
    ['cannot run', 'could-not-run', true],
    ['leave nothing in the vault', 'failed', false],
  ] as const)('become rare where they %s', (_story, verdict, isKept) => {
    const begun = day(10, 5, () => verdict, isKept);
    expect(begun.length).toBeGreaterThan(1);
    expect(begun.length).toBeLessThanOrEqual(6);
    const pauses = begun.slice(1).map((minute, n) => minute - (begun[n] ?? 0));
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b));
  });

  it('end with the first that passes after some that did not', () => {
    const begun = day(700, 5, (count) => (count === 1 ? 'could-not-run' : 'passed'));
    expect(begun).toEqual([700, 700 + 5 + 360]);
    const never = day(700, 5, () => 'could-not-run');
    expect(never).toEqual(begun);
  });
});
