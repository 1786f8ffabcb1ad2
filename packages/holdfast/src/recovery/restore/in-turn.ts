/**
 * Heavy work on recovery, one piece at a time, and previews so in a line of their own: whoever asks waits for the
 * turn, and can be broken off while waiting. One who waits on the line waits in bounded time.
 */
import { HoldfastError } from '../../model/errors.ts';
import { RESTORE_TURN_MS_MAX } from '../../model/limits.ts';

/** Runs it when no other work of that line runs. */
export type InTurn = (work: () => Promise<void>) => void;

/** A line of its own: one piece of work at a time, in the order that they came; one that fails holds up nobody. */
export function ownLine(): InTurn {
  let last: Promise<void> = Promise.resolve();
  return (work) => {
    last = last.then(work).catch(() => {});
  };
}

/** Broken off while it waits, it never begins. */
export function turn<T>(inTurn: InTurn, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolved, rejected) => {
    const broken = (): void => rejected(signal.reason);
    if (signal.aborted) return broken();
    signal.addEventListener('abort', broken, { once: true });
    inTurn(async () => {
      signal.removeEventListener('abort', broken);
      if (signal.aborted) return;
      await work().then(resolved, rejected);
    });
  });
}

/** As `turn`; rejects with HF_LIMIT when it has not come after `RESTORE_TURN_MS_MAX`. */
export async function soon<T>(
  inTurn: InTurn,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(tooLate()), RESTORE_TURN_MS_MAX);
  try {
    return await turn(inTurn, AbortSignal.any([signal, late.signal]), () => {
      clearTimeout(timer);
      return work();
    });
  } finally {
    clearTimeout(timer);
  }
}

function tooLate(): HoldfastError {
  return new HoldfastError('HF_LIMIT', {
    expected: `its turn within ${RESTORE_TURN_MS_MAX / 1000} s`,
    found: 'previews of other copies before it',
    hint: 'They go one by one. Try again in a moment.',
  });
}
