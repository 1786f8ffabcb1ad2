/**
 * What a command is given and how it answers. A command is a function from what was typed to one
 * `Answer`; printing, exit codes and the two options that every command has are dealt with here.
 */
import type { Command } from 'commander';
import type { Clock } from '../model/clock.ts';
import { EXIT, exitCodeOf } from './exit-codes.ts';
import { type Interrupt, Interrupted } from './interrupt.ts';
import { type Answer, printAnswer, printError, type Streams } from './print.ts';

export interface Context {
  /** Where holdfast.yaml is: --config, else HOLDFAST_CONFIG, else ./holdfast.yaml. */
  readonly configPath: string;
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
    const { json, config } = globalsOf(command);
    const configPath = config ?? (streams.env['HOLDFAST_CONFIG'] || './holdfast.yaml');
    try {
      const answer = await work({ ...around, configPath, env: streams.env, json });
      finish(printAnswer(answer, json, streams));
    } catch (error) {
      if (error instanceof Interrupted && interrupt.hasHappened) return finish(EXIT.interrupted);
      printError(error, json, streams);
      finish(exitCodeOf(error));
    }
  };
}

function globalsOf(command: Command): { readonly json: boolean; readonly config: string | null } {
  const options: Record<string, unknown> = command.optsWithGlobals();
  const { json, config } = options;
  return { json: json === true, config: typeof config === 'string' ? config : null };
}

/** For answers whose news is "no" although nothing went wrong. */
export const NO = EXIT.no;
