/** What drills and proofs found over time, out of what is kept beside the points in the vault; bounded. */
import type { DrillResult } from './drills/drill-result.ts';
import { HISTORY_MAX, type VaultReport } from './target-report.ts';
import type { KeptProof } from './vault-records.ts';

export function historyOf(
  drills: readonly DrillResult[],
  proofs: readonly KeptProof[],
): VaultReport['history'] {
  const byTime = drills.toSorted((a, b) => (a.endedAt < b.endedAt ? -1 : 1));
  return {
    drills: byTime
      .slice(-HISTORY_MAX)
      .map(({ checks, endedAt, id, point, rpoMs, rtoMs, verdict }) => ({
        ...{ id, point, at: endedAt, verdict, rpoMs, rtoMs },
        reason: checks.find(({ end }) => end !== 'passed')?.said ?? null,
      })),
    proofs: proofs
      .toSorted((a, b) => a.at.getTime() - b.at.getTime())
      .slice(-HISTORY_MAX)
      .map(({ at, id, verdict, why }) => ({ id, at: at.toISOString(), verdict, why })),
  };
}
