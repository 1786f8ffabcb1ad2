/**
 * What was signed, and is it still so? The one place that answers it, for all who ask: a hold that is to be
 * released, what has waited on the wire, a deferral whose grace is over. In this order:
 *
 *   nothing is frozen, once something can be (`freeze.ts`; nothing can yet) -> what would run is what was shown
 *     (`changes.ts`) -> what it touches, looked up now, is no more than what was signed -> the binding made anew out
 *     of what is about to run, each proof verified for it, only people who still count -> on `sealed` not the agent's
 *     owner alone
 *
 * It will not: decide whether policy wants it, look at less for one than for the other, or take for granted what
 * was known when people signed and cannot be told now.
 */
import type { Intent } from '../model/intent.ts';
import {
  CARD_FACTS_MARGIN_MS,
  CARD_FACTS_MS_MAX,
  CARD_FACTS_TURN_MS_MAX,
} from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import type { Signature } from '../policy/judge.ts';
import { approvalHash } from './binding.ts';
import { cardOf, tidyFacts } from './card.ts';
import type { CardFacts, FactFinder } from './card-facts.ts';
import { changesOf, factsChanges, isAllTold, isUntold, untoldChange } from './changes.ts';
import { type Freezes, NO_FREEZES } from './freeze.ts';
import { type HoldCard, isOwnerAlone, type NewHold, ownerAloneWords } from './hold.ts';
import type { Approval, HoldStore } from './hold-store.ts';

export interface ReleaseParts {
  readonly store: Pick<HoldStore, 'proven'>;
  /** Looks up what the card says; without it the card says nothing of rows. */
  readonly facts?: FactFinder;
  /** Left out, as the gateway does while freezes are not built: nothing is asked. */
  readonly freezes?: Freezes;
  /** The id of the person who answers for an agent; null: nobody. */
  readonly ownerOf?: (agentId: string) => string | null;
}

/** What would run now. */
export interface Asked {
  readonly intent: Intent;
  readonly target: Target;
  readonly verdict: Pick<Hold, 'rule' | 'reason' | 'people'>;
  readonly takingBack: TakingBack;
  /** It is a deferral whose grace is over. */
  readonly isDue?: true;
}

/** What a look-up came to. */
export interface Looked {
  readonly facts: CardFacts | null;
  /** Somebody looks these up, and nothing came of it in time. */
  readonly isLate: boolean;
}

const LATE: Looked = { facts: null, isLate: true };

export type Released =
  | {
      readonly kind: 'released';
      readonly signatures: readonly Signature[];
      readonly approval: Approval;
    }
  /** One sentence each. */
  | {
      readonly kind: 'changed';
      readonly changes: readonly string[];
      /** Not all of it could be looked up, so it may be that nothing has changed. */
      readonly isUntold?: true;
    }
  | { readonly kind: 'owner-alone'; readonly why: string };

/** The hold that people signed, as far as it is compared. */
export type BoundHold = Pick<NewHold<HoldCard>, 'id' | 'card' | 'peopleNeeded' | 'approvalUntil'>;

export class Releases {
  readonly #parts: ReleaseParts;

  constructor(parts: ReleaseParts) {
    this.#parts = parts;
  }

  /** As it would be made now, without facts. */
  cardNow({ intent, takingBack, target, verdict }: Asked, policyVersion: string | null): HoldCard {
    const ownerId = this.#parts.ownerOf?.(intent.actor.id) ?? null;
    return cardOf(intent, target, { kind: 'hold', ...verdict }, takingBack, {
      ownerId,
      policyVersion,
    });
  }

  /** The finder bounds itself. One that fails, is late or says what is no fact knows nothing. */
  async find({
    intent,
    isDue,
    target,
  }: Pick<Asked, 'intent' | 'isDue' | 'target'>): Promise<Looked> {
    const { facts } = this.#parts;
    if (facts === undefined) return { facts: null, isLate: false };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((done) => {
      const msMax = CARD_FACTS_TURN_MS_MAX + CARD_FACTS_MS_MAX + CARD_FACTS_MARGIN_MS;
      timer = setTimeout(() => done('late'), msMax);
    });
    try {
      const found = await Promise.race([facts.find(intent, target, isDue), late]);
      if (found === 'late') return LATE;
      return { facts: found === null ? null : tidyOrNone(found), isLate: false };
    } catch {
      return LATE;
    } finally {
      clearTimeout(timer);
    }
  }

  /** `now`: `cardNow` of `asked`. */
  async look(signed: BoundHold, asked: Asked, now: HoldCard): Promise<Released> {
    const { freezes = NO_FREEZES, store } = this.#parts;
    const { intent, target, verdict } = asked;
    const frozen = freezes.reasonFor(target, intent.actor.id);
    if (frozen !== null) return { kind: 'changed', changes: [`it is frozen: ${frozen}`] };
    const changes = changesOf(signed, now, verdict.people);
    if (changes.length > 0) return { kind: 'changed', changes };
    const touched = await this.#factsChanges(signed.card, asked);
    if (touched.changes.length > 0) return { kind: 'changed', ...touched };
    const challenge = approvalHash({ ...signed, card: released(signed.card, now) });
    const signatures = await store.proven(signed.id, challenge);
    if (signatures.length < signed.peopleNeeded) {
      const found = `${signatures.length} of ${signed.peopleNeeded} signatures are proven for what would run`;
      return { kind: 'changed', changes: [found] };
    }
    for (const card of [signed.card, now]) {
      if (isOwnerAlone(card, signatures))
        return { kind: 'owner-alone', why: ownerAloneWords(card) };
    }
    const personIds = signatures.map(({ personId }) => personId);
    return { kind: 'released', signatures, approval: { challenge, personIds } };
  }

  /**
   * Asked twice when it cannot be told: people have signed, and one slow answer should not undo that. What
   * could not be told in time when they were asked is looked at too: a large number is theirs to see.
   */
  async #factsChanges(
    card: HoldCard,
    asked: Asked,
  ): Promise<{ readonly changes: readonly string[]; readonly isUntold?: true }> {
    if (card.facts === null && card.rowsAtMost === null) return { changes: [] };
    const first = await this.find(asked);
    const { facts } = isAllTold(card, first.facts) ? first : await this.find(asked);
    const untold = isUntold(card) ? untoldChange(card, facts) : null;
    const changes = factsChanges(card, facts);
    const isTold = facts !== null && isAllTold(card, facts);
    return {
      changes: untold === null ? changes : [untold, ...changes],
      ...(isTold ? {} : { isUntold: true }),
    };
  }
}

function tidyOrNone(found: CardFacts): CardFacts | null {
  try {
    return tidyFacts(found);
  } catch {
    return null;
  }
}

/** The card that was signed, with all that is exact as it is now; what may only get better stays as signed. */
function released(signed: HoldCard, now: HoldCard): HoldCard {
  const { digest, effectsHash, environment, environmentLevel, policyVersion, statement, target } =
    now;
  const exact = { digest, effectsHash, environment, environmentLevel, policyVersion, target };
  return { ...signed, ...exact, statement };
}
