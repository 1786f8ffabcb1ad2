/**
 * An agent's role that owns nothing defines and drops things through the gateway, and hears what the
 * owner hears who does it directly: message by message, byte for byte.
 */
import pg from 'pg';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frontend } from '../support/raw-client.ts';
import { SERVERS } from './acts-ground.ts';
import { type Ground, type Step, simple, startGround, transcript } from './gateway-ground.ts';

const { parse, bind, describe: ask, execute, sync, flush, close, query } = frontend;

/** The whole of one statement in the extended protocol. */
const extended = (sql: string, name = ''): Step => ({
  send: [parse(name, sql), bind('', name), ask('P', ''), execute(''), sync()],
});

const SAME: readonly (readonly [story: string, steps: readonly Step[]])[] = [
  ['one CREATE and one DROP', [simple('create table t1 (a int)'), simple('drop table t1')]],
  [
    'several statements in one text, among them some that need nothing',
    [
      simple(
        "create table t2 (a int); insert into t2 values (1), (2); alter table t2 add b text default 'x;y'; select * from t2; drop table t2",
      ),
    ],
  ],
  [
    'comments, empty statements and letters of two bytes before, between and behind',
    [
      simple(
        ' ;; /* größer; */ create table "täb le" (é int) -- ende;\n ; ; /* a /* b */ c */ select 1; drop table "täb le" /* ü */ -- x',
      ),
    ],
  ],
  [
    'a transaction that commits, and one that rolls back',
    [
      simple('begin'),
      simple('create table t3 (a int)'),
      simple('insert into t3 values (7)'),
      simple('commit'),
      simple('begin; drop table t3; rollback'),
      simple('select * from t3'),
      simple('drop table t3'),
    ],
  ],
  [
    'an error in the middle of a text: what went before is gone, what follows does not run',
    [
      simple('create table t4 (a int); create table t4 (b int); select 1'),
      simple('select 4 from t4'),
    ],
  ],
  [
    'a place of an error inside the statement that failed',
    [simple("select 'é'; create table t5 (a int, b nosuchtype); select 1")],
  ],
  [
    'a place of an error behind statements that were replaced',
    [simple("create table t6 (ä int); create table t7 (b int); select 'ü', nope from t6")],
  ],
  [
    'what fails although the owner asks: dependents, with their detail and hint',
    [simple('drop table cars'), simple('alter table cars drop column nope')],
  ],
  [
    'notices',
    [simple('drop table if exists nowhere'), simple('create table if not exists cars ()')],
  ],
  ['a default that cannot be computed', [simple('alter table cars add c int default shout()')]],
  [
    'tags of all sorts',
    [
      simple('create schema s; create sequence s.q; create view s.v as select 1 as one'),
      simple('create type s.t as (a int); alter type s.t add attribute b text'),
      simple("create type s.e as enum ('a'); alter type s.e add value 'b'"),
      simple("create function s.f() returns int language sql as 'select 1'"),
      simple('alter function s.f() rename to g; drop function s.g()'),
      simple('create table s.x (a int); create index i on s.x (a); alter index s.i rename to j'),
      simple('alter table s.x rename a to b; alter table s.x rename to y'),
      simple("comment on table s.y is 'one'; grant select on s.y to someone"),
      simple('revoke select on s.y from someone; truncate s.y; alter sequence s.q restart'),
      simple('create policy p on s.y using (true); alter table s.y enable row level security'),
      simple('drop policy p on s.y; drop index s.j; analyze s.y; reindex table s.y'),
      simple('create materialized view s.m as select 1 as one with no data'),
      simple('refresh materialized view s.m; drop materialized view s.m; drop view s.v'),
      simple('create domain s.d as int; alter domain s.d set not null; drop domain s.d'),
      simple('alter default privileges in schema s grant select on tables to someone'),
      simple('drop schema s cascade'),
    ],
  ],
  [
    'tables made from queries: how many rows',
    [
      simple('create table q1 as select * from cars'),
      simple('create table q2 as select * from cars where false; select 1'),
      simple('create table q3 as select * from cars with no data'),
      simple('create table if not exists q1 as select * from cars'),
      simple('set client_min_messages = error; create table q4 as select * from cars'),
      simple('create table if not exists q5 as select 1; create table if not exists q6 (a int)'),
      simple('create materialized view q7 as select * from cars; drop materialized view q7'),
      simple('create materialized view q7 as select * from cars with no data'),
      extended('create table q8 as select * from cars'),
      simple('create table q9 as values (1), (2), (3); create table q9 as select 1'),
      simple('reset client_min_messages; drop materialized view q7'),
      simple('drop table q1, q2, q3, q4, q5, q6, q8, q9'),
    ],
  ],
  [
    'SELECT INTO in all its ways',
    [
      simple('select * into i1 from cars'),
      simple(
        ' /* é */ select id /* a */ , \'into x\' as b INTO /* é */ unlogged table /* ü */ "I 2" -- c\n from cars -- d',
      ),
      simple(
        'select 1; with q as (select * from cars) select q.id into public . i3 from q; select * from i3',
      ),
      simple('select id into i4 from cars union all select 7 union select 8'),
      extended('select * into i5 from cars where id = 1'),
      simple('select * into i1 from cars'),
      simple("select 'é', nope, id into i6 from cars"),
      simple("select 'é', id into i6 from nosuch"),
      simple("select 'é', id into nosuch.i6 from cars"),
      simple('begin; select * into i7 from cars; rollback'),
      simple('select * from i7'),
      simple(
        "select relname, relpersistence from pg_class where relname ~ '^i [0-9]$|^i[0-9]$' or relname = 'I 2' order by 1",
      ),
      simple('drop table i1, "I 2", i3, i4, i5'),
    ],
  ],
  [
    'a large object deleted',
    [
      simple('select lo_unlink(4711)'),
      simple('select lo_unlink(4711)'),
      simple('select 1; select pg_catalog.lo_unlink(4712); select 2'),
      simple('begin; select lo_unlink(4713); rollback'),
      extended('select lo_unlink(4713)'),
      {
        send: [
          parse('u', 'SELECT lo_unlink(4713)'),
          ask('S', 'u'),
          bind('p', 'u'),
          ask('P', 'p'),
          execute('p'),
          sync(),
        ],
      },
    ],
  ],
  [
    'what cannot run in a block, in a block',
    [
      simple('begin'),
      simple('create index concurrently i1 on cars (id)'),
      simple('rollback'),
      simple('select 1; vacuum'),
    ],
  ],
  [
    'the extended protocol, unnamed and named, and the same name again',
    [
      extended('create table t8 (a int)'),
      { send: [parse('s', 'drop table t8'), ask('S', 's'), sync()] },
      { send: [bind('', 's'), ask('P', ''), execute(''), sync()] },
      { send: [bind('', 's'), execute(''), sync()] },
      extended('create table t8 (a int)'),
      { send: [bind('', 's'), execute(''), sync()] },
      { send: [close('S', 's'), sync()] },
    ],
  ],
  [
    'a portal with a name, run twice',
    [
      {
        send: [
          parse('', 'create table t9 (a int)'),
          bind('p', ''),
          ask('P', 'p'),
          execute('p'),
          execute('p'),
          sync(),
        ],
      },
      simple('create table t9 (a int)'),
    ],
  ],
  [
    'a portal bound in one unit and run in another of the same block',
    [
      simple('begin'),
      { send: [parse('', 'create table t10 (a int)'), bind('p', ''), sync()] },
      { send: [ask('P', 'p'), execute('p'), close('P', 'p'), sync()] },
      simple('insert into t10 values (1)'),
      simple('commit'),
    ],
  ],
  [
    'several statements up to one Sync, the middle one wrong',
    [
      {
        send: [
          parse('', 'create table t11 (a int)'),
          bind('', ''),
          execute(''),
          parse('', 'insert into t11 values ($1)'),
          bind('', '', ['5']),
          execute(''),
          parse('', 'create table t11 (ü nosuchtype)'),
          bind('', ''),
          execute(''),
          parse('', 'select 1'),
          bind('', ''),
          execute(''),
          sync(),
        ],
      },
      simple('select 11 from t11'),
    ],
  ],
  [
    'pipelined: units one behind the other without waiting',
    [
      {
        send: [
          query('create table t12 (a int)'),
          parse('', 'alter table t12 add b int'),
          bind('', ''),
          execute(''),
          sync(),
          query('select * from t12'),
          query('drop table t12; select 12'),
        ],
        until: 4,
      },
    ],
  ],
  [
    'Flush before the Bind, as some drivers do',
    [
      { send: [parse('f', 'create table t13 (a int)'), ask('S', 'f'), flush()], until: 'n' },
      { send: [bind('', 'f'), execute(''), sync()] },
      simple('drop table t13'),
    ],
  ],
  [
    'a name that nobody prepared, parameters that do not fit',
    [
      { send: [parse('k', 'create table t14 (a int)'), sync()] },
      { send: [bind('', 'k', ['1']), execute(''), sync()] },
      { send: [parse('k', 'drop table cars'), bind('', 'k'), execute(''), sync()] },
      simple('deallocate k'),
    ],
  ],
];

