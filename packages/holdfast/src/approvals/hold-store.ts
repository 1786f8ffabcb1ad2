/** Where holds lie; implemented by `store/`. Each call is one transaction. */
import type { Card, HoldCard, HoldRecord, HoldState, NewHold } from './hold.ts';
import type { PageWish } from './list-page.ts';

export interface OpenedHold<C extends Card = HoldCard> {
  readonly hold: HoldRecord<C>;
  /** False: it was there already, from this agent's earlier try or through another gateway. */
  readonly isNew: boolean;
  /** Holds of the same digest whose time had run out, and that this call has expired. */
  readonly expired: readonly HoldRecord<C>[];
}

/** A person's word on a hold, with the code that proves who speaks. */
export interface PersonWord {
  readonly holdId: string;
  readonly person: string;
  readonly code: string;
  /** The beginning of the digest the person was shown; the hold's must begin so. Null: not given. */
  readonly digestShown: string | null;
}

export type WordTaken<C extends Card = HoldCard> =
  | { readonly kind: 'taken'; readonly hold: HoldRecord<C>; readonly wasThere: boolean }
  | { readonly kind: 'unknown-hold' }
  | { readonly kind: 'not-open'; readonly hold: HoldRecord<C> }
  | { readonly kind: 'other-digest'; readonly hold: HoldRecord<C> };

export interface HoldStore<C extends Card = HoldCard> {
  /**
   * Finds the hold that stands for the digest (waiting, signed or denied), or opens `fresh`. Of many
   * that ask at once, one opens. When `fresh` needs more people than the one found, that one is raised.
   */
  findOrOpen(fresh: NewHold<C>, now: Date): Promise<OpenedHold<C>>;
  get(id: string): Promise<HoldRecord<C> | null>;
  /** Newest first. */
  list(which: 'open' | 'all', now: Date, limit: number): Promise<readonly HoldRecord<C>[]>;
  /** As `list`, page by page; a state is as of `now`. */
  page(wish: PageWish<HoldState>, now: Date): Promise<readonly HoldRecord<C>[]>;
  /**
   * Checks the code and stores the signature in one transaction. `expiresAt` is the new deadline when
   * this signature completes the hold. Rejects with HF_TOTP_WRONG or HF_NOT_FOUND for the person;
   * the code is spent only when the hold was open.
   */
  sign(word: PersonWord, now: Date, expiresAt: Date): Promise<WordTaken<C>>;
  /** As `sign`, for a denial. */
  deny(word: PersonWord, note: string, now: Date): Promise<WordTaken<C>>;
  /** True for exactly one caller per approval. */
  consume(id: string, now: Date): Promise<boolean>;
  /** Expires what is due; each is returned to one caller. */
  expireDue(now: Date): Promise<readonly HoldRecord<C>[]>;
}

/** Tells when a hold changed: its id, or null for "look again". May call for nothing. */
export interface HoldNews {
  on(handler: (holdId: string | null) => void): () => void;
}
