/** `rclone serve restic` (Debian: rclone) on a loopback port, in a temp folder, ended by its own pid. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { accepts, freePort } from '../../src/testing/scratch-postgres.ts';

/** 30 s, 50 ms each. */
const LOOKS_MAX = 600;

export interface RestServer {
  readonly url: string;
  readonly keys: { readonly user: string; readonly password: string };
  /** Where it keeps everything, for whoever runs it. */
  readonly folder: string;
  stop(): Promise<void>;
}

export function rcloneMissing(): string | null {
  const paths = (process.env['PATH'] ?? '').split(delimiter);
  return paths.some((path) => existsSync(join(path, 'rclone'))) ? null : 'rclone is not installed';
}

export async function startRestServer(appendOnly: boolean): Promise<RestServer> {
  const home = scratchFolder('rest');
  const folder = join(home, 'kept');
  mkdirSync(folder);
  const port = await freePort();
  const keys = { user: 'vault', password: 'made up for a test' };
  const child = spawn(
    'rclone',
    [
      ...[
        'serve',
        'restic',
        '--addr',
        `127.0.0.1:${port}`,
        ...(appendOnly ? ['--append-only'] : []),
      ],
      ...['--user', keys.user, '--pass', keys.password, '--config', join(home, 'none'), folder],
    ],
    { stdio: 'ignore', env: { HOME: home, PATH: process.env['PATH'] ?? '' } },
  );
  try {
    await untilAccepts(child, port);
  } catch (error) {
    await stop(child, home);
    throw error;
  }
  const url = `http://127.0.0.1:${port}/repository/`;
  return { url, keys, folder, stop: () => stop(child, home) };
}

/** Rejects when it ended, could not be started, or does not answer. */
async function untilAccepts(child: ChildProcess, port: number): Promise<void> {
  let failed: Error | null = null;
  child.once('error', (error) => {
    failed = error;
  });
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    if (failed !== null) throw failed;
    if (!isRunning(child)) throw new Error(`rclone ended with ${child.exitCode}`);
    if (await accepts(port)) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`rclone does not answer on port ${port}`);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function stop(child: ChildProcess, home: string): Promise<void> {
  if (isRunning(child)) {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(home, { recursive: true, force: true });
}
