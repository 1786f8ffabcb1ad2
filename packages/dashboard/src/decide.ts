/**
 * A person decides on a hold. The gateway makes the challenge out of what is signed, and verifies it where
 * the act is released; this page only carries it to the authenticator and back.
 *
 *     challenge -> authenticator (user verification) -> approve | deny
 *
 * By one-time code, the person compares the words of the digest and says so by sending them.
 */
import type { startAuthentication } from '@simplewebauthn/browser';
import { send } from './api/client.ts';
import { askPasskey } from './passkeys.ts';

export type Decision = 'approve' | 'deny';

interface HoldChallenge {
  /** For `navigator.credentials.get`; its challenge is the hash of the binding. */
  readonly options: Parameters<typeof startAuthentication>[0]['optionsJSON'];
  /** The words that the challenge is the hash of. */
  readonly binding: string;
}

export type Proof =
  | {
      readonly kind: 'passkey';
      readonly assertion: Awaited<ReturnType<typeof startAuthentication>>;
    }
  | { readonly kind: 'totp'; readonly code: string; readonly words: string };

export interface Word {
  readonly comment: string;
  /** What the person typed, where the name is asked for; null: it was not asked. */
  readonly typedName: string | null;
}

export async function decideByPasskey(id: string, decision: Decision, word: Word): Promise<void> {
  const { options } = await send<HoldChallenge>('POST /v1/holds/:id/challenge', {
    params: { id },
    body: { decision },
  });
  const assertion = await askPasskey(options);
  await decide(id, decision, { kind: 'passkey', assertion }, word);
}

export function decideByCode(
  id: string,
  decision: Decision,
  proof: { readonly code: string; readonly words: string },
  word: Word,
): Promise<void> {
  return decide(id, decision, { kind: 'totp', ...proof }, word);
}

async function decide(id: string, decision: Decision, proof: Proof, word: Word): Promise<void> {
  await send(`POST /v1/holds/:id/${decision}`, { params: { id }, body: { proof, ...word } });
}
