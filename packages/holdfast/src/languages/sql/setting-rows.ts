/**
 * `SELECT set_config(name, 'v', false) FROM pg_settings WHERE name = 'p'`: a SET that is skipped where
 * the server does not know the parameter. pg_dump opens with it (since August 2024). The rows say
 * which parameter is set, and the condition says which row.
 *
 * The order: the only source is pg_settings under its own name, the condition pins `name` to one
 * literal in every case, and the call stands whole in the select list, which is computed for rows the
 * condition let pass. What it will not do: accept an alias, a join, a cast, a collation, an operator
 * of another schema, or a call inside a condition (the server chooses in which order those run).
 */
import { constantText } from './constants.ts';
import { meaningOfCall } from './functions.ts';
import type { Gatherer } from './gatherer.ts';
import { isNamedQuery, type Scope } from './scope.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { bodyAt, listAt, namesOf, nodeAt, nodesAt, textAt } from './tree.ts';

/**
 * Unqualified, `pg_settings` may be a temporary table of the session, whose `name` may be of a type or
 * collation that calls two words equal. So only what pg_dump asks is taken for the real one: set to
 * these words, no other parameter is any worse.
 */
const OF_PG_DUMP = 'restrict_nonsystem_relation_kind';
const VALUES_OF_PG_DUMP = new Set(['view, foreign-table', 'view,foreign-table', '']);

/** Tells `into` which parameter the set_config calls in the select list of this SELECT set. */
export function settingRows(select: TreeBody, scope: Scope | null, into: Gatherer): void {
  const calls = nodesAt(select, 'targetList').flatMap((item) => callOn(nodeAt(item.body, 'val')));
  if (calls.length === 0) return;
  const source = sourceOf(select, scope);
  const parameter = source === null ? null : pinnedName(nodeAt(select, 'whereClause'), into);
  if (parameter === null) return;
  for (const call of calls) {
    if (source === 'sure' || isOfPgDump(parameter, call, into)) into.knowSetting(call, parameter);
  }
}

/** The call, when it is set_config of the column `name`. */
function callOn(node: TreeNode | null): TreeBody[] {
  if (node?.kind !== 'FuncCall') return [];
  const names = namesOf(listAt(node.body, 'funcname'));
  const meaning = meaningOfCall(names.at(-2) ?? null, names.at(-1) ?? '');
  const first = nodesAt(node.body, 'args')[0] ?? null;
  return meaning.kind === 'set-config' && isName(first) ? [node.body] : [];
}

function sourceOf(select: TreeBody, scope: Scope | null): 'sure' | 'unqualified' | null {
  const [from, ...others] = nodesAt(select, 'fromClause');
  if (from?.kind !== 'RangeVar' || others.length > 0) return null;
  // An alias may rename the columns.
  if (textAt(from.body, 'relname') !== 'pg_settings' || bodyAt(from.body, 'alias') !== null) {
    return null;
  }
  const schema = textAt(from.body, 'schemaname');
  if (schema === 'pg_catalog') return 'sure';
  return schema === null && !isNamedQuery('pg_settings', scope) ? 'unqualified' : null;
}

/** The literal in `name = 'literal'`, alone or joined to others by AND. */
function pinnedName(condition: TreeNode | null, into: Gatherer): string | null {
  if (condition?.kind === 'BoolExpr' && textAt(condition.body, 'boolop') === 'AND_EXPR') {
    for (const part of nodesAt(condition.body, 'args')) {
      const found = comparedName(part, into);
      if (found !== null) return found;
    }
    return null;
  }
  return comparedName(condition, into);
}

function comparedName(node: TreeNode | null, into: Gatherer): string | null {
  if (node?.kind !== 'A_Expr' || textAt(node.body, 'kind') !== 'AEXPR_OP') return null;
  const operator = namesOf(listAt(node.body, 'name'));
  if (operator.length !== 1 || operator[0] !== '=' || !isName(nodeAt(node.body, 'lexpr'))) {
    return null;
  }
  const literal = nodeAt(node.body, 'rexpr');
  if (literal?.kind !== 'A_Const' || bodyAt(literal.body, 'sval') === null) return null;
  return constantText(literal, into);
}

function isName(node: TreeNode | null): boolean {
  if (node?.kind !== 'ColumnRef') return false;
  const fields = listAt(node.body, 'fields');
  return fields.length === 1 && namesOf(fields)[0] === 'name';
}

function isOfPgDump(parameter: string, call: TreeBody, into: Gatherer): boolean {
  if (parameter !== OF_PG_DUMP) return false;
  const value = nodesAt(call, 'args')[1];
  return (
    value?.kind === 'A_Const' && VALUES_OF_PG_DUMP.has(constantText(value, into) ?? 'not a text')
  );
}
