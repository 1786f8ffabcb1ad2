/** Rows of holds and signatures to records and back. What comes out of jsonb is checked again. */
import type { Insertable, Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { HOLD_STATES, type HoldRecord, type NewHold } from '../approvals/hold.ts';
import { EFFECT_KINDS } from '../model/effect.ts';
import type { Signature } from '../policy/judge.ts';
import type { HoldsTable, Tables } from './tables.ts';

const OBJECT_TYPES = [
  'table',
  'column',
  'index',
  'view',
  'sequence',
  'function',
  'schema',
  'database',
  'role',
  'type',
  'setting',
  'large-object',
  'other',
] as const;

const EFFECTS = z.array(
  z.object({
    kind: z.enum(EFFECT_KINDS),
    verb: z.string(),
    object: z
      .object({ type: z.enum(OBJECT_TYPES), schema: z.string().nullable(), name: z.string() })
      .nullable(),
    reach: z.enum(['none', 'rows', 'whole', 'cascade', 'unknown']),
    additive: z.boolean(),
    why: z.string().nullable(),
  }),
);
const STATE = z.enum(HOLD_STATES);

export function rowOfHold(hold: NewHold): Insertable<HoldsTable> {
  const { card } = hold;
  return {
    id: hold.id,
    digest: card.digest,
    state: 'waiting',
    people_needed: hold.peopleNeeded,
    rule: storable(card.rule),
    reason: storable(card.reason),
    statement: storable(card.statement),
    effects: JSON.stringify(card.effects, (_, value: unknown) =>
      typeof value === 'string' ? storable(value) : value,
    ),
    effects_total: card.effectsTotal,
    could_not_tell: card.couldNotTell === null ? null : storable(card.couldNotTell),
    target: storable(card.target),
    environment: storable(card.environment),
    environment_level: card.environmentLevel,
    resolved_by: storable(card.resolvedBy),
    agent_id: card.agentId,
    agent_name: card.agentName,
    token_id: card.tokenId,
    session_id: card.sessionId,
    source: storable(card.source),
    client: storable(card.client),
    opened_at: hold.openedAt,
    expires_at: hold.expiresAt,
  };
}

export function holdOfRow(
  row: Selectable<HoldsTable>,
  signatures: readonly Signature[],
): HoldRecord {
  return {
    id: row.id,
    card: {
      digest: row.digest,
      statement: row.statement,
      effects: EFFECTS.parse(row.effects),
      effectsTotal: row.effects_total,
      couldNotTell: row.could_not_tell,
      target: row.target,
      environment: row.environment,
      environmentLevel: row.environment_level,
      resolvedBy: row.resolved_by,
      rule: row.rule,
      reason: row.reason,
      agentId: row.agent_id,
      agentName: row.agent_name,
      tokenId: row.token_id,
      sessionId: row.session_id,
      source: row.source,
      client: row.client,
    },
    state: STATE.parse(row.state),
    peopleNeeded: row.people_needed,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    signatures,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    note: row.note,
  };
}

/**
 * Signatures of people who still count, by hold. That each was given for the hold's digest is the
 * foreign key's doing.
 */
export async function signaturesOf(
  db: Kysely<Tables>,
  holdIds: readonly string[],
): Promise<ReadonlyMap<string, readonly Signature[]>> {
  const byHold = new Map<string, Signature[]>();
  if (holdIds.length === 0) return byHold;
  const rows = await db
    .selectFrom('holdfast.signatures as s')
    .innerJoin('holdfast.people as p', 'p.id', 's.person_id')
    .select(['s.hold_id', 's.person_id', 's.person_name', 's.signed_at'])
    .where('s.hold_id', 'in', holdIds)
    .where('p.removed_at', 'is', null)
    .orderBy('s.signed_at')
    .orderBy('s.person_id')
    .execute();
  for (const row of rows) {
    const signature: Signature = {
      personId: row.person_id,
      personName: row.person_name,
      method: 'totp',
      at: row.signed_at,
    };
    byHold.set(row.hold_id, [...(byHold.get(row.hold_id) ?? []), signature]);
  }
  return byHold;
}

/** PostgreSQL's text holds neither NUL nor half a surrogate pair; the digest covers the original. */
export function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\u2400');
}
