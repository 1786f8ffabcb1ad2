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
  /** Median of the last tenth, beside that of the second tenth: the first is for the caches. */
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
  const middleOf = (from: number, to: number): number => {
    const bytes = seen
      .slice(from, to)
      .map((one) => one.bytes)
      .sort((a, b) => a - b);
    return bytes[bytes.length >> 1] ?? Number.NaN;
  };
  const growth = middleOf(90, 100) / middleOf(10, 20);
  return { connections: CONNECTIONS, requests, isVaried, seen, growth };
}
