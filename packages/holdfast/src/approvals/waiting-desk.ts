/**
 * The desk: finds or opens the hold of an intent, waits a bounded time for people, and lets an
 * approval pass exactly once.
 *
 * Order of a submit: find, or look up the facts of the card and open (one atomic step of the store) ->
 * what people are asked about must still be so, else the hold is void and a new one opens -> listen for
 * news, look again, wait until decided or the time is up -> once signed, the release: no freeze, rows within
 * their band, the binding made anew out of what is about to run, every proof verified for it, only people
 * who still count, and on `sealed` not the agent's owner alone -> the one who uses it up counts them once more.
 *
 * It will not: decide anything, shorten a wait that people need, or let a lost notice cost more than
 * one poll.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import type { Intent } from '../model/intent.ts';
import {
  CARD_FACTS_MARGIN_MS,
  CARD_FACTS_MS_MAX,
  CARD_FACTS_TURN_MS_MAX,
  HOLD_LIFE_MS_DEFAULT,
  HOLD_TURNS_MAX,
} from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import type { Signature } from '../policy/judge.ts';
import { APPROVAL_DOMAIN, approvalHash, bindingOf } from './binding.ts';
import { cardOf, tidyFacts, withFacts, withoutFacts } from './card.ts';
import type { CardFacts, FactFinder } from './card-facts.ts';
import { changesOf, isUntold, rowsChange, untoldChange } from './changes.ts';
import type { Desk, HoldTicket, Standing, Voided } from './desk.ts';
import { type Freezes, NO_FREEZES } from './freeze.ts';
import { type HoldCard, type HoldRecord, isOwnerAlone, peopleMissing, stateAt } from './hold.ts';
import type { Approval, HoldNews, HoldStore } from './hold-store.ts';
import { HOLD_WORDS } from './holds.ts';
import { expiredEvent } from './peoples-desk.ts';

export interface WaitingDeskParts {
  readonly store: HoldStore;
  readonly news: HoldNews;
  readonly clock: Clock;
  readonly note: Note;
  /** Of the policy in force at this moment. */
  readonly policyVersion: () => string;
  /** How long a hold in an environment stays open; HOLD_LIFE_MS_DEFAULT when left out. */
  readonly holdLifeMsOf?: (environment: string) => number;
  /** Looks up what the card says; without it the card says nothing of rows. */
  readonly facts?: FactFinder;
  readonly freezes?: Freezes;
  /** The id of the person who answers for an agent; null: nobody. */
  readonly ownerOf?: (agentId: string) => string | null;
}

interface Asked {
  readonly intent: Intent;
  readonly target: Target;
  readonly verdict: Hold;
  readonly takingBack: TakingBack;
}

interface Looked {
  readonly facts: CardFacts | null;
  /** Somebody looks these up, and nothing came of it in time. */
  readonly isLate: boolean;
}

const NOT_IN_TIME: Looked = { facts: null, isLate: true };

/** What a release came to. */
type Release =
  | {
      readonly kind: 'released';
      readonly signatures: readonly Signature[];
      readonly approval: Approval;
    }
  | { readonly kind: 'changed'; readonly changes: readonly string[] }
  | { readonly kind: 'owner-alone' };

export class WaitingDesk implements Desk {
  readonly #parts: WaitingDeskParts;

  constructor(parts: WaitingDeskParts) {
    this.#parts = parts;
  }

