/**
 * Tells people: reads what is new (holds, proposals, signals), writes down who is to hear of it, and has
 * each channel send what is due. Beside the data path, never in it: it reads what others have committed,
 * one thing at a time, and what goes wrong here holds up nobody.
 *
 * Several gateways on one store do this together: each notice is planned by one, and each delivery is
 * sent by one. What it will not do: decide anything, or carry anything that decides.
 */
import type { Note } from '../model/event.ts';
import { NOTICE_GAP_MS, NOTICE_KEPT_MS, NOTICE_QUEUE_MAX } from '../model/limits.ts';
import type { Channel } from './channels/channel.ts';
import type { HoldNews } from './hold-store.ts';
import { NoticePlanner, type NoticePlannerParts } from './notice-planner.ts';
import { NoticeSender } from './notice-sender.ts';

export interface NotifierParts extends NoticePlannerParts {
  readonly channels: readonly Channel[];
  readonly news: HoldNews;
  readonly note: Note;
  /** NOTICE_GAP_MS when left out. */
  readonly gapMs?: number;
}

const CLAIMANT_BYTES = 8;
/** How often what is older than NOTICE_KEPT_MS is looked for. */
const FORGET_MS = 60 * 60 * 1000;

export class Notifier {
  readonly #parts: NotifierParts;
  readonly #planner: NoticePlanner;
  readonly #senders: ReadonlyMap<string, NoticeSender>;
  /** Ids of holds to be looked at. */
  readonly #queue = new Set<string>();
  #isSweepDue = false;
  #looking: Promise<void> | null = null;
  #leave: (() => void) | null = null;
  #forgotAtMs = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(parts: NotifierParts) {
    this.#parts = parts;
    this.#planner = new NoticePlanner(parts);
    const { channels, clock, dashboard, note, routing, store, trouble } = parts;
    const claimant = clock.random(CLAIMANT_BYTES).toString('hex');
    this.#senders = new Map(
      channels.map((channel) => {
        const rules = routing.channels.find(({ name }) => name === channel.name) ?? {
          name: channel.name,
          quietHours: null,
          urgent: false,
        };
        const gapMs = parts.gapMs ?? NOTICE_GAP_MS;
        const sender = { channel, rules, store, dashboard, clock, note, claimant, gapMs, trouble };
        return [channel.name, new NoticeSender(sender)];
      }),
    );
  }

  /** Listens, and looks for what there is already. */
  start(): void {
    // Without a payload it is the poll of once a second, which keeps the time here, too.
    this.#leave = this.#parts.news.on((holdId) => this.#heard(holdId));
    this.#heard(null);
  }

  /** Messages on their way are let go of and put back for who comes next. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#leave?.();
    await this.#looking;
    await Promise.all([...this.#senders.values()].map((sender) => sender.stop()));
  }

  /** One whole turn: everything is looked at, and everything due was sent when it resolves. */
  async turn(): Promise<void> {
    this.#isSweepDue = true;
    await this.#lookNow();
    await Promise.all([...this.#senders.values()].map((sender) => sender.look()));
  }

  #heard(holdId: string | null): void {
    if (holdId === null || this.#queue.size >= NOTICE_QUEUE_MAX) this.#isSweepDue = true;
    else this.#queue.add(holdId);
    void this.#lookNow();
  }

  /** One at a time, so that a flood of holds costs the store one connection of ours. */
  #lookNow(): Promise<void> {
    this.#looking ??= this.#lookAll();
    return this.#looking;
  }

  async #lookAll(): Promise<void> {
    // So that the field is set before this can end, and is cleared in the turn in which it ends.
    await Promise.resolve();
    try {
      while (!this.#isStopped && (this.#queue.size > 0 || this.#isSweepDue)) {
        const [id] = this.#queue;
        if (id !== undefined) {
          this.#queue.delete(id);
          this.#wake(await this.#planner.hold(id));
          continue;
        }
        this.#isSweepDue = false;
        await this.#planner.sweep();
        // What has become due meanwhile, and what was another's who is gone, is in there, too.
        const { clock, store } = this.#parts;
        this.#wake(new Set(await store.due(clock.now())));
        await this.#forget();
      }
    } catch (error) {
      // The next poll looks at all of it again.
      this.#parts.trouble(error);
    }
    this.#looking = null;
  }

  #wake(channels: ReadonlySet<string>): void {
    for (const channel of channels) void this.#senders.get(channel)?.look();
  }

  async #forget(): Promise<void> {
    const { clock, store } = this.#parts;
    if (clock.monotonicMs() - this.#forgotAtMs < FORGET_MS) return;
    this.#forgotAtMs = clock.monotonicMs();
    await store.forget(new Date(clock.now().getTime() - NOTICE_KEPT_MS));
  }
}
