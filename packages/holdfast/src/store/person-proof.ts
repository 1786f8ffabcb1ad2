/**
 * Who speaks, proven under the row locks of the caller's transaction: a one-time code is spent, or a
 * passkey's assertion over the challenge is verified and its counter moved on. Errors are given and not
 * thrown: the caller's transaction must commit, or failed codes would not be counted.
 */
import type { Transaction } from 'kysely';
import type { PasskeyWord, PersonWord, Speaker, TotpWord } from '../approvals/hold-store.ts';
import type { Prover } from '../approvals/proofs.ts';
import type { Assertion } from '../model/assertion.ts';
import { HoldfastError } from '../model/errors.ts';
import type { JudgeCode } from './people-store.ts';
import { type PermissionWanted, spendIfAllowed, whoMay } from './person-allowed.ts';
import { passkeyOf } from './signatures.ts';
import type { Tables } from './tables.ts';

export interface PersonChecks {
  readonly judgeCode: JudgeCode;
  readonly prover: Prover;
}

export interface Wanted extends PermissionWanted {
  /** 32 bytes, of what the person is to have signed. */
  readonly challenge: Buffer;
}

export async function proveOrRefuse(
  trx: Transaction<Tables>,
  word: PersonWord,
  wanted: Wanted,
  checks: PersonChecks,
): Promise<Speaker | HoldfastError> {
  return word.kind === 'totp'
    ? await proveByCode(trx, word, wanted, checks)
    : await proveByPasskey(trx, word, wanted, checks.prover);
}

async function proveByCode(
  trx: Transaction<Tables>,
  word: TotpWord,
  wanted: Wanted,
  { judgeCode, prover }: PersonChecks,
): Promise<Speaker | HoldfastError> {
  const id = await spendIfAllowed(trx, prover.rows, word, wanted, judgeCode);
  if (id instanceof HoldfastError) return id;
  const hex = wanted.challenge.toString('hex');
  return { id, name: word.person, method: 'totp', challenge: hex, assertion: null };
}

async function proveByPasskey(
  trx: Transaction<Tables>,
  { assertion, personId }: PasskeyWord,
  wanted: Wanted,
  prover: Prover,
): Promise<Speaker | HoldfastError> {
  const { challenge, now } = wanted;
  const person = await whoMay(trx, prover.rows, personId, personId, wanted);
  if (person instanceof HoldfastError) return person;
  await trx
    .selectFrom('holdfast.passkeys')
    .select('credential_id')
    .where('credential_id', '=', assertion.id)
    .forUpdate()
    .executeTakeFirst();
  const passkey = await passkeyOf(trx, assertion.id, personId, prover);
  if (passkey === null) return refused(person.name, 'one that Holdfast did not enrol for them');
  const key = { id: assertion.id, publicKey: passkey.publicKey };
  const verdict = await prover.verify(assertion, challenge, key);
  if (verdict.kind === 'wrong') return refused(person.name, verdict.why);
  const counter = BigInt(verdict.counter);
  // Both zero: the authenticator keeps no count (WebAuthn Level 3, §6.1.1).
  if ((counter !== 0n || passkey.counter !== 0n) && counter <= passkey.counter) {
    const found = `one that counts ${counter} after ${passkey.counter}: it was used before, or copied`;
    return refused(person.name, found);
  }
  await trx
    .updateTable('holdfast.passkeys')
    .set({ counter, last_used_at: now })
    .where('credential_id', '=', assertion.id)
    .execute();
  return {
    id: personId,
    name: person.name,
    method: 'passkey',
    challenge: challenge.toString('hex'),
    assertion: plain(assertion),
  };
}

/** What is kept, and nothing else that a browser may have added. */
function plain({ id, response }: Assertion): Assertion {
  const { authenticatorData, clientDataJSON, signature } = response;
  return { id, response: { authenticatorData, clientDataJSON, signature } };
}

function refused(name: string, found: string): HoldfastError {
  return new HoldfastError('HF_PASSKEY', {
    expected: `a passkey of ${name}'s, for exactly this`,
    found,
    hint: 'Look at the card again, and sign it from there.',
  });
}
