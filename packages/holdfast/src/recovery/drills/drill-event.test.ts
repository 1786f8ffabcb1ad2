import { expect, it } from 'vitest';
import { drillEvent } from './drill-event.ts';
import type { DrillResult } from './drill-result.ts';

const DRILL: DrillResult = {
  ...{ format: 'holdfast/drill/1', id: 'd1', target: 'shop', vault: 'far', point: 'p1' },
  ...{ pointDigest: 'a'.repeat(64), goal: { at: null, lsn: null }, phases: null },
  ...{ startedAt: '2026-11-28T12:00:00.000Z', endedAt: '2026-11-28T12:00:09.000Z' },
  ...{ rtoMs: 900, rpoMs: null, verdict: 'passed', isolation: null, server: null },
  checks: [{ name: 'recovered', end: 'passed', said: 'It did.' }],
};

it.each([
  ['passed', 'drill-passed'],
  ['failed', 'drill-failed'],
  ['could-not-run', 'drill-not-run'],
] as const)('tells of a drill that %s as what it is', (verdict, kind) => {
  expect(drillEvent({ ...DRILL, verdict })).toMatchObject({ kind, facts: { rtoMs: 900 } });
});

it.each([
  ['passed', 'foreign'],
  ['failed', 'foreign'],
  ['passed', 'elsewhere'],
] as const)(
  'tells of one that %s and is %s as nothing that counts, nor as an incident',
  (verdict, seal) => {
    const { facts, kind } = drillEvent({ ...DRILL, verdict, seal });
    expect(kind).toBe('drill-of-other');
    expect(facts).toMatchObject({ verdict, seal, point: 'p1' });
    // What a report counts by.
    expect(Object.hasOwn(facts, 'rtoMs')).toBe(false);
  },
);
