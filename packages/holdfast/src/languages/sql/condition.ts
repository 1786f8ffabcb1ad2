/**
 * Does a condition limit which rows of the target are reached? `1 = 1`, `id = id`, `id IS NOT NULL OR
 * true`, a condition on another table only: these name no rows. Where it is not plain that rows are
 * excluded, the answer is no; a condition that is never true counts as limiting.
 *
 * What it will not do: estimate. `id < 999999999` limits as far as the text tells; how many rows a
 * statement reached is known where it ran.
 */
import { constantText, isConstant } from './constants.ts';
import type { Gatherer } from './gatherer.ts';
import type { TreeBody, TreeNode } from './tree.ts';
import {
  asBody,
  asNode,
  listAt,
  namesOf,
  nodeAt,
  nodesAt,
  nodesOf,
  sameTree,
  textAt,
  valueAt,
} from './tree.ts';

export interface Target {
  readonly table: string;
  readonly alias: string;
  /** Other aliases of the same table in the statement. */
  readonly twins: ReadonlySet<string>;
  /** Aliases of other tables. */
  readonly strangers: ReadonlySet<string>;
}

export function limits(condition: TreeNode | null, target: Target, into: Gatherer): boolean {
  if (condition === null) return false;
  return new Condition(target, into).limits(condition, true);
}

const SAME_WAY = new Set(['=', '>=', '<=', '~~', '~~*', '@>', '<@', '~', '~*']);
const OPPOSITE: Readonly<Record<string, string>> = {
  '=': '<>',
  '<>': '=',
  '<': '>=',
  '>=': '<',
  '>': '<=',
  '<=': '>',
};
const MATCH_ALL = new Set(['%', '%%', '', '.*', '^', '$', '^.*$', '.?', '(.*)']);

class Condition {
  readonly #target: Target;
  readonly #into: Gatherer;

  constructor(target: Target, into: Gatherer) {
    this.#target = target;
    this.#into = into;
  }

  /** `holds: false` asks about the opposite of `node`. */
  limits(node: TreeNode, holds: boolean): boolean {
    if (!this.#into.enter()) return false;
    const answer = this.#limits(node, holds);
    this.#into.leave();
    return answer;
  }

  #limits(node: TreeNode, holds: boolean): boolean {
    switch (node.kind) {
      case 'CurrentOfExpr':
        return true;
      case 'BoolExpr':
        return this.#combination(node.body, holds);
      case 'BooleanTest':
        return this.#booleanTest(node.body, holds);
      case 'NullTest':
        return this.#nullTest(node.body, holds);
      case 'SubLink':
        return this.#subquery(node.body, holds);
      case 'A_Expr':
        return this.#comparison(node, holds);
      case 'A_Const':
      case 'TypeCast':
        return isConstant(node) ? this.#never(node, holds) : this.#mentionsTarget(node);
      case 'CaseExpr':
      case 'CoalesceExpr':
        // Their arms may well be true for every row.
        return false;
      default:
        return this.#mentionsTarget(node);
    }
  }

