/**
 * Rows of a restored copy back into the live database: of whole tables, or of some keys of one. In this
 * order, in ONE transaction of the live target:
 *
 *   the session named -> tables found, the same enough on both sides, captured -> whole ones summed up in the
 *     copy -> locked, with tables that refer to rows that may go -> buckets that differ, or the keys alone -> COPY
 *     from the copy into temp tables -> plan (missing, changed, extra), what a foreign key or a unique index would
 *     refuse, and what the server would delete or change beyond it (`write-reach.ts`) -> inserted, parents first;
 *     set back; deleted, children first -> counted
 *
 * Capture is in the same transaction, so what was written is an undo item by itself, and can be taken back
 * like anything else. A table that is not captured is refused.
 *
 * Rows that are there with other values are conflicts: shown, and left alone unless chosen. Rows that came
 * since stay unless chosen. The user's triggers fire, and foreign keys are checked by the server: a row that
 * a trigger swallows or changes takes everything back. Sequences are not touched.
 *
 * A preview reads one snapshot, writes temp tables only, locks nothing, and is true of its moment.
 */
import { z } from 'zod';
import type { Clock } from '../../model/clock.ts';
import { HoldfastError } from '../../model/errors.ts';
import { newId } from '../../model/ids.ts';
import { oneLine } from '../../model/text.ts';
import { ident, literal } from '../../protection/postgres/layout.ts';
import { lesserSessions } from '../../protection/postgres/undo/lesser-session.ts';
import {
  type ForeignKey,
  parentsFirst,
  readForeignKeys,
} from '../../protection/postgres/undo/references.ts';
import type { TargetDatabase, TargetSession } from '../../protection/target-database.ts';
import {
  type CommitEnd,
  type CommitMark,
  commitEnd,
  commitMark,
  writtenUnknown,
} from './lost-commit.ts';
import { inBounds, PREVIEW_TIME, type PreviewTime } from './preview-time.ts';
import {
  type Buckets,
  bucketOf,
  bucketsOf,
  differing,
  type KeyTexts,
  rowText,
} from './row-buckets.ts';
import {
  from,
  type SharedTable,
  sharedTable,
  shown,
  type TableName,
  tableNamed,
} from './table-facts.ts';
import { reached, reachingKeys, setColumns } from './write-reach.ts';
import { keysRefused, refused, state } from './write-refusals.ts';

export interface WriteBackTable extends TableName {
  /** Texts in the order of the primary key; null: the whole table. */
  readonly keys: readonly KeyTexts[] | null;
}

export interface WriteBackOrder {
  readonly tables: readonly WriteBackTable[];
  /** Rows that are there with other values. */
  readonly changed: 'keep' | 'set-back';
  /** Rows that are only in the live database. */
  readonly extra: 'keep' | 'delete';
  readonly mode: 'preview' | 'apply';
}

export interface WriteBackParts {
  readonly restored: TargetDatabase;
  /** By Holdfast's own credential. */
  readonly live: TargetDatabase;
  readonly clock: Clock;
  readonly onProgress: (progress: WriteBackProgress) => void;
  /** Of a preview; left out: `PREVIEW_TIME`. */
  readonly look?: PreviewTime;
  /** Before anything is committed, with everything done; throwing takes all of it back. */
  readonly beforeCommit?: (report: WriteBackReport) => void;
}

export interface WriteBackProgress {
  readonly phase: 'comparing' | 'copying' | 'writing';
  readonly table: string;
  readonly rows: number;
}

export interface WriteBackTableReport extends TableName {
  /** Done, or to be done in a preview. */
  readonly inserted: number;
  readonly setBack: number;
  readonly deleted: number;
  /** There with other values, and kept. */
  readonly conflicts: number;
  readonly conflictKeys: readonly KeyTexts[];
  /** Came since, and kept. */
  readonly extraKept: number;
}

export interface WriteBackReport {
  /** Id in the session's name: the undo item's `application` ends with it. Null in a preview. */
  readonly id: string | null;
  readonly tables: readonly WriteBackTableReport[];
  /** Sentences; anything here makes an apply fail. Of a preview only. */
  readonly wouldFail: readonly string[];
  /** Sentences: triggers that fire, columns that are left to their default. */
  readonly notes: readonly string[];
}

