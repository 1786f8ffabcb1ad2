/** postgres.js as a user works with it: pipelined by nature, prepared by default. */
import postgres from 'postgres';
import type { Login } from '../../support/raw-client.ts';
import { type Step, stepsOf } from './steps.ts';

export async function postgresJs(login: Login): Promise<Step[]> {
  const { host, port, user, password, database } = login;
  const { steps, show, attempt } = stepsOf(faultOf);
  const sql = postgres({
    host,
    port,
    user,
    password,
    database,
    ssl: false,
    max: 1,
    idle_timeout: 0,
    onnotice: (notice) => show('notice', notice),
  });
  try {
    await attempt('create', async () =>
      resultOf(
        await sql`create table pjs (id int primary key, doc jsonb, raw bytea, at timestamptz)`,
      ),
    );
    const at = new Date('2026-01-02T03:04:05Z');
    await attempt('insert', async () =>
      resultOf(
        await sql`insert into pjs values (1, ${sql.json({ a: [1, null] })}, ${Buffer.from([0, 255])}, ${at}) returning *`,
      ),
    );
    for (const id of [1, 2, 1]) {
      await attempt(`prepared ${id}`, async () =>
        resultOf(await sql`select * from pjs where id = ${id}`),
      );
    }
    await attempt('helper', async () =>
      resultOf(await sql`insert into pjs ${sql([{ id: 2 }, { id: 3 }], 'id')} returning id`),
    );
    await attempt('pipelined', () =>
      Promise.all(Array.from({ length: 200 }, (_, n) => sql`select ${n}::int as n`)).then((all) =>
        all.map((rows) => rows[0]?.['n']),
      ),
    );
    await attempt('pipelined, some fail', () =>
      Promise.allSettled([
        sql`select 1 as a`,
        sql`insert into pjs (id) values (${1})`,
        sql`select 2 as b`,
        sql`select 1 / ${0}::int`,
        sql`select 3 as c`,
      ]).then((all) =>
        all.map((one) => (one.status === 'fulfilled' ? resultOf(one.value) : faultOf(one.reason))),
      ),
    );
    await attempt('transaction', () =>
      sql.begin(async (inner) => {
        await inner`insert into pjs (id) values (10)`;
        await inner
          .savepoint(async (deeper) => {
            await deeper`insert into pjs (id) values (10)`;
          })
          .catch((error: unknown) => show('inner', faultOf(error)));
        return resultOf(await inner`select count(*) from pjs`);
      }),
    );
    await attempt('rolled back', () =>
      sql.begin(async (inner) => {
        await inner`delete from pjs where id = ${10}`;
        await inner`select * from nowhere`;
      }),
    );
    await attempt('still there', async () => resultOf(await sql`select id from pjs where id = 10`));
    await attempt('cursor', async () => {
      const seen: number[] = [];
      await sql`select g from generate_series(1, 250) g`.cursor(60, (rows) => {
        seen.push(rows.length);
      });
      return seen;
    });
    await attempt('copy', async () => {
      const sink = await sql`copy pjs (id) from stdin`.writable();
      for (let id = 1_000; id < 3_000; id += 1) sink.write(`${id}\n`);
      sink.end();
      await new Promise((done, fail) => sink.on('finish', done).on('error', fail));
      const source = await sql`copy (select id from pjs order by id) to stdout`.readable();
      let text = '';
      for await (const chunk of source) text += String(chunk);
      return text;
    });
    await attempt('cancelled', async () => {
      const slow = sql`select pg_sleep(20)`.execute();
      setTimeout(() => slow.cancel(), 500);
      return resultOf(await slow);
    });
    await attempt('after cancel', async () => resultOf(await sql`select 1 as one`));
    await attempt('simple', async () => resultOf(await sql`select 1 as a; select 2 as b`.simple()));
    await attempt('wrong column', async () => resultOf(await sql`select colour from pjs`));
    await attempt('notice', async () =>
      resultOf(await sql.unsafe("do $$ begin raise notice 'hi'; end $$")),
    );
    const large = 'x'.repeat(20_000_000);
    await attempt('20 MB', async () => (await sql`select ${large}::text as t`)[0]?.['t'] === large);
    await attempt('heard', async () => {
      let heard: (payload: string) => void = () => {};
      const first = new Promise<string>((done) => {
        heard = done;
      });
      await sql.listen('bell', heard);
      await sql.notify('bell', 'ding');
      return first;
    });
    await attempt('drop', async () => resultOf(await sql`drop table pjs`));
  } finally {
    await sql.end({ timeout: 5 });
  }
  return steps;
}

function resultOf(found: unknown): unknown {
  const result = found as postgres.RowList<postgres.Row[]>;
  if (!Array.isArray(result)) return result;
  const columns = (result.columns ?? []).map((column) => [column.name, column.type]);
  return { command: result.command, count: result.count, columns, rows: [...result] };
}

function faultOf(error: unknown): unknown {
  if (!(error instanceof Error)) throw error;
  const { stack: _stack, query: _query, ...fields } = error as Error & Record<string, unknown>;
  return { ...fields, message: error.message };
}
