/**
 * A copy that `holdfast restore --into` left as an ordinary data folder, started once more to be worked in:
 * on a Unix socket, without a network, as durable as PostgreSQL makes it; then shut down in order, and left
 * as it was found. A server that a killed command of ours left running is stopped first, in order, known by its
 * own command line. What it will not do: start a folder that no restore of ours made, or one in which another works,
 * or in which a server that is not ours may run, seen or not (in a container, on another machine).
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { DRILL_REPLAY_MS_MAX } from '../../model/limits.ts';
import { findPostgres } from '../../programs/postgres-binaries.ts';
import { runningPostmaster, stopPostmaster } from '../../programs/postmaster.ts';
import { commandOf, formatMark, isSame, markOf, parseMark } from '../../programs/process-mark.ts';
import { openTargetDatabase } from '../../protection/postgres/admin.ts';
import type { TargetDatabase } from '../../protection/target-database.ts';
import { ScratchCluster } from '../drills/scratch-cluster.ts';
import { isAsLeft, mayBeNoted, noteLeft, noteSomebodys } from './left-state.ts';

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
  if (!isAsLeft(folder)) noteSomebodys(folder);
  const cluster = await started(data, { binaries: named, clock, folder, signal, superuser }).catch(
    (error: unknown) => {
      leave(folder);
      throw error;
    },
  );
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
      leave(folder);
    },
  };
}

async function started(
  data: string,
  { binaries: named, clock, folder, signal, superuser }: Omit<StandingCopyOptions, 'target'>,
): Promise<ScratchCluster> {
  const major = Number(textOf(join(data, 'PG_VERSION')).trim());
  const binaries = await findPostgres({ major, named, copyFolder: folder }, clock);
  return await ScratchCluster.start({
    ...{ folder: data, binaries, user: superuser, clock, signal },
    readyMsMax: DRILL_REPLAY_MS_MAX,
    isKept: true,
  });
}

/** A server of ours that was killed leaves its pid file, which is told by our mark. */
function leave(folder: string): void {
  if (mayBeNoted(folder)) noteLeft(folder);
  if (!existsSync(pidFileOf(folder))) releaseCopy(folder);
}

/** As of when the vault was read that it came from, by its own settings, ISO 8601; null: as it was, or no copy of ours. */
export function viewOfCopy(folder: string): string | null {
  const settings = textOf(join(resolve(folder), 'root', 'data', 'postgresql.auto.conf'));
  // What was backed up may have been a copy itself, and say so above.
  const ours = settings.split('\n').findLast((line) => line.startsWith(MARK)) ?? '';
  const said = /, of the vault as of (\S+)\.$/.exec(ours)?.[1] ?? '';
  return z.iso.datetime().safeParse(said).success ? said : null;
}

/** The folder is a copy of ours, and this process is the one that works in it from now on. */
export async function claimCopy(folder: string, clock: Clock): Promise<void> {
  if (!textOf(join(folder, 'root', 'data', 'postgresql.auto.conf')).includes(MARK)) {
    throw no(
      `a copy that \`holdfast restore --into ${folder}\` made`,
      'none',
      'Name the folder of the copy as it was said to restore --into.',
    );
  }
  const mark = join(folder, WORKER);
  const hadWorker = existsSync(mark);
  if (hadWorker && !isGone(textOf(mark))) {
    throw no(
      `that nobody works in ${folder}`,
      `the mark of one who does: ${textOf(mark).trim()}`,
      `If it is gone (another machine, or a container), remove ${mark} and try again.`,
    );
  }
  if (existsSync(pidFileOf(folder))) await stopOurs(folder, hadWorker, clock);
  rmSync(mark, { force: true });
  const own = markOf(process.pid);
  const words = own === null ? null : `${formatMark(own).trim()} ${hostname()}\n`;
  if (words !== null) writeFileSync(mark, words, { flag: 'wx', mode: 0o600 });
}

export function releaseCopy(folder: string): void {
  rmSync(join(folder, WORKER), { force: true });
}

/** Only this machine can tell that a process is gone, and only of its own. */
function isGone(said: string): boolean {
  const worker = parseMark(said);
  return worker !== undefined && said.trim().split(' ')[2] === hostname() && !isSame(worker);
}

/** By command line, or, of one that is gone, by its own pid file: socket folder and no listen address. */
async function stopOurs(folder: string, hadWorker: boolean, clock: Clock): Promise<void> {
  const data = join(folder, 'root', 'data');
  const running = runningPostmaster(data);
  const isOurs = running === null ? isOurFile(folder) : isOurCommand(commandOf(running.mark.pid));
  if (!hadWorker || !isOurs || (running !== null && !(await stopPostmaster(running.mark, clock)))) {
    throw no(
      `that no server runs on ${data}`,
      running === null ? 'its postmaster.pid, of a server that is not seen here' : 'that one does',
      'Nothing was changed. Stop the server in order where it runs; a postmaster.pid that is left of one that is gone is removed by hand.',
    );
  }
  if (mayBeNoted(folder)) noteLeft(folder);
}

function isOurCommand(command: string): boolean {
  return (
    command.includes(' -c listen_addresses= ') &&
    / -c config_file=.*\/hf-drill-[0-9a-f]{12}\/scratch\.conf/.test(command)
  );
}

/** Lines 5 and 6 (PostgreSQL `src/include/utils/pidfile.h`). */
function isOurFile(folder: string): boolean {
  const lines = textOf(pidFileOf(folder)).split('\n');
  return /\/hf-drill-[0-9a-f]{12}\/s$/.test(lines[4] ?? '') && lines[5]?.trim() === '';
}

function pidFileOf(folder: string): string {
  return join(folder, 'root', 'data', 'postmaster.pid');
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function no(expected: string, found: string, hint: string): HoldfastError {
  return new HoldfastError('HF_REBUILD_STATE', { expected, found, hint });
}
