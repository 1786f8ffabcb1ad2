/**
 * Who used the processor? Wall-clock rates on a shared machine say more about the neighbours than
 * about the contestant, so each cell is also charged with the CPU it used itself, read from
 * /proc (Linux only): user + system time of a process, its threads, its live children and the
 * children it has reaped, in ticks of 10 ms.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ; 100 on every Linux that Debian builds. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly parent: number;
  /** utime + stime + cutime + cstime. */
  readonly ticks: number;
  /** cutime + cstime alone. */
  readonly reapedTicks: number;
}

/** proc(5): the fields after the command, which stands in parentheses and may hold spaces. */
function timesOf(pid: number | 'self'): ProcessTimes | null {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index] ?? 0);
  const reapedTicks = at(13) + at(14);
  return { parent: at(1), ticks: at(11) + at(12) + reapedTicks, reapedTicks };
}

/** CPU seconds used so far by each named process tree. */
export function cpuSecondsOf<Name extends string>(
  roots: Readonly<Record<Name, number | null>>,
): Record<Name, number> {
  const all = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const times = timesOf(pid);
    if (times) all.set(pid, times);
  }
  const children = new Map<number, number[]>();
  for (const [pid, { parent }] of all) {
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const named = new Set(Object.values<number | null>(roots));
  const ticksBelow = (pid: number): number => {
    let ticks = all.get(pid)?.ticks ?? 0;
    // A tree that has a name of its own is not charged to the tree that started it.
    for (const child of children.get(pid) ?? []) if (!named.has(child)) ticks += ticksBelow(child);
    return ticks;
  };
  const seconds = (root: number | null): number =>
    root === null ? 0 : ticksBelow(root) / TICKS_PER_SECOND;
  const entries = Object.entries<number | null>(roots).map(([name, pid]) => [name, seconds(pid)]);
  return Object.fromEntries(entries) as Record<Name, number>;
}

/** CPU seconds of the children this process has reaped: what a finished pgbench used. */
export function reapedCpuSeconds(): number {
  return (timesOf('self')?.reapedTicks ?? 0) / TICKS_PER_SECOND;
}

/** CPU seconds the whole machine was busy, all cores, all processes (steal excluded). */
export function machineBusySeconds(): number {
  const line = readFileSync('/proc/stat', 'latin1').split('\n')[0] ?? '';
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + irq + softirq) / TICKS_PER_SECOND;
}

export function childrenOf(pid: number): number[] {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  return pids.filter((one) => timesOf(one)?.parent === pid);
}

/** What was executed: the first word of its command line. */
export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? '';
}

/** Resident memory of one process, bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
  if (!match) throw new Error(`/proc/${pid}/status has no VmRSS.`);
  return Number(match[1]) * 1024;
}
