/**
 * What rules may ask of a target's recovery, and how people are told of it. Filled in by whoever keeps the
 * target's standing; policy and the spine only read it.
 *
 * The same object for as long as nothing in it changes: verdicts are remembered by its identity. Whoever hands
 * facts in makes a new object when they change, at least once a minute, and never changes one.
 */
import type { Reading } from './effect.ts';
import type { TakingBack } from './reversal.ts';

export interface RecoveryFacts {
  /**
   * Whole minutes, of the newest point that a drill proved, one outside the blast radius before any other;
   * NEVER: there is none.
   */
  readonly provenAgeMinutes: number;
  /** That point lies where no credential known to Holdfast could destroy it. */
  readonly outsideBlastRadius: boolean;
  /** Whole seconds that would be lost now; NEVER: not known. */
  readonly rpoSeconds: number;
  /** Of the target's standing; none: no recovery is configured for it. */
  readonly colour: 'green' | 'amber' | 'red' | 'none';
}

/** By the name of a target, as known now. Asked for each unit: a look-up and no more; it never throws. */
export type RecoveryOf = (target: string) => RecoveryFacts;

/** Older than any rule asks for: nothing is proven, or nothing is known. */
export const NEVER = 1_000_000_000;

export const NOTHING_PROVEN: RecoveryFacts = {
  provenAgeMinutes: NEVER,
  outsideBlastRadius: false,
  rpoSeconds: NEVER,
  colour: 'red',
};

export const NOT_CONFIGURED: RecoveryFacts = { ...NOTHING_PROVEN, colour: 'none' };

/** Where nobody looks at how it stands: what has recovery does not read as if it had none. */
export function notLookedAt(hasRecovery: boolean): RecoveryFacts {
  return hasRecovery ? NOTHING_PROVEN : NOT_CONFIGURED;
}

/** A half sentence with the figures, for reasons and cards. */
export function recoveryWords(facts: RecoveryFacts): string {
  const { colour, outsideBlastRadius, provenAgeMinutes, rpoSeconds } = facts;
  if (colour === 'none') return 'no proven recovery point is known outside its blast radius';
  const point =
    provenAgeMinutes >= NEVER
      ? 'no recovery point of it is proven'
      : `its newest proven recovery point is ${ageWords(provenAgeMinutes)} old and lies ` +
        `${outsideBlastRadius ? 'outside' : 'inside'} its blast radius`;
  const lost =
    rpoSeconds >= NEVER
      ? 'how much would be lost is not known'
      : `${rpoSeconds} s of changes would be lost`;
  return `${point}, ${lost}, and its recovery is ${colour}`;
}

/**
 * Where nothing takes back at once what destroys or reshapes, people are told what recovery there would be:
 * it is then the only way back.
 */
export function withRecovery(
  takingBack: TakingBack,
  reading: Reading,
  facts: RecoveryFacts,
): TakingBack {
  const { reason, reversal } = takingBack;
  if (reversal !== 'none' && reversal !== 'defer') return takingBack;
  const mayLose = reading.effects.some(
    ({ additive, kind }) => !additive && (kind === 'destroy' || kind === 'reshape'),
  );
  if (!mayLose) return takingBack;
  const words = recoveryWords(facts);
  return { ...takingBack, reason: reason === '' ? words : `${reason}; ${words}` };
}

function ageWords(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
