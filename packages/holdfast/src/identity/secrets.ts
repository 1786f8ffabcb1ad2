/**
 * Secrets that we hand to people's browsers and know again: `hfs_` a session, `hfd_` a device,
 * `hfp_` a page, `hfi_` an invitation, `hfc_` a command line that asks to be let in. 256 random bits in
 * Crockford's base32, so that they need no escaping anywhere and no slow hash at rest.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import { base32 } from '../model/ids.ts';

const SECRET_BYTES = 32;

export type SecretKind = 'hfs' | 'hfd' | 'hfp' | 'hfi' | 'hfc';

export function newSecret(kind: SecretKind, clock: Clock): string {
  return `${kind}_${base32(clock.random(SECRET_BYTES))}`;
}

/** As to its form. */
export function isSecret(kind: SecretKind, text: string): boolean {
  return text.startsWith(`${kind}_`) && /^[a-z]{3}_[0-9a-hjkmnp-tv-z]{52}$/.test(text);
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret, 'utf8').digest();
}
