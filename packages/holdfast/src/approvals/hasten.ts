/**
 * Shortening a grace: what waits runs at the next look instead of after 48 hours. Never by one
 * person, and policy, target and people are asked again all the same when it runs.
 */
import { z } from 'zod';
import { HoldfastError } from '../model/errors.ts';
import { ENVIRONMENT_LEVELS, type Target } from '../model/target.ts';
import type { DeferralRecord } from './deferral.ts';
import type { DeferralStore } from './deferral-store.ts';
import type { GraceClock } from './grace-clock.ts';
import type { ActRunner } from './proposals.ts';
import type { ProposedAct } from './proposed-act.ts';

const FACTS = z.object({ deferral: z.string(), digest: z.string() });

/** HF_DEFERRAL_STATE when it does not wait any more. */
export function hastenAct({ card, id, state }: DeferralRecord): ProposedAct {
  if (state !== 'scheduled') throw notWaiting(id, `it is ${state}`);
  const target: Target = {
    name: card.target,
    environment: {
      name: card.environment,
      level: z.enum(ENVIRONMENT_LEVELS).parse(card.environmentLevel),
    },
    protocol: 'postgres',
    resolvedBy: card.resolvedBy,
  };
  return {
    kind: 'hasten',
    target,
    facts: { deferral: id, digest: card.digest },
    words: `Run ${id} of ${card.agentName} now instead of after its grace:\n${card.statement}`,
    reason: 'It has no reversal, and the grace is the time in which somebody can say stop.',
  };
}

export function hastenRunner(store: DeferralStore, graceClock: GraceClock): ActRunner {
  return async (act) => {
    const { deferral, digest } = FACTS.parse(act.facts);
    if (!(await store.hasten(deferral, digest, await graceClock.tickMs()))) {
      throw notWaiting(deferral, 'that it is cancelled, over, or another one');
    }
    return `${deferral} is due now.`;
  };
}

function notWaiting(id: string, found: string): HoldfastError {
  return new HoldfastError('HF_DEFERRAL_STATE', {
    expected: `${id} to be scheduled`,
    found,
    hint: 'See `holdfast deferrals show`.',
  });
}
