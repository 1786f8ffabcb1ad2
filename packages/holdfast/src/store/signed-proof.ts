/**
 * Who speaks for an act that one person may do alone, proven under the row locks of the caller's transaction: a
 * one-time code is spent; or a session is looked at, that it is open, theirs and proved of late, and its person,
 * that they are here still and may. Nothing that the caller believes of a session counts. Errors are given and
 * not thrown: the caller's transaction must commit, or failed codes would not be counted.
 */
import type { Transaction } from 'kysely';
import { isTooOld, proofTooOld } from '../identity/proof-age.ts';
import { HoldfastError } from '../model/errors.ts';
import type { RowMacs } from '../model/row-macs.ts';
import type { Signed, Spoken } from '../model/signed.ts';
import type { Database } from './database.ts';
import { type PermissionWanted, spendIfAllowed, whoMay } from './person-allowed.ts';
import type { PersonChecks } from './person-proof.ts';
import { sessionFacts } from './row-facts.ts';
import type { Tables } from './tables.ts';

/** HF_TOTP_WRONG, HF_NOT_FOUND; without a code HF_SIGN_IN, HF_FORBIDDEN. */
export async function signedOrRefuse(
  trx: Transaction<Tables>,
  signed: Signed,
  wanted: PermissionWanted,
  { judgeCode, prover }: PersonChecks,
): Promise<Spoken | HoldfastError> {
  if (signed.kind === 'proved') return await bySession(trx, prover.rows, signed, wanted);
  const id = await spendIfAllowed(trx, prover.rows, signed, wanted, judgeCode);
  if (id instanceof HoldfastError) return id;
  return { name: signed.person, facts: { method: 'totp' } };
}

/** As `signedOrRefuse`, in a transaction of its own; rejects with what it gives. A code is spent, right or wrong. */
export async function proveSigned(
  database: Database,
  signed: Signed,
  wanted: PermissionWanted,
  checks: PersonChecks,
): Promise<Spoken> {
  const by = await database.transaction((trx) => signedOrRefuse(trx, signed, wanted, checks));
  if (by instanceof HoldfastError) throw by;
  return by;
}

async function bySession(
  trx: Transaction<Tables>,
  rows: RowMacs,
  { person: said, personId, sessionId }: Signed & { readonly kind: 'proved' },
  wanted: PermissionWanted,
): Promise<Spoken | HoldfastError> {
  const { now } = wanted;
  const person = await whoMay(trx, rows, personId, said, wanted);
  if (person instanceof HoldfastError) return person;
  const session = await trx
    .selectFrom('holdfast.sessions')
    .selectAll()
    .where('id', '=', sessionId)
    .where('person_id', '=', personId)
    .where('closed_at', 'is', null)
    .where('expires_at', '>', now)
    .forUpdate()
    .executeTakeFirst();
  const isOurs =
    session !== undefined && rows.fits('session', session.id, sessionFacts(session), session.mac);
  if (!isOurs || !isProof(session, now)) return proofTooOld();
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
  return (method === 'passkey' || method === 'totp') && at <= now && !isTooOld(at, now);
}
