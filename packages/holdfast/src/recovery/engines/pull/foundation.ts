/**
 * What the next base backup builds on: the newest point of the vault that is sealed as ours, if it was pulled,
 * where the server can say which blocks have changed since (17 and later, with `summarize_wal`), or nothing,
 * and then why. It never fails a backup: whatever cannot be told makes it a full one.
 *
 * Retention: a point is worth nothing without those below it. So a full one is kept longer than it need
 * be itself, by as long as points may be built on it; those are kept until the same date; and nothing is
 * built on what would leave before the new point may.
 */
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { openTargetDatabase } from '../../../protection/postgres/admin.ts';
import { getChecked } from '../../checked-objects.ts';
import { unpackBytes } from '../../packing/pack.ts';
import { CHAIN_POINTS_MAX, readBelow } from '../../point-chain.ts';
import { newestOfOurs } from '../../point-store.ts';
import { plainBytesOf, pointPrefix, type StoredPoint } from '../../recovery-point.ts';
import type { Kept, Vault } from '../../vaults/vault.ts';
import type { ServerFacts } from '../engine.ts';
import { BLOCK_BYTES } from './increment-file.ts';
import type { PullOptions } from './pull-options.ts';

const VERSION_MIN = 170_000;
/** How long points are built on a full one. */
const CHAIN_MS_MAX = 7 * 24 * 60 * 60 * 1000;

export interface Foundation {
  readonly point: StoredPoint;
  /** Its backup manifest, as the server sent it. */
  readonly manifest: Buffer;
  readonly below: {
    readonly digest: string;
    readonly plainBytes: number;
    readonly points: number;
  };
  readonly kept: Kept;
}

export type Plan =
  | { readonly on: Foundation }
  /** Null: it is the first. */
  | { readonly on: null; readonly because: string | null; readonly kept: Kept };

/** What was sent by the server in this process: what lies in the vault only a private key opens. */
export interface SentManifest {
  readonly point: string;
  readonly manifest: Buffer;
}

/** `distrusted`: ids of points whose drills did not pass; nothing is built on them. */
export async function planBackup(
  options: PullOptions,
  facts: ServerFacts,
  sent: SentManifest | null,
  distrusted: ReadonlySet<string>,
): Promise<Plan> {
  const kept = options.kept();
  const unable = await whyUnable(options, facts);
  if (unable !== null) return { on: null, because: unable, kept };
  const full = (because: string | null): Plan => fullPlan(options, because);
  try {
    const { target, vault } = options;
    const newest = await newestOfOurs(vault, target, facts.systemIdentifier, options.seal);
    const point = newest.ours;
    // Blocks that somebody else names are no ground to build on.
    if (point === null) {
      return full(newest.unsealed === null ? null : 'The point before is from before seals.');
    }
    if (point.engine !== 'pull') return full('The point before is of another engine.');
    const below = await readBelow(vault, point);
    const chain = [...below, point];
    const reason = whyNot(chain, kept, distrusted) ?? (await whatIsGone(vault, facts, chain));
    if (reason !== null) return full(reason);
    const manifest = await manifestOf(options, point, sent);
    if (manifest === null) {
      return full(
        'No private key is here that opens what the point before has, and another process took it.',
      );
    }
    return {
      on: {
        point,
        manifest,
        below: {
          digest: point.digest,
          plainBytes: chain.reduce((sum, one) => sum + plainBytesOf(one), 0),
          points: chain.length,
        },
        kept: { retainUntil: new Date(point.keptUntil ?? 0) },
      },
    };
  } catch (error) {
    return full(`What it would build on cannot be read: ${wordsOf(error)}`);
  }
}

/** Others may be built on it, so it is kept longer. */
export function fullPlan(options: PullOptions, because: string | null): Plan {
  const retainUntil = new Date(options.kept().retainUntil.getTime() + CHAIN_MS_MAX);
  return { on: null, because, kept: { retainUntil } };
}

/** Null: the server can. */
async function whyUnable(options: PullOptions, facts: ServerFacts): Promise<string | null> {
  if (facts.version < VERSION_MIN) return 'The server is older than PostgreSQL 17.';
  const { connection, target } = options;
  const database = openTargetDatabase({ target, connection, poolSize: 1 });
  try {
    const [row] = await database.query(
      `select current_setting('summarize_wal', true) as summarizes,
              current_setting('block_size')::int as block`,
    );
    if (row?.['summarizes'] !== 'on') return 'summarize_wal is off at the server.';
    return row['block'] === BLOCK_BYTES ? null : 'The blocks of the server are not of 8 KiB.';
  } catch (error) {
    return `The server does not say whether it summarizes WAL: ${wordsOf(error)}`;
  } finally {
    await database.close();
  }
}

function whyNot(
  chain: readonly StoredPoint[],
  kept: Kept,
  distrusted: ReadonlySet<string>,
): string | null {
  const until = kept.retainUntil.getTime();
  if (chain.length > CHAIN_POINTS_MAX) {
    return `${CHAIN_POINTS_MAX} points lie on the last full one already.`;
  }
  const doubted = chain.find(({ id }) => distrusted.has(id));
  if (doubted !== undefined) return `The last drill of ${doubted.id} did not pass.`;
  // Where it does not say, it counts as short.
  const short = chain.find(({ keptUntil }) => !(Date.parse(keptUntil ?? '') >= until));
  if (short !== undefined) return `${short.id} may leave the vault before this point may.`;
  return null;
}

/** Whether every file of the chain is still listed. */
async function whatIsGone(
  vault: Vault,
  facts: ServerFacts,
  chain: readonly StoredPoint[],
): Promise<string | null> {
  const [full] = chain;
  if (full === undefined) return null;
  const there = new Map<string, number>();
  for await (const object of vault.list(pointPrefix(full.target, facts.systemIdentifier), null)) {
    there.set(`${object.key}@${object.version}`, object.bytes);
  }
  for (const { files, id } of chain) {
    const gone = files.find(({ bytes, key, version }) => there.get(`${key}@${version}`) !== bytes);
    if (gone !== undefined) return `The vault has not all of ${id} any more.`;
  }
  return null;
}

/** Null: nobody here can open it. */
async function manifestOf(
  options: PullOptions,
  point: StoredPoint,
  sent: SentManifest | null,
): Promise<Buffer | null> {
  if (sent?.point === point.id) return sent.manifest;
  const file = point.files.find(({ role }) => role === 'manifest');
  const identities = identitiesOf(options);
  if (file === undefined || identities.length === 0) return null;
  return unpackBytes(getChecked(options.vault, file), identities, file.key);
}

/** A private key that is declared and not there is as none. */
function identitiesOf(options: PullOptions): readonly string[] {
  try {
    return options.identities();
  } catch {
    return [];
  }
}

function wordsOf(error: unknown): string {
  return error instanceof HoldfastError ? `${error.found} (${error.code})` : messageOf(error);
}
