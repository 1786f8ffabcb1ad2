/**
 * Recovery points in a vault: written last, and under a seal (`point-seal.ts`); read first. Each names the
 * digest of the one of ours before it, so that one that was left out shows (`chainTroubles`). What engines go
 * on from is the newest that is sealed and whole: its files lie there as it names them.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { jsonOf } from '../model/json.ts';
import { objectBytes, oneChunk } from './object-bytes.ts';
import type { PointSeal } from './point-seal.ts';
import type { SealedPoint } from './point-trust.ts';
import {
  ENGINE_KINDS,
  type PointFile,
  pointPrefix,
  type RecoveryPoint,
  type StoredPoint,
} from './recovery-point.ts';
import type { Kept, StoredObject, Vault } from './vaults/vault.ts';

const POINT_BYTES_MAX = 4 * 1024 * 1024;
/** PostgreSQL knows no larger ones. */
const SEGMENT_BYTES_MAX = 1024 ** 3;

const pointShape = z.object({
  format: z.literal('holdfast/point/1'),
  // It stands in commands that people copy.
  id: z.string().regex(/^[0-9A-Za-z][\w-]{0,63}$/),
  target: z.string(),
  engine: z.enum(ENGINE_KINDS),
  server: z.object({
    version: z.number(),
    systemIdentifier: z.string(),
    // Whoever can write into the vault may have written it: places in the WAL are counted in these.
    walSegmentBytes: z.int().positive().max(SEGMENT_BYTES_MAX),
    hasChecksums: z.boolean(),
  }),
  wal: z
    .object({
      timeline: z.number(),
      startLsn: z.string(),
      endLsn: z.string(),
      sealed: z.object({ keyId: z.string(), fromLsn: z.string() }).optional(),
    })
    .nullable(),
  dump: z.object({ structure: z.string(), carriesAll: z.boolean() }).optional(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  wholeAt: z.iso.datetime().optional(),
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

/** What lies below the points of a server, as listed once. */
export interface ListedPoints {
  /** Each point.json; oldest first. */
  readonly points: readonly StoredObject[];
  /** Everything, by key. */
  readonly there: ReadonlyMap<string, StoredObject>;
}

export async function listPointFiles(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  asOf: Date | null,
): Promise<ListedPoints> {
  const points: StoredObject[] = [];
  const there = new Map<string, StoredObject>();
  for await (const object of vault.list(pointPrefix(target, systemIdentifier), asOf)) {
    there.set(object.key, object);
    if (object.key.endsWith('/point.json')) points.push(object);
  }
  return { points, there };
}

/** Oldest first. */
export async function listPoints(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  asOf: Date | null,
): Promise<readonly StoredObject[]> {
  return (await listPointFiles(vault, target, systemIdentifier, asOf)).points;
}

/** Rejects with HF_RECOVERY_DAMAGED. */
export async function readPoint(vault: Vault, object: StoredObject): Promise<StoredPoint> {
  return pointIn(await bytesOf(vault, object), object.key);
}

/** And what its seal says. Rejects with HF_RECOVERY_DAMAGED. */
export async function readSealedPoint(
  vault: Vault,
  object: StoredObject,
  seal: PointSeal,
): Promise<SealedPoint> {
  const bytes = await bytesOf(vault, object);
  const point = pointIn(bytes, object.key);
  return { point, verdict: seal.verdictOf(vault.name, object.key, bytes.toString('utf8')) };
}

function pointIn(bytes: Buffer, key: string): StoredPoint {
  const parsed = pointShape.safeParse(jsonOf(bytes.toString('utf8')));
  if (parsed.success) return { ...parsed.data, digest: digestOf(bytes) };
  throw new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `a recovery point at ${key}`,
    found: z.prettifyError(parsed.error),
    hint: 'Take another recovery point.',
  });
}

/** It lies where its own words say, and says when it was whole. */
export function isItself(point: RecoveryPoint, key: string): boolean {
  const isWhen = !Number.isNaN(new Date(point.endedAt).getTime());
  return isWhen && pointKey(point, point.server.systemIdentifier) === key;
}

/**
 * Whether its files lie there as it names them, also where somebody wrote over one since: each by the version
 * that it names, so no clock has a say, neither ours nor the vault's. What was put back after its files had gone
 * has other versions, and is not whole.
 */
export async function isWhole(
  vault: Vault,
  point: RecoveryPoint,
  there: ListedPoints['there'],
): Promise<boolean> {
  for (const file of writtenOver(point, there)) {
    if (!there.has(file.key)) return false;
    const found = await vault.stat(file);
    if (found === null || !isAsNamed(file, found)) return false;
  }
  return true;
}

/** Its files that do not lie there as it names them, by what was listed: they are gone, or under another version. */
export function writtenOver(
  { files }: RecoveryPoint,
  there: ListedPoints['there'],
): readonly PointFile[] {
  return files.filter((file) => {
    const found = there.get(file.key);
    return found === undefined || !isAsNamed(file, found);
  });
}

/** By all that the vault says of it: not every one knows the digest without reading it whole. */
function isAsNamed(file: PointFile, { bytes, sha256, version }: StoredObject): boolean {
  const isSame = version === file.version && bytes === file.bytes;
  return isSame && (sha256 === null || sha256 === file.sha256);
}

/**
 * The newest that is ours and whole; where none is, the newest from before seals; null: neither. What does not
 * read, or is not ours, is told by `vault-records.ts`.
 */
export async function newestPoint(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  seal: PointSeal,
): Promise<StoredPoint | null> {
  const newest = await newestOf(vault, target, systemIdentifier, seal, isWhole);
  return newest.ours ?? newest.unsealed;
}

/** Null: there is none yet. */
export async function digestOfNewest(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  seal: PointSeal,
): Promise<string | null> {
  return (await newestOfOurs(vault, target, systemIdentifier, seal)).ours?.digest ?? null;
}

interface Newest {
  readonly ours: StoredPoint | null;
  readonly unsealed: StoredPoint | null;
}

/** As `newestPoint`, told apart, and whether its files are there or not. */
export function newestOfOurs(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  seal: PointSeal,
): Promise<Newest> {
  return newestOf(vault, target, systemIdentifier, seal, async () => true);
}

async function newestOf(
  vault: Vault,
  target: string,
  systemIdentifier: string,
  seal: PointSeal,
  counts: typeof isWhole,
): Promise<Newest> {
  const { points, there } = await listPointFiles(vault, target, systemIdentifier, null);
  let unsealed: StoredPoint | null = null;
  for (const object of points.toReversed()) {
    const read = await readSealedPoint(vault, object, seal).catch(damagedIsNull);
    if (read === null || !isItself(read.point, object.key)) continue;
    const { point, verdict } = read;
    if (verdict !== 'ours' && (verdict !== 'none' || unsealed !== null)) continue;
    if (!(await counts(vault, point, there))) continue;
    if (verdict === 'ours') return { ours: point, unsealed: null };
    unsealed = point;
  }
  return { ours: null, unsealed };
}

function damagedIsNull(error: unknown): null {
  if (error instanceof HoldfastError && error.code === 'HF_RECOVERY_DAMAGED') return null;
  throw error;
}

/**
 * What does not fit in the chain of all the points of a server, as sentences. Each names the one before it;
 * one of them, the oldest, may name one that is gone, and no two the same.
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

export async function writePoint(
  vault: Vault,
  point: RecoveryPoint,
  kept: Kept,
  seal: PointSeal,
): Promise<void> {
  const key = pointKey(point, point.server.systemIdentifier);
  await vault.put(key, oneChunk(Buffer.from(seal.write(vault.name, key, point))), kept);
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
