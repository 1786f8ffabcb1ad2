/** Runs pgbench once against one contestant and reads what it says. */
import { spawn } from 'node:child_process';

export interface Door {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly flags: readonly string[];
}

export const WORKLOADS: readonly Workload[] = [
  { id: 'select-simple', title: '-S simple', flags: ['-S', '-M', 'simple'] },
  { id: 'select-prepared', title: '-S prepared', flags: ['-S', '-M', 'prepared'] },
  { id: 'select-extended', title: '-S extended', flags: ['-S', '-M', 'extended'] },
  { id: 'tpcb-simple', title: 'TPC-B simple', flags: ['-M', 'simple'] },
];

/** Three updates and an insert, each of them captured, a select, and a COMMIT. */
export const TPCB: readonly Workload[] = [
  { id: 'tpcb-simple', title: 'TPC-B simple', flags: ['-M', 'simple'] },
  { id: 'tpcb-prepared', title: 'TPC-B prepared', flags: ['-M', 'prepared'] },
];

export interface PgbenchResult {
  readonly transactions: number;
  /** Without the time to connect. */
  readonly tps: number;
}

/** `pgbench -n`: -T `seconds`, `clients` connections, one thread per core at most. */
export async function runPgbench(
  binFolder: string,
  door: Door,
  workload: Workload,
  clients: number,
  seconds: number,
): Promise<PgbenchResult> {
  const threads = Math.min(clients, 2);
  const args = [
    '-n',
    '-T',
    `${seconds}`,
    '-c',
    `${clients}`,
    '-j',
    `${threads}`,
    ...workload.flags,
  ];
  const output = await runTool(binFolder, 'pgbench', door, args, (seconds + 60) * 1000);
  const transactions = /actually processed: (\d+)/.exec(output)?.[1];
  const tps = /^tps = ([\d.]+) /m.exec(output)?.[1];
  const failed = /number of failed transactions: (\d+)/.exec(output)?.[1] ?? '0';
  if (transactions === undefined || tps === undefined || failed !== '0') {
    throw new Error(`pgbench against ${door.name} did not finish cleanly:\n${output}`);
  }
  return { transactions: Number(transactions), tps: Number(tps) };
}

/** Runs a PostgreSQL client program against a door; bounded in time; rejects unless it ends with 0. */
export function runTool(
  binFolder: string,
  program: string,
  door: Door,
  args: readonly string[],
  msMax: number,
): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn(`${binFolder}/${program}`, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        PGHOST: door.host,
        PGPORT: `${door.port}`,
        PGUSER: door.user,
        PGPASSWORD: door.password,
        PGDATABASE: door.database,
        PGSSLMODE: 'disable',
        PGGSSENCMODE: 'disable',
      },
    });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-16_000);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
    child.once('error', fail);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) done(output);
      else
        fail(new Error(`${program} against ${door.name} ended with ${code ?? signal}:\n${output}`));
    });
  });
}
