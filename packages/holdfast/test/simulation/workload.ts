/**
 * Writers on a captured target, and the oracle: what each transaction captured, and how it ended as far
 * as its client knows. Every captured row has an id of its own, so that one lost or doubled has a name.
 */
import pg from 'pg';
import { captureAct, captureDelete } from '../../src/testing/captured-target.ts';
import { dropOf } from '../../src/testing/drained.ts';
import { Seeded } from './seeded.ts';

/** `unknown`: the server went away while it committed; all of it or nothing. */
export type Ending = 'committed' | 'rolled-back' | 'unknown';

export interface Written {
  readonly ids: readonly number[];
  readonly ending: Ending;
}

const RETRY_MS = 50;
const PAUSE_MS = 15;

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
    const session = {
      query: async (text: string, values?: readonly unknown[]) =>
        (await client.query(text, values === undefined ? undefined : [...values])).rows,
    };
    let ending: Ending = 'rolled-back';
    try {
      await client.query('begin');
      for (let statement = random.whole(1, 4); statement > 0; statement -= 1) {
        await this.#statement(session, random, ids);
      }
      if (random.chance(10)) await this.#drop(session);
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

  async #statement(
    session: Parameters<typeof captureDelete>[0],
    random: Seeded,
    ids: number[],
  ): Promise<void> {
    const rows = random.chance(3) ? 20_000 : random.whole(1, 200);
    const from = this.#nextId;
    this.#nextId += rows;
    const to = from + rows - 1;
    const table = random.whole(1, this.#tables);
    if (!random.chance(15)) {
      await captureDelete(session, table, { from, to });
      for (let id = from; id <= to; id += 1) ids.push(id);
      return;
    }
    // Taken back inside the transaction: none of these may ever be seen.
    await session.query('savepoint inner_one');
    await captureDelete(session, table, { from, to });
    await session.query('rollback to savepoint inner_one');
    this.written.push({ ids: [from, to], ending: 'rolled-back' });
  }

  async #drop(session: Parameters<typeof captureDelete>[0]): Promise<void> {
    const name = `holdfast_trash_${this.#nextTrash}`;
    this.#nextTrash += 1;
    await session.query(`create schema ${name}`);
    await session.query(`create table ${name}.x (id int)`);
    await captureAct(session, dropOf('public.x', [name]));
  }
}
