/** What is told of a drill. One of a point that counts for nothing here is of a kind of its own. */
import type { HoldfastEvent } from '../../model/event.ts';
import type { DrillResult } from './drill-result.ts';

export function drillEvent(result: DrillResult): HoldfastEvent {
  const { checks, id, phases, point, rpoMs, rtoMs, target, vault, verdict } = result;
  const kinds = {
    passed: 'drill-passed',
    failed: 'drill-failed',
    'could-not-run': 'drill-not-run',
  } as const;
  const bad = checks.find(({ end }) => end !== 'passed')?.said ?? null;
  const { seal } = result;
  if (seal !== undefined) {
    // Of a kind of its own: whoever counts what was rehearsed counts what is ours.
    return {
      kind: 'drill-of-other',
      facts: { target, vault, point, drill: id, seal, verdict, reason: bad },
      message: `The drill of ${point} in ${vault}, which does not count as a point of ${target}: ${bad ?? 'it came back'}`,
    };
  }
  return {
    kind: kinds[verdict],
    facts: { target, vault, point, drill: id, rtoMs, rpoMs, ...phases, reason: bad },
    message:
      verdict === 'passed'
        ? `Recovery point ${point} of ${target} came back from ${vault} in ${Math.ceil((rtoMs ?? 0) / 1000)} s.`
        : `The drill of ${point} of ${target} from ${vault} did not pass: ${bad ?? 'nothing was looked at'}`,
  };
}
