/** The facts of a card, from a real server: what it finds, what it does not touch, and when it gives up. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../../languages/sql/reader.ts';
import type { SqlReader } from '../../../languages/sql/sql-reading.ts';
import type { NamePath } from '../../../model/session-settings.ts';
import { type ScratchPostgres, startScratchPostgres } from '../../../testing/scratch-postgres.ts';
import type { TargetDatabase } from '../../target-database.ts';
import { type AdminConnection, openTargetDatabase } from '../admin.ts';
import { FACTS_LOCK_MS_MAX, PostgresFacts } from './finder.ts';
import { Gathering, type TargetFound } from './gathering.ts';

/** So that a slow machine changes nothing; what is to be late is held until the test lets go. */
const MS_MAX = 20_000;
const PUBLIC: NamePath = { schemas: ['public'], isInOrder: true };

let server: ScratchPostgres;
let admin: pg.Client;
let db: TargetDatabase;
let reader: SqlReader;
let agent: AdminConnection;

const SCHEMA = `
  create role agent login;
  create table customers (id int primary key, name text);
  create table payments (id int primary key, customer int references customers on delete cascade, sum numeric, at date);
  create table notes (id int, payment int references payments);
  create table logins (customer int references customers on delete set null);
  create view paid as select customer, sum(sum) from payments group by 1;
  create view paid_twice as select * from paid;
  create materialized view totals as select count(*) from payments;
  create function biggest() returns numeric language sql begin atomic select max(sum) from payments; end;
  create function mentions() returns numeric language plpgsql as $$ begin return (select count(*) from payments); end $$;
  create function other() returns numeric language plpgsql as $$ begin return (select count(*) from payments_old); end $$;
  create publication feed for table payments;
  create table events (id int, at date) partition by range (at);
  create table events_1 partition of events for values from ('2026-01-01') to ('2026-07-01');
  create table events_2 partition of events for values from ('2026-07-01') to ('2027-01-01');
  create table payments_backup_2025 (like payments);
  create table fresh (id int);
  insert into customers select i, 'c' || i from generate_series(1, 1000) i;
  insert into payments select i, i % 1000 + 1, i, date '2026-01-01' + i % 300 from generate_series(1, 20000) i;
  insert into events select i, date '2026-01-01' + i % 360 from generate_series(1, 3000) i;
  insert into payments_backup_2025 select * from payments;
  insert into fresh select generate_series(1, 77);
  analyze customers; analyze payments; analyze events; analyze payments_backup_2025;
  grant select, insert, update, delete on all tables in schema public to agent;
`;

beforeAll(async () => {
  // Nothing is analyzed but by the test.
  server = await startScratchPostgres({ conf: ['autovacuum=off', 'wal_level=logical'] });
  admin = new pg.Client({ connectionString: server.url() });
  await admin.connect();
  await admin.query(SCHEMA);
  const connection = { ...server, database: 'postgres', password: () => null, ssl: false };
  db = openTargetDatabase({ target: 'main-db', connection, lockMsMax: FACTS_LOCK_MS_MAX });
  agent = { ...connection, user: 'agent' };
  reader = await createSqlReader();
}, 60_000);
afterAll(async () => {
  await reader?.close();
  await db?.close();
  await admin?.end();
  await server?.stop();
});

interface How {
  readonly path?: NamePath;
  readonly login?: AdminConnection;
  readonly parameterCount?: number;
}

async function factsOf(text: string, how: How = {}): Promise<TargetFound> {
  const bytes = Buffer.from(text);
  const reading = await reader.read(bytes, 0, bytes.length);
  const into = new Gathering();
  const { parameterCount = 0, path = PUBLIC, login = agent } = how;
  await new PostgresFacts({ db, msMax: MS_MAX }).lookUp(
    {
      effects: reading.effects,
      isWhole: reading.kind === 'understood',
      statement: reading.statements === 1 ? { text, parameterCount } : null,
      path,
      settings: [],
    },
    async () => login,
    into,
  );
  return into.found(MS_MAX);
}

const named = (found: TargetFound): string[] =>
  found.dependents.map(({ name, type, what }) => `${what} ${name} (${type})`);

