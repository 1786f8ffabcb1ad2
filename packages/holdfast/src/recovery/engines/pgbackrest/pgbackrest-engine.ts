/**
 * Engine "pgbackrest": points are backups that pgBackRest makes in the repository that the user already has, at the
 * host of the database. In the vault lies the record of each (`point.json`), with what drills found; the bytes lie
 * in the repository, so that no proof of the vault says anything of them (`standing.ts`).
 *
 *   backup -> its label by what the repository has now and had not before -> point.json
 *   restore -> `pgbackrest restore` of that label -> WAL up to the goal by `archive-get` -> settings
 *
 * pgBackRest checks the checksum of every file that it restores. Retention stays with it.
 */
import { chownSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { HoldfastError } from '../../../model/errors.ts';
import { type RunAs, unprivilegedUser } from '../../../programs/embedded-engine.ts';
import { pause } from '../../../programs/pause.ts';
import type { AdminConnection } from '../../../protection/postgres/admin.ts';
import { serverTime } from '../../clocks.ts';
import type { Witness } from '../../drills/witness.ts';
import { lsnOf } from '../../lsn.ts';
import type { PointSeal } from '../../point-seal.ts';
import { digestOfNewest, newPointId, writePoint } from '../../point-store.ts';
import { ProgressTeller } from '../../progress.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import { openSession, withDatabase } from '../../target-session.ts';
import type { Kept, Vault } from '../../vaults/vault.ts';
import type { Engine, Restored, RestoreGoal, ServerFacts, Tell } from '../engine.ts';
import { restoreWal } from '../pull/wal-restore.ts';
import { writeRecoverySettings } from '../recovery-settings.ts';
import { lookAtServer } from '../server-facts.ts';
import { RECORD_SQL, witnessNow } from '../witness-now.ts';
import { ArchiveWatch } from './archive-watch.ts';
import {
  failed,
  PgBackRest,
  type PgBackRestWay,
  type RepoBackup,
  shareIn,
} from './pgbackrest-program.ts';
import { RepoShelf } from './repo-shelf.ts';

export interface PgBackRestOptions {
  readonly target: string;
  /** Of a role that may read the catalogs and switch WAL. */
  readonly connection: AdminConnection;
  /** For the records. */
  readonly vault: Vault;
  readonly kept: () => Kept;
  readonly seal: PointSeal;
  readonly way: PgBackRestWay;
  readonly clock: Clock;
}

/** How long what the repository has is taken for so: each look is a program of its own. */
const LISTED_MS_MAX = 5 * 60_000;
const ARCHIVED_MS_MAX = 60_000;
const ARCHIVED_LOOK_MS = 200;
const SEGMENT_NAME = /^[0-9A-F]{24}$/;

export class PgBackRestEngine implements Engine {
  readonly kind = 'pgbackrest';
  /** It waits for the WAL of a backup by itself. */
  readonly needsStream = false;
  readonly #options: PgBackRestOptions;
  readonly #runAs: RunAs | null;
  readonly #program: PgBackRest;
  #facts: ServerFacts | null = null;
  #watch: ArchiveWatch | null = null;
  #listed: { readonly labels: ReadonlySet<string>; readonly atMs: number } | null = null;

  constructor(options: PgBackRestOptions) {
    this.#options = options;
    this.#runAs = unprivilegedUser();
    this.#program = new PgBackRest(options.way, this.#runAs);
  }

  async facts(): Promise<ServerFacts> {
    this.#facts ??= (await withDatabase(this.#options, lookAtServer)).facts;
    return this.#facts;
  }

  async stream(): Promise<ArchiveWatch> {
    await this.facts();
    this.#watch ??= new ArchiveWatch(this.#options.connection, this.#options.clock);
    return this.#watch;
  }

  async backup(tell: Tell, signal: AbortSignal): Promise<RecoveryPoint> {
    const { clock, kept, seal, target, vault, way } = this.#options;
    const server = await this.facts();
    const before = await this.#program.info(signal);
    const id = newPointId(clock);
    const startedAt = clock.now().toISOString();
    const totalBytes = await this.#databaseBytes();
    const progress = new ProgressTeller(tell, clock, 'backup', totalBytes);
    await this.#run('backup', ['--start-fast'], progress, totalBytes, signal);
    const wholeAt = await serverTime(this.#options);
    const known = new Set(before.backups.map(({ label }) => label));
    const { backups } = await this.#program.info(signal);
    const made = backups.find(({ label }) => !known.has(label));
    if (made === undefined) throw failed('a new backup in the repository', 'none');
    const until = kept();
    const point: RecoveryPoint = {
      format: 'holdfast/point/1',
      id,
      target,
      engine: this.kind,
      server,
      wal: walOf(made),
      startedAt,
      endedAt: clock.now().toISOString(),
      // Its own times are whole seconds.
      wholeAt: wholeAt.toISOString(),
      files: [],
      repository: {
        stanza: way.stanza,
        repo: way.repo,
        label: made.label,
        bytes: made.info.repository.delta ?? 0,
        plainBytes: made.info.size,
      },
      prior: null,
      keptUntil: until.retainUntil.toISOString(),
      recipients: [],
      previous: await digestOfNewest(vault, target, server.systemIdentifier, seal),
    };
    await writePoint(vault, point, until, seal);
    // It has one more, and may have expired others.
    this.#listed = null;
    return point;
  }

  /** It must be archived to count, and a segment is archived when it is full: so it is switched. */
  async witness(_point: RecoveryPoint, signal: AbortSignal): Promise<Witness | null> {
    const { clock, connection } = this.#options;
    const witness = await witnessNow(this.#options);
    if (witness === null) return null;
    const client = await openSession(connection, 'sql');
    try {
      await client.query(RECORD_SQL);
      const { rows } = await client.query<{ name: string }>(
        'select pg_walfile_name(pg_switch_wal()) as name',
      );
      const [wanted] = rows;
      const endMs = clock.monotonicMs() + ARCHIVED_MS_MAX;
      while (clock.monotonicMs() < endMs) {
        signal.throwIfAborted();
        const found = await client.query<{ name: string | null }>(
          'select last_archived_wal as name from pg_stat_archiver',
        );
        const name = found.rows[0]?.name ?? '';
        if (SEGMENT_NAME.test(name) && wanted !== undefined && name >= wanted.name) return witness;
        await pause(ARCHIVED_LOOK_MS);
      }
      return null;
    } finally {
      await client.end().catch(() => {});
    }
  }

  async restore(
    point: RecoveryPoint,
    goal: RestoreGoal,
    folder: string,
    tell: Tell,
    signal: AbortSignal,
  ): Promise<Restored> {
    const { clock } = this.#options;
    const { repository } = point;
    if (repository === undefined) throw failed('a point of engine pgbackrest', point.engine);
    const startedMs = clock.monotonicMs();
    const root = resolve(folder);
    const data = join(root, 'data');
    const waiting = join(root, 'wal');
    mkdirSync(data, { recursive: true, mode: 0o700 });
    for (const path of [root, data]) this.#give(path);
    const totalBytes = repository.plainBytes;
    const progress = new ProgressTeller(tell, clock, 'restore', totalBytes);
    const options = [
      `--pg1-path=${data}`,
      `--set=${repository.label}`,
      '--type=none',
      '--archive-mode=off',
      `--tablespace-map-all=${join(root, 'tablespaces')}`,
    ];
    await this.#run('restore', options, progress, totalBytes, signal);
    const walFolder = join(data, 'pg_wal');
    for (const name of readdirSync(walFolder).filter((one) => SEGMENT_NAME.test(one))) {
      rmSync(join(walFolder, name));
    }
    const { newestSegment } = await this.#program.info(signal);
    const shelf = new RepoShelf({
      ...{ point, newestSegment, signal },
      program: this.#program,
      runAs: this.#runAs,
      newestStoredAt: this.#watch?.state().durableAt ?? null,
      folder: waiting,
    });
    const wal = await restoreWal(shelf, point, goal, walFolder, progress, signal).finally(() =>
      rmSync(waiting, { recursive: true, force: true }),
    );
    const fetchMs = clock.monotonicMs() - startedMs;
    await writeRecoverySettings(data, wal);
    const restoreMs = clock.monotonicMs() - startedMs - fetchMs;
    return { point, folder: data, phases: { fetchMs, restoreMs } };
  }

  /** Its own retention goes by backups, and knows nothing of our records. */
  async lost(points: readonly RecoveryPoint[], signal: AbortSignal): Promise<ReadonlySet<string>> {
    const labels = await this.#labels(signal);
    return new Set(
      points.flatMap(({ id, repository }) =>
        repository === undefined || labels.has(repository.label) ? [] : [id],
      ),
    );
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    this.#watch = null;
  }

  async #labels(signal: AbortSignal): Promise<ReadonlySet<string>> {
    const nowMs = this.#options.clock.monotonicMs();
    const isFresh = this.#listed !== null && nowMs - this.#listed.atMs < LISTED_MS_MAX;
    if (this.#listed !== null && isFresh) return this.#listed.labels;
    const { backups } = await this.#program.info(signal);
    const labels = new Set(backups.map(({ label }) => label));
    this.#listed = { labels, atMs: nowMs };
    return labels;
  }

  #give(path: string): void {
    if (this.#runAs !== null) chownSync(path, this.#runAs.uid, this.#runAs.gid);
  }

  async #databaseBytes(): Promise<number> {
    const sql = 'select coalesce(sum(pg_database_size(oid)), 0)::text as bytes from pg_database';
    const [row] = await withDatabase(this.#options, (database) => database.query(sql));
    return Number(row?.['bytes'] ?? 0);
  }

  /** Runs a long command, and says how far it is by what it logs. */
  async #run(
    command: string,
    options: readonly string[],
    progress: ProgressTeller,
    totalBytes: number,
    signal: AbortSignal,
  ): Promise<void> {
    let done = 0;
    const told = [...options, '--log-level-console=detail'];
    await this.#program.run(command, told, [], signal, (line) => {
      const share = shareIn(line);
      if (share === null || share <= done) return;
      progress.add((share - done) * totalBytes);
      done = share;
    });
  }
}

function walOf({ archive, label, lsn }: RepoBackup): NonNullable<RecoveryPoint['wal']> {
  const stop = archive.stop ?? '';
  if (SEGMENT_NAME.test(stop) && lsn && lsnOf(lsn.start) !== null && lsnOf(lsn.stop) !== null) {
    return {
      timeline: Number.parseInt(stop.slice(0, 8), 16),
      startLsn: lsn.start,
      endLsn: lsn.stop,
    };
  }
  throw new HoldfastError('HF_RECOVERY_PROGRAM', {
    expected: `the backup ${label} to say from where to where its WAL goes`,
    found: `${archive.start} to ${stop}`,
    hint: 'It was made without WAL (--no-online?), and cannot be brought to a moment.',
  });
}