const CONFLICT_KEYS_SHOWN_MAX = 20;

/**
 * Rejects with HF_RESTORE_STATE, and nothing was changed then; with HF_RESTORE_UNKNOWN when the connection ended
 * during COMMIT and the server would not say what came of it.
 */
export async function writeBack(
  order: WriteBackOrder,
  parts: WriteBackParts,
): Promise<WriteBackReport> {
  const { clock, live, restored } = parts;
  const isLook = order.mode === 'preview';
  const id = newId('restore', clock);
  const application = `holdfast restore ${id}`;
  const isolation = isLook ? 'repeatable read' : 'read committed';
  const ended: { committing: Committing | null; report: WriteBackReport | null } = {
    committing: null,
    report: null,
  };
  const bounded = isLook
    ? inBounds(clock, parts.look ?? PREVIEW_TIME)
    : async (session: TargetSession) => session;
  const work = restored.transaction('repeatable read', async (ofCopy) => {
    const copy = await bounded(ofCopy);
    await copy.query('set local row_security = off');
    ended.report = await live
      .transaction(isolation, async (ofLive) => {
        const admin = await bounded(ofLive);
        await admin.query(`select set_config('application_name', $1, true)`, [application]);
        const { rows: session } = await lesserSessions(admin);
        const report = await written({ admin, copy, session, id }, order, parts);
        if (isLook) throw new Looked(report);
        parts.beforeCommit?.(report);
        ended.committing = { report, mark: await commitMark(admin) };
        return report;
      })
      .catch(async (error: unknown) => {
        if (error instanceof Looked) return error.report;
        const { committing } = ended;
        if (!isLost(error) || committing === null) throw refused(error);
        const end = await commitEnd(live, committing.mark, application, clock);
        return settled(committing.report, end, application, error);
      });
    return ended.report;
  });
  return work.catch((error: unknown) => {
    // A copy that goes away after it was read changes nothing of what was done.
    if (ended.report !== null) return ended.report;
    throw error;
  });
}

const LOOKED_UP =
  'The connection ended while it was committed; that it was done, the server said afterwards.';

function settled(
  report: WriteBackReport,
  end: CommitEnd,
  application: string,
  cause: unknown,
): WriteBackReport {
  switch (end) {
    case 'done':
      return { ...report, notes: [...report.notes, LOOKED_UP] };
    case 'not-done':
      throw state(
        'an answer to COMMIT',
        'that the connection ended; the server says that nothing was committed',
        'Nothing was changed. Try again when the target answers.',
        cause,
      );
    case 'unknown':
      throw writtenUnknown(application, cause);
    default:
      return end satisfies never;
  }
}

interface Committing {
  readonly report: WriteBackReport;
  readonly mark: CommitMark;
}

function isLost(error: unknown): boolean {
  return error instanceof HoldfastError && error.code === 'HF_UPSTREAM_LOST';
}

/** A preview ends without a commit, so that nothing of it stays. */
class Looked extends Error {
  readonly report: WriteBackReport;
  constructor(report: WriteBackReport) {
    super('looked');
    this.report = report;
  }
}

interface Work {
  /** Looks at what Holdfast keeps. */
  readonly admin: TargetSession;
  readonly copy: TargetSession;
  /** By the lesser role: what may run code of others. */
  readonly session: TargetSession;
  readonly id: string;
}

interface Plan {
  readonly shared: SharedTable;
  /** For `parentsFirst`: the root of its partitions; of all others the table itself. */
  readonly table: { readonly oid: number };
  /** A temp table: the rows of the copy. */
  readonly rows: string;
  /** SQL under alias `t`: the live rows that are looked at. */
  readonly scope: string;
  readonly counts: Counts;
}

const COUNTS = z.object({
  missing: z.coerce.number(),
  changed: z.coerce.number(),
  extra: z.coerce.number(),
});
type Counts = Readonly<z.output<typeof COUNTS>>;

