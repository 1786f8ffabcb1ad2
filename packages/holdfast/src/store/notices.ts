/**
 * News between processes by LISTEN/NOTIFY, made safe to rely on: PostgreSQL drops notices for who is
 * not connected, so every callback is also called without a payload after each reconnect and at a
 * steady poll. A callback therefore means "look again", and a payload is only a hint where.
 *
 * It will not deliver each notice exactly once, nor keep any.
 */
import type pg from 'pg';
import type { Database } from './database.ts';

/** The payload of a notice, or null when it is the poll or a reconnect that asks to look again. */
export type NoticeHandler = (payload: string | null) => void;

/** What a lost notice can cost; a wake in time costs nothing. */
const POLL_MS_DEFAULT = 1_000;
const RECONNECT_MS_MAX = 5_000;

export class Notices {
  readonly #database: Database;
  readonly #pollMs: number;
  readonly #handlers = new Map<string, Set<NoticeHandler>>();
  #client: pg.Client | null = null;
  #poll: NodeJS.Timeout | null = null;
  #retry: NodeJS.Timeout | null = null;
  #retryMs = 100;
  #closed = false;

  constructor(database: Database, options: { readonly pollMs?: number } = {}) {
    this.#database = database;
    this.#pollMs = options.pollMs ?? POLL_MS_DEFAULT;
  }

  /** Resolves when connected, or when the first try failed and the next one is set. */
  async start(): Promise<void> {
    this.#poll = setInterval(() => this.#tellAll(), this.#pollMs);
    this.#poll.unref();
    await this.#connect();
  }

  get isConnected(): boolean {
    return this.#client !== null;
  }

  /**
   * Calls back on each notice of the channel, on each poll, and after each reconnect. The channel is
   * listened to from then on, so that the next handler misses nothing; the answer stops the calls.
   */
  on(channel: string, handler: NoticeHandler): () => void {
    let handlers = this.#handlers.get(channel);
    if (handlers === undefined) {
      handlers = new Set();
      this.#handlers.set(channel, handlers);
      this.#listen(channel);
    }
    handlers.add(handler);
    return () => handlers.delete(handler);
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#poll) clearInterval(this.#poll);
    if (this.#retry) clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = null;
    await client?.end().catch(() => {});
  }

  async #connect(): Promise<void> {
    const client = this.#database.dedicatedClient();
    client.on('error', () => this.#lost(client));
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ channel, payload }) => this.#tell(channel, payload ?? null));
    try {
      await client.connect();
      for (const channel of this.#handlers.keys()) {
        await client.query(`listen ${client.escapeIdentifier(channel)}`);
      }
    } catch {
      this.#again();
      return;
    }
    if (this.#closed) {
      await client.end().catch(() => {});
      return;
    }
    this.#client = client;
    this.#retryMs = 100;
    // A channel may have been asked for while LISTEN was under way.
    for (const channel of this.#handlers.keys()) this.#listen(channel);
    this.#tellAll();
  }

  #listen(channel: string): void {
    const client = this.#client;
    client?.query(`listen ${client.escapeIdentifier(channel)}`).catch(() => this.#lost(client));
  }

  #lost(client: pg.Client): void {
    if (this.#client !== client) return;
    this.#client = null;
    client.end().catch(() => {});
    this.#again();
  }

  #again(): void {
    if (this.#closed) return;
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs);
    this.#retry.unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RECONNECT_MS_MAX);
  }

  #tellAll(): void {
    for (const channel of this.#handlers.keys()) this.#tell(channel, null);
  }

  #tell(channel: string, payload: string | null): void {
    for (const handler of this.#handlers.get(channel) ?? []) handler(payload);
  }
}
