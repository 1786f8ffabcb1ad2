/**
 * What PostgreSQL tells of itself in `postmaster.pid`, and how a server is asked to stop.
 * Line by line (PostgreSQL `src/include/utils/pidfile.h`): pid, data folder, start time, port,
 * socket folder, listen address, shared memory key, status.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import { pause } from './pause.ts';
import { commandOf, isSame, markOf, type ProcessMark, workFolderOf } from './process-mark.ts';

export interface Postmaster {
  readonly mark: ProcessMark;
  /** Null until the server has written that far. */
  readonly port: number | null;
  readonly socketFolder: string | null;
  readonly listenAddress: string;
  readonly status: string;
}

/** Fast: open transactions are rolled back, a shutdown checkpoint is written. */
const FAST_STOP_MS_MAX = 30_000;
/** Quit: at once, with a crash recovery at the next start. */
const QUIT_MS_MAX = 10_000;
const LOOK_MS = 25;

/** Null when no server runs on the folder; a pid file left by a dead one counts as none. */
export function runningPostmaster(dataFolder: string): Postmaster | null {
  const lines = readLines(dataFolder);
  const pid = Number(lines[0]);
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const mark = markOf(pid);
  if (mark === null || !isServerOf(pid, dataFolder)) return null;
  const port = Number(lines[3]);
  return {
    mark,
    port: lines[3] && Number.isSafeInteger(port) ? port : null,
    socketFolder: lines[4] || null,
    listenAddress: lines[5] ?? '',
    status: (lines[7] ?? '').trim(),
  };
}

/** False when it would not go; it was asked politely first. */
export async function stopPostmaster(mark: ProcessMark, clock: Clock): Promise<boolean> {
  const steps = [
    ['SIGINT', FAST_STOP_MS_MAX],
    ['SIGQUIT', QUIT_MS_MAX],
  ] as const;
  for (const [signal, waitMs] of steps) {
    if (!isSame(mark)) return true;
    try {
      process.kill(mark.pid, signal);
    } catch {}
    if (await isGone(mark, waitMs, clock)) return true;
  }
  return false;
}

export async function isGone(mark: ProcessMark, waitMs: number, clock: Clock): Promise<boolean> {
  const started = clock.monotonicMs();
  while (isSame(mark)) {
    if (clock.monotonicMs() - started > waitMs) return false;
    await pause(LOOK_MS);
  }
  return true;
}

/** A number in a pid file may have been given to somebody else since (after a container's restart). */
function isServerOf(pid: number, dataFolder: string): boolean {
  const folder = workFolderOf(pid);
  if (folder !== null) return folder === realpathSync(dataFolder);
  return commandOf(pid).includes('postgres');
}

function readLines(dataFolder: string): string[] {
  try {
    return readFileSync(join(dataFolder, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return [];
  }
}
