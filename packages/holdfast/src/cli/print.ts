/**
 * How commands speak. A command makes one `Answer`; this prints it, as lines for people or, with
 * --json, as exactly one JSON value on stdout whose shape stays. Errors go to stderr in four parts:
 * what, expected, found, what to do; with --json they are one JSON value on stdout too.
 *
 * Nothing here asks a question.
 */
import { ERRORS, HoldfastError } from '../model/errors.ts';
import { oneLine, visible } from '../model/text.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { CodeInput } from './read-code.ts';

export { oneLine, visible };

export interface Answer {
  /** Plain data; its shape is a promise to scripts. */
  readonly json: unknown;
  readonly lines: (paint: Paint) => readonly string[];
  /** 0 when left out. */
  readonly exit?: ExitCode;
  /** Everything was written on the way. */
  readonly silent?: boolean;
}

export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
}

/** Where words go; the process's own streams, or a test's. */
export interface Streams {
  readonly out: Stream;
  readonly err: Stream;
  readonly in: CodeInput;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface Stream {
  readonly isTTY?: boolean;
  write(text: string): boolean;
}

export function printAnswer(answer: Answer, json: boolean, streams: Streams): ExitCode {
  const { out, env } = streams;
  if (answer.silent === true) return answer.exit ?? EXIT.ok;
  const text = json ? toJson(answer.json) : answer.lines(paintFor(out, env)).join('\n');
  if (text !== '') out.write(`${text}\n`);
  return answer.exit ?? EXIT.ok;
}

export function printError(error: unknown, json: boolean, streams: Streams): void {
  if (json) {
    streams.out.write(`${toJson({ error: errorFacts(error) })}\n`);
    return;
  }
  const paint = paintFor(streams.err, streams.env);
  const facts = errorFacts(error);
  const lines = [
    `${paint.red('holdfast:')} ${paint.bold(facts.title)} ${paint.dim(`(${facts.code})`)}`,
    `  expected  ${facts.expected}`,
    `  found     ${facts.found}`,
    `  do        ${facts.hint}`,
  ];
  streams.err.write(`${lines.join('\n')}\n`);
}

interface PrintedError {
  readonly code: string;
  readonly title: string;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

function errorFacts(error: unknown): PrintedError {
  if (error instanceof HoldfastError) {
    const { code, expected, found, hint } = error;
    return { code, title: ERRORS[code].title, expected, found, hint };
  }
  return {
    code: 'HF_INTERNAL',
    title: ERRORS.HF_INTERNAL.title,
    expected: 'the command to run',
    found: error instanceof Error ? (error.stack ?? error.message) : String(error),
    hint: 'Please report this with the lines above.',
  };
}

/** Dates as ISO 8601, bigint as decimal text (JSON numbers are doubles). */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, field) =>
    typeof field === 'bigint' ? field.toString() : field,
  );
}

/** Colours on a terminal only, and not when NO_COLOR is set (no-color.org) or TERM is `dumb`. */
export function coloursWanted(stream: Stream, env: Streams['env']): boolean {
  const { NO_COLOR, TERM } = env;
  return stream.isTTY === true && (NO_COLOR ?? '') === '' && TERM !== 'dumb';
}

export function paintFor(stream: Stream, env: Streams['env']): Paint {
  const colours = coloursWanted(stream, env);
  const style = (on: number, off: number) => (text: string) =>
    colours ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
  };
}

/** Columns as wide as their widest cell, two blanks between; the last column is not padded. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): string[] {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  return [paint.dim(line(header)), ...rows.map(line)];
}

/** `name  value` lines for one thing. */
export function facts(pairs: readonly (readonly [string, string])[], paint: Paint): string[] {
  const width = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => {
    const [first = '', ...rest] = value.split('\n');
    const indent = ' '.repeat(width + 2);
    return [
      `${paint.dim(name.padEnd(width))}  ${first}`,
      ...rest.map((more) => indent + more),
    ].join('\n');
  });
}

/** `visible`, line by line, as a block under a heading. */
export function indented(text: string): string[] {
  return visible(text)
    .split('\n')
    .map((line) => `  ${line}`);
}

/** Cut with an ellipsis when longer than `chars`. */
export function cut(text: string, chars: number): string {
  return text.length <= chars ? text : `${text.slice(0, chars - 1)}…`;
}

/** `2026-11-21 10:05 UTC`. */
export function when(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `in 7 h 59 min`, `now`, `3 min ago`. */
export function fromNow(date: Date, now: Date): string {
  const seconds = Math.round((date.getTime() - now.getTime()) / 1000);
  if (seconds === 0) return 'now';
  const words = span(Math.abs(seconds));
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

/** `48 h`, `30 min`, `7 days`: a length that somebody set. */
export function spanOf(ms: number): string {
  const hours = ms / 3_600_000;
  if (!Number.isInteger(hours)) return span(Math.round(ms / 1000));
  return hours <= 72 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
}

function span(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}