async function inScratch(sql: string, work: () => Promise<void>, undo: string): Promise<void> {
  await admin.query(sql);
  try {
    await work();
  } finally {
    await admin.query(undo);
  }
}

describe('rows and sizes', () => {
  it('counts what a DELETE without a condition takes, by the statistics, and says that it is an estimate', async () => {
    const found = await factsOf('delete from payments');
    expect(found.rows).toEqual({ value: 20_000, how: 'estimate' });
    const size = await admin.query(`select pg_total_relation_size('payments')::float8 as bytes`);
    expect(found.objects).toEqual([
      {
        name: 'public.payments',
        type: 'table',
        rows: { value: 20_000, how: 'estimate' },
        bytes: { value: size.rows[0].bytes, how: 'exact' },
      },
    ]);
    expect(found.notTold).toEqual([]);
  });

  it('asks the planner how many rows a condition picks', async () => {
    const found = await factsOf("delete from payments where at < '2026-02-01'");
    expect(found.rows?.how).toBe('estimate');
    expect(found.rows?.value).toBeGreaterThan(1_000);
    expect(found.rows?.value).toBeLessThan(5_000);
    expect(found.notTold).toEqual([]);
  });

  it('plans one that reads other tables, and its own, as well', async () => {
    const found = await factsOf(
      `delete from payments p where p.customer in (select c.id from customers c where c.name = 'c7')
         and exists (select 1 from payments q where q.id = p.id)`,
    );
    expect(found.rows?.value).toBe(20);
    expect(found.objects.map(({ name }) => name)).toEqual(['public.payments']);
  });

  it('counts what a condition picks where the planner has a rule of thumb only', async () => {
    const found = await factsOf('delete from payments where id % 2 = 0');
    expect(found.rows).toEqual({ value: 10_000, how: 'exact' });
    expect(found.notTold).toEqual([]);
  });

  it('says that an estimate may be far off where it could not count', async () => {
    const found = await factsOf('delete from payments where id % $1 = 0', { parameterCount: 1 });
    expect(found.rows?.how).toBe('estimate');
    expect(found.notTold.join()).toContain('the estimate may be far off');
  });

  it('plans a statement with parameters without their values', async () => {
    const found = await factsOf('update payments set sum = $1 where id = $2', {
      parameterCount: 2,
    });
    expect(found.rows).toEqual({ value: 1, how: 'estimate' });
  });

  it('counts a small table that was never analyzed, exactly', async () => {
    const found = await factsOf('truncate fresh');
    expect(found.rows).toEqual({ value: 77, how: 'exact' });
  });

  it('believes the size a table has now, not the one it had when it was analyzed', async () => {
    await inScratch(
      `create table grown (id int); insert into grown select generate_series(1, 5000); analyze grown;
       insert into grown select generate_series(1, 45000)`,
      async () => {
        const found = await factsOf('delete from grown');
        expect(found.rows?.value).toBeGreaterThan(45_000);
        expect(found.rows?.value).toBeLessThan(55_000);
      },
      'drop table grown',
    );
  });

  it('sums up partitions under the table that was named', async () => {
    const found = await factsOf('drop table events');
    expect(found.rows).toEqual({ value: 3_000, how: 'estimate' });
    expect(found.objects.map(({ name, type }) => [name, type])).toEqual([
      ['public.events', 'partitioned table, with 2 partition(s) or children'],
    ]);
    expect(found.dependents).toEqual([]);
  });

  it('counts a partition once that is named beside its table, and none as nothing', async () => {
    const both = await factsOf('drop table events, events_1');
    expect(both.rows?.value).toBe(3_000);
    await inScratch(
      `create table bare (id int) partition by range (id); create schema parts;
       create table public.whole (id int) partition by range (id);
       create table parts.one partition of public.whole for values from (1) to (11);
       create table parts.old (id int); create table parts.child () inherits (parts.old);
       insert into parts.child select generate_series(1, 5);
       insert into whole select generate_series(1, 10)`,
      async () => {
        expect((await factsOf('drop table bare')).rows).toEqual({ value: 0, how: 'exact' });
        // A partition of a table elsewhere goes with the schema it lies in; a child is counted with its parent.
        const schema = await factsOf('drop schema parts cascade');
        expect(schema.objects.map(({ name }) => name).toSorted()).toEqual([
          'parts.old',
          'parts.one',
        ]);
        expect(schema.rows).toEqual({ value: 15, how: 'exact' });
      },
      'drop table bare; drop schema parts cascade; drop table whole',
    );
  });

  it('does not say that a view has no rows', async () => {
    await inScratch(
      'create view some_payments as select * from payments',
      async () => {
        const found = await factsOf('delete from some_payments');
        expect(found.rows).toBeNull();
        expect(found.notTold).toEqual([
          'rows: public.some_payments is a view, and what lies behind it is not looked up',
        ]);
      },
      'drop view some_payments',
    );
  });

  it('says what cannot be counted: a huge table by its statistics, one with none not at all', async () => {
    await inScratch(
      `create table huge (id int); create table untold (id int, t text);
       insert into huge values (1);
       update pg_class set reltuples = 274877906944, relpages = 1 where relname = 'huge';
       alter table untold alter t set storage plain;
       insert into untold select i, repeat('x', 1900) from generate_series(1, 5000) i;
       select pg_stat_reset_single_table_counters('untold'::regclass)`,
      async () => {
        const huge = await factsOf('drop table huge');
        expect(huge.rows).toEqual({ value: 274_877_906_944, how: 'estimate' });
        const untold = await factsOf('drop table untold');
        expect(untold.rows === null || untold.rows.how === 'estimate').toBe(true);
        if (untold.rows === null) expect(untold.notTold.join()).toContain('rows: of public.untold');
      },
      'drop table huge, untold',
    );
  });
});

