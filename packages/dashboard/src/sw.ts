/**
 * The service worker: shows what the gateway pushes to this browser, and opens its page when it is clicked. It
 * keeps nothing, fetches nothing, and is in the way of no request: there is no handler for them.
 */
import { heard } from './lib/pushed.ts';

interface Waits {
  waitUntil(work: Promise<unknown>): void;
}
interface PushHeard extends Waits {
  readonly data: { text(): string } | null;
}
interface Clicked extends Waits {
  readonly notification: { readonly data: unknown; close(): void };
}
interface Tab {
  readonly url: string;
  focus(): Promise<unknown>;
}

/** What we use of it (Service Workers 4.1, Push API 9, Notifications 2.9). */
declare const self: {
  readonly location: { readonly origin: string };
  readonly registration: {
    showNotification(title: string, options: NotificationOptions): Promise<void>;
  };
  readonly clients: {
    matchAll(options: {
      readonly type: 'window';
      readonly includeUncontrolled: boolean;
    }): Promise<readonly Tab[]>;
    openWindow(url: string): Promise<unknown>;
  };
  addEventListener(type: 'push', listener: (event: PushHeard) => void): void;
  addEventListener(type: 'notificationclick', listener: (event: Clicked) => void): void;
};

self.addEventListener('push', (event) => {
  const { body, place, tag, title } = heard(event.data?.text() ?? '', self.location.origin);
  event.waitUntil(self.registration.showNotification(title, { body, tag, data: place }));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { data } = event.notification;
  event.waitUntil(open(typeof data === 'string' ? data : '/'));
});

/** A tab that shows it already comes to the front; none is led away from what somebody is doing there. */
async function open(place: string): Promise<void> {
  const url = new URL(place, self.location.origin).href;
  const tabs = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const there = tabs.find((tab) => tab.url === url);
  await (there === undefined ? self.clients.openWindow(url) : there.focus());
}
