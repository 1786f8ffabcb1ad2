/** The WAL of a server as it lies in a vault: whole segments, else their pieces, opened with a private key. */
import { HoldfastError } from '../../../model/errors.ts';
import type { SegmentPlace } from '../../lsn.ts';
import { unpackBytes, unpacked } from '../../packing/pack.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import type { PullOptions } from './pull-options.ts';
import { readWalListing, type WalListing } from './wal-listing.ts';
import type { WalShelf } from './wal-restore.ts';

type Parts = Pick<PullOptions, 'identities' | 'target' | 'vault'>;

export async function vaultShelf(parts: Parts, { server }: RecoveryPoint): Promise<WalShelf> {
  const { systemIdentifier, walSegmentBytes } = server;
  const { target, vault } = parts;
  return new VaultShelf(
    parts,
    await readWalListing(vault, target, systemIdentifier, walSegmentBytes),
  );
}

class VaultShelf implements WalShelf {
  readonly #parts: Parts;
  readonly #listing: WalListing;

  constructor(parts: Parts, listing: WalListing) {
    this.#parts = parts;
    this.#listing = listing;
  }

  get newestStoredAt(): Date | null {
    return this.#listing.newestStoredAt;
  }

  async *histories(): AsyncIterable<{ readonly timeline: number; readonly text: Buffer }> {
    const { identities, vault } = this.#parts;
    for (const [timeline, object] of this.#listing.histories) {
      yield { timeline, text: await unpackBytes(vault.get(object), identities(), object.key) };
    }
  }

  has(place: SegmentPlace): boolean {
    return this.#listing.piecesOf(place).length > 0;
  }

  newestOf(timeline: number): bigint | null {
    return this.#listing.newestOf(timeline);
  }

  async fetch(place: SegmentPlace, buffer: Buffer): Promise<number> {
    const { identities, vault } = this.#parts;
    let end = 0;
    for (const { from, to, object } of this.#listing.piecesOf(place)) {
      let at = from;
      for await (const part of unpacked(vault.get(object), identities(), object.key)) {
        if (at + part.length <= to) buffer.set(part, at);
        at += part.length;
      }
      if (at !== to) {
        throw new HoldfastError('HF_RECOVERY_DAMAGED', {
          expected: `${to - from} bytes of WAL at ${object.key}`,
          found: `${at - from}`,
          hint: 'Restore to a moment before it, or take a new base backup.',
        });
      }
      end = to;
    }
    return end;
  }
}
