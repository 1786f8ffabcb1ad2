/**
 * A target with the acts' part of the wall and nothing else: the roles, a journal of its own, one agent.
 * `picture` is every definition, grant, comment, sequence and row of it as text: equal means undone.
 */
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import pg from 'pg';
import { actsFoundation } from '../../src/protection/postgres/acts/foundation.ts';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import type { PermitSession, PermitWish } from '../../src/protection/target-guard.ts';
import type { ActRecord } from '../../src/protection/undo-item.ts';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { PICTURE_SQL, ROWS_SQL, SEQUENCES_SQL } from './acts-picture.ts';

export const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
export const SERVERS = [
  { server: '18', binFolder: null, missing: false },
  { server: '15', binFolder: DEBIAN_15, missing: !existsSync(DEBIAN_15) },
] as const;

const ROLES = `
create role holdfast_owner nologin;
create role holdfast_agents nologin;
create role app nologin;
create role app_login login in role app;
create role other nologin;
create role readers nologin;
create role hf_ada login in role holdfast_agents;
create role hf_eve login in role holdfast_agents;
grant app, other to holdfast_owner;
grant other to app;
grant pg_read_all_stats to holdfast_owner;`;

const SCHEMA = `
create schema holdfast authorization holdfast_owner;
grant usage on schema holdfast to holdfast_agents, app;
grant all on schema public to app;
create table holdfast.meta (key text primary key, value jsonb);
insert into holdfast.meta values ('ddl_owner', '"app"');
create sequence holdfast.seq;
alter sequence holdfast.seq owner to holdfast_owner;
create table holdfast.journal (seq bigint, txid xid8 default pg_current_xact_id(), role name default session_user,
  detail jsonb);
alter table holdfast.journal owner to holdfast_owner;
create function holdfast.note_act(detail jsonb) returns bigint language sql
  set search_path = pg_catalog, pg_temp
  as 'insert into holdfast.journal (seq, detail) values (nextval(''holdfast.seq''), $1) returning seq';
alter function holdfast.note_act(jsonb) owner to holdfast_owner;`;

export class Ground {
  readonly #server: ScratchPostgres;
  readonly #bin: string | null;
  readonly name: string;
  readonly admin: pg.Client;
  readonly db: TargetDatabase;
  readonly receipts = new Receipts();
  readonly #agents: pg.Client[] = [];

  private constructor(server: ScratchPostgres, bin: string | null, name: string, admin: pg.Client) {
    this.#server = server;
    this.#bin = bin;
    this.name = name;
    this.admin = admin;
    const { host, port, user } = server;
    this.db = openTargetDatabase({
      target: name,
      connection: { host, port, user, database: name, password: () => null, ssl: false },
    });
  }

  static async start(binFolder: string | null): Promise<ScratchPostgres> {
    const server = await startScratchPostgres({
      ...(binFolder === null ? {} : { binFolder }),
      // Autovacuum commits, too: "nobody else was there" would not be true.
      conf: ['wal_level=logical', 'max_prepared_transactions=5', 'autovacuum=off'],
    });
    const admin = new pg.Client({ connectionString: server.url() });
    await admin.connect();
    await admin.query(ROLES);
    await admin.end();
    return server;
  }

  /** A database of its own for one test. */
  static async in(server: ScratchPostgres, bin: string | null, name: string): Promise<Ground> {
    const first = new pg.Client({ connectionString: server.url() });
    await first.connect();
    await first.query(`create database ${name}`);
    await first.query(`grant create on database ${name} to holdfast_owner, app`);
    await first.end();
    const admin = new pg.Client({ connectionString: server.url(name) });
    await admin.connect();
    await admin.query(SCHEMA);
    for (const step of actsFoundation({ ddlOwner: 'app' })) await admin.query(step.sql);
    return new Ground(server, bin, name, admin);
  }

  async agent(role = 'hf_ada'): Promise<pg.Client> {
    const url = this.#server.url(this.name).replace('postgres@', `${role}@`);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    this.#agents.push(client);
    return client;
  }

