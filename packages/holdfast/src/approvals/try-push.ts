/** A test notice to each of one person's browsers, each for itself: what one of them says holds up no other. */
import { newId } from '../model/ids.ts';
import { WebPushChannel, type WebPushOptions } from './channels/web-push.ts';
import { type DashboardUrl, testNotice } from './notice.ts';
import type { PushSubscription, PushSubscriptions } from './push-subscriptions.ts';

export interface TryPushParts extends Omit<WebPushOptions, 'subscriptions'> {
  readonly subscriptions: Pick<PushSubscriptions, 'gone'>;
  readonly dashboard: DashboardUrl;
}

export interface Tried {
  readonly id: string;
  /** One sentence; null: its push service took it. */
  readonly reason: string | null;
}

export function tryPush(
  { dashboard, subscriptions, ...options }: TryPushParts,
  browsers: readonly PushSubscription[],
): Promise<readonly Tried[]> {
  const { clock, name } = options;
  const never = new AbortController().signal;
  return Promise.all(
    browsers.map(async (one) => {
      const alone = { all: async () => [one], gone: (id: string) => subscriptions.gone(id) };
      const channel = new WebPushChannel({ ...options, subscriptions: alone });
      const who = 'You tried notices in this browser';
      const notice = testNotice(newId('notice', clock), name, clock.now(), dashboard, who);
      const sent = await channel.send(notice, never);
      return { id: one.id, reason: sent.kind === 'delivered' ? null : sent.reason };
    }),
  );
}
