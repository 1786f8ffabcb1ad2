import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DrillResult } from './drills/drill-result.ts';
import { pieceKey as changesKey } from './engines/dump/pieces.ts';
import type { StreamState } from './engines/engine.ts';
import { pieceKey, wholeKey } from './engines/pull/wal-listing.ts';
import { gapDrillOf } from './gap-drill.ts';
import { lsnText } from './lsn.ts';
import { oneChunk } from './object-bytes.ts';
import { gapsBetween, PointReach } from './point-reach.ts';
import { reachOf } from './reach.ts';
import type { StoredPoint } from './recovery-point.ts';
import { factsOf, standingOf, type VaultEvidence } from './standing.ts';
import { aStoredPoint } from './testing/a-point.ts';
import { FolderVault } from './testing/folder-vault.ts';
import type { Vault } from './vaults/vault.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-reach-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const SEGMENT = 1 << 20;
const KEPT = { retainUntil: new Date(0) };
const at = (minute: number): Date => new Date(Date.UTC(2026, 10, 28, 4, minute));
const NOW = at(59);
const PROMISE = { rpoMs: 2 * 60_000, rtoMs: 60_000, provenAgeMsMax: 3_600_000 };
let folders = 0;

/** Lists are counted: what is known is not listed again. */
function aVault() {
  folders += 1;
  const folder = new FolderVault(join(root, `${folders}`));
  const lists: string[] = [];
  const vault: Vault = {
    ...{ name: 'folder', kind: 'local' },
    list: (prefix, asOf) => {
      lists.push(prefix);
      return folder.list(prefix, asOf);
    },
    put: (...order) => folder.put(...order),
    get: (object) => folder.get(object),
    stat: (object) => folder.stat(object),
    look: () => folder.look(),
    close: async () => {},
  };
  const put = async (key: string, minute: number): Promise<void> => {
    folder.storedAt = () => at(minute);
    await folder.put(key, oneChunk(Buffer.from('x')), KEPT);
  };
  return {
    vault,
    lists,
    /** Whole segments of a timeline, each stored a minute after the one before. */
    wal: async (from: number, to: number, minute: number, timeline = 1): Promise<void> => {
      for (let number = from; number <= to; number += 1) {
        const place = { timeline, start: BigInt(number * SEGMENT) };
        await put(wholeKey('shop', '77', place, SEGMENT), minute + number - from);
      }
    },
    part: (number: number, to: number, minute: number, timeline = 1) => {
      const place = { timeline, start: BigInt(number * SEGMENT) };
      return put(pieceKey('shop', '77', place, SEGMENT, { from: 0, to }), minute);
    },
    changes: (from: bigint, to: bigint, minute: number) =>
      put(changesKey('shop', '77', { from, to, part: 0, session: 'aaaaaaaa' }), minute),
  };
}

/** A base backup that begins in a segment and is whole at a minute. */
function pulled(id: string, segment: number, minute: number, timeline = 1): StoredPoint {
  const lsn = (bytes: number): string => lsnText(BigInt(segment * SEGMENT + bytes));
  return aStoredPoint(id, {
    server: { ...aStoredPoint(id).server, walSegmentBytes: SEGMENT },
    wal: { timeline, startLsn: lsn(40), endLsn: lsn(90) },
    startedAt: at(minute - 1).toISOString(),
    endedAt: at(minute).toISOString(),
  });
}

function dumped(id: string, lsn: bigint | null, minute: number, structure = 'x'): StoredPoint {
  const text = lsnText(lsn ?? 0n);
  return aStoredPoint(id, {
    engine: 'dump',
    wal: lsn === null ? null : { timeline: 1, startLsn: text, endLsn: text },
    dump: { structure, carriesAll: true },
    startedAt: at(minute).toISOString(),
    endedAt: at(minute + 1).toISOString(),
  });
}

function stream(changes: Partial<StreamState> = {}): StreamState {
  return {
    ...{ isStreaming: true, timeline: 1, durableLsn: null, heardAt: null },
    ...{ durableAt: NOW, trouble: null, hasGap: false, ...changes },
  };
}

