/** A folder and servers for one bench, cleared away however it ends. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Things to stop; the last started is stopped first. */
export type Stops = (() => Promise<void>)[];

export async function inWorkshop<T>(work: (root: string, stops: Stops) => Promise<T>): Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  // A server's own user passes through.
  chmodSync(root, 0o711);
  const stops: Stops = [];
  const cleared = async (): Promise<void> => {
    for (let stop = stops.pop(); stop; stop = stops.pop()) await stop();
    rmSync(root, { recursive: true, force: true });
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cleared().finally(() => process.exit(1)));
  }
  try {
    return await work(root, stops);
  } finally {
    await cleared();
  }
}
