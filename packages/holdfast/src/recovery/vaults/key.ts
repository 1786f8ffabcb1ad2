/** The names under which vaults store (see `VaultKey`), checked before any storage sees them. */
import { HoldfastError } from '../../model/errors.ts';
import type { VaultKey } from './vault.ts';

export const VAULT_KEY_CHARS_MAX = 512;
/** With a version behind it, still the name of a file (NAME_MAX is 255). */
const PART_CHARS_MAX = 200;
const PART = /^[A-Za-z0-9._-]+$/;

/** Throws HF_VAULT_KEY. */
export function checkKey(key: VaultKey): void {
  const parts = key.split('/');
  const isKey = key.length <= VAULT_KEY_CHARS_MAX && parts.every(isPart);
  if (isKey) return;
  throw new HoldfastError('HF_VAULT_KEY', {
    expected: `up to ${VAULT_KEY_CHARS_MAX} characters: parts of a-z A-Z 0-9 . _ - (at most ${PART_CHARS_MAX}) joined by /`,
    found: JSON.stringify(key.slice(0, 80)),
    hint: 'This is a fault of whoever stores; nothing was stored.',
  });
}

function isPart(part: string): boolean {
  return PART.test(part) && part.length <= PART_CHARS_MAX && part !== '.' && part !== '..';
}

/** What a listing may ask for: the start of a key, with or without a slash at its end; or all. */
export function checkPrefix(prefix: string): void {
  if (prefix !== '') checkKey(prefix.endsWith('/') ? prefix.slice(0, -1) : prefix);
}
