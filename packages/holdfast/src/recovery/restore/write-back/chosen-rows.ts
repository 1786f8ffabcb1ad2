/** Which rows of a table are looked at on both sides: those of buckets that differ, or of the keys that were named. */
import { ident, literal } from '../../../protection/postgres/layout.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import { bucketOf, bucketsOf, differing, keyArray, keysIn } from '../row-buckets.ts';
import { type SharedTable, shown } from '../table-facts.ts';
import { keysRefused, state } from '../write-refusals.ts';
import type { FoundTable } from './find-tables.ts';
import { become, createTemp, isForeign, typesOf } from './temp-table.ts';

interface Chosen {
  /** SQL under alias `t`, for each side. */
  readonly restored: string;
  readonly live: string;
}

/** Chosen keys are looked up; only of whole tables is every live row read, while the lock is held. */
export async function chosenRows(
  session: TargetSession,
  { before, keys, shared }: FoundTable,
  at: number,
): Promise<Chosen> {
  if (keys !== null) return chosenKeys(session, shared, keys, at);
  const now = await bucketsOf(session, shared.live, shared);
  const all = differing(before ?? new Map(), now);
  const inBuckets = `${bucketOf(shared.key)} = any ('{${all.join(',')}}'::int[])`;
  return { restored: inBuckets, live: inBuckets };
}

/**
 * SQL that says that a row is one of those that are wished for. The live database reads the texts as the
 * key's own types. In the copy nothing of the user's is run: what those of a type of theirs are then, as text,
 * is what is looked for there.
 */
async function chosenKeys(
  session: TargetSession,
  { key, live }: SharedTable,
  keys: readonly (readonly string[])[],
  at: number,
): Promise<Chosen> {
  const wrong = keys.find((one) => one.length !== key.length);
  if (wrong !== undefined) {
    throw state(
      `keys of ${shown(live)} with ${key.length} value(s): ${key.join(', ')}`,
      JSON.stringify(wrong),
      'Give one value for each column of the key.',
    );
  }
  const name = `hf_keys_${at}`;
  const typeOf = typesOf(live);
  await createTemp(session, name, key, () => 'text');
  const arrays = key.map((_, place) => `$${place + 1}::text[]`).join(', ');
  await session.query(
    `insert into pg_temp.${name} select * from unnest(${arrays})`,
    key.map((_, place) => keys.map((one) => one[place])),
  );
  const types = key.map(typeOf).join(', ');
  await become(session, name, key, typeOf).catch((error: unknown) => {
    throw keysRefused(error, shown(live), types);
  });
  // Few keys are found by the table's index then.
  await session.query(`analyze pg_temp.${name}`);
  const read = await session.query(`select ${keyArray(key, 'k')} as key from pg_temp.${name} k`);
  // Nothing is written in the copy, not even a temp table: whoever wrote there is found by that.
  const listed = literal(JSON.stringify(keysIn(read)));
  const typed = key.map((one, place) => {
    const cast = isForeign(typeOf(one)) ? '' : `::${typeOf(one)}`;
    return `(e ->> ${place})${cast} as ${ident(one)}`;
  });
  const inCopy = `(select ${typed.join(', ')} from json_array_elements(${listed}::json) e)`;
  const same = (keyed: string, text: (column: string) => string): string =>
    `exists (select from ${keyed} k where ${key.map((one) => `k.${ident(one)} = ${text(one)}`).join(' and ')})`;
  return {
    restored: same(inCopy, (one) =>
      isForeign(typeOf(one)) ? `format('%s', t.${ident(one)})` : `t.${ident(one)}`,
    ),
    live: same(`pg_temp.${name}`, (one) => `t.${ident(one)}`),
  };
}
