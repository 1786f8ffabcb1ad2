/**
 * Recovery points in a vault: written last, read first. Each names the digest of the one before it, so
 * that one that was slipped in between or left out shows (`chainTroubles`).
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { objectBytes, oneChunk } from './object-bytes.ts';
import {
  ENGINE_KINDS,
  type PointFile,
  pointPrefix,
  type RecoveryPoint,
  type StoredPoint,
} from './recovery-point.ts';
import type { Kept, StoredObject, Vault } from './vaults/vault.ts';

const POINT_BYTES_MAX = 4 * 1024 * 1024;

const pointShape = z.object({
  format: z.literal('holdfast/point/1'),
  id: z.string(),
  target: z.string(),
  engine: z.enum(ENGINE_KINDS),
  server: z.object({
    version: z.number(),
    systemIdentifier: z.string(),
    walSegmentBytes: z.number(),
    hasChecksums: z.boolean(),
  }),
  wal: z.object({ timeline: z.number(), startLsn: z.string(), endLsn: z.string() }).nullable(),
  dump: z.object({ structure: z.string(), carriesAll: z.boolean() }).optional(),
  startedAt: z.string(),
  endedAt: z.string(),
  files: z.array(
    z.object({
      key: z.string(),
      version: z.string(),
      bytes: z.number(),
      sha256: z.string(),
      plainBytes: z.number(),
      plainSha256: z.string().nullable(),
      role: z.enum(['base', 'tablespace', 'manifest', 'globals', 'dump']),
      tablespace: z.object({ oid: z.number(), location: z.string() }).nullable(),
    }),
  ),
  repository: z
    .object({
      stanza: z.string(),
      repo: z.number().nullable(),
      label: z.string(),
      bytes: z.number(),
      plainBytes: z.number(),
    })
    .optional(),
  prior: z.string().nullable(),
  buildsOn: z.object({ digest: z.string(), plainBytes: z.number(), points: z.number() }).nullish(),
  fullBecause: z.string().nullish(),
  keptUntil: z.iso.datetime().optional(),
  recipients: z.array(z.string()),
  previous: z.string().nullable(),
});

/** `20261128T001500123Z-7f3a`: to the millisecond, since two in one second must sort as they were taken. */
export function newPointId(clock: Clock): string {
  const time = clock.now().toISOString().replaceAll(/[-:.]/g, '');
  return `${time}-${clock.random(2).toString('hex')}`;
}

export function pointKey(
  point: Pick<RecoveryPoint, 'target' | 'id'>,
  systemIdentifier: string,
): string {
  return `${pointPrefix(point.target, systemIdentifier)}${point.id}/point.json`;
}

/** Oldest first. */
export async function listPoints(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  asOf: Date | null,
): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = [];
  for await (const object of vault.list(pointPrefix(target, systemIdentifier), asOf)) {
    if (object.key.endsWith('/point.json')) found.push(object);
  }
  return found;
}

/** Rejects with HF_RECOVERY_DAMAGED. */
export async function readPoint(vault: Vault, object: StoredObject): Promise<StoredPoint> {
  const bytes = await bytesOf(vault, object);
  const parsed = pointShape.safeParse(jsonOf(bytes.toString('utf8')));
  if (parsed.success) return { ...parsed.data, digest: digestOf(bytes) };
  throw new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `a recovery point at ${object.key}`,
    found: z.prettifyError(parsed.error),
    hint: 'Take another recovery point.',
  });
}

/** The newest that reads; null: none does. What does not read is told by `vault-records.ts`. */
export async function newestPoint(
  vault: Vault,
  target: string,
  systemIdentifier: string,
): Promise<StoredPoint | null> {
  const objects = await listPoints(vault, target, systemIdentifier, null);
  for (const object of objects.toReversed()) {
    try {
      return await readPoint(vault, object);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'HF_RECOVERY_DAMAGED') throw error;
    }
  }
  return null;
}

/** Null: there is none yet, or it is longer than any of ours; the chain then says so. */
export async function digestOfNewest(
  vault: Vault,
  target: string,
  systemIdentifier: string,
): Promise<string | null> {
  const newest = (await listPoints(vault, target, systemIdentifier, null)).at(-1);
  if (newest === undefined) return null;
  const bytes = await objectBytes(vault, newest, POINT_BYTES_MAX);
  return bytes === null ? null : digestOf(bytes);
}

/**
 * What does not fit in the chain of all the points of a server, as sentences. Each names the one before it;
 * one of them, the oldest, may name one that is gone, and no two the same. It is no seal: whoever can write
 * in the vault can add one at its end.
 */
export function chainTroubles(points: readonly StoredPoint[]): readonly string[] {
  const there = new Set(points.map(({ digest }) => digest));
  const named = new Set<string>();
  let hasBeginning = false;
  return points.flatMap(({ id, previous }) => {
    if (previous !== null && there.has(previous)) {
      if (named.has(previous)) return [`${id} names the same point before it as another does.`];
      named.add(previous);
      return [];
    }
    if (hasBeginning) {
      return [`The point before ${id} is gone, or is not what it was, while older ones are there.`];
    }
    hasBeginning = true;
    return [];
  });
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function writePoint(vault: Vault, point: RecoveryPoint, kept: Kept): Promise<void> {
  const bytes = Buffer.from(`${JSON.stringify(point, null, 2)}\n`);
  await vault.put(pointKey(point, point.server.systemIdentifier), oneChunk(bytes), kept);
}

/** Rejects with HF_RECOVERY_DAMAGED for what is longer than any point. */
async function bytesOf(vault: Vault, object: StoredObject): Promise<Buffer> {
  const bytes = await objectBytes(vault, object, POINT_BYTES_MAX);
  if (bytes !== null) return bytes;
  throw new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `a recovery point at ${object.key}`,
    found: `more than ${POINT_BYTES_MAX} bytes`,
    hint: 'Look at who can write into the vault.',
  });
}

/** Of a point that needs one. Throws HF_RECOVERY_DAMAGED when it has none. */
export function fileOf(point: RecoveryPoint, role: PointFile['role']): PointFile {
  const file = point.files.find((one) => one.role === role);
  if (file !== undefined) return file;
  throw new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `a recovery point with a ${role}`,
    found: `${point.id} without`,
    hint: 'Take another recovery point.',
  });
}
