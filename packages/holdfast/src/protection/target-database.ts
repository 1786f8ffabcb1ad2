/**
 * A target as Holdfast itself reaches it: over its own credential (the admin), never an agent's.
 * Implemented in `protection/postgres/admin.ts`; everything else here takes this interface.
 *
 * Duties: each session runs with `search_path = pg_catalog, pg_temp`, ISO dates, UTC, extra_float_digits 1,
 * hex bytea, `lock_timeout` and `statement_timeout` as given; errors of the server come as they are
 * (`pg.DatabaseError`), an unreachable server as HF_UPSTREAM_UNREACHABLE.
 */
export interface TargetSession {
  /** One statement with parameters, or several without. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /** COPY (...) TO STDOUT, in text format: the chunks as they come, valid until the next one. */
  copyOut(sql: string): AsyncIterable<Buffer>;
  /** COPY ... FROM STDIN. Resolves to the number of rows. */
  copyIn(sql: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<number>;
}

/** Columns by name. bigint and xid8 come as text; jsonb as the parsed value. */
export type Row = Readonly<Record<string, unknown>>;

export type Isolation = 'read committed' | 'repeatable read' | 'serializable';

export interface TargetDatabase {
  readonly target: string;
  /** On a pooled session, outside any transaction. */
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>;
  /**
   * BEGIN, `work`, COMMIT; ROLLBACK when it throws. Serialization failures and deadlocks (40001, 40P01)
   * are tried again from the start, at most `TARGET_RETRIES_MAX` times. HF_UPSTREAM_LOST when the connection
   * ended before COMMIT was answered: it may have been done.
   */
  transaction<T>(isolation: Isolation, work: (session: TargetSession) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
