import { describe, expect, it } from 'vitest';
import type { SealVerdict } from './point-seal.ts';
import { type SealedPoint, sortPoints } from './point-trust.ts';
import { aStoredPoint } from './testing/a-point.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 28, 4, minute)).toISOString();
const one = (id: string, minute: number, verdict: SealVerdict): SealedPoint => ({
  point: aStoredPoint(id, { endedAt: at(minute) }),
  verdict,
});
function sorted(...points: readonly SealedPoint[]) {
  const { others, ours, strangers, unsealed } = sortPoints(points);
  const ids = (of: readonly SealedPoint[]) => of.map(({ point }) => point.id);
  return {
    ours: ours.map(({ id }) => id),
    unsealed: unsealed.map(({ id }) => id),
    others: ids(others),
    strangers: ids(strangers),
  };
}

describe('which points of a vault count', () => {
  it('are those of ours; what is older than all of them has its reasons to be there', () => {
    expect(
      sorted(
        one('p1', 1, 'none'),
        one('p2', 2, 'foreign'),
        one('p3', 3, 'elsewhere'),
        one('p4', 4, 'ours'),
        one('p5', 5, 'ours'),
      ),
    ).toEqual({ ours: ['p4', 'p5'], unsealed: ['p1'], others: ['p2', 'p3'], strangers: [] });
  });

  it('are not those that came after ours, whatever seal they wear', () => {
    const after = (['none', 'foreign', 'elsewhere', 'broken'] as const).map((verdict, index) =>
      one(`p${index + 5}`, index + 5, verdict),
    );
    const found = sorted(one('p4', 4, 'ours'), ...after);
    expect(found).toMatchObject({ ours: ['p4'], unsealed: [], others: [] });
    expect(found.strangers).toEqual(['p5', 'p6', 'p7', 'p8']);
  });

  it('are not those with an old name and a young time, or the other way round', () => {
    const found = sorted(one('p1', 59, 'none'), one('p4', 4, 'ours'), one('p9', 1, 'none'));
    expect(found).toMatchObject({ unsealed: [], strangers: ['p1', 'p9'] });
  });

  it('are none where there is none of ours yet: what is broken is a stranger even then', () => {
    expect(sorted(one('p1', 1, 'none'), one('p2', 2, 'broken'), one('p3', 3, 'foreign'))).toEqual({
      ours: [],
      unsealed: ['p1'],
      others: ['p3'],
      strangers: ['p2'],
    });
  });
});
