/**
 * Names a process so that a reused number is not mistaken for it: the pid together with the moment
 * it was born, as the system tells it (`/proc` on Linux, `ps` elsewhere).
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hasCode } from '../model/errors.ts';

export interface ProcessMark {
  readonly pid: number;
  readonly born: string;
}

/** Null when no such process lives. */
export function markOf(pid: number): ProcessMark | null {
  if (!isAlive(pid)) return null;
  const born = bornOf(pid);
  return born === null ? null : { pid, born };
}

export function isSame(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.born === mark.born;
}

/** Undefined when the text is no mark (torn write, foreign file). */
export function parseMark(text: string): ProcessMark | undefined {
  const [pid, born] = text.trim().split(' ');
  const number = Number(pid);
  if (!Number.isSafeInteger(number) || number <= 0 || !born) return undefined;
  return { pid: number, born };
}

export function formatMark(mark: ProcessMark): string {
  return `${mark.pid} ${mark.born}\n`;
}

/** The folder a process works in; null when the system does not tell. */
export function workFolderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/** The command line of a process, blanks between its words; empty when the system does not tell. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ps(pid, 'command=');
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and belongs to somebody else.
    return hasCode(error, 'EPERM');
  }
}

/** Null for a zombie: it holds a number and nothing else. */
function bornOf(pid: number): string | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    const started = ps(pid, 'lstart=').trim().replaceAll(/\s+/g, '_');
    return started === '' ? null : started;
  }
  // The name in brackets may hold blanks and brackets: fields are counted after the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function ps(pid: number, column: string): string {
  try {
    return execFileSync('ps', ['-o', column, '-p', String(pid)], { stdio: 'pipe' }).toString();
  } catch {
    return '';
  }
}
