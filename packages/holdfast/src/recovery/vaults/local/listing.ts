/**
 * A listing in order of key, read folder by folder: what is in memory at a time is one folder's lines.
 * A folder's own keys and the folders in it are told in one order, that of the bytes of their names.
 */
import type { StoredObject } from '../vault.ts';
import type { StoredEntry } from './entry.ts';
import { folderOf, type ObjectIndex } from './object-index.ts';
import type { Place } from './segments.ts';

export interface ListingSource {
  readonly index: ObjectIndex;
  read(place: Place): Promise<StoredEntry>;
  isGone(entry: StoredEntry): boolean;
}

export function listObjects(
  source: ListingSource,
  prefix: string,
  asOf: Date | null,
): AsyncGenerator<StoredObject> {
  return listFolder(source, folderOf(prefix), prefix, asOf);
}

async function* listFolder(
  source: ListingSource,
  folder: string,
  prefix: string,
  asOf: Date | null,
): AsyncGenerator<StoredObject> {
  const newest = await newestOf(source, folder, prefix, asOf);
  const folders = source.index
    .foldersIn(folder)
    .filter((name) => name.startsWith(prefix) || prefix.startsWith(name));
  const names = [...newest.keys(), ...folders].sort((a, b) => (a < b ? -1 : 1));
  for (const name of names) {
    const entry = newest.get(name);
    if (entry === undefined) yield* listFolder(source, name, prefix, asOf);
    else yield objectOf(entry);
  }
}

/** One version of each key; lines of what is gone are forgotten on the way. */
async function newestOf(
  { index, read, isGone }: ListingSource,
  folder: string,
  prefix: string,
  asOf: Date | null,
): Promise<ReadonlyMap<string, StoredEntry>> {
  const newest = new Map<string, StoredEntry>();
  const gone = new Set<Place>();
  for (const place of [...index.placesOf(folder)]) {
    const entry = await read(place);
    if (isGone(entry)) gone.add(place);
    else if (entry.key.startsWith(prefix) && (asOf === null || new Date(entry.at) <= asOf)) {
      newest.set(entry.key, entry);
    }
  }
  index.prune(folder, gone);
  return newest;
}

export function objectOf(entry: StoredEntry): StoredObject {
  return {
    key: entry.key,
    version: entry.version,
    bytes: entry.bytes,
    sha256: entry.sha256,
    storedAt: new Date(entry.at),
    retainUntil: new Date(entry.retainUntil),
  };
}
