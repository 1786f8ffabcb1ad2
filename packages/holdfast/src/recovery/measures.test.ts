/** What is written of how a target stood: at once, once an hour, and the rest at the end. */
import { beforeEach, expect, it } from 'vitest';
import { NOTHING_PROVEN } from '../model/recovery-facts.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Measures } from './measures.ts';
import type { TargetReport } from './target-report.ts';

const MINUTE = 60_000;
let clock: ManualClock;
let measures: Measures;

beforeEach(() => {
  clock = new ManualClock('2026-11-21T09:00:00.000Z');
  measures = new Measures(clock);
});

function report(rpoMs: number | null, more: Partial<TargetReport> = {}): TargetReport {
  return {
    whereabouts: {
      ...{ host: null, device: null, volume: null, account: null, project: null, endpoint: null },
    },
    snapshots: [],
    format: 'holdfast/recovery-report/1',
    target: 'shop',
    at: clock.now().toISOString(),
    isRunning: true,
    colour: 'green',
    because: [],
    proven: null,
    outside: null,
    rpoMs,
    rtoMs: 3_000,
    promise: { rpoMs: 60_000, rtoMs: 900_000, provenAgeMsMax: 1_000 },
    facts: NOTHING_PROVEN,
    vaults: [],
    ...more,
  };
}

it('the first look is written at once, so that soon there is something', () => {
  expect(measures.look(report(250))).toMatchObject({
    kind: 'recovery-measured',
    facts: { target: 'shop', from: '2026-11-21T09:00:00.000Z', looks: 1, green: 1, rpoMs: 250 },
  });
  expect(measures.look(report(260))).toBeNull();
});

it('an hour has its worst, how often it was late, and how often nothing reached a vault', () => {
  measures.look(report(1));
  for (const rpoMs of [400, 90_000, null, 60_000]) {
    clock.pass(4 * MINUTE);
    const colour = rpoMs === null ? 'red' : 'amber';
    expect(measures.look(report(rpoMs, { colour }))).toBeNull();
  }
  for (let looks = 0; looks < 10; looks += 1) {
    clock.pass(4 * MINUTE);
    expect(measures.look(report(500))).toBeNull();
  }
  clock.pass(4 * MINUTE);
  const event = measures.look(report(500));
  expect(event?.facts).toEqual({
    target: 'shop',
    from: '2026-11-21T09:00:00.000Z',
    to: '2026-11-21T10:00:00.000Z',
    looks: 15,
    late: 2,
    without: 1,
    green: 11,
    amber: 3,
    red: 1,
    rpoMs: 90_000,
    rtoMs: 3_000,
    promisedRpoMs: 60_000,
    promisedRtoMs: 900_000,
    promisedProvenAgeMs: 1_000,
  });
});

it('hours in which nobody looked are covered by no entry', () => {
  measures.look(report(250));
  clock.pass(MINUTE);
  expect(measures.look(report(250))).toBeNull();
  clock.pass(180 * MINUTE);
  expect(measures.look(report(250))?.facts).toMatchObject({
    from: '2026-11-21T09:00:00.000Z',
    to: '2026-11-21T09:01:00.000Z',
    looks: 1,
  });
  clock.pass(MINUTE);
  measures.look(report(250));
  const [rest] = measures.rest();
  expect(rest?.facts).toMatchObject({ from: '2026-11-21T12:01:00.000Z', looks: 2 });
});

it('what was never known has no number', () => {
  expect(measures.look(report(null))?.facts).toMatchObject({ rpoMs: null, late: 1, without: 1 });
});

it('at the end the rest is written, once, and not where nothing was looked at', () => {
  measures.look(report(1));
  expect(measures.rest()).toEqual([]);
  measures.look(report(1));
  clock.pass(MINUTE);
  measures.look(report(700));
  measures.look(report(5, { target: 'other' }));
  const rest = measures.rest();
  expect(rest.map(({ facts }) => [facts['target'], facts['looks'], facts['rpoMs']])).toEqual([
    ['shop', 1, 700],
  ]);
  expect(measures.rest()).toEqual([]);
});

it('a wall clock that is set does not make an hour', () => {
  measures.look(report(1));
  clock.jump(5 * 60 * MINUTE);
  expect(measures.look(report(2))).toBeNull();
});
