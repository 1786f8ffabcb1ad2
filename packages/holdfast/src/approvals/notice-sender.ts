/**
 * Sends what is due by one channel. The order: claim -> leave out what nobody needs to hear any more ->
 * send -> write down how it went. Few at a time go out one by one, many as one message. What failed is
 * tried again, later and later, and is then given up: noted in the trail, and told by the other channels.
 *
 * Each channel has a sender of its own, so that one that hangs holds up itself. A gateway that is killed
 * while it sends loses its claim to another after NOTICE_CLAIM_MS: that message may come twice, under the
 * same id, which is better than not at all. Otherwise none does.
 */
import type { Clock } from '../model/clock.ts';
import type { Note } from '../model/event.ts';
import {
  NOTICE_CLAIM_MS,
  NOTICE_RETRY_MS_MAX,
  NOTICE_RETRY_MS_MIN,
  NOTICE_TRIES_MAX,
  NOTICES_APART_MAX,
  NOTICES_GATHERED_MAX,
} from '../model/limits.ts';
import type { Channel, Failed } from './channels/channel.ts';
import { type DashboardUrl, isAsking, type Notice, severalNotices } from './notice.ts';
import type { ClaimedDelivery, DeliveryEnd, NoticeStore } from './notice-store.ts';
import { type ChannelRules, dueAt, isBreakingThrough } from './routing.ts';

export interface NoticeSenderParts {
  readonly channel: Channel;
  readonly rules: ChannelRules;
  readonly store: Pick<NoticeStore, 'claim' | 'finish'>;
  readonly dashboard: DashboardUrl;
  readonly clock: Clock;
  readonly note: Note;
  /** Of this process, unlike every other's. */
  readonly claimant: string;
  /** Between two messages: NOTICE_GAP_MS. */
  readonly gapMs: number;
  readonly trouble: (error: unknown) => void;
}

/** One message: a delivery, or many in one. */
type Batch = readonly [ClaimedDelivery, ...ClaimedDelivery[]];

export class NoticeSender {
  readonly #parts: NoticeSenderParts;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;
  #again = false;

  constructor(parts: NoticeSenderParts) {
    this.#parts = parts;
  }

  /** Sends what is due, unless it is at it: then it looks once more after. Never rejects. */
  look(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** What is being sent is let go of, and put back. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    // So that the field is set before this can end, and is cleared in the turn in which it ends.
    await Promise.resolve();
    while (this.#again && !this.#stopped.signal.aborted) {
      this.#again = false;
      try {
        for (const which of ['soon', 'digest'] as const) {
          while (!this.#stopped.signal.aborted && (await this.#turn(which))) await this.#gap();
        }
      } catch (error) {
        // Our store is away; what was claimed is claimed again when its time is up.
        this.#parts.trouble(error);
      }
    }
    this.#running = null;
  }

  /** False: nothing was due. */
  async #turn(which: 'soon' | 'digest'): Promise<boolean> {
    const { channel, claimant, clock, store } = this.#parts;
    const now = clock.now();
    const claimed = await store.claim({
      channel: channel.name,
      which,
      claimant,
      now,
      until: new Date(now.getTime() + NOTICE_CLAIM_MS),
      limit: NOTICES_GATHERED_MAX,
    });
    if (claimed.length === 0) return false;
    const { unwanted, worn, wanted } = sorted(claimed);
    await this.#finish(unwanted, { kind: 'void', reason: 'it was decided, or its time was up' });
    if (worn.length > 0)
      await this.#giveUp(worn, `nobody could say what became of ${NOTICE_TRIES_MAX} tries`);
    for (const batch of batches(wanted, which)) await this.#send(batch);
    return true;
  }

  async #send(batch: Batch): Promise<void> {
    const { channel, clock, dashboard } = this.#parts;
    const { signal } = this.#stopped;
    const [first, ...rest] = batch;
    const notice: Notice =
      rest.length === 0
        ? first.notice
        : severalNotices([first.notice, ...rest.map((one) => one.notice)], clock.now(), dashboard);
    const sent = await channel.send(notice, signal);
    if (sent.kind === 'delivered') return await this.#finish(batch, { kind: 'sent' });
    if (signal.aborted) {
      return await this.#finish(batch, {
        kind: 'waiting',
        reason: sent.reason,
        dueAt: clock.now(),
      });
    }
    const spent = batch.filter(({ tries }) => sent.again === 'never' || tries >= NOTICE_TRIES_MAX);
    const left = batch.filter((one) => !spent.includes(one));
    for (const one of left) await this.#putOff(one, sent);
    if (spent.length > 0) await this.#giveUp(spent, sent.reason);
  }

  async #putOff(one: ClaimedDelivery, { afterMs, reason }: Failed): Promise<void> {
    const { clock, rules } = this.#parts;
    const backoffMs = NOTICE_RETRY_MS_MIN * 4 ** (one.tries - 1);
    const pauseMs = Math.min(Math.max(backoffMs, afterMs ?? 0), NOTICE_RETRY_MS_MAX);
    const isUrgent = isBreakingThrough(rules, one.notice, one.importance);
    const due = dueAt(rules, isUrgent, new Date(clock.now().getTime() + pauseMs));
    await this.#finish([one], { kind: 'waiting', reason, dueAt: due });
  }

  async #giveUp(spent: readonly ClaimedDelivery[], reason: string): Promise<void> {
    const { channel, note } = this.#parts;
    await this.#finish(spent, { kind: 'failed', reason });
    // That one failed to tell of a failure is in the list; told, it would go round for ever.
    const told = spent.filter(({ notice }) => notice.kind !== 'notice-failed');
    const [first] = told;
    if (first === undefined) return;
    await note({
      kind: 'notice-failed',
      facts: {
        channel: channel.name,
        channelKind: channel.kind,
        notice: first.notice.id,
        noticeKind: first.notice.kind,
        notices: told.length,
        tries: first.tries,
        reason,
      },
      message: `${told.length} notice(s) could not be delivered by ${channel.name}: ${reason}.`,
    });
  }

  async #finish(batch: readonly ClaimedDelivery[], end: DeliveryEnd): Promise<void> {
    const { claimant, clock, store } = this.#parts;
    await store.finish(batch, claimant, end, clock.now());
  }

  /** What comes in the meantime is gathered; whoever stops does not wait. */
  #gap(): Promise<void> {
    const { signal } = this.#stopped;
    const { gapMs } = this.#parts;
    if (gapMs === 0 || signal.aborted) return Promise.resolve();
    return new Promise((done) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        done();
      };
      const timer = setTimeout(end, gapMs);
      signal.addEventListener('abort', end);
    });
  }
}

/** `worn`: each try was somebody's who never said how it went. */
function sorted(claimed: readonly ClaimedDelivery[]) {
  const isUnwanted = ({ isWanted, notice }: ClaimedDelivery): boolean =>
    !isWanted && isAsking(notice.kind);
  const isWorn = (one: ClaimedDelivery): boolean => one.tries > NOTICE_TRIES_MAX;
  return {
    unwanted: claimed.filter(isUnwanted),
    worn: claimed.filter((one) => !isUnwanted(one) && isWorn(one)),
    wanted: claimed.filter((one) => !isUnwanted(one) && !isWorn(one)),
  };
}

function batches(wanted: readonly ClaimedDelivery[], which: 'soon' | 'digest'): readonly Batch[] {
  const [first, ...rest] = wanted;
  if (first === undefined) return [];
  const isOne = which === 'digest' || wanted.length > NOTICES_APART_MAX;
  return isOne ? [[first, ...rest]] : wanted.map((one) => [one] as const);
}
