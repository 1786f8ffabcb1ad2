/** What the walk and the statements share: names in sight, and the walk itself, handed down. */
import type { Gatherer } from './gatherer.ts';
import type { TreeBody, TreeNode } from './tree.ts';

/** Names of WITH queries in sight, innermost first. */
export interface Scope {
  readonly names: ReadonlySet<string>;
  readonly outer: Scope | null;
}

export function isNamedQuery(name: string, scope: Scope | null): boolean {
  for (let at = scope; at !== null; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

export interface Walker {
  node(node: TreeNode | null, scope: Scope | null, into: Gatherer): void;
  /** All fields of a body but those named. */
  fields(
    body: TreeBody | null,
    scope: Scope | null,
    into: Gatherer,
    except?: ReadonlySet<string>,
  ): void;
  value(value: unknown, scope: Scope | null, into: Gatherer): void;
}
