/**
 * DO blocks in plpgsql: the union of what their statements would do. Control flow does not matter, the
 * worst case is that all of them run; so rows that a condition picks count as all rows (a variable may
 * stand where a column seems to, and a loop reaches each row by itself).
 *
 * It is read only when everything in it is static SQL and the listed constructs; anything else leaves
 * it `execute`, with what was recognised beside. Refused on purpose: what the parser's report leaves
 * out (defaults of records, arguments of cursors), dynamic SQL, changes of the session (a search path
 * changed inside would make the later names mean something else), blocks in blocks.
 *
 * One that defines something runs as the owner on a protected target. So such a block may define,
 * additively, and look at the catalogs: it reaches no rows that the agent's own role may not reach.
 */
import { parsePlPgSQLSync, parseSync } from 'libpg-query';
import type { Effect } from '../../model/effect.ts';
import { SQL_BLOCK_PARTS_MAX } from '../../model/limits.ts';
import type { Gatherer } from './gatherer.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { asBody, listAt, nodeAt, nodesAt, stringOf, textAt } from './tree.ts';

const CONSTRUCTS: ReadonlySet<string> = new Set(
  (
    'function stmt_block exception_block exception condition stmt_if if_elsif stmt_case case_when ' +
    'stmt_loop stmt_while stmt_fori stmt_exit stmt_return stmt_assign stmt_perform stmt_execsql ' +
    'stmt_raise raise_option stmt_assert stmt_getdiag diag_item var row type expr alias'
  )
    .split(' ')
    .map((word) => `PLpgSQL_${word}`),
);

const WHY = 'A block of code is run, and not all of it can be read.';

/** `read` judges one statement. */
export function doBlock(
  body: TreeBody,
  into: Gatherer,
  read: (node: TreeNode, into: Gatherer) => void,
): void {
  const inside = into.apart();
  const statements = statementsOf(body);
  for (const node of statements ?? []) read(node, inside);
  const effects = inside.effects.map(worst);
  const isRead = statements !== null && inside.trouble === null && inside.session.length === 0;
  if (!isRead || !isWithinReach(effects))
    into.effect('execute', 'DO', null, 'unknown', { why: WHY });
  for (const effect of effects) into.add(effect);
}

/** What a condition limits is not limited by it here. */
function worst(effect: Effect): Effect {
  const { kind, verb, reach } = effect;
  if (kind !== 'write' || reach !== 'rows' || !/^(UPDATE|DELETE|MERGE)\b/.test(verb)) return effect;
  return { ...effect, kind: 'destroy', reach: 'whole', why: 'A block may reach every row.' };
}

/** Either rows and reads with the agent's own rights, or definitions and reads of the catalogs. */
function isWithinReach(effects: readonly Effect[]): boolean {
  if (effects.every(isOfRows)) return true;
  return effects.every(
    ({ kind, additive, object }) =>
      (kind === 'reshape' && additive) ||
      (kind === 'read' &&
        (object === null ||
          (object.schema === null
            ? object.name.startsWith('pg_')
            : ['pg_catalog', 'information_schema'].includes(object.schema)))),
  );
}

function isOfRows({ kind, verb }: Effect): boolean {
  if (kind === 'read' || kind === 'write') return true;
  return kind === 'destroy' && /^(UPDATE|DELETE|MERGE)\b/.test(verb);
}

/** Every statement and expression in the block; null when not all of it is understood. */
function statementsOf(body: TreeBody): TreeNode[] | null {
  let code = '';
  let language = 'plpgsql';
  for (const { body: option } of nodesAt(body, 'args')) {
    const name = textAt(option, 'defname');
    const value = stringOf(nodeAt(option, 'arg'));
    if (name === 'as' && value !== null) code = value;
    else if (name === 'language' && value !== null) language = value;
    else return null;
  }
  if (language !== 'plpgsql' || code === '') return null;
  const block = parsedBlock(code);
  const texts: string[] = [];
  if (block === null || !collect(block, texts)) return null;
  const statements: TreeNode[] = [];
  for (const text of texts) {
    const node = statementOf(text);
    if (node === null || node.kind === 'DoStmt') return null;
    statements.push(node);
  }
  return statements;
}

function parsedBlock(code: string): TreeBody | null {
  let tag = 'block';
  while (code.includes(`$${tag}`)) tag += '_';
  let parsed: TreeBody | null;
  try {
    parsed = asBody(parsePlPgSQLSync(`DO $${tag}$${code}$${tag}$`));
  } catch (failure) {
    return giveUp(failure);
  }
  const functions = listAt(parsed, 'plpgsql_funcs');
  return functions.length === 1 ? asBody(functions[0]) : null;
}

/** False as soon as something is found that is not listed. */
function collect(value: unknown, texts: string[]): boolean {
  if (Array.isArray(value)) return value.every((one) => collect(one, texts));
  const body = asBody(value);
  if (body === null) return true;
  for (const [name, inner] of Object.entries(body)) {
    if (name.startsWith('PLpgSQL_') && !CONSTRUCTS.has(name)) return false;
    if (name === 'PLpgSQL_expr') {
      const text = textOf(asBody(inner));
      if (text === null || texts.length >= SQL_BLOCK_PARTS_MAX) return false;
      texts.push(text);
    } else if (!collect(inner, texts)) return false;
  }
  return true;
}

/** Modes of the server's raw parser: a statement, an expression, an assignment to a plain name. */
const STATEMENT = 0;
const EXPRESSION = 2;
const ASSIGNMENT = 3;
const TARGET = /^\s*[A-Za-z_][A-Za-z0-9_]*\s*:?=/;

function textOf(expression: TreeBody | null): string | null {
  const query = textAt(expression, 'query');
  if (query === null) return null;
  switch (expression?.['parseMode'] ?? STATEMENT) {
    case STATEMENT:
      return query;
    case EXPRESSION:
      return `SELECT ${query}`;
    case ASSIGNMENT:
      return TARGET.test(query) ? `SELECT ${query.replace(TARGET, '')}` : null;
    default:
      return null;
  }
}

function statementOf(text: string): TreeNode | null {
  try {
    const statements = listAt(asBody(parseSync(text)), 'stmts');
    return statements.length === 1 ? nodeAt(asBody(statements[0]), 'stmt') : null;
  } catch (failure) {
    return giveUp(failure);
  }
}

/** What the parser says in words is an answer; when it breaks down itself, that is not ours to hide. */
function giveUp(failure: unknown): null {
  if (
    failure instanceof Error &&
    failure.name !== 'RuntimeError' &&
    !(failure instanceof RangeError)
  )
    return null;
  throw failure;
}
