/**
 * Finds what people should hear of and writes down who is to be told: one notice per hold and step, or
 * per signal, with a delivery for each channel that a route leads to. Of several gateways one writes it.
 *
 * Reads: holds and proposals from their own rows (by news, and by sweep for what news was lost), signals
 * from the trail, where every process of ours notes what it did. Sends nothing.
 */
import type { Clock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { NOTICE_SWEEP_HOLDS_MAX } from '../model/limits.ts';
import { SIGNAL_NAMES } from '../model/notice-kind.ts';
import { type HoldCard, type HoldState, stateAt } from './hold.ts';
import type { HoldStore } from './hold-store.ts';
import {
  type DashboardUrl,
  type HeldRecord,
  type HoldStep,
  noticeOfHold,
  noticeOfSignal,
  type Signal,
} from './notice.ts';
import type { NoticeStore } from './notice-store.ts';
import type { ProposalCard } from './proposed-act.ts';
import { deliveriesOf, escalationsOf, type Routing } from './routing.ts';

export interface NoticePlannerParts {
  readonly store: NoticeStore;
  readonly holds: Pick<HoldStore<HoldCard>, 'get'>;
  readonly proposals: Pick<HoldStore<ProposalCard>, 'get'>;
  readonly routing: Routing;
  readonly dashboard: DashboardUrl;
  readonly clock: Clock;
  /** For the operator's log. */
  readonly trouble: (error: unknown) => void;
}

/** How old the word "looked until here" may get: far less than SIGNAL_AGE_MS_MAX. */
const SEEN_MS = 60_000;

/** Channels with something new to send. */
export type Stirred = ReadonlySet<string>;

export class NoticePlanner {
  readonly #parts: NoticePlannerParts;
  #seenUpTo = -1n;
  #seenAt = new Date(0);

  constructor(parts: NoticePlannerParts) {
    this.#parts = parts;
  }

  /** What is to be said of it now, by its id; nothing for an id that is none. */
  async hold(id: string): Promise<Stirred> {
    const hold = await this.#held(id);
    if (hold === null) return new Set();
    const step = stepOf(stateAt(hold, this.#parts.clock.now()));
    return await this.#planHold(hold, step, 0);
  }

  /** Everything that news did not tell: holds, those nobody has answered, and signals. */
  async sweep(): Promise<Stirred> {
    const { clock, routing, store } = this.#parts;
    const channels = new Set<string>();
    const add = async (planning: Promise<Stirred>): Promise<void> => {
      for (const channel of await this.#tried(planning)) channels.add(channel);
    };
    for (const id of await store.stirred(clock.now(), NOTICE_SWEEP_HOLDS_MAX)) {
      await add(this.hold(id));
    }
    const lists = escalationsOf(routing);
    if (routing.escalateAfterMs !== null && lists > 0) {
      const { escalateAfterMs: afterMs } = routing;
      const late = await store.unanswered(afterMs, lists, clock.now(), NOTICE_SWEEP_HOLDS_MAX);
      for (const { escalation, holdId } of late) await add(this.#escalate(holdId, escalation));
    }
    const { signals, upTo } = await store.signals(SIGNAL_NAMES, clock.now());
    for (const signal of signals) await add(this.#planSignal(signal));
    await this.#seen(upTo);
    return channels;
  }

  /** Written only when there is something to write: this is every second, and mostly nothing happens. */
  async #seen(upTo: bigint): Promise<void> {
    const { clock, store } = this.#parts;
    const now = clock.now();
    const isFresh = now.getTime() - this.#seenAt.getTime() < SEEN_MS;
    if (isFresh && upTo === this.#seenUpTo) return;
    await store.seen(upTo, now);
    [this.#seenUpTo, this.#seenAt] = [upTo, now];
  }

  /** One that cannot be told must not keep the others from being told. */
  async #tried(planning: Promise<Stirred>): Promise<Stirred> {
    try {
      return await planning;
    } catch (error) {
      if (error instanceof HoldfastError && error.code === 'HF_STORE_UNAVAILABLE') throw error;
      this.#parts.trouble(error);
      return new Set();
    }
  }

  async #held(id: string): Promise<HeldRecord | null> {
    const { holds, proposals } = this.#parts;
    return (await holds.get(id)) ?? (await proposals.get(id));
  }

  async #escalate(id: string, escalation: number): Promise<Stirred> {
    const hold = await this.#held(id);
    if (hold === null || stateAt(hold, this.#parts.clock.now()) !== 'waiting') return new Set();
    return await this.#planHold(hold, `escalated-${escalation}`, escalation);
  }

  async #planHold(hold: HeldRecord, step: HoldStep, escalation: number): Promise<Stirred> {
    const { clock, dashboard, routing, store } = this.#parts;
    const now = clock.now();
    const notice = noticeOfHold(hold, step, now, dashboard);
    const opened = noticeOfHold(hold, 'opened', now, dashboard);
    // By the way the hold went, whatever an escalation is called.
    const routed = escalation > 0 ? { ...notice, kind: opened.kind } : notice;
    const deliveries = deliveriesOf(routing, routed, escalation, now);
    const requiresOpened = step !== 'opened';
    const planned = { subject: hold.id, step, notice, deliveries, requiresOpened };
    return (await store.plan(planned, now)) ? channelsOf(deliveries) : new Set();
  }

  /** That a channel failed is not told by that channel. */
  async #planSignal(signal: Signal): Promise<Stirred> {
    const { clock, dashboard, routing, store } = this.#parts;
    const now = clock.now();
    const notice = noticeOfSignal(signal, dashboard);
    const except = signal.kind === 'notice-failed' ? signal.facts['channel'] : null;
    const deliveries = deliveriesOf(routing, notice, 0, now).filter(
      ({ channel }) => channel !== except,
    );
    const subject = `entry_${signal.index}`;
    const planned = { subject, step: 'signal', notice, deliveries, requiresOpened: false };
    return (await store.plan(planned, now)) ? channelsOf(deliveries) : new Set();
  }
}

/** An approval that is used up was one. */
function stepOf(state: HoldState): HoldStep {
  switch (state) {
    case 'waiting':
      return 'opened';
    case 'signed':
    case 'consumed':
      return 'signed';
    case 'denied':
    case 'expired':
    case 'void':
      return state;
    default:
      return state satisfies never;
  }
}

function channelsOf(deliveries: readonly { readonly channel: string }[]): Stirred {
  return new Set(deliveries.map(({ channel }) => channel));
}
