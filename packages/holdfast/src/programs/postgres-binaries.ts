/**
 * Where on this machine a PostgreSQL of one major version lies, for what has to start a server on data
 * of that version. In this order: a folder that was named, the packages of Debian and Red Hat, then the
 * npm package's own. It downloads nothing.
 */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { canEnter, prepareEngine, type RunAs, unprivilegedUser } from './embedded-engine.ts';

export interface PostgresBinaries {
  /** Holds `postgres`. */
  readonly folder: string;
  /** Null: it runs as we do. */
  readonly runAs: RunAs | null;
}

export interface BinariesWanted {
  /** `15`. */
  readonly major: number;
  /** Folders that somebody named, looked at first. */
  readonly named: readonly string[];
  /** Where a copy of the npm package's goes when it cannot be used in place. */
  readonly copyFolder: string;
}

/** Rejects with HF_DRILL_NO_SERVER. */
export async function findPostgres(
  wanted: BinariesWanted,
  clock: Clock,
): Promise<PostgresBinaries> {
  const { copyFolder, major, named } = wanted;
  const runAs = unprivilegedUser();
  const places = [...named, `/usr/lib/postgresql/${major}/bin`, `/usr/pgsql-${major}/bin`];
  const folder = places.find(
    (place) => isRunnable(join(place, 'postgres')) && canEnter(place, runAs),
  );
  if (folder !== undefined) return { folder, runAs };
  const embedded = await prepareEngine(copyFolder, runAs, clock, () => {}).catch(() => null);
  if (embedded?.major === String(major)) return { folder: embedded.binFolder, runAs };
  throw new HoldfastError('HF_DRILL_NO_SERVER', {
    expected: `the programs of PostgreSQL ${major} on this machine`,
    found: `none in ${places.join(', ')}`,
    hint: `Install them (Debian: postgresql-${major}), or say where they are: recovery.postgres.`,
  });
}

function isRunnable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
