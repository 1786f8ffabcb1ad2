/** What a server says, or the driver says for it, when there was not time enough: somebody else's lock, a full house. */
import pg from 'pg';
import { messageOf } from '../../../model/errors.ts';
import { LATE_WORDS } from '../../../model/touched.ts';

/** lock_not_available, query_canceled, too_many_connections (manual, Appendix A). */
const LATE_CODES: ReadonlySet<string> = new Set(['55P03', '57014', '53300']);
/** Of pg and pg-pool, which have no codes for these. */
const CLIENT_TIMEOUTS =
  /^(?:Query read timeout|timeout expired|timeout exceeded when trying to connect|Connection terminated due to connection timeout)$/;
/** A HoldfastError around a pool's error around a driver's. */
const CAUSES_MAX = 4;

/**
 * How a sentence ends that says what could not be told. Where a later look may tell it the words say so
 * (LATE_WORDS), whoever made it late: an agent may hold a lock over its own table, or every connection there is.
 */
export function whyNot(thrown: unknown, msMax: number): string {
  const said = messageOf(thrown);
  return isLate(thrown) ? `the server ${LATE_WORDS} ${msMax} ms (${said})` : said;
}

/** It says only that there was not time enough. */
export function isLate(thrown: unknown): boolean {
  let one = thrown;
  for (let left = CAUSES_MAX; left > 0 && one instanceof Error; left -= 1) {
    if (one instanceof pg.DatabaseError && LATE_CODES.has(one.code ?? '')) return true;
    if (CLIENT_TIMEOUTS.test(one.message)) return true;
    one = one.cause;
  }
  return false;
}
