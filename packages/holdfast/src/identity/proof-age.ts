/** What somebody is told whose proof that they are there is too old for what they want. */
import { HoldfastError } from '../model/errors.ts';
import { PROVED_MS_MAX } from '../model/limits.ts';

/** The dashboard knows it by `older`, asks for a proof, and repeats. */
export function proofTooOld(): HoldfastError {
  return new HoldfastError('HF_SIGN_IN', {
    expected: `a proof that you are there, not older than ${PROVED_MS_MAX / 60_000} minutes`,
    found: 'an older one',
    hint: 'Prove it again with your passkey or a code, then repeat this.',
  });
}
