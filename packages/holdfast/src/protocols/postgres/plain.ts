/** Statements whose effects end with the transaction they run in, when that is not committed. */
import type { SqlReading } from '../../languages/sql/sql-reading.ts';

/** What these do to rows a ROLLBACK takes back; other writes (NOTIFY, COPY, locks) are not counted on. */
const ROW_VERBS: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'MERGE']);

export function isPlain({ effects, kind, session, statements }: SqlReading): boolean {
  return (
    kind === 'understood' &&
    statements === 1 &&
    session.length === 0 &&
    effects.length > 0 &&
    effects.every((one) => ROW_VERBS.has(one.verb) && (one.kind === 'read' || one.kind === 'write'))
  );
}
