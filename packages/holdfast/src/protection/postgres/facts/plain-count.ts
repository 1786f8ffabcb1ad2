/**
 * How the rows that a plain DELETE or UPDATE picks can be counted, and whether the planner's number for them is
 * worth anything: of a column compared with a literal it has statistics, of an expression a rule of thumb, which
 * is off by orders of magnitude. Pure; for texts that `plain-change.ts` calls plain, and no others.
 */
import { type Token, tokensOf } from './plain-change.ts';

export interface PlainCount {
  /** The condition computes on columns, or compares them with each other. */
  readonly isRough: boolean;
  /** One column, one row for each row that it picks; null: it cannot be written so (USING, FROM, RETURNING, MERGE). */
  readonly rows: string | null;
}

/** They take something from elsewhere, or give something back. */
const PARTS: ReadonlySet<string> = new Set(['using', 'from', 'returning', 'current', 'with']);
const COMPARES = /^[<>=]$/;
const COMPUTES = /^[-+*/%|&#~@^!:]$/;
/** Before a bracket they call nothing. */
const GRAMMAR: ReadonlySet<string> = new Set([
  'in',
  'and',
  'or',
  'not',
  'where',
  'values',
  'array',
]);
const ROUGH_WORDS: ReadonlySet<string> = new Set(
  'like ilike similar case exists any all some select coalesce nullif is'.split(' '),
);
const CONSTANTS: ReadonlySet<string> = new Set(['true', 'false', 'null']);

export function plainCount(text: string): PlainCount {
  const tokens = tokensOf(text);
  const words = tokens.map((token) => token.text.toLowerCase());
  const where = topLevel(words, 'where');
  if (where < 0) return { isRough: false, rows: null };
  return { isRough: isRough(words.slice(where + 1)), rows: rowsOf(text, tokens, words, where) };
}

/** Its table and its condition as they are written: put together anew, two minus signs would be a comment. */
function rowsOf(
  text: string,
  tokens: readonly Token[],
  words: readonly string[],
  where: number,
): string | null {
  const isDelete = words[0] === 'delete';
  if (!isDelete && words[0] !== 'update') return null;
  const first = tokens[isDelete ? 2 : 1];
  const last = tokens[isDelete ? where : topLevel(words, 'set')];
  const condition = tokens[where];
  if (first === undefined || last === undefined || condition === undefined) return null;
  const outside = [...words.slice(isDelete ? 2 : 1, where), ...topWords(words.slice(where + 1))];
  if (outside.some((word) => PARTS.has(word))) return null;
  return `select 1 from ${text.slice(first.from, last.from)} ${text.slice(condition.from)}`;
}

function isRough(words: readonly string[]): boolean {
  return words.some((word, at) => {
    if (ROUGH_WORDS.has(word) || COMPUTES.test(word)) return true;
    const before = words[at - 1] ?? '';
    if (word === '(' && /^[a-z_"]/.test(before) && !GRAMMAR.has(before)) return true;
    return COMPARES.test(before) && /^[a-z_"]/.test(word) && !CONSTANTS.has(word);
  });
}

/** Place of a word that stands in no bracket; -1: nowhere. */
function topLevel(words: readonly string[], wanted: string): number {
  let depth = 0;
  return words.findIndex((word) => {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    return depth === 0 && word === wanted;
  });
}

function topWords(words: readonly string[]): readonly string[] {
  let depth = 0;
  return words.filter((word) => {
    if (word === '(') depth += 1;
    if (word === ')') depth -= 1;
    return depth === 0;
  });
}
