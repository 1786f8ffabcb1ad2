/**
 * A statement as the gateway would judge it when it is the first of a session: for whoever asks
 * beforehand (`holdfast policy explain`, `policy test`). The same rules of the session apply as on the
 * wire: pinned settings, names that are prepared and executed in the one text.
 */
import type { SqlReading } from '../../languages/sql/sql-reading.ts';
import type { Reading } from '../../model/effect.ts';
import { viewOf } from './session-rules.ts';
import { PreparedStatements } from './statements.ts';

export interface FirstView {
  readonly reading: Reading;
  /** Where unqualified names are looked up; empty when the text no longer tells. */
  readonly searchPath: readonly string[];
}

export function firstView(
  reading: SqlReading,
  text: string,
  searchPath: readonly string[],
): FirstView {
  if (reading.session.length === 0) return { reading, searchPath };
  const standing = { text: Buffer.from(text, 'utf8'), ahead: [], sure: true };
  const view = viewOf(reading, standing, new PreparedStatements());
  const { addedSchemas } = view;
  const isKnown = addedSchemas !== null && searchPath.length > 0;
  return { reading: view.reading, searchPath: isKnown ? [...searchPath, ...addedSchemas] : [] };
}
