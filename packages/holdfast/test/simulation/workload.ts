/**
 * Writers on a captured target, and the oracle: what each transaction captured, and how it ended as far
 * as its client knows. Every captured row has a name of its own, so that one lost or doubled is known:
 * the id of an inserted row, and minus that for the row before its delete.
 */
import pg from 'pg';
import { dropOf } from '../../src/testing/drained.ts';
import { Seeded } from './seeded.ts';

/** `unknown`: the server went away while it committed; all of it or nothing. */
export type Ending = 'committed' | 'rolled-back' | 'unknown';

export interface Written {
  readonly ids: readonly number[];
  readonly ending: Ending;
}

const RETRY_MS = 50;
const PAUSE_MS = 25;

export class Workload {
  readonly written: Written[] = [];
  readonly #url: string;
  readonly #tables: number;
  #nextId = 1;
  #nextTrash = 1;
  #isOver = false;
  #running: Promise<void>[] = [];

  constructor(url: string, tables: number) {
    this.#url = url;
    this.#tables = tables;
  }

  start(writers: number, seed: number): void {
    this.#running = Array.from({ length: writers }, (_, n) => this.#write(new Seeded(seed + n)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running);
  }

  async #write(random: Seeded): Promise<void> {
    while (!this.#isOver) {
      const client = new pg.Client({ connectionString: this.#url });
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.#isOver) {
          await this.#transaction(client, random);
          await new Promise((done) => setTimeout(done, PAUSE_MS));
        }
      } catch {
        await new Promise((done) => setTimeout(done, RETRY_MS));
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  async #transaction(client: pg.Client, random: Seeded): Promise<void> {
    const ids: number[] = [];
    let ending: Ending = 'rolled-back';
    try {
      await client.query('begin');
      for (let statement = random.whole(1, 4); statement > 0; statement -= 1) {
        await this.#statement(client, random, ids);
      }
      if (random.chance(10)) await this.#drop(client);
      if (random.chance(20)) {
        await client.query('rollback');
      } else {
        ending = 'unknown';
        await client.query('commit');
        ending = 'committed';
      }
    } finally {
      this.written.push({ ids, ending });
    }
  }

  async #statement(client: pg.Client, random: Seeded, ids: number[]): Promise<void> {
    const rows = random.chance(2) ? 5_000 : random.whole(1, 100);
    const from = this.#nextId;
    this.#nextId += rows;
    const to = from + rows - 1;
    const table = random.whole(1, this.#tables);
    if (!random.chance(15)) {
      await insert(client, table, from, to);
      for (let id = from; id <= to; id += 1) ids.push(id);
      if (!random.chance(50)) return;
      await client.query(`delete from public.t${table} where id between ${from} and ${to}`);
      for (let id = from; id <= to; id += 1) ids.push(-id);
      return;
    }
    // Taken back inside the transaction: none of these may ever be seen.
    await client.query('savepoint inner_one');
    await insert(client, table, from, to);
    await client.query('rollback to savepoint inner_one');
    this.written.push({ ids: [from, to], ending: 'rolled-back' });
  }

  async #drop(client: pg.Client): Promise<void> {
    const name = `holdfast_trash_${this.#nextTrash}`;
    this.#nextTrash += 1;
    await client.query(`create schema ${name}; create table ${name}.x (id int)`);
    const act = JSON.stringify(dropOf('public.x', [name]));
    await client.query('select holdfast.note_act($1::jsonb)', [act]);
  }
}

function insert(client: pg.Client, table: number, from: number, to: number): Promise<unknown> {
  return client.query(
    `insert into public.t${table} select n, 'row ' || n from generate_series(${from}, ${to}) n`,
  );
}
