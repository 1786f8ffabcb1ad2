/** The agent's hands: a real PostgreSQL client over a real connection string. */
import pg from 'pg';
import type { Act, OrdinaryWork } from './acts.ts';

/** No act of the script takes a second; a server that hangs must not hang the demo. */
const QUERY_MS_MAX = 30_000;

/** What the agent gets back. */
export type Answer =
  | { readonly kind: 'done'; readonly command: string; readonly rows: number }
  | ({ readonly kind: 'held'; readonly holdId: string } & Words)
  | ({ readonly kind: 'failed'; readonly code: string } & Words);

/** The three parts of a PostgreSQL error that people and agents read. */
export interface Words {
  readonly message: string;
  readonly detail: string;
  readonly hint: string;
}

export interface TimedAnswer {
  readonly answer: Answer;
  readonly ms: number;
}

export class Hands {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string, application: string): Promise<Hands> {
    const client = new pg.Client({
      connectionString: url,
      application_name: application,
      query_timeout: QUERY_MS_MAX,
      connectionTimeoutMillis: QUERY_MS_MAX,
    });
    // Without a listener a connection that ends would end the demo; the next query reports it.
    client.on('error', () => {});
    await client.connect();
    return new Hands(client);
  }

  perform(act: Act, name: string): Promise<TimedAnswer> {
    return this.#timed(() =>
      act.extended ? this.#client.query({ name, text: act.sql }) : this.#client.query(act.sql),
    );
  }

  work(work: OrdinaryWork): Promise<TimedAnswer> {
    return this.#timed(() => this.#client.query(work.sql, [...work.values]));
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }

  async #timed(ask: () => Promise<pg.QueryResult | pg.QueryResult[]>): Promise<TimedAnswer> {
    const started = performance.now();
    const answer = await ask().then(doneOf, answerOf);
    return { answer, ms: Math.round((performance.now() - started) * 100) / 100 };
  }
}

/** node-postgres gives an array for several statements; the last one speaks for all. */
function doneOf(result: pg.QueryResult | pg.QueryResult[]): Answer {
  const last = Array.isArray(result) ? result.at(-1) : result;
  return { kind: 'done', command: last?.command ?? '', rows: last?.rowCount ?? 0 };
}

/** A refusal is read like an agent reads it: from the message and DETAIL of the PostgreSQL error. */
export function answerOf(error: unknown): Answer {
  if (!(error instanceof pg.DatabaseError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', code: '', message, detail: '', hint: '' };
  }
  const words = { message: error.message, detail: error.detail ?? '', hint: error.hint ?? '' };
  const hold = /\bhold_[0-9a-z]{16}\b/.exec(`${words.message} ${words.detail}`);
  if (hold) return { kind: 'held', holdId: hold[0], ...words };
  return { kind: 'failed', code: error.code ?? '', ...words };
}
