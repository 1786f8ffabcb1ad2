/**
 * Where a request comes from, as far as a browser tells. Closes: pages of other sites that send our
 * cookies along (CSRF), and names of other sites that were made to point here (DNS rebinding).
 *
 * A request that changes something must say that it comes from our own page (Fetch Metadata, or
 * `Origin`) or carry no cookie at all. Nothing here replaces `SameSite=Strict`; it stands beside it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { HoldfastError } from '../model/errors.ts';

const CHANGES_NOTHING = ['GET', 'HEAD', 'OPTIONS'];

interface Incoming {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
}

export class Origin {
  readonly #url: URL;
  readonly #hosts: Set<string>;

  constructor(url: URL) {
    this.#url = url;
    this.#hosts = new Set([url.host]);
  }

  get isSecure(): boolean {
    return this.#url.protocol === 'https:';
  }

  /** The address itself is us too; a browser may show it, and programs on this machine use it. */
  listensOn({ host, port }: { readonly host: string; readonly port: number }): void {
    const name = host.includes(':') ? `[${host}]` : host;
    for (const one of [name, 'localhost', '127.0.0.1']) this.#hosts.add(`${one}:${port}`);
  }

  headers(): Readonly<Record<string, string>> {
    return this.isSecure ? { 'strict-transport-security': 'max-age=31536000' } : {};
  }

  /** Throws HF_FORBIDDEN. */
  check({ headers, method }: Incoming): void {
    const { authorization, cookie, host, origin } = headers;
    if (host !== undefined && !this.#hosts.has(host.toLowerCase())) {
      throw refused(`Host ${this.#url.host}`, `Host ${host.slice(0, 200)}`);
    }
    if (CHANGES_NOTHING.includes(method)) return;
    const site = headers['sec-fetch-site'];
    const isOurs = origin === undefined ? site === 'same-origin' : this.#isOurOrigin(origin);
    // A program that shows a token has no page behind it, and no cookie for one to misuse.
    if (isOurs || (cookie === undefined && origin === undefined && authorization !== undefined))
      return;
    throw refused('a request of our own page', origin?.slice(0, 200) ?? 'one that does not say so');
  }

  #isOurOrigin(origin: string): boolean {
    if (origin === this.#url.origin) return true;
    // On this machine itself, over plain HTTP, by any of its names.
    return !this.isSecure && origin.startsWith('http://') && this.#hosts.has(origin.slice(7));
  }
}

function refused(expected: string, found: string): HoldfastError {
  return new HoldfastError('HF_FORBIDDEN', {
    expected,
    found,
    hint: 'Open the dashboard at its own address (dashboard.url in holdfast.yaml).',
  });
}
