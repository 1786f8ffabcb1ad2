import { expect, it } from 'vitest';
import { type Choice, keyName, type Table, wordsOf } from './choice.ts';
import { placesIn } from './loss-map.tsx';
import { oursSince } from './restore-as-of.tsx';
import { progressWords, type Report } from './words.ts';

const TABLE: Table = {
  ...{ schema: 'public', name: 'stays', restoredRows: 3, liveRows: 1, leftOut: [], key: ['id'] },
  rows: {
    ...{ missing: 2, changed: 1, extra: 0 },
    missingKeys: [['1'], ['2']],
    changedKeys: [['3'], [null]],
    extraKeys: [],
  },
};
const NONE: Choice = { tables: [], rows: [], changed: 'keep', extra: 'keep' };

it('asks for nothing before anything is chosen', () => {
  expect(wordsOf(NONE, [TABLE]).tables).toEqual([]);
});

it('asks for the rows that were chosen, and for all of a table that was chosen whole', () => {
  const some = { ...NONE, rows: [keyName(TABLE, ['2']), keyName(TABLE, ['3'])] };
  expect(wordsOf(some, [TABLE]).tables).toEqual([
    { schema: 'public', name: 'stays', keys: [['2'], ['3']] },
  ]);
  const whole = { ...some, tables: [keyName(TABLE, [])] };
  expect(wordsOf(whole, [TABLE]).tables).toEqual([{ schema: 'public', name: 'stays', keys: null }]);
});

it('names no row with a null in its key, and takes no table for another by dots in its name', () => {
  expect(wordsOf({ ...NONE, rows: [keyName(TABLE, [null])] }, [TABLE]).tables).toEqual([]);
  const odd: Table = { ...TABLE, schema: 'a', name: 'b.c' };
  const other: Table = { ...TABLE, schema: 'a.b', name: 'c' };
  const words = wordsOf({ ...NONE, tables: [keyName(odd, [])] }, [odd, other]);
  expect(words.tables).toEqual([{ schema: 'a', name: 'b.c', keys: null }]);
});

const NOWHERE = {
  ...{ host: null, device: null, volume: null, account: null, project: null, endpoint: null },
};

function reportWith(target: object, ...vaults: readonly object[]): Report {
  const vault = (where: object, at: number): Report['vaults'][number] => ({
    ...{ name: `v${at}`, kind: 'local', colour: 'amber', protectsFrom: [], doesNotProtectFrom: [] },
    ...{
      troubles: [],
      hints: [],
      views: [],
      gaps: [],
      sameAs: [],
      points: [],
      lastDrill: null,
      proof: null,
      newestWalAt: null,
    },
    ...{ window: null, others: null, tried: [], history: { drills: [], proofs: [] } },
    whereabouts: { ...NOWHERE, ...where },
  });
  return {
    ...{ format: 'holdfast/recovery-report/1', target: 'shop', at: '2026-11-28T12:00:00.000Z' },
    ...{ isRunning: true, colour: 'amber', because: [], proven: null, outside: null },
    ...{ rpoMs: null, rtoMs: null, snapshots: [] },
    promise: { rpoMs: 1, rtoMs: 1, provenAgeMsMax: 1 },
    facts: { provenAgeMinutes: 1, outsideBlastRadius: false, rpoSeconds: 1, colour: 'amber' },
    whereabouts: { ...NOWHERE, ...target },
    vaults: vaults.map(vault),
  };
}

it('draws one place for what lies in it together', () => {
  const report = reportWith({ host: 'a', device: '7' }, { host: 'a', device: '8' });
  expect(placesIn(report)).toMatchObject([
    { words: 'host a', holds: [null, 'v0'] },
    { words: 'device 7', holds: [null] },
    { words: 'device 8', holds: ['v0'] },
  ]);
});

it('takes a device of another host for another, and what is not known for nothing', () => {
  const report = reportWith({ host: 'a', device: '7' }, { host: 'b', device: '7' }, {});
  const shared = placesIn(report).filter(({ holds }) => holds.length > 1);
  expect(shared).toEqual([]);
});

it('says how far something is, at what rate, and what is left', () => {
  const progress = {
    ...{ phase: 'fetch', doneBytes: 1024, totalBytes: 4096, bytesPerSecond: 512, leftMs: 6_000 },
  };
  expect(progressWords(progress)).toBe(
    'fetching: 1.0 KiB of 4.0 KiB, 512 bytes a second, about 6 s left',
  );
});

it('counts the points of ours that a view leaves out, and none that is not ours or is in it', () => {
  const at = (minute: number): string => `2026-11-28T12:0${minute}:00.000Z`;
  const point = (id: string, minute: number, isSealed: boolean | null) => ({
    ...{ id, endedAt: at(minute), bytes: 1, drill: null, drilledAt: null, isSealed },
    seal: isSealed === true ? ('ours' as const) : ('none' as const),
  });
  const [vault] = reportWith({}, {}).vaults;
  if (vault === undefined) throw new Error('no vault');
  const now = {
    ...vault,
    points: [
      point('p1', 1, true),
      point('p2', 2, true),
      point('p3', 3, null),
      point('p4', 4, true),
    ],
  };
  const view = {
    ...{ vault: 'v0', asOf: at(1), view: 'By its own word.', window: { from: at(1), to: at(1) } },
    points: [{ id: 'p1', endedAt: at(1), drilledAt: null, isSealed: true }],
  };
  expect(oursSince(view, now)).toBe(2);
  expect(oursSince({ ...view, points: now.points }, now)).toBe(0);
});
