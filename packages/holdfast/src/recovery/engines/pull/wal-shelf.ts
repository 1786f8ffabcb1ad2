/** The WAL of a server as it lies in a vault: whole segments, else their pieces, opened with a private key. */
import { HoldfastError } from '../../../model/errors.ts';
import type { SegmentPlace } from '../../lsn.ts';
import { unpackBytes, unpacked } from '../../packing/pack.ts';
import type { RecoveryPoint } from '../../recovery-point.ts';
import { NotOurs, StreamSeals } from '../stream-seal.ts';
import type { PullOptions } from './pull-options.ts';
import { readWalListing, type WalListing } from './wal-listing.ts';
import type { WalShelf } from './wal-restore.ts';

type Parts = Pick<PullOptions, 'identities' | 'seal' | 'target' | 'vault'>;

export async function vaultShelf(parts: Parts, point: RecoveryPoint): Promise<WalShelf> {
  const { systemIdentifier, walSegmentBytes } = point.server;
  const { target, vault } = parts;
  const listing = await readWalListing(vault, target, systemIdentifier, walSegmentBytes);
  return new VaultShelf(parts, point, listing);
}

/** Beyond every position. */
const NO_END = 2n ** 64n;

class VaultShelf implements WalShelf {
  readonly #parts: Parts;
  readonly #timeline: number;
  readonly #seals: StreamSeals;
  readonly #listing: WalListing;

  constructor(parts: Parts, point: RecoveryPoint, listing: WalListing) {
    this.#parts = parts;
    this.#timeline = point.wal?.timeline ?? 0;
    this.#seals = new StreamSeals(parts.seal, point);
    this.#listing = listing;
  }

  get newestStoredAt(): Date | null {
    return this.#listing.newestStoredAt;
  }

  async *histories(): AsyncIterable<{ readonly timeline: number; readonly text: Buffer }> {
    const { identities, vault } = this.#parts;
    for (const [timeline, object] of this.#listing.histories) {
      // Those after the point's lead a restore on; those before it were there before it.
      const to = timeline > this.#timeline ? NO_END : 0n;
      try {
        const text = await this.#seals.open(vault, object, to, (version, look) =>
          unpackBytes(vault.get(version), identities(), object.key, { look }),
        );
        yield { timeline, text };
      } catch (error) {
        // It leads nowhere: of a timeline that there is, whoever streams has stored ours.
        if (!(error instanceof NotOurs)) throw error;
      }
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
      const reach = place.start + BigInt(to);
      const at = await this.#seals.open(vault, object, reach, async (version, look) => {
        let end = from;
        for await (const part of unpacked(vault.get(version), identities(), object.key, look)) {
          if (end + part.length <= to) buffer.set(part, end);
          end += part.length;
        }
        return end;
      });
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
