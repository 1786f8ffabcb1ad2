/**
 * The desk: finds or opens the hold of an intent, waits a bounded time for people, and lets an
 * approval pass exactly once.
 *
 * Order of a submit: find or open (one atomic step of the store) -> listen for news -> look again,
 * since it may have been decided in between -> wait until decided or the time is up. Should the hold
 * be used up or run out while we wait, the same bytes need a new one, and that one is the answer.
 *
 * It will not: decide anything, shorten a wait that people need, or let a lost notice cost more than
 * one poll.
 */
import type { Clock } from '../model/clock.ts';
import type { HoldfastEvent, Note } from '../model/event.ts';
import { newId } from '../model/ids.ts';
import type { Intent } from '../model/intent.ts';
import { HOLD_LIFE_MS_DEFAULT } from '../model/limits.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Target } from '../model/target.ts';
import type { Hold } from '../model/verdict.ts';
import { cardOf } from './card.ts';
import type { Desk, HoldTicket, Standing } from './desk.ts';
import { type HoldCard, type HoldRecord, stateAt } from './hold.ts';
import type { HoldNews, HoldStore } from './hold-store.ts';
import { HOLD_WORDS } from './holds.ts';
import { expiredEvent } from './peoples-desk.ts';

export interface WaitingDeskParts {
  readonly store: HoldStore;
  readonly news: HoldNews;
  readonly clock: Clock;
  readonly note: Note;
  /** How long a hold in an environment stays open; HOLD_LIFE_MS_DEFAULT when left out. */
  readonly holdLifeMsOf?: (environment: string) => number;
}

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
    const card = cardOf(intent, target, verdict, takingBack);
    const hold = await this.#findOrOpen(card, verdict.people);
    const standing = this.#standingOf(hold);
    if (standing?.kind !== 'waiting' || waitMs <= 0) return standing ?? waiting(hold);
    const decided = await this.#wait(hold, waitMs);
    return this.#standingOf(decided) ?? waiting(await this.#findOrOpen(card, verdict.people));
  }

  consume(holdId: string): Promise<boolean> {
    return this.#parts.store.consume(holdId, this.#parts.clock.now());
  }

  async #findOrOpen(card: HoldCard, people: number): Promise<HoldRecord> {
    const { clock, store, note, holdLifeMsOf } = this.#parts;
    const now = clock.now();
    const holdLifeMs = holdLifeMsOf?.(card.environment) ?? HOLD_LIFE_MS_DEFAULT;
    const { hold, isNew, expired } = await store.findOrOpen(
      {
        id: newId('hold', clock),
        card,
        peopleNeeded: Math.max(1, people),
        openedAt: now,
        expiresAt: new Date(now.getTime() + holdLifeMs),
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

  /** Null when the hold no longer stands: used up, or out of time. */
  #standingOf(hold: HoldRecord): Standing | null {
    const ticket = ticketOf(hold);
    switch (stateAt(hold, this.#parts.clock.now())) {
      case 'waiting':
        return { kind: 'waiting', ticket };
      case 'signed':
        return {
          kind: 'signed',
          ticket,
          signatures: hold.signatures,
          shown: hold.card.takingBack,
        };
      case 'denied':
        return { kind: 'denied', ticket, by: hold.decidedBy ?? '', note: hold.note ?? '' };
      case 'consumed':
      case 'expired':
        return null;
    }
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
    },
    message: `${hold.id} was opened for ${card.agentName} on ${card.target}: ${card.reason}`,
  };
}

function waiting(hold: HoldRecord): Standing {
  return { kind: 'waiting', ticket: ticketOf(hold) };
}

function ticketOf(hold: HoldRecord): HoldTicket {
  return {
    id: hold.id,
    digest: hold.card.digest,
    expiresAt: hold.expiresAt,
    peopleNeeded: hold.peopleNeeded,
    peopleSigned: hold.signatures.length,
  };
}
