/** Where notices and their deliveries lie; implemented by `store/`. Each call is one transaction. */
import type { Importance, SignalName } from '../model/notice-kind.ts';
import type { Notice, Signal } from './notice.ts';
import type { Delivery } from './routing.ts';

export interface PlannedNotice {
  /** What it is about: the id of a hold, `entry_<index>`, or its own. */
  readonly subject: string;
  readonly step: string;
  readonly notice: Notice;
  readonly deliveries: readonly Delivery[];
  /** Only if people were told that it is open: an end that comes before is no news. */
  readonly requiresOpened: boolean;
}

export interface DeliveryKey {
  readonly subject: string;
  readonly step: string;
  readonly channel: string;
}

export interface ClaimedDelivery extends DeliveryKey {
  readonly notice: Notice;
  readonly importance: Importance;
  /** This one included. */
  readonly tries: number;
  /** False: it asks for what people have done by now, or whose time has run out. */
  readonly isWanted: boolean;
}

export interface Claim {
  readonly channel: string;
  /** `digest`: what gathers; `soon`: all else. */
  readonly which: 'soon' | 'digest';
  /** Whoever claims; only they may say how it ended. */
  readonly claimant: string;
  readonly now: Date;
  /** From then on somebody else may take it over. */
  readonly until: Date;
  readonly limit: number;
}

/**
 * - `sent`     the channel took it.
 * - `failed`   given up.
 * - `void`     there was nothing to say any more.
 * - `waiting`  to be tried again at `dueAt`.
 */
export type DeliveryEnd =
  | { readonly kind: 'sent' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'void'; readonly reason: string }
  | { readonly kind: 'waiting'; readonly reason: string; readonly dueAt: Date };

export interface Unanswered {
  readonly holdId: string;
  /** Which list comes next, from 1. */
  readonly escalation: number;
}

export interface ChannelLine {
  readonly channel: string;
  readonly lastSentAt: Date | null;
  readonly waiting: number;
  readonly sent: number;
  readonly failed: number;
}

export interface FailureLine extends DeliveryKey {
  readonly title: string;
  readonly at: Date;
  readonly tries: number;
  readonly reason: string;
  /** `failed`: given up; `waiting`: will be tried again. */
  readonly state: 'failed' | 'waiting';
}

export interface NoticeStore {
  /** True for exactly one caller per subject and step. */
  plan(planned: PlannedNotice, now: Date): Promise<boolean>;
  /** Ids of holds with something to say that was not planned yet: opened, or ended. */
  stirred(now: Date, limit: number): Promise<readonly string[]>;
  /** Holds that were told to be open so long ago, that nobody has signed, and that still wait. */
  unanswered(
    afterMs: number,
    lists: number,
    now: Date,
    limit: number,
  ): Promise<readonly Unanswered[]>;
  /** What came into the trail since the last look; `seen` moves the place on. */
  signals(
    kinds: readonly SignalName[],
    now: Date,
  ): Promise<{
    readonly signals: readonly Signal[];
    readonly upTo: bigint;
  }>;
  seen(upTo: bigint, now: Date): Promise<void>;
  /** Channels with something due, or taken by somebody who is not heard of any more. */
  due(now: Date): Promise<readonly string[]>;
  /** Takes what is due, skipping what others are at; each delivery is one claimant's at a time. */
  claim(claim: Claim): Promise<readonly ClaimedDelivery[]>;
  /** Nothing happens to what was taken over meanwhile. */
  finish(
    keys: readonly DeliveryKey[],
    claimant: string,
    end: DeliveryEnd,
    now: Date,
  ): Promise<void>;
  /** A notice that was sent already, and how that went: for the list. */
  enter(notice: Notice, channel: string, end: DeliveryEnd, now: Date): Promise<void>;
  /** By the channel's name; of what is kept. */
  lines(): Promise<readonly ChannelLine[]>;
  /** Newest first. */
  failures(limit: number): Promise<readonly FailureLine[]>;
  /** Older notices are removed with their deliveries. */
  forget(before: Date): Promise<void>;
}
