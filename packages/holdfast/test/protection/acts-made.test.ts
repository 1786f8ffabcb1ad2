/**
 * What an agent makes is taken back, too, on a database with the whole wall: fence, capture, receipts.
 * Rows, definitions and sequences end equal to before, by an account that does not read what acts read.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import { fillCompany } from '../support/company.ts';
import { type Engines, startEngines } from '../support/engines.ts';
import { differenceOf, takeSnapshot } from '../support/snapshot.ts';
import { startUpstream, type Upstream } from '../support/upstream.ts';
import { DEBIAN_15 } from './acts-ground.ts';

const GIVEN = `
-- A column of a type that goes comes back, but last (said in the notes): here it is the last one.
alter table dashboards.boards drop column layout, drop column thumbnail;
create table public.kept (id int primary key, note text); insert into public.kept values (1, 'a'), (2, 'b');
create table public.parent (id serial primary key, name text);
insert into public.parent (name) values ('x'), ('y');
create table public.child (id int primary key, parent int references public.parent);
insert into public.child values (1, 1), (2, 2);
create table public.days (d date) partition by range (d);
create function public.one() returns int language sql as 'select 1';`;

/** Statements as the gateway would send them, in one transaction; plain where nothing of them is lost. */
const MADE: readonly (readonly [story: string, statements: readonly string[]])[] = [
  [
    'a table, filled',
    [
      'create table public.made (id serial primary key, v text)',
      "insert into public.made (v) values ('a'), ('b')",
      "update public.made set v = 'c'",
    ],
  ],
  [
    'a table that refers to one that stays',
    [
      'create table public.made (id int references public.kept)',
      'insert into public.made values (1)',
    ],
  ],
  ['a table out of a query', ['create table public.made as select * from public.kept']],
  ['an index', ['create index made on public.kept (note)']],
  [
    'a view on a table as new',
    [
      'create table public.made (v int)',
      'create view public.made_seen as select v from public.made',
    ],
  ],
  [
    'a type, a function, a sequence',
    [
      "create type public.made as enum ('a')",
      "create function public.two() returns int language sql as 'select 2'",
      'create sequence public.made_numbers',
    ],
  ],
  [
    'a schema and what lies in it',
    [
      'create schema made',
      'create table made.inner_one (id int primary key)',
      'insert into made.inner_one values (1)',
      'grant usage on schema made to holdfast_agents',
    ],
  ],
  [
    'a column with values',
    [
      "alter table public.kept add column made text default 'z' not null",
      "update public.kept set made = 'w' where id = 1",
    ],
  ],
  ['a numbered column', ['alter table public.kept add column made serial']],
  ['a constraint', ['alter table public.kept add constraint made unique (note)']],
  [
    'a partition',
    [
      "create table public.days_1 partition of public.days for values from ('2025-01-01') to ('2026-01-01')",
      "insert into public.days values ('2025-03-03')",
    ],
  ],
  [
    'a trigger',
    [
      "create function public.t() returns trigger language plpgsql as 'begin return new; end'",
      'create trigger made before insert on public.kept for each row execute function public.t()',
    ],
  ],
  [
    'a comment',
    ["comment on column public.kept.note is 'made'", "comment on table public.kept is 'made, too'"],
  ],
  [
    'a function in place of another',
    ["create or replace function public.one() returns int language sql as 'select 2'"],
  ],
  [
    'tables under the names of dropped ones',
    [
      'drop table if exists public.child cascade',
      'drop table if exists public.parent cascade',
      'create table if not exists public.parent (id serial primary key, email text)',
      "insert into public.parent (email) values ('q')",
    ],
  ],
  [
    'a schema under the name of a dropped one',
    [
      'drop schema public cascade',
      'create schema public',
      'grant all on schema public to app',
      'grant all on schema public to public',
      'create table public.kept (id int)',
      'insert into public.kept values (9)',
    ],
  ],
];

const PLAIN = /^(create|comment|alter table .* add )/;

describe.each([
  { server: '18', binFolder: undefined },
  { server: '15', binFolder: DEBIAN_15 },
])('what is made, on PostgreSQL $server', ({ binFolder }) => {
  describe.skipIf(binFolder !== undefined && !existsSync(binFolder))('is taken back', () => {
    let upstream: Upstream;
    let engines: Engines;
    let agent: pg.Client;
    beforeAll(async () => {
      upstream = await startUpstream(binFolder);
      await fillCompany(upstream, {});
      await upstream.ask(`set role app; ${GIVEN}`);
      engines = await startEngines(upstream);
      agent = new pg.Client(engines.direct);
      await agent.connect();
    }, 60_000);
    afterAll(async () => {
      await agent?.end();
      await engines?.stop();
      await upstream?.stop();
    });

    const send = async (statement: string): Promise<void> => {
      if (/^(insert|update|delete)/.test(statement)) {
        await agent.query(statement);
        return;
      }
      const { rows } = await agent.query('select pg_backend_pid() as pid, session_user as role');
      const mode = PLAIN.test(statement) ? 'plain' : 'reversible';
      const [id] = await engines.guard.permit(rows[0], [{ statement, mode }], ANY_PATH);
      await agent.query(`call holdfast.run('${id}')`);
    };
    const picture = () => takeSnapshot(upstream.server.url(upstream.direct.database));

    test.each(MADE)(
      '%s',
      async (_story, statements) => {
        await engines.drain();
        const before = await picture();
        await agent.query('begin');
        for (const statement of statements) await send(statement);
        await agent.query('commit');
        expect(differenceOf(before, await picture())).not.toBe('');
        const report = await engines.undoAll();
        expect(report?.conflicts ?? []).toEqual([]);
        expect(differenceOf(before, await picture()), report?.notes.join('\n')).toBe('');
      },
      30_000,
    );

    test('an undone CREATE comes back with its rows when the undo is undone', async () => {
      await engines.drain();
      const before = await picture();
      await send('create table public.again (id serial primary key, v text)');
      await send("insert into public.again (v) values ('a')");
      const made = await picture();
      await engines.undoAll();
      expect(differenceOf(before, await picture())).toBe('');
      await engines.undoAll();
      expect(differenceOf(made, await picture())).toBe('');
      await engines.undoAll();
      expect(differenceOf(before, await picture())).toBe('');
    }, 30_000);

    test('a CREATE is not undone alone when something that stays uses it', async () => {
      await send('create table public.used (id int primary key)');
      await engines.drain();
      await send('create table public.later (id int references public.used)');
      await engines.drain();
      const [undo] = await upstream
        .ask("select holdfast.nothing_hangs_on(array['public.used'::regclass::oid])")
        .then(
          () => ['taken away'],
          (error: { code?: string }) => [error.code],
        );
      expect(undo).toBe('2BP01');
    });

    test('a statement that fails leaves no act, and says what the server said', async () => {
      await engines.drain();
      await expect(send('create table public.kept (id int)')).rejects.toMatchObject({
        code: '42P07',
      });
      await send('create table if not exists public.kept (id int)');
      expect(await engines.undoAll()).toBeNull();
    });
  });
});
