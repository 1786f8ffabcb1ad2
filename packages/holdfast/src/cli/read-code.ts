/**
 * A one-time code: from --code, else from the terminal without showing it, else from standard input
 * (the first line). A code on the command line is no leak: it counts once and dies in 30 seconds.
 */
import { usageError } from './usage.ts';

export interface CodeInput {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
  on(event: 'data', listener: (chunk: Buffer) => void): unknown;
  off(event: 'data', listener: (chunk: Buffer) => void): unknown;
  once(event: 'end', listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
}

/** More than any code; a pasted file is not read to its end. */
const INPUT_CHARS_MAX = 64;
const HIDDEN_CHARS_MAX = 1_024;
const ENTER = /[\r\n]/;
const CTRL_C = '\u0003';
const BACKSPACE = /[\b\u007f]/;

export async function readCode(
  given: string | undefined,
  input: CodeInput,
  prompt: (text: string) => void,
): Promise<string> {
  const text = given ?? (await typed(input, prompt));
  const code = text.replaceAll(/\s/g, '');
  if (/^\d{6}$/.test(code)) return code;
  throw usageError(
    'a code of 6 digits from the authenticator app',
    code === '' ? 'nothing' : `${code.length} characters that are no such code`,
    'Give it with --code 123456, or on standard input.',
  );
}

/** What nobody shall see typed: from the terminal without showing it, else the first line of standard input. */
export function readHidden(
  label: string,
  input: CodeInput,
  prompt: (text: string) => void,
): Promise<string> {
  return typed(input, prompt, label, HIDDEN_CHARS_MAX);
}

function typed(
  input: CodeInput,
  prompt: (text: string) => void,
  label = 'Code',
  charsMax = INPUT_CHARS_MAX,
): Promise<string> {
  const hidden = input.isTTY === true && input.setRawMode !== undefined;
  if (hidden) {
    prompt(`${label}: `);
    input.setRawMode?.(true);
  }
  return new Promise((done) => {
    let text = '';
    const finish = (): void => {
      input.off('data', take);
      input.pause();
      if (hidden) {
        input.setRawMode?.(false);
        prompt('\n');
      }
      done(text);
    };
    const take = (chunk: Buffer): void => {
      for (const char of chunk.toString('utf8')) {
        if (hidden && char === CTRL_C) text = '';
        if (ENTER.test(char) || char === CTRL_C || text.length >= charsMax) return finish();
        text = BACKSPACE.test(char) ? text.slice(0, -1) : text + char;
      }
    };
    input.on('data', take);
    input.once('end', finish);
    input.resume();
  });
}
