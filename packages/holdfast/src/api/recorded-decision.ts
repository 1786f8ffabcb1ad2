/** A decision of the trail as policy can judge it again: what it says was read then, checked. */
import { z } from 'zod';
import { EFFECT } from '../approvals/card-shape.ts';
import { VERDICT_ORDER } from '../model/verdict.ts';
import type { RecordedDecision } from '../policy/backtest.ts';
import { entryFields } from '../trail/entry-facts.ts';

/** As trail/entry.ts writes it (docs/trail-format.md). */
const DECISION = z.object({
  time: z.iso.datetime(),
  actor: z.object({ id: z.string(), name: z.string(), token: z.string() }),
  target: z.object({ name: z.string() }),
  text: z.object({ start: z.string() }),
  verdict: z.object({ kind: z.enum(VERDICT_ORDER) }),
  effectCount: z.number(),
  effects: z.array(EFFECT),
  fault: z
    .object({
      code: z.enum([
        'syntax-error',
        'too-large',
        'too-complex',
        'timeout',
        'nul-byte',
        'invalid-utf8',
        'unknown-statement',
        'ambiguous',
        'unknown-prepared-statement',
        'lexing-setting',
        'off-limits',
        'reader-failed',
      ]),
      message: z.string(),
      position: z.number().nullable(),
    })
    .nullable(),
});

/** Null: it is no decision as this version knows them. */
export function recordedDecision(index: bigint, bytes: Buffer): RecordedDecision | null {
  const parsed = DECISION.safeParse(entryFields(bytes.toString('utf8')));
  if (!parsed.success) return null;
  const { actor, effectCount, effects, fault, target, text, time, verdict } = parsed.data;
  const isWhole = effects.length === effectCount;
  return {
    index: Number(index),
    at: new Date(time),
    agent: { id: actor.id, name: actor.name, tokenId: actor.token },
    target: target.name,
    text: text.start,
    verdict: verdict.kind,
    reading: !isWhole
      ? null
      : fault === null
        ? { kind: 'understood', effects }
        : { kind: 'could-not-tell', effects, reason: fault },
    why: isWhole ? '' : 'it did more than an entry lists',
  };
}
