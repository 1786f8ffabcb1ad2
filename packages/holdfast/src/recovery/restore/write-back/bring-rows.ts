/** The rows of the copy that may have to be written, in a temp table beside the live ones, and how they differ. */
import { ident } from '../../../protection/postgres/layout.ts';
import { from } from '../table-facts.ts';
import { chosenRows } from './chosen-rows.ts';
import type { FoundTable, Sessions } from './find-tables.ts';
import { become, createTemp, isForeign, typesOf } from './temp-table.ts';
import { countsOf, type WrittenTable } from './written-table.ts';

/** `at`: names the temp tables of this one. */
export async function bringRows(
  { copy, session }: Pick<Sessions, 'copy' | 'session'>,
  found: FoundTable,
  at: number,
): Promise<WrittenTable> {
  const { shared, table } = found;
  const name = `hf_restored_${at}`;
  const rows = `pg_temp.${name}`;
  const typeOf = typesOf(shared.live);
  const foreign = shared.columns.filter((column) => isForeign(typeOf(column)));
  await createTemp(session, name, shared.columns, (column) =>
    foreign.includes(column) ? 'text' : typeOf(column),
  );
  const chosen = await chosenRows(session, found, at);
  const columns = shared.columns.map((column) => ident(column)).join(', ');
  const source = `select ${columns} from ${from(shared.restored)} t where ${chosen.restored}`;
  await session.copyIn(
    `copy ${rows} (${columns}) from stdin`,
    kept(copy.copyOut(`copy (${source}) to stdout`)),
  );
  await become(session, name, foreign, typeOf);
  const key = shared.key.map((column) => ident(column)).join(', ');
  await session.query(`create index on ${rows} (${key}); analyze ${rows}`);
  const bare = { shared, table, rows, scope: chosen.live };
  return { ...bare, counts: await countsOf(session, bare) };
}

/** A chunk is valid until the next one only, and whoever reads us reads ahead. */
async function* kept(chunks: AsyncIterable<Buffer>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) yield Buffer.from(chunk);
}
