/** Codes for tests that confirm a person with one code and sign with the next, without waiting half a minute. */
import type { TOTP } from 'otpauth';

/** A process on a busy machine takes this long to start and judge a code. */
const PROCESS_MS_MAX = 10_000;
/** In this process it is judged at once. */
export const AT_ONCE_MS_MAX = 2_000;

/**
 * The code of the step before the present one: it still counts, and the present one is then still fresh.
 * Waits for the next step when this one is about to end, because two steps back nothing counts.
 */
export async function codeBefore(totp: TOTP, judgedMsMax = PROCESS_MS_MAX): Promise<string> {
  const periodMs = totp.period * 1000;
  const leftMs = periodMs - (Date.now() % periodMs);
  if (leftMs < judgedMsMax) await new Promise((done) => setTimeout(done, leftMs + 50));
  return totp.generate({ timestamp: Date.now() - periodMs });
}