async function written(
  work: Work,
  order: WriteBackOrder,
  parts: WriteBackParts,
): Promise<WriteBackReport> {
  const { session } = work;
  await session.query('set local row_security = off');
  const { foreign, found } = await place(work, order, parts);
  const oids = found.map(({ shared }) => Number(shared.live.oid));
  const plans: Plan[] = [];
  for (const [at, one] of found.entries()) plans.push(await plan(work, one, at, parts));
  const ordered = parentsFirst(plans, foreign);
  const notes = [
    ...(await notesOn(session, oids)),
    ...found.flatMap(({ shared }) => leftOut(shared)),
  ];
  const conflictKeys = await conflictsOf(work, plans, order);
  const reports = plans.map((one, at) => reportOf(one, order, conflictKeys[at] ?? []));
  if (order.mode === 'preview') {
    const wouldFail = await failing(work, ordered, foreign, order);
    return { id: null, tables: reports, wouldFail, notes };
  }
  const beyond = await reached(session, plans, foreign, order);
  if (beyond.length > 0) throw beyondOrder(beyond);
  await write(work, ordered, order, parts);
  return { id: work.id, tables: reports, wouldFail: [], notes };
}

interface Found {
  readonly shared: SharedTable;
  readonly table: Plan['table'];
  /** Of a whole table, as it is in the copy; null: keys were chosen, and nothing else is read. */
  readonly before: Buckets | null;
  readonly keys: readonly KeyTexts[] | null;
}

/** What differs is looked for in these rows only. */
interface Chosen {
  /** SQL under alias `t`, for each side. */
  readonly restored: string;
  readonly live: string;
}

/** Always in one order, so that two of these wait for each other instead of for ever. The copy, which nobody changes, is read before the lock. */
async function place(
  { admin, copy, session }: Work,
  order: WriteBackOrder,
  { onProgress }: WriteBackParts,
): Promise<{ readonly found: readonly Found[]; readonly foreign: readonly ForeignKey[] }> {
  const found: Found[] = [];
  for (const one of order.tables) {
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
    await checkCaptured(admin, shared);
    onProgress({ phase: 'comparing', table: shown(one), rows: 0 });
    const sums = one.keys === null ? await bucketsOf(copy, shared.restored, shared) : null;
    const table = { oid: await rootOf(session, shared) };
    found.push({ shared, table, before: sums, keys: one.keys });
  }
  found.sort((a, b) => Number(a.shared.live.oid) - Number(b.shared.live.oid));
  const roots = found.map(({ table }) => table.oid);
  const foreign = await readForeignKeys(session, roots);
  if (order.mode === 'preview') return { found, foreign };
  const locked = new Map([
    ...reachingKeys(found, foreign, order).map((key) => [key.childAt, key.childSql] as const),
    ...found.map(({ shared }) => [Number(shared.live.oid), from(shared.live)] as const),
  ]);
  for (const [, table] of [...locked].sort(([a], [b]) => a - b)) {
    await session.query(`lock table ${table} in share row exclusive mode`);
  }
  // Nobody makes another one of these tables now.
  const now = await readForeignKeys(session, roots);
  const other = reachingKeys(found, now, order).find((key) => !locked.has(key.childAt));
  if (other === undefined) return { found, foreign: now };
  throw state(
    'the foreign keys of these tables as they were a moment ago',
    `another one, of ${other.childShown} (${other.name})`,
    'Nothing was changed. Try again.',
  );
}

async function rootOf(session: TargetSession, { live }: SharedTable): Promise<number> {
  const [row] = await session.query(
    'select coalesce(pg_partition_root($1::oid::regclass), $1::oid)::oid::bigint::text as root',
    [live.oid],
  );
  return Number(row?.['root'] ?? live.oid);
}

