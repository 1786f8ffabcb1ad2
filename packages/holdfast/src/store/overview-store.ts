/** How much there is of everything, in one look: for the first page of the dashboard, and for metrics. */
import { sql } from 'kysely';
import { entryFields, fieldsIn, textIn } from '../trail/entry-facts.ts';
import type { Database } from './database.ts';

export interface Overview {
  readonly holds: { readonly waiting: number; readonly signed: number };
  readonly proposalsOpen: number;
  readonly deferrals: { readonly open: number; readonly nextDueTickMs: bigint | null };
  readonly undo: { readonly items: number; readonly nextPurgeTickMs: bigint | null };
  readonly trailSize: bigint;
  readonly tickMs: bigint;
}

/** A session of an agent that was opened by an instance that lives, and is not said to have closed. */
export interface LiveAgentSession {
  readonly id: string;
  readonly agent: string | null;
  readonly target: string | null;
  readonly since: Date;
}

export interface KindedEntry {
  readonly index: bigint;
  readonly bytes: Buffer;
}

/** Of the newest openings; more agents at once than that are counted only. */
const SESSIONS_LOOKED_MAX = 2_000;

export class SqlOverview {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  look(now: Date): Promise<Overview> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<Row>`
        select
          (select count(*) from holdfast.holds where state in ('waiting', 'signed')
            and state = 'waiting' and act_kind is null and expires_at > ${now}) as waiting,
          (select count(*) from holdfast.holds where state in ('waiting', 'signed')
            and state = 'signed' and act_kind is null and expires_at > ${now}) as signed,
          (select count(*) from holdfast.holds where state in ('waiting', 'signed')
            and act_kind is not null and expires_at > ${now}) as proposals,
          d.open as deferrals, d.next_due, u.items as undo_items, u.next_purge,
          (select size from holdfast.trail_head) as trail_size,
          (select tick_ms from holdfast.undo_ledger) as tick_ms
        from (select count(*) as open, min(due_tick_ms) filter (where state = 'scheduled') as next_due
              from holdfast.deferrals where state in ('scheduled', 'running')) d,
             (select count(*) as items,
                min(coalesce(purge_at_tick_ms, kept_until_tick_ms)) as next_purge
              from holdfast.undo_items where state in ('kept', 'purging')) u`.execute(db);
      const [row] = rows;
      return {
        holds: { waiting: Number(row?.waiting ?? 0n), signed: Number(row?.signed ?? 0n) },
        proposalsOpen: Number(row?.proposals ?? 0n),
        deferrals: { open: Number(row?.deferrals ?? 0n), nextDueTickMs: row?.next_due ?? null },
        undo: { items: Number(row?.undo_items ?? 0n), nextPurgeTickMs: row?.next_purge ?? null },
        trailSize: row?.trail_size ?? 0n,
        tickMs: row?.tick_ms ?? 0n,
      };
    });
  }

  /** Newest first, as far as the index of the trail has come. */
  async agentSessions(): Promise<readonly LiveAgentSession[]> {
    const opened = await this.#newest(['session-opened'], SESSIONS_LOOKED_MAX, true);
    const closed = await this.#newest(['session-closed'], SESSIONS_LOOKED_MAX, true);
    const over = new Set(closed.map((entry) => factsOf(entry)['session']));
    return opened.flatMap((entry) => {
      const { agent, session, target } = factsOf(entry);
      if (typeof session !== 'string' || over.has(session)) return [];
      const time = entryFields(entry.bytes.toString('utf8'))['time'];
      return [
        {
          id: session,
          agent: textIn(agent),
          target: textIn(target),
          since: new Date(typeof time === 'string' ? time : 0),
        },
      ];
    });
  }

  /** The newest entries of any of these kinds. */
  newestOf(kinds: readonly string[], limit: number): Promise<readonly KindedEntry[]> {
    return this.#newest(kinds, limit, false);
  }

  #newest(
    kinds: readonly string[],
    limit: number,
    isLive: boolean,
  ): Promise<readonly KindedEntry[]> {
    return this.#database.run(async (db) => {
      const { rows } = await sql<KindedEntry>`
        select e.index, e.bytes from (
          select found.index from unnest(${[...kinds]}::text[]) as wanted (kind) cross join lateral (
            select f.index from holdfast.trail_facts f where f.place = 0 and f.kind = wanted.kind
            order by f.index desc limit ${limit}) found
          order by found.index desc limit ${limit}) page
        join holdfast.trail_entry e on e.index = page.index
        where not ${isLive} or e.instance_id in (
          select id from holdfast.instance where gone_at is null and settled_at is null)
        order by e.index desc`.execute(db);
      return rows;
    });
  }
}

interface Row {
  readonly waiting: bigint;
  readonly signed: bigint;
  readonly proposals: bigint;
  readonly deferrals: bigint;
  readonly next_due: bigint | null;
  readonly undo_items: bigint;
  readonly next_purge: bigint | null;
  readonly trail_size: bigint;
  readonly tick_ms: bigint;
}

function factsOf({ bytes }: KindedEntry) {
  return fieldsIn(entryFields(bytes.toString('utf8'))['facts']);
}
