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
  if (cause instanceof HoldfastError || !(cause instanceof Error)) return cause;
  const code = 'code' in cause ? String(cause.code) : '';
  if (FULL.has(code)) return full(code, cause);
  if (code === '') return cause;
  return new HoldfastError('HF_VAULT_REFUSED', {
    expected: 'the disk of the vault to take it; nothing of this object was stored',
    found: cause.message,
    hint: 'See what is wrong with the disk of the vault.',
    cause,
  });
}
