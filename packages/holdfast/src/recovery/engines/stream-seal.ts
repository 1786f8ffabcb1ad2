/**
 * What is streamed after a point (WAL, or decoded changes) is told by its seal from what others lay there. A
 * point says from which position on all of it is sealed, and by which key; before that, and after points of
 * earlier builds, nothing can be held against a seal.
 *
 * Where another installation took the point, its seals are asked for by name: nobody here can tell them.
 */
import { HoldfastError } from '../../model/errors.ts';
import { lsnOf, lsnText } from '../lsn.ts';
import type { HeaderLook, HeaderSeal, HeaderSealer } from '../packing/age.ts';
import type { PointSeal } from '../point-seal.ts';
import type { RecoveryPoint, SealedStream } from '../recovery-point.ts';
import type { StoredObject, Vault, VaultKey } from '../vaults/vault.ts';

/** Of one key, newest first, that are looked at. */
const VERSIONS_MAX = 5;

export function streamSealer(seal: PointSeal, key: VaultKey): HeaderSealer {
  return (fileKey) => seal.headerSeal(key, fileKey);
}

/** What a point that is taken now may say. `from`: where this process began to store; null: not yet. */
export function sealedStream(seal: PointSeal, from: bigint | null): SealedStream | undefined {
  return from === null ? undefined : { keyId: seal.keyId, fromLsn: lsnText(from) };
}

/** Something lies there that was not stored by who took the point. */
export class NotOurs extends HoldfastError {
  constructor(key: VaultKey, found: string) {
    super('HF_RECOVERY_DAMAGED', {
      expected: `what the installation that took the recovery point stored at ${key}`,
      found,
      hint: 'Somebody else wrote it: look at who can write into the vault, and restore to a moment before it.',
    });
  }
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

  /**
   * Opens what lies under the key of `object` and reaches to before `to`: that version, or one before it,
   * where somebody laid something over ours. Rejects with `NotOurs`, of the newest, where none is to be used;
   * what `open` rejects with otherwise is passed on.
   */
  async open<T>(
    vault: Pick<Vault, 'list'>,
    object: StoredObject,
    to: bigint,
    open: (version: StoredObject, look: HeaderLook) => Promise<T>,
  ): Promise<T> {
    const look: HeaderLook = (fileKey, seal) => {
      const found = this.#strangeness(object.key, to, fileKey, seal);
      if (found !== null) throw new NotOurs(object.key, found);
    };
    let version = object;
    let newest: NotOurs | null = null;
    for (let tries = 1; ; tries += 1) {
      try {
        return await open(version, look);
      } catch (error) {
        if (!(error instanceof NotOurs)) throw error;
        newest ??= error;
      }
      const before = tries < VERSIONS_MAX ? await versionBefore(vault, version) : null;
      if (before === null) throw newest;
      version = before;
    }
  }

  /** Null: it is to be used. */
  #strangeness(
    key: VaultKey,
    to: bigint,
    fileKey: Uint8Array,
    seal: HeaderSeal | null,
  ): string | null {
    const verdict = this.#seal.headerVerdictOf(key, fileKey, seal);
    if (verdict === 'broken') return 'one whose seal does not fit it';
    if (this.#sealed === null || to <= this.#from || verdict === 'ours') return null;
    if (verdict === 'none') return 'one without a seal';
    const isOfOurs = this.#sealed.keyId === this.#seal.keyId;
    return isOfOurs ? 'one with the seal of another installation' : null;
  }
}

async function versionBefore(
  vault: Pick<Vault, 'list'>,
  { key, storedAt, version }: StoredObject,
): Promise<StoredObject | null> {
  for await (const object of vault.list(key, new Date(storedAt.getTime() - 1))) {
    if (object.key === key && object.version !== version) return object;
  }
  return null;
}
