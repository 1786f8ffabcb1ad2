/** The HoldfastError a promise is rejected with; anything else is a failure of the test. */
import { HoldfastError } from '../model/errors.ts';

export async function refusalOf(work: Promise<unknown>): Promise<HoldfastError> {
  const reason = await work.then(
    () => 'no rejection',
    (error: unknown) => error,
  );
  if (reason instanceof HoldfastError) return reason;
  throw new Error(`expected a HoldfastError, found ${String(reason)}`);
}
