/** Reading the trail for people: one entry, or all that come. Judges nothing; `audit.ts` does. */
import { HoldfastError } from '../model/errors.ts';
import { API_PAGE_MAX } from '../model/limits.ts';
import type { StoredEntry, TrailStore } from './trail-store.ts';

/** Where entries are read: our store, or the API of a gateway. */
export interface EntrySource {
  head(): Promise<{ readonly size: bigint }>;
  /** Ascending from `from`, at most `limit`, and so many while there are. */
  read(from: bigint, limit: number): Promise<readonly StoredEntry[]>;
}

const PAGE_ENTRIES = API_PAGE_MAX;
/** How soon a new entry shows. Polling one row is cheap, and a NOTIFY would cost every append. */
const POLL_MS = 500;

export interface ShownEntry {
  readonly index: number;
  /** Canonical JSON, as it was hashed. */
  readonly json: string;
}

/** Throws HF_NOT_FOUND. */
export async function showEntry(store: TrailStore, index: bigint): Promise<ShownEntry> {
  const [entry] = index < 0n ? [] : await store.read(index, 1);
  if (entry !== undefined && entry.index === index) return shown(entry);
  const { size } = await store.head();
  throw new HoldfastError('HF_NOT_FOUND', {
    expected: `an entry from 0 to ${size - 1n}`,
    found: `${index}`,
    hint: 'See the newest ones with holdfast trail tail.',
  });
}

export interface TailOptions {
  /** How many of the newest to begin with. */
  readonly last: number;
  /** Go on with what comes, until the signal. */
  readonly follow: boolean;
  readonly signal: AbortSignal;
}

export async function* tailEntries(
  store: EntrySource,
  { last, follow, signal }: TailOptions,
): AsyncGenerator<ShownEntry> {
  const { size } = await store.head();
  let at = size > BigInt(last) ? size - BigInt(last) : 0n;
  while (!signal.aborted) {
    const page = await store.read(at, PAGE_ENTRIES);
    for (const entry of page) yield shown(entry);
    at = (page.at(-1)?.index ?? at - 1n) + 1n;
    if (page.length === PAGE_ENTRIES) continue;
    if (!follow) return;
    await pause(signal);
  }
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      done();
    };
    const timer = setTimeout(end, POLL_MS);
    signal.addEventListener('abort', end);
  });
}

function shown({ index, bytes }: StoredEntry): ShownEntry {
  return { index: Number(index), json: bytes.toString('utf8') };
}