describe('what hangs on it', () => {
  it('names who loses rows by a foreign key, and who refuses', async () => {
    const found = await factsOf('delete from customers');
    expect(named(found)).toEqual([
      'rows public.logins (foreign key logins_customer_fkey, ON DELETE SET NULL)',
      'rows public.payments (foreign key payments_customer_fkey, ON DELETE CASCADE)',
      // Through the cascade, one further.
      'stops public.notes (foreign key notes_payment_fkey, ON DELETE NO ACTION)',
    ]);
  });

  it('names what a DROP with CASCADE takes, through views on views', async () => {
    const found = await factsOf('drop table payments cascade');
    expect(named(found)).toEqual([
      'goes notes_payment_fkey on public.notes (table constraint)',
      'goes public.biggest() (function)',
      'goes public.paid (view)',
      'goes public.paid_twice (view)',
      'goes public.totals (materialized view)',
      'breaks feed (publication)',
      'breaks public.mentions() (function that names it)',
    ]);
  });

  it('names what stops a DROP without CASCADE', async () => {
    const found = await factsOf('drop table payments');
    expect(named(found)).toContain('stops public.paid (view)');
    expect(named(found)).toContain('stops notes_payment_fkey on public.notes (table constraint)');
  });

  it('names what TRUNCATE empties with CASCADE, counts it, and says what stops it without', async () => {
    const whole = await factsOf('truncate customers cascade');
    expect(whole.objects.map(({ name }) => name).toSorted()).toEqual([
      'public.customers',
      'public.logins',
      'public.notes',
      'public.payments',
    ]);
    expect(whole.rows?.value).toBe(21_000);
    const stopped = await factsOf('truncate customers');
    expect(named(stopped)).toEqual([
      'stops public.logins (foreign key logins_customer_fkey)',
      'stops public.payments (foreign key payments_customer_fkey)',
    ]);
  });

  it('names what a column takes with it', async () => {
    await inScratch(
      `create table goods (id int, price numeric, "a.b" int); create index goods_price on goods (price);
       create view dear as select price from goods`,
      async () => {
        const found = await factsOf('alter table goods drop column price cascade');
        expect(named(found)).toEqual([
          'goes public.dear (view)',
          'goes public.goods_price (index)',
        ]);
        expect((await factsOf('alter table goods drop column "a.b"')).notTold).toEqual([]);
      },
      'drop table goods cascade',
    );
  });

  it('looks into a schema, and outside of it for what falls', async () => {
    await inScratch(
      `create schema shop; create table shop.carts (id int primary key); create table shop.items (id int);
       insert into shop.carts select generate_series(1, 10);
       create view public.carts_seen as select * from shop.carts`,
      async () => {
        const found = await factsOf('drop schema shop cascade');
        expect(found.objects.map(({ name }) => name)).toEqual(['shop.carts', 'shop.items']);
        expect(found.rows).toEqual({ value: 10, how: 'exact' });
        expect(named(found)).toEqual(['goes public.carts_seen (view)']);
        const stopped = await factsOf('drop schema shop');
        expect(named(stopped)).toContain('stops 2 relation(s) inside (contents)');
      },
      'drop schema shop cascade; drop view if exists public.carts_seen',
    );
  });

  it('says that a copy goes which somebody may have kept for recovery', async () => {
    const found = await factsOf('drop table payments_backup_2025');
    expect(found.recoveryLost).toEqual([
      'public.payments_backup_2025 is named like a kept copy of other data; if it is one, it goes',
    ]);
  });

  it('tells the size of another database, and that it looked no further', async () => {
    await admin.query('create database other_db');
    const found = await factsOf('drop database other_db');
    expect(found.objects).toEqual([
      {
        name: 'other_db',
        type: 'database',
        rows: null,
        bytes: { value: expect.any(Number), how: 'exact' },
      },
    ]);
    expect(found.notTold.join()).toContain('another database');
  });
});

