/**
 * Notices and deliveries in PostgreSQL. That each is told once, whichever gateway tells it, is in the
 * schema: one notice per subject and step, one delivery per channel of it. A delivery is claimed for a
 * time; who is killed while sending loses it to another, who may then send it a second time.
 */
import { type Kysely, sql } from 'kysely';
import { z } from 'zod';
import type { Notice, Signal } from '../approvals/notice.ts';
import type {
  ChannelLine,
  Claim,
  ClaimedDelivery,
  DeliveryEnd,
  DeliveryKey,
  FailureLine,
  NoticeStore,
  PlannedNotice,
  Unanswered,
} from '../approvals/notice-store.ts';
import { SIGNAL_AGE_MS_MAX, SIGNALS_APART_MAX } from '../model/limits.ts';
import { IMPORTANCES, isSignal, NOTICE_KINDS, type SignalName } from '../model/notice-kind.ts';
import { storable } from '../model/text.ts';
import type { Database } from './database.ts';
import { jsonOf } from './hold-rows.ts';
import type { Tables } from './tables.ts';

const IMPORTANCE = z.enum(IMPORTANCES);

const NOTICE: z.ZodType<Notice> = z.object({
  id: z.string(),
  kind: z.enum(NOTICE_KINDS),
  importance: IMPORTANCE,
  title: z.string(),
  facts: z.array(z.tuple([z.string(), z.string()])),
  link: z.string(),
  at: z.iso.datetime().transform((text) => new Date(text)),
  environment: z.object({ name: z.string(), level: z.string() }).nullable(),
});

/** An event as `trail/entry.ts` writes it. */
const ENTRY = z.object({
  kind: z.string(),
  message: z.string(),
  time: z.iso.datetime(),
  facts: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});

interface EntryRow {
  readonly index: bigint;
  readonly bytes: Buffer;
  readonly times: bigint;
}

interface ClaimedRow extends DeliveryKey {
  readonly notice: unknown;
  readonly importance: string;
  readonly tries: number;
  readonly is_wanted: boolean;
}

