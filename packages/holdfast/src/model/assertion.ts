/**
 * What a passkey answered (WebAuthn Level 3, §5.2.2), as browsers hand it on: every part base64url. It is
 * kept whole, so that whoever releases an act, or audits it later, can verify it again.
 */
export interface Assertion {
  /** The credential's id. */
  readonly id: string;
  readonly response: {
    readonly clientDataJSON: string;
    readonly authenticatorData: string;
    readonly signature: string;
  };
}

/** A credential as it was enrolled. */
export interface PasskeyKey {
  readonly id: string;
  /** COSE_Key (RFC 9052 §7). */
  readonly publicKey: Buffer;
}

export type AssertionVerdict =
  /** `counter`: the authenticator's own count; 0 when it keeps none. */
  | { readonly kind: 'right'; readonly counter: number }
  | { readonly kind: 'wrong'; readonly why: string };
