/** A value once it has stayed the same for a while: what is asked of others does not follow each key. */
import { useEffect, useState } from 'react';

export function useSettled<T extends string | null>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(value), ms);
    return () => window.clearTimeout(timer);
  }, [value, ms]);
  return settled;
}
