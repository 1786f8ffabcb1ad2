/**
 * A person decides on a hold or a proposal. The gateway makes the challenge out of what is signed, and verifies
 * it where the act is released. This page sees for itself that what is signed is what it shows:
 *
 *     challenge + binding -> SHA-256(binding) is the challenge, and its facts are those on the screen
 *       -> authenticator (user verification) -> approve | deny
 *
 * Otherwise nothing is signed. By one-time code, the person compares the words of the digest and says so by
 * sending them. Whether a proof is good is never asked here.
 */
import { type Answer, ask } from './api/client.ts';
import type { HoldShown } from './api/hold-shown.ts';
import { Problem } from './api/problem.ts';
import { askPasskey } from './passkeys.ts';

export type Decision = 'approve' | 'deny';
export type Desk = 'holds' | 'proposals' | 'breakGlass';

/** What the person has on the screen; what is left out is not shown there, so not compared. */
export interface Seen {
  readonly id: string;
  readonly digest: string;
  readonly target: string;
  readonly level: string;
  readonly peopleNeeded: number;
  readonly rowsAtMost?: number | null;
  readonly typedName?: string | null;
  readonly approvalUntil?: string | null;
}

export interface Word {
  readonly comment: string;
  /** What the person typed, where the name is asked for; null: it was not asked. */
  readonly typedName: string | null;
}

export interface Code {
  readonly person: string;
  readonly code: string;
  /** The words of the digest, compared by the person; or the digest. */
  readonly digestShown: string;
}

type Challenge = Answer<'holds.challenge'>;

/** The card of a hold, as it is compared. */
export function seenOf(hold: HoldShown): Seen {
  const { approvalUntil, digest, id, level, peopleNeeded, rowsAtMost, target, typedName } = hold;
  return { approvalUntil, digest, id, level, peopleNeeded, rowsAtMost, target, typedName };
}

export async function decideByPasskey(
  desk: Desk,
  seen: Seen,
  decision: Decision,
  word: Word,
): Promise<void> {
  const params = { id: seen.id };
  const { binding, options } = await challengeOf(desk, params, decision);
  const isSame =
    (await isHashOf(options.challenge, binding)) && (await isBindingOf(binding, decision, seen));
  if (!isSame) throw changedMeanwhile();
  const { id, rawId, response } = await askPasskey(options);
  const { authenticatorData, clientDataJSON, signature, userHandle = null } = response;
  const assertion = {
    id,
    rawId,
    type: 'public-key' as const,
    response: { authenticatorData, clientDataJSON, signature, userHandle },
  };
  if (desk === 'breakGlass') {
    await ask('breakGlass.sign', { params, body: { response: assertion } });
    return;
  }
  await ask(`${desk}.${decision}`, { params, body: { assertion, ...word } });
}

export async function decideByCode(
  desk: Desk,
  seen: Pick<Seen, 'id' | 'digest'>,
  decision: Decision,
  by: Code,
  word: Word,
): Promise<void> {
  const params = { id: seen.id };
  if (desk === 'breakGlass') {
    await ask('breakGlass.sign', { params, body: { code: by.code, digest: seen.digest } });
    return;
  }
  await ask(`${desk}.${decision}`, { params, body: { ...by, ...word } });
}

function challengeOf(
  desk: Desk,
  params: { readonly id: string },
  decision: Decision,
): Promise<Challenge> {
  return desk === 'breakGlass'
    ? ask('breakGlass.challenge', { params })
    : ask(`${desk}.challenge`, { params, query: { decision } });
}

const DOMAINS = { approve: 'holdfast/approval/1', deny: 'holdfast/denial/1' } as const;

/** Between the look and the touch the hold may have changed: then nothing is signed. */
export async function isBindingOf(
  binding: string,
  decision: Decision,
  seen: Seen,
): Promise<boolean> {
  const facts = factsOf(binding);
  if (facts === null) return false;
  const { approvalUntil, typedName } = seen;
  return (
    facts('domain') === DOMAINS[decision] &&
    facts('hold') === seen.id &&
    facts('digest') === seen.digest &&
    facts('level') === seen.level &&
    facts('people') === seen.peopleNeeded &&
    (await isNamed(facts('target'), seen.target)) &&
    (seen.rowsAtMost === undefined || facts('rowsAtMost') === seen.rowsAtMost) &&
    (approvalUntil === undefined || isInstant(facts('until'), approvalUntil)) &&
    (typedName === undefined || (await isNamed(facts('typedName'), typedName)))
  );
}

/** Whether the challenge, base64url, is the SHA-256 of the text. */
export async function isHashOf(challenge: string, binding: string): Promise<boolean> {
  const bytes = await sha256(binding);
  const text = btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
  return challenge === text;
}

function factsOf(binding: string): ((name: string) => unknown) | null {
  try {
    const facts: unknown = JSON.parse(binding);
    if (typeof facts !== 'object' || facts === null) return null;
    return (name) => (Object.hasOwn(facts, name) ? Reflect.get(facts, name) : undefined);
  } catch {
    return null;
  }
}

/** A long name stands there by its hash (docs/approvals.md). */
async function isNamed(bound: unknown, shown: string | null): Promise<boolean> {
  if (shown === null || typeof bound !== 'string') return bound === shown;
  if (!bound.startsWith('sha256:')) return bound === shown;
  const bytes = await sha256(shown);
  return bound === `sha256:${[...bytes].map((one) => one.toString(16).padStart(2, '0')).join('')}`;
}

function isInstant(bound: unknown, shown: string | null): boolean {
  if (shown === null || typeof bound !== 'string') return bound === shown;
  return new Date(bound).getTime() === new Date(shown).getTime();
}

async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));
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
