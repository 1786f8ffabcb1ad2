/**
 * The backup manifest ("Backup Manifest Format" in the manual; version 1 in servers 15 and 16, 2 from 17
 * on): every file of a base backup with its size and SHA-256, and the WAL it needs. It carries its own
 * checksum over everything before that line, which is checked first.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { HoldfastError } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import { lsnOf } from '../../lsn.ts';

const FILES_NAMED_MAX = 5;

const fileShape = z
  .object({
    Path: z.string().optional(),
    'Encoded-Path': z
      .string()
      .regex(/^([0-9a-f]{2})*$/)
      .optional(),
    Size: z.number().int().nonnegative(),
    'Checksum-Algorithm': z.literal('SHA256'),
    Checksum: z.string().regex(/^[0-9a-f]{64}$/),
  })
  .transform((file) => ({
    path: file.Path ?? Buffer.from(file['Encoded-Path'] ?? '', 'hex').toString('utf8'),
    bytes: file.Size,
    sha256: file.Checksum,
  }));

const manifestShape = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.union([z.literal(1), z.literal(2)]),
  'System-Identifier': z.unknown().optional(),
  Files: z.array(fileShape),
  'WAL-Ranges': z
    .array(z.object({ Timeline: z.number().int(), 'Start-LSN': z.string(), 'End-LSN': z.string() }))
    .min(1),
});

export interface BackupFile {
  /** Below the data folder; of a tablespace `pg_tblspc/<oid>/...`. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly files: readonly BackupFile[];
  readonly wal: readonly {
    readonly timeline: number;
    readonly start: bigint;
    readonly end: bigint;
  }[];
}

/** Rejects with HF_RECOVERY_MANIFEST. */
export function readManifest(bytes: Buffer): BackupManifest {
  const line = bytes.lastIndexOf('\n"Manifest-Checksum"');
  if (line < 0) throw refused('a whole manifest', 'one that was cut');
  const stated = /^\n"Manifest-Checksum": "([0-9a-f]{64})"\}\s*$/.exec(
    bytes.toString('utf8', line),
  );
  const sum = createHash('sha256')
    .update(bytes.subarray(0, line + 1))
    .digest('hex');
  if (stated?.[1] !== sum) throw refused('a manifest with its own checksum', 'another checksum');
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (cause) {
    throw refused('a manifest in JSON', 'something else', cause);
  }
  const parsed = manifestShape.safeParse(json);
  if (!parsed.success) {
    throw refused('a manifest of version 1 or 2 with SHA256', z.prettifyError(parsed.error));
  }
  const wal = parsed.data['WAL-Ranges'].map((range) => {
    const start = lsnOf(range['Start-LSN']);
    const end = lsnOf(range['End-LSN']);
    if (start === null || end === null) throw refused('positions in the WAL', 'something else');
    return { timeline: range.Timeline, start, end };
  });
  return { files: parsed.data.Files, wal };
}

/** Rejects with HF_RECOVERY_MANIFEST and the first few files that differ. */
export function compareWithManifest(
  manifest: BackupManifest,
  found: ReadonlyMap<string, Omit<BackupFile, 'path'>>,
): void {
  const listed = new Set(manifest.files.map(({ path }) => path));
  const missing = manifest.files.filter(({ path }) => !found.has(path)).map(({ path }) => path);
  const extra = [...found.keys()].filter((path) => !listed.has(path));
  const changed = manifest.files
    .filter(({ path, bytes, sha256 }) => {
      const file = found.get(path);
      return file !== undefined && (file.bytes !== bytes || file.sha256 !== sha256);
    })
    .map(({ path }) => path);
  const words = [
    ...listOf('missing', missing),
    ...listOf('not listed', extra),
    ...listOf('with other bytes', changed),
  ];
  if (words.length > 0) {
    throw refused(
      `the ${manifest.files.length} files of the manifest, byte for byte`,
      words.join('; '),
    );
  }
}

function listOf(what: string, paths: readonly string[]): string[] {
  if (paths.length === 0) return [];
  const named = paths.slice(0, FILES_NAMED_MAX).map(oneLine).join(', ');
  return [`${paths.length} ${what} (${named}${paths.length > FILES_NAMED_MAX ? ', ...' : ''})`];
}

function refused(expected: string, found: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_RECOVERY_MANIFEST', {
    expected,
    found,
    hint: 'Do not use this recovery point; take a new one, or restore an older one.',
    ...(cause === undefined ? {} : { cause }),
  });
}
