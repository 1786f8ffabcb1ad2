/**
 * The contract of a channel: one way to reach people, that carries notices and decides nothing.
 *
 * Duties of `send`:
 * - it never rejects, and ends within CHANNEL_MS_MAX, or at once when the signal aborts;
 * - it sends one message for one notice, and nothing after it has answered;
 * - what others wrote is shown as text: no markup, no link, no header, no second message comes of it;
 * - the only link is the notice's own;
 * - the reason of a failure holds no secret;
 * - it follows no redirect, and takes no more of an answer than CHANNEL_ANSWER_BYTES_MAX.
 *
 * Secrets are asked for at each send and not kept. Waiting, trying again, quiet hours and what is sent
 * once are the notifier's.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { Notice } from '../notice.ts';

export const CHANNEL_KINDS = ['slack', 'smtp', 'ntfy', 'webhook', 'web-push'] as const;
export type ChannelKind = (typeof CHANNEL_KINDS)[number];

export interface Delivered {
  readonly kind: 'delivered';
}

export interface Failed {
  readonly kind: 'failed';
  /** One sentence: what was found. */
  readonly reason: string;
  /** `later`: the next try may do. `never`: it has to be set up differently first. */
  readonly again: 'later' | 'never';
  /** How long the other side asks us to wait; null: it does not say. */
  readonly afterMs: number | null;
}

export interface Channel {
  readonly name: string;
  readonly kind: ChannelKind;
  send(notice: Notice, signal: AbortSignal): Promise<Delivered | Failed>;
}

export const DELIVERED: Delivered = { kind: 'delivered' };

export function failed(
  reason: string,
  again: Failed['again'] = 'later',
  afterMs: number | null = null,
): Failed {
  return { kind: 'failed', reason, again, afterMs };
}

/** A time limit beside a signal; `end` lets go of both. The limit's reason is a TimeoutError. */
export function within(
  signal: AbortSignal,
  ms: number,
): { readonly signal: AbortSignal; readonly end: () => void } {
  const both = new AbortController();
  const stop = (): void => both.abort(signal.reason);
  const late = (): void => both.abort(new DOMException('too late', 'TimeoutError'));
  const timer = setTimeout(late, ms);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const end = (): void => {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  };
  return { signal: both.signal, end };
}

/** Keeps the duty never to reject: a secret that is not there is a failure like another. */
export async function settled<Result extends Delivered | Failed>(
  send: () => Promise<Result>,
): Promise<Result | Failed> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof HoldfastError) {
      return failed(`expected ${error.expected}, found ${error.found}`, 'never');
    }
    return failed(`a fault of its own (${error instanceof Error ? error.name : 'unknown'})`);
  }
}