describe('what others do meanwhile', () => {
  it('comes back while somebody holds the table, with what the statistics say, and says so', async () => {
    const holder = new pg.Client({ connectionString: server.url() });
    await holder.connect();
    try {
      await holder.query('begin; lock table payments in access exclusive mode');
      const found = await factsOf("delete from payments where at < '2026-02-01'");
      expect(found.objects).toEqual([
        {
          name: 'public.payments',
          type: 'table',
          rows: { value: 20_000, how: 'estimate' },
          bytes: { value: expect.any(Number), how: 'estimate' },
        },
      ]);
      expect(found.objects[0]?.bytes?.value).toBeGreaterThan(500_000);
      expect(found.notTold).toEqual([
        'exact size of public.payments: another session holds it, or waits to',
        expect.stringMatching(
          /^rows: how many the condition picks: the server did not answer within \d+ ms \(canceling statement due to lock timeout\); all rows there are about 20,000$/,
        ),
      ]);
      expect(named(found).length).toBeGreaterThan(0);
    } finally {
      await holder.query('rollback');
      await holder.end();
    }
  });

  it('tells what is still open when the time is up', () => {
    const into = new Gathering();
    into.ask('rows', 'size');
    into.answered('size');
    expect(into.found(400).notTold).toEqual(['rows: the server did not answer within 400 ms']);
  });

  it('hides behind a long list neither what is open nor what was not answered', () => {
    const into = new Gathering();
    into.ask('rows', 'size');
    for (let at = 0; at < 30; at += 1) into.note(`nowhere_${at}: there is no such relation`);
    into.cannot('rows', 'the server did not answer within 400 ms');
    const { notTold } = into.found(400);
    expect(notTold.slice(0, 3)).toEqual([
      'size: the server did not answer within 400 ms',
      'rows: the server did not answer within 400 ms',
      'nowhere_0: there is no such relation',
    ]);
    expect([notTold.length, notTold.at(-1)]).toEqual([20, 'and 13 more']);
  });

  it('leaves no trace: it is read only, whatever it is asked', async () => {
    const before = await admin.query('select count(*) from payments');
    await factsOf('delete from payments');
    await factsOf("delete from payments where at < '2026-02-01'");
    await factsOf('drop schema public cascade');
    expect((await admin.query('select count(*) from payments')).rows).toEqual(before.rows);
  });
});

/** Each writes down as whom it ran; a sequence is not turned back by a rollback, but is refused read only. */
const SPY = `
  create table seen (who text);
  create function spy(v anyelement) returns anyelement language plpgsql immutable as $$
    begin raise exception 'ran as %', session_user; end $$;
`;