function drill(point: StoredPoint, minute: number): DrillResult {
  return {
    ...{ format: 'holdfast/drill/1', id: `d-${point.id}`, target: 'shop', vault: 'folder' },
    ...{ point: point.id, pointDigest: point.digest, goal: { at: null, lsn: null } },
    ...{ startedAt: at(minute).toISOString(), endedAt: at(minute).toISOString(), phases: null },
    ...{ rtoMs: 1_000, rpoMs: null, verdict: 'passed', isolation: null, server: null },
    checks: [{ name: 'tables', end: 'passed', said: '' }],
  };
}

/** As the keeper of the target puts it together. */
async function evidenceOf(
  vault: Vault,
  name: string,
  points: readonly StoredPoint[],
  proven: readonly StoredPoint[],
  state: StreamState | null,
): Promise<VaultEvidence> {
  const reach = new PointReach(vault);
  const newest = points.at(-1);
  const { by, durableAt } = await reachOf(points, state, vault, async () =>
    newest === undefined ? null : reach.endOf(newest),
  );
  const { holed, reaches } = await reach.of(points, durableAt);
  const drills = proven.map((point) => drill(point, 50));
  const hasGap = state?.hasGap === true;
  return {
    ...{ vault: name, colour: 'green', proof: 'proven', points, durableAt, by, troubles: [] },
    ...{ drills, reaches },
    gapDrill: gapDrillOf({
      ...{ now: NOW, points, holed, drills, fruitless: [], hasGap, isSmall: false },
    }),
  };
}

const [p1, p2, p3] = [pulled('p1', 2, 10), pulled('p2', 5, 20), pulled('p3', 9, 40)];

describe('how far each pulled point reaches', () => {
  it('is through all that came after it, where WAL leads on without a hole', async () => {
    const { lists, vault, wal } = aVault();
    await wal(2, 12, 10);
    const reach = new PointReach(vault);
    expect([...(await reach.of([p1, p2, p3], NOW)).reaches.values()]).toEqual([NOW, NOW, NOW]);
    expect(lists).toHaveLength(1);
    // At each look the newest goes on, and nothing is listed again.
    const later = at(60);
    const found = await reach.of([p1, p2, p3], later);
    expect([...found.reaches.values()]).toEqual([later, later, later]);
    expect(found.holed.size).toBe(0);
    expect(lists).toHaveLength(1);
  });

  it('ends at a hole, with what was stored before it', async () => {
    const { part, vault, wal } = aVault();
    await wal(2, 6, 10);
    await part(7, 500, 30);
    await wal(9, 12, 40);
    const found = await new PointReach(vault).of([p1, p2, p3], NOW);
    expect([p1, p2, p3].map(({ digest }) => found.reaches.get(digest))).toEqual([
      at(30),
      at(30),
      NOW,
    ]);
    expect([...found.holed].toSorted()).toEqual([p1.digest, p2.digest]);
  });

  it('is its own moment where nothing of its WAL lies there', async () => {
    const { vault, wal } = aVault();
    await wal(9, 12, 40);
    const found = await new PointReach(vault).of([p2, p3], NOW);
    expect(found.reaches.get(p2.digest)).toEqual(at(20));
  });

  it('goes over a fail-over, where the new timeline begins in the last segment of the old one', async () => {
    const after = pulled('p4', 8, 45, 2);
    const { part, vault, wal } = aVault();
    await wal(2, 5, 10);
    await part(6, 700, 14);
    await wal(6, 9, 30, 2);
    expect((await new PointReach(vault).of([p1, after], NOW)).reaches.get(p1.digest)).toEqual(NOW);
    // And not where the new timeline begins behind what there is of the old one.
    const other = aVault();
    await other.wal(2, 5, 10);
    await other.wal(7, 9, 30, 2);
    const cut = await new PointReach(other.vault).of([p1, after], NOW);
    expect(cut.reaches.get(p1.digest)).toEqual(at(13));
    expect([...cut.holed]).toEqual([p1.digest]);
  });

  it('is known without a stream, too: WAL behind a hole does not count', async () => {
    const { lists, vault, wal } = aVault();
    await wal(2, 6, 20);
    await wal(8, 12, 40);
    const found = await evidenceOf(vault, 'folder', [p1, p2], [p2], null);
    expect(found.durableAt).toEqual(at(24));
    expect(found.reaches.get(p1.digest)).toEqual(at(24));
    expect(lists).toHaveLength(1);
    const whole = aVault();
    await whole.wal(2, 12, 10);
    expect(await new PointReach(whole.vault).endOf(p1)).toEqual(at(20));
  });

  it('ends with its engine, where another takes the points since', async () => {
    const { vault, wal } = aVault();
    await wal(2, 6, 10);
    const found = await new PointReach(vault).of([p1, dumped('p9', null, 40)], at(40));
    expect(found.reaches.get(p1.digest)).toEqual(at(14));
    // Nothing is missing of what was streamed.
    expect(found.holed.size).toBe(0);
  });
});

