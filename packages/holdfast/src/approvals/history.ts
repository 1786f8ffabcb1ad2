/**
 * What people should know of the past before they decide: what this agent did in the last minutes, by the
 * trail, and how holds like this one ended.
 *
 * Harmless reads are not among the acts (the trail counts them in batches), and nothing here is the agent's
 * word for itself: entries were written before the act, outcomes by who forwarded it.
 */
import type { Clock } from '../model/clock.ts';
import { ACTS_SHOWN_MAX, RECENT_ACTS_MS, SIMILAR_HOLDS_MAX } from '../model/limits.ts';
import { type HoldCard, type HoldState, stateAt } from './hold.ts';

/** One decision of the trail, and what came of it. Texts are as they were sent: show them inert. */
export interface PastAct {
  /** Of the entry. */
  readonly index: number;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly target: string;
  /** `forward`, `protect`, `hold`, `refuse`. */
  readonly verdict: string;
  /** `destroy: DROP TABLE public.payments`; each once, at most a few. */
  readonly effects: readonly string[];
  /** The first line of what it said, cut. */
  readonly firstLine: string;
  /** `done`, `failed`, `not-forwarded`, `unknown`; null: not known yet. */
  readonly outcome: string | null;
}

export interface PastActs {
  /** Newest first, at most ACTS_SHOWN_MAX. */
  readonly acts: readonly PastAct[];
  /** There were more in that time. */
  readonly isCut: boolean;
}

/** How a hold is like the one at hand, from the most to the least. */
export const LIKENESSES = ['same statement', 'same acts', 'same kinds of acts'] as const;
export type Likeness = (typeof LIKENESSES)[number];

export interface PastHold {
  readonly id: string;
  readonly openedAt: Date;
  readonly agentName: string;
  readonly target: string;
  readonly state: HoldState;
  readonly likeness: Likeness;
  /** Who signed, or who denied it. */
  readonly people: readonly string[];
  readonly note: string | null;
}

/** What is compared; the shape is `shapeOf` its statement. */
export interface HoldFeatures {
  readonly id: string;
  readonly openedAt: Date;
  readonly expiresAt: Date;
  readonly agentId: string;
  readonly agentName: string;
  readonly target: string;
  readonly state: HoldState;
  readonly statement: string;
  readonly effects: readonly {
    readonly kind: string;
    readonly verb: string;
    readonly object: { readonly schema: string | null; readonly name: string } | null;
  }[];
  readonly decidedBy: string | null;
  readonly note: string | null;
}

export interface HistoryStore {
  /** Decisions of an agent, newest first, at most `limit`, with their outcomes; none before `since`. */
  actsOf(agentId: string, since: Date, limit: number): Promise<readonly PastAct[]>;
  /**
   * Holds that are over, or approved, of this agent or on this target; newest of each first, at most `limit` each.
   */
  pastHolds(agentId: string, target: string, limit: number): Promise<readonly HoldFeatures[]>;
  /** Names of who signed, by hold. */
  signersOf(holdIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>>;
}

/** Looked through for the few that are shown: of a busy agent some days. */
const COMPARED_MAX = 300;

export class History {
  readonly #store: HistoryStore;
  readonly #clock: Clock;

  constructor(store: HistoryStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Of the last RECENT_ACTS_MS. Rejects when our store is away. */
  async recentActsOf(agentId: string): Promise<PastActs> {
    const since = new Date(this.#clock.now().getTime() - RECENT_ACTS_MS);
    const found = await this.#store.actsOf(agentId, since, ACTS_SHOWN_MAX + 1);
    return { acts: found.slice(0, ACTS_SHOWN_MAX), isCut: found.length > ACTS_SHOWN_MAX };
  }

  /** The most alike first, and of those the newest; at most SIMILAR_HOLDS_MAX. `holdId`: itself, left out. */
  async similarHolds(
    card: Pick<HoldCard, 'agentId' | 'target' | 'statement' | 'effects'>,
    holdId: string | null,
  ): Promise<readonly PastHold[]> {
    const past = await this.#store.pastHolds(card.agentId, card.target, COMPARED_MAX);
    const alike = past
      .filter(({ id }) => id !== holdId)
      .flatMap((hold) => {
        const likeness = likenessOf(hold, card);
        return likeness === null ? [] : [{ hold, likeness }];
      })
      .toSorted(
        (a, b) =>
          LIKENESSES.indexOf(a.likeness) - LIKENESSES.indexOf(b.likeness) ||
          b.hold.openedAt.getTime() - a.hold.openedAt.getTime(),
      )
      .slice(0, SIMILAR_HOLDS_MAX);
    const now = this.#clock.now();
    const signers = await this.#store.signersOf(alike.map(({ hold }) => hold.id));
    return alike.map(({ hold, likeness }) => ({
      id: hold.id,
      openedAt: hold.openedAt,
      agentName: hold.agentName,
      target: hold.target,
      state: stateAt(hold, now),
      likeness,
      people: hold.decidedBy === null ? (signers.get(hold.id) ?? []) : [hold.decidedBy],
      note: hold.note,
    }));
  }
}

type Compared = Pick<HoldFeatures, 'statement' | 'effects'>;

/** Null: they have nothing in common that would help anybody. */
function likenessOf(one: Compared, other: Compared): Likeness | null {
  if (shapeOf(one.statement) === shapeOf(other.statement)) return 'same statement';
  if (actsIn(one) === actsIn(other)) return 'same acts';
  return kindsIn(one) === kindsIn(other) && kindsIn(one) !== '' ? 'same kinds of acts' : null;
}

/** Only what changes something: a hold is held for that. */
function actsIn({ effects }: Compared): string {
  const acts = effects
    .filter(({ kind }) => kind !== 'read')
    .map(({ object, verb }) => [verb, object?.schema ?? '', object?.name ?? ''].join('\0'));
  return [...new Set(acts)].toSorted().join('\0\0');
}

function kindsIn({ effects }: Compared): string {
  const kinds = effects
    .filter(({ kind }) => kind !== 'read')
    .map(({ kind, verb }) => `${kind} ${verb}`);
  return [...new Set(kinds)].toSorted().join('\0');
}

/**
 * A statement without what differs from one try to the next: values, ids, blanks, case of letters. For
 * telling people what is alike, never for deciding anything.
 */
export function shapeOf(statement: string): string {
  return statement
    .replaceAll(/'(?:[^']|'')*'/g, '?')
    .replaceAll(/"(?=[^"]*\d)[^"\\]*"/g, '?')
    .replaceAll(/\b[0-9a-f]{8}-[0-9a-f-]{27}\b/gi, '?')
    .replaceAll(/(?<![\w$])[-+]?\d+(?:\.\d+)?(?!\w)/g, '?')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}
