import { describe, expect, it } from 'vitest';
import type { TargetReport } from '../recovery/target-report.ts';
import type { Paint } from './print.ts';
import { reportLines } from './recovery-words.ts';
import { pointLines } from './restore-words.ts';

const plain = (text: string): string => text;
const PLAIN: Paint = { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };
const NOW = new Date('2026-11-28T12:00:00Z');
const THREE_HOURS_AGO = '2026-11-28T09:00:00.000Z';

describe('what is said of the point that a target came back from', () => {
  const words = (drilledAt: string | null, isSealed: boolean | null) =>
    pointLines({ drilledAt, isSealed }, NOW, PLAIN);

  it('is when a drill of it passed, or that none did', () => {
    expect(words(THREE_HOURS_AGO, true)).toEqual([
      'Proven 3 h 0 min ago by a drill of this point.',
    ]);
    expect(words(null, true)).toEqual(['No drill of this point is known here to have passed.']);
  });

  it('is whose it is where that is not plain, in one sentence', () => {
    expect(words(null, null)[1]).toBe(
      'It is sealed with a key that is not here: nobody can tell whether the point is of your own Holdfast.',
    );
    expect(words(null, false)[1]).toBe(
      'It has no seal of this Holdfast: whoever can write into the vault may have made it.',
    );
  });
});

describe('the points of a vault in the status', () => {
  type Point = TargetReport['vaults'][number]['points'][number];
  const NOWHERE = {
    ...{ host: null, device: null, volume: null, account: null, project: null, endpoint: null },
  };
  function linesOf(
    point: Partial<Point>,
    gapDrill: TargetReport['vaults'][number]['gapDrill'] = null,
  ): readonly string[] {
    const points: Point[] = [
      {
        ...{ id: 'p1', endedAt: THREE_HOURS_AGO, bytes: 1_000, prior: null, fullBecause: null },
        ...{ drill: null, drilledAt: null, seal: 'ours', isSealed: true, ...point },
      },
    ];
    const report: TargetReport = {
      ...{ format: 'holdfast/recovery-report/1', target: 'shop', at: NOW.toISOString() },
      ...{ isRunning: true, colour: 'red', because: [], proven: null, outside: null },
      ...{ rpoMs: null, rtoMs: null, whereabouts: NOWHERE, snapshots: [] },
      promise: { rpoMs: 1, rtoMs: 1, provenAgeMsMax: 1 },
      facts: { provenAgeMinutes: 1, outsideBlastRadius: false, rpoSeconds: 1, colour: 'red' },
      vaults: [
        {
          ...{ name: 'far', kind: 's3', colour: 'red', protectsFrom: [], doesNotProtectFrom: [] },
          ...{
            troubles: [],
            hints: [],
            views: [],
            sameAs: [],
            points,
            lastDrill: null,
            proof: null,
            tried: [],
          },
          ...{ newestWalAt: null, window: null, whereabouts: NOWHERE, gapDrill },
          history: { drills: [], proofs: [] },
        },
      ],
    };
    return reportLines(report, NOW, PLAIN).filter((line) => /^ {4}(point|drill due) /.test(line));
  }

  it.for([
    ['that a drill of it passed', { drill: 'passed', drilledAt: THREE_HOURS_AGO }, /proven 3 h 0 min ago by a drill$/],
    ['that none did', {}, /no drill of this point has passed$/],
    ['that one failed', { drill: 'failed' }, /drill FAILED$/],
    ['that one could not run, and an earlier one passed', { drill: 'could-not-run', drilledAt: THREE_HOURS_AGO }, /drill could not run, proven 3 h 0 min ago by a drill$/],
    ['that it is from before seals', { seal: 'none', isSealed: false }, /has passed {2}from before seals$/],
    ['that its key is not here', { seal: 'foreign', isSealed: null }, /has passed {2}sealed with a key that is not here$/],
  ] as const)('say %s', ([, point, said]) => {
    const [line = '', ...more] = linesOf(point);
    expect(line).toMatch(said);
    expect(more).toEqual([]);
  }); // biome-ignore format: one story a line

  it('say that a gap asks for a drill of the newest, and from when on', () => {
    const due = (from: string) => linesOf({}, { point: 'p1\u001b[2K', from })[1];
    expect(due(THREE_HOURS_AGO)).toMatch(/^ {4}drill due {3}of p1.*, because of a gap$/);
    expect(due('2026-11-28T13:00:00.000Z')).toContain(', because of a gap, from 2026-11-28 ');
    expect(due(THREE_HOURS_AGO)).not.toContain('\u001b');
  });

  it('show a name that moves the cursor as it is', () => {
    expect(linesOf({ id: 'p1\u001b[2K' }).join()).not.toContain('\u001b');
  });
});