describe('code that a planner could be made to run', () => {
  const attacks: readonly (readonly [story: string, setup: string, text: string])[] = [
    ['a function in the text', '', 'delete from payments where id = public.spy(1)'],
    [
      'a function under the name of a built-in one that fits better',
      `create function public.lower(int) returns int language sql immutable as 'select public.spy($1)'`,
      'delete from payments where id = lower(1)',
    ],
    [
      'a field of a row that is a function',
      `create function public.trap(payments) returns int language sql immutable as 'select public.spy(1)'`,
      'delete from payments p where p.trap = 1',
    ],
    [
      'an operator',
      `create function public.same(int, text) returns boolean language plpgsql immutable as $$ begin return public.spy(true); end $$;
       create operator public.= (function = public.same, leftarg = int, rightarg = text)`,
      `delete from payments where id = 'x'::text`,
    ],
    [
      'the check of a domain',
      `create domain public.checked as int check (public.spy(value) > 0)`,
      'delete from payments where id = checked (1)',
    ],
    [
      'a domain in a cast',
      `create domain public.checked as int check (public.spy(value) > 0)`,
      `delete from payments where id = '1'::checked`,
    ],
    [
      'a view that runs a slow function',
      `create function public.slow() returns int language sql stable as 'select 1 from pg_sleep(3600)';
       create view public.slowly as select slow() as id`,
      'delete from payments using slowly where payments.id = slowly.id',
    ],
    [
      'a policy',
      `alter table payments enable row level security; grant select on payments to public;
       create policy p on payments using (public.spy(true))`,
      'delete from payments where id = 5',
    ],
    [
      'an index over a function',
      `create function public.pick(int) returns boolean language plpgsql immutable as $$ begin return public.spy(true); end $$;
       create table indexed (id int); create index on indexed (id) where public.pick(id);
       grant select, delete on indexed to agent`,
      'delete from indexed where id = 5',
    ],
    [
      'a second statement behind the first',
      '',
      'delete from payments where id = 5; drop table fresh',
    ],
    ['an escape in a name', '', 'delete from payments where id = U&"\\0073py"(1)'],
    ['a comment between', '', 'delete from payments where id = spy/**/(1)'],
    [
      'a table turned to XML',
      '',
      `delete from payments where sum::text = table_to_xml('paid', true, false, '')::text`,
    ],
  ];

  it.each(attacks)('%s is not run, by anybody', async (_story, setup, text) => {
    await admin.query(`begin; ${SPY} ${setup}; commit`);
    try {
      const found = await factsOf(text);
      expect(found.rows).toBeNull();
      const told = found.notTold.join('; ');
      expect(told).toMatch(
        /not plain enough|which planning may run|more than one statement|not certain/,
      );
      expect(told).not.toContain('ran as');
      expect(found.objects.map(({ name }) => name).join()).toMatch(/public\.(payments|indexed)/);
    } finally {
      await admin.query(
        `alter table payments disable row level security; drop policy if exists p on payments;
         drop table if exists indexed; drop view if exists slowly; drop function if exists slow();
         drop domain if exists public.checked; drop operator if exists public.= (int, text);
         drop function if exists public.same(int, text), public.lower(int), public.trap(payments), public.pick(int);
         drop function spy(anyelement); drop table seen`,
      );
    }
  });

  it('would have run, had the text been planned: the trap is a real one', async () => {
    await admin.query(
      `${SPY}; create function public.lower(int) returns int language sql immutable as 'select public.spy($1)'`,
    );
    try {
      await expect(admin.query('explain delete from payments where id = lower(1)')).rejects.toThrow(
        'ran as postgres',
      );
    } finally {
      await admin.query('drop function public.lower(int), spy(anyelement); drop table seen');
    }
  });

  it('is planned as the agent, and as no superuser', async () => {
    const login = { ...agent, user: 'postgres' };
    const found = await factsOf('delete from payments where id = 5', { login });
    expect(found.rows).toBeNull();
    expect(found.notTold.join()).toContain('agents work as a superuser there');
  });

  it('is not planned as a superuser that the agent’s login turns into', async () => {
    await inScratch(
      'create role turned login; grant postgres to turned; alter role turned set role = postgres',
      async () => {
        const found = await factsOf('delete from payments where id = 5', {
          login: { ...agent, user: 'turned' },
        });
        expect(found.notTold.join()).toContain('agents work as a superuser there');
      },
      'drop role turned',
    );
  });

  it('is not planned where the agent may not', async () => {
    await inScratch(
      'create table hidden (id int); insert into hidden values (1)',
      async () => {
        const found = await factsOf('delete from hidden where id = 5');
        expect(found.rows).toBeNull();
        expect(found.notTold.join()).toContain('permission denied for table hidden');
      },
      'drop table hidden',
    );
  });
});

