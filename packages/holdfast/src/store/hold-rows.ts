/** Rows of holds and signatures to records and back. What comes out of jsonb is checked again. */
import { type Insertable, type RawBuilder, type Selectable, sql } from 'kysely';
import { z } from 'zod';
import { EFFECT, TAKING_BACK } from '../approvals/card-shape.ts';
import {
  type Card,
  HOLD_STATES,
  type HoldCard,
  type HoldRecord,
  type HoldSignature,
  type NewHold,
} from '../approvals/hold.ts';
import { ACT_KINDS, type ProposalCard } from '../approvals/proposed-act.ts';
import { HoldfastError } from '../model/errors.ts';
import { storable } from '../model/text.ts';
import { DEPENDENT_WHATS } from '../model/touched.ts';
import type { HoldsTable } from './tables.ts';

export const EFFECTS = z.array(EFFECT);
const MEASURED = z.object({ value: z.number(), how: z.enum(['exact', 'estimate']) }).nullable();
export const CARD_FACTS = z.object({
  lookedUpAt: z.string(),
  rows: MEASURED,
  objects: z.array(
    z.object({ name: z.string(), type: z.string(), rows: MEASURED, bytes: MEASURED }),
  ),
  objectsTotal: z.number(),
  dependents: z.array(
    z.object({ name: z.string(), type: z.string(), what: z.enum(DEPENDENT_WHATS) }),
  ),
  dependentsTotal: z.number(),
  recoveryLost: z.array(z.string()),
  notTold: z.array(z.string()),
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
  | 'task'
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
    task: card.task === null ? null : storable(card.task),
  }),
  cardOf: (card, row) => ({
    ...card,
    agentId: present(row.agent_id),
    agentName: present(row.agent_name),
    tokenId: present(row.token_id),
    sessionId: present(row.session_id),
    source: present(row.source),
    client: present(row.client),
    task: row.task,
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
    taking_back: card.takingBack === null ? null : jsonOf(card.takingBack),
    policy_version: card.policyVersion,
    effects_hash: card.effectsHash,
    facts: card.facts === null ? null : jsonOf(card.facts),
    rows_at_most: card.rowsAtMost === null ? null : BigInt(card.rowsAtMost),
    typed_name: card.typedName === null ? null : storable(card.typedName),
    owner_id: card.ownerId,
    ...rows.columnsOf(card),
    opened_at: hold.openedAt,
    expires_at: hold.expiresAt,
    approval_until: hold.approvalUntil,
  };
}

export function holdOfRow<C extends Card>(
  rows: CardRows<C>,
  row: Selectable<HoldsTable>,
  signatures: readonly HoldSignature[],
): HoldRecord<C> {
  return { ...newHoldOfRow(rows, row), ...endOfRow(row), signatures };
}

/** What of a row is signed; all that its signatures are held against. */
export function newHoldOfRow<C extends Card>(
  rows: CardRows<C>,
  row: Selectable<HoldsTable>,
): NewHold<C> {
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
    takingBack: TAKING_BACK.nullable().parse(row.taking_back),
    policyVersion: row.policy_version,
    effectsHash: row.effects_hash,
    facts: CARD_FACTS.nullable().parse(row.facts),
    rowsAtMost: row.rows_at_most === null ? null : Number(row.rows_at_most),
    typedName: row.typed_name,
    ownerId: row.owner_id,
  };
  return {
    id: row.id,
    card: rows.cardOf(card, row),
    peopleNeeded: row.people_needed,
    openedAt: row.opened_at,
    expiresAt: row.expires_at,
    approvalUntil: row.approval_until,
  };
}

function endOfRow(
  row: Selectable<HoldsTable>,
): Pick<HoldRecord<Card>, 'state' | 'decidedAt' | 'decidedBy' | 'note' | 'outcome'> {
  return {
    state: STATE.parse(row.state),
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

/** jsonb can hold no more than text can. */
export function jsonOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'string' ? storable(inner) : inner,
  );
}
