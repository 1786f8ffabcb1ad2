/**
 * Rows of a table on two sides, told apart with bounded memory: one pass on each side sums the hashes of
 * rows in 1,024 buckets by key; only rows of buckets that differ are read in order of their key, side by
 * side. Hashes are PostgreSQL's 64-bit ones, for finding differences that nobody planted to collide.
 *
 * Keys are told apart by their text: 1.0 and 1.00 in a key of type numeric are two here.
 */
import { z } from 'zod';
import { ident } from '../../protection/postgres/layout.ts';
import type { Row, TargetSession } from '../../protection/target-database.ts';
import { from, type SharedTable, type TableFacts } from './table-facts.ts';

export interface Bucket {
  readonly rows: bigint;
  readonly sum: string;
}
export type Buckets = ReadonlyMap<number, Bucket>;

/** In the order of the key; what a person can look up. */
export type KeyTexts = readonly (string | null)[];

export interface KeyDifferences {
  /** Only restored: gone from the live one. */
  readonly missing: bigint;
  /** Only live: came since, or should not be there. */
  readonly extra: bigint;
  readonly changed: bigint;
  readonly missingKeys: readonly KeyTexts[];
  readonly extraKeys: readonly KeyTexts[];
  readonly changedKeys: readonly KeyTexts[];
}

const BUCKETS = 1024;
const PAGE_ROWS = 2_000;

const BUCKET = z.object({ bucket: z.number(), rows: z.string(), sum: z.string() });
const KEY_ROW = z.object({ key: z.instanceof(Buffer), hash: z.string() });
const KEYED = z.object({ key: z.array(z.string()) });

/** SQL of the row's bucket, under alias `t`. Without a key all rows are in one. */
export function bucketOf(key: readonly string[]): string {
  if (key.length === 0) return '0';
  return `(hashtextextended(${keyArray(key, 't')}::text, 0) & ${BUCKETS - 1})::int`;
}

/** SQL of the row as text, of the columns that both sides have, under `alias`. */
export function rowText(columns: readonly string[], alias: string): string {
  return `row(${columns.map((name) => `${alias}.${ident(name)}`).join(', ')})::text`;
}

/**
 * By the output function of each type, which `format` calls: a cast to text may be anybody's function, and
 * would run as the admin.
 */
export function keyArray(key: readonly string[], alias: string): string {
  return `json_build_array(${key.map((name) => `format('%s', ${alias}.${ident(name)})`).join(', ')})`;
}

/** Of rows with a `keyArray` as `key`; no column of a primary key is null. */
export function keysIn(rows: readonly Row[]): string[][] {
  return z
    .array(KEYED)
    .parse(rows)
    .map(({ key }) => key);
}

export async function bucketsOf(
  session: TargetSession,
  table: TableFacts,
  { columns, key }: SharedTable,
): Promise<Buckets> {
  const rows = await session.query(
    `select ${bucketOf(key)} as bucket, count(*)::text as rows,
       sum(hashtextextended(${rowText(columns, 't')}, 0))::text as sum
     from ${from(table)} t group by 1`,
  );
  const parsed = z.array(BUCKET).parse(rows);
  return new Map(
    parsed.map(({ bucket, rows: count, sum }) => [bucket, { rows: BigInt(count), sum }]),
  );
}

export function rowsIn(buckets: Buckets): bigint {
  return [...buckets.values()].reduce((sum, { rows }) => sum + rows, 0n);
}

export function differing(one: Buckets, other: Buckets): readonly number[] {
  const all = new Set([...one.keys(), ...other.keys()]);
  return [...all]
    .filter((bucket) => {
      const [a, b] = [one.get(bucket), other.get(bucket)];
      return a?.rows !== b?.rows || a?.sum !== b?.sum;
    })
    .sort((a, b) => a - b);
}

/** Both sessions are in a transaction of their own. */
export async function compareKeys(
  sides: { readonly restored: TargetSession; readonly live: TargetSession },
  table: SharedTable,
  buckets: readonly number[],
  keysMax: number,
  onRows: (rows: number) => void,
): Promise<KeyDifferences> {
  const found = { missing: 0n, extra: 0n, changed: 0n };
  const keys: Record<keyof typeof found, KeyTexts[]> = { missing: [], extra: [], changed: [] };
  const add = (kind: keyof typeof found, key: Buffer): void => {
    found[kind] += 1n;
    if (keys[kind].length < keysMax) keys[kind].push(readKey(key));
  };
  const restored = new Side(sides.restored, table.restored, table, buckets, onRows);
  const live = new Side(sides.live, table.live, table, buckets, onRows);
  let [before, now] = [await restored.next(), await live.next()];
  while (before !== null || now !== null) {
    const order = before === null ? 1 : now === null ? -1 : Buffer.compare(before.key, now.key);
    if (before !== null && now !== null && order === 0) {
      if (before.hash !== now.hash) add('changed', before.key);
    } else if (before !== null && order < 0) add('missing', before.key);
    else if (now !== null) add('extra', now.key);
    if (order <= 0) before = await restored.next();
    if (order >= 0) now = await live.next();
  }
  await restored.end();
  await live.end();
  const { changed: changedKeys, extra: extraKeys, missing: missingKeys } = keys;
  return { ...found, missingKeys, extraKeys, changedKeys };
}

type KeyRow = Readonly<z.output<typeof KEY_ROW>>;

/** A cursor, a page at a time. */
class Side {
  readonly #session: TargetSession;
  readonly #sql: string;
  readonly #onRows: (rows: number) => void;
  #page: readonly KeyRow[] = [];
  #at = 0;
  #state: 'new' | 'open' | 'done' = 'new';

  constructor(
    session: TargetSession,
    table: TableFacts,
    { columns, key }: SharedTable,
    buckets: readonly number[],
    onRows: (rows: number) => void,
  ) {
    this.#session = session;
    this.#onRows = onRows;
    // By the bytes of UTF-8, so that both servers and we agree whatever their collations are.
    this.#sql = `declare hf_keys no scroll cursor for
      select convert_to(${keyArray(key, 't')}::text, 'UTF8') as key,
        hashtextextended(${rowText(columns, 't')}, 0)::text as hash
      from ${from(table)} t where ${bucketOf(key)} = any ('{${buckets.join(',')}}'::int[]) order by 1`;
  }

  async next(): Promise<KeyRow | null> {
    if (this.#at === this.#page.length) await this.#turn();
    const row = this.#page[this.#at] ?? null;
    this.#at += 1;
    return row;
  }

  async end(): Promise<void> {
    if (this.#state !== 'new') await this.#session.query('close hf_keys');
  }

  async #turn(): Promise<void> {
    this.#at = 0;
    this.#page = [];
    if (this.#state === 'done') return;
    if (this.#state === 'new') await this.#session.query(this.#sql);
    this.#state = 'open';
    const rows = await this.#session.query(`fetch forward ${PAGE_ROWS} from hf_keys`);
    this.#page = z.array(KEY_ROW).parse(rows);
    this.#onRows(rows.length);
    if (rows.length < PAGE_ROWS) this.#state = 'done';
  }
}

const KEY = z.array(z.string().nullable());

function readKey(bytes: Buffer): KeyTexts {
  return KEY.parse(JSON.parse(bytes.toString('utf8')));
}
