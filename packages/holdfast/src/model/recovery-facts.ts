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
  /** One of its vaults refused every credential; left out: not known. For words; no rule sees it. */
  readonly hasVaultOutside?: boolean;
  /** Nobody looked, which counts as nothing proven. For words as well. */
  readonly isNotLookedAt?: true;
}

/** By the name of a target, as known now. Asked for each unit: a look-up and no more; it never throws. */
export type RecoveryOf = (target: string) => RecoveryFacts;

/** What the preset for `sealed` asks for. */
const RPO_SECONDS_MAX = 300;

/** Older than any rule asks for: nothing is proven, or nothing is known. */
export const NEVER = 1_000_000_000;

export const NOTHING_PROVEN: RecoveryFacts = {
  provenAgeMinutes: NEVER,
  outsideBlastRadius: false,
  rpoSeconds: NEVER,
  colour: 'red',
};

export const NOT_CONFIGURED: RecoveryFacts = { ...NOTHING_PROVEN, colour: 'none' };

/** The worst there is, and said to be a guess. */
export const NOT_LOOKED_AT: RecoveryFacts = { ...NOTHING_PROVEN, isNotLookedAt: true };

/** The best there is: what a verdict would be if nothing were missing. */
export const ALL_PROVEN: RecoveryFacts = {
  provenAgeMinutes: 0,
  outsideBlastRadius: true,
  rpoSeconds: 0,
  colour: 'green',
  hasVaultOutside: true,
};

/** Where nobody looks at how it stands: what has recovery does not read as if it had none. */
export function notLookedAt(hasRecovery: boolean): RecoveryFacts {
  return hasRecovery ? NOT_LOOKED_AT : NOT_CONFIGURED;
}

/** A half sentence with the figures, for reasons and cards. */
export function recoveryWords(facts: RecoveryFacts): string {
  const { colour, outsideBlastRadius, provenAgeMinutes, rpoSeconds } = facts;
  if (colour === 'none') return 'no proven recovery point is known outside its blast radius';
  if (facts.isNotLookedAt === true) return 'how its recovery stands was not looked at';
  const point =
    provenAgeMinutes >= NEVER
      ? 'no recovery point of it is proven'
      : `its newest proven recovery point is ${ageWords(provenAgeMinutes)} old and lies ` +
        `${outsideBlastRadius ? 'outside' : 'inside'} its blast radius`;
  const lost =
    rpoSeconds >= NEVER
      ? 'how much would be lost is not known'
      : `${lossWords(rpoSeconds)} of changes would be lost`;
  return `${point}, ${lost}, and its recovery is ${colour}`;
}

/** What to do first about what is missing: sentences, with commands. What would change nothing is not said. */
export function recoveryRemedy(facts: RecoveryFacts, target: string): string {
  const { colour, hasVaultOutside, outsideBlastRadius, provenAgeMinutes, rpoSeconds } = facts;
  const backup = `holdfast recovery backup ${target}`;
  const drill = `holdfast recovery drill ${target}`;
  const status = `holdfast recovery status ${target}`;
  if (colour === 'none') return `Set recovery up for ${target} first (docs/recovery.md).`;
  if (facts.isNotLookedAt === true) {
    return `See how its recovery stands (${status}): a running gateway (holdfast up) knows it within a minute.`;
  }
  if (hasVaultOutside === false) {
    return `None of its vaults is shown to lie outside the blast radius, and a point in one within it changes nothing. Add a vault elsewhere (docs/recovery.md, "An S3 vault"), or prove the one that is there (holdfast recovery prove ${target}; ${status} says what is missing). Then take a point (${backup}, then ${drill}), and ask again.`;
  }
  if (provenAgeMinutes >= NEVER || !outsideBlastRadius) {
    const where = provenAgeMinutes >= NEVER ? '' : ' in the vault outside';
    return `Take a point${where} now (${backup}, then ${drill}), then ask again.`;
  }
  if (rpoSeconds > RPO_SECONDS_MAX) {
    return `See that holdfast up runs and what keeps changes from its vault (${status}), then ask again.`;
  }
  if (colour === 'red') return `Mend what ${status} says is red, then ask again.`;
  return `Drill its newest point (${drill}), or take one first (${backup}), then ask again.`;
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

/** To the second as long as rules ask for seconds; then as an age, rounded up. */
function lossWords(seconds: number): string {
  return seconds <= 3_600 ? `${seconds} s` : ageWords(Math.ceil(seconds / 60));
}

function ageWords(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes} min`;
  if (hours >= 72) return `${Math.floor(hours / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
