/**
 * A protected target behind a `holdfast up` of its own process, whose store is a server apart, so that each
 * of the three can be struck alone: Holdfast, its store, the target.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import type { EnvironmentLevel } from '../../src/model/target.ts';
import { scratchFolder } from '../../src/testing/scratch-folder.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { TARGET } from './gateway.ts';
import { HoldfastProcess } from './process.ts';
import { type Answer, type Login, RawClient } from './raw-client.ts';
import { typed } from './typed-commands.ts';
import { APP_PASSWORD, APP_ROLE, startUpstream, type Upstream } from './upstream.ts';

const TABLES = `create table bookings (id int primary key, note text);
  insert into bookings select i, 'n' || i from generate_series(1, 100) i;
  create table cars (id int primary key, name text);
  insert into cars select i, 'c' || i from generate_series(1, 100) i;
  create table guests (id int primary key); insert into guests select generate_series(1, 100);
  alter table bookings add column guest int references guests on delete cascade;
  update bookings set guest = id; create view seen as select * from bookings;
  alter view seen owner to ${APP_ROLE}; alter table guests owner to ${APP_ROLE};
  alter table bookings owner to ${APP_ROLE}; alter table cars owner to ${APP_ROLE}`;

export interface TroubledOptions {
  readonly level: EnvironmentLevel;
  readonly binFolder?: string | undefined;
  /** `embedded`: the store is Holdfast's own server, and cannot be struck. */
  readonly store: 'apart' | 'embedded';
  /** More lines of holdfast.yaml. */
  readonly config?: string;
}

export class Troubled {
  readonly upstream: Upstream;
  readonly holdfast: HoldfastProcess;
  readonly store: ScratchPostgres | null;
  readonly login: Login;
  readonly #undo: (() => unknown)[];

  private constructor(
    parts: Pick<Troubled, 'upstream' | 'holdfast' | 'store' | 'login'>,
    undo: (() => unknown)[],
  ) {
    this.upstream = parts.upstream;
    this.holdfast = parts.holdfast;
    this.store = parts.store;
    this.login = parts.login;
    this.#undo = undo;
  }

  static async start(options: TroubledOptions): Promise<Troubled> {
    const undo: (() => unknown)[] = [];
    try {
      return await Troubled.#started(options, undo);
    } catch (error) {
      for (const step of undo.splice(0).reverse()) await step();
      throw error;
    }
  }

  static async #started(options: TroubledOptions, undo: (() => unknown)[]): Promise<Troubled> {
    const folder = scratchFolder('troubled');
    undo.push(() => rmSync(folder, { recursive: true, force: true }));
    const upstream = await startUpstream(options.binFolder);
    undo.push(() => upstream.stop());
    await upstream.ask(TABLES);
    const holdfast = await HoldfastProcess.prepare(folder, upstream, {
      level: options.level,
      superuserAdmin: true,
      readsWhenUnavailable: 'forward',
    });
    let text = readFileSync(holdfast.config, 'utf8');
    let store: ScratchPostgres | null = null;
    if (options.store === 'apart') {
      const server = await startScratchPostgres({ conf: ['fsync = on'] });
      undo.push(() => server.stop());
      store = server;
      writeFileSync(join(folder, 'store.url'), server.url());
      text = text.replace(
        /^store: .*$/m,
        `store: { url: { file: '${join(folder, 'store.url')}' } }`,
      );
    }
    writeFileSync(holdfast.config, `${text}\n${options.config ?? ''}\n`);
    await holdfast.cli('protect', TARGET, '--apply');
    await holdfast.start();
    undo.push(() => holdfast.stop());
    return new Troubled({ upstream, holdfast, store, login: await holdfast.admitAgent() }, undo);
  }

  /** As the agent, a session that stays. */
  async session(): Promise<RawClient> {
    for (let left = 100; ; left -= 1) {
      try {
        const client = await RawClient.open(this.login);
        this.#undo.push(() => client.socket.destroy());
        return client;
      } catch (error) {
        if (left === 0) throw error;
        await new Promise((done) => setTimeout(done, 100));
      }
    }
  }

  /** A command as a person runs it: exit code, and all that it said. */
  async run(...words: readonly string[]): Promise<{ exit: number; said: string }> {
    const folder = join(dirname(this.holdfast.config), 'empty');
    mkdirSync(folder, { recursive: true });
    const env = { ...process.env, APP_PASSWORD, HOLDFAST_CONFIG: this.holdfast.config };
    const { exit, out, err } = await typed({ words, env, folder });
    return { exit: exit ?? -1, said: out + err };
  }

  async doctor(): Promise<string> {
    return (await this.run('doctor')).said;
  }

  async askStore(sql: string): Promise<void> {
    const client = new pg.Client(this.store?.url());
    await client.connect();
    await client.query(sql);
    await client.end();
  }

  /** How many rows there are, by the target's own word. */
  async count(table: string): Promise<number> {
    const [row] = await this.upstream.ask(`select count(*)::int as n from ${table}`);
    return Number(row?.['n']);
  }

  /** Takes a part of holdfast.yaml out again, for the next start. */
  forget(part: string): void {
    const { config } = this.holdfast;
    writeFileSync(config, readFileSync(config, 'utf8').replace(part, ''));
  }

  async stop(): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await step();
  }
}

/** Null: it passed; else the code and what was said. */
export function noOf({ errors }: Answer): string | null {
  const [first] = errors;
  if (first === undefined) return null;
  return `${first['C']}: ${first['M']} ${first['D'] ?? ''} ${first['H'] ?? ''}`;
}
