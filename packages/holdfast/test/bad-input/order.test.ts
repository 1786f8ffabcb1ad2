/**
 * Any sequence of messages, cut anywhere, gets through Holdfast the answers PostgreSQL gives: the same
 * in number, order, rows, SQLSTATEs and transaction states. Sequences no driver would send included,
 * because whoever counts answers wrongly judges the wrong statement.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import {
  errorFields,
  frontend,
  type Login,
  type Message,
  RawClient,
} from '../support/raw-client.ts';

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
  await gateway.upstream.ask('create table kept (id int); alter table kept owner to app');
});
afterAll(() => gateway?.stop());

const STATEMENTS = [
  'select 1',
  'select 1; select 2',
  'select 1/0',
  'select 1; select 1/0; select 2',
  '',
  'begin',
  'commit',
  'rollback',
  'savepoint s',
  'rollback to s',
  'insert into kept values (1)',
  'insert into kept values (1) returning id',
  'select count(*) >= 0 from kept',
  'select * from nowhere',
  'prepare a as select 2',
  'prepare b as select 3/0',
  'execute a',
  'execute b',
  "set application_name = 'x'",
  'show application_name',
  'declare c cursor for select 4',
  'fetch c',
  'listen l',
  'copy kept to stdout',
];

/** Prepared under a name, EXECUTE may not run these: on purpose, and a row of evasions.test.ts. */
const CHANGES_SESSION = /^(prepare|execute|set) /;

const name = fc.constantFrom('', 'a', 'b');
const portal = fc.constantFrom('', 'p');
const text = fc.constantFrom(...STATEMENTS);
const one = fc.oneof(
  { weight: 4, arbitrary: text.map((sql) => ({ say: `Q ${sql}`, bytes: frontend.query(sql) })) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(name, text)
      .filter(([to, sql]) => to === '' || !CHANGES_SESSION.test(sql))
      .map(([to, sql]) => ({ say: `P ${to} ${sql}`, bytes: frontend.parse(to, sql) })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(portal, name)
      .map(([to, from]) => ({ say: `B ${to} ${from}`, bytes: frontend.bind(to, from) })),
  },
  {
    weight: 5,
    arbitrary: fc
      .tuple(portal, fc.constantFrom(0, 1))
      .map(([from, rows]) => ({ say: `E ${from} ${rows}`, bytes: frontend.execute(from, rows) })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('S' as const, 'P' as const), name)
      .map(([kind, of]) => ({ say: `D${kind} ${of}`, bytes: frontend.describe(kind, of) })),
  },
  {
    weight: 1,
    arbitrary: portal.map((of) => ({ say: `CP ${of}`, bytes: frontend.close('P', of) })),
  },
  { weight: 2, arbitrary: fc.constant({ say: 'H', bytes: frontend.flush() }) },
  { weight: 5, arbitrary: fc.constant({ say: 'S', bytes: frontend.sync() }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { say: 'd', bytes: frontend.copyData(Buffer.from('9\n')) },
      { say: 'c', bytes: frontend.copyDone() },
      { say: 'f', bytes: frontend.copyFail('no') },
    ),
  },
);

/**
 * Every name means something from the start: a unit that runs a name which was never prepared is
 * refused as a whole, where PostgreSQL would do what comes before it.
 */
const OPENING = Buffer.concat([
  frontend.parse('a', 'select 10'),
  frontend.parse('b', 'select 11/0'),
  frontend.parse('', 'select 12'),
  frontend.sync(),
]);

/** Ends whatever state the sequence left: COPY, an open unit, a transaction. */
const CLOSING = Buffer.concat([frontend.sync(), frontend.query("rollback; select 'the end'")]);

/**
 * A Query inside an extended unit ends the session (a unit is judged whole), and behind a Flush the
 * gateway puts a Sync of its own: both on purpose, and both rows of evasions.test.ts.
 */
function synced(all: readonly { readonly say: string; readonly bytes: Buffer }[]): Buffer[] {
  let open = false;
  return all.flatMap(({ say, bytes }) => {
    const missing = open && say.startsWith('Q');
    if (/^[PBEDCHS]/.test(say)) open = !say.startsWith('S');
    if (missing) open = false;
    return missing ? [frontend.sync(), bytes] : [bytes];
  });
}

/** What was answered, in words; the last is `closed` or the end. */
async function answersTo(login: Login, bytes: Buffer, cuts: readonly number[]): Promise<string[]> {
  const client = await RawClient.open(login);
  try {
    for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
      const size = cuts[turn % cuts.length] ?? bytes.length;
      client.socket.write(bytes.subarray(at, at + size));
      at += size;
      if (turn % 4 === 3) await new Promise((done) => setImmediate(done));
    }
    const said: string[] = [];
    let atEnd = false;
    for (;;) {
      const found = await client.next();
      // Says something of the server's own time, not of this session's order.
      if (found.tag === 'N' || found.tag === 'A') continue;
      said.push(wordsOf(found));
      if (found.tag === 'D' && found.body.includes('the end')) atEnd = true;
      if (found.tag === 'Z' && atEnd) return said;
    }
  } catch (error) {
    return [String(error)];
  } finally {
    client.socket.destroy();
  }
}

function wordsOf({ tag, body }: Message): string {
  if (tag === 'E') return `E ${errorFields(body)['C']}`;
  if (tag === 'S') return `S ${body.toString('latin1')}`;
  return `${tag} ${body.toString('latin1')}`;
}

it('gets PostgreSQL’s own answers, in number and order', async () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: 1, maxLength: 14 }), cuts, async (all, sizes) => {
      const bytes = Buffer.concat([OPENING, ...synced(all), CLOSING]);
      const direct = await answersTo(gateway.upstream.direct, bytes, [bytes.length]);
      const through = await answersTo(gateway.through, bytes, sizes);
      expect(through, all.map((message) => message.say).join('\n')).toEqual(direct);
    }),
    { numRuns: 80, endOnFailure: false, seed: 20260101 },
  );
});
