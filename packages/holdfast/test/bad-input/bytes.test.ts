/**
 * Bytes that no driver sends. Whatever comes: a proper PostgreSQL error, a session that is closed or
 * still right, nobody else disturbed, and an entry for what broke the protocol.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { answerOf, errorFields, frontend, message, RawClient } from '../support/raw-client.ts';

let gateway: Gateway;
/** A second session that must not notice anything. */
let witness: RawClient;

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask(
    'create table victims (id int); alter table victims owner to app; ' +
      'insert into victims select generate_series(1, 3)',
  );
  witness = await RawClient.open(gateway.through);
});
afterAll(async () => {
  await witness?.end();
  await gateway?.stop();
});

beforeEach(async () => {
  expect((await witness.query("set application_name = 'witness'")).errors).toEqual([]);
});
afterEach(async () => {
  expect((await witness.query('show application_name')).rows).toEqual([['witness']]);
  expect(await gateway.upstream.ask('select count(*)::int as n from victims')).toEqual([{ n: 3 }]);
});

const startup = (extra: Readonly<Record<string, string>> = {}, version?: number): Buffer =>
  frontend.startup(
    { user: gateway.through.user, database: gateway.through.database, ...extra },
    version,
  );

describe('after login', () => {
  it.each([
    ['garbage', Buffer.from('\x01\x02garbage of some length\xff\xfe', 'latin1'), '08P01'],
    ['an unknown tag', message('Y', Buffer.from('hello')), '08P01'],
    ['a tag that only servers send', message('Z', Buffer.from('I')), '08P01'],
    ['a zero tag', message('\0', Buffer.from('hello')), '08P01'],
    ['a declared length of 2 GB', Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff, 0x73]), '54000'],
    ['a negative length', Buffer.from([0x51, 0xff, 0xff, 0xff, 0xff, 0x73]), '08P01'],
    ['a length shorter than itself', Buffer.from([0x51, 0, 0, 0, 3, 0x73]), '08P01'],
    ['a Query without its zero byte', message('Q', Buffer.from('select 1')), '08P01'],
    ['a Parse whose strings do not end', message('P', Buffer.from('name')), '08P01'],
    ['a Bind whose strings do not end', message('B', Buffer.from('portal')), '08P01'],
  ])('%s ends the session with an error', async (_story, bytes, sqlstate) => {
    const client = await RawClient.open(gateway.through);
    const before = await gateway.countOf('protocol-error');
    client.send(bytes, frontend.query('delete from victims'));
    const said = await client.untilClosed();
    expect(said.map((one) => one.tag).join('')).toBe('E');
    expect(answerOf(said).errors[0]).toMatchObject({ S: 'FATAL', C: sqlstate });
    await expect.poll(() => gateway.countOf('protocol-error')).toBe(before + 1);
  });

  it('half a message and silence disturbs nobody', async () => {
    const clients = await Promise.all(
      Array.from({ length: 10 }, () => RawClient.open(gateway.through)),
    );
    for (const client of clients) client.send(frontend.query('delete from victims').subarray(0, 9));
    expect((await witness.query('select 1')).rows).toEqual([['1']]);
    for (const client of clients) client.socket.destroy();
  });

  it.each([
    ['NUL in a Query', frontend.query(Buffer.from('select 1\0; delete from victims'))],
    [
      'invalid UTF-8',
      frontend.query(Buffer.from([0x73, 0x65, 0x6c, 0x65, 0x63, 0x74, 0x27, 0xff, 0x27])),
    ],
    ['half a UTF-8 character', frontend.query(Buffer.from("select '\xe6\x9d'", 'latin1'))],
  ])('%s is refused and the session goes on', async (_story, bytes) => {
    const client = await RawClient.open(gateway.through);
    client.send(bytes);
    const answer = answerOf(await client.until('Z'));
    expect(answer.errors).toHaveLength(1);
    expect(answer).toMatchObject({ tags: 'EZ', status: 'I' });
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    await client.end();
  });

  it('fastpath is refused, in and out of a transaction', async () => {
    const client = await RawClient.open(gateway.through);
    client.send(frontend.functionCall(1598));
    expect(answerOf(await client.until('Z'))).toMatchObject({
      tags: 'EZ',
      errors: [{ S: 'ERROR', C: '0A000' }],
      status: 'I',
    });
    await client.query('begin');
    client.send(frontend.functionCall(1598));
    expect(answerOf(await client.until('Z'))).toMatchObject({
      tags: 'EZ',
      errors: [{ C: '0A000' }],
      status: 'E',
    });
    expect((await client.query('rollback')).status).toBe('I');
    await client.end();
  });

  it('COPY data that nobody asked for is ignored, as PostgreSQL does', async () => {
    const client = await RawClient.open(gateway.through);
    client.send(
      frontend.copyData(Buffer.alloc(100_000, 0x78)),
      frontend.copyDone(),
      frontend.copyFail('never mind'),
    );
    expect(await client.query('select 1')).toMatchObject({ rows: [['1']], status: 'I' });
    await client.end();
  });

  it('a flood of Sync is answered one for one', async () => {
    const client = await RawClient.open(gateway.through);
    client.send(Buffer.concat(Array.from({ length: 5_000 }, () => frontend.sync())));
    for (let n = 0; n < 5_000; n += 1) expect((await client.next()).tag).toBe('Z');
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    await client.end();
  });

  it('messages that come byte by byte are the same messages', async () => {
    const client = await RawClient.open(gateway.through);
    const bytes = Buffer.concat([
      frontend.query('select 1 as one'),
      frontend.parse('', 'select $1::int + 1'),
      frontend.bind('', '', ['41']),
      frontend.execute(''),
      frontend.sync(),
      frontend.query('delete from victims'),
      frontend.query('select 2'),
    ]);
    for (const byte of bytes) {
      client.socket.write(Buffer.from([byte]));
      await new Promise((done) => setImmediate(done));
    }
    expect(answerOf(await client.until('Z')).rows).toEqual([['1']]);
    expect(answerOf(await client.until('Z')).rows).toEqual([['42']]);
    expect(answerOf(await client.until('Z')).errors[0]?.['C']).toBe('42501');
    expect(answerOf(await client.until('Z')).rows).toEqual([['2']]);
    await client.end();
  });

  it('a client that never reads keeps its rows out of our memory', async () => {
    const client = await RawClient.open(gateway.through);
    client.socket.pause();
    const before = process.memoryUsage();
    client.send(frontend.query("select repeat('x', 1000000) from generate_series(1, 200)"));
    const late = performance.now() + 2_000;
    while (performance.now() < late) {
      expect((await witness.query('select 1')).rows).toEqual([['1']]);
    }
    const after = process.memoryUsage();
    const grown = after.external + after.arrayBuffers - before.external - before.arrayBuffers;
    expect(grown).toBeLessThan(32 * 1024 * 1024);
    client.socket.resume();
    let rows = 0;
    for (;;) {
      const { tag, body } = await client.next();
      if (tag === 'D' && body.length > 1_000_000) rows += 1;
      if (tag === 'Z') break;
    }
    expect(rows).toBe(200);
    await client.end();
  });
});

