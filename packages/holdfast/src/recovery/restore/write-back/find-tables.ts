/** The tables of an order on both sides: there, of one shape, with a key to tell rows by, and captured. */
import { oneLine } from '../../../model/text.ts';
import type { TargetSession } from '../../../protection/target-database.ts';
import type { WriteBackWords } from '../copy-shape.ts';
import { type Buckets, bucketsOf } from '../row-buckets.ts';
import { type SharedTable, sharedTable, shown, tableNamed } from '../table-facts.ts';
import { state } from '../write-refusals.ts';
import { checkCaptured } from './check-captured.ts';

export interface Sessions {
  /** Looks at what Holdfast keeps. */
  readonly admin: TargetSession;
  readonly copy: TargetSession;
  /** By the lesser role: what may run code of others. */
  readonly session: TargetSession;
}

export interface FoundTable {
  readonly shared: SharedTable;
  /** The root of its partitions; of all others the table itself. */
  readonly table: { readonly oid: number };
  /** Of a whole table, as it is in the copy; null: keys were chosen, and nothing else is read. */
  readonly before: Buckets | null;
  readonly keys: WriteBackWords['tables'][number]['keys'];
}

/** Always in one order, so that two of these wait for each other instead of for ever. The copy, which nobody changes, is read before the lock. */
export async function findTables(
  { admin, copy, session }: Sessions,
  tables: WriteBackWords['tables'],
): Promise<readonly FoundTable[]> {
  const found: FoundTable[] = [];
  for (const one of tables) {
    const before = await tableNamed(copy, one);
    const now = await tableNamed(session, one);
    if (before === null || now === null) {
      throw state(
        `${shown(one)} in the restored and in the live database`,
        `none in the ${before === null ? 'restored' : 'live'} one`,
        now === null
          ? 'Make the table again first: `holdfast undo list`, or its definition from the restored copy.'
          : 'Choose an earlier moment, or leave it out.',
      );
    }
    const shared = sharedTable(before, now);
    checkShape(shared);
    await checkCaptured(admin, now);
    const sums = one.keys === null ? await bucketsOf(copy, before, shared) : null;
    const table = { oid: await rootOf(session, now.oid) };
    found.push({ shared, table, before: sums, keys: one.keys });
  }
  return found.sort((a, b) => Number(a.shared.live.oid) - Number(b.shared.live.oid));
}

/** By which their foreign keys are read. */
export function rootsOf(found: readonly FoundTable[]): number[] {
  return found.map(({ table }) => table.oid);
}

async function rootOf(session: TargetSession, oid: string): Promise<number> {
  const [row] = await session.query(
    'select coalesce(pg_partition_root($1::oid::regclass), $1::oid)::oid::bigint::text as root',
    [oid],
  );
  return Number(row?.['root'] ?? oid);
}

function checkShape({ columns, key, live, restored }: SharedTable): void {
  const name = shown(live);
  if (key.length === 0) {
    throw state(
      `${name} to have the same primary key on both sides`,
      'that it has none, or another',
      'Without a key rows cannot be told apart. Compare them by hand in the restored copy.',
    );
  }
  const lost = restored.columns.filter((one) => !columns.includes(one.name));
  if (lost.length > 0) {
    throw state(
      `every column of the restored ${name} in the live one`,
      `without: ${oneLine(lost.map((one) => `${one.name} ${one.type}`).join(', '))}`,
      'Bring the columns back first, as they were.',
    );
  }
  const unfilled = live.columns.filter((one) => !columns.includes(one.name) && !one.isOptional);
  if (unfilled.length > 0) {
    throw state(
      `something for each column of ${name}`,
      `newer ones without a default: ${oneLine(unfilled.map((one) => one.name).join(', '))}`,
      'Give them a default, or let them be null.',
    );
  }
}
