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
  type Vault = TargetReport['vaults'][number];
  type More = Partial<Pick<Vault, 'gapDrill' | 'others'>>;
  function linesOf(point: Partial<Point>, more: More = {}): readonly string[] {
    return reported(point, more).filter((line) => /^ {4}(point|drill due|of before) /.test(line));
  }
  function reported(
    point: Partial<Point>,
    { gapDrill = null, others = null }: More,
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
          ...{ newestWalAt: null, window: null, gaps: [], others, whereabouts: NOWHERE, gapDrill },
          history: { drills: [], proofs: [] },
        },
      ],
    };
    return reportLines(report, NOW, PLAIN);
  }

  it.for([
    ['that a drill of it passed', { drill: 'passed', drilledAt: THREE_HOURS_AGO }, /proven 3 h 0 min ago by a drill$/],
    ['that none did', {}, /no drill of this point has passed$/],
    ['that one failed', { drill: 'failed' }, /drill FAILED$/],
    ['that one could not run, and an earlier one passed', { drill: 'could-not-run', drilledAt: THREE_HOURS_AGO }, /drill could not run, proven 3 h 0 min ago by a drill$/],
    ['that it is from before seals', { seal: 'none', isSealed: false }, /has passed {2}from before seals$/],
    ['that one that is not ours came back, which proves nothing', { seal: 'foreign', isSealed: null, drill: 'passed', drilledAt: THREE_HOURS_AGO }, /^ {4}of before .* came back 3 h 0 min ago by a drill {2}sealed with a key/],
    ['that its key is not here', { seal: 'foreign', isSealed: null }, /has passed {2}sealed with a key that is not here$/],
  ] as const)('say %s', ([, point, said]) => {
    const [line = '', ...more] = linesOf(point);
    expect(line).toMatch(said);
    expect(more).toEqual([]);
  }); // biome-ignore format: one story a line

  it('say that a gap asks for a drill of the newest, and from when on', () => {
    const due = (from: string) => linesOf({}, { gapDrill: { point: 'p1\u001b[2K', from } })[1];
    expect(due(THREE_HOURS_AGO)).toMatch(/^ {4}drill due {3}of p1.*, because of a gap$/);
    expect(due('2026-11-28T13:00:00.000Z')).toContain(', because of a gap, from 2026-11-28 ');
    expect(due(THREE_HOURS_AGO)).not.toContain('\u001b');
  });

  it('are told apart from what lay there before, with how far that reaches and what to type', () => {
    const theirs = { seal: 'foreign', isSealed: null } as const;
    const before = { from: '2026-11-01T04:00:00.000Z', to: '2026-11-27T23:59:00.000Z' };
    const others = { points: 3, foreign: 2, records: 7, newest: 'p1', ...before };
    const lines = reported(theirs, { others });
    const at = lines.indexOf('    points      none');
    expect(lines[at - 1]).toBe('    newest WAL  none');
    expect(lines.slice(lines.findIndex((line) => line.includes('not counted')))).toEqual([
      '    not counted 3 points from before the first of this installation',
      '                2 points of another installation, or of somebody who says so: the key is not here',
      '                1 point of this installation, taken into another vault',
      '                beside 7 drills and proofs that nobody here can tell, either',
      '    they reach  2026-11-01 04:00 UTC to 2026-11-27 23:59 UTC, by their own words and as far as a listing tells',
      '    of before   p1  3 h 0 min ago  1.0 kB  no drill of this point has passed  sealed with a key that is not here',
      '    to try one  holdfast recovery drill shop --vault far --point p1',
      '    bring back  holdfast restore shop --vault far --point p1 --diff',
    ]);
  });

  it('show a name that moves the cursor as it is', () => {
    expect(linesOf({ id: 'p1\u001b[2K' }).join()).not.toContain('\u001b');
  });
});
