/** Where passkeys of people lie; implemented by `store/`. Public keys only. */
export interface PasskeyRecord {
  /** base64url. */
  readonly credentialId: string;
  readonly personId: string;
  /** COSE_Key (RFC 9052 §7). */
  readonly publicKey: Buffer;
  /** What it said last; 0: it keeps none. */
  readonly counter: number;
  readonly rpId: string;
  readonly label: string;
  readonly transports: readonly string[];
  readonly isBackedUp: boolean;
  readonly addedAt: Date;
  readonly lastUsedAt: Date | null;
  readonly suspendedAt: Date | null;
  /** Null: nobody enrolled it with us (identity/proof-keys.ts). */
  readonly mac: string | null;
}

/** What becomes of a passkey that was used, decided under its lock. */
export type PasskeyUse =
  | { readonly kind: 'right'; readonly counter: number }
  | { readonly kind: 'copy'; readonly counter: number }
  | { readonly kind: 'wrong'; readonly why: string };

export interface PasskeyUsed {
  readonly passkey: PasskeyRecord;
  readonly personName: string;
  readonly use: PasskeyUse;
}

/** `known`: that credential is somebody's already. `full`: one too many. `nobody`: the person is not here. */
export type PasskeyAdded = 'added' | 'known' | 'full' | 'nobody';

export interface PasskeyStore {
  /** `known`: somebody has it already. `full`: the person has PASSKEYS_MAX. */
  add(passkey: PasskeyRecord): Promise<PasskeyAdded>;
  /** In use or suspended, oldest first. */
  list(personId: string): Promise<readonly PasskeyRecord[]>;
  /**
   * Locks the passkey, has it judged, and writes what the judgement says: its counter and use, or that it
   * is suspended. Null: nobody who is still here has such a passkey.
   */
  use(
    credentialId: string,
    now: Date,
    judge: (passkey: PasskeyRecord) => Promise<PasskeyUse>,
  ): Promise<PasskeyUsed | null>;
  /** `last`: nothing changed, since the person would have no passkey in use and no codes. */
  remove(credentialId: string, personId: string, now: Date): Promise<'done' | 'none' | 'last'>;
}
