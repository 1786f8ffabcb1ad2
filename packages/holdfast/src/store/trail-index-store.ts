/**
 * The index of the trail in PostgreSQL: rows of `trail_facts` behind the trail itself. What is looked at
 * for one page is bounded, whatever is asked: a page that is short says where it stopped, and the next one
 * goes on there.
 */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import { VERDICT_ORDER } from '../model/verdict.ts';
import { type EntryFacts, entryFacts } from '../trail/entry-facts.ts';
import type {
  EntryCount,
  FoundEntry,
  TrailIndex,
  TrailPage,
  TrailQuestion,
} from '../trail/trail-finder.ts';
import { int8Array, textArray } from './binary-array.ts';
import type { Database } from './database.ts';
import type { Tables } from './tables.ts';

/** Rows looked at for one page; fewer when the entries themselves have to be read for it. */
const LOOKED_MAX = 2_500;
const LOOKED_TEXT_MAX = 1_200;
/** Clocks of gateways differ, and a decision may be appended after one that was made later. */
const CLOCK_SLACK_MS = 60_000;

/** What a page is looked for by: the one that leaves the fewest, as a rule. */
const LEADS = ['hold', 'agent', 'target', 'verdict', 'kind'] as const;

export class SqlTrailIndex implements TrailIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  advance(limit: number): Promise<number | null> {
    return this.#database.transaction(async (trx) => {
      const { rows } = await sql<{ size: bigint }>`
        select size from holdfast.trail_indexed for update skip locked`.execute(trx);
      const from = rows[0]?.size;
      if (from === undefined) return null;
      const page = await sql<{ index: bigint; bytes: Buffer }>`
        select index, bytes from holdfast.trail_entry
        where index >= ${from} order by index limit ${limit}`.execute(trx);
      const last = page.rows.at(-1);
      if (last === undefined) return 0;
      const facts = page.rows.flatMap(({ bytes, index }) =>
        entryFacts(bytes).map((one, place) => ({ ...one, index, place })),
      );
      await insertFacts(trx, facts);
      await addCounts(trx, facts);
      await sql`update holdfast.trail_indexed set size = ${last.index + 1n}`.execute(trx);
      return page.rows.length;
    });
  }

  size(): Promise<bigint> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<{ size: bigint }>`
        select size from holdfast.trail_indexed`.execute(db);
      return rows[0]?.size ?? 0n;
    });
  }

  async counts(): Promise<readonly EntryCount[]> {
    const { rows } = await this.#database.run((db) =>
      sql<{ kind: string; verdict: string; entries: bigint }>`
        select kind, verdict, entries from holdfast.trail_counts order by kind, verdict`.execute(
        db,
      ),
    );
    return rows.map(({ entries, kind, verdict }) => ({
      kind,
      verdict: VERDICT_ORDER.find((one) => one === verdict) ?? null,
      entries: Number(entries),
    }));
  }

  async kinds(from: bigint, limit: number): Promise<readonly string[]> {
    const { rows } = await this.#database.run((db) =>
      sql<{ kind: string }>`
        select distinct kind from (
          select kind from holdfast.trail_entry where index >= ${from} order by index limit ${limit}
        ) page`.execute(db),
    );
    return rows.map(({ kind }) => kind);
  }

  async outcomeOf(decision: bigint): Promise<bigint | null> {
    const { rows } = await this.#database.run((db) =>
      sql<{ index: bigint }>`
        select index from holdfast.trail_entry where decision_index = ${decision}`.execute(db),
    );
    return rows[0]?.index ?? null;
  }

  find(question: TrailQuestion): Promise<TrailPage> {
    return isPlain(question) ? this.#newest(question) : this.#look(question);
  }

  /** Nothing is asked for: the trail itself is in order, and never behind. */
  async #newest({ before, limit }: TrailQuestion): Promise<TrailPage> {
    const { rows } = await this.#database.run((db) =>
      sql<FoundRow>`
        select e.index, e.bytes, o.index as outcome_index, o.bytes as outcome_bytes
        from (
          select index, bytes from holdfast.trail_entry
          where ${before === null ? sql`true` : sql`index < ${before}`}
          order by index desc limit ${limit}
        ) e
        left join holdfast.trail_entry o on o.decision_index = e.index
        order by e.index desc`.execute(db),
    );
    const entries = distinct(rows);
    return { entries, lookedTo: entries.length < limit ? null : (entries.at(-1)?.index ?? null) };
  }

  async #look(question: TrailQuestion): Promise<TrailPage> {
    const { limit } = question;
    const { rows } = await this.#database.run((db) =>
      sql<LookedRow>`
        with looked as materialized (${lookedQuery(question)}),
        ends as (select min(index) as oldest, count(*) as looked from looked)
        select ends.oldest, ends.looked, found.index, e.bytes,
          o.index as outcome_index, o.bytes as outcome_bytes
        from ends
        left join (
          select looked.index from looked where ${sql.join(matches(question), sql` and `)}
          order by looked.index desc limit ${rowsFor(question)}
        ) found on true
        left join holdfast.trail_entry e on e.index = found.index
        left join holdfast.trail_entry o on o.decision_index = found.index
        order by found.index desc`.execute(db),
    );
    const found = rows.flatMap(({ bytes, index, ...row }) =>
      index === null || bytes === null ? [] : [{ ...row, bytes, index }],
    );
    const entries = distinct(found).slice(0, limit);
    if (entries.length === limit || found.length === rowsFor(question)) {
      return { entries, lookedTo: entries.at(-1)?.index ?? null };
    }
    const [ends] = rows;
    const isAll = Number(ends?.looked ?? 0n) < lookedMax(question);
    return { entries, lookedTo: isAll ? null : (ends?.oldest ?? null) };
  }
}

