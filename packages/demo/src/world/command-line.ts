/** `holdfast`'s own command line, on the demo's holdfast.yaml: what a person types. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CLI = join(dirname(fileURLToPath(import.meta.resolve('holdfast'))), 'cli/main.js');
const COMMAND_MS_MAX = 120_000;

/** Runs `holdfast WORDS --json` and resolves with what it printed; rejects when it failed. */
export type CommandLine = (...words: readonly string[]) => Promise<unknown>;

export function commandLine(configPath: string): CommandLine {
  return async (...words) => {
    const env = { ...process.env, HOLDFAST_CONFIG: configPath };
    const options = { env, timeout: COMMAND_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
    const run = promisify(execFile)(process.execPath, [CLI, ...words, '--json'], options);
    return JSON.parse((await run).stdout);
  };
}
