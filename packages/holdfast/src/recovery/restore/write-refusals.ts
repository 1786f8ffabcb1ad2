/** Why rows were not written back, in words that a person can act on. Nothing was changed in any of them. */
import pg from 'pg';
import { HoldfastError } from '../../model/errors.ts';
import { oneLine } from '../../model/text.ts';

/** SQLSTATE: the class of what a type does not take, and the check of a domain. */
const DATA_EXCEPTION = '22';
const CHECK_FAILED = '23514';

export function state(
  expected: string,
  found: string,
  hint: string,
  cause?: unknown,
): HoldfastError {
  return new HoldfastError('HF_RESTORE_STATE', {
    expected: oneLine(expected),
    found: oneLine(found),
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What the server said, where there is more to say. */
export function refused(error: unknown): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const found = error.detail === undefined ? error.message : `${error.message}: ${error.detail}`;
  switch (error.code) {
    case '23503':
      return state(
        'every row to have what it refers to',
        found,
        'Nothing was changed. Write the tables that refer to each other back together.',
        error,
      );
    case '23505':
    case '23P01':
      return state(
        'no newer row in the way',
        found,
        'Nothing was changed. Change or remove the newer row, or leave this one out.',
        error,
      );
    case '55P03':
      return state(
        'to lock the tables',
        `somebody at work in them: ${found}`,
        'Nothing was changed. Try again when that transaction has ended.',
        error,
      );
    case '57014':
      return state(
        'each statement to be done within its time',
        found,
        'Nothing was changed. Name one table, or rows by their keys; or try again when the target has less to do.',
        error,
      );
    case '42501':
      return state(
        'the admin of this target to be allowed to write rows back',
        found,
        'Nothing was changed. Use a superuser, or the owner of the tables with BYPASSRLS.',
        error,
      );
    default:
      return error;
  }
}

/** Of keys as texts, on their way to being of the key's own types; a domain may say no as well. */
export function keysRefused(error: unknown, table: string, types: string): unknown {
  if (!(error instanceof pg.DatabaseError)) return error;
  const isOfKeys = error.code?.startsWith(DATA_EXCEPTION) === true || error.code === CHECK_FAILED;
  if (!isOfKeys) return error;
  return new HoldfastError('HF_USAGE', {
    expected: oneLine(`keys of ${table}: ${types}`),
    found: oneLine(error.message),
    hint: 'Nothing was changed. Write each key as the table shows it; keys of several columns as JSON: [["x","1"]].',
    cause: error,
  });
}
