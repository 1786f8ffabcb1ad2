/**
 * What is really there: rows and content, asked of the server by a connection that neither the agent
 * nor Holdfast has a part in. Nothing the demo reports is remembered or assumed; it is counted.
 */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { TABLES, type TableName } from './schema.ts';

/** Rows of each table; null when the table is gone. */
export type RowCounts = Readonly<Record<TableName, number | null>>;

/** Rows and content at one moment. */
export interface Picture {
  readonly rows: RowCounts;
  readonly total: number;
  /** Equal only when no column of no row differs. */
  readonly checksum: string;
}

export class Measure {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string): Promise<Measure> {
    const client = new pg.Client({ connectionString: url, application_name: 'demo-measure' });
    // A server that is stopped under us ends this connection; whoever counts next will say so.
    client.on('error', () => {});
    await client.connect();
    return new Measure(client);
  }

  async rows(): Promise<RowCounts> {
    const there = await this.#there();
    const counted = new Map<string, number>();
    if (there.length > 0) {
      const parts = there.map(
        (table) => `select '${table}' as t, count(*)::int as n from ${table}`,
      );
      const answer = await this.#client.query<{ t: string; n: number }>(parts.join(' union all '));
      for (const row of answer.rows) counted.set(row.t, row.n);
    }
    return forEachTable((table) => counted.get(table) ?? null);
  }

  async picture(): Promise<Picture> {
    const rows = await this.rows();
    const checksum = createHash('sha256')
      .update(await this.#content())
      .digest('hex')
      .slice(0, 32);
    return { rows, total: totalOf(rows), checksum };
  }

  /** One text over every column of every row of every table. */
  async #content(): Promise<string> {
    const there = await this.#there();
    const parts = there.map(
      (table) =>
        `select '${table}' as t, count(*) || ':' || ` +
        `coalesce(sum(hashtextextended(r::text, 0)::numeric), 0) as h from ${table} r`,
    );
    if (parts.length === 0) return 'nothing';
    const answer = await this.#client.query<{ t: string; h: string }>(
      `select string_agg(t || '=' || h, ' ' order by t) as h from (${parts.join(' union all ')}) x`,
    );
    return answer.rows[0]?.h ?? 'nothing';
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #there(): Promise<TableName[]> {
    const answer = await this.#client.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public'",
    );
    const names = new Set(answer.rows.map((row) => row.name));
    return TABLES.filter((table) => names.has(table));
  }
}

export function totalOf(rows: RowCounts): number {
  return Object.values(rows).reduce((sum: number, count) => sum + (count ?? 0), 0);
}

function forEachTable(count: (table: TableName) => number | null): RowCounts {
  return {
    locations: count('locations'),
    vehicle_classes: count('vehicle_classes'),
    employees: count('employees'),
    vehicles: count('vehicles'),
    customers: count('customers'),
    bookings: count('bookings'),
    booking_extras: count('booking_extras'),
    payments: count('payments'),
    reviews: count('reviews'),
    maintenance: count('maintenance'),
    odometer_readings: count('odometer_readings'),
  };
}