  async submit(
    intent: Intent,
    target: Target,
    verdict: Hold,
    waitMs: number,
    takingBack: TakingBack,
  ): Promise<Standing> {
    const asked: Asked = { intent, target, verdict, takingBack };
    let mayWaitMs = waitMs;
    let voided: Voided | null = null;
    for (let turn = 0; turn < HOLD_TURNS_MAX; turn += 1) {
      const now = this.#cardNow(asked);
      const hold = await this.#standing(asked, now);
      const state = stateAt(hold, this.#parts.clock.now());
      if (state === 'denied') {
        const { decidedBy, note } = hold;
        return {
          kind: 'denied',
          ticket: ticketOf(hold, null),
          by: decidedBy ?? '',
          note: note ?? '',
        };
      }
      const changes = changesOf(hold, now, verdict.people);
      if (changes.length > 0) {
        voided = await this.#annul(hold, changes);
      } else if (state === 'waiting') {
        if (mayWaitMs <= 0) return { kind: 'waiting', ticket: ticketOf(hold, null), voided };
        await this.#wait(hold, mayWaitMs);
        mayWaitMs = 0;
      } else if (state === 'signed') {
        const release = await this.#release(hold, asked, now);
        switch (release.kind) {
          case 'released': {
            const { approval, signatures } = release;
            const ticket = ticketOf(hold, approval);
            return { kind: 'signed', ticket, signatures, shown: hold.card.takingBack };
          }
          case 'owner-alone': {
            const ticket = ticketOf(hold, null);
            const peopleNeeded = Math.max(ticket.peopleNeeded, ticket.peopleSigned + 1);
            return { kind: 'waiting', ticket: { ...ticket, peopleNeeded }, voided };
          }
          case 'changed':
            voided = await this.#annul(hold, release.changes);
            break;
          default:
            return release satisfies never;
        }
      }
    }
    throw new HoldfastError('HF_STORE_UNAVAILABLE', {
      expected: 'to find or open the hold',
      found: `it changed hands ${HOLD_TURNS_MAX} times meanwhile`,
      hint: 'Try again.',
    });
  }

  async consume({ approval, id }: HoldTicket): Promise<boolean> {
    if (approval === null) return false;
    return await this.#parts.store.consume(id, approval, this.#parts.clock.now());
  }

  async annul({ id }: HoldTicket, changes: readonly string[]): Promise<void> {
    const { clock, note, store } = this.#parts;
    const hold = await store.annul(id, changes.join('; '), clock.now());
    if (hold !== null) await note(voidedEvent(hold, changes));
  }

  async #annul(hold: HoldRecord, changes: readonly string[]): Promise<Voided> {
    await this.annul(ticketOf(hold, null), changes);
    return { id: hold.id, changes };
  }

