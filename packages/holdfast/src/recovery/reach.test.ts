import { describe, expect, it } from 'vitest';
import type { StreamState } from './engines/engine.ts';
import { reachOf, reachOfDumps } from './reach.ts';
import type { StoredPoint } from './recovery-point.ts';
import type { Vault } from './vaults/vault.ts';

const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 28, 4, minute));
const dump = (minute: number, followed: boolean, carriesAll = true): StoredPoint => ({
  format: 'holdfast/point/1',
  id: `p${minute}`,
  target: 'shop',
  engine: 'dump',
  server: { version: 150_000, systemIdentifier: '7', walSegmentBytes: 1, hasChecksums: false },
  wal: followed ? { timeline: 1, startLsn: '0/10', endLsn: '0/10' } : null,
  dump: { structure: 'x', carriesAll },
  startedAt: at(minute).toISOString(),
  endedAt: at(minute + 5).toISOString(),
  files: [],
  prior: null,
  recipients: [],
  previous: null,
  digest: 'd',
});
const state = (changes: Partial<StreamState>): StreamState => ({
  isStreaming: true,
  timeline: 0,
  durableLsn: null,
  heardAt: null,
  durableAt: at(59),
  trouble: null,
  hasGap: false,
  ...changes,
});
async function* nothing(): AsyncIterable<never> {}
const never = (): never => {
  throw new Error('only listed');
};
const vault: Vault = {
  name: 'empty',
  kind: 'local',
  list: nothing,
  put: never,
  get: never,
  stat: never,
  look: never,
  close: async () => {},
};

describe('how far dumps reach', () => {
  it('is the moment that the newest began with, where nothing follows it', async () => {
    const reach = await reachOfDumps([dump(0, false), dump(20, false)], null, vault);
    expect(reach).toEqual({ durableAt: at(20), window: { from: at(20), to: at(20) }, by: 'dump' });
  });

  it('is what the stream has stored, where it carries everything', async () => {
    const reach = await reachOfDumps([dump(0, true), dump(20, true)], state({}), vault);
    expect(reach).toEqual({
      durableAt: at(59),
      window: { from: at(5), to: at(59) },
      by: 'changes',
    });
  });

  const less: readonly [story: string, points: readonly StoredPoint[], state: StreamState][] = [
    [
      'a table that is not carried now',
      [dump(20, true)],
      state({ notCarried: ['Changes of one.'] }),
    ],
    ['a table that was not carried then', [dump(20, true, false)], state({})],
    ['a hole', [dump(20, true)], state({ hasGap: true })],
    ['a newest dump that nothing follows', [dump(0, true), dump(20, false)], state({})],
  ];
  it.for(less)(
    'counts from the dump for %s, however fresh the stream is',
    async ([, points, now]) => {
      expect(await reachOfDumps(points, now, vault)).toMatchObject({
        durableAt: at(20),
        by: 'dump',
      });
    },
  );

  it('is nowhere without a point', async () => {
    expect((await reachOfDumps([], state({}), vault)).durableAt).toBeNull();
  });
});

describe('how far pulled points reach', () => {
  const pulled = (minute: number): StoredPoint => ({ ...dump(minute, true), engine: 'pull' });
  const reach = (now: StreamState | null) =>
    reachOf([pulled(0), pulled(20)], now, vault, async () => at(40));

  it('is what the stream has stored, else what lies there', async () => {
    const window = { from: at(5), to: at(59) };
    expect(await reach(state({}))).toEqual({ durableAt: at(59), window, by: 'WAL' });
    expect(await reach(null)).toMatchObject({ durableAt: at(40), window: { to: at(40) } });
  });

  it('ends with the newest point where WAL is lost after it, however fresh the stream is', async () => {
    expect(await reach(state({ hasGap: true }))).toEqual({
      durableAt: null,
      window: { from: at(5), to: at(25) },
      by: 'WAL',
    });
  });
});
