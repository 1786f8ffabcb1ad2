/**
 * The desk: finds or opens the hold of an intent, waits a bounded time for people, and lets an
 * approval pass exactly once.
 *
 * Order of a submit: find, or look up the facts of the card and open (one atomic step of the store) ->
 * what people are asked about must still be so, else the hold is void and a new one opens -> listen for
 * news, look again, wait until decided or the time is up, and where decided ask what would run then -> once signed, the
 * release (`release.ts`) -> the one who uses it up counts the people once more.
 *
 * It will not: decide anything, shorten a wait that people need, or let a lost notice cost more than
 * one poll.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import type { Intent } from '../model/intent.ts';
import { HOLD_LIFE_MS_DEFAULT, HOLD_TURNS_MAX } from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import { APPROVAL_DOMAIN, bindingOf } from './binding.ts';
import { withFacts, withoutFacts } from './card.ts';
import { changesOf } from './changes.ts';
import type { AfterWait, Desk, HoldTicket, Standing, Voided } from './desk.ts';
import {
  type HoldCard,
  type HoldRecord,
  isOwnerAlone,
  ownerAloneWords,
  peopleMissing,
  stateAt,
} from './hold.ts';
import type { Approval, HoldNews, HoldStore } from './hold-store.ts';
import { HOLD_WORDS } from './holds.ts';
import { expiredEvent } from './peoples-desk.ts';
import { type Asked, type ReleaseParts, Releases } from './release.ts';

export interface WaitingDeskParts extends ReleaseParts {
  readonly store: HoldStore;
  readonly news: HoldNews;
  readonly clock: Clock;
  readonly note: Note;
  /** Of the policy in force at this moment. */
  readonly policyVersion: () => string;
  /** How long a hold in an environment stays open; HOLD_LIFE_MS_DEFAULT when left out. */
  readonly holdLifeMsOf?: (environment: string) => number;
}

export class WaitingDesk implements Desk {
  readonly #parts: WaitingDeskParts;
  readonly #releases: Releases;

  constructor(parts: WaitingDeskParts) {
    this.#parts = parts;
    this.#releases = new Releases(parts);
  }

  async submit(
    intent: Intent,
    target: Target,
    verdict: Hold,
    waitMs: number,
    takingBack: TakingBack,
    again: (() => Promise<AfterWait>) | null = null,
  ): Promise<Standing> {
    let asked: Asked = { intent, target, verdict, takingBack };
    let mayWaitMs = waitMs;
    let voided: Voided | null = null;
    for (let turn = 0; turn < HOLD_TURNS_MAX; turn += 1) {
      const now = this.#releases.cardNow(asked, this.#parts.policyVersion());
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
      const changes = changesOf(hold, now, asked.verdict.people);
      if (changes.length > 0) {
        voided = await this.#annul(hold, changes);
      } else if (state === 'waiting') {
        if (mayWaitMs <= 0) return { kind: 'waiting', ticket: ticketOf(hold, null), voided };
        const latest = await this.#wait(hold, mayWaitMs);
        mayWaitMs = 0;
        const decided = stateAt(latest, this.#parts.clock.now());
        // Nobody has decided: nothing of it can pass, so nothing is looked at anew.
        if (decided === 'waiting') {
          return { kind: 'waiting', ticket: ticketOf(latest, null), voided };
        }
        // Whatever was known of it is as old as the wait.
        const after = (await again?.()) ?? null;
        if (after?.kind === 'asked') {
          asked = after.asked;
          voided = (await this.#annulOther(hold, asked)) ?? voided;
        } else if (after !== null && decided !== 'denied') {
          return { kind: 'lost', ticket: ticketOf(latest, null), why: after.why };
        }
      } else if (state === 'signed') {
        const release = await this.#releases.look(hold, asked, now);
        switch (release.kind) {
          case 'released': {
            const { approval, signatures } = release;
            const ticket = ticketOf(hold, approval);
            return { kind: 'signed', ticket, signatures, shown: hold.card.takingBack };
          }
          case 'owner-alone': {
            const ticket = ticketOf(hold, null);
            const peopleNeeded = Math.max(ticket.peopleNeeded, ticket.peopleSigned + 1);
            const alone = { alone: release.why };
            return { kind: 'waiting', ticket: { ...ticket, peopleNeeded, ...alone }, voided };
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

  /** What would run has another digest since it waited: its hold would never be found again. */
  async #annulOther(hold: HoldRecord, asked: Asked): Promise<Voided | null> {
    const now = this.#releases.cardNow(asked, this.#parts.policyVersion());
    if (now.digest === hold.card.digest) return null;
    return await this.#annul(hold, changesOf(hold, now, asked.verdict.people));
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
    const looked = await this.#releases.find(asked);
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
  const { card, signatures } = hold;
  const peopleSigned = signatures.length;
  return {
    ...(isOwnerAlone(card, signatures) ? { alone: ownerAloneWords(card) } : {}),
    id: hold.id,
    digest: card.digest,
    expiresAt: hold.expiresAt,
    peopleNeeded: peopleSigned + peopleMissing(hold),
    peopleSigned,
    approval,
  };
}
