/**
 * Who speaks for an act that one person may do alone, proven under the row locks of the caller's transaction: a
 * one-time code is spent; or a session is looked at, that it is open, theirs and proved of late, and its person,
 * that they are here still and may. Nothing that the caller believes of a session counts. Errors are given and
 * not thrown: the caller's transaction must commit, or failed codes would not be counted.
 */
import type { Transaction } from 'kysely';
import { nobody } from '../identity/people.ts';
import { proofTooOld } from '../identity/proof-age.ts';
import type { Permission } from '../identity/roles.ts';
import { HoldfastError } from '../model/errors.ts';
import { PROVED_MS_MAX } from '../model/limits.ts';
import type { Signed, Spoken } from '../model/signed.ts';
import { type JudgeCode, spendOrRefuse } from './people-store.ts';
import { isAllowed, noRole } from './person-proof.ts';
import type { Tables } from './tables.ts';

export interface SignedWanted {
  readonly permission: Permission;
  readonly now: Date;
}

/** HF_TOTP_WRONG, HF_NOT_FOUND; without a code HF_SIGN_IN, HF_FORBIDDEN. */
export async function signedOrRefuse(
  trx: Transaction<Tables>,
  signed: Signed,
  wanted: SignedWanted,
  judgeCode: JudgeCode,
): Promise<Spoken | HoldfastError> {
  if (signed.kind === 'proved') return await bySession(trx, signed, wanted);
  const id = await spendOrRefuse(trx, signed, judgeCode);
  if (id instanceof HoldfastError) return id;
  const person = await trx
    .selectFrom('holdfast.people')
    .select(['roles', 'owner_until'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  if (!isAllowed(person, wanted)) return noRole(signed.person, person.roles);
  return { name: signed.person, facts: { method: 'totp' } };
}

async function bySession(
  trx: Transaction<Tables>,
  { person: said, personId, sessionId }: Signed & { readonly kind: 'proved' },
  wanted: SignedWanted,
): Promise<Spoken | HoldfastError> {
  const { now } = wanted;
  const person = await trx
    .selectFrom('holdfast.people')
    .select(['name', 'roles', 'owner_until'])
    .where('id', '=', personId)
    .where('removed_at', 'is', null)
    .where('confirmed_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst();
  if (person === undefined) return nobody(said);
  if (!isAllowed(person, wanted)) return noRole(person.name, person.roles);
  const session = await trx
    .selectFrom('holdfast.sessions')
    .select(['method', 'proved_at'])
    .where('id', '=', sessionId)
    .where('person_id', '=', personId)
    .where('closed_at', 'is', null)
    .where('expires_at', '>', now)
    .forUpdate()
    .executeTakeFirst();
  if (session === undefined || !isProof(session, now)) return proofTooOld();
  const { method } = session;
  return {
    name: person.name,
    facts: { personId, method: 'session', session: sessionId, provedBy: method },
  };
}

/** By a passkey or a code, and not too long ago; nor in a time to come. */
function isProof(
  { method, proved_at: at }: { readonly method: string; readonly proved_at: Date },
  now: Date,
): boolean {
  const ageMs = now.getTime() - at.getTime();
  return (method === 'passkey' || method === 'totp') && ageMs >= 0 && ageMs <= PROVED_MS_MAX;
}
