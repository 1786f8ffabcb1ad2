/** HOLDFAST_URL: the origin of a gateway's dashboard and API. */
import type { Streams } from '../print.ts';
import { usageError } from '../usage.ts';

export const URL_ENV = 'HOLDFAST_URL';

/** Null: neither `--url` nor HOLDFAST_URL. Throws HF_USAGE for what a session must not be sent to. */
export function apiUrlOf(given: string | null, env: Streams['env']): URL | null {
  const text = given ?? env[URL_ENV] ?? '';
  if (text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !isOrigin(url)) {
    throw usageError(
      'the origin of a Holdfast, such as https://holdfast.example.com',
      shown(text),
      'No path, no name and no password in it; `holdfast login` signs you in.',
    );
  }
  if (url.protocol === 'https:' || isThisMachine(url)) return url;
  throw usageError(
    'https://, or http:// to this machine itself',
    shown(text),
    'A session sent in the clear is everybody’s. Let TLS end before Holdfast, and name that address.',
  );
}

function isOrigin({ hash, password, pathname, protocol, search, username }: URL): boolean {
  const isWeb = protocol === 'https:' || protocol === 'http:';
  return isWeb && pathname === '/' && `${hash}${password}${search}${username}` === '';
}

/** A URL's host is normal already: `127.1` is `127.0.0.1` there. */
function isThisMachine({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Without what may be a password. */
function shown(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//...@').slice(0, 200);
}
