/**
 * How far the WAL of a server has come into pgBackRest's repository, as the server itself tells it: its archiver
 * counts a segment as archived when pgbackrest took it (pg_stat_archiver). Nothing flows through us.
 *
 * What is safe is told from below: positions are noted with the time at which they were the newest, and the newest
 * of them that lies in an archived segment is how new the archive is; later still when no transaction has ended
 * since. What is in the segment that is being written is lost with the server, until it is full or
 * `archive_timeout` switches it.
 */
import { z } from 'zod';
import type { Clock } from '../../../model/clock.ts';
import { messageOf } from '../../../model/errors.ts';
import type { AdminConnection } from '../../../protection/postgres/admin.ts';
import { lsnOf, lsnText, segmentPlace } from '../../lsn.ts';
import { openSession } from '../../target-session.ts';
import type { EngineStream, StreamState } from '../engine.ts';

const LOOK_MS = 5_000;
/** The header of a segment's first page (xlog_internal.h, XLogLongPageHeaderData): no record lies in it. */
const PAGE_HEADER_BYTES = 40n;
/** At one look each five seconds: an hour in one segment. */
const NOTED_MAX = 720;

const SEEN = z.object({
  timeline: z.coerce.number(),
  lsn: z.string(),
  ended: z.string(),
  running: z.coerce.number(),
  segment: z.string(),
  archived: z.string().nullable(),
  failing: z.boolean(),
  failed: z.string().nullable(),
  mode: z.string(),
});

const SQL = `
  select (select timeline_id from pg_control_checkpoint()) as timeline,
    pg_snapshot_xmax(pg_current_snapshot())::text as ended,
    (select count(*) from pg_snapshot_xip(pg_current_snapshot())) as running,
    pg_current_wal_insert_lsn()::text as lsn,
    (select setting from pg_settings where name = 'wal_segment_size') as segment,
    last_archived_wal as archived, last_failed_wal as failed,
    coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing,
    current_setting('archive_mode') as mode
  from pg_stat_archiver`;

interface Noted {
  readonly lsn: bigint;
  readonly at: Date;
  /** The transaction id after the newest that had ended; null: older ones were under way, so it says nothing. */
  readonly ended: string | null;
}

export class ArchiveWatch implements EngineStream {
  readonly #connection: AdminConnection;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  #noted: Noted[] = [];
  #looking: Promise<void>;
  #state: StreamState = {
    isStreaming: false,
    timeline: 0,
    durableLsn: null,
    heardAt: null,
    durableAt: null,
    trouble: null,
    hasGap: false,
  };

  constructor(connection: AdminConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
    this.#looking = this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_MS);
  }

  state(): StreamState {
    return this.#state;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #look(): Promise<void> {
    try {
      const client = await openSession(this.#connection, 'sql');
      try {
        const at = this.#clock.now();
        const { rows } = await client.query(SQL);
        this.#learn(SEEN.parse(rows[0]), at);
      } finally {
        await client.end().catch(() => {});
      }
    } catch (error) {
      this.#state = { ...this.#state, isStreaming: false, trouble: messageOf(error) };
    }
  }

  #learn(seen: z.output<typeof SEEN>, at: Date): void {
    const place = segmentPlace((seen.archived ?? '').slice(0, 24), Number(seen.segment));
    const archivedTo = place === null ? null : place.start + BigInt(seen.segment);
    const ended = seen.running === 0 ? seen.ended : null;
    this.#noted = [...this.#noted, { lsn: lsnOf(seen.lsn) ?? 0n, at, ended }].slice(-NOTED_MAX);
    const safe = this.#noted.filter(
      ({ lsn }) => archivedTo !== null && lsn <= archivedTo + PAGE_HEADER_BYTES,
    );
    const last = safe.at(-1);
    // Without a transaction that ended since, nobody's work was written since.
    const isStill = last !== undefined && last.ended !== null && last.ended === seen.ended;
    // One is enough of those that are safe; the others are still to become so.
    this.#noted = this.#noted.slice(Math.max(0, safe.length - 1));
    this.#state = {
      isStreaming: seen.mode !== 'off' && !seen.failing,
      timeline: seen.timeline,
      durableLsn: archivedTo === null ? null : lsnText(archivedTo),
      heardAt: at,
      durableAt: (isStill ? at : last?.at) ?? this.#state.durableAt,
      trouble: troubleIn(seen),
      hasGap: false,
    };
  }
}

function troubleIn({ failed, failing, mode }: z.output<typeof SEEN>): string | null {
  if (mode === 'off') return 'The server archives nothing: archive_mode is off.';
  return failing ? `The server cannot archive its WAL: ${failed} failed last.` : null;
}
