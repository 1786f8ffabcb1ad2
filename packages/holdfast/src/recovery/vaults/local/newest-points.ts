/**
 * What a local vault never lets go, whatever any clock says: of each server (`<target>/<system>`), the
 * newest recovery point with all it builds on, and everything that was stored since its first file, the
 * WAL among it. Where nothing is a point, the newest object.
 */
import type { StoredEntry } from './entry.ts';

const POINT = /^([^/]+\/[^/]+)\/points\/([^/]+)\//;
const POINT_FILE = /\/point\.json$/;

interface Point {
  /** The number of its first line. */
  first: number;
  isWhole: boolean;
}

interface Family {
  readonly points: Map<string, Point>;
  newestWhole: string | null;
  newest: number;
}

export class NewestPoints {
  readonly #families = new Map<string, Family>();

  saw(entry: StoredEntry): void {
    const name = familyOf(entry.key);
    const family = this.#families.get(name) ?? { points: new Map(), newestWhole: null, newest: 0 };
    this.#families.set(name, family);
    family.newest = entry.number;
    const id = POINT.exec(entry.key)?.[2];
    if (id === undefined) return;
    const point = family.points.get(id) ?? { first: entry.number, isWhole: false };
    family.points.set(id, point);
    if (!POINT_FILE.test(entry.key)) return;
    point.isWhole = true;
    family.newestWhole = id;
  }

  /**
   * The number from which on nothing of the family goes. `priorOf` reads the point that a point is an
   * increment of, null when of none; throws when it cannot tell, and then nothing goes at all.
   */
  async keptFrom(priorOf: (family: string, id: string) => Promise<string | null>) {
    const from = new Map<string, number>();
    for (const [name, family] of this.#families) {
      let first = family.newest;
      const seen = new Set<string>();
      for (let id = family.newestWhole; id !== null && !seen.has(id); ) {
        seen.add(id);
        first = Math.min(first, family.points.get(id)?.first ?? 0);
        id = await priorOf(name, id);
      }
      from.set(name, first);
    }
    return from;
  }
}

/** `<target>/<system>` of a key; all of a shorter one's folder. */
export function familyOf(key: string): string {
  return key.split('/').slice(0, 2).join('/');
}