  /** As the app's own owner role: what is there before anything happens. */
  async asApp(sql: string): Promise<void> {
    await this.admin.query(`set role app; ${sql}`);
    await this.admin.query('reset role');
  }

  async issue(
    agent: pg.Client,
    statement: string,
    mode: PermitWish['mode'] = 'reversible',
    path = ANY_PATH,
    receipts = this.receipts,
  ): Promise<string> {
    const session = await this.sessionOf(agent);
    const [id] = await receipts.issue(this.db, session, [{ statement, mode }], path);
    return id ?? '';
  }

  /** Asked as the admin: a look of its own would give the agent's transaction its snapshot. */
  async sessionOf(agent: pg.Client): Promise<PermitSession> {
    const pid = Number(Object(agent)['processID']);
    const { rows } = await this.admin.query(
      'select pid, usename as role from pg_stat_activity where pid = $1',
      [pid],
    );
    return rows[0];
  }

  /** The same receipt with something else in it, signed by our own hand: what only Holdfast can. */
  async forge(receipt: string, other: Readonly<Record<string, unknown>>): Promise<string> {
    const [head = '', , body = ''] = receipt.split('.');
    const said: unknown = JSON.parse(Buffer.from(body, 'base64').toString('utf8'));
    const forged = Buffer.from(JSON.stringify({ ...Object(said), ...other })).toString('base64');
    return [head, await this.macOf(`${head}.${forged}`), forged].join('.');
  }

  /** By node:crypto, from the key as it lies there: the target computes it in SQL. */
  async macOf(text: string): Promise<string> {
    const { rows } = await this.admin.query('select inner_pad from holdfast.receipt_key');
    const key = Buffer.from(rows[0].inner_pad.subarray(0, 32)).map((byte) => byte ^ 0x36);
    return createHmac('sha256', key).update(text).digest('hex');
  }

  async run(
    agent: pg.Client,
    statement: string,
    mode: PermitWish['mode'] = 'reversible',
  ): Promise<void> {
    await agent.query(`call holdfast.run('${await this.issue(agent, statement, mode)}')`);
  }

  async acts(): Promise<ActRecord[]> {
    const { rows } = await this.admin.query('select detail from holdfast.journal order by seq');
    return rows.map((row) => row.detail);
  }

  /** As the undo engine does it: in order, as the admin, in one transaction. */
  async take(steps: ActRecord['undo']): Promise<void> {
    await this.db.transaction('read committed', async (session) => {
      for (const step of steps) await session.query(step.sql);
    });
  }

  async undoAll(): Promise<void> {
    for (const act of (await this.acts()).reverse()) await this.take(act.undo);
    await this.admin.query('delete from holdfast.journal');
  }

  async picture(): Promise<string> {
    await this.admin.query(`set search_path = pg_catalog`);
    const { rows } = await this.admin.query(PICTURE_SQL);
    const lines = rows.map((row) => `${row.what}: ${row.said}`);
    for (const source of [ROWS_SQL, SEQUENCES_SQL]) {
      for (const { about, sql } of (await this.admin.query(source)).rows) {
        const found = await this.admin.query(sql);
        lines.push(`${about}: ${JSON.stringify(found.rows)}`);
      }
    }
    await this.admin.query(`reset search_path`);
    if (this.#bin !== null) lines.push(this.#dump(this.#bin));
    return lines.join('\n');
  }

  /** Somebody else's account of the same: pg_dump of that server. */
  #dump(bin: string): string {
    const { host, port, user } = this.#server;
    const out = execFileSync(
      `${bin}/pg_dump`,
      ['-s', '-N', 'holdfast*', '-h', host, '-p', String(port), '-U', user, this.name],
      { encoding: 'utf8' },
    );
    // The place of a column is said to differ; everything else is compared.
    const lines = out.replaceAll(/^\\(un)?restrict .*$/gm, '').split('\n');
    return lines
      .map((line) => line.replace(/,$/, ''))
      .sort()
      .join('\n');
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) await agent.end();
    await this.db.close();
    await this.admin.end();
  }
}
