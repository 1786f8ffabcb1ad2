/** A thousand open connections, each with a request now and then: does Holdfast's memory stay as it is? */
import { residentBytes } from './cpu.ts';
import { load } from './http-load.ts';
import type { Peer } from './http-peers.ts';

const CONNECTIONS = 1_000;
/** Of the thousand, so many wait for an answer at a time; they take turns. */
const IN_FLIGHT = 64;
const SECONDS_MAX = 3_600;

export interface MemoryResult {
  readonly connections: number;
  readonly requests: number;
  readonly isVaried: boolean;
  /** Resident memory after so many answers, about a hundred of them over the run. */
  readonly seen: readonly { readonly answers: number; readonly bytes: number }[];
  /**
   * The least of the second half beside the least of the first one without its first fifth, which is for the
   * caches: between two collections memory goes up and down, and what is left after them is the question.
   */
  readonly growth: number;
}

export async function measureMemory(
  peer: Peer,
  requests: number,
  isVaried: boolean,
  say: (text: string) => void,
): Promise<MemoryResult> {
  const sayEvery = requests / 100;
  const seen: { answers: number; bytes: number }[] = [];
  await load(
    peer,
    {
      connections: CONNECTIONS,
      inFlight: IN_FLIGHT,
      seconds: SECONDS_MAX,
      requests,
      isVaried,
      sayEvery,
    },
    (answers) => {
      const bytes = residentBytes(peer.pid);
      seen.push({ answers, bytes });
      if (seen.length % 10 === 0) say(`${answers} answers, ${(bytes / 2 ** 20).toFixed(0)} MiB`);
    },
  );
  const leastOf = (from: number, to: number): number =>
    Math.min(...seen.slice(from, to).map((one) => one.bytes));
  const growth = leastOf(50, 100) / leastOf(10, 50);
  return { connections: CONNECTIONS, requests, isVaried, seen, growth };
}
