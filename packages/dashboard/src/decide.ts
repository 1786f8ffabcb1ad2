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
import type { HoldShown } from './api/hold-shown.ts';
import { Problem } from './api/problem.ts';
import { askPasskey } from './passkeys.ts';

export type Decision = 'approve' | 'deny';

interface HoldChallenge {
  /** For `navigator.credentials.get`; its challenge is the SHA-256 of `binding`. */
  readonly options: Parameters<typeof startAuthentication>[0]['optionsJSON'];
  /** Canonical JSON of all that is signed. */
  readonly binding: string;
}

/** What the person has on the screen: what is signed must be of it. */
export type Seen = Pick<HoldShown, 'id' | 'digest'>;

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

export async function decideByPasskey(seen: Seen, decision: Decision, word: Word): Promise<void> {
  const { id } = seen;
  const { binding, options } = await send<HoldChallenge>('POST /v1/holds/:id/challenge', {
    params: { id },
    body: { decision },
  });
  if (!isBindingOf(binding, seen)) throw changedMeanwhile();
  const assertion = await askPasskey(options);
  await decide(id, decision, { kind: 'passkey', assertion }, word);
}

/** Between the look and the touch the hold may have changed: then nothing is signed. */
export function isBindingOf(binding: unknown, { id, digest }: Seen): boolean {
  if (typeof binding !== 'string') return false;
  try {
    const facts: unknown = JSON.parse(binding);
    if (typeof facts !== 'object' || facts === null) return false;
    return Reflect.get(facts, 'hold') === id && Reflect.get(facts, 'digest') === digest;
  } catch {
    return false;
  }
}

function changedMeanwhile(): Problem {
  return new Problem({
    code: 'PAGE',
    title: 'This is no longer what you see',
    status: 0,
    expected: 'to sign exactly what this card shows',
    found: 'that the gateway asks for a signature under something else',
    hint: 'Load the card again and look once more. Nothing was signed.',
  });
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
