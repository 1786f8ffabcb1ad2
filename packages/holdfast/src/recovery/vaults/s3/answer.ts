/**
 * What an object store answered, told apart by what it proves. A refusal is an answer that says no to
 * a key it knows; that nobody answered, that it answers to nobody, or that it is busy, proves nothing.
 */
import { HoldfastError } from '../../../model/errors.ts';

export type Answer =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly words: string }
  /** The store does not know the key at all. */
  | { readonly kind: 'no-key'; readonly words: string }
  | { readonly kind: 'missing'; readonly words: string }
  | { readonly kind: 'unclear'; readonly words: string };

/** Said with status 403, and yet not about what was asked. */
const NOT_ABOUT_THE_ACT = new Set([
  'SignatureDoesNotMatch',
  'RequestTimeTooSkewed',
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'RequestExpired',
  'NotSignedUp',
  'AccountProblem',
]);
/** Said with status 409 of a bucket that is locked, or not empty because of what is locked in it. */
const STATE_REFUSALS = new Set(['InvalidBucketState', 'BucketNotEmpty']);
const MISSING = new Set(['NoSuchKey', 'NoSuchVersion', 'NoSuchBucket', 'NotFound']);

export function answerOf(error: unknown): Answer {
  const { name, status } = factsOf(error);
  const words = status === null ? name : `${status} ${name}`;
  if (name === 'InvalidAccessKeyId') return { kind: 'no-key', words };
  if (NOT_ABOUT_THE_ACT.has(name)) return { kind: 'unclear', words };
  if (status === 403 || (status === 409 && STATE_REFUSALS.has(name))) {
    return { kind: 'refused', words };
  }
  if (status === 404 || MISSING.has(name)) return { kind: 'missing', words };
  return { kind: 'unclear', words };
}

function factsOf(error: unknown): { readonly name: string; readonly status: number | null } {
  if (!(error instanceof Error)) return { name: 'no answer', status: null };
  const metadata: unknown = '$metadata' in error ? error.$metadata : null;
  const status =
    metadata !== null && typeof metadata === 'object' && 'httpStatusCode' in metadata
      ? Number(metadata.httpStatusCode)
      : null;
  return { name: error.name, status: Number.isInteger(status) ? status : null };
}

/** The same, for whoever uses the vault. */
export function vaultError(error: unknown, expected: string): unknown {
  if (error instanceof HoldfastError || !(error instanceof Error)) return error;
  if (!('$metadata' in error || '$fault' in error || 'code' in error)) return error;
  const answer = answerOf(error);
  const found = answer.kind === 'done' ? '' : answer.words;
  switch (answer.kind) {
    case 'missing':
      return new HoldfastError('HF_VAULT_UNKNOWN', {
        expected,
        found,
        hint: 'List what the vault holds; a bucket that is missing is a finding of its own.',
        cause: error,
      });
    case 'refused':
    case 'no-key':
      return new HoldfastError('HF_VAULT_REFUSED', {
        expected,
        found,
        hint: 'See what the keys of the vault may do: docs/recovery.md, “An S3 vault”.',
        cause: error,
      });
    default:
      return new HoldfastError('HF_VAULT_UNREACHABLE', {
        expected,
        found,
        hint: 'Nothing is known to be stored by this. It is tried again with the next copy.',
        cause: error,
      });
  }
}
