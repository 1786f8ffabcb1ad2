/**
 * Signatures at rest, and who still counts. A row is a signature only when its MAC is ours over exactly this
 * hold, this challenge and this person; others, whoever wrote them, are not even shown. `provenOf` is for
 * the release: there a passkey's assertion is verified again with the key that was enrolled.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import type { HoldSignature } from '../approvals/hold.ts';
import type { Speaker } from '../approvals/hold-store.ts';
import { type Prover, proofText } from '../approvals/proofs.ts';
import { DECIDING_ROLES } from '../identity/roles.ts';
import type { Assertion } from '../model/assertion.ts';
import { BREAK_GLASS_MS } from '../model/limits.ts';
import { storable } from '../model/text.ts';
import type { Signature } from '../policy/judge.ts';
import { jsonOf } from './hold-rows.ts';
import { isJoinedPersonOurs, PERSON_COLUMNS } from './row-facts.ts';
import type { Tables } from './tables.ts';

const PROOF = z.object({
  mac: z.string(),
  assertion: z
    .object({
      id: z.string(),
      response: z.object({
        clientDataJSON: z.string(),
        authenticatorData: z.string(),
        signature: z.string(),
      }),
    })
    .nullable(),
});
const METHOD = z.enum(['totp', 'passkey']);

/**
 * A hold, and what a signature on it must be for: the challenge in lower-case hex. Asked for only where
 * there are signatures: of a list of holds most have none, and it hashes the whole card.
 */
export interface SignedHold {
  readonly id: string;
  readonly challenge: () => string;
}

interface WholeSignature {
  readonly holdId: string;
  readonly signature: HoldSignature;
  readonly assertion: Assertion | null;
}

/**
 * Signatures `s` of people `p` that are there, and whose roles let them decide; or made them owners by
 * break-glass when they signed. Whether there shall be such an owner anybody may say.
 */
export const STILL_COUNTS: RawBuilder<boolean> = sql<boolean>`(
  p.removed_at is null and (
    p.roles && ${sql.val([...DECIDING_ROLES])}::text[]
    or (s.signed_at < p.owner_until
      and s.signed_at >= p.owner_until - ${sql.val(BREAK_GLASS_MS)} * interval '1 millisecond')
    or exists (
      select from holdfast.holds b where b.id = s.hold_id and b.act_kind = 'break-glass')))`;

/** By hold, oldest first. */
export async function signaturesOf(
  db: Kysely<Tables>,
  holds: readonly SignedHold[],
  prover: Prover,
): Promise<ReadonlyMap<string, readonly HoldSignature[]>> {
  const byHold = new Map<string, HoldSignature[]>();
  for (const { holdId, signature } of await wholeOf(db, holds, prover)) {
    byHold.set(holdId, [...(byHold.get(holdId) ?? []), signature]);
  }
  return byHold;
}

/** Each proof verified now. */
export async function provenOf(
  db: Kysely<Tables>,
  hold: SignedHold,
  prover: Prover,
): Promise<readonly Signature[]> {
  const proven: Signature[] = [];
  for (const { assertion, signature } of await wholeOf(db, [hold], prover)) {
    const { at, method, personId, personName } = signature;
    const isProven =
      method === 'totp' ||
      (assertion !== null && (await isVerified(db, { assertion, personId }, hold, prover)));
    if (isProven) proven.push({ at, method, personId, personName });
  }
  return proven;
}

async function isVerified(
  db: Kysely<Tables>,
  { assertion, personId }: { readonly assertion: Assertion; readonly personId: string },
  { challenge }: SignedHold,
  prover: Prover,
): Promise<boolean> {
  const passkey = await passkeyOf(db, assertion.id, personId, prover);
  if (passkey === null) return false;
  const key = { id: assertion.id, publicKey: passkey.publicKey };
  const verdict = await prover.verify(assertion, Buffer.from(challenge(), 'hex'), key);
  return verdict.kind === 'right';
}

