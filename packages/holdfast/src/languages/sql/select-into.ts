/**
 * `SELECT ... INTO t` as `CREATE TABLE t AS SELECT ...`: the same statement to PostgreSQL, but one that can
 * run by a receipt. INTO and the name are cut out of the text, nothing else is touched; the parser then has
 * the word: both must be the same tree, but for places in the text. Null: it could not be done for certain.
 */
import { parseSync, scanSync } from 'libpg-query';
import type { Rewritten } from './sql-reading.ts';
import type { TreeBody } from './tree.ts';
import { asBody, bodyAt, listAt, nodeAt, textAt } from './tree.ts';

/** `nameAt`: byte of the new table's name in the statement. */
export function asCreateTable(
  statement: Buffer,
  select: TreeBody,
  nameAt: number,
): Rewritten | null {
  const cut = cutOf(statement.toString('utf8'), nameAt);
  if (cut === null) return null;
  const into = intoBody(select);
  const isUnlogged = textAt(bodyAt(into, 'rel'), 'relpersistence') === 'u';
  const name = statement.toString('utf8', nameAt, cut.to);
  const head = `create ${isUnlogged ? 'unlogged ' : ''}table ${name} as `;
  const before = statement.toString('utf8', 0, cut.from);
  const text = `${head}${before}${statement.toString('utf8', cut.to)}`;
  if (!isSame(text, select, into)) return null;
  return {
    text,
    headChars: [...head].length,
    beforeChars: [...before].length,
    cutChars: [...statement.toString('utf8', cut.from, cut.to)].length,
  };
}

const WORDS: ReadonlySet<string> = new Set(['table', 'unlogged']);
const COMMENT = /COMMENT$/;

/** Bytes from INTO to the end of the name. */
function cutOf(text: string, nameAt: number): { from: number; to: number } | null {
  const tokens = scanSync(text).tokens.filter(({ tokenName }) => !COMMENT.test(tokenName));
  const first = tokens.findIndex(({ start }) => start === nameAt);
  let at = first - 1;
  while (at > 0 && WORDS.has(tokens[at]?.text.toLowerCase() ?? '')) at -= 1;
  const into = tokens[at];
  if (first < 1 || into?.text.toLowerCase() !== 'into') return null;
  let last = first;
  while (tokens[last + 1]?.text === '.') last += 2;
  const end = tokens[last]?.end;
  return end === undefined ? null : { from: into.start, to: end };
}

/** INTO stands at the leftmost SELECT of a UNION. */
function intoBody(select: TreeBody): TreeBody | null {
  let left: TreeBody | null = select;
  while (left !== null) {
    const into = bodyAt(left, 'intoClause');
    if (into !== null) return into;
    left = bodyAt(left, 'larg');
  }
  return null;
}

function isSame(text: string, select: TreeBody, into: TreeBody | null): boolean {
  const statements = listAt(asBody(parseSync(text)), 'stmts');
  const made = nodeAt(asBody(statements[0]), 'stmt');
  if (statements.length !== 1 || made?.kind !== 'CreateTableAsStmt' || into === null) return false;
  const query = nodeAt(made.body, 'query');
  return (
    query?.kind === 'SelectStmt' &&
    shapeOf(bodyAt(made.body, 'into')) === shapeOf(into) &&
    shapeOf(query.body) === shapeOf(select)
  );
}

function shapeOf(tree: TreeBody | null): string {
  return JSON.stringify(tree, (key, value: unknown) =>
    key === 'location' || key === 'intoClause' ? undefined : value,
  );
}
