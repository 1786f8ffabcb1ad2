/**
 * A session on a real server that says what each statement changed: rows by relation (the server's
 * own counters, system catalogs included, so that DDL shows), sequences, settings, who one is.
 */
import pg from 'pg';

export interface Snapshot {
  /** `oid` -> inserted + updated + deleted, as `i/u/d`. */
  readonly rows: ReadonlyMap<string, string>;
  readonly sequences: ReadonlyMap<string, string>;
  /** One text of all settings and of current and session user. */
  readonly settings: string;
}

/** Longer than the server's statement_timeout in the oracle. */
const ANSWER_MS_MAX = 15_000;

/**
 * One row of three texts. Counters of the catalogs and of what this transaction has locked: nothing
 * else can have been changed by it. A function, so that its plan is made once a session.
 */
export const SNAPSHOT_SETUP = `
  create schema holdfast_oracle;
  grant usage on schema holdfast_oracle to public;
  create function holdfast_oracle.snapshot(out rows text, out sequences text, out settings text)
  language plpgsql set search_path = pg_catalog as $$
  begin
    select string_agg(oid || '=' || i || '/' || u || '/' || d, ' ') into rows
      from (select oid, pg_stat_get_xact_tuples_inserted(oid) as i,
                   pg_stat_get_xact_tuples_updated(oid) as u,
                   pg_stat_get_xact_tuples_deleted(oid) as d
              from (select oid from pg_class
                     where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'
                    union
                    select relation from pg_lock_status() where pid = pg_backend_pid()
                       and locktype = 'relation') watched) counted
     where i + u + d > 0;
    select string_agg(seqrelid || '=' || coalesce(pg_sequence_last_value(seqrelid), -1), ' ')
      into sequences
      from pg_sequence join pg_class c on c.oid = seqrelid
     where not pg_is_other_temp_schema(relnamespace);
    select md5(string_agg(name || '=' || coalesce(setting, ''), ','))
      into settings
      from pg_show_all_settings()
     where name not in ('transaction_isolation', 'transaction_read_only',
                        'transaction_deferrable', 'in_hot_standby', 'search_path');
  end $$;`;

const SNAPSHOT = `select s.rows, s.sequences, s.settings,
  current_user || '/' || session_user || '/' || pg_catalog.current_setting('search_path')
  from holdfast_oracle.snapshot() s`;

export type Ran =
  | { readonly kind: 'ok' }
  | { readonly kind: 'error'; readonly code: string; readonly message: string };

/** A query that can feed COPY FROM STDIN, which the library leaves to others. */
class FedQuery extends pg.Query {
  readonly #data: string;

  constructor(text: string, data: string | null, done: (failure: Error | null) => void) {
    super(text, (failure: Error | null) => done(failure));
    this.#data = data ?? '';
  }

  handleCopyInResponse(connection: {
    sendCopyFromChunk(chunk: Buffer): void;
    endCopyFrom(): void;
  }): void {
    if (this.#data.length > 0) connection.sendCopyFromChunk(Buffer.from(this.#data));
    connection.endCopyFrom();
  }

  handleCopyData(): void {}
}

export class WatchedSession {
  readonly #client: pg.Client;
  #status = 'I';
  /** Called when the server is ready for the next query, and `#status` is that of now. */
  #ready: () => void = () => {};

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<WatchedSession> {
    const client = new pg.Client({ connectionString: url, query_timeout: 30_000 });
    client.on('error', () => {});
    await client.connect();
    const session = new WatchedSession(client);
    const wire: unknown = Reflect.get(client, 'connection');
    if (wire instanceof Object && 'on' in wire && typeof wire.on === 'function') {
      wire.on('readyForQuery', (message: { status: string }) => {
        session.#status = message.status;
        session.#ready();
      });
    }
    return session;
  }

  /** `I` idle, `T` in a transaction, `E` in a failed one. */
  get status(): string {
    return this.#status;
  }

  run(text: string, data: string | null = null): Promise<Ran> {
    return new Promise((done) => {
      // A session that does not answer is given up: '?' is what a lost one answers.
      const timer = setTimeout(
        () => done({ kind: 'error', code: '?', message: 'no answer' }),
        ANSWER_MS_MAX,
      );
      const answer = (ran: Ran): void => {
        clearTimeout(timer);
        done(ran);
      };
      // After an error the callback comes before ReadyForQuery, and the status is not yet that of now.
      let ran: Ran | null = null;
      let ready = false;
      this.#ready = () => {
        ready = true;
        if (ran !== null) answer(ran);
      };
      this.#client.query(
        new FedQuery(text, data, (failure) => {
          ran = failure === null ? { kind: 'ok' } : toError(failure);
          if (ready || (ran.kind === 'error' && ran.code === '?')) answer(ran);
        }),
      );
    });
  }

  /** With `begin`, opens a transaction first, in the same round trip. */
  async snapshot(begin = false): Promise<Snapshot | null> {
    try {
      const answer: unknown = await this.#client.query({
        text: begin ? `begin; ${SNAPSHOT}` : SNAPSHOT,
        rowMode: 'array',
      });
      const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer;
      const [rows, sequences, settings, who] =
        (last as pg.QueryArrayResult<string[]>).rows[0] ?? [];
      return { rows: pairs(rows), sequences: pairs(sequences), settings: `${settings} ${who}` };
    } catch {
      return null;
    }
  }

  /** First column of a query of the judge's own. */
  async ask(query: string, values: readonly unknown[]): Promise<readonly string[]> {
    const result = await this.#client.query<[string]>({
      text: query,
      values: [...values],
      rowMode: 'array',
    });
    return result.rows.map((row) => row[0]);
  }

  async close(): Promise<void> {
    const ended = this.#client.end().catch(() => {});
    const late = new Promise((done) => setTimeout(done, 2_000).unref());
    await Promise.race([ended, late]);
  }
}

function pairs(text: string | null | undefined): Map<string, string> {
  const found = new Map<string, string>();
  for (const pair of (text ?? '').split(' ')) {
    const [name, value] = pair.split('=');
    if (name !== undefined && value !== undefined) found.set(name, value);
  }
  return found;
}

function toError(failure: Error): Ran {
  const code: unknown = Reflect.get(failure, 'code');
  return { kind: 'error', code: typeof code === 'string' ? code : '?', message: failure.message };
}

/** What differs between two snapshots of one transaction. */
export interface Change {
  /** Relations of which rows were added, changed or removed. */
  readonly relations: readonly string[];
  readonly sequences: readonly string[];
  readonly settings: boolean;
}

export function changeBetween(before: Snapshot, after: Snapshot): Change {
  const differing = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): string[] =>
    [...new Set([...a.keys(), ...b.keys()])].filter((name) => a.get(name) !== b.get(name));
  return {
    relations: differing(before.rows, after.rows),
    sequences: differing(before.sequences, after.sequences).filter(
      (name) => before.sequences.has(name) && after.sequences.has(name),
    ),
    settings: before.settings !== after.settings,
  };
}
