/**
 * Extensions whose functions stay everybody's: they compute, or do no more than the caller's own rights
 * allow, and columns, operators and defaults of their types need them. All others are taken from PUBLIC.
 */
import type { RoutineFacts } from './inspection.ts';

export const HARMLESS: ReadonlySet<string> = new Set([
  'btree_gin',
  'btree_gist',
  'citext',
  'cube',
  'earthdistance',
  'fuzzystrmatch',
  'hstore',
  'intarray',
  'isn',
  'ltree',
  'pg_trgm',
  'pgcrypto',
  'postgis',
  'seg',
  'unaccent',
  'uuid-ossp',
  'vector',
]);

export function isHarmless({ definer, extension }: RoutineFacts): boolean {
  return extension !== null && HARMLESS.has(extension) && !definer;
}