/** As it was enrolled by us for this person, and neither removed nor suspended since. */
export async function passkeyOf(
  db: Kysely<Tables>,
  credentialId: string,
  personId: string,
  prover: Prover,
): Promise<{ readonly publicKey: Buffer; readonly counter: bigint } | null> {
  const row = await db
    .selectFrom('holdfast.passkeys')
    .select(['public_key', 'counter', 'rp_id', 'mac'])
    .where('credential_id', '=', credentialId)
    .where('person_id', '=', personId)
    .where('removed_at', 'is', null)
    .where('suspended_at', 'is', null)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { counter, mac, public_key: publicKey, rp_id: rpId } = row;
  return prover.isPasskey({ credentialId, personId, publicKey, rpId }, mac)
    ? { publicKey, counter }
    : null;
}

async function wholeOf(
  db: Kysely<Tables>,
  holds: readonly SignedHold[],
  prover: Prover,
): Promise<readonly WholeSignature[]> {
  if (holds.length === 0) return [];
  const known = new Map<string, string>();
  const challengeOf = (id: string): string | undefined => {
    const challenge = known.get(id) ?? holds.find((hold) => hold.id === id)?.challenge();
    if (challenge !== undefined) known.set(id, challenge);
    return challenge;
  };
  const rows = await db
    .selectFrom('holdfast.signatures as s')
    .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
    .select(['s.hold_id', 's.person_id', 's.person_name', 's.signed_at', 's.method'])
    .select(['s.binding', 's.proof', 's.comment'])
    .select(PERSON_COLUMNS)
    .where(
      's.hold_id',
      'in',
      holds.map(({ id }) => id),
    )
    .where(STILL_COUNTS)
    .orderBy('s.signed_at')
    .orderBy('s.person_id')
    .execute();
  return rows.flatMap((row): WholeSignature[] => {
    if (!isJoinedPersonOurs(prover.rows, row)) return [];
    const proof = PROOF.safeParse(row.proof);
    const method = METHOD.safeParse(row.method);
    const challenge = challengeOf(row.hold_id);
    if (!proof.success || !method.success || row.binding !== challenge) return [];
    const { assertion } = proof.data;
    if (!isSigned(row, prover)) return [];
    const signature: HoldSignature = {
      personId: row.person_id,
      personName: row.person_name,
      method: method.data,
      at: row.signed_at,
      comment: row.comment,
    };
    return [{ holdId: row.hold_id, signature, assertion }];
  });
}

/**
 * Who signed these, whether or not it still counts: by hold, oldest first, each by the name that their own row
 * has. For what people are told of the past.
 */
export async function signersOf(
  db: Kysely<Tables>,
  holdIds: readonly string[],
  prover: Prover,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = new Map<string, string[]>();
  if (holdIds.length === 0) return names;
  const rows = await db
    .selectFrom('holdfast.signatures as s')
    .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
    .select(['s.hold_id', 's.person_id', 's.signed_at', 's.method'])
    .select(['s.binding', 's.proof', 's.comment'])
    .select(PERSON_COLUMNS)
    .where('s.hold_id', 'in', holdIds)
    .orderBy('s.signed_at')
    .orderBy('s.person_id')
    .execute();
  for (const row of rows) {
    if (!isJoinedPersonOurs(prover.rows, row) || !isSigned(row, prover)) continue;
    names.set(row.hold_id, [...(names.get(row.hold_id) ?? []), row.p_name]);
  }
  return names;
}

interface SignatureRow {
  readonly hold_id: string;
  readonly person_id: string;
  readonly signed_at: Date;
  readonly method: string;
  readonly binding: string | null;
  readonly proof: unknown;
  readonly comment: string;
}

/** By us, for this hold and person, over the challenge that the row names: which one that must be is not asked. */
function isSigned(row: SignatureRow, prover: Prover): boolean {
  const proof = PROOF.safeParse(row.proof);
  const method = METHOD.safeParse(row.method);
  if (!proof.success || !method.success || row.binding === null) return false;
  const { assertion, mac } = proof.data;
  const text = proofText({
    challenge: row.binding,
    holdId: row.hold_id,
    personId: row.person_id,
    method: method.data,
    at: row.signed_at,
    comment: row.comment,
    assertion,
  });
  return prover.isMac(text, mac);
}

/** The proof of a signature, or of a denial, as it is kept. */
export function proofJson(
  { assertion, challenge, id, method }: Speaker,
  holdId: string,
  at: Date,
  comment: string,
  prover: Prover,
): string {
  const kept = storable(comment);
  const text = proofText({ challenge, holdId, personId: id, method, at, comment: kept, assertion });
  return jsonOf({ mac: prover.mac(text), assertion });
}