describe('how far each dump reaches', () => {
  const [d1, d2] = [dumped('d1', 10n, 10), dumped('d2', 50n, 40)];

  it('is through the changes to the next, and what that has', async () => {
    const { changes, lists, vault } = aVault();
    const reach = new PointReach(vault);
    await changes(5n, 30n, 20);
    // The last of them is on its way: that is no hole, and is looked for again.
    const meanwhile = await reach.of([d1, d2], NOW);
    expect([meanwhile.reaches.get(d1.digest), meanwhile.holed.size]).toEqual([at(20), 0]);
    await changes(30n, 60n, 41);
    expect((await reach.of([d1, d2], NOW)).reaches.get(d1.digest)).toEqual(NOW);
    expect((await reach.of([d1, d2], NOW)).reaches.get(d1.digest)).toEqual(NOW);
    expect(lists).toHaveLength(2);
  });

  it('ends at a hole between them', async () => {
    const { changes, lists, vault } = aVault();
    await changes(5n, 30n, 20);
    await changes(40n, 60n, 41);
    const reach = new PointReach(vault);
    for (let look = 0; look < 2; look += 1) {
      const found = await reach.of([d1, d2], NOW);
      expect(found.reaches.get(d1.digest)).toEqual(at(20));
      expect([...found.holed]).toEqual([d1.digest]);
    }
    expect(lists).toHaveLength(1);
  });

  it.for([
    ['that nothing follows', dumped('d1', null, 10), false],
    ['of tables that were built anew', dumped('d1', 10n, 10, 'y'), true],
    [
      'with tables that no change carries',
      { ...d1, dump: { structure: 'x', carriesAll: false } },
      false,
    ],
  ] as const)('is the moment of one %s', async ([, first, isHole]) => {
    const { changes, vault } = aVault();
    await changes(5n, 60n, 41);
    const found = await new PointReach(vault).of([first, d2], NOW);
    expect(found.reaches.get(first.digest)).toEqual(at(10));
    // Where every dump stands for itself, no drill of each is asked for.
    expect(found.holed.has(first.digest)).toBe(isHole);
  });
});

describe('moments that do not come back', () => {
  it('lie between what a point leads to and the next, and nowhere else', async () => {
    const { part, vault, wal } = aVault();
    await wal(2, 6, 12);
    await part(7, 500, 30);
    await wal(9, 12, 55);
    const { reaches } = await new PointReach(vault).of([p1, p2, p3], NOW);
    const gap = { from: at(30), to: new Date(p3.endedAt) };
    expect(gapsBetween([p1, p2, p3], reaches)).toEqual([gap]);
    const whole = { ...p3, wholeAt: at(51).toISOString() };
    expect(gapsBetween([p1, p2, whole], reaches)).toEqual([{ from: at(30), to: at(51) }]);
    expect(gapsBetween([p1, p2], reaches)).toEqual([]);
    expect(gapsBetween([p3], reaches)).toEqual([]);
    // Of one that nothing is known of, its own moment.
    const own = { from: new Date(p1.endedAt), to: new Date(p2.endedAt) };
    expect(gapsBetween([p1, p2], new Map([[p1.digest, null]]))).toEqual([own]);
  });
});

