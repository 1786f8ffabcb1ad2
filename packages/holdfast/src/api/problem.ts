/**
 * Errors as `application/problem+json` (RFC 9457): `type` names the row of docs/errors.md, and the three
 * parts of a Holdfast error are members of their own.
 */
import { ERRORS, type ErrorCode, HoldfastError } from '../model/errors.ts';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly expected: string;
  readonly found: string;
  readonly hint: string;
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  HF_SIGN_IN: 401,
  HF_TOTP_WRONG: 401,
  HF_PASSKEY: 401,
  HF_INVITE: 401,
  HF_FORBIDDEN: 403,
  HF_NOT_FOUND: 404,
  HF_HOLD_UNKNOWN: 404,
  HF_DEFERRAL_UNKNOWN: 404,
  HF_PROPOSAL_UNKNOWN: 404,
  HF_HOLD_STATE: 409,
  HF_DEFERRAL_STATE: 409,
  HF_PROPOSAL_STATE: 409,
  HF_EXISTS: 409,
  HF_LAST_OWNER: 409,
  HF_LAST_WAY_IN: 409,
  HF_UNDO_CONFLICT: 409,
  HF_QUORUM: 409,
  HF_LIMIT: 413,
  HF_RATE: 429,
  HF_KEY_REUSED: 422,
  HF_IN_PROGRESS: 409,
  HF_UNDO_UNKNOWN: 404,
  HF_UNDO_STATE: 409,
  HF_REBUILD_STATE: 409,
  HF_REBUILD_CHECK: 409,
  HF_TARGET_UNKNOWN: 404,
  HF_RESTORE_STATE: 409,
  HF_RESTORE_UNKNOWN: 502,
  HF_REBUILD_UNKNOWN: 502,
  HF_VAULT_UNREACHABLE: 503,
  HF_VAULT_FULL: 503,
  HF_STORE_NEWER: 503,
  HF_SEAL: 500,
  HF_USAGE: 422,
  HF_TOO_MANY: 429,
  HF_POLICY_INVALID: 422,
  HF_UPSTREAM_UNREACHABLE: 502,
  HF_UPSTREAM_REFUSED: 502,
  HF_UPSTREAM_LOST: 502,
  HF_STORE_UNAVAILABLE: 503,
  HF_TRAIL_UNAVAILABLE: 503,
  HF_INTERNAL: 500,
};

export function problemOf(error: unknown): Problem {
  if (!(error instanceof HoldfastError)) return problemOf(internal());
  const { code, expected, found, hint } = error;
  return {
    type: `urn:holdfast:error:${code}`,
    title: ERRORS[code].title,
    status: STATUS[code] ?? 400,
    code,
    expected,
    found,
    hint,
  };
}

/** What went wrong inside is for the log, not for whoever asks. */
function internal(): HoldfastError {
  return new HoldfastError('HF_INTERNAL', {
    expected: 'to answer',
    found: 'a fault of our own',
    hint: 'Try again; the log of the gateway says more.',
  });
}
