/** Where holds lie; implemented by `store/`. Each call is one transaction. */
import type { Assertion } from '../model/assertion.ts';
import type { Signature } from '../policy/judge.ts';
import type { Card, HoldCard, HoldRecord, HoldState, NewHold } from './hold.ts';
import type { PageWish } from './list-page.ts';

export interface StandingHold<C extends Card = HoldCard> {
  /** Null: none stands for the digest. */
  readonly hold: HoldRecord<C> | null;
  /** Holds of the same digest whose time had run out, and that this call has expired. */
  readonly expired: readonly HoldRecord<C>[];
}

export interface OpenedHold<C extends Card = HoldCard> {
  readonly hold: HoldRecord<C>;
  /** False: it was there already, from this agent's earlier try or through another gateway. */
  readonly isNew: boolean;
  /** As in `StandingHold`. */
  readonly expired: readonly HoldRecord<C>[];
}

interface Said {
  readonly holdId: string;
  /**
   * What the person compared: the beginning of the digest (at least 8 characters of its hex), or the words
   * of the binding. The hold's must be the same. Null: not given.
   */
  readonly digestShown: string | null;
  /** Why yes; for the others and the trail. */
  readonly comment?: string;
  /** What the card wants typed. */
  readonly typedName?: string;
}

/** By name, with the one-time code that proves who speaks. */
export interface TotpWord extends Said {
  readonly kind: 'totp';
  readonly person: string;
  readonly code: string;
}

/** By id, with the assertion over the challenge of the binding: of the yes, or of the no. */
export interface PasskeyWord extends Said {
  readonly kind: 'passkey';
  readonly personId: string;
  readonly assertion: Assertion;
}

/** A person's word on a hold, with the proof who speaks. */
export type PersonWord = TotpWord | PasskeyWord;

/** Who said it, once proven. */
export interface Speaker {
  readonly id: string;
  readonly name: string;
  readonly method: Signature['method'];
  /** Lower-case hex: the challenge of the binding they signed. */
  readonly challenge: string;
  /** Null: a one-time code. */
  readonly assertion: Assertion | null;
}

export type WordTaken<C extends Card = HoldCard> =
  | {
      readonly kind: 'taken';
      readonly hold: HoldRecord<C>;
      readonly speaker: Speaker;
      readonly wasThere: boolean;
    }
  | { readonly kind: 'unknown-hold' }
  | { readonly kind: 'not-open'; readonly hold: HoldRecord<C> }
  | { readonly kind: 'other-digest'; readonly hold: HoldRecord<C> }
  | { readonly kind: 'other-name'; readonly hold: HoldRecord<C> };

/** Which signatures were verified, and for what. */
export interface Approval {
  /** Lower-case hex: the challenge that each of them is for. */
  readonly challenge: string;
  readonly personIds: readonly string[];
}

export interface HoldStore<C extends Card = HoldCard> {
  /** The hold that stands for the digest (waiting, signed or denied), its signatures counted anew. */
  standing(digest: string, now: Date): Promise<StandingHold<C>>;
  /** As `standing`, or opens `fresh`. Of many that ask at once, one opens. */
  findOrOpen(fresh: NewHold<C>, now: Date): Promise<OpenedHold<C>>;
  get(id: string): Promise<HoldRecord<C> | null>;
  /** As `list`, page by page; a state is as of `now`. */
  page(wish: PageWish<HoldState>, now: Date): Promise<readonly HoldRecord<C>[]>;
  /**
   * Checks the proof and stores the signature in one transaction. `expiresAt` is the new deadline when
   * this signature completes the hold. Rejects with HF_TOTP_WRONG, HF_PASSKEY, HF_FORBIDDEN or
   * HF_NOT_FOUND for the person; a code is spent only when the hold was open.
   */
  sign(word: PersonWord, now: Date, expiresAt: Date): Promise<WordTaken<C>>;
  /** As `sign`, for a denial. */
  deny(word: PersonWord, note: string, now: Date): Promise<WordTaken<C>>;
  /**
   * The signatures under `challenge` of people who count now, each proof verified now: the MAC of its row,
   * and a passkey's assertion against the key that was enrolled.
   */
  proven(id: string, challenge: string): Promise<readonly Signature[]>;
  /** As void, with what changed; null: it was not open any more. */
  annul(id: string, changes: string, now: Date): Promise<HoldRecord<C> | null>;
  /**
   * True for exactly one caller per approval, and only while enough of those that were verified still
   * count.
   */
  consume(id: string, approval: Approval, now: Date): Promise<boolean>;
  /** Expires what is due; each is returned to one caller. */
  expireDue(now: Date): Promise<readonly HoldRecord<C>[]>;
}

/** Tells when a hold changed: its id, or null for "look again". May call for nothing. */
export interface HoldNews {
  on(handler: (holdId: string | null) => void): () => void;
}
