/** A recovery point for tests, as an engine would make it; `files` name what was put for them. */
import type { RecoveryPoint, StoredPoint } from '../recovery-point.ts';

export function aPoint(id: string, changes: Partial<RecoveryPoint> = {}): RecoveryPoint {
  return {
    format: 'holdfast/point/1',
    id,
    target: 'shop',
    engine: 'pull',
    server: {
      version: 180_000,
      systemIdentifier: '77',
      walSegmentBytes: 16_777_216,
      hasChecksums: true,
    },
    wal: { timeline: 1, startLsn: '0/2000028', endLsn: '0/2000100' },
    startedAt: '2026-11-28T11:00:00.000Z',
    endedAt: '2026-11-28T11:01:00.000Z',
    files: [],
    prior: null,
    recipients: [],
    previous: null,
    ...changes,
  };
}

export function aStoredPoint(id: string, changes: Partial<RecoveryPoint> = {}): StoredPoint {
  return { ...aPoint(id, changes), digest: id.repeat(64).slice(0, 64) };
}