describe('before login', () => {
  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['garbage', Buffer.from([0, 0, 0, 40, ...Array.from({ length: 36 }, (_, n) => 255 - n)])],
    ['a length of 2 GB', Buffer.from([0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0])],
    ['a length of three', Buffer.from([0, 0, 0, 3, 0, 3, 0, 0])],
    ['protocol 2.0', Buffer.from([0, 0, 0, 9, 0, 2, 0, 0, 0])],
  ])('%s is refused', async (_story, bytes) => {
    const client = new RawClient(gateway.through);
    const before = await refusals();
    client.send(bytes);
    const said = await client.untilClosed();
    expect(answerOf(said).errors[0]).toMatchObject({
      S: 'FATAL',
      C: expect.stringMatching(/^(08P01|0A000)$/),
    });
    await expect.poll(refusals).toBe(before + 1);
  });

  it('a thousand options are refused as too long', async () => {
    const options = Object.fromEntries(
      Array.from({ length: 1_000 }, (_, n) => [`option.${n}`, 'x']),
    );
    const client = new RawClient(gateway.through);
    client.send(startup(options));
    expect(answerOf(await client.untilClosed()).errors[0]).toMatchObject({ S: 'FATAL' });
  });

  it.each([
    ['replication', { replication: 'database' }],
    ['physical replication', { replication: 'true' }],
    ['lexing off', { options: '-c standard_conforming_strings=off' }],
    ['lexing off, as a parameter', { standard_conforming_strings: 'off' }],
    ['another encoding', { client_encoding: 'SJIS' }],
    ['triggers off', { options: '-c session_replication_role=replica' }],
  ])('%s in the startup packet is refused', async (_story, extra: Record<string, string>) => {
    const client = new RawClient(gateway.through);
    const before = await refusals();
    client.send(startup(extra));
    await client.authenticate(gateway.through.password).catch(() => {});
    const rest = await client.untilClosed();
    expect(rest.some((one) => one.tag === 'Z')).toBe(false);
    await expect.poll(refusals).toBe(before + 1);
  });

  it('GSSAPI encryption is declined and the login goes on in clear', async () => {
    const client = new RawClient(gateway.through);
    client.send(frontend.gssRequest());
    expect((await client.bytes(1)).toString()).toBe('N');
    client.send(startup());
    await client.authenticate(gateway.through.password);
    await client.until('Z');
    await client.end();
  });

  it('bytes behind an SSLRequest never become part of a session', async () => {
    const client = new RawClient(gateway.through);
    client.send(frontend.sslRequest(), startup(), frontend.query('delete from victims'));
    const said = await client.bytes(1);
    expect(said.toString()).toMatch(/^[NSE]$/);
    client.socket.destroy();
    expect((await witness.query('select 1')).rows).toEqual([['1']]);
  });

  it('protocol 3.2 is negotiated down to 3.0', async () => {
    const client = new RawClient(gateway.through);
    client.send(startup({ '_pq_.future': 'yes' }, (3 << 16) | 2));
    const first = await client.next();
    expect(first.tag).toBe('v');
    expect(first.body.readUInt16BE(2)).toBe(0);
    expect(first.body.toString('utf8', 8)).toBe('_pq_.future\0');
    await client.authenticate(gateway.through.password);
    await client.until('Z');
    expect(client.keySecret).toHaveLength(4);
    await client.end();
  });

  it.each([
    ['a wrong token', {}, 'hf_wrong_token_that_nobody_has'],
    ['an unknown agent', { user: 'nobody-like-this' }, 'hf_wrong_token_that_nobody_has'],
  ])('%s gets the same answer', async (_story, who: Record<string, string>, password) => {
    const client = new RawClient(gateway.through);
    client.send(startup(who));
    await expect(client.authenticate(password)).rejects.toMatchObject({
      fields: { S: 'FATAL', C: '28P01' },
    });
    expect(await client.untilClosed()).toEqual([]);
  });

  it('a target that is not declared is refused after the login', async () => {
    const client = new RawClient(gateway.through);
    client.send(startup({ database: 'never-declared' }));
    const said: string[] = [];
    await client.authenticate(gateway.through.password).catch((error: unknown) => {
      said.push(String(error));
    });
    said.push(...answerOf(await client.untilClosed()).errors.map((fields) => fields['C'] ?? ''));
    expect(said.join(' ')).toMatch(/3D000|42501/);
  });

  it('a cancel with a wrong key stops nothing and says nothing', async () => {
    const client = await RawClient.open(gateway.through);
    client.send(frontend.query('select pg_sleep(1), 7'));
    const wrong = Buffer.from(client.keySecret.map((byte) => byte ^ 0xff));
    for (const [pid, key] of [
      [client.keyPid, wrong],
      [client.keyPid + 1, client.keySecret],
      [client.keyPid, Buffer.alloc(0)],
      [client.keyPid, Buffer.alloc(300, 1)],
    ] as const) {
      const canceller = new RawClient(gateway.through);
      canceller.send(frontend.cancelRequest(pid, key));
      const said = await canceller.untilClosed();
      expect(said.filter((one) => one.tag !== 'E')).toEqual([]);
    }
    expect(answerOf(await client.until('Z')).rows).toEqual([['', '7']]);
    await client.end();
  });

  it('a hundred connections that say nothing keep nobody out', async () => {
    const silent = Array.from({ length: 100 }, () => new RawClient(gateway.through));
    const client = await RawClient.open(gateway.through);
    expect((await client.query('select 1')).rows).toEqual([['1']]);
    await client.end();
    for (const one of silent) one.socket.destroy();
  });
});

async function refusals(): Promise<number> {
  return (await gateway.countOf('session-refused')) + (await gateway.countOf('protocol-error'));
}

it('reads error fields by their letters', () => {
  expect(errorFields(Buffer.from('SERROR\0C42601\0\0'))).toEqual({ S: 'ERROR', C: '42601' });
});
