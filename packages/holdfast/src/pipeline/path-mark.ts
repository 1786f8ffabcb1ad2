/**
 * What names without a schema hang on, as bytes of the digest: the schemas they were judged with and, where
 * the session set another order, that order. So an approval given under one order is not good under another.
 * No name of a schema holds a NUL, and none is empty. Behind it may stand settings (model/session-settings.ts).
 */
import { isPathAsSaid, pathParts, sessionMarkIn } from '../model/session-settings.ts';
import type { JudgedPath } from '../protection/target-guard.ts';

const BETWEEN = '\0\0';

export function pathMark({ schemas, said }: JudgedPath): Buffer {
  const judged = schemas.join('\0');
  const isSame = said !== null && said.join('\0') === judged;
  if (isSame) return Buffer.from(judged);
  return Buffer.from(`${judged}${BETWEEN}${said === null ? '' : said.join('\0')}`);
}

/**
 * In which order names are looked up when it runs later; null: the mark is not of these schemas, or what was said last
 * is not what was in force (a ROLLBACK, `SET search_path = ''`).
 */
export function pathIn(mark: Uint8Array, schemas: readonly string[]): readonly string[] | null {
  const session = sessionMarkIn(mark);
  const { judged, more, said } = pathParts(session.path);
  if (judged !== schemas.join('\0') || more || !isPathAsSaid(session)) return null;
  return said === null || said === '' ? schemas : said.split('\0');
}
