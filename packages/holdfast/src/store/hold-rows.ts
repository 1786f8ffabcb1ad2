/** Rows of holds and signatures to records and back. What comes out of jsonb is checked again. */
import { type Insertable, type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import { z } from 'zod';
import {
  type Card,
  HOLD_STATES,
  type HoldCard,
  type HoldRecord,
  type NewHold,
} from '../approvals/hold.ts';
import { ACT_KINDS, type ProposalCard } from '../approvals/proposed-act.ts';
import { EFFECT_KINDS, OBJECT_TYPES } from '../model/effect.ts';
import { HoldfastError } from '../model/errors.ts';
import { PROTECTION_LEVELS, TAKEN_BACK_BY } from '../model/reversal.ts';
import type { Signature } from '../policy/judge.ts';
import type { HoldsTable, Tables } from './tables.ts';

export const EFFECTS = z.array(
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
export const TAKING_BACK = z.object({
  level: z.enum(PROTECTION_LEVELS),
  reversal: z.enum(TAKEN_BACK_BY),
  reason: z.string(),
});
const STATE = z.enum(HOLD_STATES);

const OUTCOME = z.enum(['done', 'failed']);

/** What is whose in the table: rows of agents and rows of people differ in their card only. */
export interface CardRows<C extends Card> {
  /** True for our rows. */
  readonly own: RawBuilder<boolean>;
  readonly columnsOf: (card: C) => AskedBy;
  readonly cardOf: (card: Card, row: Selectable<HoldsTable>) => C;
}

type AskedBy = Pick<
  Insertable<HoldsTable>,
  | 'agent_id'
  | 'agent_name'
  | 'token_id'
  | 'session_id'
  | 'source'
  | 'client'
  | 'taking_back'
  | 'act_kind'
  | 'act'
>;

export const HOLD_ROWS: CardRows<HoldCard> = {
  own: sql<boolean>`act_kind is null`,
  columnsOf: (card) => ({
    agent_id: card.agentId,
    agent_name: card.agentName,
    token_id: card.tokenId,
    session_id: card.sessionId,
    source: storable(card.source),
    client: storable(card.client),
    taking_back: card.takingBack === null ? null : jsonOf(card.takingBack),
  }),
  cardOf: (card, row) => ({
    ...card,
    agentId: present(row.agent_id),
    agentName: present(row.agent_name),
    tokenId: present(row.token_id),
    sessionId: present(row.session_id),
    source: present(row.source),
    client: present(row.client),
    takingBack: TAKING_BACK.nullable().parse(row.taking_back),
  }),
};

export const PROPOSAL_ROWS: CardRows<ProposalCard> = {
  own: sql<boolean>`act_kind is not null`,
  columnsOf: (card) => ({ act_kind: card.actKind, act: card.act }),
  cardOf: (card, row) => ({
    ...card,
    actKind: z.enum(ACT_KINDS).parse(row.act_kind),
    act: present(row.act),
  }),
};

export function rowOfHold<C extends Card>(
  rows: CardRows<C>,
  hold: NewHold<C>,
): Insertable<HoldsTable> {
  const { card } = hold;
  return {
    id: hold.id,
    digest: card.digest,
    state: 'waiting',
    people_needed: hold.peopleNeeded,
    rule: storable(card.rule),
    reason: storable(card.reason),
    statement: storable(card.statement),
    effects: jsonOf(card.effects),
    effects_total: card.effectsTotal,
    could_not_tell: card.couldNotTell === null ? null : storable(card.couldNotTell),
    target: storable(card.target),
    environment: storable(card.environment),
    environment_level: card.environmentLevel,
    resolved_by: storable(card.resolvedBy),
    ...rows.columnsOf(card),
    opened_at: hold.openedAt,
    expires_at: hold.expiresAt,
  };
}

export function holdOfRow<C extends Card>(
  rows: CardRows<C>,
  row: Selectable<HoldsTable>,
  signatures: readonly Signature[],
): HoldRecord<C> {
  const card: Card = {
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
  };
  return {
    id: row.id,
    card: rows.cardOf(card, row),
    state: STATE.parse(row.state),
    peopleNeeded: row.people_needed,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    signatures,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    note: row.note,
    outcome:
      row.outcome === null
        ? null
        : { kind: OUTCOME.parse(row.outcome), note: row.outcome_note ?? '' },
  };
}

/** The schema's own check says that it is there. */
function present(value: string | null): string {
  if (value !== null) return value;
  throw new HoldfastError('HF_INTERNAL', {
    expected: 'who asks for a hold to be in its row',
    found: 'null',
    hint: 'Report this; the row was changed by hand.',
  });
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

/** jsonb can hold no more than text can. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? storable(inner) : inner,
  );
}

/** PostgreSQL's text holds neither NUL nor half a surrogate pair; the digest covers the original. */
export function storable(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8').replaceAll('\0', '\u2400');
}
