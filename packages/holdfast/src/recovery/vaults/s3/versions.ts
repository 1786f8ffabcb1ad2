/**
 * All versions and delete markers of a bucket, page by page, in order of key and the newest first. Names
 * are asked for URL-encoded: a key with a control character, which anyone who may write can store, would
 * else make a listing that no XML reader takes.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { loadSdk } from './connect.ts';
import type { S3Place } from './place.ts';

export interface KeyVersions {
  /** As the store has it, with the prefix of the place. */
  readonly name: string;
  /** Newest first. */
  readonly versions: readonly ObjectVersion[];
  readonly markers: readonly Marker[];
}

export interface ObjectVersion {
  readonly version: string;
  readonly bytes: number;
  readonly storedAt: Date;
  readonly isLatest: boolean;
}

export interface Marker {
  readonly version: string;
  readonly madeAt: Date;
  readonly isLatest: boolean;
}

interface Gathering {
  readonly name: string;
  readonly versions: ObjectVersion[];
  readonly markers: Marker[];
}

/** One at a time; a key whose versions fill several pages comes whole. */
export async function* keyVersions(
  client: S3Client,
  place: Pick<S3Place, 'bucket'>,
  prefix: string,
): AsyncGenerator<KeyVersions> {
  const { ListObjectVersionsCommand } = await loadSdk();
  const names = { Bucket: place.bucket, Prefix: prefix, EncodingType: 'url' } as const;
  let waiting = new Map<string, Gathering>();
  let from: { KeyMarker?: string; VersionIdMarker?: string } = {};
  while (true) {
    const page = await client.send(new ListObjectVersionsCommand({ ...names, ...from }));
    const gathering = (encoded: string | undefined): Gathering => {
      const name = decode(encoded ?? '');
      const known = waiting.get(name) ?? { name, versions: [], markers: [] };
      waiting.set(name, known);
      return known;
    };
    for (const { Key, VersionId, Size, LastModified, IsLatest } of page.Versions ?? []) {
      gathering(Key).versions.push({
        version: VersionId ?? '',
        bytes: Size ?? 0,
        storedAt: LastModified ?? new Date(0),
        isLatest: IsLatest === true,
      });
    }
    for (const { Key, VersionId, LastModified, IsLatest } of page.DeleteMarkers ?? []) {
      gathering(Key).markers.push({
        version: VersionId ?? '',
        madeAt: LastModified ?? new Date(0),
        isLatest: IsLatest === true,
      });
    }
    const sorted = [...waiting.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    const isMore = page.IsTruncated === true && page.NextKeyMarker !== undefined;
    // The last key of a page may go on in the next.
    const last = isMore ? sorted.pop() : undefined;
    yield* sorted;
    waiting = new Map(last === undefined ? [] : [[last.name, last]]);
    if (!isMore) return;
    from = {
      KeyMarker: decode(page.NextKeyMarker ?? ''),
      ...(page.NextVersionIdMarker === undefined
        ? {}
        : { VersionIdMarker: page.NextVersionIdMarker }),
    };
  }
}

/** The newest that was stored at or before `asOf`; null: none was. */
export function versionAsOf(key: KeyVersions, asOf: Date | null): ObjectVersion | null {
  return key.versions.find(({ storedAt }) => asOf === null || storedAt <= asOf) ?? null;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '));
  } catch {
    return name;
  }
}
