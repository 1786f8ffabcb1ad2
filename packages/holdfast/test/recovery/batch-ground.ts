/** A table that lacks rows, on a real server; the proposal of them, and what puts it in. */
import { rmSync } from 'node:fs';
import pg from 'pg';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import {
  type ApplyOptions,
  type ApplyReport,
  apply,
  digestOfProposal,
  type Proposal,
  parseMapping,
  propose,
} from '../../src/recovery/rebuild/index.ts';
import { adminOf } from '../../src/testing/captured-target.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const TABLES = `
  create table public.guests (email text primary key);
  insert into public.guests values ('ada@example.com'), ('bob@example.com');
  create table public.bookings (
    "t" bigint generated always as identity, number int not null unique, price numeric(10,1), guest varchar(30),
    paid bool default true, slot text unique,
    constraint of_guest foreign key (guest) references public.guests (email));
  create table public.notes (number int references public.bookings (number), note text);
  insert into public.bookings (number, price, guest) values (1, 10.0, 'ada@example.com');`;

export const MAPPING = `
format: holdfast/mapping/1
table: public.bookings
key: { column: number, is: integer, id: booking }
sources:
  pay: { kind: payments, record: { field: id }, ids: { booking: { field: booking } } }
columns:
  price:
    is: money
    stored: major
    currency: EUR
    from: { pay: { field: amount, unit: major, decimal: '.', currency: { is: EUR } } }
  guest: { is: text, from: { pay: { field: guest } } }
  slot: { is: text, from: { pay: { field: slot } } }
`;

export const GOOD = [
  'p2,2,20.50,ada@example.com,a',
  'p3,0003,30.00,bob@example.com,',
  "p4,4,40.00,,'; drop table notes --",
];
export const BEFORE = ['1 10.0 ada@example.com t'];
export const AFTER = [
  ...BEFORE,
  '2 20.5 ada@example.com t a',
  '3 30.0 bob@example.com t',
  "4 40.0 t '; drop table notes --",
];

interface Copy {
  readonly database: TargetDatabase;
  /** The rows as they stand, in words. */
  readonly look: () => Promise<readonly string[]>;
}

export class BatchGround {
  readonly server: ScratchPostgres;
  readonly #folder: string;
  readonly #clock = new ManualClock();
  /** Of the last copy. */
  number = 0;

  private constructor(server: ScratchPostgres, folder: string) {
    this.server = server;
    this.#folder = folder;
  }

  static async start(options: Parameters<typeof startScratchPostgres>[0]): Promise<BatchGround> {
    return new BatchGround(await startScratchPostgres(options), scratchFolder('rebuild'));
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async copyOf(more = ''): Promise<Copy> {
    this.number += 1;
    const name = `copy_${this.number}`;
    const admin = new pg.Client(this.server.url());
    await admin.connect();
    await admin.query(`create database ${name}`);
    await admin.end();
    const database = adminOf(this.server, 'main-db', name);
    await database.query(TABLES);
    if (more !== '') await database.query(more);
    const look = async () => {
      const rows = await database.query(
        `select concat_ws(' ', number, price, guest, paid, slot) as row from public.bookings order by number`,
      );
      return rows.map((row) => String(row['row']));
    };
    return { database, look };
  }

  proposed(
    database: TargetDatabase,
    lines: readonly string[],
    mapping = MAPPING,
  ): Promise<Proposal> {
    const bytes = Buffer.from(['id,booking,amount,guest,slot', ...lines].join('\n'));
    return propose({
      target: 'main-db',
      scratch: database,
      mapping: parseMapping(mapping, 'mapping.yaml'),
      sources: [{ source: 'pay', file: 'pay.csv', bytes }],
      captured: null,
      copies: this.#folder,
    });
  }

  put(
    database: TargetDatabase,
    proposal: Proposal,
    more: Partial<ApplyOptions> = {},
  ): Promise<ApplyReport> {
    return apply({
      scratch: database,
      proposal,
      digest: digestOfProposal(proposal),
      assertions: [],
      isDryRun: false,
      person: 'person_ada',
      clock: this.#clock,
      ...more,
    });
  }
}
