/**
 * Everything of a database that must be equal after an undo: every row of every table, every definition
 * that pg_dump would write and some that it would not, every sequence where it stood. Two snapshots are
 * compared line by line; the difference is text that a person can act on.
 *
 * Rows are compared as the server writes them, with pinned settings; order does not count, multiplicity
 * does. It will not look into `holdfast*` schemas, nor at roles named so: they are ours, not the
 * company's. It reads as superuser, so that no policy hides a row from it.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';
import { CATALOG } from './snapshot-catalog.ts';

/** Debian's; it refuses servers that are newer than itself. */
const PG_DUMP = '/usr/lib/postgresql/15/bin/pg_dump';
const PG_DUMP_MAJOR = 15;
/** Rows of a table are kept as text up to this many, beyond it as a checksum: a test machine's memory. */
const ROWS_KEPT_MAX = 200_000;
/** Of one table or section, how many differences are shown. */
const LINES_SHOWN_MAX = 12;

export interface SnapshotOptions {
  /**
   * Tables of which the order of columns does not count (`public.orders`): PostgreSQL cannot put a column
   * back between others, so one that was dropped comes back as the last. All else of them counts.
   */
  readonly columnOrderFreeOf?: readonly string[];
}

/** Lines by section (`rows public.orders`, `columns`, `sequences` ...), in no order that counts. */
export type Snapshot = ReadonlyMap<string, readonly string[]>;

export async function takeSnapshot(
  url: string,
  { columnOrderFreeOf: free = [] }: SnapshotOptions = {},
): Promise<Snapshot> {
  const client = new pg.Client({
    connectionString: url,
    options:
      '-c search_path=pg_catalog -c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC ' +
      '-c extra_float_digits=1 -c bytea_output=hex -c xmloption=content',
  });
  await client.connect();
  const sections = new Map<string, readonly string[]>();
  try {
    // One snapshot for all of it.
    await client.query('begin isolation level repeatable read read only');
    for (const [name, sql] of Object.entries(CATALOG)) sections.set(name, await lines(client, sql));
    const columns = (sections.get('columns') ?? []).map((line) => withoutPlace(line, free));
    sections.set('columns', columns);
    for (const table of await lines(client, TABLES)) {
      sections.set(`rows ${table}`, await rowsOf(client, table, free.includes(table)));
    }
    sections.set('sequences', await sequencesOf(client));
    await client.query('commit');
    const version = await lines(client, "select current_setting('server_version_num') as line");
    if (Math.floor(Number(version[0]) / 10_000) <= PG_DUMP_MAJOR && existsSync(PG_DUMP)) {
      const texts = await dumped(url);
      sections.set(
        'pg_dump',
        texts.map((text) => withoutOrder(text, free)),
      );
    }
  } finally {
    await client.end();
  }
  return sections;
}

/** '' when equal; otherwise what went (`-`) and what came (`+`), by section. */
export function differenceOf(before: Snapshot, after: Snapshot): string {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const parts = names.flatMap((name) => {
    const left = counted(before.get(name) ?? []);
    const right = counted(after.get(name) ?? []);
    const changed = [...missingFrom(left, right, '-'), ...missingFrom(right, left, '+')];
    if (changed.length === 0 && before.has(name) === after.has(name)) return [];
    const shown = changed.slice(0, LINES_SHOWN_MAX).map((line) => `  ${line}`);
    const more = changed.length - shown.length;
    const existence = before.has(name) ? (after.has(name) ? '' : ': gone') : ': new';
    return [`${name}${existence}`, ...shown, ...(more > 0 ? [`  ... ${more} more`] : [])];
  });
  return parts.join('\n');
}

/** For what a program is said to move on: these sequences are left out, all others count. */
export function withoutSequences(snapshot: Snapshot, names: readonly string[]): Snapshot {
  const left = (snapshot.get('sequences') ?? []).filter(
    (line) => !names.some((name) => line.startsWith(`${name} `)),
  );
  return new Map([...snapshot, ['sequences', left]]);
}

