/** Ways round a receipt, and what a refused or failed statement leaves: nothing. */
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Receipts } from '../../src/protection/postgres/acts/receipts.ts';
import { dropTrash } from '../../src/protection/postgres/trash-bin.ts';
import { ANY_PATH } from '../../src/testing/fake-parts.ts';
import type { ScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { Ground, SERVERS } from './acts-ground.ts';

const DENIED = '42501';

describe.each(SERVERS)('PostgreSQL $server', ({ server, binFolder, missing }) => {
  describe.skipIf(missing)(`receipts on ${server}`, () => {
    let postgres: ScratchPostgres;
    let ground: Ground;
    let ada: pg.Client;
    let count = 0;

    beforeAll(async () => {
      postgres = await Ground.start(binFolder);
    });
    afterAll(() => postgres?.stop());
    beforeEach(async () => {
      ground = await Ground.in(postgres, binFolder, `permit_${count++}`);
      await ground.asApp(
        `create table public.kept (id int primary key, note text); insert into kept values (1, 'a');
         create index by_note on public.kept (note); create view public.seen as select * from kept;
         grant select on kept to holdfast_agents`,
      );
      ada = await ground.agent();
    });
    afterEach(() => ground.stop());

    const use = (id: string, agent = ada): Promise<unknown> =>
      agent.query(`call holdfast.run('${id}')`);
    const gone = async (name: string): Promise<boolean> => {
      const { rows } = await ground.admin.query('select to_regclass($1) is null as gone', [name]);
      return rows[0].gone;
    };

    test('used once, and never again', async () => {
      const id = await ground.issue(ada, 'drop view public.seen');
      await use(id);
      await ground.undoAll();
      await expect(use(id)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/used already/),
      });
      expect(await gone('public.seen')).toBe(false);
    });

    test('not by another session, not by another role, not by nobody', async () => {
      const id = await ground.issue(ada, 'drop view public.seen');
      const twin = await ground.agent();
      const eve = await ground.agent('hf_eve');
      await expect(use(id, twin)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/another session/),
      });
      await expect(use(id, eve)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/another role/),
      });
      await expect(use('receipt_0')).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/no such/),
      });
      expect(await gone('public.seen')).toBe(false);
    });

    test('not a process number that was given out anew', async () => {
      const id = await ground.issue(ada, 'drop view public.seen');
      const forged = await ground.forge(id, { began: 1 });
      await expect(use(forged)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/another session/),
      });
    });

    test('not late, and not when it is void', async () => {
      const short = new Receipts({ lifeMs: 0 });
      const late = await ground.issue(ada, 'drop view public.seen', 'reversible', ANY_PATH, short);
      await expect(use(late)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/expired/),
      });
      const taken = await ground.issue(ada, 'drop view public.seen');
      await ground.receipts.void(ground.db, [taken]);
      await expect(use(taken)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/void/),
      });
    });

    test('rolled back, it has done nothing, and is void as soon as the gateway says so', async () => {
      const before = await ground.picture();
      const id = await ground.issue(ada, 'drop table public.kept cascade');
      const unused = await ground.issue(ada, 'drop view public.seen');
      await ada.query('begin');
      await use(id);
      await ada.query('rollback');
      expect(await ground.picture()).toBe(before);
      expect(await ground.acts()).toEqual([]);
      const trash = await ground.admin.query(
        `select from pg_namespace where nspname like 'holdfast_trash%'`,
      );
      expect(trash.rowCount).toBe(0);
      await expect(use(id)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/used already/),
      });
      await ground.receipts.void(ground.db, [unused]);
      await expect(use(unused)).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/void/),
      });
    });

    test('a used one stays used when the gateway voids it, without waiting', async () => {
      const id = await ground.issue(ada, 'create table public.made ()', 'plain');
      await ada.query('begin');
      await use(id);
      await ground.receipts.void(ground.db, [id]);
      await ada.query('commit');
      expect(await gone('public.made')).toBe(false);
    });

    test.each([
      ['read the key', 'select * from holdfast.receipt_key'],
      ['set the key', `update holdfast.receipt_key set inner_pad = '', outer_pad = ''`],
      ['sign', `select holdfast.receipt_mac('t1n1', 'e30=')`],
      ['lock the turns', 'begin; lock table holdfast.turns'],
      ['read how far it is', 'select last_value from holdfast.turn_1'],
      ['turn a turn back', `select setval('holdfast.turn_1', 1)`],
      ['turn what is void back', `select setval('holdfast.void_1', 1)`],
      ['take a turn', 'select holdfast.take_turn(pg_backend_pid(), null, 1)'],
      ['void others', `select holdfast.void_receipts('{1}', '{99}')`],
      [
        'issue one',
        `select holdfast.issue_receipts(pg_backend_pid(), 'hf_ada', 1000, '{}', '{}', '{drop table public.kept}', '{plain}')`,
      ],
      ['say that one is used now', `insert into holdfast.running values (pg_backend_pid(), '1')`],
      ['the inside of run', `select holdfast.use_receipt('receipt_1', 'public')`],
      ['the owner', `select holdfast.execute_as_owner('drop table public.kept cascade', 'public')`],
      ['the reversible way', `select holdfast.run_reversibly('drop table public.kept', 'public')`],
      ['a step', `select holdfast.take_steps('x', 'drop table public.kept', 'public')`],
      ['the trash', `select holdfast.trash_database('postgres')`],
      [
        'a draft',
        `insert into holdfast.draft (part, forward) values ('step', 'drop table public.kept')`,
      ],
    ])('the agent has no way to %s', async (_story, sql) => {
      await ground.issue(ada, 'drop view public.seen');
      await expect(ada.query(sql)).rejects.toMatchObject({ code: DENIED });
      await ada.query('rollback');
    });

    test.each(['plain', 'reversible'] as const)('two statements are refused (%s)', async (mode) => {
      for (const sql of [
        'drop view public.seen; drop table public.kept',
        'select 1; select 2',
        '',
      ]) {
        await expect(ground.run(ada, sql, mode)).rejects.toMatchObject({ code: DENIED });
      }
      expect(await gone('public.seen')).toBe(false);
    });

    test('one inside another is refused', async () => {
      await ground.admin.query('grant execute on procedure holdfast.run(text) to app');
      const inner = await ground.issue(ada, 'drop view public.seen');
      const outer = `do $$ begin call holdfast.run('${inner}'); end $$`;
      await expect(ground.run(ada, outer, 'plain')).rejects.toMatchObject({
        code: DENIED,
        message: expect.stringMatching(/inside another/),
      });
    });

    test('the role cannot be changed from inside', async () => {
      await expect(ground.run(ada, 'set role app', 'plain')).rejects.toMatchObject({
        code: DENIED,
      });
      const { rows } = await ada.query('select current_user as me');
      expect(rows[0].me).toBe('hf_ada');
    });

    test('in_receipt is true inside, and only there', async () => {
      await ada.query('begin');
      await ground.run(
        ada,
        'create table public.told as select holdfast.in_receipt() as it',
        'plain',
      );
      const { rows } = await ada.query('select holdfast.in_receipt() as after');
      await ada.query('commit');
      expect(rows).toEqual([{ after: false }]);
      const told = await ground.admin.query('select it from public.told');
      expect(told.rows).toEqual([{ it: true }]);
    });

    test('a name means what it meant to the agent', async () => {
      await ground.admin.query(`grant temp on database ${ground.name} to hf_ada`);
      await ground.asApp(`create schema secret; create table secret.twin (); create table public.twin ();
        create schema hf_ada; create table hf_ada.own (); grant usage on schema hf_ada to hf_ada`);
      await ada.query('set search_path = secret, "$user", public');
      await ada.query('create temp table twin ()');
      await ground.run(ada, 'drop table twin');
      await ground.run(ada, 'drop table own');
      expect(await gone('public.twin')).toBe(true);
      expect(await gone('secret.twin')).toBe(false);
      expect(await gone('hf_ada.own')).toBe(true);
      const { rows } = await ada.query('show search_path');
      expect(rows).toEqual([{ search_path: 'secret, "$user", public' }]);
    });

    test('what would fail fails in the words of the server', async () => {
      const said = async (work: Promise<unknown>): Promise<unknown> =>
        work.then(
          () => 'nothing',
          ({ code, message, detail, hint }) => ({ code, message, detail, hint }),
        );
      for (const sql of [
        'drop table public.kept',
        'drop table public.nope',
        'alter table public.kept drop column note',
        'alter table public.kept alter column note type int using note::int',
        'drop table pg_catalog.pg_class',
      ]) {
        const plain = await said(ground.admin.query(`set role app; ${sql}`));
        await ground.admin.query('reset role');
        expect(plain).not.toBe('nothing');
        expect(await said(ground.run(ada, sql))).toEqual(plain);
      }
    });

    test.each([
      'do $$ begin drop view public.seen; end $$',
      'drop extension plpgsql',
      'drop role readers',
      'drop owned by app',
      'alter role readers createdb',
      'create or replace view public.seen as select 1 as id',
      'delete from public.kept',
      'truncate public.kept',
      'alter table public.kept add exclude using gist (id with =)',
    ])('refused, not lost: %s', async (sql) => {
      const before = await ground.picture();
      await ground.admin.query('grant create on schema public to app');
      await expect(ground.run(ada, sql)).rejects.toMatchObject({
        code: expect.stringMatching(/^(0A000|42501|42704|2BP01)$/),
      });
      expect(await ground.picture()).toBe(before);
    });

    test('dropped twice: both come back, one after the other', async () => {
      await ground.run(ada, 'drop table public.kept cascade');
      await ground.asApp(
        'create table public.kept (other int); create index by_note on kept (other)',
      );
      await ground.run(ada, 'drop table public.kept');
      const [first, second] = await ground.acts();
      expect(first?.absent.map(({ name }) => name)).toEqual(
        expect.arrayContaining([
          'public.kept',
          'public.by_note',
          'public.kept_pkey',
          'public.seen',
        ]),
      );
      expect(first?.trash).not.toEqual(second?.trash);
      await ground.take(second?.undo ?? []);
      await expect(ground.take(first?.undo ?? [])).rejects.toMatchObject({ code: '42P07' });
      await ground.take(second?.redo ?? []);
      await ground.take(first?.undo ?? []);
      const { rows } = await ground.admin.query('select * from public.seen');
      expect(rows).toEqual([{ id: 1, note: 'a' }]);
    });

    test('nobody reaches into the trash: not the former owner, not the agent', async () => {
      await ground.run(ada, 'drop table public.kept cascade');
      const [act] = await ground.acts();
      const trash = act?.trash[0] ?? '';
      await expect(ada.query(`select * from ${trash}.kept`)).rejects.toMatchObject({
        code: DENIED,
      });
      await ground.admin.query('set role app');
      for (const sql of [`drop table ${trash}.kept`, `drop schema ${trash} cascade`]) {
        await expect(ground.admin.query(sql)).rejects.toMatchObject({ code: DENIED });
      }
      await ground.admin.query('drop owned by app cascade').catch(() => {});
      await ground.admin.query('reset role');
      const kept = await ground.admin.query(`select * from ${trash}.kept`);
      expect(kept.rows).toEqual([{ id: 1, note: 'a' }]);
    });

    test('outside of transactions: as the owner, with the names of the agent', async () => {
      const { rows } = await ada.query('select pg_backend_pid() as pid, session_user as role');
      const wish = {
        statement: 'create index concurrently later on kept (id)',
        mode: 'plain',
      } as const;
      const path = { schemas: ['public'], said: ['public'] };
      const outside = (statement: string): Promise<string> =>
        ground.receipts.runOutside(ground.db, { ...wish, statement }, rows[0], path);
      expect(await outside(wish.statement)).toBe('CREATE INDEX');
      expect(await gone('public.later')).toBe(false);
      await expect(outside('vacuum nope')).rejects.toMatchObject({ code: '42P01' });
      const session = await ground.db.query(
        'select current_user as me, current_setting($1) as path',
        ['search_path'],
      );
      expect(session).toEqual([{ me: 'postgres', path: 'pg_catalog,pg_temp' }]);
    });

    test('a dropped database is renamed and closed, and comes back', async () => {
      const { rows } = await ada.query('select pg_backend_pid() as pid, session_user as role');
      const name = `victim_${count}`;
      const drop = (statement: string): Promise<string> =>
        ground.receipts.runOutside(ground.db, { statement, mode: 'reversible' }, rows[0], ANY_PATH);
      const victim = await Ground.in(postgres, null, name);
      await victim.asApp('create table public.precious as select 1 as n');
      await ground.admin.query(`comment on database ${name} is 'dear'; alter database ${name} connection limit 5;
        alter database ${name} set work_mem = '9MB'; alter role other in database ${name} set work_mem = '8MB';
        grant temp on database ${name} to readers; alter database ${name} owner to app`);
      const facts = async (): Promise<unknown> => {
        const { rows } = await ground.admin.query(
          `select to_jsonb(d) - 'datfrozenxid' - 'datminmxid' as row, shobj_description(d.oid, 'pg_database') as said,
             (select jsonb_agg(setconfig order by setrole) from pg_db_role_setting where setdatabase = d.oid) as settings
           from pg_database d where datname = $1`,
          [name],
        );
        return rows;
      };
      const before = await facts();
      await expect(drop(`drop database ${name}`)).rejects.toMatchObject({ code: '55006' });
      await victim.stop();
      await expect(drop(`drop database ${name} with (force)`)).rejects.toMatchObject({
        code: 'HF_UNDO_STATE',
      });
      expect(await drop(`DROP DATABASE IF EXISTS "${name}";`)).toBe('DROP DATABASE');
      const there = (): Promise<pg.QueryResult> =>
        ground.admin.query('select datallowconn as open from pg_database where datname = $1', [
          name,
        ]);
      expect((await there()).rows).toEqual([]);
      expect(await drop(`drop database if exists ${name}`)).toBe('DROP DATABASE');
      await ground.undoAll();
      expect((await there()).rows).toEqual([{ open: true }]);
      expect(await facts()).toEqual(before);
      await drop(`drop database ${name}`);
      const trash = (await ground.acts()).flatMap((act) => act.trash);
      for (const called of [...trash, ...trash]) await dropTrash(ground.db, called);
      const { rows: left } = await ground.admin.query(
        'select datname from pg_database where datname = any($1)',
        [[name, ...trash]],
      );
      expect({ trash: trash.length, left }).toEqual({ trash: 1, left: [] });
    });

    test('a column of another type: rows that came since keep their values', async () => {
      await ground.asApp('alter table public.kept add column n int; update public.kept set n = 7');
      await ground.run(ada, 'alter table public.kept alter column n type text using $$n$$ || n');
      await ground.asApp("insert into public.kept values (2, 'b', '22')");
      const [act] = await ground.acts();
      expect(act?.notRestored).toEqual([expect.stringMatching(/written into n of public.kept/)]);
      await ground.undoAll();
      const { rows } = await ground.admin.query('select id, n from public.kept order by id');
      expect(rows).toEqual([
        { id: 1, n: 7 },
        { id: 2, n: 22 },
      ]);
    });

    test('a large object comes back with its bytes, owner and comment', async () => {
      await ground.asApp(
        `select lo_from_bytea(4711, '\\xdeadbeef'); comment on large object 4711 is 'seal'; grant select on large object 4711 to readers`,
      );
      const before = await ground.picture();
      await ground.run(ada, 'select lo_unlink(4711)');
      expect(await ground.picture()).not.toBe(before);
      await ground.undoAll();
      expect(await ground.picture()).toBe(before);
    });

    test('TRUNCATE where its rows are captured: the state of its sequences comes back', async () => {
      await ground.asApp(
        `create table public.counted (id int generated always as identity, n int); insert into counted (n) values (1), (2)`,
      );
      await ground.admin.query(`create function holdfast.captured() returns trigger language plpgsql as 'begin return null; end';
        create trigger holdfast_capture before truncate on public.counted execute function holdfast.captured();
        alter table public.counted enable always trigger holdfast_capture`);
      await ground.run(ada, 'truncate public.counted restart identity');
      await ground.undoAll();
      const { rows } = await ground.admin.query(
        'select last_value::int, is_called from public.counted_id_seq',
      );
      expect(rows).toEqual([{ last_value: 2, is_called: true }]);
    });

    test('forced row security hides no row from who keeps them', async () => {
      await ground.asApp(`alter table kept enable row level security; alter table kept force row level security;
        create table loose (v text); insert into loose values ('x')`);
      const before = await ground.picture();
      await ground.run(ada, 'alter table public.kept drop column note cascade');
      await ground.undoAll();
      expect(await ground.picture()).toBe(before);
    });
  });
});
