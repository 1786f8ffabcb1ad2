import { describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import { triedOf } from './proof-shape.ts';
import { historyOf } from './report-history.ts';
import { HISTORY_MAX } from './target-report.ts';

function drillAt(minute: number, verdict: DrillResult['verdict']): DrillResult {
  const at = new Date(Date.UTC(2026, 10, 28, 0, minute)).toISOString();
  return {
    ...{ format: 'holdfast/drill/1', id: `d${minute}`, target: 'shop', vault: 'here' },
    ...{ point: 'p1', pointDigest: 'a'.repeat(64), goal: { at: null, lsn: null } },
    ...{ startedAt: at, endedAt: at, phases: null, rtoMs: 10, rpoMs: 0, verdict },
    checks: [
      { name: 'recovered', end: 'passed', said: 'It came back.' },
      ...(verdict === 'passed'
        ? []
        : [{ name: 'tables', end: 'failed', said: 'Rows are missing.' } as const]),
    ],
    ...{ isolation: null, server: null },
  };
}

describe('what was found over time', () => {
  it('is by time whatever the order in the vault, and says why what failed did', () => {
    const { drills } = historyOf([drillAt(2, 'failed'), drillAt(1, 'passed')], []);
    expect(drills.map(({ id, reason }) => [id, reason])).toEqual([
      ['d1', null],
      ['d2', 'Rows are missing.'],
    ]);
  });

  it('keeps the newest of many', () => {
    const many = Array.from({ length: HISTORY_MAX + 5 }, (_, at) => drillAt(at, 'passed'));
    const { drills } = historyOf(many, []);
    expect(drills).toHaveLength(HISTORY_MAX);
    expect(drills.at(-1)?.id).toBe(`d${HISTORY_MAX + 4}`);
  });

  it('cuts what a storage answered at length, and a crowd of credentials', () => {
    const act = { words: 'delete it', outcome: 'refused', answer: 'x'.repeat(100_000) };
    const one = { name: 'n', kind: 's3', verdict: 'PROVEN', why: 'w', acts: Array(500).fill(act) };
    const tried = triedOf(Array(500).fill(one));
    expect(JSON.stringify(tried).length).toBeLessThan(1_000_000);
    expect(tried[0]?.acts[0]?.answer.endsWith(' …')).toBe(true);
  });
});
