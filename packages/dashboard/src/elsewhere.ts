/**
 * Leaves for another site: an identity provider that the gateway named. Only by the web. And remembers, in this
 * tab alone, which of our pages it was left from.
 */
import { Problem } from './api/problem.ts';

export function leaveFor(url: string): void {
  const isWeb = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  if (!isWeb) {
    throw new Problem({
      code: 'PAGE',
      title: 'This is no address to go to',
      status: 0,
      expected: 'an address of the web',
      found: url.slice(0, 100),
      hint: 'Look at the identity provider in holdfast.yaml.',
    });
  }
  window.location.assign(url);
}

const LEFT_FROM = 'holdfast.left-from';

export function rememberPage(): void {
  try {
    const { pathname, search } = window.location;
    window.sessionStorage.setItem(LEFT_FROM, `${pathname}${search}`);
  } catch {
    // A tab that keeps nothing comes back to Now.
  }
}

/** Once; one of our own pages, whatever was kept. */
export function pageLeftFrom(): string {
  try {
    const kept = window.sessionStorage.getItem(LEFT_FROM) ?? '/';
    window.sessionStorage.removeItem(LEFT_FROM);
    const { origin, pathname, search } = new URL(kept, window.location.origin);
    // Two slashes would be the name of another site to whoever goes there.
    const isOurs =
      origin === window.location.origin && pathname !== '/sso' && !pathname.startsWith('//');
    return isOurs ? `${pathname}${search}` : '/';
  } catch {
    return '/';
  }
}
