/** node-postgres as a user works with it: what it shows, step by step. */
import pg from 'pg';
import type { Login } from '../../support/raw-client.ts';
import { type Step, stepsOf } from './steps.ts';

export async function nodePostgres(login: Login): Promise<Step[]> {
  const { host, port, user, password, database } = login;
  const client = new pg.Client({ host, port, user, password, database, ssl: false });
  const { steps, show, attempt } = stepsOf(faultOf);
  client.on('notice', (notice) => show('notice', faultOf(notice)));
  const heard = new Promise((done) =>
    client.on('notification', ({ channel, payload }) => done({ channel, payload })),
  );
  await client.connect();
  const ask = async (text: string, values?: unknown[], name?: string): Promise<unknown> => {
    const found = await client.query({ text, ...(values && { values }), ...(name && { name }) });
    return (Array.isArray(found) ? found : [found]).map(resultOf);
  };
  try {
    await attempt('create', () =>
      ask('create table node (id int primary key, doc jsonb, raw bytea, n numeric, tags text[])'),
    );
    await attempt('insert', () =>
      ask('insert into node values ($1, $2, $3, $4, $5) returning *', [
        1,
        { a: [1, null, 'é'] },
        Buffer.from([0, 255, 92]),
        '12.50',
        ['x', 'y"z', null],
      ]),
    );
    for (const id of [1, 2, 1]) {
      await attempt(`named ${id}`, () => ask('select * from node where id = $1', [id], 'by-id'));
    }
    await attempt('several', () =>
      ask("select 1 as a; insert into node (id) values (2); select 'b'"),
    );
    await attempt('several, one fails', () => ask('insert into node (id) values (3); select 1/0'));
    await attempt('none of them', () => ask('select id from node where id = 3'));
    await attempt('begin', () => ask('begin'));
    await attempt('in it', () => ask('insert into node (id) values ($1)', [4]));
    await attempt('savepoint', () => ask('savepoint s'));
    await attempt('duplicate', () => ask('insert into node (id) values ($1)', [4]));
    await attempt('failed state', () => ask('select 1'));
    await attempt('back', () => ask('rollback to s'));
    await attempt('commit', () => ask('commit'));
    await attempt('begin again', () => ask('begin'));
    await attempt('gone soon', () => ask('delete from node where id = $1', [4]));
    await attempt('rollback', () => ask('rollback'));
    await attempt('still there', () => ask('select id from node order by id'));
    await attempt('wrong column', () => ask('select id,\n  colour from node'));
    await attempt('syntax', () => ask('selec $1', [1]));
    await attempt('wrong value', () => ask('select $1::int', ['abc']));
    await attempt('too few values', () => ask('select $1::int + $2::int', [1]));
    const many = await Promise.all(
      Array.from({ length: 200 }, (_, n) => client.query('select $1::int as n', [n])),
    );
    show(
      'queued',
      many.map((found) => found.rows[0]?.n),
    );
    const large = 'é'.repeat(10_000_000);
    const back = await client.query('select $1::text as text, length($1::text)', [large]);
    show('20 MB', [back.rows[0]?.text === large, back.rows[0]?.length]);
    await attempt('notice', () => ask("do $$ begin raise notice 'hello'; end $$"));
    await attempt('listen', () => ask('listen bell'));
    await attempt('notify', () => ask("notify bell, 'ding'"));
    show('notified', await heard);
    await attempt('empty', () => ask(''));
    await attempt('drop', () => ask('drop table node'));
  } finally {
    await client.end();
  }
  return steps;
}

function resultOf(found: pg.QueryResult): unknown {
  const fields = found.fields.map((field) => [field.name, field.dataTypeID, field.format]);
  return { command: found.command, count: found.rowCount, fields, rows: found.rows };
}

function faultOf(error: unknown): unknown {
  if (!(error instanceof Error || error instanceof pg.DatabaseError || isNotice(error)))
    throw error;
  const { message, ...fields } = error as pg.DatabaseError;
  return { ...fields, message };
}

function isNotice(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'severity' in value;
}