/** What the server would do to them no bound counts, and nobody asked for. */
function beyondOrder(sentences: readonly string[]): HoldfastError {
  return state(
    'nothing but the rows that were named to be deleted or changed',
    sentences.join(' '),
    'Nothing was changed. Name the tables that refer to these rows too, or keep the rows that they refer to.',
  );
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

/** All of its leaves: a part that nothing captures could not be taken back. */
export async function checkCaptured(
  session: TargetSession,
  { live }: { readonly live: TableName & { readonly oid: string } },
): Promise<void> {
  const name = shown(live);
  const hint =
    'Run `holdfast protect TARGET --apply`, so that it can be taken back; then try again.';
  const [ours] = await session.query(
    `select to_regprocedure('holdfast.faults(regclass)') is not null as ours`,
  );
  if (ours?.['ours'] !== true) throw state(`${name} to be protected`, 'that it is not', hint);
  const faults = await session.query(
    `select r.relid::text as "table", f.fault
       from (select relid from pg_partition_tree($1::oid::regclass) where isleaf
             union select $1::oid::regclass) r(relid), holdfast.faults(r.relid::regclass) f(fault)`,
    [live.oid],
  );
  const [first] = faults;
  if (first === undefined) return;
  throw state(`${name} to be captured`, `${String(first['fault'])}`, hint);
}

async function plan(work: Work, one: Found, at: number, parts: WriteBackParts): Promise<Plan> {
  const { copy, session } = work;
  const { shared } = one;
  const { live, restored } = shared;
  const table = shown(live);
  const tell = (phase: WriteBackProgress['phase'], rows: number): void =>
    parts.onProgress({ phase, table, rows });
  const columns = shared.columns.map((name) => ident(name)).join(', ');
  const rows = `hf_restored_${at}`;
  const types = new Map(live.columns.map(({ name, type }) => [name, type]));
  const foreign = shared.columns.filter((name) => isForeign(types.get(name)));
  await session.query(tempSql(rows, shared.columns, (name) => carriedAs(types.get(name))));
  const chosen = await chosenRows(work, one, at);
  const source = `select ${columns} from ${from(restored)} t where ${chosen.restored}`;
  const copied = counting(copy.copyOut(`copy (${source}) to stdout`), (bytes) =>
    tell('copying', bytes),
  );
  await session.copyIn(`copy pg_temp.${rows} (${columns}) from stdin`, copied);
  for (const name of foreign) await session.query(typedSql(rows, name, types.get(name)));
  const joined = shared.key.map((name) => ident(name)).join(', ');
  await session.query(`create index on pg_temp.${rows} (${joined}); analyze pg_temp.${rows}`);
  const scope = chosen.live;
  const bare = { shared, table: one.table, rows: `pg_temp.${rows}`, scope };
  return { ...bare, counts: await countsOf(session, bare) };
}

/** Chosen keys are looked up; only of whole tables is every live row read, while the lock is held. */
async function chosenRows(
  work: Work,
  { before, keys, shared }: Found,
  at: number,
): Promise<Chosen> {
  if (keys !== null) return chosenKeys(work, shared, keys, at);
  const now = await bucketsOf(work.session, shared.live, shared);
  const all = differing(before ?? new Map(), now);
  const inBuckets = `${bucketOf(shared.key)} = any ('{${all.join(',')}}'::int[])`;
  return { restored: inBuckets, live: inBuckets };
}

/**
 * What a type of the user's does on its way in (the check of a domain) may be anybody's code, and rows come
 * in as the admin: so it is carried as text, and becomes what it is by the lesser role.
 */
function isForeign(type: string | undefined): boolean {
  return type === undefined || type.includes('.');
}

function carriedAs(type: string | undefined): string {
  return type === undefined || isForeign(type) ? 'text' : type;
}

function tempSql(
  name: string,
  columns: readonly string[],
  typeOf: (column: string) => string,
): string {
  const typed = columns.map((column) => `${ident(column)} ${typeOf(column)}`);
  return `create temp table ${name} (${typed.join(', ')}) on commit drop`;
}

function typedSql(table: string, column: string, type: string | undefined): string {
  const name = ident(column);
  return `alter table pg_temp.${table} alter column ${name} type ${type ?? 'text'} using ${name}::${type ?? 'text'}`;
}

/**
 * SQL that says that a row is one of those that are wished for. The live database reads the texts as the
 * key's own types. In the copy nothing of the user's is run: what those of a type of theirs are then, as text,
 * is what is looked for there.
 */
async function chosenKeys(
  { session }: Pick<Work, 'session'>,
  { key, live }: SharedTable,
  keys: readonly KeyTexts[],
  at: number,
): Promise<Chosen> {
  const wrong = keys.find((one) => one.length !== key.length || one.includes(null));
  if (wrong !== undefined) {
    throw state(
      `keys of ${shown(live)} with ${key.length} value(s): ${key.join(', ')}`,
      JSON.stringify(wrong),
      'Give one value for each column of the key.',
    );
  }
  const name = `hf_keys_${at}`;
  const types = new Map(live.columns.map((column) => [column.name, column.type]));
  await session.query(tempSql(name, key, () => 'text'));
  await session.query(...fillSql(name, key, keys));
  const typesOfKey = key.map((one) => types.get(one) ?? 'text').join(', ');
  for (const one of key) {
    await session.query(typedSql(name, one, types.get(one))).catch((error: unknown) => {
      throw keysRefused(error, shown(live), typesOfKey);
    });
  }
  // Few keys are found by the table's index then.
  await session.query(`analyze pg_temp.${name}`);
  const texts = key.map((one) => `format('%s', k.${ident(one)})`);
  const read = await session.query(
    `select json_build_array(${texts.join(', ')}) as key from pg_temp.${name} k`,
  );
  const canonical = z.array(KEY_ROW).parse(read);
  // Nothing is written in the copy, not even a temp table: whoever wrote there is found by that.
  const listed = literal(JSON.stringify(canonical.map((row) => row.key)));
  const typed = key.map((one, place) => {
    const type = types.get(one);
    return `(e ->> ${place})${isForeign(type) ? '' : `::${type}`} as ${ident(one)}`;
  });
  const inCopy = `(select ${typed.join(', ')} from json_array_elements(${listed}::json) e)`;
  const same = (keyed: string, text: (column: string) => string): string =>
    `exists (select from ${keyed} k where ${key.map((one) => `k.${ident(one)} = ${text(one)}`).join(' and ')})`;
  return {
    restored: same(inCopy, (one) =>
      isForeign(types.get(one)) ? `format('%s', t.${ident(one)})` : `t.${ident(one)}`,
    ),
    live: same(`pg_temp.${name}`, (one) => `t.${ident(one)}`),
  };
}

const KEY_ROW = z.object({ key: z.array(z.string()) });

function fillSql(
  table: string,
  key: readonly string[],
  keys: readonly KeyTexts[],
): [sql: string, values: readonly unknown[]] {
  const arrays = key.map((_, place) => `$${place + 1}::text[]`).join(', ');
  return [
    `insert into pg_temp.${table} select * from unnest(${arrays})`,
    key.map((_, place) => keys.map((one) => one[place] ?? null)),
  ];
}

async function* counting(
  chunks: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.length;
    onBytes(bytes);
    // A chunk is valid until the next one only, and whoever reads us reads ahead.
    yield Buffer.from(chunk);
  }
}

