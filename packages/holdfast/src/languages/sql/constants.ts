/** The only door to the value of a literal: who looks through it makes the finding literal-bound. */
import type { Gatherer } from './gatherer.ts';
import type { TreeNode } from './tree.ts';
import { bodyAt, flagAt, nodeAt, textAt, valueAt } from './tree.ts';

/** The value of a constant as text (`'5'`, `'true'`), casts taken off; null when it is none. */
export function constantText(node: TreeNode | null, gatherer: Gatherer): string | null {
  if (node === null) return null;
  if (node.kind === 'TypeCast') return constantText(nodeAt(node.body, 'arg'), gatherer);
  if (node.kind !== 'A_Const') return null;
  gatherer.literalSensitive = true;
  const { body } = node;
  if (flagAt(body, 'isnull')) return null;
  const text = bodyAt(body, 'sval') ?? bodyAt(body, 'fval') ?? bodyAt(body, 'bsval');
  if (text !== null) {
    return textAt(text, 'sval') ?? textAt(text, 'fval') ?? textAt(text, 'bsval') ?? '';
  }
  const number = bodyAt(body, 'ival');
  if (number !== null) return String(valueAt(number, 'ival') ?? 0);
  const flag = bodyAt(body, 'boolval');
  return flag === null ? null : String(flagAt(flag, 'boolval'));
}

/** Whether it is a constant at all, its value unread. */
export function isConstant(node: TreeNode | null): boolean {
  if (node?.kind === 'TypeCast') return isConstant(nodeAt(node.body, 'arg'));
  return node?.kind === 'A_Const';
}
