/**
 * A target brought back beside the live one, never over it. In this order:
 *
 *   the point for what is wished -> room -> restore (fetch, decrypt, check, unpack) -> start on a Unix
 *     socket, recover to the goal -> left running, to be looked at
 *
 * Then one of two: `discard` removes all of it; `keep` shuts it down in order and leaves a data folder
 * that anybody's PostgreSQL of that version starts, in a history of its own. What it will not do: take
 * the place of the live target, listen on a network, or archive anything.
 */

import { chmodSync, constants, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type pg from 'pg';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { findPostgres } from '../../programs/postgres-binaries.ts';
import { openTargetDatabase } from '../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { type Isolation, ScratchCluster } from '../drills/scratch-cluster.ts';
import type { Engine, Restored, RestoreGoal, Tell } from '../engines/engine.ts';
import type { WalListing } from '../engines/pull/wal-listing.ts';
import { lsnOf } from '../lsn.ts';
import { isSealed, type PointSeal } from '../point-seal.ts';
import {
  plainBytesOf,
  type RecoveryPoint,
  type RecoveryWindow,
  type StoredPoint,
} from '../recovery-point.ts';
import { mustBeEmpty } from '../restore-folder.ts';
import { viewAsOf, viewWords } from '../vaults/as-of.ts';
import type { Vault } from '../vaults/vault.ts';
import { choosePoint, type RestoreWish } from './choose-point.ts';
import { noteLeft } from './left-state.ts';

export interface RestoreOrder {
  readonly target: string;
  readonly wish: RestoreWish;
  /** All of the vault as it was then: for when somebody wrote over it since. Null: as it is now. */
  readonly asOf: Date | null;
  /** Empty or missing. Holds `root/data` and the tablespaces afterwards. */
  readonly folder: string;
  /** It shall be kept, so it is as durable as PostgreSQL makes it. */
  readonly isKept: boolean;
}

export interface RestoreParts {
  /** What brings points back out of a vault: the one here, or a view of it as it was. */
  readonly engineOf: (vault: Vault) => Pick<Engine, 'restore'>;
  readonly vault: Vault;
  /** To tell whose a point is; none is needed to restore it. */
  readonly seal: PointSeal;
  readonly clock: Clock;
  /** A superuser of the source. */
  readonly superuser: string;
  /** Folders with PostgreSQL's programs that the configuration names. */
  readonly binaries: readonly string[];
  readonly replayMsMax: number;
  /** Bytes that are free where the folder lies; for tests. Left out: what the file system says. */
  readonly freeBytes?: (folder: string) => Promise<bigint>;
}

export interface RestorePhases {
  readonly fetchMs: number;
  readonly restoreMs: number;
  readonly replayMs: number;
  readonly firstQueryMs: number;
}

/** How a data folder that is kept is started, for people. */
export interface KeptCluster {
  readonly folder: string;
  /** `18`: of the programs that may start it. */
  readonly major: number;
  /** Sentences: what to do before and after it is started. */
  readonly next: readonly string[];
}

/** Replay, the checkpoint at its end, and what PostgreSQL writes when it starts. */
const ROOM_BESIDE_BYTES = 256n * 1024n * 1024n;

/**
 * Rejects with HF_RESTORE_WINDOW, HF_RESTORE_ROOM, HF_RECOVERY_* and HF_DRILL_*; nothing is left then but
 * a folder that was there before.
 */
export async function restoreTarget(
  order: RestoreOrder,
  parts: RestoreParts,
  tell: Tell,
  signal: AbortSignal,
): Promise<RestoredTarget> {
  const { clock, engineOf, seal } = parts;
  const vault = order.asOf === null ? parts.vault : viewAsOf(parts.vault, order.asOf);
  const began = clock.monotonicMs();
  const folder = resolve(order.folder);
  const wasThere = mustBeEmpty(folder);
  const chosen = await choosePoint(vault, order.target, order.wish, seal, order.asOf);
  mkdirSync(folder, { recursive: true });
  try {
    await checkRoom(folder, roomNeeded(chosen.point, chosen.goal, chosen.wal), parts);
    // The server's user may pass through it, and no more.
    chmodSync(folder, 0o711);
    const binaries = await findPostgres(
      { major: majorOf(chosen.point), named: parts.binaries, copyFolder: folder },
      clock,
    );
    const root = join(folder, 'root');
    const engine = engineOf(vault);
    const restored = await engine.restore(chosen.point, chosen.goal, root, tell, signal);
    tell({ phase: 'replay', doneBytes: 0, totalBytes: null, bytesPerSecond: 0 });
    const cluster = await ScratchCluster.start({
      folder: restored.folder,
      binaries,
      user: restored.superuser ?? parts.superuser,
      clock,
      readyMsMax: parts.replayMsMax,
      signal,
      isKept: order.isKept,
    });
    const rtoMs = Math.round(clock.monotonicMs() - began);
    const { goal, point, verdict, window } = chosen;
    return new RestoredTarget({
      order,
      vaultKind: vault.kind,
      folder,
      wasThere,
      goal,
      point,
      isSealed: isSealed(verdict),
      window,
      restored,
      cluster,
      rtoMs,
    });
  } catch (error) {
    empty(folder, wasThere);
    throw error;
  }
}

interface Standing {
  readonly order: RestoreOrder;
  readonly vaultKind: Vault['kind'];
  readonly folder: string;
  readonly wasThere: boolean;
  readonly point: StoredPoint;
  readonly isSealed: boolean | null;
  readonly goal: RestoreGoal;
  readonly window: RecoveryWindow;
  readonly restored: Restored;
  readonly cluster: ScratchCluster;
  readonly rtoMs: number;
}

/** It runs until it is kept or discarded. */
export class RestoredTarget {
  readonly #standing: Standing;

  constructor(standing: Standing) {
    this.#standing = standing;
  }

  get target(): string {
    return this.#standing.order.target;
  }
  get point(): StoredPoint {
    return this.#standing.point;
  }
  /** By this installation; null: its key is not here, and nobody can tell. */
  get isSealed(): boolean | null {
    return this.#standing.isSealed;
  }
  get goal(): RestoreGoal {
    return this.#standing.goal;
  }
  get window(): RecoveryWindow {
    return this.#standing.window;
  }
  /** Of a vault as it was: a sentence, by whose word. Null: as it is now. */
  get view(): string | null {
    const { order, point, vaultKind } = this.#standing;
    return order.asOf === null ? null : viewWords(vaultKind, point.engine);
  }
  get isolation(): Isolation {
    return this.#standing.cluster.isolation;
  }
  /** From the wish to the first answer of the restored server. */
  get rtoMs(): number {
    return this.#standing.rtoMs;
  }
  get phases(): RestorePhases {
    const { cluster, restored } = this.#standing;
    return {
      fetchMs: Math.round(restored.phases.fetchMs),
      restoreMs: Math.round(restored.phases.restoreMs),
      replayMs: Math.round((restored.phases.replayMs ?? 0) + cluster.replayMs),
      firstQueryMs: cluster.firstQueryMs,
    };
  }
  /** Folder of a Unix socket and its port, for psql. */
  get place(): ScratchCluster['place'] {
    return this.#standing.cluster.place;
  }

  /** Whoever asks closes it. */
  connect(database: string): Promise<pg.Client> {
    return this.#standing.cluster.connect(database);
  }

  /** As the live target's is, for comparing them; whoever asks closes it. */
  database(database: string, statementMsMax: number): TargetDatabase {
    return openTargetDatabase({
      target: this.target,
      connection: { ...this.place, database, password: () => null, ssl: false },
      statementMsMax,
    });
  }

  /** Rejects with HF_RESTORE_STATE when it was not made to be kept, or did not shut down in order. */
  async keep(): Promise<KeptCluster> {
    const { cluster, folder, order, point, restored } = this.#standing;
    if (!order.isKept) {
      throw new HoldfastError('HF_RESTORE_STATE', {
        expected: 'a restore that was made to be kept',
        found: 'one that ran without fsync',
        hint: 'Restore once more, to be kept.',
      });
    }
    if (!(await cluster.stop())) {
      throw new HoldfastError('HF_RESTORE_STATE', {
        expected: 'the restored server to shut down in order',
        found: `that it did not: ${cluster.log().split('\n').at(-1) ?? ''}`,
        hint: 'Restore once more.',
      });
    }
    await makeOrdinary(restored.folder, this.#words());
    noteLeft(folder);
    const major = majorOf(point);
    return { folder: restored.folder, major, next: nextSteps(restored.folder, major, point) };
  }

  async discard(): Promise<void> {
    const { cluster, folder, wasThere } = this.#standing;
    await cluster.stop();
    empty(folder, wasThere);
  }

  #words(): string {
    const { goal, order, point } = this.#standing;
    const until = goal.at?.toISOString() ?? goal.lsn ?? 'the end of its WAL';
    const view = order.asOf === null ? '' : `, of the vault as of ${order.asOf.toISOString()}`;
    return `Restored by Holdfast from ${point.id}, up to ${until}${view}.`;
  }
}

function empty(folder: string, wasThere: boolean): void {
  if (!wasThere) rmSync(folder, { recursive: true, force: true });
  else for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}

/** The files as they are unpacked, and the WAL from the point's start to the goal as whole segments. */
function roomNeeded(point: RecoveryPoint, goal: RestoreGoal, wal: WalListing): bigint {
  const files = BigInt(plainBytesOf(point));
  // The dump itself, and what it becomes: rows with their heads, and indexes.
  if (point.engine === 'dump') return files * 4n + ROOM_BESIDE_BYTES;
  const start = lsnOf(point.wal?.startLsn ?? '') ?? 0n;
  const end = lsnOf(goal.lsn ?? '');
  return files + wal.bytesBetween(start, end, goal.at) + ROOM_BESIDE_BYTES;
}

async function checkRoom(folder: string, needed: bigint, parts: RestoreParts): Promise<void> {
  const free = await (parts.freeBytes ?? freeBytesOf)(folder);
  if (free >= needed) return;
  throw new HoldfastError('HF_RESTORE_ROOM', {
    expected: `${megabytes(needed)} free in ${folder}`,
    found: megabytes(free),
    hint: 'Nothing was fetched. Name a folder on a larger disk.',
  });
}

async function freeBytesOf(folder: string): Promise<bigint> {
  const { bavail, bsize } = await statfs(folder, { bigint: true });
  return bavail * bsize;
}

function megabytes(bytes: bigint): string {
  return `${bytes / 1_000_000n} MB`;
}

function majorOf(point: RecoveryPoint): number {
  return Math.trunc(point.server.version / 10_000);
}

const MARK = '# Written by Holdfast for this restore.';

/** What only the recovery needed goes out of its settings; what would reach out of it stays off. */
async function makeOrdinary(data: string, words: string): Promise<void> {
  // Code of the restored database may have laid a link there, for us to write through.
  const file = await open(
    join(data, 'postgresql.auto.conf'),
    constants.O_RDWR | constants.O_NOFOLLOW,
  );
  const text = await file.readFile('utf8');
  const at = text.lastIndexOf(MARK);
  const before = at < 0 ? text : text.slice(0, at);
  const lines = [
    `# ${words}`,
    '# These stay until you say otherwise: nothing of the old cluster is reached.',
    'archive_mode = off',
    "primary_conninfo = ''",
    "primary_slot_name = ''",
    "synchronous_standby_names = ''",
    '',
  ];
  await file.truncate(0);
  await file.write(`${before.trimEnd()}\n${lines.join('\n')}`, 0);
  await file.close();
}

function nextSteps(data: string, major: number, point: RecoveryPoint): readonly string[] {
  const isDump = point.engine === 'dump';
  return [
    isDump
      ? `The data folder is ${data}; it holds the one database that was dumped.`
      : `The data folder is ${data}; tablespaces lie in ${join(dirname(data), 'tablespaces')} if it has any.`,
    isDump
      ? 'Its postgresql.conf and pg_hba.conf are new: they let only its owner in over the socket, and others by their password.'
      : 'Its postgresql.conf and pg_hba.conf are those of the backup; where the server kept them elsewhere, they are stand-ins that let only its owner in.',
    `Start it with the programs of PostgreSQL ${major}, as the user who owns the folder.`,
    isDump
      ? 'It has no statistics yet: run ANALYZE. What the engine dump does not carry is as at the dump (docs/recovery.md).'
      : 'It archives nothing. When it is the one that counts, turn archive_mode on and take a new base backup: it is on a timeline of its own.',
  ];
}
