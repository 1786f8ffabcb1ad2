/** Where deferrals lie; implemented by `store/`. Each call is one transaction. */
import type { Signed, Spoken } from '../model/signed.ts';
import type { DeferralLine, DeferralRecord, DeferralState, NewDeferral } from './deferral.ts';
import type { PageWish } from './list-page.ts';

export interface Scheduled {
  readonly deferral: DeferralLine;
  /** False: the same digest stood already. */
  readonly isNew: boolean;
}

/** A person's no, with what proves who speaks. */
export interface CancelWord {
  readonly deferralId: string;
  readonly signed: Signed;
  readonly note: string;
}

export type Cancelled =
  | { readonly kind: 'cancelled'; readonly deferral: DeferralLine; readonly by: Spoken }
  | { readonly kind: 'unknown-deferral' }
  | { readonly kind: 'too-late'; readonly deferral: DeferralLine };

/** What deciding again came to; a no carries its reason. */
export type DueWord = { readonly kind: 'run' } | { readonly kind: 'void'; readonly reason: string };

export interface DueTurn {
  readonly tickMs: bigint;
  /** The instance of the trail that would run it. */
  readonly runBy: string;
  /** Tried in this turn already. */
  readonly except: readonly string[];
  readonly now: Date;
}

export type DeferralEnd = {
  readonly state: 'done' | 'failed' | 'unknown';
  readonly note: string;
};

export interface DeferralStore {
  /** Of the same digest, waiting or running. */
  standing(digest: string): Promise<DeferralLine | null>;
  /** Finds what stands for the digest instead. HF_HOLD_STATE when its approval was used already. */
  schedule(fresh: NewDeferral): Promise<Scheduled>;
  get(id: string): Promise<DeferralRecord | null>;
  /** As `list`, page by page. */
  page(wish: PageWish<DeferralState>): Promise<readonly DeferralLine[]>;
  /**
   * HF_TOTP_WRONG, HF_NOT_FOUND for the person, HF_SIGN_IN, HF_FORBIDDEN; the code is spent only when it
   * could be cancelled.
   */
  cancel(word: CancelWord, now: Date): Promise<Cancelled>;
  /** Brings the time forward; false when it is not scheduled, or not of this digest. */
  hasten(id: string, digest: string, tickMs: bigint): Promise<boolean>;
  /**
   * Locks one that is due and that nobody else is at, asks `decide` under the lock, and stores
   * `running` or `void`. When `decide` rejects nothing is changed. Null: nothing is due.
   */
  takeDue(
    turn: DueTurn,
    decide: (deferral: DeferralRecord) => Promise<DueWord>,
  ): Promise<{ readonly deferral: DeferralRecord; readonly word: DueWord } | null>;
  /** By the instance that ran it. */
  finish(id: string, runBy: string, end: DeferralEnd, now: Date): Promise<void>;
  /** For one that was taken and certainly not run: it is scheduled as before. */
  putBack(id: string, runBy: string): Promise<void>;
  /** Those that run under an instance that is settled: `unknown` now; each is returned to one caller. */
  settle(now: Date): Promise<readonly DeferralLine[]>;
}
