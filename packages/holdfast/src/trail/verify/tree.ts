/**
 * The Merkle tree of RFC 6962, section 2.1: SHA-256, leaves hashed with a 0x00 in front, inner nodes
 * with a 0x01. Only the frontier is kept: the roots of the perfect subtrees that make up the tree,
 * largest first; one for each 1-bit of the size. That is all that appending needs.
 */
import { hash } from 'node:crypto';

/** Size and frontier of a tree. */
export interface TreeHead {
  readonly size: bigint;
  readonly frontier: readonly Buffer[];
}

export const HASH_BYTES = 32;
export const EMPTY_HEAD: TreeHead = { size: 0n, frontier: [] };

const nodeInput = Buffer.alloc(1 + 2 * HASH_BYTES, 1);

export function leafHash(bytes: Uint8Array): Buffer {
  const input = Buffer.allocUnsafe(1 + bytes.length);
  input[0] = 0;
  input.set(bytes, 1);
  return hash('sha256', input, 'buffer');
}

/** As `leafHash`, for an entry that already has its 0x00 in front. */
export function leafHashOfPrefixed(prefixed: Buffer): Buffer {
  return hash('sha256', prefixed, 'buffer');
}

export function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(nodeInput, 1);
  right.copy(nodeInput, 1 + HASH_BYTES);
  return hash('sha256', nodeInput, 'buffer');
}

/** The Merkle tree hash; of an empty tree it is SHA-256 of nothing. */
export function rootOf(head: TreeHead): Buffer {
  let root: Buffer | undefined;
  for (const node of head.frontier.toReversed()) {
    root = root === undefined ? node : nodeHash(node, root);
  }
  return root ?? hash('sha256', '', 'buffer');
}

/** True when there is one 32-byte hash for each 1-bit of the size. */
export function isWellFormed(head: TreeHead): boolean {
  if (head.size < 0n || head.size > BigInt(Number.MAX_SAFE_INTEGER)) return false;
  const ones = head.size.toString(2).replaceAll('0', '').length;
  return head.frontier.length === ones && head.frontier.every((h) => h.length === HASH_BYTES);
}

/** The tree after these leaf hashes; the given head is not changed. */
export function grow(head: TreeHead, leaves: readonly Buffer[]): TreeHead {
  const tree = new GrowingTree(head);
  for (const leaf of leaves) tree.append(leaf);
  return tree.head();
}

/** A tree that grows in place, for long walks. */
export class GrowingTree {
  #size: number;
  readonly #frontier: Buffer[];

  constructor(head: TreeHead) {
    this.#size = Number(head.size);
    this.#frontier = [...head.frontier];
  }

  get size(): number {
    return this.#size;
  }

  append(leaf: Buffer): void {
    let node = leaf;
    // Not bit operations: they stop at 32 bits.
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      const left = this.#frontier.pop();
      if (left === undefined) throw new RangeError('the frontier does not belong to its size');
      node = nodeHash(left, node);
    }
    this.#frontier.push(node);
    this.#size += 1;
  }

  head(): TreeHead {
    return { size: BigInt(this.#size), frontier: [...this.#frontier] };
  }
}
