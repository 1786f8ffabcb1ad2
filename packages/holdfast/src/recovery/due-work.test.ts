import { describe, expect, it } from 'vitest';
import { dueWork, type WorkState } from './due-work.ts';

const HOUR_MS = 60 * 60 * 1000;
const now = new Date('2026-11-28T12:00:00Z');
const ago = (hours: number): Date => new Date(now.getTime() - hours * HOUR_MS);

const WELL: WorkState = {
  now,
  backupEveryMs: 24 * HOUR_MS,
  drillEveryMs: 24 * HOUR_MS,
  newestPointAt: ago(1),
  isNewestDrilled: true,
  isSmall: true,
  canDrill: true,
  lastDrillAt: ago(1),
  canProve: true,
  lastProofAt: ago(1),
  failedAt: {},
  needsPoint: false,
};
const due = (changes: Partial<WorkState>) => dueWork({ ...WELL, ...changes });

describe('what is due', () => {
  it('is nothing while all is fresh', () => expect(due({})).toBeNull());

  it('is a point first, whatever else there is', () => {
    const nothing = { newestPointAt: null, lastDrillAt: null, lastProofAt: null };
    expect(due({ ...nothing, isNewestDrilled: false })).toBe('backup');
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

  it('is a proof by the day, and none where it says nothing', () => {
    expect(due({ lastProofAt: ago(25) })).toBe('prove');
    expect(due({ lastProofAt: null, canProve: false })).toBeNull();
  });

  it('waits after what failed, and goes on with the rest', () => {
    const failedAt = { backup: new Date(now.getTime() - 60_000) };
    expect(due({ newestPointAt: ago(30), failedAt })).toBeNull();
    expect(due({ newestPointAt: ago(30), failedAt, isNewestDrilled: false })).toBe('drill');
    expect(due({ newestPointAt: ago(30), failedAt: { backup: ago(1) } })).toBe('backup');
  });

  it('is not held up by a clock that went back', () => {
    expect(due({ newestPointAt: ago(-24) })).toBe('backup');
    expect(due({ lastDrillAt: ago(-24) })).toBe('drill');
  });
});
