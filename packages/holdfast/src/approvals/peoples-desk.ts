/**
 * What people do with what waits for them: list, look, approve, deny. Approving and denying both
 * want a one-time code, so that the name under a decision is the person's; there is no other way to
 * say yes. The same for what agents ask (`holds.ts`) and for what people propose (`proposals.ts`).
 */
import type { Clock } from '../model/clock.ts';
import { type ErrorCode, HoldfastError } from '../model/errors.ts';
import type { EventKind, HoldfastEvent, Note } from '../model/event.ts';
import { HOLD_LIFE_MS_DEFAULT, HOLD_LIST_MAX } from '../model/limits.ts';
import { type Card, type HoldRecord, type HoldState, stateAt } from './hold.ts';
import type { HoldStore, PersonWord, WordTaken } from './hold-store.ts';
import type { PageWish } from './list-page.ts';

export interface PeoplesDeskParts<C extends Card> {
  readonly store: HoldStore<C>;
  readonly clock: Clock;
  readonly note: Note;
  /**
   * How long an approval in an environment lives from its last signature; HOLD_LIFE_MS_DEFAULT when
   * left out.
   */
  readonly holdLifeMsOf?: (environment: string) => number;
}

/** How one kind of it is called, in errors and in the trail. */
export interface DeskWords<C extends Card> {
  /** `hold`, also the name of the fact that carries its id; the command is its plural. */
  readonly noun: string;
  readonly unknown: ErrorCode;
  readonly notOpen: ErrorCode;
  readonly signed: EventKind;
  readonly denied: EventKind;
  readonly expired: EventKind;
  readonly factsOf: (card: C) => Readonly<Record<string, string>>;
  /** What to do when it was denied, and when it is over otherwise. */
  readonly afterDenial: string;
  readonly afterEnd: string;
}

export class PeoplesDesk<C extends Card> {
  readonly #parts: PeoplesDeskParts<C>;
  readonly #words: DeskWords<C>;

  constructor(parts: PeoplesDeskParts<C>, words: DeskWords<C>) {
    this.#parts = parts;
    this.#words = words;
  }

  /** Newest first, at most HOLD_LIST_MAX. `open`: waiting or signed. */
  async list(which: 'open' | 'all'): Promise<readonly HoldRecord<C>[]> {
    const now = this.#parts.clock.now();
    const holds = await this.#parts.store.list(which, now, HOLD_LIST_MAX);
    return holds.map((hold) => asOf(hold, now));
  }

  /** Newest first, page by page. */
  async page(wish: PageWish<HoldState>): Promise<readonly HoldRecord<C>[]> {
    const now = this.#parts.clock.now();
    const holds = await this.#parts.store.page(wish, now);
    return holds.map((hold) => asOf(hold, now));
  }

  /** `unknown` for an id that is none. */
  async show(id: string): Promise<HoldRecord<C>> {
    const hold = await this.#parts.store.get(id);
    if (hold === null) throw this.#unknown(id);
    return asOf(hold, this.#parts.clock.now());
  }

  /**
   * Signs. What comes back is `signed` when enough people have. Signing twice counts once.
   * HF_TOTP_WRONG, HF_NOT_FOUND (person), `unknown`, `notOpen` (decided, expired, or not the digest
   * that was shown).
   */
  async approve(word: PersonWord): Promise<HoldRecord<C>> {
    const { clock, store, note } = this.#parts;
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + (await this.#lifeMs(word.holdId)));
    const taken = await store.sign(word, now, expiresAt);
    const hold = this.#holdOf(taken, word);
    if (taken.kind === 'taken' && !taken.wasThere) {
      const count = `${hold.signatures.length} of ${hold.peopleNeeded}`;
      const facts = this.#factsOf(hold, word.person);
      await note({
        kind: this.#words.signed,
        facts: { ...facts, signed: count, complete: hold.state === 'signed' },
        message: `${word.person} signed ${hold.id} (${count}).`,
      });
    }
    return hold;
  }

  /** By the environment of the hold; whether there is such a hold, `sign` will say. */
  async #lifeMs(holdId: string): Promise<number> {
    const { holdLifeMsOf, store } = this.#parts;
    const hold = holdLifeMsOf === undefined ? null : await store.get(holdId);
    return hold === null || holdLifeMsOf === undefined
      ? HOLD_LIFE_MS_DEFAULT
      : holdLifeMsOf(hold.card.environment);
  }

  /** Denies for ever: this digest is refused at every later try. Errors as `approve`. */
  async deny(word: PersonWord & { readonly note: string }): Promise<HoldRecord<C>> {
    const { clock, store, note } = this.#parts;
    const hold = this.#holdOf(await store.deny(word, word.note, clock.now()), word);
    await note({
      kind: this.#words.denied,
      facts: { ...this.#factsOf(hold, word.person), note: word.note },
      message: `${word.person} denied ${hold.id}.`,
    });
    return hold;
  }

  /** Writes down what has run out. Call it at a steady pace; of many processes, one notes each. */
  async sweep(): Promise<number> {
    const expired = await this.#parts.store.expireDue(this.#parts.clock.now());
    for (const hold of expired) await this.#parts.note(expiredEvent(hold, this.#words));
    return expired.length;
  }

  #factsOf({ id, card }: HoldRecord<C>, person: string): Record<string, string> {
    const { noun, factsOf } = this.#words;
    return { [noun]: id, digest: card.digest, person, method: 'totp', ...factsOf(card) };
  }

  #holdOf(taken: WordTaken<C>, word: PersonWord): HoldRecord<C> {
    const { noun, notOpen, afterDenial, afterEnd } = this.#words;
    switch (taken.kind) {
      case 'taken':
        return taken.hold;
      case 'unknown-hold':
        throw this.#unknown(word.holdId);
      case 'not-open':
        throw new HoldfastError(notOpen, {
          expected: `${word.holdId} to be open`,
          found: `it is ${taken.hold.state}`,
          hint: taken.hold.state === 'denied' ? afterDenial : afterEnd,
        });
      case 'other-digest':
        throw new HoldfastError(notOpen, {
          expected: `${word.holdId} to have the digest that was shown (${word.digestShown}…)`,
          found: `${taken.hold.card.digest.slice(0, 16)}…`,
          hint: `Look at it again with \`holdfast ${noun}s show\` before you sign.`,
        });
      default:
        return taken satisfies never;
    }
  }

  #unknown(id: string): HoldfastError {
    const { noun, unknown } = this.#words;
    return new HoldfastError(unknown, {
      expected: `the id of a ${noun}`,
      found: `no ${noun} ${id}`,
      hint: `See \`holdfast ${noun}s list\`.`,
    });
  }
}

function asOf<C extends Card>(hold: HoldRecord<C>, now: Date): HoldRecord<C> {
  return { ...hold, state: stateAt(hold, now) };
}

export function expiredEvent<C extends Card>(
  hold: HoldRecord<C>,
  words: Pick<DeskWords<C>, 'noun' | 'expired'>,
): HoldfastEvent {
  return {
    kind: words.expired,
    facts: { [words.noun]: hold.id, digest: hold.card.digest, target: hold.card.target },
    message: `${hold.id} expired with ${hold.signatures.length} of ${hold.peopleNeeded} signatures.`,
  };
}