describe.each(SERVERS)('PostgreSQL $server', ({ binFolder, missing }) => {
  // Without its binaries there is no such server to ask.
  describe.skipIf(missing)('through the gateway', () => {
    let ground: Ground;
    beforeAll(async () => {
      ground = await startGround(binFolder ?? undefined);
    }, 120_000);
    afterAll(() => ground?.stop());

    describe('the answers are those of the server to the owner', () => {
      it.each(SAME)('%s', async (_story, steps) => {
        const owner = await ground.owner();
        const agent = await ground.agent();
        const expected = await transcript(owner, steps);
        expect(await transcript(agent, steps)).toEqual(expected);
        await Promise.all([owner.end(), agent.end()]);
      });
    });

    const codes = async (agent: Awaited<ReturnType<Ground['agent']>>, sql: string) =>
      (await agent.query(sql)).errors.map((error) => `${error['C']} ${error['M']}`);

    describe('ways round it', () => {
      it.each([
        ['calling run itself', "call holdfast.run('receipt_1')"],
        ['with quotes and a comment', '/**/ CALL "holdfast" . "run" (\'receipt_1\')'],
        ['behind something harmless', "select 1; call holdfast.run('receipt_1')"],
        ['by the search path', "set search_path = holdfast; call run('receipt_1')"],
        ['by set_config', "select set_config('search_path', 'public, holdfast', false)"],
        ['reading the receipts', 'select id from holdfast.receipts'],
        ['a view over them', 'create view peek as select * from holdfast.receipts'],
        ['dropping the schema', 'drop schema holdfast cascade'],
        ['becoming the owner', 'set role holdfast_owner'],
        ['a grant of its role', 'grant holdfast_owner to someone'],
        ['explained', 'explain analyze select * from holdfast.receipts'],
        ['prepared and executed', 'prepare x as select * from holdfast.receipts; execute x'],
      ])('%s', async (_story, sql) => {
        const agent = await ground.agent();
        const asked = ground.guard.wishes.length;
        const [said, ...more] = await codes(agent, sql);
        expect(said).toMatch(/^42501 Holdfast refused this: .*one of Holdfast itself/);
        expect(more).toEqual([]);
        expect(ground.guard.wishes).toHaveLength(asked);
        await agent.end();
      });

      it('a receipt is for one statement: its mode says whether something could be lost', async () => {
        const agent = await ground.agent();
        const from = ground.guard.wishes.length;
        await agent.query('create table m1 (a int); drop table m1 /* gone */; select 1');
        expect(ground.guard.wishes.slice(from)).toEqual([
          { statement: 'create table m1 (a int)', mode: 'plain' },
          { statement: 'drop table m1 /* gone */', mode: 'reversible' },
        ]);
        await agent.end();
      });

      it('what names were judged with goes along, as the session last said it', async () => {
        const agent = await ground.agent();
        const from = ground.guard.paths.length;
        for (const sql of [
          'create table p1 (a int)',
          'set search_path = stock, public; alter table p1 add b int',
          'alter table p1 add c int',
          'alter table p1 add c int',
          'begin; set local search_path = later; alter table public.p1 add d int; rollback',
          'vacuum cars',
          "select set_config('search_path', lower('PUBLIC'), false); drop table public.p1",
          'reset search_path',
        ]) {
          await agent.query(sql);
        }
        const all = ['public', 'stock', 'later'];
        expect(ground.guard.paths.slice(from)).toEqual([
          { schemas: ['public'], said: ['public'] },
          { schemas: ['public', 'stock'], said: ['stock', 'public'] },
          { schemas: ['public', 'stock'], said: ['stock', 'public'] },
          { schemas: ['public', 'stock'], said: ['stock', 'public'] },
          { schemas: all, said: ['later'] },
          { schemas: all, said: ['later'] },
          { schemas: [], said: null },
        ]);
        await agent.end();
      });

      it('a receipt that a rollback made good again is void before the next transaction', async () => {
        const agent = await ground.agent();
        await agent.query('begin; create table r1 (a int)');
        const [id] = (
          await ground.asAdmin(
            'select id from holdfast.receipts order by length(id) desc, id desc limit 1',
          )
        ).map((row) => row['id']);
        expect(ground.guard.voided).not.toContain(id);
        await agent.query('rollback');
        await agent.query('select 1');
        expect(ground.guard.voided).toContain(id);
        expect((await codes(agent, 'select * from r1'))[0]).toMatch(/^42P01/);
        await agent.end();
      });

      it('EXECUTE of a prepared DROP is refused in words, and the name still runs by the protocol', async () => {
        const agent = await ground.agent();
        await agent.query('create table x1 (a int)');
        agent.send(parse('d', 'drop table x1'), sync());
        await agent.until('Z');
        expect(await codes(agent, 'execute d')).toEqual([
          expect.stringMatching(/^0A000 .*EXECUTE of a prepared statement/),
        ]);
        agent.send(bind('', 'd'), execute(''), sync());
        expect((await agent.until('Z')).map(({ tag }) => tag).join('')).toBe('2CZ');
        await agent.end();
      });

      it('a prepared statement of ours cannot be had under its name', async () => {
        const agent = await ground.agent();
        agent.send(parse('holdfast_receipt', 'select 1'), sync());
        const [said] = await agent.untilClosed();
        expect(said?.body.toString()).toContain('does not begin with holdfast_');
        const other = await ground.agent();
        await transcript(other, [extended('create table n1 (a int)')]);
        expect(await codes(other, 'execute holdfast_receipt')).toEqual([
          expect.stringMatching(/^42501 .*one of Holdfast itself/),
        ]);
        other.send(bind('', 'holdfast_receipt'), execute(''), sync());
        expect((await other.until('Z')).map(({ tag }) => tag).join('')).toBe('EZ');
        await other.query('drop table n1');
        await other.end();
      });

      it('a name that may still mean two things runs neither', async () => {
        const agent = await ground.agent();
        await agent.query('create table x2 (a int)');
        agent.send(parse('n', 'select 1'), sync());
        await agent.until('Z');
        // The second Parse fails (the name is taken), so the name means SELECT; a DROP must not run for it.
        agent.send(parse('n', 'drop table x2'), sync(), bind('', 'n'), execute(''), sync());
        await agent.until('Z');
        const tags = (await agent.until('Z')).map(({ tag }) => tag).join('');
        expect(tags).toBe('EZ');
        expect((await agent.query('select * from x2')).errors).toEqual([]);
        await agent.query('drop table x2');
        await agent.end();
      });

      it('code that counts for us is overruled, and is heard only where it is no part of a receipt', async () => {
        const agent = await ground.agent();
        expect((await agent.query('create table co1 as select counts()')).complete).toEqual([
          'SELECT 1',
        ]);
        agent.send(query('select counts(); drop table co1'));
        const seen = await agent.until('Z');
        expect(seen.filter(({ tag }) => tag === 'N')).toHaveLength(1);
        await agent.end();
      });

      it('DO and CALL run with the rights of the agent, which are none', async () => {
        const agent = await ground.agent();
        const asked = ground.guard.wishes.length;
        expect(await codes(agent, "do $$ begin execute 'drop table cars'; end $$")).toEqual([
          '42501 must be owner of table cars',
        ]);
        expect(await codes(agent, 'explain analyze create table e1 as select 1')).toEqual([
          '42501 permission denied for schema public',
        ]);
        expect(ground.guard.wishes).toHaveLength(asked);
        await agent.end();
      });

      it('behind statements that no Sync has ended, it is refused, and the session goes on', async () => {
        const agent = await ground.agent();
        agent.send(parse('', 'select 1'), bind('', ''), execute(''), flush());
        await agent.until('C');
        agent.send(parse('', 'drop table cars'), bind('', ''), execute(''), sync());
        expect((await agent.until('Z')).map(({ tag }) => tag).join('')).toBe('EZ');
        expect((await agent.query('select 1')).complete).toEqual(['SELECT 1']);
        await agent.end();
      });
    });

    describe('when receipts cannot be had', () => {
      it('nothing is forwarded, and the outcome says so', async () => {
        const agent = await ground.agent();
        ground.guard.before = async () => {
          throw new Error('the target is away');
        };
        const [said] = await codes(agent, 'select 1; drop table rides');
        ground.guard.before = async () => {};
        expect(said).toMatch(/^57P03 Holdfast could not prepare to take this back/);
        expect(ground.recorder.outcomes.at(-1)?.outcome.kind).toBe('not-forwarded');
        expect((await agent.query('select * from rides')).errors).toEqual([]);
        await agent.end();
      });

      it('what comes behind waits, in its order; a client that leaves takes it along', async () => {
        const agent = await ground.agent();
        let release: () => void = () => {};
        ground.guard.before = () => new Promise((done) => (release = done));
        agent.send(query('create table w1 (a int)'), query('insert into w1 values (1)'));
        await expect
          .poll(() => ground.recorder.decisions.at(-1)?.text)
          .toBe('create table w1 (a int)');
        release();
        ground.guard.before = async () => {};
        const tags = [...(await agent.until('Z')), ...(await agent.until('Z'))].map(
          ({ tag }) => tag,
        );
        expect(tags.join('')).toBe('CZCZ');
        ground.guard.before = () => new Promise((done) => (release = done));
        agent.send(query('drop table w1'));
        await expect.poll(() => ground.recorder.decisions.at(-1)?.text).toBe('drop table w1');
        agent.socket.destroy();
        await expect.poll(() => ground.recorder.events.at(-1)?.kind).toBe('session-closed');
        release();
        ground.guard.before = async () => {};
        await expect
          .poll(() => ground.recorder.outcomes.at(-1)?.outcome.kind)
          .toBe('not-forwarded');
        expect(await ground.asAdmin('select count(*)::int as n from w1')).toEqual([{ n: 1 }]);
      });
    });

    describe('what cannot run in a transaction', () => {
      it('is run by the guard, when nothing is open, and answered in its place', async () => {
        const agent = await ground.agent();
        agent.send(query('select 1'), query('/* ü */ create index concurrently o1 on cars (id);'));
        await agent.until('Z');
        expect((await transcript(agent, [{ send: [] }])).join()).toBe('C CREATE INDEX|,Z I');
        const again = await agent.query('/* ü */ create index concurrently o1 on cars (id);');
        expect(again.errors[0]).toMatchObject({ C: '42P07', M: 'relation "o1" already exists' });
        const parts = [parse('', 'vacuum cars'), bind('', ''), ask('P', ''), execute(''), sync()];
        expect(await transcript(agent, [{ send: parts }])).toEqual([
          '1 ',
          '2 ',
          'n ',
          'C VACUUM|',
          'Z I',
        ]);
        await agent.end();
      });
    });

    describe('changes of roles', () => {
      it('are made by the guard, alone, and answered in their place', async () => {
        const agent = await ground.agent();
        agent.send(query('select 1'), query('alter role someone nologin;'));
        await agent.until('Z');
        expect((await transcript(agent, [{ send: [] }])).join()).toBe('C ALTER ROLE|,Z I');
        const parts = [parse('', 'alter role someone login'), bind('', ''), execute(''), sync()];
        expect(await transcript(agent, [{ send: parts }])).toEqual([
          '1 ',
          '2 ',
          'C ALTER ROLE|',
          'Z I',
        ]);
        const wrong = await agent.query('alter role nobody_at_all login');
        expect(wrong.errors[0]).toMatchObject({ C: '42704' });
        await agent.end();
      });

      it.each([
        ['in a block', ['begin', 'alter role someone nologin']],
        ['in a text with others', ['select 1; alter role someone nologin']],
        ['two at once', ['alter role someone nologin; alter role someone login']],
        ['with a table in one text', ['create table ro1 (a int); grant someone to app']],
        ['behind what opens a block', ['begin; alter role someone nologin']],
      ])('%s they are refused, and nothing is done', async (_story, texts) => {
        const agent = await ground.agent();
        let said: string[] = [];
        for (const text of texts) said = await codes(agent, text);
        expect(said).toEqual([expect.stringMatching(/^0A000 .*a change of roles together/)]);
        await agent.query('rollback');
        const [row] = await ground.asAdmin(
          "select rolcanlogin as may, to_regclass('ro1') as made from pg_roles where rolname = 'someone'",
        );
        expect(row).toEqual({ may: true, made: null });
        await agent.end();
      });
    });

    describe('long texts', () => {
      it.each([
        ['read in the worker', 40_000],
        ['of nearly 16 MB in one text', 7 << 20],
      ])(
        '%s: answered the same, error and all',
        async (_story, bytes) => {
          const comment = 'ü'.repeat(bytes / 2);
          const steps = [
            simple(
              `select 1; /* ${comment} */ create table l1 (a int /* ${comment} */); drop table l1`,
            ),
            simple(`create table l2 (a int /* ${comment} */, b nosuchtype)`),
            simple('select 2'),
          ];
          const owner = await ground.owner();
          const agent = await ground.agent();
          const expected = await transcript(owner, steps);
          expect(await transcript(agent, steps)).toEqual(expected);
          await Promise.all([owner.end(), agent.end()]);
        },
        60_000,
      );
    });

    describe('drivers', () => {
      it('node-postgres: plain, named, in a transaction', async () => {
        const client = new pg.Client(ground.driver());
        await client.connect();
        expect((await client.query('create table d1 (a int)')).command).toBe('CREATE');
        await client.query({
          name: 'again',
          text: 'alter table d1 add column if not exists b int',
        });
        await client.query({
          name: 'again',
          text: 'alter table d1 add column if not exists b int',
        });
        await client.query('begin');
        await client.query('insert into d1 values ($1, $2)', [1, 2]);
        await client.query('drop table d1');
        await client.query('rollback');
        expect((await client.query('select * from d1')).rows).toEqual([]);
        await expect(client.query('drop table cars')).rejects.toMatchObject({
          code: '2BP01',
          hint: 'Use DROP ... CASCADE to drop the dependent objects too.',
          internalQuery: undefined,
          where: undefined,
        });
        await client.query('drop table d1');
        await client.end();
      });

      it('postgres.js: unsafe, tagged, several, in a transaction', async () => {
        const { user: username, ...login } = ground.driver();
        const notices: string[] = [];
        const sql = postgres({
          ...login,
          username,
          max: 1,
          fetch_types: false,
          onnotice: (notice) => notices.push(String(notice['message'])),
        });
        await sql`create table d2 (a int)`;
        await sql`create table if not exists d2 (a int)`;
        await sql.unsafe('alter table d2 add b text; create index on d2 (b); select 1');
        await sql.begin(async (tx) => {
          await tx`alter table d2 drop column b`;
          await tx`insert into d2 values (${5})`;
        });
        expect(await sql`select * from d2`).toEqual([{ a: 5 }]);
        await expect(sql`create table d2 (b int)`).rejects.toMatchObject({ code: '42P07' });
        expect(notices).toEqual(['relation "d2" already exists, skipping']);
        await sql`drop table d2`;
        await sql.end();
      });
    });
  });
});
