/**
 * Contestants in turns: each round runs every cell once against every contestant, in an order that
 * is rotated from round to round, so that a neighbour's busy minute is shared out. What counts is the
 * median over rounds and the ratio within the same run, never a number across runs or machines.
 */
import { cpuSecondsOf, machineBusySeconds, reapedCpuSeconds } from './cpu.ts';
import { type Door, runPgbench, type Workload } from './pgbench.ts';

export interface Contestant {
  /** `uncaptured`: through Holdfast, to a database that is not protected. */
  readonly name: 'direct' | 'pgbouncer' | 'holdfast' | 'uncaptured';
  readonly door: Door;
}

/** Every process that works for a transaction, by the part it plays; null: no such process. */
export interface Cast {
  readonly server: number;
  readonly pgbouncer: number;
  readonly holdfast: number | null;
  readonly store: number | null;
}

export interface Cell {
  readonly workload: Workload;
  readonly clients: number;
}

export interface Sample {
  readonly workload: string;
  readonly clients: number;
  readonly contestant: string;
  readonly round: number;
  readonly transactions: number;
  readonly tps: number;
  /** CPU microseconds per transaction, by part. */
  readonly cpuMicros: Readonly<Record<'server' | 'proxy' | 'store' | 'pgbench' | 'total', number>>;
  /** Share of the machine's CPU used by others meanwhile, 0..1. */
  readonly foreign: number;
}

export interface Plan {
  readonly binFolder: string;
  readonly contestants: readonly Contestant[];
  readonly cells: readonly Cell[];
  readonly rounds: number;
  readonly seconds: number;
  readonly cast: Cast;
  readonly cores: number;
  /** Before each cell: until what the cell before left to do is done. */
  readonly settled?: () => Promise<void>;
  readonly progress: (done: number, all: number, what: string) => void;
}

export async function runMatrix(plan: Plan): Promise<Sample[]> {
  const { contestants, cells, rounds } = plan;
  const samples: Sample[] = [];
  const all = rounds * cells.length * contestants.length;
  for (let round = 0; round < rounds; round += 1) {
    for (const cell of cells) {
      for (let turn = 0; turn < contestants.length; turn += 1) {
        const contestant = contestants[(turn + round) % contestants.length];
        if (!contestant) continue;
        const { workload, clients } = cell;
        plan.progress(samples.length, all, `${workload.title} c=${clients} ${contestant.name}`);
        samples.push(await runCell(plan, contestant, cell, round));
      }
    }
  }
  plan.progress(all, all, 'done');
  return samples;
}

async function runCell(
  plan: Plan,
  { name, door }: Contestant,
  { workload, clients }: Cell,
  round: number,
): Promise<Sample> {
  await plan.settled?.();
  const before = reading(plan.cast);
  const result = await runPgbench(plan.binFolder, door, workload, clients, plan.seconds);
  const after = reading(plan.cast);
  const spent = (part: keyof Cast): number => after.cpu[part] - before.cpu[part];
  const pgbench = after.reaped - before.reaped;
  const isHoldfast = name === 'holdfast' || name === 'uncaptured';
  const proxy = name === 'direct' ? 0 : spent(isHoldfast ? 'holdfast' : name);
  const ours = spent('server') + spent('pgbouncer') + spent('holdfast') + spent('store') + pgbench;
  const capacity = (plan.cores * (after.at - before.at)) / 1000;
  const micros = (seconds: number): number => (seconds * 1e6) / result.transactions;
  // Holdfast and its store idle beside the other contestants; only what worked for the cell counts.
  const store = isHoldfast ? spent('store') : 0;
  return {
    workload: workload.id,
    clients,
    contestant: name,
    round,
    transactions: result.transactions,
    tps: result.tps,
    cpuMicros: {
      server: micros(spent('server')),
      proxy: micros(proxy),
      store: micros(store),
      pgbench: micros(pgbench),
      total: micros(spent('server') + proxy + store + pgbench),
    },
    foreign: Math.max(0, (after.busy - before.busy - ours) / capacity),
  };
}

function reading(cast: Cast) {
  return {
    cpu: cpuSecondsOf({ ...cast }),
    reaped: reapedCpuSeconds(),
    busy: machineBusySeconds(),
    at: performance.now(),
  };
}
