/** `notify` of holdfast.yaml, from its shape to what the rooms read. */
import type { SecretRef } from './config.ts';
import type {
  ChannelConfig,
  ChannelWay,
  NotifyConfig,
  RouteConfig,
  TextOrRef,
} from './notify-config.ts';
import type { Shaped } from './shape.ts';

type ShapedNotify = Shaped['notify'];
type ShapedChannel = ShapedNotify['channels'][string];
type ShapedRef = { readonly env: string } | { readonly file: string };

const ESCALATE_AFTER_MS_DEFAULT = 15 * 60 * 1000;
const DIGEST_EVERY_MS_DEFAULT = 24 * 60 * 60 * 1000;
const PORTS = { starttls: 587, implicit: 465, off: 25 } as const;
const NTFY = 'https://ntfy.sh';

export function notifyOf(
  shaped: ShapedNotify,
  secretOf: (ref: ShapedRef) => SecretRef,
  at: (path: string) => string,
): NotifyConfig {
  const channels = Object.entries(shaped.channels).map(
    ([name, one]): ChannelConfig => ({
      name,
      way: wayOf(one, secretOf, at),
      urgent: one.urgent,
      quietHours: one.quietHours === 'off' ? null : (one.quietHours ?? shaped.quietHours ?? null),
    }),
  );
  return {
    channels,
    routes: shaped.routes?.map(routeOf) ?? [everyRoute(channels)],
    escalateAfterMs: shaped.escalateAfter ?? ESCALATE_AFTER_MS_DEFAULT,
    digestEveryMs: shaped.digestEvery ?? DIGEST_EVERY_MS_DEFAULT,
  };
}

/** When none is written: everybody hears of everything. */
function everyRoute(channels: readonly ChannelConfig[]): RouteConfig {
  const to = channels.map(({ name }) => name);
  return { kinds: null, environments: null, importance: null, to, escalate: [] };
}

function routeOf(one: NonNullable<ShapedNotify['routes']>[number]): RouteConfig {
  const { environments, escalate, importance, kinds, to } = one;
  return {
    kinds: kinds ?? null,
    environments: environments ?? null,
    importance: importance ?? null,
    to,
    escalate,
  };
}

function wayOf(
  one: ShapedChannel,
  secretOf: (ref: ShapedRef) => SecretRef,
  at: (path: string) => string,
): ChannelWay {
  const text = (value: string | ShapedRef): TextOrRef =>
    typeof value === 'string' ? { kind: 'literal', text: value } : secretOf(value);
  switch (one.kind) {
    case 'slack':
      return { kind: 'slack', url: secretOf(one.url) };
    case 'smtp': {
      const { from, host, password, port, tls, to, user, ca } = one;
      return {
        kind: 'smtp',
        host,
        port: port ?? PORTS[tls],
        tls,
        user: user ?? null,
        password: password === undefined ? null : secretOf(password),
        from,
        to,
        caFile: ca === undefined ? null : at(ca),
      };
    }
    case 'ntfy':
      return {
        kind: 'ntfy',
        url: text(one.url ?? NTFY),
        topic: text(one.topic),
        token: one.token === undefined ? null : secretOf(one.token),
      };
    case 'webhook':
      return { kind: 'webhook', url: text(one.url), secret: secretOf(one.secret) };
    case 'web-push':
      return { kind: 'web-push', contact: one.contact };
    default:
      return one satisfies never;
  }
}
