/** The errors of a local vault, and what the errors of its disk are called. */
import { HoldfastError } from '../../../model/errors.ts';

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export function changed(what: string): HoldfastError {
  return new HoldfastError('HF_VAULT_CHANGED', {
    expected: `${what}, as stored`,
    found: 'other bytes, or none',
    hint: 'The disk of the vault is failing, or somebody changed it: take another copy elsewhere now.',
  });
}

export function full(found: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_VAULT_FULL', {
    expected: 'room in the vault; nothing of this object was stored',
    found,
    hint: 'Give the vault more room. Nothing in it is let go early, whatever is full.',
    cause,
  });
}

/** What a put that failed is called by whoever asked for it. */
export function putFailure(cause: unknown): unknown {
  const expected = 'the disk of the vault to take it; nothing of this object was stored';
  return diskFailure(cause, expected) ?? cause;
}

/** Null: it was not the disk. */
export function diskFailure(cause: unknown, expected: string): HoldfastError | null {
  if (cause instanceof HoldfastError || !(cause instanceof Error)) return null;
  const code = 'code' in cause ? String(cause.code) : '';
  if (FULL.has(code)) return full(code, cause);
  if (code === '') return null;
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected,
    found: cause.message,
    hint: 'See what is wrong with the disk of the vault, and who may read and write there.',
    cause,
  });
}

/** `found`: what the system said of its folder. */
export function readOnly(found: string): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'a vault that can be written to; nothing was stored',
    found,
    hint: 'Mount it writable. Meanwhile what lies there can be listed, drilled and restored.',
  });
}

/** `keptAt`: where Holdfast keeps what it saw of the vault before. */
export function notThere(folder: string, found: string, keptAt: string): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: `the vault that was seen in ${folder} before; no other is made in its place`,
    found: `${found}, where a vault was seen before: is its disk mounted?`,
    hint: `Mount it. If you emptied it on purpose, remove ${keptAt}: then a new vault is made there.`,
  });
}

export function notTheSame(number: number, keptAt: string): HoldfastError {
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'the vault that was seen here before; nothing was stored',
    found: `a manifest that no longer holds its entry ${number}, which was seen before`,
    hint: `Is it the right disk, and nobody cut or replaced the manifest? If that was you, remove ${keptAt}.`,
  });
}
