/** What the pipeline asks of targets: which declared resource is meant? Unknown is production. */
import type { Target, TargetFacts } from '../model/target.ts';

export interface TargetResolver {
  /** Never throws; what is not declared comes back `sealed`, with the reason in `resolvedBy`. */
  resolve(facts: TargetFacts): Target;
}
