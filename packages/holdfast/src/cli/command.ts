/**
 * What a command is given and how it answers. A command is a function from what was typed to one
 * `Answer`; printing, exit codes and the two options that every command has are dealt with here.
 */
import type { Command } from 'commander';
import type { Clock } from '../model/clock.ts';
import type { HoldfastError } from '../model/errors.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { type Interrupt, Interrupted } from './interrupt.ts';
import { type Answer, printAnswer, printError, type Streams } from './print.ts';
import { usageError } from './usage.ts';

export interface Context {
  /** Where holdfast.yaml is: --config, else HOLDFAST_CONFIG, else ./holdfast.yaml. */
  readonly configPath: string;
  /** `--url`: the Holdfast to ask; null: HOLDFAST_URL says, or this machine. */
  readonly url: string | null;
  readonly env: Streams['env'];
  readonly clock: Clock;
  readonly streams: Streams;
  readonly json: boolean;
  readonly interrupt: Interrupt;
}

/** Runs the work, prints its answer or its error, and keeps the exit code. */
export type Run = (command: Command, work: (context: Context) => Promise<Answer>) => Promise<void>;

export interface Surroundings {
  readonly streams: Streams;
  readonly clock: Clock;
  readonly interrupt: Interrupt;
}

export function runner(around: Surroundings, finish: (exit: number) => void): Run {
  const { streams, interrupt } = around;
  return async (command, work) => {
    const { json, config, url } = globalsOf(command);
    const configPath = config ?? (streams.env['HOLDFAST_CONFIG'] || './holdfast.yaml');
    try {
      if (url !== null && HERE.has(command)) throw onlyHere(command, url);
      const answer = await work({ ...around, configPath, url, env: streams.env, json });
      finish(printAnswer(answer, json, streams));
    } catch (error) {
      if (error instanceof Interrupted && interrupt.hasHappened) return finish(EXIT.interrupted);
      printError(error, json, streams);
      finish(exitCodeOf(error));
    }
  };
}

/** Commands that work on this machine whatever HOLDFAST_URL says. */
const HERE = new WeakSet<Command>();

/** Says so in its help; `--url` is then an error, since it would be ignored. */
export function onThisMachine(command: Command): Command {
  HERE.add(command);
  return command.addHelpText('after', '\nIt works on this machine, whatever HOLDFAST_URL says.');
}

function onlyHere(command: Command, url: string): HoldfastError {
  return usageError(
    `\`${command.name()}\` without --url`,
    url,
    'It works on this machine only: run it where holdfast.yaml is.',
  );
}

interface Globals {
  readonly json: boolean;
  readonly config: string | null;
  readonly url: string | null;
}

function globalsOf(command: Command): Globals {
  const options: Record<string, unknown> = command.optsWithGlobals();
  const { json, config, url } = options;
  return {
    json: json === true,
    config: typeof config === 'string' ? config : null,
    url: typeof url === 'string' ? url : null,
  };
}

/** For answers whose news is "no" although nothing went wrong. */
export const NO = EXIT.no;
