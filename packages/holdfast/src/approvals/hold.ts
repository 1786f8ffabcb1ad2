/**
 * A hold and the moves it may make, as data: no store, no clock, no wait.
 *
 *     waiting --sign--> waiting | signed      signed once enough distinct people have
 *     waiting, signed --recount--> waiting | signed   a signature stopped counting
 *     waiting, signed --deny--> denied        for ever: this digest is never held again
 *     waiting, signed --expire--> expired     a later try opens a new hold
 *     waiting, signed --void--> void          a fact that was signed has changed; a new hold opens
 *     signed --consume--> consumed            exactly once; a later try opens a new hold
 *
 * A deadline belongs to the hold's own row. It is compared with the clock that is handed in, never
 * with the database's, so that hours can pass in a test; gateways that share a store keep their
 * clocks in step (NTP), and a clock that is off by seconds moves a deadline by seconds.
 */
import type { Effect } from '../model/effect.ts';
import type { TakingBack } from '../model/reversal.ts';
import type { Signature } from '../policy/judge.ts';
import type { CardFacts } from './card-facts.ts';

export const HOLD_STATES = ['waiting', 'signed', 'denied', 'consumed', 'expired', 'void'] as const;
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
  /** When it opened; null where that was not known (a deferral, a hold of an older Holdfast), or is not meant (a proposal). */
  readonly takingBack: TakingBack | null;
  /** Of the policy that asked for people; null: an older Holdfast, or a proposal. */
  readonly policyVersion: string | null;
  /** Over every effect, not only those listed (binding.ts); null as `policyVersion`. */
  readonly effectsHash: string | null;
  /** What was looked up at the target before it opened; null: nobody looked. */
  readonly facts: CardFacts | null;
  /** Rows it may change when it runs, or the approval is void; null: they could not be told. */
  readonly rowsAtMost: number | null;
  /** What an approver must type, since it goes for good; null: nothing. */
  readonly typedName: string | null;
  /** The person who answers for the agent; null: nobody said. */
  readonly ownerId: string | null;
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
  /** What the agent says it is about; its own words. */
  readonly task: string | null;
}

export interface NewHold<C extends Card = HoldCard> {
  readonly id: string;
  readonly card: C;
  readonly peopleNeeded: number;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  /** No approval is used after this, whenever it was given; null: an older Holdfast opened it. */
  readonly approvalUntil: Date | null;
}

/** A signature whose proof is whole, and what its person said to it. */
export interface HoldSignature extends Signature {
  /** '' when nothing was said. */
  readonly comment: string;
}

export interface HoldRecord<C extends Card = HoldCard> extends NewHold<C> {
  readonly state: HoldState;
  /** Of people who still count, each once, oldest first. */
  readonly signatures: readonly HoldSignature[];
  readonly decidedAt: Date | null;
  /** Who denied it. */
  readonly decidedBy: string | null;
  /** Why it was denied, or what changed so that it is void. */
  readonly note: string | null;
  /** How it ended when Holdfast itself carried it out (a proposal): null until then. */
  readonly outcome: { readonly kind: 'done' | 'failed'; readonly note: string } | null;
}

export type HoldMove =
  | { readonly kind: 'sign' }
  | { readonly kind: 'recount' }
  | { readonly kind: 'deny' }
  | { readonly kind: 'expire' }
  | { readonly kind: 'void' }
  | { readonly kind: 'consume' };

export interface HoldCount {
  readonly state: HoldState;
  readonly peopleNeeded: number;
  /** Distinct people, the one who signs now included. */
  readonly peopleSigned: number;
  /** All of them are the agent's owner, where that is not enough. */
  readonly isOwnerAlone: boolean;
}

/** The state after the move; null when the move is not allowed. */
export function nextState(hold: HoldCount, move: HoldMove): HoldState | null {
  if (!isOpen(hold.state)) return null;
  const enough = hold.peopleSigned >= hold.peopleNeeded && !hold.isOwnerAlone;
  switch (move.kind) {
    case 'sign':
    case 'recount':
      return enough ? 'signed' : 'waiting';
    case 'deny':
      return 'denied';
    case 'expire':
      return 'expired';
    case 'void':
      return 'void';
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

/** Those that people may still decide, or whose approval may still be used. */
export const OPEN_HOLD_STATES: readonly HoldState[] = HOLD_STATES.filter(isOpen);

/** What the row says, unless its time has run out and nobody has written that down yet. */
export function stateAt(hold: Pick<HoldRecord<Card>, 'state' | 'expiresAt'>, now: Date): HoldState {
  return isOpen(hold.state) && hold.expiresAt.getTime() <= now.getTime() ? 'expired' : hold.state;
}

/**
 * On `sealed` the agent's owner does not decide alone, however few people policy wants. Of an agent whose owner
 * nobody said, one person alone may be just that: it takes two.
 */
export function isOwnerAlone(
  card: Pick<Card, 'environmentLevel' | 'ownerId'>,
  signatures: readonly Pick<Signature, 'personId'>[],
): boolean {
  const { environmentLevel, ownerId } = card;
  if (environmentLevel !== 'sealed' || signatures.length === 0) return false;
  if (ownerId === null) return isOfAgent(card) && signatures.length === 1;
  return signatures.every(({ personId }) => personId === ownerId);
}

/** What people asked for themselves (a proposal) has no agent whose owner could be among them. */
function isOfAgent(card: object): card is Pick<HoldCard, 'agentName'> {
  return 'agentName' in card;
}

/** Why it is not enough; one sentence without its full stop. */
export function ownerAloneWords({
  agentName,
  ownerId,
}: Pick<HoldCard, 'agentName' | 'ownerId'>): string {
  return ownerId === null
    ? `the agent has no owner, so on sealed two people sign; an owner sets one with holdfast agents set ${agentName} --owner PERSON`
    : 'on sealed somebody else than the owner of the agent signs too';
}

/** How many people have yet to sign. */
export function peopleMissing({
  card,
  peopleNeeded,
  signatures,
}: Pick<HoldRecord<Card>, 'card' | 'peopleNeeded' | 'signatures'>): number {
  const missing = Math.max(0, peopleNeeded - signatures.length);
  return missing === 0 && isOwnerAlone(card, signatures) ? 1 : missing;
}
