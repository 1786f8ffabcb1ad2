/**
 * A hold and the moves it may make, as data: no store, no clock, no wait.
 *
 *     waiting --sign--> waiting | signed      signed once enough distinct people have
 *     waiting, signed --raise--> waiting | signed   policy now asks for more people
 *     waiting, signed --deny--> denied        for ever: this digest is never held again
 *     waiting, signed --expire--> expired     a later try opens a new hold
 *     signed --consume--> consumed            exactly once; a later try opens a new hold
 *
 * A deadline belongs to the hold's own row. It is compared with the clock that is handed in, never
 * with the database's, so that hours can pass in a test; gateways that share a store keep their
 * clocks in step (NTP), and a clock that is off by seconds moves a deadline by seconds.
 */
import type { Effect } from '../model/effect.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Signature } from '../policy/judge.ts';

export const HOLD_STATES = ['waiting', 'signed', 'denied', 'consumed', 'expired'] as const;
export type HoldState = (typeof HOLD_STATES)[number];

/** What a person is shown before signing: facts that Holdfast resolved, whoever asks. */
export interface Card {
  /** Lower-case hex: what is signed. Of exact acts + resolved target (model/digest.ts), or of an act. */
  readonly digest: string;
  /** Cut at ENTRY_TEXT_CHARS_MAX; the digest covers all of it. */
  readonly statement: string;
  /** At most HOLD_EFFECTS_MAX, those that change something first. */
  readonly effects: readonly Effect[];
  readonly effectsTotal: number;
  /** Why the text could not be read whole; null when it could. */
  readonly couldNotTell: string | null;
  readonly target: string;
  readonly environment: string;
  readonly environmentLevel: string;
  readonly resolvedBy: string;
  readonly rule: string;
  readonly reason: string;
}

/** What an agent asks; and whose words are whose. */
export interface HoldCard extends Card {
  readonly agentId: string;
  readonly agentName: string;
  readonly tokenId: string;
  readonly sessionId: string;
  readonly source: string;
  /** The client's own word for itself. */
  readonly client: string;
  /** When it opened; null where that was not known (a deferral, or a hold of an older Holdfast). */
  readonly takingBack: TakingBack | null;
}

export interface NewHold<C extends Card = HoldCard> {
  readonly id: string;
  readonly card: C;
  readonly peopleNeeded: number;
  readonly openedAt: Date;
  readonly expiresAt: Date;
}

export interface HoldRecord<C extends Card = HoldCard> extends NewHold<C> {
  readonly state: HoldState;
  /** Of people who still count, each once, oldest first. */
  readonly signatures: readonly Signature[];
  readonly decidedAt: Date | null;
  /** Who denied it. */
  readonly decidedBy: string | null;
  readonly note: string | null;
  /** How it ended when Holdfast itself carried it out (a proposal): null until then. */
  readonly outcome: { readonly kind: 'done' | 'failed'; readonly note: string } | null;
}

export type HoldMove =
  | { readonly kind: 'sign' }
  | { readonly kind: 'raise' }
  | { readonly kind: 'deny' }
  | { readonly kind: 'expire' }
  | { readonly kind: 'consume' };

export interface HoldCount {
  readonly state: HoldState;
  readonly peopleNeeded: number;
  /** Distinct people, the one who signs now included. */
  readonly peopleSigned: number;
}

/** The state after the move; null when the move is not allowed. */
export function nextState(hold: HoldCount, move: HoldMove): HoldState | null {
  if (!isOpen(hold.state)) return null;
  const enough = hold.peopleSigned >= hold.peopleNeeded;
  switch (move.kind) {
    case 'sign':
    case 'raise':
      return enough ? 'signed' : 'waiting';
    case 'deny':
      return 'denied';
    case 'expire':
      return 'expired';
    case 'consume':
      return hold.state === 'signed' && enough ? 'consumed' : null;
    default:
      return move satisfies never;
  }
}

/** People may still decide it, or its approval may still be used. */
export function isOpen(state: HoldState): boolean {
  return state === 'waiting' || state === 'signed';
}

/** What the row says, unless its time has run out and nobody has written that down yet. */
export function stateAt(hold: Pick<HoldRecord<Card>, 'state' | 'expiresAt'>, now: Date): HoldState {
  return isOpen(hold.state) && hold.expiresAt.getTime() <= now.getTime() ? 'expired' : hold.state;
}
