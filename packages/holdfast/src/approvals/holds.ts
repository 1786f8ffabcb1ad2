/**
 * What people do with holds: list, look, approve, deny. Approving and denying both want a one-time
 * code, so that the name under a decision is the person's; there is no other way to say yes.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import type { Note } from '../model/event.ts';
import { HOLD_LIFE_MS_DEFAULT, HOLD_LIST_MAX } from '../model/limits.ts';
import { type HoldRecord, stateAt } from './hold.ts';
import type { HoldStore, PersonWord, WordTaken } from './hold-store.ts';
import { expiredEvent } from './waiting-desk.ts';

export interface HoldsParts {
  readonly store: HoldStore;
  readonly clock: Clock;
  readonly note: Note;
  /**
   * How long an approval in an environment lives from its last signature; HOLD_LIFE_MS_DEFAULT when
   * left out.
   */
  readonly holdLifeMsOf?: (environment: string) => number;
}

export class Holds {
  readonly #parts: HoldsParts;

  constructor(parts: HoldsParts) {
    this.#parts = parts;
  }

  /** Newest first, at most HOLD_LIST_MAX. `open`: waiting or signed. */
  async list(which: 'open' | 'all'): Promise<readonly HoldRecord[]> {
    const now = this.#parts.clock.now();
    const holds = await this.#parts.store.list(which, now, HOLD_LIST_MAX);
    return holds.map((hold) => asOf(hold, now));
  }

  /** HF_HOLD_UNKNOWN for an id that is none. */
  async show(id: string): Promise<HoldRecord> {
    const hold = await this.#parts.store.get(id);
    if (hold === null) throw unknownHold(id);
    return asOf(hold, this.#parts.clock.now());
  }

  /**
   * Signs. The hold that comes back is `signed` when enough people have. Signing twice counts once.
   * HF_TOTP_WRONG, HF_NOT_FOUND (person), HF_HOLD_UNKNOWN, HF_HOLD_STATE (decided, expired, or not
   * the digest that was shown).
   */
  async approve(word: PersonWord): Promise<HoldRecord> {
    const { clock, store, note } = this.#parts;
    const now = clock.now();
    const expiresAt = new Date(now.getTime() + (await this.#lifeMs(word.holdId)));
    const taken = await store.sign(word, now, expiresAt);
    const hold = holdOf(taken, word);
    if (taken.kind === 'taken' && !taken.wasThere) {
      const count = `${hold.signatures.length} of ${hold.peopleNeeded}`;
      await note({
        kind: 'hold-signed',
        facts: { ...factsOf(hold, word.person), signed: count, complete: hold.state === 'signed' },
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
  async deny(word: PersonWord & { readonly note: string }): Promise<HoldRecord> {
    const { clock, store, note } = this.#parts;
    const hold = holdOf(await store.deny(word, word.note, clock.now()), word);
    await note({
      kind: 'hold-denied',
      facts: { ...factsOf(hold, word.person), note: word.note },
      message: `${word.person} denied ${hold.id}.`,
    });
    return hold;
  }

  /** Writes down what has run out. Call it at a steady pace; of many processes, one notes each. */
  async sweep(): Promise<number> {
    const expired = await this.#parts.store.expireDue(this.#parts.clock.now());
    for (const hold of expired) await this.#parts.note(expiredEvent(hold));
    return expired.length;
  }
}

function factsOf(hold: HoldRecord, person: string): Record<string, string> {
  return {
    hold: hold.id,
    digest: hold.card.digest,
    person,
    method: 'totp',
    agent: hold.card.agentName,
    target: hold.card.target,
  };
}

function asOf(hold: HoldRecord, now: Date): HoldRecord {
  return { ...hold, state: stateAt(hold, now) };
}

function holdOf(taken: WordTaken, word: PersonWord): HoldRecord {
  switch (taken.kind) {
    case 'taken':
      return taken.hold;
    case 'unknown-hold':
      throw unknownHold(word.holdId);
    case 'not-open':
      throw new HoldfastError('HF_HOLD_STATE', {
        expected: `${word.holdId} to be open`,
        found: `it is ${taken.hold.state}`,
        hint:
          taken.hold.state === 'denied'
            ? 'A denial stands for ever; a different statement opens a different hold.'
            : 'When the agent tries again, a new hold opens.',
      });
    case 'other-digest':
      throw new HoldfastError('HF_HOLD_STATE', {
        expected: `${word.holdId} to have the digest that was shown (${word.digestShown}…)`,
        found: `${taken.hold.card.digest.slice(0, 16)}…`,
        hint: 'Look at the hold again with `holdfast holds show` before you sign.',
      });
    default:
      return taken satisfies never;
  }
}

function unknownHold(id: string): HoldfastError {
  return new HoldfastError('HF_HOLD_UNKNOWN', {
    expected: 'the id of a hold',
    found: `no hold ${id}`,
    hint: 'See `holdfast holds list`.',
  });
}
