import { HoldfastError } from '../model/errors.ts';

/** The command was not understood: exit code 2. */
export function usageError(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { expected, found, hint });
}
