/**
 * How a no reaches the client with the transaction in the state PostgreSQL itself would be in.
 *
 * An error aborts the open transaction. So when one is open, or answers are still under way, the
 * denied unit is replaced by a statement that cannot be parsed: the server fails, aborts and keeps the
 * order of answers itself, and its error is exchanged for ours on the way back. The server's own log
 * then shows `HOLDFAST_DENIED`, which is a fair thing to find there.
 */

import { ERRORS } from '../../model/errors.ts';
import type { Refusal } from '../../pipeline/exchange.ts';
import { errorResponse, flush, parse, query, sync } from './messages.ts';

const DENIED_SQL = 'HOLDFAST_DENIED';
/** A name of our own, so that the client's unnamed statement survives as it would upstream. */
const DENIED_NAME = 'holdfast_denied';

/** True for the server's complaint about the statement that stands for a denied unit. */
export function isDenialMarker(message: string): boolean {
  return message.includes(DENIED_SQL);
}

export function denialBytes(kind: 'simple' | 'extended', closes: boolean): Buffer {
  if (kind === 'simple') return query(DENIED_SQL);
  return Buffer.concat([parse(DENIED_NAME, DENIED_SQL), closes ? sync() : flush()]);
}

export function refusalBytes(refusal: Refusal, severity: 'ERROR' | 'FATAL'): Buffer {
  return errorResponse({
    severity,
    code: ERRORS[refusal.code].sqlstate,
    message: refusal.message,
    ...(refusal.detail === '' ? {} : { detail: refusal.detail }),
    hint: refusal.hint,
    ...(refusal.position === null ? {} : { position: refusal.position }),
  });
}