  #combination(body: TreeBody, holds: boolean): boolean {
    const parts = nodesAt(body, 'args');
    const operator = textAt(body, 'boolop');
    if (operator === 'NOT_EXPR') return parts.some((part) => this.limits(part, !holds));
    const all = (operator === 'AND_EXPR') === holds;
    if (all) return parts.some((part) => this.limits(part, holds));
    return parts.every((part) => this.limits(part, holds)) && !this.#complementary(parts);
  }

  /** `a = 1 OR a <> 1`, `a IS NULL OR a IS NOT NULL`: two arms that leave nothing out. */
  #complementary(parts: readonly TreeNode[]): boolean {
    for (const [at, one] of parts.entries()) {
      for (const other of parts.slice(at + 1)) {
        if (this.#sameOperands(one, other)) return true;
      }
    }
    return false;
  }

  #sameOperands(one: TreeNode, other: TreeNode): boolean {
    const [a, b] = [one.body, other.body];
    const same = (field: string, mask = false): boolean =>
      sameTree(valueAt(a, field), valueAt(b, field), mask);
    if (one.kind !== other.kind) return false;
    if (one.kind === 'NullTest') return same('arg') && !same('nulltesttype');
    if (one.kind !== 'A_Expr' || (same('name') && same('kind'))) return false;
    // `a = 1 OR a > 1` is only another way to write >=.
    const names = [a, b].map((body) => namesOf(listAt(body, 'name')).at(-1) ?? '');
    if (names.includes('=') && names.some((name) => /^[<>]=?$/.test(name))) return false;
    if (!same('lexpr', true) || !same('rexpr', true)) return false;
    this.#into.literalSensitive = true;
    return same('lexpr') && same('rexpr');
  }

  #booleanTest(body: TreeBody, holds: boolean): boolean {
    const arg = nodeAt(body, 'arg');
    if (arg === null) return false;
    switch (textAt(body, 'booltesttype')) {
      case 'IS_TRUE':
      case 'IS_NOT_FALSE':
        return this.limits(arg, holds);
      case 'IS_FALSE':
      case 'IS_NOT_TRUE':
        return this.limits(arg, !holds);
      case 'IS_UNKNOWN':
        return holds && this.#mentionsTarget(arg);
      default:
        return !holds && this.#mentionsTarget(arg);
    }
  }

  #nullTest(body: TreeBody, holds: boolean): boolean {
    const arg = nodeAt(body, 'arg');
    if (arg === null || !this.#mentionsTarget(arg)) return false;
    const notNull = (textAt(body, 'nulltesttype') === 'IS_NOT_NULL') === holds;
    if (!notNull) return true;
    const column = this.#columnOf(arg);
    // Keys are never null; nor is a row, or the outcome of a comparison, worth calling a limit.
    return column !== null && !this.#isKey(column) && column !== this.#target.alias;
  }

  #subquery(body: TreeBody, holds: boolean): boolean {
    const query = nodeAt(body, 'subselect');
    const test = nodeAt(body, 'testexpr');
    if (test === null) return this.#refersOut(query);
    if (!this.#mentionsTarget(test)) return this.#refersOut(query);
    return !(holds && selectsWhole(query, this.#target.table));
  }

  #comparison(node: TreeNode, holds: boolean): boolean {
    const { body } = node;
    const left = nodeAt(body, 'lexpr');
    const right = nodeAt(body, 'rexpr');
    if (!this.#mentionsTarget(node)) return this.#never(node, holds);
    if (left === null || right === null) return true;
    if (isCondition(left) || isCondition(right)) return isFlag(left, right) || isFlag(right, left);
    const kind = textAt(body, 'kind') ?? '';
    const written = namesOf(listAt(body, 'name')).at(-1) ?? '';
    const name = holds ? written : (OPPOSITE[written] ?? written);
    if (kind === 'AEXPR_BETWEEN' || kind === 'AEXPR_IN') {
      const items = nodesAt(asBody(right.body), 'items');
      if (items.some((item) => this.#sameColumns(left, item))) return false;
    }
    const negative = isNegative(kind, written) === holds;
    const column = this.#columnOf(left) ?? this.#columnOf(right);
    if (negative && isNegatable(kind, written)) return !this.#isKey(column);
    if (SAME_WAY.has(name) || kind.endsWith('DISTINCT')) {
      if (this.#sameColumns(left, right)) return false;
    }
    if (kind === 'AEXPR_LIKE' || kind === 'AEXPR_ILIKE' || name === '~' || name === '~*') {
      return !MATCH_ALL.has(constantText(right, this.#into) ?? '?');
    }
    if (/^[<>]=?$/.test(name) && this.#isKey(column)) return this.#cutsKeys(name, left, right);
    return true;
  }

  /** `id > 0`: every key is. */
  #cutsKeys(name: string, left: TreeNode, right: TreeNode): boolean {
    const flipped = isConstant(left);
    const bound = constantText(flipped ? left : right, this.#into);
    const above = name.startsWith('>') !== flipped;
    if (bound === null || !above) return true;
    return !(Number(bound) <= 1);
  }

  /** Both sides turn on the same columns of the same table: `id = id`, `id = id + 0`, `a.id = b.id`. */
  #sameColumns(left: TreeNode, right: TreeNode): boolean {
    const a = this.#columnsIn(left);
    const b = this.#columnsIn(right);
    return a.size > 0 && a.size === b.size && [...a].every((column) => b.has(column));
  }

  #columnsIn(node: TreeNode): Set<string> {
    const columns = new Set<string>();
    visitColumns(node, (fields) => {
      const table = fields.at(-2);
      const own =
        table === undefined || table === this.#target.alias || this.#target.twins.has(table);
      columns.add(own ? (fields.at(-1) ?? '') : fields.join('.'));
    });
    return columns;
  }

  /** Constant and surely not true: `1 = 2`, `false`, `null`. Such a statement reaches nothing. */
  #never(node: TreeNode, holds: boolean): boolean {
    if (node.kind === 'A_Expr') {
      const left = nodeAt(node.body, 'lexpr');
      const right = nodeAt(node.body, 'rexpr');
      const name = namesOf(listAt(node.body, 'name')).at(-1);
      // Two whole numbers only: '01' is equal to 1.
      if (name !== '=' || !holds || !isWhole(left) || !isWhole(right)) return false;
      return constantText(left, this.#into) !== constantText(right, this.#into);
    }
    if (node.kind !== 'A_Const') return false;
    const value = constantText(node, this.#into);
    return value === (holds ? 'false' : 'true') || (value === null && holds);
  }

  #mentionsTarget(node: TreeNode): boolean {
    let found = false;
    visitColumns(node, (fields) => {
      const table = fields.at(-2);
      if (table === undefined || !this.#target.strangers.has(table)) found = true;
    });
    return found;
  }

  /** A subquery that names the target from inside depends on the row. */
  #refersOut(query: TreeNode | null): boolean {
    if (query === null) return false;
    let found = false;
    visitColumns(query, (fields) => {
      if (fields.length > 1 && fields.at(-2) === this.#target.alias) found = true;
    });
    return found;
  }

  #columnOf(node: TreeNode): string | null {
    if (node.kind === 'TypeCast') {
      const arg = nodeAt(node.body, 'arg');
      return arg === null ? null : this.#columnOf(arg);
    }
    return node.kind === 'ColumnRef' ? (namesOf(listAt(node.body, 'fields')).at(-1) ?? null) : null;
  }

  #isKey(column: string | null): boolean {
    if (column === null) return false;
    const name = column.toLowerCase();
    const table = this.#target.table.toLowerCase();
    const own = [
      table,
      table.replace(/s$/, ''),
      table.replace(/es$/, ''),
      table.replace(/ies$/, 'y'),
    ];
    return (
      /^(_?id|ctid|xmin|tableoid|oid|pk|uuid|guid)$/.test(name) ||
      own.some((stem) => name === `${stem}_id` || name === `${stem}id` || name === `${stem}_uuid`)
    );
  }
}

/** Already true or false itself: comparing it with something can make it true for every row. */
function isCondition(node: TreeNode): boolean {
  if (node.kind === 'A_Const') return 'boolval' in node.body;
  if (node.kind === 'A_Expr') {
    const name = namesOf(listAt(node.body, 'name')).at(-1) ?? '';
    return textAt(node.body, 'kind') !== 'AEXPR_OP' || /^[<>=!~]+$/.test(name);
  }
  return ['BoolExpr', 'NullTest', 'BooleanTest'].includes(node.kind);
}

function isWhole(node: TreeNode | null): boolean {
  return node?.kind === 'A_Const' && 'ival' in node.body;
}

/** `active = true`: a column held against a truth, which is as good as the column alone. */
function isFlag(column: TreeNode, truth: TreeNode): boolean {
  return column.kind === 'ColumnRef' && truth.kind === 'A_Const';
}

function isNegative(kind: string, name: string): boolean {
  return (
    kind === 'AEXPR_DISTINCT' ||
    kind === 'AEXPR_NOT_BETWEEN' ||
    name === '<>' ||
    name.startsWith('!')
  );
}

/** Comparisons whose opposite takes all rows but few. */
function isNegatable(kind: string, name: string): boolean {
  if (kind === 'AEXPR_DISTINCT' || kind === 'AEXPR_NOT_DISTINCT') return true;
  if (kind === 'AEXPR_NOT_BETWEEN' || kind === 'AEXPR_BETWEEN') return true;
  return name === '<>' || name === '=' || name.startsWith('!') || name.startsWith('~');
}

/** The table itself, or a bare SELECT of all its rows. */
export function mentionsWhole(node: TreeNode | null, table: string): boolean {
  if (node === null) return false;
  if (node.kind === 'RangeVar') return textAt(node.body, 'relname') === table;
  if (node.kind === 'RangeSubselect') return mentionsWhole(nodeAt(node.body, 'subquery'), table);
  return selectsWhole(node, table);
}

function selectsWhole(node: TreeNode | null, table: string): boolean {
  if (node?.kind !== 'SelectStmt') return false;
  const { body } = node;
  const narrowing = ['whereClause', 'havingClause', 'limitCount', 'limitOffset', 'larg'];
  if (narrowing.some((field) => body[field] !== undefined)) return false;
  const from = nodesAt(body, 'fromClause');
  return from.length === 1 && mentionsWhole(from[0] ?? null, table);
}

/** Calls `seen` with the dotted name of every column in the tree. */
function visitColumns(value: unknown, seen: (fields: readonly string[]) => void): void {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) {
      for (const item of next) open.push(item);
      continue;
    }
    const body = asBody(next);
    if (body === null) continue;
    if (valueAt(body, 'kind') === 'ColumnRef' && asBody(valueAt(body, 'body')) !== null) {
      seen(columnNames(asBody(valueAt(body, 'body'))));
      continue;
    }
    const node = asNode(body);
    if (node?.kind === 'ColumnRef') seen(columnNames(node.body));
    else for (const field in body) open.push(body[field]);
  }
}

function columnNames(body: TreeBody | null): string[] {
  const fields = nodesOf(listAt(body, 'fields'));
  return fields.map((field) =>
    field.kind === 'A_Star' ? '*' : (textAt(field.body, 'sval') ?? ''),
  );
}