type Bare = Omit<Plan, 'counts'>;

function onKey({ shared }: Bare): string {
  return shared.key.map((name) => `r.${ident(name)} = t.${ident(name)}`).join(' and ');
}

function differs({ shared }: Bare): string {
  return `${rowText(shared.columns, 'r')} is distinct from ${rowText(shared.columns, 't')}`;
}

async function countsOf(session: TargetSession, one: Bare): Promise<Counts> {
  const live = from(one.shared.live);
  const [row] = await session.query(`
    select (select count(*) from ${one.rows} r
             where not exists (select from ${live} t where ${onKey(one)}))::text as missing,
      (select count(*) from ${one.rows} r join ${live} t on ${onKey(one)} where ${differs(one)})::text as changed,
      (select count(*) from ${live} t where ${one.scope}
          and not exists (select from ${one.rows} r where ${onKey(one)}))::text as extra`);
  return COUNTS.parse(row);
}

async function conflictsOf(
  { session }: Work,
  plans: readonly Plan[],
  { changed }: WriteBackOrder,
): Promise<readonly (readonly KeyTexts[])[]> {
  const all: (readonly KeyTexts[])[] = [];
  for (const one of plans) {
    if (changed === 'set-back' || one.counts.changed === 0) {
      all.push([]);
      continue;
    }
    const key = one.shared.key.map((name) => `format('%s', t.${ident(name)})`).join(', ');
    const rows = await session.query(`
      select json_build_array(${key}) as key from ${one.rows} r join ${from(one.shared.live)} t on ${onKey(one)}
       where ${differs(one)} order by ${one.shared.key.map((name) => `t.${ident(name)}`).join(', ')}
       limit ${CONFLICT_KEYS_SHOWN_MAX}`);
    all.push(
      z
        .array(z.object({ key: z.array(z.string()) }))
        .parse(rows)
        .map(({ key: text }) => text),
    );
  }
  return all;
}

