/** `holdfast`'s own command line, on the demo's holdfast.yaml: what a person types. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CLI = join(dirname(fileURLToPath(import.meta.resolve('holdfast'))), 'cli/main.js');
const COMMAND_MS_MAX = 120_000;

/** Runs `holdfast WORDS --json` and resolves with what it printed; rejects when it failed. */
export type CommandLine = (...words: readonly string[]) => Promise<unknown>;

/** `isAnswer`: of exit codes other than 0, which come with something to read and are no failure. */
export function commandLine(
  configPath: string,
  isAnswer: (code: number) => boolean = () => false,
): CommandLine {
  const env = { ...process.env, HOLDFAST_CONFIG: configPath };
  const options = { env, timeout: COMMAND_MS_MAX, maxBuffer: 64 * 1024 * 1024 };
  return (...words) =>
    new Promise((done, fail) => {
      const child = execFile(
        process.execPath,
        [CLI, ...words, '--json'],
        options,
        (error, stdout) => {
          if (error !== null && !isAnswer(child.exitCode ?? -1)) return fail(error);
          try {
            done(JSON.parse(stdout));
          } catch (cause) {
            fail(error ?? cause);
          }
        },
      );
    });
}
