/**
 * Ways to make the gateway judge one statement and the server run another. Each row is an attack on
 * the order of things; the same three victims have to be alive after every one of them.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import {
  type Answer,
  answerOf,
  frontend,
  int16,
  int32,
  message,
  RawClient,
} from '../support/raw-client.ts';

let gateway: Gateway;
let client: RawClient;

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask(
    'create table victims (id int); create table kept (id int); ' +
      'alter table victims owner to app; alter table kept owner to app',
  );
});
afterAll(() => gateway?.stop());

beforeEach(async () => {
  await gateway.upstream.ask(
    'truncate kept, victims; insert into victims select generate_series(1, 3)',
  );
  client = await RawClient.open(gateway.through);
});
afterEach(async () => {
  client.socket.destroy();
  expect(await gateway.upstream.ask('select count(*)::int as n from victims')).toEqual([{ n: 3 }]);
});

const DELETE = 'delete from victims';
const { parse, bind, execute, describe: ask, close, sync, flush, query } = frontend;

/** Sends everything in one write; the answers up to each ReadyForQuery, or to the end. */
async function sent(readies: number, ...parts: readonly Buffer[]): Promise<Answer[]> {
  client.send(...parts);
  const answers: Answer[] = [];
  while (answers.length < readies) answers.push(answerOf(await client.until('Z')));
  return answers;
}

/** Like `sent`, for attacks that may be answered by the end of the session. */
async function attempted(...parts: readonly Buffer[]): Promise<void> {
  if (client.isClosed) return;
  client.send(...parts);
  try {
    await client.until('Z');
  } catch (error) {
    expect(String(error)).toContain('The connection closed');
  }
}

const kept = async (): Promise<unknown[]> =>
  (await gateway.upstream.ask('select id from kept order by id')).map((row) => row['id']);

