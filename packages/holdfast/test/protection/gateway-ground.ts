/**
 * The gateway before a protected target, with the least that stands for the wall: a schema `holdfast`
 * made by hand (receipts and `run`), an owner `app`, an agent's role that owns nothing. Beside it the
 * same database without any of that, where `app` logs in directly: both must say the same.
 */

import pg from 'pg';
import { createSqlReader } from '../../src/languages/sql/reader.ts';
import { systemClock } from '../../src/model/clock.ts';
import type { Reading } from '../../src/model/effect.ts';
import { NOT_CONFIGURED } from '../../src/model/recovery-facts.ts';
import type { Protection } from '../../src/model/reversal.ts';
import type { Verdict } from '../../src/model/verdict.ts';
import { Pipeline } from '../../src/pipeline/pipeline.ts';
import type { Judge } from '../../src/policy/judge.ts';
import type {
  JudgedPath,
  PermitSession,
  PermitWish,
  TargetGuard,
} from '../../src/protection/target-guard.ts';
import { createPostgresProtocol } from '../../src/protocols/index.ts';
import { fakeDirectory } from '../../src/testing/fake-directory.ts';
import {
  anybody,
  FakeDesk,
  FakeRecorder,
  guardedTarget,
  oneTarget,
} from '../../src/testing/fake-parts.ts';
import { startScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { frontend, type Message, RawClient } from '../support/raw-client.ts';

const ROLES = `
create role app login; create role hf_cursor login; create role someone;
create database direct owner app; create database guarded owner app;`;
/** In both, so that privileges and names are alike. */
const BOTH = `
grant all on schema public to app;
alter default privileges for role app grant select, insert, update, delete on tables to hf_cursor;
set role app;
create table cars (id int primary key, "schöner Name" text);
create table rides (car int references cars);
create view fast as select * from cars;
insert into cars values (1, 'a'), (2, 'b');
select lo_from_bytea(4711, 'x'), lo_from_bytea(4712, 'x'), lo_from_bytea(4713, 'x');
create function counts() returns int language plpgsql as
  $$ begin raise info 'holdfast: 99 rows' using errcode = 'HFROW'; return 1; end $$;
create function shout() returns int language plpgsql as
  $$ begin raise notice 'shouting'; raise exception 'no more' using detail = 'd', hint = 'h'; end $$;
reset role;`;
const HOLDFAST = `
create schema holdfast authorization app; grant usage on schema holdfast to hf_cursor;
set role app;
create table holdfast.receipts (id text primary key, statement text, mode text, role name, pid int,
  used boolean default false, void boolean default false);
create function holdfast.execute_as_owner(statement text) returns void language plpgsql as
  $$ declare made bigint; begin execute statement; get diagnostics made = row_count;
     raise info 'holdfast: % rows', made using errcode = 'HFROW'; end $$;
create procedure holdfast.run(receipt text) language plpgsql security definer as $$
  declare wanted text;
  begin
    update holdfast.receipts set used = true
    where id = receipt and pid = pg_backend_pid() and role = session_user and not used and not void
    returning statement into wanted;
    if wanted is null then raise exception 'no such receipt: %', receipt; end if;
    perform holdfast.execute_as_owner(wanted);
  end $$;
reset role;`;

export interface Ground {
  readonly guard: HandMadeGuard;
  readonly recorder: FakeRecorder;
  /** As the agent, through the gateway; and as the owner, directly. */
  agent(): Promise<RawClient>;
  owner(): Promise<RawClient>;
  /** Node-postgres, through the gateway. */
  driver(): { host: string; port: number; user: string; password: string; database: string };
  asAdmin(sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

export class HandMadeGuard implements TargetGuard {
  protection: Protection = { level: 'full', trouble: null };
  readonly wishes: PermitWish[] = [];
  readonly paths: JudgedPath[] = [];
  readonly voided: string[] = [];
  /** `permit` waits for this, and fails with its error. */
  before: () => Promise<void> = async () => {};
  readonly #admin: pg.Client;
  #made = 0;

  constructor(admin: pg.Client) {
    this.#admin = admin;
  }

  async roleFor(): Promise<{ user: string; password: string }> {
    return { user: 'hf_cursor', password: 'x' };
  }

  async permit(
    session: PermitSession,
    wishes: readonly PermitWish[],
    path: JudgedPath,
  ): Promise<readonly string[]> {
    await this.before();
    this.paths.push(path);
    const ids: string[] = [];
    for (const { statement, mode } of wishes) {
      this.wishes.push({ statement, mode });
      this.#made += 1;
      const id = `receipt_${this.#made}`;
      await this.#admin.query(
        'insert into holdfast.receipts (id, statement, mode, role, pid) values ($1, $2, $3, $4, $5)',
        [id, statement, mode, session.role, session.pid],
      );
      ids.push(id);
    }
    return ids;
  }

  async void(receipts: readonly string[]): Promise<void> {
    this.voided.push(...receipts);
    await this.#admin.query(
      'update holdfast.receipts set void = true where id = any($1) and not used',
      [receipts],
    );
  }

  async changeRoles(statement: string): Promise<string> {
    await this.#admin.query(statement);
    return 'ALTER ROLE';
  }

  async runOutside(
    { statement }: PermitWish,
    _session: PermitSession,
    path: JudgedPath,
  ): Promise<string> {
    this.paths.push(path);
    const { command } = await this.#admin.query(statement);
    return statement.toLowerCase().startsWith('create index') ? 'CREATE INDEX' : command;
  }
}

/** Whatever was understood passes: what is tried here comes after the verdict. */
const everything: Judge = {
  version: 'test',
  judge(_scope, reading: Reading): Verdict {
    if (reading.kind === 'understood') return { kind: 'forward', rule: 'test', reason: 'a test' };
    const { code, message } = reading.reason;
    return { kind: 'refuse', rule: `test.${code}`, reason: message, hint: 'Do not.' };
  },
  beneath: () => null,
};

export async function startGround(binFolder?: string): Promise<Ground> {
  const server = await startScratchPostgres(binFolder === undefined ? {} : { binFolder });
  const connect = async (database: string): Promise<pg.Client> => {
    const client = new pg.Client(server.url(database));
    await client.connect();
    return client;
  };
  const first = await connect('postgres');
  for (const sql of ROLES.split(';')) await first.query(sql);
  await first.end();
  const direct = await connect('direct');
  await direct.query(BOTH);
  await direct.end();
  const admin = await connect('guarded');
  await admin.query(BOTH);
  await admin.query(HOLDFAST);
  const guard = new HandMadeGuard(admin);
  const recorder = new FakeRecorder();
  const directory = fakeDirectory(['token_a']);
  const reader = await createSqlReader();
  const protocol = createPostgresProtocol({
    listen: { host: '127.0.0.1', port: 0 },
    door: { tls: null, auth: 'scram', plaintext: 'loopback' },
    directory: directory.directory,
    targets: new Map([
      [
        'main-db',
        {
          target: guardedTarget,
          guard,
          upstream: {
            address: { kind: 'tcp', host: server.host, port: server.port },
            user: 'app',
            password: () => null,
            database: 'guarded',
            sslmode: 'disable',
            ca: null,
            connectTimeoutMs: 5_000,
          },
        },
      ],
    ]),
    pipeline: new Pipeline({
      targets: oneTarget,
      judge: everything,
      allowances: anybody,
      recoveryOf: () => NOT_CONFIGURED,
      desk: new FakeDesk(),
      deferrals: null,
      recorder,
      holdWaitMs: 0,
    }),
    reader,
    clock: systemClock,
    unitBytesMax: 64 << 20,
  });
  const { port } = await protocol.listen();
  const { host } = server;
  const login = {
    host,
    port,
    user: 'cursor-backend',
    password: directory.secretOf('token_a'),
    database: 'main-db',
  };
  return {
    guard,
    recorder,
    agent: () => RawClient.open(login),
    owner: () =>
      RawClient.open({ host, port: server.port, user: 'app', password: '', database: 'direct' }),
    driver: () => login,
    asAdmin: async (sql) => (await admin.query(sql)).rows,
    stop: async () => {
      await protocol.close();
      await reader.close();
      await admin.end();
      await server.stop();
    },
  };
}

/** One send of the client, up to the answer that is waited for. */
export interface Step {
  readonly send: readonly Buffer[];
  /** ReadyForQuery this many times, or the first message with one of these tags. */
  readonly until?: number | string;
}

/** What a server said to all of it, message by message, as text that a diff can show. */
export async function transcript(client: RawClient, steps: readonly Step[]): Promise<string[]> {
  const seen: Message[] = [];
  for (const { send, until = 1 } of steps) {
    client.send(...send);
    if (typeof until === 'string') seen.push(...(await client.until(until)));
    else for (let left = until; left > 0; left -= 1) seen.push(...(await client.until('Z')));
  }
  return seen.map(({ tag, body }) => {
    const shown = tag === 'T' ? withoutOids(body) : body;
    return `${tag} ${shown.toString('utf8').replaceAll('\0', '|')}`;
  });
}

/** A table has another number in each of the two databases. */
function withoutOids(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  let at = 2;
  for (let left = copy.readUInt16BE(0); left > 0; left -= 1) {
    at = copy.indexOf(0, at) + 1;
    copy.writeUInt32BE(0, at);
    at += 18;
  }
  return copy;
}

export const simple = (sql: string): Step => ({ send: [frontend.query(sql)] });
