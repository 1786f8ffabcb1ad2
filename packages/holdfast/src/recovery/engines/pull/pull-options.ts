/** What pulling from one target needs to know; the same for its backups, its WAL and its restores. */
import type { EngineOptions } from '../engine-options.ts';

/** `connection` is of a role with REPLICATION that may also read the catalogs. */
export interface PullOptions extends Omit<EngineOptions, 'binaries' | 'folder'> {
  /** A point with pages that the server itself finds corrupted is taken all the same. */
  readonly acceptsCorruptPages: boolean;
}
