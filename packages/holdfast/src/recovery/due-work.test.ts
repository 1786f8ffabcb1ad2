import { describe, expect, it } from 'vitest';
import { type DueKind, dueWork, firstOf, type WorkState } from './due-work.ts';

const HOUR_MS = 60 * 60 * 1000;
const now = new Date('2026-11-28T12:00:00Z');
const ago = (hours: number): Date => new Date(now.getTime() - hours * HOUR_MS);

const WELL: WorkState = {
  now,
  backupEveryMs: 24 * HOUR_MS,
  drillEveryMs: 24 * HOUR_MS,
  newestPointAt: ago(1),
  canBeDrilled: true,
  isNewestDrilled: true,
  isSmall: true,
  canDrill: true,
  lastDrillAt: ago(1),
  canProve: true,
  lastProofAt: ago(1),
  triedAt: {},
  needsPoint: false,
  gapDrillFrom: null,
};
const due = (changes: Partial<WorkState>) => dueWork({ ...WELL, ...changes });

describe('what is due', () => {
  it('is nothing while all is fresh', () => expect(due({})).toBeNull());

  it('is a point first, whatever else there is', () => {
    const nothing = {
      ...{ newestPointAt: null, lastDrillAt: null, lastProofAt: null, canBeDrilled: false },
    };
    expect(due({ ...nothing, isNewestDrilled: false })).toBe('backup');
  });

  it('is a point at once where all there is are from before seals, and drills of those meanwhile', () => {
    const unsealed = { newestPointAt: null, canBeDrilled: true, isNewestDrilled: false };
    expect(due(unsealed)).toBe('backup');
    expect(due({ ...unsealed, triedAt: { backup: ago(0.1) } })).toBe('drill');
    expect(due({ ...unsealed, canBeDrilled: false, triedAt: { backup: ago(0.1) } })).toBeNull();
  });

  it('is a drill of what was just taken, in a small database', () => {
    expect(due({ isNewestDrilled: false })).toBe('drill');
    expect(due({ isNewestDrilled: false, isSmall: false })).toBeNull();
    expect(due({ isNewestDrilled: false, isSmall: false, lastDrillAt: ago(25) })).toBe('drill');
  });

  it('is no drill without the private key', () => {
    expect(due({ isNewestDrilled: false, canDrill: false })).toBeNull();
  });

  it('is a new point where WAL was lost, however young the newest is', () => {
    expect(due({ needsPoint: true })).toBe('backup');
  });

  it('is no storm of points where each backup makes the next gap', () => {
    const after = (hours: number, tookHours: number) => {
      const triedAt = { backup: ago(hours + tookHours) };
      return due({ needsPoint: true, newestPointAt: ago(hours), triedAt });
    };
    expect(after(0.01, 0.002)).toBeNull();
    expect(after(0.02, 0.002)).toBe('backup');
    expect(after(0.9, 1)).toBeNull();
    expect(after(1, 1)).toBe('backup');
    // One that was taken long before the gap holds up nothing.
    expect(after(20, 1)).toBe('backup');
  });

  it('is a proof by the day, and none where it says nothing', () => {
    expect(due({ lastProofAt: ago(25) })).toBe('prove');
    expect(due({ lastProofAt: null, canProve: false })).toBeNull();
  });

  it('waits after what failed, and goes on with the rest', () => {
    const triedAt = { backup: new Date(now.getTime() - 60_000) };
    expect(due({ newestPointAt: ago(30), triedAt })).toBeNull();
    expect(due({ newestPointAt: ago(30), triedAt, isNewestDrilled: false })).toBe('drill');
    expect(due({ newestPointAt: ago(30), triedAt: { backup: ago(1) } })).toBe('backup');
  });

  it('waits after what left nothing in the vault, though nothing failed', () => {
    const triedAt = { backup: ago(0.1), drill: ago(0.1), prove: ago(0.1) };
    // The vault took no drill and no proof, and the point does not read.
    expect(due({ triedAt, isNewestDrilled: false, lastDrillAt: null })).toBeNull();
    expect(due({ triedAt, lastProofAt: null })).toBeNull();
    expect(due({ triedAt, newestPointAt: null })).toBeNull();
    expect(due({ triedAt: { drill: ago(0.3) }, isNewestDrilled: false })).toBe('drill');
  });

  it('does not wait after what left what it should', () => {
    const triedAt = { backup: ago(0.2), drill: ago(0.2) };
    expect(due({ triedAt, newestPointAt: ago(0.1), needsPoint: true })).toBe('backup');
    // The drill was of the point before.
    expect(due({ triedAt, lastDrillAt: ago(0.15), isNewestDrilled: false })).toBe('drill');
  });

  describe('because of a gap, in a large database', () => {
    const behind = { isSmall: false, isNewestDrilled: false, gapDrillFrom: ago(0) };

    it('is a drill, which does not wait for its day', () => {
      expect(due(behind)).toBe('gap-drill');
      expect(due({ ...behind, gapDrillFrom: null })).toBeNull();
    });

    it.each([
      ['its time has not come', { gapDrillFrom: ago(-0.1) }, null],
      ['there is no private key', { canDrill: false }, null],
      ['nothing can be drilled', { canBeDrilled: false }, null],
      ['a drill began a moment ago', { triedAt: { drill: ago(0.1) }, lastDrillAt: ago(2) }, null],
      ['a point is due', { newestPointAt: ago(25) }, 'backup'],
      ['WAL is missing again', { needsPoint: true }, 'backup'],
      ['its day has come', { lastDrillAt: ago(25) }, 'drill'],
      ['it is small after all', { isSmall: true }, 'drill'],
      ['a proof is due', { lastProofAt: ago(25) }, 'prove'],
    ] as const)('is none of that kind where %s', (_story, changes, kind) =>
      expect(due({ ...behind, ...changes })).toBe(kind),
    );

    it('gives way to what is due in another vault or target, and looks no further than that', () => {
      const seen: DueKind[] = [];
      function* all(...kinds: readonly DueKind[]) {
        for (const [at, kind] of kinds.entries()) {
          seen.push(kind);
          yield { kind, at };
        }
      }
      expect(firstOf(all('gap-drill', 'gap-drill', 'backup', 'prove'))?.at).toBe(2);
      expect(seen).toEqual(['gap-drill', 'gap-drill', 'backup']);
      expect(firstOf(all('gap-drill', 'gap-drill'))?.at).toBe(0);
      expect(firstOf(all('drill', 'backup'))?.at).toBe(0);
      expect(firstOf(all())).toBeNull();
    });
  });

  it('is not held up by a clock that went back', () => {
    expect(due({ newestPointAt: ago(-24) })).toBe('backup');
    expect(due({ lastDrillAt: ago(-24) })).toBe('drill');
  });
});
