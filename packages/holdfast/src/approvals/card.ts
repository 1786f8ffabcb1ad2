/** Makes the card of a hold, or of a deferral, out of what is known when it opens. */
import { digestOf } from '../model/digest.ts';
import type { Effect } from '../model/effect.ts';
import type { Intent } from '../model/intent.ts';
import { ENTRY_TEXT_CHARS_MAX, HOLD_EFFECTS_MAX } from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import { startOf } from '../model/text.ts';
import type { Verdict } from '../model/verdict.ts';
import type { HoldCard } from './hold.ts';

export function cardOf(
  intent: Intent,
  target: Target,
  verdict: Verdict,
  takingBack: TakingBack | null,
): HoldCard {
  const { actor, reading, session } = intent;
  return {
    digest: digestOf(intent, target),
    statement: startOf(intent.text(), ENTRY_TEXT_CHARS_MAX),
    effects: worstFirst(reading.effects).slice(0, HOLD_EFFECTS_MAX),
    effectsTotal: reading.effects.length,
    couldNotTell: reading.kind === 'could-not-tell' ? reading.reason.message : null,
    target: target.name,
    environment: target.environment.name,
    environmentLevel: target.environment.level,
    resolvedBy: target.resolvedBy,
    rule: verdict.rule,
    reason: verdict.reason,
    agentId: actor.id,
    agentName: actor.name,
    tokenId: actor.tokenId,
    sessionId: session.id,
    source: session.source,
    client: session.client,
    takingBack,
  };
}

/** So that a long run of harmless statements cannot push the one that matters off the card. */
function worstFirst(effects: readonly Effect[]): readonly Effect[] {
  const order = ['destroy', 'unknown', 'execute', 'grant', 'reshape', 'write', 'read'];
  return effects.toSorted((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
}
