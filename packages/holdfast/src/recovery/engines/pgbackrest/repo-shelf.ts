/** The WAL in pgBackRest's repository: whole segments only, one `archive-get` each. */
import { chownSync, mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../model/errors.ts';
import type { RunAs } from '../../../programs/embedded-engine.ts';
import { type SegmentPlace, segmentName, segmentPlace, timelineName } from '../../lsn.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import type { WalShelf } from '../pull/wal-restore.ts';
import type { PgBackRest } from './pgbackrest-program.ts';

export interface RepoShelfParts {
  readonly program: PgBackRest;
  readonly runAs: RunAs | null;
  readonly point: RecoveryPoint;
  readonly newestSegment: string | null;
  readonly newestStoredAt: Date | null;
  /** Made for it; whoever asks removes it. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export class RepoShelf implements WalShelf {
  readonly newestStoredAt: Date | null;
  readonly #parts: RepoShelfParts;
  readonly #newest: SegmentPlace | null;

  constructor(parts: RepoShelfParts) {
    const { folder, newestSegment, newestStoredAt, point, runAs } = parts;
    this.#parts = parts;
    this.newestStoredAt = newestStoredAt;
    this.#newest = segmentPlace(newestSegment ?? '', point.server.walSegmentBytes);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (runAs !== null) chownSync(folder, runAs.uid, runAs.gid);
  }

  async *histories(): AsyncIterable<{ readonly timeline: number; readonly text: Buffer }> {
    const last = this.#newest?.timeline ?? 0;
    for (let at = (this.#parts.point.wal?.timeline ?? 0) + 1; at <= last; at += 1) {
      const text = await this.#get(`${timelineName(at)}.history`);
      if (text !== null) yield { timeline: at, text };
    }
  }

  /** Only the newest name is told; what lies before it is found missing when it is asked for. */
  has({ start, timeline }: SegmentPlace): boolean {
    const newest = this.#newest;
    if (newest === null) return false;
    return timeline < newest.timeline || (timeline === newest.timeline && start <= newest.start);
  }

  newestOf(timeline: number): bigint | null {
    const newest = this.#newest;
    if (newest === null || newest.timeline !== timeline) return null;
    return newest.start + BigInt(this.#parts.point.server.walSegmentBytes);
  }

  async fetch(place: SegmentPlace, buffer: Buffer): Promise<number> {
    const name = segmentName(place, buffer.length);
    const bytes = await this.#get(name);
    if (bytes === null) return 0;
    if (bytes.length === buffer.length) return bytes.copy(buffer);
    throw new HoldfastError('HF_RECOVERY_DAMAGED', {
      expected: `${buffer.length} bytes of WAL in the segment ${name}`,
      found: `${bytes.length}`,
      hint: 'Restore to a moment before it, or take a new base backup.',
    });
  }

  /** Null: it is not there (exit code 1, Command Reference, archive-get). */
  async #get(name: string): Promise<Buffer | null> {
    const { folder, program, signal } = this.#parts;
    const path = join(folder, name);
    const isThere = await program.run('archive-get', [], [name, path], signal).then(
      () => true,
      (error: unknown) => {
        if (error instanceof HoldfastError && error.found.startsWith('exit code 1:')) return false;
        throw error;
      },
    );
    if (!isThere) return null;
    const bytes = await readFile(path);
    await rm(path, { force: true });
    return bytes;
  }
}