describe('what a name means', () => {
  const OTHER =
    'create schema evil; create table evil.payments (id int); insert into evil.payments values (1); analyze evil.payments; grant usage on schema evil to agent; grant all on evil.payments to agent';

  it('follows the search path that was judged', async () => {
    await inScratch(
      OTHER,
      async () => {
        const path = { schemas: ['evil', 'public'], isInOrder: true };
        const found = await factsOf('delete from payments', { path });
        expect(found.objects.map(({ name }) => name)).toEqual(['evil.payments']);
        expect(found.rows?.value).toBe(1);
        const picked = await factsOf('delete from payments where id = 1', { path });
        expect(picked.rows?.value).toBe(1);
      },
      'drop schema evil cascade',
    );
  });

  it('counts every table it may be when the path is not certain, and says so', async () => {
    await inScratch(
      OTHER,
      async () => {
        for (const path of [
          { schemas: [], isInOrder: true },
          { schemas: ['evil', 'public'], isInOrder: false },
        ]) {
          const found = await factsOf('delete from payments', { path });
          expect(found.objects.map(({ name }) => name).toSorted()).toEqual([
            'evil.payments',
            'public.payments',
          ]);
          expect(found.rows?.value).toBe(20_001);
          expect(found.notTold.join()).toContain('which one payments means');
          const picked = await factsOf('delete from payments where id = 1', { path });
          expect(picked.rows).toBeNull();
        }
      },
      'drop schema evil cascade',
    );
  });

  it('takes the worst of what becomes of one table', async () => {
    const found = await factsOf(
      'update payments set sum = 0 where id = 1; drop table payments cascade',
    );
    expect(found.rows?.value).toBe(20_000);
    expect(named(found)).toContain('goes public.paid (view)');
  });

  it('looks up so many names and no more, and says so, whatever is sent', async () => {
    const script = Array.from({ length: 3_000 }, (_, at) => `drop table nowhere_${at}`).join(';');
    const found = await factsOf(`${script}; delete from payments`);
    expect(found.notTold[0]).toBe('all of it: only 200 of the 3001 things it names are looked up');
    expect(found.notTold.length).toBeLessThanOrEqual(20);
    expect(found.notTold.at(-1)).toMatch(/^and \d+ more$/);
  });

  it('names what is only added to, too', async () => {
    const found = await factsOf('insert into payments values (0)');
    expect(found.objects.map(({ name }) => name)).toEqual(['public.payments']);
    expect(found.rows).toBeNull();
    expect(found.notTold).toEqual([]);
  });

  it('says when there is no such thing', async () => {
    const found = await factsOf('drop table nowhere');
    expect(found.objects).toEqual([]);
    expect(found.notTold.join()).toContain('nowhere: there is no such relation');
  });

  it('takes a hostile name as it is', async () => {
    const name = `"x"" ; drop table payments; --\u202e%$'"`;
    await inScratch(
      `create table ${name} (id int); insert into ${name} values (1), (2);
       create view "v'\u202e" as select * from ${name}`,
      async () => {
        const found = await factsOf(`drop table ${name} cascade`);
        expect(found.objects.map((one) => one.name)).toEqual([`public.${name}`]);
        expect(found.rows).toEqual({ value: 2, how: 'exact' });
        expect(named(found)).toEqual([`goes public."v'\u202e" (view)`]);
      },
      `drop table ${name} cascade`,
    );
  });
});
