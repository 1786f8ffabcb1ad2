/**
 * Credentials in the payload of `connection_init`: clients in browsers can set no header, and put theirs
 * here, by the name of the header, in any case, sometimes a level deeper. All of them are looked at like
 * headers. The payload itself is never sent on: nobody could say what the rest of it means there.
 */
import { isObject, type Json } from '../../../languages/json/json-text.ts';

/** Without case and signs. */
const NAMES = new Set([
  'authorization',
  'proxyauthorization',
  'auth',
  'bearer',
  'token',
  'authtoken',
  'accesstoken',
  'apitoken',
  'apikey',
  'xapikey',
  'secret',
  'password',
  'cookie',
]);

/** By the place they were found in: `connection_init.headers.Authorization`. */
export function credentialsIn(
  payload: Json,
  own: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const names = new Set([...NAMES, ...own.map(plain)]);
  const found = new Map<string, readonly string[]>();
  const walk = (value: Json, place: string, isNamed: boolean): void => {
    if (typeof value === 'string') {
      if (isNamed && value.trim() !== '') {
        found.set(place, [...(found.get(place) ?? []), value]);
      }
    } else if (Array.isArray(value)) {
      for (const one of value) walk(one, place, isNamed);
    } else if (isObject(value)) {
      for (const [name, one] of Object.entries(value)) {
        walk(one, `${place}.${name.slice(0, 50)}`, isNamed || names.has(plain(name)));
      }
    }
  };
  walk(payload, 'connection_init', false);
  return found;
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
