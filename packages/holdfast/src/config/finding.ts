/** One thing wrong in a file of the user's: where, what was expected, what was found, what to do. */
import { type ErrorCode, HoldfastError } from '../model/errors.ts';

export interface Finding {
  readonly line: number;
  readonly column: number;
  /** `targets.main-db.upstream`; '' for the file as a whole. */
  readonly path: string;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** `holdfast.yaml:12:5: targets.main-db: expected …, found …. Hint` */
function sentenceOf(file: string, finding: Finding): string {
  const { line, column, path, expected, found, hint } = finding;
  const where = path === '' ? '' : ` ${path}:`;
  return `${file}:${line}:${column}:${where} expected ${expected}, found ${found}. ${hint}`;
}

/** Every finding in one error, in the order of the file. */
export function errorOf(
  code: ErrorCode,
  file: string,
  findings: readonly Finding[],
): HoldfastError {
  const sorted = findings.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const list = sorted.map((one) => `\n  ${sentenceOf(file, one)}`).join('');
  return new HoldfastError(code, {
    expected: 'a file without errors',
    found: `${findings.length} error(s):${list.replace(/\.$/, '')}`,
    hint: 'Correct them all and try again.',
  });
}
