/** What is wrong under `notify`, or worth saying, although each value has the right shape. */
import { nearest } from '../model/nearest.ts';
import type { Config } from './config.ts';
import type { ChannelConfig, RouteConfig } from './notify-config.ts';
import { isLoopback } from './upstream.ts';
import type { YamlPath } from './yaml-text.ts';

export interface NotifyFault {
  readonly path: YamlPath;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

/** Of the raw value, whatever its shape: a route to a channel that there is not reaches nobody. */
export function* notifyFaults(notify: unknown): Generator<NotifyFault> {
  const { channels, routes } = record(notify);
  const names = Object.keys(record(channels));
  for (const [at, route] of list(routes).entries()) {
    const { escalate, to } = record(route);
    const named: (readonly [YamlPath, unknown])[] = [
      ...list(to).map((name, i) => [['notify', 'routes', at, 'to', i], name] as const),
      ...list(escalate).flatMap((one, i) =>
        list(one).map((name, k) => [['notify', 'routes', at, 'escalate', i, k], name] as const),
      ),
    ];
    for (const [path, name] of named) {
      if (typeof name !== 'string' || names.includes(name)) continue;
      const near = nearest(name, names);
      const hint = near === null ? 'Declare it under notify.channels.' : `Did you mean ${near}?`;
      yield { path, expected: 'a channel of this file', found: name, hint };
    }
  }
  for (const [name, channel] of Object.entries(record(channels))) {
    const { kind, password, tls, user } = record(channel);
    if (kind !== 'smtp') continue;
    const path = ['notify', 'channels', name];
    if ((user === undefined) !== (password === undefined)) {
      const found = user === undefined ? 'a password without a user' : 'a user without a password';
      yield { path, expected: 'user and password, or neither', found, hint: 'Add the other one.' };
    }
    const { host } = record(channel);
    if (tls === 'off' && user !== undefined && typeof host === 'string' && !isLoopback(host)) {
      yield {
        path: [...path, 'tls'],
        expected: 'starttls or implicit, where a password goes to another machine',
        found: 'off, which would send it in clear',
        hint: 'Leave tls out: it is starttls then.',
      };
    }
  }
}

export interface NotifyWarning {
  readonly path: string;
  readonly found: string;
  readonly hint: string;
}

/** Nothing is said where nobody asked to be told. */
export function notifyWarnings({ environments, notify }: Config): NotifyWarning[] {
  const { channels, routes } = notify;
  if (channels.length === 0) return [];
  const routed = new Set(routes.flatMap(({ escalate, to }) => [...to, ...escalate.flat()]));
  const unused = channels.filter(({ name }) => !routed.has(name));
  const unheard = environments
    .filter(({ level }) => level !== 'open')
    .flatMap(({ level, name }) => unheardIn(name, level, channels, routes));
  return [
    ...unused.map(({ name }) => ({
      path: `notify.channels.${name}`,
      found: 'no route leads to it, so it is never used',
      hint: 'Name it in a route, or remove it.',
    })),
    ...channels.flatMap(inClear),
    ...unheard,
  ];
}

function unheardIn(
  environment: string,
  level: string,
  channels: readonly ChannelConfig[],
  routes: readonly RouteConfig[],
): NotifyWarning[] {
  const ways = routes.filter(
    ({ environments, kinds }) =>
      (environments?.includes(environment) ?? true) && (kinds?.includes('hold-opened') ?? true),
  );
  const told = channels.filter(({ name }) => ways.some(({ to }) => to.includes(name)));
  if (told.length === 0) {
    const found = `nobody is told of holds in ${environment}`;
    return [{ path: 'notify.routes', found, hint: 'Add a route with kinds: [hold-opened].' }];
  }
  const isAwake = ({ quietHours, urgent }: ChannelConfig): boolean => quietHours === null || urgent;
  if (level !== 'sealed' || told.some(isAwake)) return [];
  return [
    {
      path: 'notify.quietHours',
      found: `in quiet hours nobody is told of holds in ${environment}, which is sealed`,
      hint: 'Set urgent: true for one of its channels, or say nothing if that is what you want.',
    },
  ];
}

function inClear({ name, way }: ChannelConfig): NotifyWarning[] {
  if (way.kind === 'smtp' && way.tls === 'off' && !isLoopback(way.host)) {
    const found = `mail crosses the network in clear to ${way.host}`;
    return [{ path: `notify.channels.${name}.tls`, found, hint: 'Use starttls.' }];
  }
  if (way.kind !== 'ntfy' && way.kind !== 'webhook') return [];
  const url = way.url.kind === 'literal' ? URL.parse(way.url.text) : null;
  if (url?.protocol !== 'http:' || isLoopback(url.hostname)) return [];
  const found = `notices cross the network in clear to ${url.hostname}`;
  return [{ path: `notify.channels.${name}.url`, found, hint: 'Use https.' }];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
