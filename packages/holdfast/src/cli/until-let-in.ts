/** Asks again while something else is in the way (HF_LIMIT: nothing was begun then), until Ctrl-C. */
import { HoldfastError } from '../model/errors.ts';
import { pause } from '../programs/pause.ts';

const AGAIN_MS = 500;

/** Rejects with whatever else is said, and with the signal's reason; `waits` hears of each time. */
export async function untilLetIn<T>(
  ask: () => Promise<T>,
  waits: () => void,
  signal: AbortSignal,
): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'HF_LIMIT') throw error;
    }
    waits();
    await pause(AGAIN_MS);
  }
}
