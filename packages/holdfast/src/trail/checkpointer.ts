/**
 * Signs the head of the trail. Before the first new signature, what lies in the store must lead from
 * the newest checkpoint to the head: Holdfast does not put its name under a trail it cannot explain.
 */
import { HoldfastError } from '../model/errors.ts';
import type { Signer } from './signer.ts';
import type { StoredCheckpoint, TrailHead, TrailStore } from './trail-store.ts';
import { checkSignature, parseCheckpoint } from './verify/note.ts';
import { GrowingTree, isWellFormed, leafHash, rootOf } from './verify/tree.ts';

const PAGE_ENTRIES = 4_096;

export class Checkpointer {
  readonly #store: TrailStore;
  readonly #signer: Signer;
  #signed: bigint;

  /** Throws HF_TRAIL_BROKEN when the store does not hold against its newest checkpoint. */
  static async open(store: TrailStore, signer: Signer, head: TrailHead): Promise<Checkpointer> {
    const last = (await store.newestCheckpoints(1))[0] ?? null;
    if (!isWellFormed(head)) throw broken('a head with one hash per 1-bit of its size', 'another');
    if (last !== null) await holdAgainst(store, signer, last, head);
    return new Checkpointer(store, signer, last?.size ?? 0n);
  }

  private constructor(store: TrailStore, signer: Signer, signed: bigint) {
    this.#store = store;
    this.#signer = signer;
    this.#signed = signed;
  }

  /** Nothing when the trail has not grown since. */
  async sign(head: TrailHead): Promise<void> {
    if (head.size <= this.#signed) return;
    const note = this.#signer.sign({ size: head.size, root: rootOf(head) });
    await this.#store.saveCheckpoint({ size: head.size, frontier: head.frontier, note });
    this.#signed = head.size;
  }
}

async function holdAgainst(
  store: TrailStore,
  signer: Signer,
  last: StoredCheckpoint,
  head: TrailHead,
): Promise<void> {
  const checkpoint = parseCheckpoint(last.note);
  if (checkSignature(checkpoint, signer.verifierKey) === 'forged') {
    throw broken('a newest checkpoint that we signed', 'one that claims our key and is not by it');
  }
  const start = { size: last.size, frontier: last.frontier };
  if (
    checkpoint.size !== last.size ||
    !isWellFormed(start) ||
    !rootOf(start).equals(checkpoint.root)
  ) {
    throw broken(`the root signed for ${last.size} entries`, 'a stored tree with another root');
  }
  if (head.size < last.size) throw broken(`at least ${last.size} entries`, `${head.size}`);
  const tree = new GrowingTree(start);
  while (BigInt(tree.size) < head.size) {
    const rest = Number(head.size) - tree.size;
    const page = await store.read(BigInt(tree.size), Math.min(PAGE_ENTRIES, rest));
    if (page.length === 0) throw broken(`entry ${tree.size}`, 'none');
    for (const { bytes } of page) tree.append(leafHash(bytes));
  }
  if (!rootOf(tree.head()).equals(rootOf(head))) {
    throw broken(`entries that lead to the head of ${head.size}`, 'entries that lead elsewhere');
  }
}

function broken(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_TRAIL_BROKEN', {
    expected,
    found,
    hint: 'Do not delete anything: export what is there with holdfast trail export, and find out who wrote to the database.',
  });
}
