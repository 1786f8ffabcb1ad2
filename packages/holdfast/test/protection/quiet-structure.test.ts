/**
 * What ORMs send that defines and loses nothing, on a guarded and protected target: it passes without a
 * person, and does there what it does without Holdfast. And what looks like it, and does not pass.
 */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Protected, startProtected } from '../support/protected.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

/** Once the gateway has seen that its target is protected, agents are let in with a role of their own. */
async function connected({ through }: Protected): Promise<pg.Client> {
  for (let left = 200; left > 0; left -= 1) {
    const client = new pg.Client(through);
    await client.connect();
    const { rows } = await client.query('select session_user as role');
    if (String(rows[0]?.role).startsWith('hf_')) return client;
    await client.end();
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error('the gateway never saw that the target is protected');
}

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server', ({ binFolder }) => {
  const isMissing = binFolder !== undefined && !existsSync(binFolder);
  let company: Protected | undefined;
  let agent: pg.Client | undefined;

  beforeAll(async () => {
    if (isMissing) return;
    company = await startProtected({
      holdWait: '0s',
      ...(binFolder === undefined ? {} : { binFolder }),
    });
    agent = await connected(company);
  }, 60_000);
  afterAll(async () => {
    await agent?.end();
    await company?.stop();
  });

  async function send(sql: string): Promise<string> {
    try {
      const answers: unknown = await agent?.query(sql);
      const all = Array.isArray(answers) ? answers : [answers];
      return all.map((one: pg.QueryResult) => one.command).join(', ');
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  it('passes without a hold what defines and loses nothing', async (ctx) => {
    ctx.skip(isMissing, 'postgresql-15 is not installed');
    const sequelize =
      "DO 'BEGIN CREATE TYPE \"public\".\"enum_pets_kind\" AS ENUM(''cat'', ''dog''); EXCEPTION WHEN duplicate_object THEN null; END';";
    expect(await send(sequelize)).toBe('DO');
    // Again: the handler catches it.
    expect(await send(sequelize)).toBe('DO');
    expect(
      await send('create table pets (id int primary key, kind "enum_pets_kind", old text)'),
    ).toBe('CREATE');
    expect(await send("insert into pets values (1, 'cat', '7')")).toBe('INSERT');
    expect(await send('alter table pets rename column old to age')).toBe('ALTER');
    expect(await send('alter table pets alter column age type int using age::int')).toBe('ALTER');
    expect(await send('alter table pets alter column age set not null')).toBe('ALTER');
    expect(await send('create index pets_age on pets (age); drop index pets_age')).toBe(
      'CREATE, DROP',
    );
    expect(await send('alter table pets rename to animals')).toBe('ALTER');
    expect(await company?.countOf('hold-opened')).toBe(0);
    expect((await agent?.query('select * from animals'))?.rows).toEqual([
      { id: 1, kind: 'cat', age: 7 },
    ]);
  });

  it('a default by an extension that only computes works for agents', async (ctx) => {
    ctx.skip(isMissing, 'postgresql-15 is not installed');
    const there = await company?.upstream.ask(
      "select from pg_available_extensions where name = 'uuid-ossp'",
    );
    ctx.skip(there?.length === 0, 'this server has no uuid-ossp');
    expect(await send('CREATE EXTENSION IF NOT EXISTS "uuid-ossp"')).toBe('CREATE');
    expect(
      await send('create table tokens (id uuid default uuid_generate_v4() primary key, a int)'),
    ).toBe('CREATE');
    expect(await send('insert into tokens (a) values (1)')).toBe('INSERT');
    expect(await company?.countOf('hold-opened')).toBe(0);
  });

  it.each([
    ['drops in a block', 'do $$ begin drop table animals; end $$'],
    [
      'drops in a handler',
      "do $$ begin create type enum_pets_kind as enum ('a'); exception when others then drop table animals; end $$",
    ],
    ['drops by a built text', "do $$ begin execute 'drop table animals'; end $$"],
    ['other extensions', 'create extension if not exists dblink'],
    ['data', 'alter table animals drop column age'],
    ['with what hangs on it', 'alter table animals drop constraint pets_pkey cascade'],
  ])('waits for a person: %s', async (_story, sql) => {
    if (isMissing) return;
    const before = (await company?.countOf('hold-opened')) ?? 0;
    expect(await send(sql)).toContain('hold');
    expect(await company?.countOf('hold-opened')).toBe(before + 1);
    expect((await agent?.query('select age from animals'))?.rows).toEqual([{ age: 7 }]);
  });
});