function reportOf(
  { counts, shared }: Plan,
  { changed, extra }: WriteBackOrder,
  conflictKeys: readonly KeyTexts[],
): WriteBackTableReport {
  const { name, schema } = shared.live;
  const isSetBack = changed === 'set-back';
  return {
    schema,
    name,
    inserted: counts.missing,
    setBack: isSetBack ? counts.changed : 0,
    deleted: extra === 'delete' ? counts.extra : 0,
    conflicts: isSetBack ? 0 : counts.changed,
    conflictKeys,
    extraKept: extra === 'delete' ? 0 : counts.extra,
  };
}

async function write(
  { session }: Work,
  plans: readonly Plan[],
  order: WriteBackOrder,
  { onProgress }: WriteBackParts,
): Promise<void> {
  const tell = ({ shared }: Plan, rows: number): void =>
    onProgress({ phase: 'writing', table: shown(shared.live), rows });
  const run = async (one: Plan, sql: string, expected: number): Promise<void> => {
    tell(one, 0);
    const [row] = await session.query(
      `with hf_done as (${sql} returning 1) select count(*)::int as n from hf_done`,
    );
    if (row?.['n'] !== expected) throw swallowed(one, expected, Number(row?.['n'] ?? 0));
    tell(one, expected);
  };
  for (const one of plans)
    if (one.counts.missing > 0) await run(one, insertSql(one), one.counts.missing);
  const changes = order.changed === 'set-back' ? plans : [];
  for (const one of changes)
    if (one.counts.changed > 0) await run(one, updateSql(one), one.counts.changed);
  const removals = order.extra === 'delete' ? [...plans].reverse() : [];
  for (const one of removals)
    if (one.counts.extra > 0) await run(one, deleteSql(one), one.counts.extra);
  for (const one of plans) {
    const left = await countsOf(session, one);
    const isLeft =
      left.missing > 0 ||
      left.changed !== (order.changed === 'set-back' ? 0 : one.counts.changed) ||
      left.extra !== (order.extra === 'delete' ? 0 : one.counts.extra);
    if (isLeft) throw altered(one);
  }
}

function writable({ live, columns }: SharedTable): readonly string[] {
  const generated = live.columns.filter(({ isGenerated }) => isGenerated).map(({ name }) => name);
  return columns.filter((name) => !generated.includes(name)).map((name) => ident(name));
}

function insertSql(one: Plan): string {
  const { live } = one.shared;
  const columns = writable(one.shared);
  return `insert into ${ident(live.schema)}.${ident(live.name)} (${columns.join(', ')}) overriding system value
    select ${columns.map((name) => `r.${name}`).join(', ')} from ${one.rows} r
     where not exists (select from ${from(live)} t where ${onKey(one)})`;
}

function updateSql(one: Plan): string {
  const sets = setColumns(one.shared).map((name) => ident(name));
  return `update ${from(one.shared.live)} t set ${sets.map((name) => `${name} = r.${name}`).join(', ')}
    from ${one.rows} r where ${onKey(one)} and ${differs(one)}`;
}

function deleteSql(one: Plan): string {
  return `delete from ${from(one.shared.live)} t where ${one.scope}
    and not exists (select from ${one.rows} r where ${onKey(one)})`;
}

/** What the server would say no to; of foreign keys those that point out of the rows that are put in. */
async function failing(
  { session }: Work,
  plans: readonly Plan[],
  foreign: readonly ForeignKey[],
  order: WriteBackOrder,
): Promise<readonly string[]> {
  const sentences: string[] = [];
  for (const key of foreign) {
    const parents = plans.filter(({ table }) => table.oid === key.parent);
    for (const child of plans.filter(({ table }) => table.oid === key.child)) {
      if (child.counts.missing === 0) continue;
      const count = await orphansOf(session, child, parents, key);
      if (count > 0)
        sentences.push(
          `${count} row(s) of ${oneLine(key.childShown)} refer to rows of ${oneLine(key.parentShown)} that are not there (${oneLine(key.name)}): write that table back too.`,
        );
    }
  }
  sentences.push(...(await reached(session, plans, foreign, order)));
  for (const one of plans) sentences.push(...(await clashes(session, one)));
  return sentences;
}

