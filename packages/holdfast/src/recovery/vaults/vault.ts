/**
 * What a vault is: a place outside the target's blast radius where recovery points lie. There is no
 * delete and no overwrite here, and there will not be: what is stored stays until the vault's own clock
 * lets it go. A key that is stored twice has two versions.
 *
 * Every vault passes `vault.suite.ts`; one that claims to be locked passes the hostile suite too.
 */

export const VAULT_KINDS = ['local', 's3', 'restic'] as const;
export type VaultKind = (typeof VAULT_KINDS)[number];

/**
 * How keys are built: parts of `a-z A-Z 0-9 . _ -`, at most 200 characters each, joined by `/`, none of
 * them `.` or `..`; at most 512 characters in all.
 */
export type VaultKey = string;

/** One version of one key, as the vault has it. */
export interface StoredObject {
  readonly key: VaultKey;
  /** As the vault names it; never used again for other bytes. */
  readonly version: string;
  readonly bytes: number;
  /** Lower-case hex; null where only reading it whole would tell. */
  readonly sha256: string | null;
  readonly storedAt: Date;
  /** Nothing lets it go before this; null: the vault does not say, which counts as not locked. */
  readonly retainUntil: Date | null;
}

export interface Kept {
  readonly retainUntil: Date;
}

/**
 * The colour is never better than the evidence: `green` needs a lock that was tried, `amber` says that
 * it holds against some, `red` that it does not do what it is there for.
 */
export type VaultColour = 'green' | 'amber' | 'red';

export interface VaultLook {
  readonly colour: VaultColour;
  /** One sentence each, for people: what it protects from, and what it does not. */
  readonly protectsFrom: readonly string[];
  readonly doesNotProtectFrom: readonly string[];
  /** What is wrong just now; empty when nothing is. */
  readonly troubles: readonly string[];
  readonly freeBytes: bigint | null;
  readonly objects: number | null;
}

/** Every method rejects with a HoldfastError of `HF_VAULT_*`; `put` stores all of `body` or nothing. */
export interface Vault {
  readonly name: string;
  readonly kind: VaultKind;
  /** Durable, read back and found locked until at least `retainUntil` when it resolves. */
  put(key: VaultKey, body: AsyncIterable<Uint8Array>, kept: Kept): Promise<StoredObject>;
  /** The stream rejects at its end when the bytes are not those that were stored. */
  get(object: Pick<StoredObject, 'key' | 'version'>): AsyncIterable<Uint8Array>;
  /**
   * In order of key, one version each: the newest that was stored at or before `asOf`, whatever was
   * deleted or written over it later. Null: as of now, and what hides it is ignored likewise.
   */
  list(prefix: string, asOf: Date | null): AsyncIterable<StoredObject>;
  /**
   * One version, whatever hides it or was written over it since, as `list` says it; null: it is not there, or
   * no longer. Reads none of its bytes.
   */
  stat(object: Pick<StoredObject, 'key' | 'version'>): Promise<StoredObject | null>;
  look(): Promise<VaultLook>;
  close(): Promise<void>;
}
