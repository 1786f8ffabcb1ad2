/** How old a proof that somebody is there may be, and what they are told when it is older. */

import { HoldfastError } from '../model/errors.ts';
import { PROVED_MS_MAX } from '../model/limits.ts';
import { minutesWords } from '../model/text.ts';

export function isTooOld(provedAt: Date, now: Date): boolean {
  return now.getTime() - provedAt.getTime() > PROVED_MS_MAX;
}

/** The dashboard knows it by `older`, asks for a proof, and repeats. */
export function proofTooOld(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: `a proof that you are there, not older than ${minutesWords(PROVED_MS_MAX)}`,
    found: 'an older one',
    hint: 'Prove it again with your passkey or a code, then repeat this.',
  });
}