interface LookedRow extends Omit<FoundRow, 'index' | 'bytes'> {
  readonly oldest: bigint | null;
  readonly looked: bigint;
  readonly index: bigint | null;
  readonly bytes: Buffer | null;
}

function isPlain(question: TrailQuestion): boolean {
  const { since, text, until } = question;
  return leadOf(question) === null && since === null && until === null && text === null;
}

interface FoundRow {
  readonly index: bigint;
  readonly bytes: Buffer;
  readonly outcome_index: bigint | null;
  readonly outcome_bytes: Buffer | null;
}

/** One range of one index, read backwards and no further than `lookedMax` rows. */
function lookedQuery(question: TrailQuestion): RawBuilder<unknown> {
  const { before, since, until } = question;
  const lead = leadOf(question);
  const where = [
    lead === null ? sql`place = 0` : sql`${sql.ref(lead)} = ${question[lead]}`,
    ...(lead === 'kind' ? [sql`place = 0`] : []),
    ...(before === null ? [] : [sql`index < ${before}`]),
    ...(until === null ? [] : [sql`index <= ${edge(until, CLOCK_SLACK_MS, 'last')}`]),
    ...(since === null ? [] : [sql`index >= ${edge(since, -CLOCK_SLACK_MS, 'first')}`]),
  ];
  return sql`select index, kind, agent, target, verdict, hold, at from holdfast.trail_facts
    where ${sql.join(where, sql` and `)} order by index desc limit ${lookedMax(question)}`;
}

/** Entries lie in the order of their times, but for what clocks differ. */
function edge(at: Date, slackMs: number, which: 'first' | 'last'): RawBuilder<unknown> {
  const moment = new Date(at.getTime() + slackMs);
  return which === 'last'
    ? sql`coalesce((select index from holdfast.trail_facts where place = 0 and at < ${moment}
        order by at desc, index desc limit 1), -1)`
    : sql`coalesce((select index from holdfast.trail_facts where place = 0 and at >= ${moment}
        order by at, index limit 1), 9223372036854775807)`;
}

function matches(question: TrailQuestion): RawBuilder<unknown>[] {
  const { since, text, until } = question;
  const lead = leadOf(question);
  const others = LEADS.filter((one) => one !== lead && question[one] !== null);
  return [
    sql`true`,
    ...others.map((one) => sql`looked.${sql.ref(one)} = ${question[one]}`),
    ...(since === null ? [] : [sql`looked.at >= ${since}`]),
    ...(until === null ? [] : [sql`looked.at < ${until}`]),
    ...(text === null
      ? []
      : [
          sql`strpos((select lower(convert_from(t.bytes, 'UTF8') collate "C") from holdfast.trail_entry t
            where t.index = looked.index), lower(${inJson(text)} collate "C")) > 0`,
        ]),
  ];
}

/** As the text stands within a string of JSON. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function leadOf(question: TrailQuestion): (typeof LEADS)[number] | null {
  return LEADS.find((one) => question[one] !== null) ?? null;
}

/** When nothing else is asked for than what the range says, each row of it is found. */
function lookedMax(question: TrailQuestion): number {
  if (question.text !== null) return LOOKED_TEXT_MAX;
  return matches(question).length === 1 ? rowsFor(question) : LOOKED_MAX;
}

/** By agent, a batch of reads may have several rows, one per target. */
function rowsFor({ limit }: TrailQuestion): number {
  return limit * 4;
}

function distinct(rows: readonly FoundRow[]): FoundEntry[] {
  const found = new Map<bigint, FoundEntry>();
  for (const { bytes, index, outcome_bytes, outcome_index } of rows) {
    const outcome =
      outcome_index === null || outcome_bytes === null
        ? null
        : { index: outcome_index, bytes: outcome_bytes };
    found.set(index, { index, bytes, outcome });
  }
  return [...found.values()];
}

interface FactsRow extends EntryFacts {
  readonly index: bigint;
  readonly place: number;
}

async function insertFacts(trx: Transaction<Tables>, rows: readonly FactsRow[]): Promise<void> {
  const text = (column: 'agent' | 'target' | 'verdict' | 'hold' | 'kind') =>
    textArray(rows.map((row) => row[column]));
  const atMs = int8Array(rows.map(({ at }) => at.getTime()));
  await sql`
    insert into holdfast.trail_facts (index, place, at, kind, agent, target, verdict, hold)
    select new.index, new.place, to_timestamp(new.at_ms / 1000.0), new.kind, new.agent, new.target,
      new.verdict, new.hold
    from unnest(${int8Array(rows.map(({ index }) => index))}::bigint[],
      ${int8Array(rows.map(({ place }) => place))}::bigint[], ${atMs}::bigint[],
      ${text('kind')}::text[], ${text('agent')}::text[], ${text('target')}::text[],
      ${text('verdict')}::text[], ${text('hold')}::text[])
      as new (index, place, at_ms, kind, agent, target, verdict, hold)
    on conflict do nothing`.execute(trx);
}

async function addCounts(trx: Transaction<Tables>, rows: readonly FactsRow[]): Promise<void> {
  const counts = new Map<string, { kind: string; verdict: string; entries: number }>();
  for (const { kind, place, verdict } of rows) {
    if (place > 0) continue;
    const key = `${kind}/${verdict ?? ''}`;
    const known = counts.get(key) ?? { kind, verdict: verdict ?? '', entries: 0 };
    counts.set(key, { ...known, entries: known.entries + 1 });
  }
  for (const { entries, kind, verdict } of counts.values()) {
    await sql`
      insert into holdfast.trail_counts as c (kind, verdict, entries)
      values (${kind}, ${verdict}, ${entries})
      on conflict (kind, verdict) do update set entries = c.entries + excluded.entries`.execute(
      trx,
    );
  }
}