/** Rows in all tables, for a test that wants to say how much it was about. */
export function rowCount(snapshot: Snapshot): number {
  let count = 0;
  for (const [name, rows] of snapshot) if (name.startsWith('rows ')) count += rows.length;
  return count;
}

function counted(all: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const line of all) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}

function missingFrom(
  left: ReadonlyMap<string, number>,
  right: ReadonlyMap<string, number>,
  sign: string,
): string[] {
  return [...left].flatMap(([line, count]) => {
    const over = count - (right.get(line) ?? 0);
    return over > 0 ? [`${sign} ${line}${over > 1 ? ` (${over} times)` : ''}`] : [];
  });
}

async function lines(client: pg.Client, sql: string): Promise<string[]> {
  const found = await client.query<{ line: string }>(sql);
  return found.rows.map(({ line }) => line);
}

/** Tables, and views that hold rows; a partitioned table's rows lie in its partitions. */
const TABLES = `
  select format('%I.%I', n.nspname, c.relname) as line
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'm') and c.relispopulated and c.relpersistence <> 't'
     and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
     and n.nspname not like 'holdfast%' order by 1`;

async function rowsOf(client: pg.Client, table: string, byName: boolean): Promise<string[]> {
  const size = await client.query<{ n: string }>(`select count(*) as n from only ${table}`);
  const count = Number(size.rows[0]?.n);
  if (count <= ROWS_KEPT_MAX) {
    // `t.*`, not `t`: a column may be named as the alias is.
    const row = byName ? await rowByName(client, table) : '(t.*)';
    return lines(client, `select ${row}::text as line from only ${table} t`);
  }
  const sums = [1, 2].map((seed) => `sum(hashtextextended((t.*)::text, ${seed})::numeric)`);
  return lines(
    client,
    `select format('%s rows, checksum %s', count(*), ${sums.join(" || '/' || ")}) as line
       from only ${table} t`,
  );
}

async function rowByName(client: pg.Client, table: string): Promise<string> {
  const names = await lines(
    client,
    `select quote_ident(attname) as line from pg_attribute
      where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped order by attname`,
  );
  return `row(${names.map((name) => `t.${name}`).join(', ')})`;
}

/** `public.orders 3 note text ...` without the 3. */
function withoutPlace(line: string, free: readonly string[]): string {
  const table = free.find((name) => line.startsWith(`${name} `));
  return table === undefined ? line : line.replace(/ \d+ /, ' ');
}

function withoutOrder(text: string, free: readonly string[]): string {
  if (!free.some((name) => text.startsWith(`CREATE TABLE ${name} (`))) return text;
  return text
    .split('\n')
    .map((line) => line.replace(/,$/, ''))
    .sort()
    .join('\n');
}

async function sequencesOf(client: pg.Client): Promise<string[]> {
  const names = await lines(
    client,
    `select format('%I.%I', schemaname, sequencename) as line from pg_sequences
      where schemaname not like 'holdfast%' order by 1`,
  );
  const found: string[] = [];
  for (const name of names) {
    const sql = `select last_value || ' ' || is_called as line from ${name}`;
    found.push(`${name} ${(await lines(client, sql)).join()}`);
  }
  return found;
}

/**
 * pg_dump -s, one statement a line. Grants of one object come in the order of its acl, which says
 * nothing; a comparison of lines without order does not see it.
 */
async function dumped(url: string): Promise<string[]> {
  const args = ['-s', '-N', 'holdfast', '-N', 'holdfast_trash_*', '-d', url];
  const { stdout } = await promisify(execFile)(PG_DUMP, args, { maxBuffer: 64 * 1024 * 1024 });
  return stdout
    .split(/\n{2,}/)
    .map((text) => text.trim())
    .filter((text) => text !== '' && !/^\\(un)?restrict /.test(text));
}
