/** Rows of deferrals to records and back. What comes out of jsonb is checked again. */
import type { Insertable, Selectable } from 'kysely';
import { z } from 'zod';
import { TAKING_BACK } from '../approvals/card-shape.ts';
import {
  DEFERRAL_STATES,
  type DeferralLine,
  type DeferralRecord,
  type NewDeferral,
} from '../approvals/deferral.ts';
import type { HoldCard } from '../approvals/hold.ts';
import type { BoundHold } from '../approvals/release.ts';
import { runnableOf } from '../approvals/runnable.ts';
import { storable } from '../model/text.ts';
import type { Signature } from '../policy/judge.ts';
import { CARD_FACTS, EFFECTS, jsonOf } from './hold-rows.ts';
import type { DeferralsTable } from './tables.ts';

const CARD: z.ZodType<HoldCard, unknown> = z.object({
  digest: z.string(),
  statement: z.string(),
  effects: EFFECTS,
  effectsTotal: z.number(),
  couldNotTell: z.string().nullable(),
  target: z.string(),
  environment: z.string(),
  environmentLevel: z.string(),
  resolvedBy: z.string(),
  rule: z.string(),
  reason: z.string(),
  agentId: z.string(),
  agentName: z.string(),
  tokenId: z.string(),
  sessionId: z.string(),
  source: z.string(),
  client: z.string(),
  // Deferred before there were such facts, it has none.
  takingBack: TAKING_BACK.nullable().default(null),
  policyVersion: z.string().nullable().default(null),
  effectsHash: z.string().nullable().default(null),
  facts: CARD_FACTS.nullable().default(null),
  rowsAtMost: z.number().nullable().default(null),
  typedName: z.string().nullable().default(null),
  ownerId: z.string().nullable().default(null),
  task: z.string().nullable().default(null),
});
const STATE = z.enum(DEFERRAL_STATES);

/** All but what may be long. */
export const LINE_COLUMNS = [
  'id',
  'digest',
  'state',
  'hold_id',
  'card',
  'search_path',
  'scheduled_at',
  'due_tick_ms',
  'decided_at',
  'decided_by',
  'note',
] as const;

type LineRow = Pick<Selectable<DeferralsTable>, (typeof LINE_COLUMNS)[number]>;

export function rowOfDeferral(deferral: NewDeferral): Insertable<DeferralsTable> {
  return {
    id: deferral.id,
    digest: deferral.card.digest,
    state: 'scheduled',
    hold_id: deferral.holdId,
    card: jsonOf(deferral.card),
    acts: [...deferral.acts],
    search_path: deferral.searchPath.map(storable),
    scheduled_at: deferral.scheduledAt,
    due_tick_ms: deferral.dueTickMs,
  };
}

export function lineOfRow(row: LineRow): DeferralLine {
  return {
    id: row.id,
    // The column is what the schema's index guards; the copy on the card is for people.
    card: { ...CARD.parse(row.card), digest: row.digest },
    state: STATE.parse(row.state),
    holdId: row.hold_id,
    searchPath: row.search_path,
    scheduledAt: row.scheduled_at,
    dueTickMs: row.due_tick_ms,
    decidedAt: row.decided_at,
    decidedBy: row.decided_by,
    note: row.note,
  };
}

export function deferralOfRow(
  row: Selectable<DeferralsTable>,
  signatures: readonly Signature[],
  signed: BoundHold | null,
): DeferralRecord {
  const runnable = runnableOf(row.acts) ?? {
    statement: Buffer.alloc(0),
    parameters: [],
    request: null,
  };
  return { ...lineOfRow(row), ...runnable, acts: row.acts, signatures, signed };
}
