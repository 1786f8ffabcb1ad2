/**
 * SELECT, INSERT, UPDATE, DELETE and MERGE, wherever they stand: on top, in WITH, in a cursor, under
 * EXPLAIN ANALYZE. What is changed is the target as written; a WITH query of its name does not hide
 * it. Rows taken without a condition that limits them are `destroy`.
 */
import { limits, mentionsWhole, type Target } from './condition.ts';
import type { Gatherer } from './gatherer.ts';
import { isSystemRelation, relation, relationAt } from './objects.ts';
import type { Scope, Walker } from './scope.ts';
import { settingRows } from './setting-rows.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { bodyAt, flagAt, nodeAt, nodesAt, textAt } from './tree.ts';

/** True when the node was one of these statements, now gathered. */
export function queryStatement(
  node: TreeNode,
  scope: Scope | null,
  into: Gatherer,
  walker: Walker,
): boolean {
  switch (node.kind) {
    case 'SelectStmt':
      select(node.body, scope, into, walker);
      return true;
    case 'InsertStmt':
      insert(node.body, scope, into, walker);
      return true;
    case 'UpdateStmt':
      change('UPDATE', node.body, 'fromClause', scope, into, walker);
      return true;
    case 'DeleteStmt':
      change('DELETE', node.body, 'usingClause', scope, into, walker);
      return true;
    case 'MergeStmt':
      merge(node.body, scope, into, walker);
      return true;
    default:
      return false;
  }
}

const SELECT_APART = new Set(['withClause', 'intoClause', 'larg', 'rarg', 'lockingClause']);

function select(body: TreeBody, outer: Scope | null, into: Gatherer, walker: Walker): void {
  const scope = withQueries(body, outer, into, walker);
  const created = bodyAt(body, 'intoClause');
  if (created !== null) {
    into.effect('reshape', 'SELECT INTO', relationAt(created, 'rel'), 'none', { additive: true });
  }
  settingRows(body, scope, into);
  const before = into.effectCount;
  walker.fields(body, scope, into, SELECT_APART);
  // A chain of UNIONs leans left, thousands long when rows are listed that way.
  let left: TreeBody | null = body;
  while (left !== null) {
    const right = bodyAt(left, 'rarg');
    if (right !== null) walker.node({ kind: 'SelectStmt', body: right }, scope, into);
    left = bodyAt(left, 'larg');
    if (left !== null && bodyAt(left, 'larg') === null) {
      walker.node({ kind: 'SelectStmt', body: left }, scope, into);
      left = null;
    } else if (left !== null && bodyAt(left, 'withClause') !== null) {
      walker.node({ kind: 'SelectStmt', body: left }, scope, into);
      left = null;
    } else walker.fields(left, scope, into, SELECT_APART);
  }
  // A query that reads no table is still a read.
  if (outer === null && into.effectCount === before && into.effectCount === 0) {
    into.effect('read', 'SELECT', null, 'none');
  }
}

/** Walks the WITH queries and gives the scope in which their names are seen. */
function withQueries(
  body: TreeBody,
  outer: Scope | null,
  into: Gatherer,
  walker: Walker,
): Scope | null {
  const clause = bodyAt(body, 'withClause');
  if (clause === null) return outer;
  const queries = nodesAt(clause, 'ctes');
  const names = new Set<string>();
  const scope: Scope = { names, outer };
  const recursive = flagAt(clause, 'recursive');
  if (recursive) for (const query of queries) names.add(textAt(query.body, 'ctename') ?? '');
  for (const query of queries) {
    walker.fields(query.body, scope, into);
    names.add(textAt(query.body, 'ctename') ?? '');
  }
  return scope;
}

const TARGET_APART = new Set(['withClause', 'relation']);

