/** What may pass while what would take it back is not at hand. */
import { isHarmless, type Reading } from '../model/effect.ts';
import type { Protection } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';

/** In a sealed environment nothing that could lose something passes while it could not be kept. */
export function isLost(reading: Reading, protection: Protection, target: Target): boolean {
  if (protection.trouble === null) return false;
  // What the capture would add has no place any more: the target's own disk is at stake.
  if (protection.isFull === true) return !isHarmless(reading);
  if (target.environment.level !== 'sealed') return false;
  if (reading.kind === 'could-not-tell') return true;
  return reading.effects.some(
    ({ kind, additive }) => kind !== 'read' && kind !== 'write' && !additive,
  );
}
