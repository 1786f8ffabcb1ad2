/**
 * The walk over queries and expressions: every table read, every function called, every statement
 * inside another. A node kind that is not listed makes the whole text `unknown-statement`: what the
 * walk does not know it does not pass over (P2).
 */
import { constantText } from './constants.ts';
import { meaningOfCall } from './functions.ts';
import type { Gatherer } from './gatherer.ts';
import { object, objectInText, relation } from './objects.ts';
import { queryStatement } from './queries.ts';
import { isNamedQuery, type Scope, type Walker } from './scope.ts';
import { setConfigCall } from './settings.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import { asBody, asNode, listAt, namesOf, nodesAt } from './tree.ts';

/** Kinds that do nothing themselves; what they hold is walked. */
const PLAIN = new Set(
  (
    'A_ArrayExpr A_Const A_Indices A_Indirection A_Star Alias BitString BoolExpr Boolean ' +
    'BooleanTest CaseExpr CaseWhen CoalesceExpr CollateClause ColumnDef ColumnRef Constraint ' +
    'CurrentOfExpr DefElem Float GroupingFunc GroupingSet IndexElem InferClause Integer ' +
    'JoinExpr JsonAggConstructor JsonArgument JsonArrayAgg JsonArrayConstructor ' +
    'JsonArrayQueryConstructor JsonBehavior JsonFormat JsonFuncExpr JsonIsPredicate ' +
    'JsonKeyValue JsonObjectAgg JsonObjectConstructor JsonOutput JsonParseExpr JsonReturning ' +
    'JsonScalarExpr JsonSerializeExpr JsonTable JsonTableColumn JsonTablePathSpec ' +
    'JsonValueExpr List MergeSupportFunc MergeWhenClause MinMaxExpr MultiAssignRef NamedArgExpr ' +
    'NullTest OnConflictClause ParamRef PartitionBoundSpec PartitionCmd PartitionRangeDatum RangeFunction ' +
    'RangeSubselect RangeTableFunc RangeTableFuncCol ResTarget ReturningClause ReturningOption ' +
    'RowExpr SQLValueFunction SetToDefault String TypeCast TypeName WindowDef ' +
    'XmlExpr XmlSerialize'
  ).split(' '),
);

export function walk(node: TreeNode | null, scope: Scope | null, into: Gatherer): void {
  if (node === null || !into.enter()) return;
  walkOne(node, scope, into);
  into.leave();
}

function walkOne(node: TreeNode, scope: Scope | null, into: Gatherer): void {
  const { kind, body } = node;
  switch (kind) {
    case 'RangeVar':
      readRelation(body, scope, into);
      return;
    case 'FuncCall':
      call(body, scope, into);
      return;
    case 'A_Expr':
      operator(listAt(body, 'name'), into);
      walkFields(body, scope, into);
      return;
    case 'SortBy':
      operator(listAt(body, 'useOp'), into);
      walkFields(body, scope, into);
      return;
    case 'SubLink':
      operator(listAt(body, 'operName'), into);
      walkFields(body, scope, into);
      return;
    case 'RangeTableSample':
      sampling(body, into);
      walkFields(body, scope, into);
      return;
    default:
      if (queryStatement(node, scope, into, walker)) return;
      if (PLAIN.has(kind)) walkFields(body, scope, into);
      else into.couldNotTell('unknown-statement', `Expected a known construct, found a ${kind}.`);
  }
}

/** All fields of a body, whether they hold nodes, lists or bare bodies. */
function walkFields(
  body: TreeBody | null,
  scope: Scope | null,
  into: Gatherer,
  except: ReadonlySet<string> = NO_FIELDS,
): void {
  if (body === null) return;
  for (const field in body) {
    if (!except.has(field)) walkValue(body[field], scope, into);
  }
}

const NO_FIELDS: ReadonlySet<string> = new Set();

function walkValue(value: unknown, scope: Scope | null, into: Gatherer): void {
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const item of value) walkValue(item, scope, into);
    return;
  }
  const node = asNode(value);
  if (node !== null) {
    walk(node, scope, into);
  } else if (into.enter()) {
    walkFields(asBody(value), scope, into);
    into.leave();
  }
}

function readRelation(body: TreeBody, scope: Scope | null, into: Gatherer): void {
  const ref = relation(body);
  if (ref === null || (ref.schema === null && isNamedQuery(ref.name, scope))) return;
  into.effect('read', 'SELECT', ref, 'none');
}

/** What is handed to the statements that hold others. */
export const walker: Walker = { node: walk, fields: walkFields, value: walkValue };

/** A bare FuncCall body: what the call means, then its arguments. */
function call(body: TreeBody, scope: Scope | null, into: Gatherer): void {
  const names = namesOf(listAt(body, 'funcname'));
  const name = names.at(-1) ?? '';
  const schema = names.at(-2) ?? null;
  const meaning = meaningOfCall(schema, name);
  const args = nodesAt(body, 'args');
  if (meaning.kind === 'set-config') setConfigCall(body, into);
  else if (meaning.kind !== 'harmless') {
    const named = meaning.object === undefined ? null : firstArgument(meaning.object, args, into);
    into.effect(
      meaning.kind,
      name.toUpperCase(),
      named ?? object('function', name, schema),
      meaning.kind === 'execute' ? 'unknown' : meaning.kind === 'read' ? 'none' : 'rows',
      { why: meaning.why },
    );
  }
  walkFields(body, scope, into);
}

function firstArgument(
  type: 'sequence' | 'large-object' | 'channel',
  args: readonly TreeNode[],
  into: Gatherer,
) {
  const text = constantText(args[0] ?? null, into);
  if (text === null) return null;
  if (type === 'sequence') return objectInText('sequence', text);
  return object(type === 'channel' ? 'other' : type, text);
}

/** `OPERATOR(schema.op)` of another schema names a user's function by its sign. */
function operator(name: readonly unknown[], into: Gatherer): void {
  const names = namesOf(name);
  const schema = names.length > 1 ? (names.at(-2) ?? null) : null;
  if (schema === null || schema === 'pg_catalog') return;
  into.effect('execute', 'OPERATOR', object('function', names.at(-1) ?? '', schema), 'unknown', {
    why: 'Not an operator of PostgreSQL itself: what it does stands in the database.',
  });
}

function sampling(body: TreeBody, into: Gatherer): void {
  const names = namesOf(listAt(body, 'method'));
  const name = names.at(-1) ?? '';
  const schema = names.at(-2) ?? null;
  const own = schema === null || schema === 'pg_catalog';
  if (own && (name === 'system' || name === 'bernoulli')) return;
  into.effect('execute', 'TABLESAMPLE', object('function', name, schema), 'unknown', {
    why: 'Not a sampling method of PostgreSQL itself.',
  });
}
