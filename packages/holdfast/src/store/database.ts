/**
 * The way to our own PostgreSQL: a pool, two ways to use it (`run`, `transaction`), and errors that
 * say what to do. Nothing else in the house opens a connection for our own state, except `Notices`,
 * which needs one for itself.
 *
 * Each connection is set so that a commit is durable (`synchronous_commit`), whatever the server's
 * default is, and so that nothing waits without end. It will not retry: who asked knows whether
 * asking twice is harmless.
 */
import { CompiledQuery, Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { HoldfastError } from '../model/errors.ts';
import type { Tables } from './tables.ts';

/** A URL as it was given, or the embedded server's socket. */
export type StoreConnection =
  | { readonly url: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

export interface DatabaseOptions {
  readonly connection: StoreConnection;
  /** Connections at most; PostgreSQL's default total is 100 and several gateways share it. */
  readonly poolSize?: number;
}

const POOL_SIZE_DEFAULT = 8;
/** Longer means that the server is not there; the caller answers its agent. */
const CONNECT_MS_MAX = 10_000;
/** Our statements take milliseconds; one that takes this long waits for something that is stuck. */
const STATEMENT_MS_MAX = 30_000;

const ON_CONNECT =
  `set synchronous_commit = on; set statement_timeout = ${STATEMENT_MS_MAX}; ` +
  `set idle_in_transaction_session_timeout = ${STATEMENT_MS_MAX}; set time zone 'UTC'`;

/** bigint comes as BigInt: an index of the trail must not be rounded. */
const TYPES = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === pg.types.builtins.INT8) return (text: string) => BigInt(text);
    return format === 'binary'
      ? pg.types.getTypeParser(oid, 'binary')
      : pg.types.getTypeParser(oid, 'text');
  },
} as pg.CustomTypesConfig;

export class Database {
  readonly #kysely: Kysely<Tables>;
  readonly #connection: StoreConnection;

  constructor(options: DatabaseOptions) {
    this.#connection = options.connection;
    const pool = new pg.Pool({
      ...clientConfig(options.connection),
      max: options.poolSize ?? POOL_SIZE_DEFAULT,
      types: TYPES,
    });
    // An idle connection that dies is replaced at the next use, which reports what is wrong.
    pool.on('error', () => {});
    // The pool listens to idle connections only. One that dies while it is lent out would, unheard,
    // end the process; the statement on it is rejected all the same.
    pool.on('connect', (client) => client.on('error', () => {}));
    this.#kysely = new Kysely<Tables>({
      dialect: new PostgresDialect({
        pool,
        onCreateConnection: async (connection) => {
          await connection.executeQuery(CompiledQuery.raw(ON_CONNECT));
        },
      }),
    });
  }

  /** Rejects with HF_STORE_UNAVAILABLE when the server is the trouble; else with what it said. */
  async run<T>(work: (db: Kysely<Tables>) => Promise<T>): Promise<T> {
    try {
      return await work(this.#kysely);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** All of `work` or nothing. A rejected promise rolls back; so does a lost connection. */
  transaction<T>(work: (trx: Transaction<Tables>) => Promise<T>): Promise<T> {
    return this.run((db) => db.transaction().execute(work));
  }

  /** A connection of one's own, for LISTEN. Not connected yet; the caller ends it. */
  dedicatedClient(): pg.Client {
    return new pg.Client({ ...clientConfig(this.#connection), keepAlive: true });
  }

  close(): Promise<void> {
    return this.#kysely.destroy();
  }

  #explain(error: unknown): unknown {
    if (error instanceof HoldfastError || !isServerTrouble(error)) return error;
    return unavailable(this.#connection, error);
  }
}

/** Opens the pool and asks once, so that a wrong address is known at the start. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const database = new Database(options);
  try {
    await database.run((db) => db.executeQuery(CompiledQuery.raw('select 1')));
    return database;
  } catch (error) {
    await database.close();
    throw error instanceof HoldfastError ? error : unavailable(options.connection, error);
  }
}

function clientConfig(connection: StoreConnection): pg.ClientConfig {
  const target = 'url' in connection ? { connectionString: connection.url } : connection;
  return { ...target, connectionTimeoutMillis: CONNECT_MS_MAX, application_name: 'holdfast' };
}

/**
 * SQLSTATE classes (Appendix A) where the server, not the statement, is the trouble: connection,
 * login, database, resources, operator intervention, system error; and a server that is read-only.
 */
const SERVER_CLASSES = ['08', '28', '3D', '53', '57', '58'];

function isServerTrouble(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (error instanceof pg.DatabaseError) {
    return SERVER_CLASSES.includes(code.slice(0, 2)) || code === '25006';
  }
  // What the driver and the system say of a connection carries no SQLSTATE.
  return /^E[A-Z]{3,}$/.test(code) || /connection|connect |timeout/i.test(error.message);
}

function unavailable(connection: StoreConnection, cause: unknown): HoldfastError {
  return new HoldfastError('HF_STORE_UNAVAILABLE', {
    expected: `our PostgreSQL at ${addressOf(connection)}`,
    found: cause instanceof Error ? cause.message || cause.name : String(cause),
    hint:
      'url' in connection
        ? 'See that the server of DATABASE_URL runs, and that its user may log in and write.'
        : 'See postgres.log in the data folder; Holdfast starts the server again by itself.',
    cause,
  });
}

/** Never with the password. */
function addressOf(connection: StoreConnection): string {
  if (!('url' in connection)) return `${connection.host}, port ${connection.port}`;
  try {
    const { host, pathname } = new URL(connection.url);
    return `${host}${pathname}`;
  } catch {
    return 'DATABASE_URL, which is no URL';
  }
}
