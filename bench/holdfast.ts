/**
 * Holdfast as a user runs it: the built command line on a holdfast.yaml of its own, with its embedded
 * store (fsync on), policy and trail on, the target `guarded`, and an agent with a token.
 */
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { childrenOf, commandOf } from './cpu.ts';
import { type Door, runTool } from './pgbench.ts';
import { accepting, freePort, PG_BIN, pidOf, type Running, stopped } from './servers.ts';

export const CLI = join(
  dirname(fileURLToPath(import.meta.url)),
  '../../packages/holdfast/dist/cli/main.js',
);
const AGENT = 'bench-agent';
const ENVIRONMENT = 'production';

export interface RunningHoldfast extends Running {
  /** The server that keeps Holdfast's own state. */
  readonly storePid: number;
}

export interface HoldfastOptions {
  /** More databases of the same server as targets of their own name; `bench` is always there. */
  readonly more?: readonly string[];
  /** `open`: nothing waits for a person; all else is the same. */
  readonly level?: 'guarded' | 'open';
  /** Runs `holdfast protect bench --apply` as this superuser; `bench` itself stays the owner. */
  readonly protectAs?: string;
}

export async function startHoldfast(
  root: string,
  upstream: Door,
  { more = [], level = 'guarded', protectAs }: HoldfastOptions = {},
): Promise<RunningHoldfast> {
  const folder = join(root, 'holdfast');
  mkdirSync(folder, { mode: 0o711 });
  const port = await freePort();
  const dataFolder = join(folder, 'data');
  const config = join(folder, 'holdfast.yaml');
  const { database } = upstream;
  const yaml = [
    `listen: { host: 127.0.0.1, port: ${port}, tls: off }`,
    'dashboard: off',
    `store: { dataFolder: '${dataFolder}' }`,
    `environments: { ${ENVIRONMENT}: { level: ${level} } }`,
    'targets:',
    ...targetLines(upstream, database, protectAs),
    ...more.flatMap((name) => targetLines(upstream, name)),
  ];
  writeFileSync(config, `${yaml.join('\n')}\n`);
  const env = { ...process.env, BENCH_PASSWORD: upstream.password, HOLDFAST_CONFIG: config };
  // A thousand sessions are two thousand sockets.
  const command = `ulimit -n 65536 || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', command, process.execPath, CLI, 'up'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-4_000);
  });
  try {
    await accepting(child, port, 'Holdfast');
    const holdfast = async (...args: string[]): Promise<unknown> => {
      const done = await promisify(execFile)(process.execPath, [CLI, ...args, '--json'], { env });
      return JSON.parse(done.stdout);
    };
    if (protectAs !== undefined) await holdfast('protect', database, '--apply');
    await holdfast('agents', 'add', AGENT, '--purpose', 'a bench');
    const issued = await holdfast('agents', 'token', AGENT, '--env', ENVIRONMENT);
    const door = { ...upstream, name: 'holdfast', port, user: AGENT, password: tokenIn(issued) };
    await letIn({ ...door, database: 'bench' });
    return {
      pid: pidOf(child),
      storePid: storePidOf(pidOf(child)),
      door: { ...door, database: 'bench' },
      stop: () => stopped(child, 'SIGINT'),
    };
  } catch (error) {
    await stopped(child, 'SIGINT');
    throw new Error(`Holdfast did not start: ${String(error)}\n${log}`);
  }
}

function targetLines(upstream: Door, name: string, protectAs?: string): string[] {
  const server = `${upstream.host}:${upstream.port}/${name}`;
  return [
    `  ${name}:`,
    `    environment: ${ENVIRONMENT}`,
    '    upstream:',
    `      url: postgres://${upstream.user}@${server}`,
    '      password: { env: BENCH_PASSWORD }',
    '      sslmode: disable',
    ...(protectAs === undefined
      ? []
      : [
          '    protection:',
          `      admin: { url: 'postgres://${protectAs}@${server}', sslmode: disable }`,
          `      owner: ${upstream.user}`,
          `      exempt: [${upstream.user}]`,
        ]),
  ];
}

export function tokenIn(answer: unknown): string {
  const token = /"(hf_[0-9a-z]+)"/.exec(JSON.stringify(answer))?.[1];
  if (token === undefined) throw new Error('holdfast agents token --json named no token.');
  return token;
}

/** The gateway hears of a new token a moment after it was issued. */
async function letIn(door: Door): Promise<void> {
  for (let left = 50; ; left -= 1) {
    try {
      await runTool(PG_BIN, 'psql', door, ['-Xqc', 'select 1'], 10_000);
      return;
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
}

/** The embedded server is a child of Holdfast's process. */
export function storePidOf(pid: number): number {
  const found = childrenOf(pid).find((child) => commandOf(child).endsWith('postgres'));
  if (found === undefined) throw new Error(`Process ${pid} has started no PostgreSQL.`);
  return found;
}
