/**
 * The ground of the undo engine's tests: real servers, a database of its own for each case with the plain
 * capture on its tables, and a vault in memory.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe } from 'vitest';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { runUndo } from '../../src/protection/postgres/undo/engine.ts';
import type { UndoOrder } from '../../src/protection/postgres/undo/work.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import type { UndoReport } from '../../src/protection/undo/undo-report.ts';
import { MemoryUndoStore } from '../../src/testing/memory-undo-store.ts';
import { PlainCapture } from '../../src/testing/plain-capture.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const SERVERS = [
  { name: 'PostgreSQL 18', binFolder: undefined },
  { name: 'PostgreSQL 15', binFolder: '/usr/lib/postgresql/15/bin' },
] as const;

/** A table of two rows that hold unique values, and how it is looked at. */
export const T = `create table t (id int primary key, v text unique); insert into t values (1, 'a'), (2, 'b')`;
export const LOOK = `select coalesce(string_agg(t::text, ' ' order by t), '') as r from t`;

/** A database with captured tables, made anew. */
export type MakeWorld = (schema: string, ...tables: readonly string[]) => Promise<World>;

export function onEachServer(what: string, tests: (world: MakeWorld) => void): void {
  for (const { name, binFolder } of SERVERS) {
    const isThere = binFolder === undefined || existsSync(binFolder);
    describe.skipIf(!isThere)(
      `${what} on ${name}${isThere ? '' : ' (no such server here)'}`,
      () => {
        let server: ScratchPostgres;
        let number = 0;
        beforeAll(async () => {
          server = await startScratchPostgres(binFolder === undefined ? {} : { binFolder });
        });
        afterAll(() => server.stop());
        tests(async (schema, ...tables) => {
          number += 1;
          const admin = new pg.Client(server.url());
          await admin.connect();
          await admin.query(`create database case_${number}`);
          await admin.end();
          const made = new World(server, `case_${number}`);
          await made.run(schema);
          await made.capture.attach(...tables);
          return made;
        });
      },
    );
  }
}

/** `on`: the same database, watched. */
export type UndoMore = Partial<UndoOrder> & { readonly on?: TargetDatabase };

export class World {
  readonly database: TargetDatabase;
  readonly capture: PlainCapture;
  readonly store = new MemoryUndoStore();
  readonly #server: ScratchPostgres;
  readonly name: string;

  constructor(server: ScratchPostgres, name: string) {
    this.#server = server;
    this.name = name;
    this.database = openTargetDatabase({
      target: 'main-db',
      connection: {
        host: server.host,
        port: server.port,
        user: 'postgres',
        database: name,
        password: () => null,
        ssl: false,
      },
    });
    this.capture = new PlainCapture(this.database);
  }

  /** By a session of one's own, which has to be ended. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client(this.#server.url(this.name));
    await client.connect();
    return client;
  }

  /** As anybody, with an ordinary search_path. */
  async run(sql: string): Promise<void> {
    const client = await this.connect();
    try {
      await client.query(sql);
    } finally {
      await client.end();
    }
  }

  /** Rows as text, in an order of their own. */
  async look(tables: readonly string[], sql?: string): Promise<readonly unknown[]> {
    const client = await this.connect();
    try {
      const seen: unknown[] = [];
      for (const text of sql === undefined
        ? tables.map((table) => `select t::text as row from ${table} t order by 1`)
        : [sql]) {
        seen.push((await client.query(text)).rows);
      }
      return seen;
    } finally {
      await client.end();
    }
  }

  drain(): Promise<readonly string[]> {
    return this.capture.drain(this.store);
  }

  async undo(ids: readonly string[], more: UndoMore = {}): Promise<UndoReport> {
    const chosen = [];
    for (const id of ids) {
      const item = await this.store.find(id);
      if (item !== null) chosen.push({ item, entries: await this.store.entries(id) });
    }
    return runUndo(more.on ?? this.database, this.store, {
      chosen,
      tables: null,
      key: [],
      decisions: [],
      mode: 'apply',
      ...more,
    });
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
