/**
 * Where the lines of stored objects are, by the folder of their key: eight bytes an object, since there
 * are millions. What stands in them is read from the manifest when somebody asks.
 */
import { type Place, segmentOf } from './segments.ts';

interface Folder {
  readonly places: Place[];
  /** Names of the folders in it, each with its slash. */
  readonly folders: Set<string>;
}

export class ObjectIndex {
  readonly #folders = new Map<string, Folder>([['', { places: [], folders: new Set() }]]);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(key: string, place: Place): void {
    this.#folder(folderOf(key)).places.push(place);
    this.#count += 1;
  }

  /** In the order in which they came. */
  placesOf(folder: string): readonly Place[] {
    return this.#folders.get(folder)?.places ?? [];
  }

  /** Their full names, each with its slash. */
  foldersIn(folder: string): readonly string[] {
    return [...(this.#folders.get(folder)?.folders ?? [])];
  }

  /** Forgets what is gone, of one folder. */
  prune(folder: string, gone: ReadonlySet<Place>): void {
    const known = this.#folders.get(folder);
    if (known === undefined || gone.size === 0) return;
    const kept = known.places.filter((place) => !gone.has(place));
    this.#count -= known.places.length - kept.length;
    known.places.length = 0;
    for (const place of kept) known.places.push(place);
  }

  /** All places of a segment that is gone. */
  forget(segment: number): void {
    for (const [name, { places }] of this.#folders) {
      this.prune(name, new Set(places.filter((place) => segmentOf(place) === segment)));
    }
  }

  #folder(name: string): Folder {
    const known = this.#folders.get(name);
    if (known !== undefined) return known;
    const made: Folder = { places: [], folders: new Set() };
    this.#folders.set(name, made);
    this.#folder(folderOf(name.slice(0, -1))).folders.add(name);
    return made;
  }
}

/** `a/b/c` → `a/b/`; `a` → ``. */
export function folderOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/') + 1);
}
