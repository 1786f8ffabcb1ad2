/** Leaves for another site: an identity provider that the gateway named. Only by the web. */
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