async function orphansOf(
  session: TargetSession,
  child: Plan,
  parents: readonly Plan[],
  key: ForeignKey,
): Promise<number> {
  const pairs = key.childColumns.map((name, at) => [name, key.parentColumns[at] ?? name] as const);
  const on = (alias: string): string =>
    pairs.map(([mine, theirs]) => `${alias}.${ident(theirs)} = r.${ident(mine)}`).join(' and ');
  const isSet = pairs.map(([mine]) => `r.${ident(mine)} is not null`).join(' and ');
  const inCopy = parents
    .map(({ rows }) => ` and not exists (select from ${rows} p where ${on('p')})`)
    .join('');
  const [row] = await session.query(`
    select count(*)::int as n from ${child.rows} r
     where not exists (select from ${from(child.shared.live)} t where ${onKey(child)}) and ${isSet}
       and not exists (select from ${key.parentSql} p where ${on('p')})${inCopy}`);
  return Number(row?.['n'] ?? 0);
}

const UNIQUE = z.object({ name: z.string(), columns: z.array(z.string()) });

/** Plain unique indexes; those of expressions, and exclusion constraints, are left to the server. */
async function clashes(session: TargetSession, one: Plan): Promise<readonly string[]> {
  const { columns, live } = one.shared;
  const found = await session.query(
    `select x.relname::text as name, (select jsonb_agg(a.attname order by k.at)
        from unnest(i.indkey::int2[]) with ordinality as k(attnum, at)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum where k.at <= i.indnkeyatts) as columns
       from pg_index i join pg_class x on x.oid = i.indexrelid
      where i.indrelid = $1::oid and i.indisunique and not i.indisprimary and i.indisvalid
        and i.indexprs is null and i.indpred is null order by 1`,
    [live.oid],
  );
  const sentences: string[] = [];
  for (const index of z.array(UNIQUE).parse(found)) {
    if (!index.columns.every((name) => columns.includes(name))) continue;
    const is = index.columns.map((name) => `u.${ident(name)} = r.${ident(name)}`).join(' and ');
    const [row] = await session.query(`
      select count(*)::int as n from ${one.rows} r
       where not exists (select from ${from(live)} t where ${onKey(one)})
         and exists (select from ${from(live)} u where ${is})`);
    const count = Number(row?.['n'] ?? 0);
    if (count > 0)
      sentences.push(
        `${count} row(s) of ${oneLine(shown(live))} have a value that a newer row has and only one may (${oneLine(index.name)}).`,
      );
  }
  return sentences;
}

async function notesOn(session: TargetSession, oids: readonly number[]): Promise<string[]> {
  const rows = await session.query(
    `select format('%s.%s', n.nspname, c.relname) as "table", t.tgname::text as name
       from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
       join pg_proc f on f.oid = t.tgfoid join pg_namespace fn on fn.oid = f.pronamespace
      where t.tgrelid = any ($1::oid[]) and not t.tgisinternal and fn.nspname <> 'holdfast'
        and t.tgenabled in ('A', 'O') order by 1, 2`,
    [oids],
  );
  return rows.map(
    (row) =>
      `Trigger ${oneLine(String(row['name']))} of ${oneLine(String(row['table']))} fires while rows are written back.`,
  );
}

function leftOut({ columns, live }: SharedTable): readonly string[] {
  const newer = live.columns.filter(({ name }) => !columns.includes(name));
  if (newer.length === 0) return [];
  const names = oneLine(newer.map(({ name }) => name).join(', '));
  return [
    `${oneLine(shown(live))} has columns that the copy does not know, left as they are: ${names}.`,
  ];
}

function swallowed({ shared }: Plan, expected: number, found: number): HoldfastError {
  return state(
    `${expected} rows of ${shown(shared.live)} to be written`,
    `${found}: a trigger or a rule kept the others out`,
    'Nothing was changed. Disable it for as long as this takes.',
  );
}

function altered({ shared }: Plan): HoldfastError {
  return state(
    `the rows of ${shown(shared.live)} as they were restored`,
    'others: a trigger changed what was written, or rows beside it',
    'Nothing was changed. Disable it for as long as this takes.',
  );
}
