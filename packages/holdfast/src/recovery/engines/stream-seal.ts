/**
 * What is streamed after a point (WAL, or decoded changes) is told by its seal from what others lay there. A
 * point says from which position on all of it is sealed, and by which key; before that, and after points of
 * earlier builds, nothing can be held against a seal.
 *
 * Where another installation took the point, its seals are asked for by name: nobody here can tell them.
 */
import { HoldfastError } from '../../model/errors.ts';
import { lsnOf, lsnText } from '../lsn.ts';
import type { HeaderLook, HeaderSealer } from '../packing/age.ts';
import type { PointSeal } from '../point-seal.ts';
import type { RecoveryPoint, SealedStream } from '../recovery-point.ts';
import type { VaultKey } from '../vaults/vault.ts';

export function streamSealer(seal: PointSeal, key: VaultKey): HeaderSealer {
  return (fileKey) => seal.headerSeal(key, fileKey);
}

/** What a point that is taken now may say. `from`: where this process began to store; null: not yet. */
export function sealedStream(seal: PointSeal, from: bigint | null): SealedStream | undefined {
  return from === null ? undefined : { keyId: seal.keyId, fromLsn: lsnText(from) };
}

export class StreamSeals {
  readonly #seal: PointSeal;
  readonly #sealed: SealedStream | null;
  readonly #from: bigint;

  constructor(seal: PointSeal, { wal }: Pick<RecoveryPoint, 'wal'>) {
    this.#seal = seal;
    this.#sealed = wal?.sealed ?? null;
    this.#from = lsnOf(this.#sealed?.fromLsn ?? '') ?? 0n;
  }

  /** Of what lies under that key and reaches to before `to`; refuses with HF_RECOVERY_DAMAGED. */
  look(key: VaultKey, to: bigint): HeaderLook {
    return (fileKey, seal) => {
      const verdict = this.#seal.headerVerdictOf(key, fileKey, seal);
      if (verdict === 'broken') throw planted(key, 'one whose seal does not fit it');
      if (this.#sealed === null || to <= this.#from || verdict === 'ours') return;
      if (verdict === 'none') throw planted(key, 'one without a seal');
      if (this.#sealed.keyId === this.#seal.keyId) {
        throw planted(key, 'one with the seal of another installation');
      }
    };
  }
}

function planted(key: VaultKey, found: string): HoldfastError {
  return new HoldfastError('HF_RECOVERY_DAMAGED', {
    expected: `what the installation that took the recovery point stored at ${key}`,
    found,
    hint: 'Somebody else wrote it: look at who can write into the vault. Restore from the vault as it was before that (--as-of), or to a moment before it.',
  });
}