  /** Found, or opened with what can be looked up for its card. */
  async #standing(asked: Asked, fresh: HoldCard): Promise<HoldRecord> {
    const { clock, holdLifeMsOf, note, store } = this.#parts;
    const standing = await store.standing(fresh.digest, clock.now());
    for (const old of standing.expired) await note(expiredEvent(old, HOLD_WORDS));
    if (standing.hold !== null) return standing.hold;
    const looked = await this.#find(asked);
    const card = looked.isLate
      ? withoutFacts(fresh, clock.now().toISOString())
      : withFacts(fresh, looked.facts);
    const now = clock.now();
    const lifeMs = holdLifeMsOf?.(card.environment) ?? HOLD_LIFE_MS_DEFAULT;
    const { hold, isNew, expired } = await store.findOrOpen(
      {
        id: newId('hold', clock),
        card,
        peopleNeeded: Math.max(1, asked.verdict.people),
        openedAt: now,
        expiresAt: new Date(now.getTime() + lifeMs),
        // Signed in its last moment, it lives once more as long.
        approvalUntil: new Date(now.getTime() + 2 * lifeMs),
      },
      now,
    );
    for (const old of expired) await note(expiredEvent(old, HOLD_WORDS));
    if (isNew) await note(openedEvent(hold));
    return hold;
  }

  #cardNow({ intent, takingBack, target, verdict }: Asked): HoldCard {
    const { ownerOf, policyVersion } = this.#parts;
    const ownerId = ownerOf?.(intent.actor.id) ?? null;
    const extras = { ownerId, policyVersion: policyVersion() };
    return cardOf(intent, target, verdict, takingBack, extras);
  }

  /** The finder bounds itself. One that fails, is late or says what is no fact knows nothing. */
  async #find({ intent, target }: Asked): Promise<Looked> {
    const { facts } = this.#parts;
    if (facts === undefined) return { facts: null, isLate: false };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((done) => {
      const msMax = CARD_FACTS_TURN_MS_MAX + CARD_FACTS_MS_MAX + CARD_FACTS_MARGIN_MS;
      timer = setTimeout(() => done('late'), msMax);
    });
    try {
      const found = await Promise.race([facts.find(intent, target), late]);
      if (found === 'late') return NOT_IN_TIME;
      return { facts: found === null ? null : tidyOrNone(found), isLate: false };
    } catch {
      return NOT_IN_TIME;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Everything that an approval hangs on, looked at now. */
  async #release(hold: HoldRecord, asked: Asked, now: HoldCard): Promise<Release> {
    const { freezes = NO_FREEZES, store } = this.#parts;
    const { intent, target } = asked;
    const frozen = freezes.reasonFor(target, intent.actor.id);
    if (frozen !== null) return { kind: 'changed', changes: [`it is frozen: ${frozen}`] };
    const rows = await this.#rowsChange(hold, asked);
    if (rows !== null) return { kind: 'changed', changes: [rows] };
    const challenge = approvalHash({ ...hold, card: released(hold.card, now) });
    const signatures = await store.proven(hold.id, challenge);
    if (signatures.length < hold.peopleNeeded) {
      const found = `${signatures.length} of ${hold.peopleNeeded} signatures are proven for what would run`;
      return { kind: 'changed', changes: [found] };
    }
    if (isOwnerAlone(hold.card, signatures) || isOwnerAlone(now, signatures)) {
      return { kind: 'owner-alone' };
    }
    const personIds = signatures.map(({ personId }) => personId);
    return { kind: 'released', signatures, approval: { challenge, personIds } };
  }

  /**
   * Asked twice when it cannot be told: people have signed, and one slow answer should not undo that. What
   * could not be told in time when they were asked is asked once more: a large number is theirs to see.
   */
  async #rowsChange({ card }: HoldRecord, asked: Asked): Promise<string | null> {
    if (card.rowsAtMost === null) {
      return isUntold(card) ? untoldChange((await this.#find(asked)).facts) : null;
    }
    const first = await this.#find(asked);
    const again = first.facts === null || first.facts.rows === null;
    return rowsChange(card.rowsAtMost, (again ? await this.#find(asked) : first).facts);
  }

  /** The hold as it is when decided, gone, or when the time is up. Never rejects. */
  #wait(hold: HoldRecord, waitMs: number): Promise<HoldRecord> {
    const { clock, news, store } = this.#parts;
    return new Promise((done) => {
      let latest = hold;
      let isLooking = false;
      let lookAgain = false;
      const finish = (): void => {
        leave();
        clearTimeout(timer);
        done(latest);
      };
      const look = async (): Promise<void> => {
        lookAgain = isLooking;
        if (isLooking) return;
        isLooking = true;
        // A store that is away is asked again at the next news; the time limit holds regardless.
        latest = (await store.get(hold.id).catch(() => null)) ?? latest;
        isLooking = false;
        if (stateAt(latest, clock.now()) !== 'waiting') finish();
        else if (lookAgain) await look();
      };
      const timer = setTimeout(finish, waitMs);
      const leave = news.on((holdId) => {
        if (holdId === null || holdId === hold.id) void look();
      });
      void look();
    });
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

function openedEvent(hold: HoldRecord): HoldfastEvent {
  const { card } = hold;
  return {
    kind: 'hold-opened',
    facts: {
      hold: hold.id,
      digest: card.digest,
      agent: card.agentName,
      session: card.sessionId,
      target: card.target,
      environment: card.environment,
      rule: card.rule,
      people: hold.peopleNeeded,
      expires: hold.expiresAt.toISOString(),
      policy: card.policyVersion,
      rowsAtMost: card.rowsAtMost,
      binding: bindingOf(hold, APPROVAL_DOMAIN),
    },
    message: `${hold.id} was opened for ${card.agentName} on ${card.target}: ${card.reason}`,
  };
}

function voidedEvent({ card, id }: HoldRecord, changes: readonly string[]): HoldfastEvent {
  const words = changes.join('; ');
  return {
    kind: 'hold-voided',
    facts: {
      hold: id,
      digest: card.digest,
      agent: card.agentName,
      target: card.target,
      changed: words,
    },
    message: `${id} of ${card.agentName} counts no more: ${words}.`,
  };
}

function ticketOf(hold: HoldRecord, approval: Approval | null): HoldTicket {
  const peopleSigned = hold.signatures.length;
  return {
    id: hold.id,
    digest: hold.card.digest,
    expiresAt: hold.expiresAt,
    peopleNeeded: peopleSigned + peopleMissing(hold),
    peopleSigned,
    approval,
  };
}
