/**
 * Notices of one installation, put together: channels from what holdfast.yaml says, with their secrets
 * read at each use, and the notifier over them. The gateway starts and stops it; a command tries it.
 */
import { readFileSync } from 'node:fs';
import type { Channel } from './approvals/channels/channel.ts';
import { NtfyChannel } from './approvals/channels/ntfy.ts';
import { SlackChannel } from './approvals/channels/slack.ts';
import { SmtpChannel } from './approvals/channels/smtp.ts';
import { type VapidKeys, WebPushChannel } from './approvals/channels/web-push.ts';
import { WebhookChannel } from './approvals/channels/webhook.ts';
import type { HoldNews } from './approvals/hold-store.ts';
import type { DashboardUrl } from './approvals/notice.ts';
import { Notifier } from './approvals/notifier.ts';
import type { Routing } from './approvals/routing.ts';
import type { Env } from './config/config.ts';
import type { ChannelConfig, NotifyConfig, TextOrRef } from './config/notify-config.ts';
import { resolveSecret } from './config/upstream.ts';
import type { Clock } from './model/clock.ts';
import type { Rooms } from './rooms.ts';

export interface NotifyingOptions {
  readonly rooms: Rooms;
  readonly env: Env;
  readonly clock: Clock;
  readonly news: HoldNews;
  /** The public origin of the dashboard, which every notice links to. */
  readonly dashboard: DashboardUrl;
  readonly trouble: (error: unknown) => void;
}

/** Null: no channel is declared, and nobody is told. */
export function createNotifier(options: NotifyingOptions): Notifier | null {
  const { clock, dashboard, env, news, rooms, trouble } = options;
  const { notify } = rooms.config;
  if (notify.channels.length === 0) return null;
  return new Notifier({
    store: rooms.noticeStore,
    holds: rooms.holdStore,
    proposals: rooms.proposalStore,
    routing: routingOf(notify),
    channels: channelsOf(rooms, env, clock),
    note: rooms.note,
    clock,
    dashboard,
    news,
    trouble,
  });
}

export function channelsOf(rooms: Rooms, env: Env, clock: Clock): readonly Channel[] {
  return rooms.config.notify.channels.map((one) => channelOf(one, rooms, env, clock));
}

function channelOf({ name, way }: ChannelConfig, rooms: Rooms, env: Env, clock: Clock): Channel {
  const text = (ref: TextOrRef) => () =>
    ref.kind === 'literal' ? ref.text : resolveSecret(ref, env);
  switch (way.kind) {
    case 'slack':
      return new SlackChannel({ name, url: text(way.url), clock });
    case 'smtp': {
      const { caFile, password } = way;
      return new SmtpChannel({
        ...way,
        name,
        password: password === null ? null : text(password),
        ca: caFile === null ? null : () => readFileSync(caFile, 'utf8'),
      });
    }
    case 'ntfy': {
      const { token } = way;
      return new NtfyChannel({
        name,
        url: text(way.url),
        topic: text(way.topic),
        token: token === null ? null : text(token),
        clock,
      });
    }
    case 'webhook':
      return new WebhookChannel({ name, url: text(way.url), secret: text(way.secret), clock });
    case 'web-push': {
      const { pushSubscriptions: subscriptions } = rooms;
      const keys = (): Promise<VapidKeys> => rooms.vapidKeys();
      return new WebPushChannel({ name, contact: way.contact, subscriptions, keys, clock });
    }
    default:
      return way satisfies never;
  }
}

function routingOf({ channels, routes, escalateAfterMs, digestEveryMs }: NotifyConfig): Routing {
  return { channels, routes, escalateAfterMs, digestEveryMs };
}
