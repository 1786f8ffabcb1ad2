/**
 * Inclusion and consistency proofs of RFC 6962, section 2.1.1 and 2.1.2; checked as RFC 9162,
 * sections 2.1.3.2 and 2.1.4.2 tell. Making one needs the leaf hashes; checking one needs only roots.
 */
import { nodeHash } from './tree.ts';

/** The path from a leaf to the root of the tree of all `leaves`, lowest sibling first. */
export function inclusionProof(leaves: readonly Buffer[], index: number): Buffer[] {
  if (index < 0 || index >= leaves.length) throw new RangeError(`no leaf ${index}`);
  return pathFrom(leaves, index);
}

/** That the tree of the first `size` leaves is a prefix of the tree of all `leaves`. */
export function consistencyProof(leaves: readonly Buffer[], size: number): Buffer[] {
  if (size < 1 || size > leaves.length) throw new RangeError(`no tree of ${size}`);
  if (size === leaves.length) return [];
  let level = leaves;
  let index = size - 1;
  while (index % 2 === 1) {
    level = levelAbove(level);
    index = (index - 1) / 2;
  }
  const start = level[index];
  // A size that is a power of two is a whole subtree: its root is what the checker already has.
  return index === 0 || start === undefined
    ? pathFrom(level, index)
    : [start, ...pathFrom(level, index)];
}

function pathFrom(nodes: readonly Buffer[], start: number): Buffer[] {
  const path: Buffer[] = [];
  let level = nodes;
  let index = start;
  while (level.length > 1) {
    const sibling = level[index % 2 === 1 ? index - 1 : index + 1];
    if (sibling !== undefined) path.push(sibling);
    level = levelAbove(level);
    index = Math.floor(index / 2);
  }
  return path;
}

function levelAbove(level: readonly Buffer[]): Buffer[] {
  const above: Buffer[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = level[at];
    const right = level[at + 1];
    if (left !== undefined) above.push(right === undefined ? left : nodeHash(left, right));
  }
  return above;
}

export function verifyInclusion(
  proof: readonly Buffer[],
  index: number,
  size: number,
  leaf: Buffer,
  root: Buffer,
): boolean {
  if (index < 0 || index >= size) return false;
  let fn = index;
  let sn = size - 1;
  let node = leaf;
  for (const sibling of proof) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      node = nodeHash(sibling, node);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      node = nodeHash(node, sibling);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && node.equals(root);
}

export function verifyConsistency(
  proof: readonly Buffer[],
  first: { readonly size: number; readonly root: Buffer },
  second: { readonly size: number; readonly root: Buffer },
): boolean {
  if (first.size < 1 || first.size > second.size) return false;
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root);
  const powerOfTwo = Number.isInteger(Math.log2(first.size));
  const [start, ...rest] = powerOfTwo ? [first.root, ...proof] : proof;
  if (start === undefined || proof.length === 0) return false;
  let fn = first.size - 1;
  let sn = second.size - 1;
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let older = start;
  let newer = start;
  for (const node of rest) {
    if (sn === 0) return false;
    if (fn % 2 === 1 || fn === sn) {
      older = nodeHash(node, older);
      newer = nodeHash(node, newer);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [half(fn), half(sn)];
    } else {
      newer = nodeHash(newer, node);
    }
    [fn, sn] = [half(fn), half(sn)];
  }
  return sn === 0 && older.equals(first.root) && newer.equals(second.root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
