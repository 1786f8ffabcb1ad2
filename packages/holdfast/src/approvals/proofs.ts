/**
 * A person's signature at rest: who said yes or no to what and when, with a MAC under our own key, so that
 * a row that was written by hand is none; and for a passkey the assertion itself, to be verified again.
 */
import type { Assertion, AssertionVerdict, PasskeyKey } from '../model/assertion.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { RowMacs } from '../model/row-macs.ts';
import { storable } from '../model/text.ts';

export interface ProofFacts {
  /** The domain of the binding says whether it is a yes or a no. */
  readonly challenge: string;
  readonly holdId: string;
  readonly personId: string;
  readonly method: 'totp' | 'passkey';
  readonly at: Date;
  readonly comment: string;
  /** Null: a one-time code, of which nothing is kept. */
  readonly assertion: Assertion | null;
}

/** What proofs are made and checked with; `identity/proof-keys.ts`. */
export interface Prover {
  /** Over rows that say who somebody is and what they may. */
  readonly rows: RowMacs;
  mac(text: string): string;
  isMac(text: string, mac: string | null): boolean;
  isPasskey(
    facts: {
      readonly credentialId: string;
      readonly personId: string;
      readonly publicKey: Buffer;
      readonly rpId: string;
    },
    mac: string | null,
  ): boolean;
  verify(assertion: Assertion, challenge: Buffer, key: PasskeyKey): Promise<AssertionVerdict>;
}

/** What the MAC of a signature is over. */
export function proofText(facts: ProofFacts): string {
  const { assertion } = facts;
  return canonicalJson({
    domain: 'holdfast/signature/1',
    hold: facts.holdId,
    challenge: facts.challenge,
    person: facts.personId,
    method: facts.method,
    at: facts.at.toISOString(),
    comment: storable(facts.comment),
    assertion: assertion === null ? null : { id: assertion.id, ...partsOf(assertion) },
  });
}

/** For an entry of the trail: enough to verify it offline with the public key. */
export function partsOf({ response }: Assertion): {
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
} {
  const { authenticatorData, clientDataJSON, signature } = response;
  return { clientDataJSON, authenticatorData, signature };
}