export class SqlNoticeStore implements NoticeStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  plan(planned: PlannedNotice, now: Date): Promise<boolean> {
    const { deliveries, notice, requiresOpened, step, subject } = planned;
    return this.#database.transaction(async (trx) => {
      if (requiresOpened && !(await isTold(trx, subject))) return false;
      const added = await trx
        .insertInto('holdfast.notices')
        .values({ subject, step, notice: jsonOf(notice), made_at: now, ended_at: null })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst();
      if (step === 'denied' || step === 'expired' || step === 'void')
        await endOpened(trx, subject, now);
      if (added.numInsertedOrUpdatedRows !== 1n) return false;
      if (deliveries.length > 0) {
        const rows = deliveries.map(({ channel, dueAt, importance }) => ({
          subject,
          step,
          channel,
          importance,
          state: 'waiting',
          due_at: dueAt,
          tries: 0,
          claimed_by: null,
          claimed_until: null,
          ended_at: null,
          reason: null,
        }));
        await trx.insertInto('holdfast.deliveries').values(rows).execute();
      }
      return true;
    });
  }

  async stirred(now: Date, limit: number): Promise<readonly string[]> {
    return await this.#database.run(async (db) => {
      // Used up without a word between: approved meanwhile, or nothing that anybody needs to hear.
      await sql`
        update holdfast.notices n set ended_at = ${now} from holdfast.holds h
        where n.step = 'opened' and n.ended_at is null and h.id = n.subject and h.state = 'consumed'
          and exists (select from holdfast.notices s where s.subject = n.subject and s.step = 'signed')
      `.execute(db);
      const found = await sql<{ id: string }>`
        (select h.id from holdfast.holds h
          where h.state = 'waiting' and h.expires_at > ${now} and not exists (
            select from holdfast.notices n where n.subject = h.id and n.step = 'opened')
          order by h.opened_at desc limit ${limit})
        union all
        (select n.subject from holdfast.notices n join holdfast.holds h on h.id = n.subject
          where n.step = 'opened' and n.ended_at is null and (
            h.state in ('denied', 'expired', 'void')
            or h.state in ('signed', 'consumed') and not exists (
              select from holdfast.notices s where s.subject = n.subject and s.step = 'signed'))
          limit ${limit})`.execute(db);
      return found.rows.map(({ id }) => id);
    });
  }

  async unanswered(
    afterMs: number,
    lists: number,
    now: Date,
    limit: number,
  ): Promise<readonly Unanswered[]> {
    const found = await this.#database.run((db) =>
      sql<{ id: string; escalation: number }>`
        select h.id, list.place::int as escalation
        from holdfast.notices n
          join holdfast.holds h on h.id = n.subject
          cross join generate_series(1, ${lists}::int) as list (place)
        where n.step = 'opened' and n.ended_at is null
          and h.state = 'waiting' and h.expires_at > ${now}
          and n.made_at <= ${now}::timestamptz - list.place * ${`${afterMs} ms`}::interval
          and not exists (select from holdfast.signatures s where s.hold_id = h.id)
          and not exists (select from holdfast.notices e
            where e.subject = h.id and e.step = 'escalated-' || list.place)
        order by n.made_at, list.place limit ${limit}`.execute(db),
    );
    return found.rows.map(({ id, escalation }) => ({ holdId: id, escalation }));
  }

  async signals(
    kinds: readonly SignalName[],
    now: Date,
  ): Promise<{ readonly signals: readonly Signal[]; readonly upTo: bigint }> {
    return await this.#database.run(async (db) => {
      const head = await sql<{ size: bigint }>`select size from holdfast.trail_head`.execute(db);
      const upTo = head.rows[0]?.size ?? 0n;
      const seen = await db.selectFrom('holdfast.signals_seen').selectAll().executeTakeFirst();
      const isNews = seen !== undefined && now.getTime() - seen.at.getTime() <= SIGNAL_AGE_MS_MAX;
      if (!isNews || seen.up_to >= upTo) return { signals: [], upTo };
      const found = await sql<EntryRow>`
        select index, bytes, times from (
          select index, bytes, kind, count(*) over (partition by kind) as times,
            row_number() over (partition by kind order by index) as place
          from holdfast.trail_entry
          where index >= ${seen.up_to} and index < ${upTo} and kind = any(${[...kinds]}::text[])
        ) as told
        where place = 1 or times <= ${SIGNALS_APART_MAX} order by index`.execute(db);
      return { signals: found.rows.flatMap(signalOf), upTo };
    });
  }

  async seen(upTo: bigint, now: Date): Promise<void> {
    await this.#database.run((db) =>
      sql`insert into holdfast.signals_seen as s (up_to, at) values (${upTo}, ${now})
        on conflict (id) do update
        set up_to = greatest(s.up_to, excluded.up_to), at = greatest(s.at, excluded.at)`.execute(
        db,
      ),
    );
  }

  async due(now: Date): Promise<readonly string[]> {
    const found = await this.#database.run((db) =>
      sql<{ channel: string }>`
        select distinct channel from holdfast.deliveries
        where state = 'waiting' and due_at <= ${now}
          or state = 'sending' and claimed_until <= ${now}`.execute(db),
    );
    return found.rows.map(({ channel }) => channel);
  }

  async claim(claim: Claim): Promise<readonly ClaimedDelivery[]> {
    const { channel, claimant, limit, now, until, which } = claim;
    const isDigest = which === 'digest';
    const found = await this.#database.run((db) =>
      sql<ClaimedRow>`
        with due as (
          select subject, step, channel from holdfast.deliveries
          where channel = ${channel} and (importance = 'digest') = ${isDigest} and (
            state = 'waiting' and due_at <= ${now}
            or state = 'sending' and claimed_until <= ${now})
          order by due_at limit ${limit} for update skip locked
        ), taken as (
          update holdfast.deliveries d
          set state = 'sending', claimed_by = ${claimant}, claimed_until = ${until},
            tries = d.tries + 1
          from due where (d.subject, d.step, d.channel) = (due.subject, due.step, due.channel)
          returning d.*
        )
        select t.subject, t.step, t.channel, t.importance, t.tries, n.notice,
          h.id is null or h.state = 'waiting' and h.expires_at > ${now} as is_wanted
        from taken t join holdfast.notices n on n.subject = t.subject and n.step = t.step
          left join holdfast.holds h on h.id = t.subject
        order by n.made_at, t.subject, t.step`.execute(db),
    );
    // What a newer Holdfast wrote in another shape is left to it, once the claim has run out.
    return found.rows.flatMap(({ notice, importance, is_wanted: isWanted, ...row }) => {
      const read = NOTICE.safeParse(notice);
      if (!read.success) return [];
      return [{ ...row, notice: read.data, importance: IMPORTANCE.parse(importance), isWanted }];
    });
  }

  async finish(
    keys: readonly DeliveryKey[],
    claimant: string,
    end: DeliveryEnd,
    now: Date,
  ): Promise<void> {
    if (keys.length === 0) return;
    const columns = [keys.map((k) => k.subject), keys.map((k) => k.step)] as const;
    const channels = keys.map((k) => k.channel);
    const isOver = end.kind !== 'waiting';
    await this.#database.run((db) =>
      sql`
        update holdfast.deliveries d
        set state = ${end.kind}, ended_at = ${isOver ? now : null},
          reason = ${'reason' in end ? storable(end.reason) : null},
          due_at = coalesce(${isOver ? null : end.dueAt}::timestamptz, d.due_at),
          claimed_by = null, claimed_until = null
        from unnest(${columns[0]}::text[], ${columns[1]}::text[], ${channels}::text[])
          as ours (subject, step, channel)
        where (d.subject, d.step, d.channel) = (ours.subject, ours.step, ours.channel)
          and d.claimed_by = ${claimant}`.execute(db),
    );
  }

  async enter(notice: Notice, channel: string, end: DeliveryEnd, now: Date): Promise<void> {
    const { id: subject, importance } = notice;
    const step = 'entered';
    await this.#database.transaction(async (trx) => {
      await trx
        .insertInto('holdfast.notices')
        .values({ subject, step, notice: jsonOf(notice), made_at: now, ended_at: null })
        .execute();
      await trx
        .insertInto('holdfast.deliveries')
        .values({
          subject,
          step,
          channel,
          importance,
          state: end.kind,
          due_at: now,
          tries: 1,
          claimed_by: null,
          claimed_until: null,
          ended_at: now,
          reason: 'reason' in end ? storable(end.reason) : null,
        })
        .execute();
    });
  }

  async lines(): Promise<readonly ChannelLine[]> {
    const rows = await this.#database.run((db) =>
      db
        .selectFrom('holdfast.deliveries')
        .select((eb) => [
          'channel',
          eb.fn.max(sql<Date | null>`ended_at`).filterWhere('state', '=', 'sent').as('lastSentAt'),
          eb.fn.countAll<bigint>().filterWhere('state', 'in', ['waiting', 'sending']).as('waiting'),
          eb.fn.countAll<bigint>().filterWhere('state', '=', 'sent').as('sent'),
          eb.fn.countAll<bigint>().filterWhere('state', '=', 'failed').as('failed'),
        ])
        .groupBy('channel')
        .orderBy('channel')
        .execute(),
    );
    return rows.map(({ channel, lastSentAt, waiting, sent, failed }) => ({
      channel,
      lastSentAt,
      waiting: Number(waiting),
      sent: Number(sent),
      failed: Number(failed),
    }));
  }

  async failures(limit: number): Promise<readonly FailureLine[]> {
    const rows = await this.#database.run((db) =>
      db
        .selectFrom('holdfast.deliveries as d')
        .innerJoin('holdfast.notices as n', (join) =>
          join.onRef('n.subject', '=', 'd.subject').onRef('n.step', '=', 'd.step'),
        )
        .select(['d.subject', 'd.step', 'd.channel', 'd.tries', 'd.reason', 'd.state'])
        .select(['d.ended_at', 'd.due_at', 'n.notice'])
        .where('d.reason', 'is not', null)
        .where('d.state', 'in', ['failed', 'waiting'])
        .orderBy(sql`coalesce(d.ended_at, d.due_at)`, 'desc')
        .limit(limit)
        .execute(),
    );
    return rows.map((row) => ({
      subject: row.subject,
      step: row.step,
      channel: row.channel,
      title: NOTICE.safeParse(row.notice).data?.title ?? row.subject,
      at: row.ended_at ?? row.due_at,
      tries: row.tries,
      reason: row.reason ?? '',
      state: row.state === 'failed' ? 'failed' : 'waiting',
    }));
  }

  async forget(before: Date): Promise<void> {
    // One whose hold still waits would be told anew.
    await this.#database.run((db) =>
      sql`delete from holdfast.notices n where n.made_at < ${before} and not exists (
        select from holdfast.holds h where h.id = n.subject and h.state = 'waiting')`.execute(db),
    );
  }
}

async function isTold(trx: Kysely<Tables>, subject: string): Promise<boolean> {
  const opened = await trx
    .selectFrom('holdfast.notices')
    .select('subject')
    .where('subject', '=', subject)
    .where('step', '=', 'opened')
    .executeTakeFirst();
  return opened !== undefined;
}

async function endOpened(trx: Kysely<Tables>, subject: string, now: Date): Promise<void> {
  await trx
    .updateTable('holdfast.notices')
    .set({ ended_at: now })
    .where('subject', '=', subject)
    .where('step', '=', 'opened')
    .where('ended_at', 'is', null)
    .execute();
}

/** None for bytes of another shape: the trail's own check says so, louder than we could. */
function signalOf({ index, bytes, times }: EntryRow): Signal[] {
  const entry = ENTRY.safeParse(jsonIn(bytes));
  if (!entry.success || !isSignal(entry.data.kind)) return [];
  const { kind, facts, message, time } = entry.data;
  const shown = Number(times) > SIGNALS_APART_MAX ? Number(times) : 1;
  return [{ index, kind, message, facts, at: new Date(time), times: shown }];
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}
