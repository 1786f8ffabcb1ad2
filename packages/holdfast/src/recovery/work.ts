/**
 * A piece of work on a target's recovery, as a person or the schedule orders it, and what came of it as
 * plain data: the same whether it was done here or by the gateway.
 */
import { z } from 'zod';
import { DRILL_FIELD } from './drills/drill-shape.ts';
import { WORK_KINDS, type WorkKind } from './due-work.ts';
import type { Tell } from './engines/engine.ts';
import type { BlastRadiusProof } from './proof.ts';
import { CONTROL_SHAPE } from './proof-shape.ts';
import { storedBytes } from './recovery-point.ts';
import { isSmall, type TargetKeeper } from './target-keeper.ts';

export const ORDER_SHAPE = z.object({
  id: z.string().regex(/^[0-9a-f]{16}$/),
  kind: z.enum(WORK_KINDS),
  target: z.string(),
  /** Null: each of its vaults, one after the other. */
  vault: z.string().nullable(),
  /** Of a drill; null: the newest. */
  point: z.string().nullable(),
  goal: z.enum(['witness', 'random']),
});
export type WorkOrder = z.output<typeof ORDER_SHAPE>;

const proofWords = z.object({
  verdict: z.enum(['PROVEN', 'REFUTED', 'UNKNOWN']),
  why: z.string(),
  isOutside: z.boolean(),
  sameAs: z.array(z.string()),
  sameBlastRadius: z.array(z.string()),
  control: CONTROL_SHAPE.nullable(),
  credentials: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      verdict: z.string(),
      why: z.string(),
      acts: z.array(z.object({ words: z.string(), outcome: z.string(), answer: z.string() })),
    }),
  ),
});
export type ProofWords = z.output<typeof proofWords>;

export const RESULT_SHAPE = z.object({
  vault: z.string(),
  point: z.object({ id: z.string(), endedAt: z.string(), bytes: z.number() }).nullable(),
  drill: DRILL_FIELD,
  proof: proofWords.nullable(),
  /** Why the drill or the proof does not lie in the vault; it is in the trail all the same. */
  notKept: z.string().nullable().default(null),
});
export type WorkResult = z.output<typeof RESULT_SHAPE>;

/** Only by what was asked for: where that is not there, nothing went well. */
export function isWell(kind: WorkKind, results: readonly WorkResult[]): boolean {
  return (
    results.length > 0 &&
    results.every(({ drill, point, proof }) => {
      switch (kind) {
        case 'backup':
          return point !== null && (drill === null || drill.verdict === 'passed');
        case 'drill':
          return drill?.verdict === 'passed';
        case 'prove':
          return proof?.verdict === 'PROVEN';
        default:
          return kind satisfies never;
      }
    })
  );
}

/** A backup of a small database is drilled at once, where the private key is. Rejects as the work does. */
export async function runWork(
  keeper: TargetKeeper,
  order: Omit<WorkOrder, 'id' | 'target'>,
  tell: Tell,
  signal: AbortSignal,
): Promise<readonly WorkResult[]> {
  const results: WorkResult[] = [];
  for (const vault of order.vault === null ? keeper.vaults : [order.vault]) {
    const nothing = { vault, point: null, drill: null, proof: null, notKept: null };
    switch (order.kind) {
      case 'backup': {
        const point = await keeper.backup(vault, tell, signal);
        const bytes = storedBytes(point);
        const drill =
          isSmall(point) && keeper.canDrill
            ? await keeper.drill(vault, point.id, 'witness', tell, signal)
            : null;
        const { endedAt, id } = point;
        const notKept = drill === null ? null : keeper.notKept(vault);
        results.push({ ...nothing, point: { id, endedAt, bytes }, drill, notKept });
        break;
      }
      case 'drill': {
        const drill = await keeper.drill(vault, order.point, order.goal, tell, signal);
        results.push({ ...nothing, drill, notKept: keeper.notKept(vault) });
        break;
      }
      case 'prove': {
        const { proof } = await keeper.prove(vault, signal);
        results.push({ ...nothing, proof: wordsOf(proof), notKept: keeper.notKept(vault) });
        break;
      }
      default:
        return order.kind satisfies never;
    }
  }
  return results;
}

function wordsOf(proof: BlastRadiusProof): ProofWords {
  const { control, credentials, isOutside, sameAs, sameBlastRadius, verdict, why } = proof;
  return {
    ...{ verdict, why, isOutside, control },
    sameAs: [...sameAs],
    sameBlastRadius: [...sameBlastRadius],
    credentials: credentials.map(({ acts, kind, name, ...said }) => ({
      ...{ name, kind, verdict: said.verdict, why: said.why },
      acts: acts.map(({ answer, outcome, words }) => ({ words, outcome, answer })),
    })),
  };
}
