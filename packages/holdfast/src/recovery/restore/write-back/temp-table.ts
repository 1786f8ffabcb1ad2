/** Temp tables of the live session, until its transaction ends. */
import { ident } from '../../../protection/postgres/layout.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import type { TableFacts } from '../table-facts.ts';

export type TypeOf = (column: string) => string;

export function typesOf({ columns }: TableFacts): TypeOf {
  const types = new Map(columns.map(({ name, type }) => [name, type]));
  return (column) => types.get(column) ?? 'text';
}

/**
 * What a type of the user's does on its way in (the check of a domain) may be anybody's code, and rows come
 * in as the admin: so it is carried as text, and becomes what it is by the lesser role (`become`).
 */
export function isForeign(type: string): boolean {
  return type.includes('.');
}

export async function createTemp(
  session: TargetSession,
  name: string,
  columns: readonly string[],
  typeOf: TypeOf,
): Promise<void> {
  const typed = columns.map((column) => `${ident(column)} ${typeOf(column)}`);
  await session.query(`create temp table ${name} (${typed.join(', ')}) on commit drop`);
}

export async function become(
  session: TargetSession,
  table: string,
  columns: readonly string[],
  typeOf: TypeOf,
): Promise<void> {
  for (const column of columns) {
    const [name, type] = [ident(column), typeOf(column)];
    await session.query(
      `alter table pg_temp.${table} alter column ${name} type ${type} using ${name}::${type}`,
    );
  }
}
