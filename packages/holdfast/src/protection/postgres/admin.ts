/**
 * A target over Holdfast's own credential, by `pg`: protect, drain, receipts and undo run here. A small
 * pool; each session is set once so that text output is exact and nothing waits without end.
 *
 * It will not: run anything as an agent, keep a password (it is read at each connection), or hide what
 * the server said.
 */

import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { HoldfastError } from '../../model/errors.ts';
import { TARGET_RETRIES_MAX } from '../../model/limits.ts';
import type { Isolation, Row, TargetDatabase, TargetSession } from '../target-database.ts';

export interface AdminConnection {
  /** A host name, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly password: () => string | null;
  readonly ssl: pg.ConnectionConfig['ssl'];
}

export interface AdminOptions {
  readonly target: string;
  readonly connection: AdminConnection;
  readonly poolSize?: number;
  /** For whoever cannot wait: to connect, and for each answer, even if the server falls silent. */
  readonly waitMsMax?: number;
  /** A lock not had by then belongs to somebody who works; asked again by whoever calls. */
  readonly lockMsMax?: number;
  readonly statementMsMax?: number;
}

const POOL_SIZE_DEFAULT = 4;
const CONNECT_MS_MAX = 10_000;
const LOCK_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 10 * 60 * 1000;
const TEMP_BUFFERS = '32MB';
/**
 * SQLSTATE (PostgreSQL, appendix A) of what ends a session or a server: connection, resources (WAL on a full disk),
 * operator, system, internal; or none at all. The severity beside it is in the server's own language.
 */
const LEAVES_OPEN = /^(?:08|53|57P|58|XX|$)/;
const TRIED_AGAIN: readonly string[] = ['40001', '40P01'];

/** What the driver wants to know to connect; the password is asked for at each connection. */
export function clientConfigOf({
  database,
  host,
  password,
  port,
  ssl,
  user,
}: AdminConnection): pg.ClientConfig {
  const place = { host, port, user, database, ssl };
  return { ...place, password: () => password() ?? '', application_name: 'holdfast' };
}

export function openTargetDatabase(options: AdminOptions): TargetDatabase {
  return new AdminDatabase(options);
}

class AdminDatabase implements TargetDatabase {
  readonly target: string;
  readonly #options: AdminOptions;
  readonly #pool: pg.Pool;

  constructor(options: AdminOptions) {
    this.target = options.target;
    this.#options = options;
    const { connection } = options;
    this.#pool = new pg.Pool({
      ...clientConfigOf(connection),
      max: options.poolSize ?? POOL_SIZE_DEFAULT,
      connectionTimeoutMillis: options.waitMsMax ?? CONNECT_MS_MAX,
      ...(options.waitMsMax === undefined ? {} : { query_timeout: options.waitMsMax }),
      options: settingsOf(options),
    });
    // An idle connection that dies is replaced; one that is lent out rejects its statement.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    return this.#with((session) => session.query(sql, values));
  }

  async transaction<T>(
    isolation: Isolation,
    work: (session: TargetSession) => Promise<T>,
  ): Promise<T> {
    for (let left = TARGET_RETRIES_MAX; ; left -= 1) {
      try {
        return await this.#once(isolation, work);
      } catch (error) {
        const code = error instanceof pg.DatabaseError ? error.code : undefined;
        if (left === 0 || code === undefined || !TRIED_AGAIN.includes(code)) throw error;
      }
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  #once<T>(isolation: Isolation, work: (session: TargetSession) => Promise<T>): Promise<T> {
    return this.#with(async (session) => {
      await session.query(`begin isolation level ${isolation}`);
      try {
        const result = await work(session);
        await this.#commit(session);
        return result;
      } catch (error) {
        await session.query('rollback').catch(() => {});
        throw error;
      }
    });
  }

  /** What the server says no to was not done; whatever ends the connection, or is of it, may come after it was. */
  async #commit(session: TargetSession): Promise<void> {
    try {
      await session.query('commit');
    } catch (cause) {
      if (cause instanceof pg.DatabaseError && !LEAVES_OPEN.test(cause.code ?? '')) throw cause;
      throw new HoldfastError('HF_UPSTREAM_LOST', {
        expected: `an answer of ${this.target} to COMMIT`,
        found: cause instanceof Error ? cause.message : String(cause),
        hint: 'It may have been done, or not. Look before you do it again.',
        cause,
      });
    }
  }

  async #with<T>(work: (session: TargetSession) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (cause) {
      throw this.#unreachable(cause);
    }
    let failure: unknown = null;
    try {
      return await work(new AdminSession(client));
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      // A session that failed for another reason than a statement is not lent out again.
      client.release(failure !== null && !(failure instanceof pg.DatabaseError));
    }
  }

  #unreachable(cause: unknown): HoldfastError {
    const { host, port, user, database } = this.#options.connection;
    return new HoldfastError('HF_UPSTREAM_UNREACHABLE', {
      expected: `to reach ${this.target} as ${user} (${host}:${port}/${database})`,
      found: cause instanceof Error ? cause.message || cause.name : String(cause),
      hint: 'Check that the server runs, and the user and password of protection.admin (or upstream).',
      cause,
    });
  }
}

class AdminSession implements TargetSession {
  readonly #client: pg.PoolClient;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  async query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
    const result: unknown = await (values === undefined
      ? this.#client.query(sql)
      : this.#client.query(sql, [...values]));
    // Several statements without parameters give several results; the last one counts.
    const last: unknown = Array.isArray(result) ? result.at(-1) : result;
    return isResult(last) ? last.rows : [];
  }

  async *copyOut(sql: string): AsyncIterable<Buffer> {
    let isWhole = false;
    try {
      yield* this.#client.query(copyTo(sql));
      isWhole = true;
    } finally {
      // Rows that nobody reads would stand before every later answer: this session is over.
      if (!isWhole) this.#client.connection.stream.destroy();
    }
  }

  async copyIn(
    sql: string,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<number> {
    const into = this.#client.query(copyFrom(sql));
    await pipeline(Readable.from(chunks), into);
    return into.rowCount ?? 0;
  }
}

function isResult(value: unknown): value is { rows: readonly Row[] } {
  return typeof value === 'object' && value !== null && 'rows' in value;
}

/** In the startup packet, so that no statement of ours runs before they count. */
function settingsOf(options: AdminOptions): string {
  const settings: Record<string, string> = {
    search_path: 'pg_catalog,pg_temp',
    datestyle: 'ISO',
    intervalstyle: 'postgres',
    timezone: 'UTC',
    extra_float_digits: '1',
    bytea_output: 'hex',
    // What is drained as $1.00 is read back as that, whatever the database is set to since.
    lc_monetary: 'C',
    xmloption: 'content',
    // A text means what it meant to who judged it, whatever the database is set to.
    standard_conforming_strings: 'on',
    // An undo of a hundred thousand rows lies in temp tables: in memory, which is taken as it is used.
    temp_buffers: TEMP_BUFFERS,
    lock_timeout: String(options.lockMsMax ?? LOCK_MS_MAX),
    statement_timeout: String(options.statementMsMax ?? STATEMENT_MS_MAX),
  };
  return Object.entries(settings)
    .map(([name, value]) => `-c ${name}=${value}`)
    .join(' ');
}
