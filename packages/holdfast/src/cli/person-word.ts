/** A person's word on the command line: who, the code that proves it, and the digest they were shown. */
import type { Command } from 'commander';
import { HoldfastError } from '../model/errors.ts';
import { DIGEST_SHOWN_CHARS_MIN } from '../model/limits.ts';
import type { Context } from './command.ts';
import { readCode } from './read-code.ts';

export interface PersonOptions {
  readonly as: string;
  readonly code?: string;
}

export interface WordOptions extends PersonOptions {
  readonly digest?: string;
  readonly comment?: string;
  /** What is typed because it goes for good. */
  readonly name?: string;
}

export function withPerson(command: Command): Command {
  return command
    .requiredOption('--as <name>', 'who decides: a person of `holdfast people list`')
    .option('--code <digits>', 'six digits; else asked for without showing it, or read from stdin');
}

export function withWord(command: Command): Command {
  return withPerson(command).option(
    '--digest <shown>',
    `what you were shown: the six words, the digest, or its first ${DIGEST_SHOWN_CHARS_MIN} characters`,
  );
}

/** For a yes. */
export function withYes(command: Command): Command {
  return withWord(command)
    .option('--comment <text>', 'why yes, for the others and the trail')
    .option('--name <name>', 'the name the card wants typed, when nothing takes it back');
}

export function codeOf({ streams }: Context, options: PersonOptions): Promise<string> {
  return readCode(options.code, streams.in, (text) => streams.err.write(text));
}

/** As the API takes it. */
export interface Word {
  readonly person: string;
  readonly code: string;
  readonly digestShown: string | null;
  readonly comment?: string;
  readonly typedName?: string;
}

export async function wordOf(context: Context, options: WordOptions): Promise<Word> {
  checkShown(options.digest);
  const code = await codeOf(context, options);
  return {
    person: options.as,
    code,
    digestShown: options.digest ?? null,
    ...(options.comment === undefined ? {} : { comment: options.comment }),
    ...(options.name === undefined ? {} : { typedName: options.name }),
  };
}

/** HF_USAGE: so few characters that another digest can be made which begins with them. Asked before the code. */
function checkShown(shown: string | undefined): void {
  if (shown === undefined || /[\s-]/.test(shown.trim())) return;
  if (shown.trim().length >= DIGEST_SHOWN_CHARS_MIN) return;
  throw new HoldfastError('HF_USAGE', {
    expected: `--digest with the six words, or at least ${DIGEST_SHOWN_CHARS_MIN} characters of the digest`,
    found: `${shown.trim().length} characters`,
    hint: 'Copy it whole, as `holdfast holds show` prints it.',
  });
}

export function digestShown({ digest }: { readonly digest: string }): string {
  return digest.slice(0, DIGEST_SHOWN_CHARS_MIN);
}