function insert(body: TreeBody, outer: Scope | null, into: Gatherer, walker: Walker): void {
  const scope = withQueries(body, outer, into, walker);
  const verb = 'INSERT';
  changed(verb, bodyAt(body, 'relation'), true, into);
  const conflict = bodyAt(body, 'onConflictClause');
  if (textAt(conflict, 'action') === 'ONCONFLICT_UPDATE') {
    changed('UPDATE', bodyAt(body, 'relation'), true, into);
  }
  walker.fields(body, scope, into, TARGET_APART);
}

function change(
  verb: string,
  body: TreeBody,
  others: string,
  outer: Scope | null,
  into: Gatherer,
  walker: Walker,
): void {
  const scope = withQueries(body, outer, into, walker);
  const target = bodyAt(body, 'relation');
  const limited = limits(
    nodeAt(body, 'whereClause'),
    targetOf(target, nodesAt(body, others)),
    into,
  );
  changed(verb, target, limited, into);
  walker.fields(body, scope, into, TARGET_APART);
}

function merge(body: TreeBody, outer: Scope | null, into: Gatherer, walker: Walker): void {
  const scope = withQueries(body, outer, into, walker);
  const target = bodyAt(body, 'relation');
  const source = nodeAt(body, 'sourceRelation');
  const seen = targetOf(target, source === null ? [] : [source]);
  const joined = limits(nodeAt(body, 'joinCondition'), seen, into);
  for (const clause of nodesAt(body, 'mergeWhenClauses')) {
    const command = textAt(clause.body, 'commandType');
    const condition = limits(nodeAt(clause.body, 'condition'), seen, into);
    const unmatched = textAt(clause.body, 'matchKind') === 'MERGE_WHEN_NOT_MATCHED_BY_SOURCE';
    const limited = condition || (joined && !unmatched);
    if (command === 'CMD_INSERT') changed('MERGE INSERT', target, true, into);
    if (command === 'CMD_UPDATE') changed('MERGE UPDATE', target, limited, into);
    if (command === 'CMD_DELETE') changed('MERGE DELETE', target, limited, into);
  }
  walker.fields(body, scope, into, TARGET_APART);
}

/** The effect on a changed table: limited rows, all of them, or the system's own tables. */
export function changed(
  verb: string,
  target: TreeBody | null,
  limited: boolean,
  into: Gatherer,
): void {
  const ref = relation(target);
  if (ref !== null && isSystemRelation(ref)) {
    if (ref.name === 'pg_settings') {
      into.couldNotTell(
        'lexing-setting',
        'Expected settings to be changed by SET, found a change of pg_settings: ' +
          'which settings it changes stands in the rows.',
      );
    }
    into.effect('destroy', verb, ref, 'whole', { why: 'It edits the catalogs of the database.' });
    return;
  }
  if (limited) into.effect('write', verb, ref, 'rows');
  else {
    into.effect('destroy', verb, ref, 'whole', {
      why: 'No condition limits which rows it reaches.',
    });
  }
}

/**
 * What column references can mean the target: its alias, and the aliases of other mentions of the
 * same table, since `t.id = t2.id` over the same table excludes no row.
 */
function targetOf(target: TreeBody | null, others: readonly TreeNode[]): Target {
  const name = textAt(target, 'relname') ?? '';
  const twins = new Set<string>();
  const strangers = new Set<string>();
  for (const other of others) collectAliases(other, name, twins, strangers);
  return { table: name, alias: aliasOf(target) ?? name, twins, strangers };
}

function collectAliases(
  node: TreeNode,
  name: string,
  twins: Set<string>,
  strangers: Set<string>,
): void {
  if (node.kind === 'JoinExpr') {
    for (const side of ['larg', 'rarg']) {
      const part = nodeAt(node.body, side);
      if (part !== null) collectAliases(part, name, twins, strangers);
    }
    return;
  }
  const alias = aliasOf(node.body);
  if (alias === null) return;
  if (mentionsWhole(node, name)) twins.add(alias);
  else strangers.add(alias);
}

function aliasOf(body: TreeBody | null): string | null {
  return textAt(bodyAt(body, 'alias'), 'aliasname') ?? textAt(body, 'relname');
}
