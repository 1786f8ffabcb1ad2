/**
 * A control that cries at ordinary work is switched off. None of what follows may be held or refused:
 * a migration as ORMs write it, psql's own questions, a dump of the schema, a report.
 */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { missing, PSQL, run } from './drivers/programs.ts';

const BIN = '/usr/lib/postgresql/15/bin';
const PG_DUMP = { command: '/usr/bin/pg_dump', args: [] };

const MIGRATION = [
  'begin',
  `create table if not exists schema_migrations (version bigint primary key, dirty boolean not null)`,
  `create table "User" (id serial primary key, email text not null unique, "createdAt" timestamptz not null default now())`,
  `create table "Post" (id serial primary key, title varchar(255) not null, author int not null,
     constraint "Post_author_fkey" foreign key (author) references "User"(id) on delete cascade on update cascade)`,
  `create index "Post_author_idx" on "Post" (author)`,
  `create unique index concurrently_not on "User" (lower(email))`,
  `create type mood as enum ('calm', 'loud')`,
  `create view recent as select * from "Post" where id > 10`,
  `create schema if not exists reporting`,
  `create sequence invoice_numbers`,
  `insert into schema_migrations values (20260101, false) on conflict (version) do update set dirty = false`,
  'commit',
  `alter table "User" add column name text`,
  `alter table "User" add column age int not null default 0`,
  `create index concurrently "User_name_idx" on "User" (name)`,
  `comment on table "User" is 'people'`,
  `insert into "User" (email, name) select 'u' || g || '@example.org', 'n' || g from generate_series(1, 500) g`,
  `insert into "Post" (title, author) select 'title ' || id, id from "User"`,
  `update "User" set name = 'renamed' where id = 7`,
  `delete from "Post" where id in (1, 2, 3)`,
  `analyze "User"`,
];

const REPORT = [
  `select date_trunc('month', "createdAt") as month, count(*), avg(length(title)) from "Post" join "User" u on u.id = author group by 1 order by 1`,
  `with busy as (select author, count(*) c from "Post" group by 1), ranked as (select *, rank() over (order by c desc) r from busy) select * from ranked where r <= 3`,
  `select coalesce(name, 'nobody'), round(random()::numeric, 0) >= 0, to_char(now(), 'YYYY') is not null from "User" limit 5`,
  `select jsonb_agg(jsonb_build_object('id', id, 'email', upper(email))) is not null from "User"`,
  `explain (costs off) select * from "User" where id = 1`,
  'show server_version',
  'select current_user, current_database(), version() is not null, pg_size_pretty(1024::bigint)',
  `select nextval('invoice_numbers')`,
];

const META = [
  '\\d',
  '\\d "User"',
  '\\d+ "Post"',
  '\\dt+',
  '\\df',
  '\\l',
  '\\dn',
  '\\du',
  '\\di',
  '\\dv',
];
META.push(
  '\\dx',
  '\\dT',
  '\\dp',
  '\\ds',
  '\\sf pg_sleep',
  '\\x',
  '\\copy "User" (id) to /dev/null',
);

describe.each([{ level: 'guarded' as const }, { level: 'open' as const }])(
  '$level',
  ({ level }) => {
    let gateway: Gateway;
    beforeAll(async () => {
      // psql and pg_dump of Debian are of the same version as this server.
      gateway = await startGateway({ level, ...(existsSync(BIN) ? { binFolder: BIN } : {}) });
    });
    afterAll(() => gateway?.stop());

    it.for([
      { story: 'a migration and its data', lines: MIGRATION.map((sql) => `${sql};`) },
      { story: 'a report', lines: REPORT.map((sql) => `${sql};`) },
      { story: "psql's own questions", lines: META },
    ])('$story', async ({ lines }, ctx) => {
      const reason = missing(PSQL);
      ctx.skip(reason !== null, reason ?? '');
      const said: string[] = [];
      for (const line of [lines.join('\n')]) {
        const ran = await run(PSQL, gateway.through, [], {
          input: `\\set VERBOSITY verbose\n${line}\n`,
        });
        said.push(ran.err);
      }
      expect(said.join('')).toBe('');
    });

    it('pg_dump of the schema', async (ctx) => {
      const reason = missing(PSQL);
      ctx.skip(
        reason !== null || gateway.serverMajor > 15,
        reason ?? 'pg_dump is older than the server',
      );
      const args = ['--schema-only', '--no-password'];
      const direct = await run(PG_DUMP, gateway.upstream.direct, args);
      const through = await run(PG_DUMP, gateway.through, args);
      expect(direct.out).toContain('CREATE TABLE public."User"');
      expect(through.err).toBe('');
      // A random word of each run keeps psql from reading commands in a dump.
      const dump = (text: string): string => text.replaceAll(/^\\(un)?restrict .*$/gm, '');
      expect(dump(through.out)).toEqual(dump(direct.out));
    });

    it('opened no hold', async () => {
      const held = (await gateway.entries()).filter((entry) => entry.kind === 'hold-opened');
      expect(held).toEqual([]);
    });
  },
);
