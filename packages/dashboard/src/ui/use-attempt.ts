/** One attempt at a time: whether it runs, and what went wrong with the last one. */
import { useState } from 'react';

export interface Attempt {
  readonly busy: boolean;
  readonly error: unknown;
  readonly run: (act: () => Promise<unknown>) => Promise<void>;
}

export function useAttempt(): Attempt {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const run = async (act: () => Promise<unknown>): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      await act();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return { busy, error, run };
}
