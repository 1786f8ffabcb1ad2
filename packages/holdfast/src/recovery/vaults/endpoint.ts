/** Addresses of vaults elsewhere: with TLS, or on this host. */
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';

/** Throws HF_VAULT_REFUSED for one in the clear: whoever is between could answer in its name. */
export function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  const isHere = url !== null && /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(url.hostname);
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isHere)) return;
  throw new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'an endpoint that begins with https:// (http:// on this host only)',
    found: oneLine(endpoint),
    hint: 'Without TLS, whoever is on the way can say that a copy is there and locked.',
  });
}