describe('names', () => {
  it('an unnamed statement whose replacement was skipped is judged as what it still is', async () => {
    await sent(1, parse('', DELETE), sync());
    await sent(1, bind('', 'no such statement'), parse('', 'select 1'), sync());
    const [answer] = await sent(1, bind('', ''), execute(''), sync());
    expect(answer).toMatchObject({ complete: [], status: 'I' });
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('EXECUTE of a name prepared by Parse is judged as that statement', async () => {
    await sent(1, parse('foo', DELETE), sync());
    const [answer] = await sent(1, query('execute foo'));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it.each([
    ['EXPLAIN ANALYZE EXECUTE', 'explain analyze execute foo'],
    ['EXPLAIN (ANALYZE) EXECUTE', 'explain (analyze true, costs off) execute foo'],
    ['CREATE TABLE AS EXECUTE', 'create temp table x as execute foo'],
    ['several statements', 'select 1; execute foo; select 2'],
    ['a comment before it', '/* select */ execute/**/foo'],
    ['quotes', 'execute "foo"'],
    ['capitals', 'EXECUTE FOO'],
  ])('%s does not hide the name', async (_story, sql) => {
    await sent(1, parse('foo', `${DELETE} returning id`), sync());
    const [answer] = await sent(1, query(sql));
    expect(answer?.errors).toHaveLength(1);
  });

  it('Bind of a name prepared by SQL is judged as that statement', async () => {
    await sent(1, query(`prepare foo as ${DELETE}`));
    const [answer] = await sent(1, bind('', 'foo'), execute(''), sync());
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('EXECUTE of a name that executes another does not hide it', async () => {
    await sent(1, parse('inner', DELETE), sync());
    await sent(1, parse('outer', 'execute inner'), sync());
    const [answer] = await sent(1, query('execute outer'));
    expect(answer?.errors).toHaveLength(1);
  });

  it('EXECUTE of a name that executes itself is refused', async () => {
    await sent(1, parse('again', 'execute again'), sync());
    const [answer] = await sent(1, query('execute again'));
    expect(answer?.errors).toHaveLength(1);
  });

  it('EXECUTE of a name that sets something pinned is refused', async () => {
    await sent(1, query("prepare quiet as select set_config('backslash_quote', 'on', false)"));
    const [answer] = await sent(1, query('execute quiet'));
    expect(answer?.errors[0]?.['M']).toContain('changes the session');
  });

  it('a name closed and prepared anew in the unit that executes it means the new one', async () => {
    await sent(1, parse('foo', 'select 1'), sync());
    await attempted(
      close('S', 'foo'),
      parse('foo', DELETE),
      parse('', 'execute foo'),
      bind('', ''),
      execute(''),
      sync(),
    );
  });

  it('a name deallocated and prepared anew by SQL in one unit means the new one', async () => {
    await sent(1, parse('foo', 'select 1'), sync());
    const run = (sql: string): Buffer[] => [parse('', sql), bind('', ''), execute('')];
    await attempted(
      ...run('deallocate foo'),
      ...run(`prepare foo as ${DELETE}`),
      ...run('execute foo'),
      sync(),
    );
  });

  it('a PREPARE that was bound and never executed prepares nothing', async () => {
    await sent(1, parse('foo', DELETE), sync());
    await attempted(parse('', 'prepare foo as select 1'), bind('', ''), sync());
    await attempted(query('execute foo'));
  });

  it('nor does it in the unit that binds the name', async () => {
    await sent(1, parse('foo', DELETE), sync());
    await attempted(
      parse('', 'prepare foo as select 1'),
      bind('', ''),
      bind('p', 'foo'),
      execute('p'),
      sync(),
    );
  });

  it('a DEALLOCATE that was bound and never executed closes nothing', async () => {
    await sent(1, parse('foo', DELETE), sync());
    await attempted(parse('', 'deallocate all'), bind('', ''), sync());
    await attempted(parse('foo', 'select 1'), sync());
    await attempted(query('execute foo'));
    await attempted(bind('', 'foo'), execute(''), sync());
  });

  it('a PREPARE that failed leaves the old meaning', async () => {
    await sent(1, query(`prepare foo as ${DELETE}`));
    await sent(1, query('prepare foo as select 1'));
    const [answer] = await sent(1, query('execute foo'));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('FETCH from a portal bound by the protocol finds it was judged when bound', async () => {
    await sent(1, query('begin'));
    const [bound] = await sent(1, parse('', `${DELETE} returning id`), bind('c', ''), sync());
    expect(bound?.errors[0]?.['C']).toBe('42501');
    const [fetched] = await sent(1, query('fetch all from c'));
    expect(fetched?.rows).toEqual([]);
    await sent(1, query('commit'));
  });

  it.each([
    ['what EXECUTE runs by a second name', [parse('bar', DELETE), parse('foo', 'execute bar')]],
    ['what EXECUTE prepares', [parse('baz', 'select 1'), parse('foo', 'deallocate baz')]],
  ])('%s is not out of sight', async (_story, prepared) => {
    await attempted(...prepared, sync());
    await attempted(query('execute foo'));
    await attempted(query(`prepare baz as ${DELETE}`));
    await attempted(query('prepare baz as select 1'));
    await attempted(query('execute baz'));
  });

  it('a path once unknown stays unknown', async () => {
    await attempted(query("select set_config('search_path', 'pub' || 'lic', false)"));
    await attempted(query('begin'), query('set search_path = elsewhere'), query('rollback'));
    await attempted(query(DELETE));
  });

  it('a name the server cuts to 63 bytes is not taken for another one', async () => {
    const cut = 'x'.repeat(63);
    await attempted(parse(`${cut}1`, DELETE), sync());
    await attempted(parse(`${cut}2`, 'select 1'), sync());
    await attempted(bind('', `${cut}2`), execute(''), sync());
  });

  it('a Bind to a name nobody prepared is an error and the session goes on', async () => {
    const [answer] = await sent(1, bind('', 'never'), execute(''), sync());
    expect(answer?.errors).toHaveLength(1);
    expect(answer?.errors[0]?.['C']).toBe('26000');
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });
});

describe('cycles', () => {
  /** Would the order of answers be off by one, a failed PREPARE would be taken for done. */
  async function prepareTwiceAndExecute(): Promise<void> {
    await attempted(query(`prepare foo as ${DELETE}`));
    await attempted(query('prepare foo as select 1'));
    await attempted(query('select 1'));
    await attempted(query('select 2'));
    await attempted(query('execute foo'));
  }

  it('a simple Query behind extended messages without Sync keeps the order of answers', async () => {
    client.send(parse('x', 'select 1'), flush(), query('select 5'));
    expect(answerOf(await client.until('Z')).rows).toEqual([['5']]);
    await prepareTwiceAndExecute();
  });

  it('the same with Parse and Query in one write and no Flush', async () => {
    await attempted(parse('x', 'select 1'), query('select 5'));
    await prepareTwiceAndExecute();
  });

  it('a Query pipelined behind COPY FROM STDIN, which eats it', async () => {
    await attempted(query('copy kept from stdin'), query('select 5'));
    await prepareTwiceAndExecute();
  });

  it('a Query sent while data is copied in', async () => {
    client.send(query('copy kept from stdin'));
    await client.until('G');
    await attempted(query('select 5'));
    await prepareTwiceAndExecute();
  });

  it('a Query sent while data is copied in by the extended protocol', async () => {
    client.send(parse('', 'copy kept from stdin'), bind('', ''), execute(''), sync());
    await client.until('G');
    await attempted(query('select 5'), sync());
    await prepareTwiceAndExecute();
  });

  it('extended messages sent while data is copied in', async () => {
    client.send(query('copy kept from stdin'));
    await client.until('G');
    await attempted(parse('', 'select 1'), bind('', ''), execute(''), sync());
    await prepareTwiceAndExecute();
  });

  it('COPY by the extended protocol with its data behind it works as in PostgreSQL', async () => {
    client.send(parse('', 'copy kept from stdin'), bind('', ''), execute(''), flush());
    await client.until('G');
    client.send(frontend.copyData(Buffer.from('1\n2\n')), frontend.copyDone(), sync());
    expect(answerOf(await client.until('Z'))).toMatchObject({ complete: ['COPY 2'], status: 'I' });
    expect(await kept()).toEqual([1, 2]);
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });

  it('COPY by the extended protocol that fails, with a Sync and no CopyDone behind it', async () => {
    client.send(parse('', 'copy kept from stdin'), bind('', ''), execute(''), flush());
    await client.until('G');
    // More than the server buffers, so that it complains before it is told that this is all.
    client.send(frontend.copyData(Buffer.from('no number\n'.repeat(20_000))));
    await client.until('E');
    client.send(sync());
    expect(answerOf(await client.until('Z'))).toMatchObject({ tags: 'Z', status: 'I' });
    await prepareTwiceAndExecute();
  });

  it('COPY that the client fails', async () => {
    client.send(query('copy kept from stdin'));
    await client.until('G');
    client.send(frontend.copyData(Buffer.from('1\n')), frontend.copyFail('changed my mind'));
    expect(answerOf(await client.until('Z')).errors[0]?.['C']).toBe('57014');
    expect(await kept()).toEqual([]);
    await prepareTwiceAndExecute();
  });

  it('a Parse that waits for its Sync while COPY begins, and is eaten by it', async () => {
    await sent(1, parse('foo', DELETE), sync());
    client.send(query('copy kept from stdin'), parse('foo', 'select 1'));
    await client.until('G');
    await attempted(sync());
    await attempted(bind('', 'foo'), execute(''), sync());
  });

  it('a fastpath call inside an extended unit does not ride along', async () => {
    const [{ oid } = {}] = await gateway.upstream.ask("select 'lo_creat'::regproc::int as oid");
    const arguments_ = [int16(1), int16(1), int16(1), int32(4), int32(0x60000), int16(1)];
    await attempted(parse('', 'select 1'), message('F', int32(Number(oid)), ...arguments_), sync());
    await attempted(sync());
    const made = await gateway.upstream.ask('select oid from pg_largeobject_metadata');
    expect(made).toEqual([]);
  });

  it('a fastpath call behind extended messages without Sync', async () => {
    await attempted(parse('x', 'select 1'), flush(), frontend.functionCall(1598), sync());
    await prepareTwiceAndExecute();
  });
});

describe('denials', () => {
  it('in a pipeline of queries leave the transaction aborted, and answers in order', async () => {
    const answers = await sent(
      5,
      query('begin'),
      query('insert into kept values (1)'),
      query(DELETE),
      query('insert into kept values (2)'),
      query('commit'),
    );
    expect(answers.map((one) => one.status)).toEqual(['T', 'T', 'E', 'E', 'I']);
    expect(answers.map((one) => one.errors[0]?.['C'])).toEqual([
      undefined,
      undefined,
      '42501',
      '25P02',
      undefined,
    ]);
    expect(answers[4]?.complete).toEqual(['ROLLBACK']);
    expect(await kept()).toEqual([]);
  });

  it('outside a transaction leave the neighbours in the pipeline alone', async () => {
    const answers = await sent(
      3,
      query('insert into kept values (1)'),
      query(DELETE),
      query('insert into kept values (2)'),
    );
    expect(answers.map((one) => one.status)).toEqual(['I', 'I', 'I']);
    expect(answers.map((one) => one.errors[0]?.['C'])).toEqual([undefined, '42501', undefined]);
    expect(await kept()).toEqual([1, 2]);
  });

  it('take the whole extended unit with them: nothing of it happened', async () => {
    const insert = (id: number): Buffer[] => [
      parse('', `insert into kept values (${id})`),
      bind('', ''),
      execute(''),
    ];
    const answers = await sent(
      3,
      ...insert(1),
      sync(),
      ...insert(2),
      parse('', DELETE),
      bind('', ''),
      ask('P', ''),
      execute(''),
      ...insert(3),
      sync(),
      ...insert(4),
      sync(),
    );
    expect(answers.map((one) => one.status)).toEqual(['I', 'I', 'I']);
    expect(answers.map((one) => one.errors[0]?.['C'])).toEqual([undefined, '42501', undefined]);
    expect(await kept()).toEqual([1, 4]);
  });

  it('after a Flush skip to Sync, as after any error', async () => {
    client.send(parse('', 'insert into kept values (1)'), bind('', ''), execute(''), flush());
    await client.until('C');
    client.send(parse('', DELETE), bind('', ''), execute(''), flush());
    expect(answerOf(await client.until('E')).errors[0]?.['C']).toBe('42501');
    client.send(query('insert into kept values (2)'), parse('', 'select 1'), flush(), sync());
    expect(answerOf(await client.until('Z'))).toMatchObject({ tags: 'Z', status: 'I' });
    // The implicit transaction of the first part was rolled back with it.
    expect(await kept()).toEqual([]);
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });

  it('of the first unit in a session leave the unnamed statement as it was', async () => {
    await sent(1, parse('', 'select 7'), sync());
    await sent(1, query('begin'));
    await sent(1, query('savepoint s'));
    await sent(1, parse('', DELETE), bind('', ''), execute(''), sync());
    await sent(1, query('rollback to s'));
    expect((await client.query('select 1')).rows).toEqual([['1']]);
  });
});

describe('an approval', () => {
  const SCRATCH = 'delete from kept';

  /** Held once, signed by a person; what is sent next may be what they saw, and nothing else. */
  async function approved(...parts: readonly Buffer[]): Promise<void> {
    const [answer] = await sent(1, ...parts);
    const hold = /hold_\w+/.exec(answer?.errors[0]?.['D'] ?? '')?.[0];
    expect(answer?.errors[0]?.['C'], 'it is held').toBe('42501');
    await gateway.approve(hold ?? 'none');
  }
  const run = (name: string): Buffer[] => [bind('', name), execute(''), sync()];
  /** Another Parse of the name that the server does, in a cycle that ends with an error. */
  const redefined = (name: string, sql: string): Buffer[] => [
    close('S', name),
    parse(name, sql),
    parse('', 'select * from no_such_table'),
    sync(),
  ];
  beforeEach(() => gateway.upstream.ask('insert into kept values (1)'));

  it('of EXECUTE is for the statement the name meant', async () => {
    await sent(1, query(`prepare foo as ${SCRATCH} where true`));
    await approved(query('execute foo'));
    await sent(1, query('deallocate foo'));
    await sent(1, query(`prepare foo as ${DELETE}`));
    const [answer] = await sent(1, query('execute foo'));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('of EXECUTE passes once when the name still means it', async () => {
    await sent(1, query(`prepare foo as ${SCRATCH}`));
    await approved(query('execute foo'));
    const [answer] = await sent(1, query('execute foo'));
    expect(answer?.complete).toEqual(['DELETE 1']);
  });

  it('of EXECUTE behind Parse is for the statement the name meant', async () => {
    const runFoo = [parse('', 'execute foo'), ...run('')];
    await sent(1, parse('foo', SCRATCH), sync());
    await approved(...runFoo);
    await sent(1, close('S', 'foo'), parse('foo', DELETE), sync());
    const [answer] = await sent(1, ...runFoo);
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('of a name is not good for what else the name may mean', async () => {
    await sent(1, parse('foo', `${SCRATCH} where 1 = 1`), sync());
    await approved(...run('foo'));
    await sent(1, ...redefined('foo', DELETE));
    const [answer] = await sent(1, ...run('foo'));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('of one name is not good for another that one text prepared', async () => {
    await sent(1, query(`prepare foo as ${SCRATCH} where 2 = 2; prepare bar as ${DELETE}`));
    await approved(...run('foo'));
    const [answer] = await sent(1, ...run('bar'));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });

  it('of a parameter is not good for the same bytes as another type', async () => {
    const [TEXT, INTEGER] = [25, 23];
    const statement = `${SCRATCH} where $1 = $1 or true`;
    await sent(1, parse('foo', statement, [INTEGER]), sync());
    await approved(bind('', 'foo', ['9']), execute(''), sync());
    await sent(1, close('S', 'foo'), parse('foo', statement, [TEXT]), sync());
    const [answer] = await sent(1, bind('', 'foo', ['9']), execute(''), sync());
    expect(answer?.errors[0]?.['C']).toBe('42501');
    expect(await kept()).toEqual([1]);
  });

  it('of an unqualified name is not good with another search_path', async () => {
    await gateway.upstream.ask(
      'create schema if not exists scratch authorization app; ' +
        'create table if not exists scratch.victims (id int); alter table scratch.victims owner to app',
    );
    await sent(1, query('set search_path = scratch'));
    await approved(query(`${DELETE} where 3 = 3`));
    client.socket.destroy();
    client = await RawClient.open(gateway.through);
    const [answer] = await sent(1, query(`${DELETE} where 3 = 3`));
    expect(answer?.errors[0]?.['C']).toBe('42501');
  });
});

describe('an outcome', () => {
  it('of a unit that committed before it failed says what came first', async () => {
    const answer = await client.query('insert into kept values (77); commit; select 1 / 0');
    expect(answer.errors[0]?.['C']).toBe('22012');
    expect(await kept()).toEqual([77]);
    // The answer reaches the client before the outcome reaches the trail.
    await expect
      .poll(async () => JSON.stringify(await gateway.entries()))
      .toContain('division by zero (after: INSERT 0 1; COMMIT)');
  });
});

describe('settings', () => {
  it.each([
    ['SET', 'set standard_conforming_strings = off'],
    ['SET LOCAL in a block', 'begin; set local standard_conforming_strings = off'],
    ['set_config', "select set_config('standard_conforming_strings', 'off', false)"],
    ['the name in capitals', "SET STANDARD_CONFORMING_STRINGS TO 'OFF'"],
    ['an encoding', "set client_encoding = 'SJIS'"],
    ['SET NAMES', "set names 'SJIS'"],
    ['another role', 'set role postgres'],
    ['another session user', 'set session authorization postgres'],
  ])('%s, with a text behind it that is lexed otherwise then', async (_story, sql) => {
    await attempted(query(sql), query("select '\\' ; delete from victims; --'"));
    await attempted(query("select '\\' ; delete from victims; --'"));
  });

  it('a search_path that makes a harmless name mean something else', async () => {
    await attempted(query('create schema if not exists other'));
    await attempted(query('set search_path = other, public'));
    await attempted(query(DELETE));
  });
});

describe('code that hides', () => {
  it.each([
    ['DO', "do $$ begin execute 'delete from victims'; end $$"],
    ['DO with chr()', "do $$ begin execute 'dele' || chr(116) || 'e from victims'; end $$"],
    ['a CTE', 'with gone as (delete from victims returning 1) select * from gone'],
    ['EXPLAIN ANALYZE', 'explain analyze delete from victims'],
    ['MERGE', 'merge into victims v using (select 1) s on true when matched then delete'],
    ['TRUNCATE', 'truncate victims'],
    ['a tautology', 'delete from victims where 1 = 1'],
    ['a DROP behind a SELECT', 'select 1; drop table victims'],
    ['an UPDATE of all', 'update victims set id = 0'],
    ['a column dropped', 'alter table victims drop column id'],
    ['a table renamed', 'alter table victims rename to survivors'],
    ['COPY TO PROGRAM', "copy victims to program 'true'"],
    ['query_to_xml', "select query_to_xml('delete from victims', true, false, '')"],
    ['a schema dropped', 'drop schema public cascade'],
    ['everything owned dropped', 'drop owned by app'],
  ])('%s', async (_story, sql) => {
    const answer = await client.query(sql);
    expect(answer.errors).toHaveLength(1);
    expect(answer.status).toBe('I');
  });
});
