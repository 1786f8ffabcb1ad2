/**
 * What makes the proof of a person's word hold at rest. Two things, and both are asked again when an act
 * is released:
 *
 * - a MAC over the facts of a signature, or of a passkey, under a key derived from the seal key: a row
 *   that was written into our database by hand counts for nothing, whoever wrote it;
 * - a passkey's assertion, verified against its public key (WebAuthn Level 3, §7.2), with user
 *   verification required, from our own pages only, and for our own RP id only.
 *
 * What it will not do: keep a counter (who locks the row does), or decide whom it counts for.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Assertion, AssertionVerdict, PasskeyKey } from '../model/assertion.ts';
import { canonicalJson } from '../model/canonical.ts';
import { messageOf } from '../model/errors.ts';
import { ASSERTION_PART_CHARS_MAX } from '../model/limits.ts';
import { RowKeys } from './row-keys.ts';
import type { Seal } from './seal.ts';

/** What of a passkey must not change, or be put there by hand. */
export interface PasskeyFacts {
  readonly credentialId: string;
  readonly personId: string;
  readonly publicKey: Buffer;
  readonly rpId: string;
}

const PURPOSE = 'proofs of people';

export class ProofKeys {
  readonly rows: RowKeys;
  readonly #key: Buffer;
  /** Of our own pages, whole; never a pattern. */
  readonly #origins: string[];
  /** The host name alone. */
  readonly #rpId: string;

  /** `url`: where people see the dashboard (dashboard.url). */
  constructor(seal: Seal, url: string) {
    this.#key = seal.derive(PURPOSE);
    this.rows = new RowKeys(seal);
    const { hostname, origin } = new URL(url);
    this.#rpId = hostname;
    this.#origins = [origin];
  }

  /** On a free port the address is known only once somebody listens. For the same host name only. */
  alsoAt(url: string): void {
    const { hostname, origin } = new URL(url);
    if (hostname === this.#rpId && !this.#origins.includes(origin)) this.#origins.push(origin);
  }

  get rpId(): string {
    return this.#rpId;
  }

  get origins(): readonly string[] {
    return this.#origins;
  }

  /** A browser says so, or it cannot be read. */
  isOfAnotherFrame(clientDataJSON: string): boolean {
    return isCrossOrigin(clientDataJSON);
  }

  /** HMAC-SHA256, base64url. `text` says in itself what it is for. */
  mac(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }

  isMac(text: string, mac: string | null): boolean {
    if (mac === null) return false;
    const own = Buffer.from(this.mac(text));
    const given = Buffer.from(mac);
    return own.length === given.length && timingSafeEqual(own, given);
  }

  /** To be kept beside a passkey when it is enrolled; without it the passkey signs nothing. */
  passkeyMac(facts: PasskeyFacts): string {
    return this.mac(passkeyText(facts));
  }

  isPasskey(facts: PasskeyFacts, mac: string | null): boolean {
    return this.isMac(passkeyText(facts), mac);
  }

  /** Never rejects. The counter is given back, not compared. */
  async verify(
    assertion: Assertion,
    challenge: Buffer,
    key: PasskeyKey,
  ): Promise<AssertionVerdict> {
    const { id, response } = assertion;
    if (id !== key.id) return wrong('it is of another credential');
    const { authenticatorData, clientDataJSON, signature } = response;
    const parts = [authenticatorData, clientDataJSON, signature];
    if (parts.some((part) => part.length > ASSERTION_PART_CHARS_MAX)) {
      return wrong(`a part of it is longer than ${ASSERTION_PART_CHARS_MAX} characters`);
    }
    // The library lets a frame of another site pass when the browser does not name that site.
    if (isCrossOrigin(clientDataJSON)) return wrong('it comes out of a frame of another site');
    // A quarter of a second to load, and most processes never verify one.
    const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
    try {
      const { authenticationInfo, verified } = await verifyAuthenticationResponse({
        response: {
          id,
          rawId: id,
          type: 'public-key',
          clientExtensionResults: {},
          response: { authenticatorData, clientDataJSON, signature },
        },
        expectedChallenge: challenge.toString('base64url'),
        expectedOrigin: this.#origins,
        expectedRPID: this.#rpId,
        credential: { id, publicKey: Uint8Array.from(key.publicKey), counter: 0 },
        requireUserVerification: true,
      });
      if (!verified) return wrong('the signature is not of its key');
      return { kind: 'right', counter: authenticationInfo.newCounter };
    } catch (error) {
      return wrong(messageOf(error));
    }
  }
}

function passkeyText({ credentialId, personId, publicKey, rpId }: PasskeyFacts): string {
  return canonicalJson({
    domain: 'holdfast/passkey/1',
    credential: credentialId,
    person: personId,
    publicKey: publicKey.toString('base64url'),
    rpId,
  });
}

function isCrossOrigin(clientDataJSON: string): boolean {
  try {
    const data: unknown = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8'));
    return typeof data === 'object' && data !== null && 'crossOrigin' in data
      ? data.crossOrigin !== false
      : false;
  } catch {
    return true;
  }
}

function wrong(why: string): AssertionVerdict {
  return { kind: 'wrong', why };
}
