/**
 * Brings roles and settings, as `pull/globals.ts` wrote them, into a new cluster: statement by statement,
 * so that one that cannot be there (of a database that is not part of the dump) is told from one that
 * must be.
 */
import pg from 'pg';
import { HoldfastError, messageOf } from '../../../model/errors.ts';
import { oneLine } from '../../../model/text.ts';
import type { DumpContents } from './dump-facts.ts';

/** duplicate_object: the superuser that the cluster was made with. */
const EXISTS_STATE = '42710';
/** invalid_catalog_name: a database of the source that was not dumped. */
const NO_DATABASE_STATE = '3D000';

/** `roles` before there is a database, `settings` after. Rejects with HF_DRILL_NOT_RECOVERED. */
export async function bringIn(
  client: pg.Client,
  globals: string,
  part: 'roles' | 'settings',
  { database }: Pick<DumpContents, 'database'>,
): Promise<void> {
  for (const statement of statementsOf(globals)) {
    const isSetting = /^ALTER (DATABASE|ROLE ("([^"]|"")+"|\S+) IN DATABASE) /.test(statement);
    if (isSetting !== (part === 'settings')) continue;
    try {
      await client.query(statement);
    } catch (error) {
      const state = error instanceof pg.DatabaseError ? error.code : undefined;
      if (state === EXISTS_STATE || (isSetting && state === NO_DATABASE_STATE)) continue;
      // Not the statement: it may hold the verifier of a password.
      throw new HoldfastError('HF_DRILL_NOT_RECOVERED', {
        expected: `the roles and settings of the cluster of ${database}`,
        found: oneLine(messageOf(error)),
        hint: 'The recovery point is not proven. Look at globals.sql of the point.',
      });
    }
  }
}

/** Statements that end with a semicolon outside of quotes; lines of comment are left out. */
export function statementsOf(sql: string): readonly string[] {
  const token =
    /--[^\n]*\n?|E'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|;|[^;'"\-E]+|[-E]/gs;
  const statements: string[] = [];
  let current = '';
  for (const [text] of sql.matchAll(token)) {
    if (text === ';') {
      if (current.trim() !== '') statements.push(current.trim());
      current = '';
    } else if (!(text.startsWith('--') && current.trim() === '')) current += text;
  }
  return statements;
}
