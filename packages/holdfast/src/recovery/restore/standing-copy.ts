/**
 * A copy that `holdfast restore --into` left as an ordinary data folder, started once more to be worked in:
 * on a Unix socket, without a network, as durable as PostgreSQL makes it; then shut down in order, and left
 * as it was found. A server that a killed command of ours left running is stopped first, in order. What it will
 * not do: start a folder that no restore of ours made, or one that runs for somebody who lives.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { DRILL_REPLAY_MS_MAX } from '../../model/limits.ts';
import { findPostgres } from '../../programs/postgres-binaries.ts';
import { runningPostmaster, stopPostmaster } from '../../programs/postmaster.ts';
import { formatMark, isSame, markOf, parseMark } from '../../programs/process-mark.ts';
import { openTargetDatabase } from '../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { ScratchCluster } from '../drills/scratch-cluster.ts';

export interface StandingCopyOptions {
  /** As it was said to `restore --into`. */
  readonly folder: string;
  readonly target: string;
  readonly superuser: string;
  /** Folders with PostgreSQL's programs that the configuration names. */
  readonly binaries: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface StandingCopy {
  /** Whoever asks closes it. */
  database(name: string, statementMsMax: number): TargetDatabase;
  close(): Promise<void>;
}

const MARK = '# Restored by Holdfast from ';
/** Beside what the server's user may write in: the process that works in the copy. */
const WORKER = 'holdfast-worker';
const OURS = ['hba.conf', 'ident.conf', 'scratch.conf', 'scratch.log'];

/** HF_REBUILD_STATE for a folder that is none; HF_DRILL_* when its server does not start. */
export async function openStandingCopy(options: StandingCopyOptions): Promise<StandingCopy> {
  const { binaries: named, clock, signal, superuser, target } = options;
  const folder = resolve(options.folder);
  const data = join(folder, 'root', 'data');
  await claimCopy(folder, clock);
  const major = Number(textOf(join(data, 'PG_VERSION')).trim());
  const binaries = await findPostgres({ major, named, copyFolder: folder }, clock);
  const cluster = await ScratchCluster.start({
    ...{ folder: data, binaries, user: superuser, clock, signal },
    readyMsMax: DRILL_REPLAY_MS_MAX,
    isKept: true,
  });
  return {
    database: (database, statementMsMax) =>
      openTargetDatabase({
        target,
        connection: { ...cluster.place, database, password: () => null, ssl: false },
        statementMsMax,
      }),
    close: async () => {
      await cluster.stop();
      for (const name of OURS) rmSync(join(data, `holdfast_${name}`), { force: true });
      releaseCopy(folder);
    },
  };
}

/**
 * The folder is a copy of ours, and this process is the one that works in it from now on. A pid file of a server that
 * is gone is PostgreSQL's own matter: it starts over it.
 */
export async function claimCopy(folder: string, clock: Clock): Promise<void> {
  const data = join(folder, 'root', 'data');
  if (!textOf(join(data, 'postgresql.auto.conf')).includes(MARK)) {
    throw no(`a copy that \`holdfast restore --into ${folder}\` made`, 'none');
  }
  const mark = join(folder, WORKER);
  const running = runningPostmaster(data);
  if (running !== null) {
    const worker = parseMark(textOf(mark));
    if (worker === undefined || isSame(worker) || !(await stopPostmaster(running.mark, clock))) {
      throw no(`that no server runs on ${data}`, 'that one does');
    }
  }
  rmSync(mark, { force: true });
  const own = markOf(process.pid);
  if (own !== null) writeFileSync(mark, formatMark(own), { flag: 'wx', mode: 0o600 });
}

export function releaseCopy(folder: string): void {
  rmSync(join(folder, WORKER), { force: true });
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function no(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', {
    expected,
    found,
    hint: 'Name the folder of the copy as it was said to restore --into.',
  });
}
