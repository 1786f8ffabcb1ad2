/**
 * Which provider a request is for. There are two ways in:
 *
 * - `/railway/graphql/v2` on our own address, for clients that can be pointed here;
 * - the provider's own host name, inside a tunnel that we have opened (`tunnel.ts`).
 *
 * A name is compared as DNS does it: without case, without a dot at its end, port 443 said or not. What
 * could be read in two ways (two hosts, a user in the authority, an absolute form for another host) is
 * no route.
 */
import { HoldfastError } from '../../model/errors.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Incoming } from './incoming.ts';

export interface Route {
  readonly provider: Provider;
  /** Begins with a slash. */
  readonly path: string;
  readonly search: string;
}

export type Providers = ReadonlyMap<string, Provider>;

/** `tunnel`: the host that the tunnel was opened to; null: our own address. Throws HoldfastError. */
export function routeOf(
  request: Pick<Incoming, 'hosts' | 'url'>,
  providers: Providers,
  tunnel: string | null,
): Route {
  const { hosts, url: target } = request;
  if (hosts.length > 1) throw twoWays('one Host', hosts.join(' and ').slice(0, 100));
  if (!target.startsWith('/') || target.startsWith('//')) {
    throw twoWays('a path that begins with one slash', target.slice(0, 100));
  }
  if (hasControl(target)) throw twoWays('a path of printable characters', 'others');
  const mark = target.indexOf('?');
  const path = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark);
  if (tunnel !== null) {
    const said = hostOf(hosts[0] ?? tunnel);
    if (said !== tunnel) throw twoWays(`Host ${tunnel}, as the tunnel was opened`, said);
    return { provider: ofHost(tunnel, providers), path: plain(path), search };
  }
  const [, name = '', rest = ''] = /^\/([a-z0-9_-]+)(\/.*)?$/.exec(path) ?? [];
  const provider = providers.get(name);
  if (provider === undefined) {
    throw new HoldfastError('HF_TARGET_UNKNOWN', {
      expected: `a path that begins with a provider: ${[...providers.keys()].join(', ') || 'none is declared'}`,
      found: path.slice(0, 100),
      hint: 'Use the base URL you were given; do not look for another way.',
    });
  }
  return { provider, path: plain(rest === '' ? '/' : rest), search };
}

/** Throws HF_TARGET_UNKNOWN. */
export function ofHost(host: string, providers: Providers): Provider {
  const named = hostOf(host);
  for (const provider of providers.values()) {
    if (provider.hosts.includes(named)) return provider;
  }
  throw new HoldfastError('HF_TARGET_UNKNOWN', {
    expected: `a host of a declared provider: ${[...providers.values()].flatMap(({ hosts }) => hosts).join(', ')}`,
    found: named.slice(0, 100),
    hint: 'Only these are reached through Holdfast. Ask a person to declare another; do not go round it.',
  });
}

/** Lower case, without port 443 and without the dot at its end. */
export function hostOf(authority: string): string {
  const host = authority.toLowerCase().replace(/:443$/, '');
  return host.endsWith('.') ? host.slice(0, -1) : host;
}

/**
 * A server may read `/graphql/../x`, `//` and an escaped slash in its own way, and a catalogue of paths
 * cannot know which.
 */
function plain(path: string): string {
  const isOdd = /\/\/|\/\.{1,2}(\/|$)|\\|;|%(?:2f|5c|2e|00|3b)/i.test(path);
  if (!isOdd) return path;
  throw twoWays('a path without dots, double or escaped slashes', path.slice(0, 100));
}

function hasControl(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) return true;
  }
  return false;
}

function twoWays(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_HTTP', {
    expected,
    found,
    hint: 'Send it in the plain form that your client library makes.',
  });
}
