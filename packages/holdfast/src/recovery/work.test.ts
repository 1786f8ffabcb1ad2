import { describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import { isWell, type WorkResult } from './work.ts';

const DRILL: DrillResult = {
  format: 'holdfast/drill/1',
  id: '20261128T120000Z-0001',
  target: 'shop',
  vault: 'far',
  point: '20261128T110000Z-0001',
  pointDigest: 'a'.repeat(64),
  goal: { at: null, lsn: '0/1000' },
  startedAt: '2026-11-28T12:00:00.000Z',
  endedAt: '2026-11-28T12:00:09.000Z',
  phases: null,
  rtoMs: null,
  rpoMs: null,
  checks: [],
  verdict: 'passed',
  isolation: null,
  server: null,
};
const NOTHING: WorkResult = {
  ...{ vault: 'far', point: null, drill: null, proof: null },
  notKept: null,
};
const POINT = { id: '20261128T110000Z-0001', endedAt: '2026-11-28T11:00:00.000Z', bytes: 1 };
const PROOF = {
  ...({ verdict: 'PROVEN', why: '', isOutside: true } as const),
  ...{ sameAs: [], sameBlastRadius: [], credentials: [], control: null },
};

describe('whether work went well', () => {
  it('is said of what was asked for, and was found', () => {
    expect(isWell('backup', [{ ...NOTHING, point: POINT }])).toBe(true);
    expect(isWell('backup', [{ ...NOTHING, point: POINT, drill: DRILL }])).toBe(true);
    expect(isWell('drill', [{ ...NOTHING, drill: DRILL }])).toBe(true);
    expect(isWell('prove', [{ ...NOTHING, proof: PROOF }])).toBe(true);
  });

  it.each(['backup', 'drill', 'prove'] as const)(
    'is not said of a %s that left nothing',
    (kind) => {
      expect(isWell(kind, [])).toBe(false);
      expect(isWell(kind, [NOTHING])).toBe(false);
    },
  );

  it('is not said when one of them did not', () => {
    const failed: DrillResult = { ...DRILL, verdict: 'could-not-run' };
    const well = { ...NOTHING, point: POINT, drill: DRILL };
    expect(isWell('drill', [well, { ...NOTHING, drill: failed }])).toBe(false);
    expect(isWell('backup', [well, { ...NOTHING, point: POINT, drill: failed }])).toBe(false);
    expect(isWell('prove', [{ ...NOTHING, proof: { ...PROOF, verdict: 'UNKNOWN' } }])).toBe(false);
  });
});
