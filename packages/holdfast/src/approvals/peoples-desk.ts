/**
 * What people do with what waits for them: list, look, approve, deny. Approving and denying both
 * want a passkey's assertion or a one-time code, so that the name under a decision is the person's; there
 * is no other way to say yes. What they sign is the binding (binding.ts); the entry of a signature holds what
 * it takes to verify it again. The same for what agents ask (`holds.ts`) and for what people propose (`proposals.ts`).
 */
import type { Clock } from '../model/clock.ts';
import { type ErrorCode, HoldfastError } from '../model/errors.ts';
import type { EventKind, HoldfastEvent, Note } from '../model/event.ts';
import { COMMENT_CHARS_MAX, HOLD_LIFE_MS_DEFAULT, HOLD_LIST_MAX } from '../model/limits.ts';
import { cut } from '../model/text.ts';
import { APPROVAL_DOMAIN, approvalHash, bindingOf, challengeOf, DENIAL_DOMAIN } from './binding.ts';
import { digestWords } from './digest-words.ts';
import {
  type Card,
  HOLD_STATES,
  type HoldRecord,
  type HoldState,
  OPEN_HOLD_STATES,
  peopleMissing,
  stateAt,
} from './hold.ts';
import type { HoldStore, PersonWord, Speaker, WordTaken } from './hold-store.ts';
import type { PageWish } from './list-page.ts';
import { partsOf } from './proofs.ts';

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
    return await this.page({
      states: which === 'open' ? OPEN_HOLD_STATES : HOLD_STATES,
      agent: null,
      target: null,
      after: null,
      limit: HOLD_LIST_MAX,
    });
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
   * HF_TOTP_WRONG, HF_PASSKEY, HF_FORBIDDEN (role), HF_NOT_FOUND (person), HF_TYPED_NAME, `unknown`,
   * `notOpen` (decided, expired, void, or not the digest that was shown).
   */
  async approve(word: PersonWord): Promise<HoldRecord<C>> {
    const { clock, store, note } = this.#parts;
    requireShort(word.comment ?? '');
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + (await this.#lifeMs(word.holdId)));
    const taken = await store.sign(word, now, expiresAt);
    const { hold, speaker, wasThere } = this.#takenOf(taken, word);
    if (!wasThere) {
      const count = `${hold.signatures.length} of ${hold.signatures.length + peopleMissing(hold)}`;
      const facts = this.#factsOf(hold, speaker);
      await note({
        kind: this.#words.signed,
        facts: {
          ...facts,
          comment: word.comment ?? '',
          signed: count,
          complete: hold.state === 'signed',
        },
        message: `${speaker.name} signed ${hold.id} (${count}).`,
      });
    }
    return hold;
  }

  /**
   * What a passkey is asked to sign, 32 bytes, and the words of the yes. Made out of the row; where the act
   * is released it is made anew, and must be the same. `unknown` for an id that is none.
   */
  async challenges(id: string): Promise<Challenges> {
    const hold = await this.show(id);
    const bindings = {
      approve: bindingOf(hold, APPROVAL_DOMAIN),
      deny: bindingOf(hold, DENIAL_DOMAIN),
    };
    return {
      approve: challengeOf(bindings.approve),
      deny: challengeOf(bindings.deny),
      bindings,
      words: wordsOf(hold),
    };
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
    requireShort(word.note);
    const taken = await store.deny(word, word.note, clock.now());
    const { hold, speaker } = this.#takenOf(taken, word);
    await note({
      kind: this.#words.denied,
      facts: { ...this.#factsOf(hold, speaker), note: word.note },
      message: `${speaker.name} denied ${hold.id}.`,
    });
    return hold;
  }

  /** Writes down what has run out. Call it at a steady pace; of many processes, one notes each. */
  async sweep(): Promise<number> {
    const expired = await this.#parts.store.expireDue(this.#parts.clock.now());
    for (const hold of expired) await this.#parts.note(expiredEvent(hold, this.#words));
    return expired.length;
  }

  #factsOf({ id, card }: HoldRecord<C>, speaker: Speaker): Record<string, string> {
    const { noun, factsOf } = this.#words;
    const { assertion, challenge, id: personId, method, name: person } = speaker;
    return {
      [noun]: id,
      digest: card.digest,
      person,
      personId,
      method,
      challenge,
      ...(assertion === null ? {} : { credential: assertion.id, ...partsOf(assertion) }),
      ...factsOf(card),
    };
  }

  #takenOf(taken: WordTaken<C>, word: PersonWord): WordTaken<C> & { readonly kind: 'taken' } {
    const { noun, notOpen, afterDenial, afterEnd } = this.#words;
    switch (taken.kind) {
      case 'taken':
        return taken;
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
          expected: `${word.holdId} to have the digest or the words that were shown (${word.digestShown})`,
          found: `${taken.hold.card.digest.slice(0, 16)}…, ${wordsOf(taken.hold)}`,
          hint: `Look at it again with \`holdfast ${noun}s show\` before you sign.`,
        });
      case 'other-name':
        throw new HoldfastError('HF_TYPED_NAME', {
          expected: `the name of what goes for good: ${taken.hold.card.typedName ?? ''}`,
          found: word.typedName === undefined ? 'none' : `"${cut(word.typedName, 100)}"`,
          hint: `Nothing takes it back. Type the name (--name) if that is what you mean.`,
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

/** So that all of it is in the entry, and a card stays a card. */
function requireShort(said: string): void {
  if (said.length <= COMMENT_CHARS_MAX) return;
  throw new HoldfastError('HF_LIMIT', {
    expected: `at most ${COMMENT_CHARS_MAX} characters of comment`,
    found: String(said.length),
    hint: 'Say it shorter, and link to the rest.',
  });
}

export interface Challenges {
  readonly approve: Buffer;
  readonly deny: Buffer;
  /** The texts whose SHA-256 they are. */
  readonly bindings: { readonly approve: string; readonly deny: string };
  /** Six words of the binding of the yes, to compare by eye or ear. */
  readonly words: string;
}

/** Of the binding of the yes. */
export function wordsOf<C extends Card>(hold: HoldRecord<C>): string {
  return digestWords(approvalHash(hold));
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