describe('what would be lost', () => {
  /** WAL is lost between p2 and p3: what is stored of segment 7 is the last before the hole. */
  async function holed() {
    const found = aVault();
    await found.wal(2, 6, 12);
    await found.part(7, 500, 30);
    return found;
  }

  it('while a gap is open: nothing tells, however fresh the stream is', async () => {
    const { vault, wal } = await holed();
    await wal(9, 12, 55);
    const gap = stream({ hasGap: true });
    const standing = standingOf(
      [await evidenceOf(vault, 'folder', [p1, p2], [p1, p2], gap)],
      PROMISE,
      NOW,
    );
    expect(standing).toMatchObject({ colour: 'red', rpoMs: null, proven: { point: 'p2' } });
    expect(standing.because).toContain('No WAL reaches a vault.');
    expect(standing.because.join()).not.toContain('drill');
  });

  it('when a new point has closed the gap and no drill has: all since the gap', async () => {
    const { vault, wal } = await holed();
    await wal(9, 12, 55);
    const standing = standingOf(
      [await evidenceOf(vault, 'folder', [p1, p2, p3], [p1, p2], stream())],
      PROMISE,
      NOW,
    );
    const lost = NOW.getTime() - at(30).getTime();
    expect(standing).toMatchObject({ colour: 'red', rpoMs: lost, proven: { point: 'p2' } });
    expect(standing.because).toEqual([
      'From p2 in folder, which is proven, WAL leads on to 29 minutes ago only: what came after a gap counts when a newer point is proven.',
      // The vault was drilled nine minutes ago.
      'A drill of p3 in folder is due because of the gap, from 2026-11-28T05:50:00.000Z on.',
    ]);
    expect(factsOf(standing, NOW).rpoSeconds).toBe(lost / 1000);
  });

  it('when the new point has been drilled: what the stream has not', async () => {
    const { vault, wal } = await holed();
    await wal(9, 12, 55);
    const standing = standingOf(
      [await evidenceOf(vault, 'folder', [p1, p2, p3], [p1, p2, p3], stream())],
      PROMISE,
      NOW,
    );
    expect(standing).toMatchObject({ colour: 'green', rpoMs: 0, proven: { point: 'p3' } });
  });

  it('counts by the vault that a point lies in: what leads on elsewhere does not help it', async () => {
    const { vault, wal } = await holed();
    await wal(9, 12, 55);
    const far = await evidenceOf(vault, 'far', [p1, p2, p3], [p1, p2], stream());
    const whole = aVault();
    await whole.wal(2, 12, 12);
    const near: VaultEvidence = {
      ...(await evidenceOf(whole.vault, 'near', [p1, p2], [p2], stream())),
      proof: 'unknown',
    };
    const standing = standingOf([near, far], PROMISE, NOW);
    expect(standing).toMatchObject({ rpoMs: 0, outside: { point: 'p2', vault: 'far' } });
    // A rule sees what lies outside, with what leads on from there.
    expect(factsOf(standing, NOW).rpoSeconds).toBe(29 * 60);
    expect(standing.colour).toBe('amber');
    expect(standing.because).toEqual([
      expect.stringMatching(/^From p2 in far, .* 29 minutes ago only/),
      expect.stringMatching(/^A drill of p3 in far is due because of the gap/),
    ]);
  });

  it('is not known by any WAL where nothing leads on from what is proven', () => {
    const nothing: VaultEvidence = {
      ...{ vault: 'far', colour: 'green', proof: 'proven', points: [p1], durableAt: NOW },
      ...{ drills: [drill(p1, 50)], reaches: new Map(), troubles: [] },
    };
    expect(standingOf([nothing], PROMISE, NOW)).toMatchObject({ colour: 'red', rpoMs: null });
  });
});
