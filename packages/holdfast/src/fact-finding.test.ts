/** The facts of a card from end to end: what an intent carries is enough, and time is kept whatever happens. */
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CardFacts } from './approvals/card-facts.ts';
import { Holds } from './approvals/holds.ts';
import { WaitingDesk } from './approvals/waiting-desk.ts';
import { parseConfig } from './config/load-config.ts';
import { TargetFacts } from './fact-finding.ts';
import { createSqlReader } from './languages/sql/reader.ts';
import type { SqlReader } from './languages/sql/sql-reading.ts';
import type { Effect, Reading } from './model/effect.ts';
import { httpActs } from './model/http-request.ts';
import type { Intent } from './model/intent.ts';
import type { TakingBack } from './model/reversal.ts';
import { markWith, namePathIn, type SessionSetting } from './model/session-settings.ts';
import type { Target } from './model/target.ts';
import type { Hold } from './model/verdict.ts';
import { pathMark } from './pipeline/path-mark.ts';
import type { TargetGuard } from './protection/target-guard.ts';
import type { Provider } from './providers/provider.ts';
import { RailwayProvider } from './providers/railway/provider.ts';
import { HOLD_ROWS } from './store/hold-rows.ts';
import { SqlHoldStore } from './store/hold-store.ts';
import { Enrolled } from './testing/enrolled.ts';
import { ManualClock } from './testing/manual-clock.ts';
import { graphqlRequest } from './testing/provider-requests.ts';
import { refusalOf } from './testing/refusal.ts';
import { type ScratchPostgres, startScratchPostgres } from './testing/scratch-postgres.ts';
import { startScratchStore } from './testing/scratch-store.ts';

const PUBLIC = pathMark({ schemas: ['public'], said: ['public'] });
const actor = { kind: 'agent', id: 'agent_1', name: 'cursor', tokenId: 'token_1' } as const;
const session = { id: 's', source: '127.0.0.1:1', client: 'psql', protocol: 'postgres' } as const;

let server: ScratchPostgres;
let reader: SqlReader;
const undo: (() => unknown)[] = [];

beforeAll(async () => {
  server = await startScratchPostgres({ conf: ['autovacuum=off'] });
  reader = await createSqlReader();
  const admin = new pg.Client({ connectionString: server.url() });
  await admin.connect();
  await admin.query(`
    create role hf_cursor login; create schema hf_cursor;
    create table payments (id int primary key); insert into payments select generate_series(1, 5000);
    create table days (at date); insert into days select date '2026-01-13' + g from generate_series(0, 299) g;
    create table hf_cursor.notes (id int); create table public.notes (id int, more int);
    analyze; grant all on payments, days to hf_cursor`);
  await admin.end();
}, 60_000);
afterAll(async () => {
  for (const step of undo.splice(0).reverse()) await step();
  await reader?.close();
  await server?.stop();
});

function target(name: string, protocol: Target['protocol']): Target {
  const environment = { name: 'production', level: 'guarded' } as const;
  return { name, environment, protocol, resolvedBy: 'declared in a test' };
}

function intentOf(reading: Reading, acts: readonly Uint8Array[]): Intent {
  return { actor, session, reading, text: () => Buffer.from(acts.at(-1) ?? []), acts: () => acts };
}

async function sqlIntent(text: string, mark: Uint8Array = PUBLIC): Promise<Intent> {
  const bytes = Buffer.from(text);
  const reading = await reader.read(bytes, 0, bytes.length);
  return intentOf(reading, [mark, Buffer.alloc(0), bytes]);
}

const asAgent = (user: string | null): TargetGuard => ({
  protection: { level: 'full', trouble: null },
  roleFor: async () => (user === null ? null : { user, password: '' }),
  permit: async () => [],
  void: async () => {},
  runOutside: async () => '',
  changeRoles: async () => '',
});

function finder(
  port: number,
  parts: { guard?: TargetGuard; msMax?: number; turnMsMax?: number } = {},
): TargetFacts {
  const config = parseConfig(
    {
      text: `
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://postgres@127.0.0.1:${port}/postgres' } } }`,
      name: 'facts.yaml',
      folder: '.',
    },
    {},
  );
  const facts = new TargetFacts({
    config,
    env: {},
    clock: new ManualClock(),
    guards: new Map([['main-db', parts.guard ?? asAgent('hf_cursor')]]),
    providers: new Map(),
    msMax: parts.msMax ?? 20_000,
    ...(parts.turnMsMax === undefined ? {} : { turnMsMax: parts.turnMsMax }),
  });
  undo.push(() => facts.close());
  return facts;
}

describe('a PostgreSQL target', () => {
  it('is looked up by what the intent carries, and planned as the role of the agent', async () => {
    const intent = await sqlIntent('delete from payments where id = 5');
    const facts = await finder(server.port).find(intent, target('main-db', 'postgres'));
    expect(facts).toEqual({
      lookedUpAt: '2026-11-21T09:00:00.000Z',
      rows: { value: 1, how: 'estimate' },
      objects: [
        {
          name: 'public.payments',
          type: 'table',
          rows: { value: 5_000, how: 'estimate' },
          bytes: { value: expect.any(Number), how: 'exact' },
        },
      ],
      objectsTotal: 1,
      dependents: [],
      dependentsTotal: 0,
      recoveryLost: [],
      notTold: [],
    });
  });

  it('is counted under the settings of the session, or not at all', async () => {
    const rows = async (...settings: readonly SessionSetting[]) => {
      const mark = markWith(PUBLIC, settings);
      const intent = await sqlIntent("delete from days where at + 0 < '01/02/2026'", mark);
      const facts = await finder(server.port).find(intent, target('main-db', 'postgres'));
      return facts?.rows ?? facts?.notTold;
    };
    const style = (value: string) => ({ name: 'datestyle', value, once: '' });
    expect(await rows(style('ISO, DMY'))).toEqual({ value: 19, how: 'exact' });
    expect(await rows(style('ISO, MDY'))).toEqual({ value: 0, how: 'exact' });
    const path = { name: 'search_path', value: 'pg_catalog', once: '' };
    expect(await rows(path, style('ISO, DMY'))).toEqual({ value: 19, how: 'exact' });
    const not = [expect.stringContaining('it runs under settings that cannot be set here')];
    expect(await rows({ name: 'datestyle', value: null, once: 'session_1/1' })).toEqual(not);
    expect(await rows({ name: 'role', value: 'postgres', once: '' })).toEqual(not);
    expect(
      await rows({ name: 'log_statement_of.none', value: '1', once: '' }, style('none')),
    ).toEqual(not);
  });

  it('of one agent that floods makes no other late, and each of its own gets its turn', async () => {
    const begun: string[] = [];
    const letGo: (() => void)[] = [];
    const slow: TargetGuard = {
      ...asAgent('hf_cursor'),
      roleFor: async ({ id }) => {
        begun.push(id);
        if (id === 'agent_1') await new Promise<void>((done) => letGo.push(done));
        return { user: 'hf_cursor', password: '' };
      },
    };
    const facts = finder(server.port, { guard: slow });
    const flood = await Promise.all(
      Array.from({ length: 6 }, (_, at) => sqlIntent(`delete from payments where id = ${at}`)),
    );
    const own = flood.map((one) => facts.find(one, target('main-db', 'postgres')));
    const [first] = flood;
    if (first === undefined) throw new Error('no flood');
    const other: Intent = { ...first, actor: { ...actor, id: 'agent_2' } };
    const found = await facts.find(other, target('main-db', 'postgres'));
    expect(found?.rows).toEqual({ value: 1, how: 'estimate' });
    expect(begun.filter((id) => id === 'agent_1')).toHaveLength(1);
    for (let at = 0; at < flood.length; at += 1) {
      await expect.poll(() => letGo.length, { timeout: 10_000 }).toBe(at + 1);
      letGo[at]?.();
    }
    for (const one of await Promise.all(own)) expect(one?.rows?.value).toBe(1);
  });

  it('of an agent whose turn does not come is none, and is not begun afterwards', async () => {
    let begun = 0;
    let free = (): void => {};
    const slow: TargetGuard = {
      ...asAgent('hf_cursor'),
      roleFor: async () => {
        begun += 1;
        await new Promise<void>((done) => {
          free = done;
        });
        return { user: 'hf_cursor', password: '' };
      },
    };
    const facts = finder(server.port, { guard: slow, turnMsMax: 200 });
    const intent = await sqlIntent('delete from payments where id = 5');
    const first = facts.find(intent, target('main-db', 'postgres'));
    const second = facts.find(intent, target('main-db', 'postgres'));
    await expect(second).rejects.toThrow(/took longer than 200 ms/);
    // Who comes when the last has given up waits for the first nonetheless.
    await expect(facts.find(intent, target('main-db', 'postgres'))).rejects.toThrow(/200 ms/);
    // What is due does not wait behind them.
    const freeFirst = free;
    const due = facts.find(intent, target('main-db', 'postgres'), true);
    await expect.poll(() => begun, { timeout: 10_000 }).toBe(2);
    free();
    expect((await due)?.rows?.value).toBe(1);
    freeFirst();
    expect((await first)?.rows?.value).toBe(1);
    expect(begun).toBe(2);
  });

  it('is not planned as the superuser that an unprotected upstream may have', async () => {
    const intent = await sqlIntent('delete from payments where id = 5');
    const facts = await finder(server.port, { guard: asAgent(null) }).find(
      intent,
      target('main-db', 'postgres'),
    );
    expect(facts?.rows).toBeNull();
    expect(facts?.notTold.join()).toContain('agents work as a superuser there');
  });

  it('finds what "$user" leads to', async () => {
    const mark = pathMark({ schemas: ['$user', 'public'], said: ['$user', 'public'] });
    const intent = await sqlIntent('delete from notes', mark);
    const facts = await finder(server.port).find(intent, target('main-db', 'postgres'));
    expect(facts?.objects.map(({ name }) => name)).toEqual(['hf_cursor.notes']);
  });

  it('plans none of several statements', async () => {
    const one = await sqlIntent('delete from payments where id = 5');
    const [mark = PUBLIC, meaning = PUBLIC, text = PUBLIC] = one.acts();
    const two = intentOf(one.reading, [mark, meaning, text, meaning, text]);
    const facts = await finder(server.port).find(two, target('main-db', 'postgres'));
    expect(facts?.rows).toBeNull();
    expect(facts?.notTold.join()).toContain('more than one statement');
  });

  it('has no facts when it is not declared', async () => {
    const intent = await sqlIntent('delete from payments');
    expect(await finder(server.port).find(intent, target('other', 'postgres'))).toBeNull();
  });

  it('holds nobody up when it says nothing: what was asked is told as not known', async () => {
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((done) => silent.listen(0, '127.0.0.1', done));
    undo.push(() => {
      for (const socket of sockets) socket.destroy();
      silent.close();
    });
    const { port } = silent.address() as AddressInfo;
    const intent = await sqlIntent('drop table payments');
    const facts = await finder(port, { msMax: 50 }).find(intent, target('main-db', 'postgres'));
    expect(facts?.objects).toEqual([]);
    expect(facts?.notTold).toEqual([
      'what it touches, rows, size, dependents: the server did not answer within 50 ms',
    ]);
  });

  it('holds nobody up when the agent’s role cannot be had', async () => {
    const guard = { ...asAgent('x'), roleFor: () => new Promise<never>(() => {}) };
    const intent = await sqlIntent('delete from payments where id = 5');
    const facts = await finder(server.port, { guard, msMax: 1_500 }).find(
      intent,
      target('main-db', 'postgres'),
    );
    expect(facts?.objects.map(({ name }) => name)).toEqual(['public.payments']);
    expect(facts?.notTold.join()).toMatch(/^rows: .*the server did not answer within 1500 ms/);
  });

  it('says that it was late when not even the names could be told apart in time', async () => {
    const guard = { ...asAgent('x'), roleFor: () => new Promise<never>(() => {}) };
    const mark = pathMark({ schemas: ['$user', 'public'], said: ['$user', 'public'] });
    const intent = await sqlIntent('delete from payments', mark);
    const facts = await finder(server.port, { guard, msMax: 50 }).find(
      intent,
      target('main-db', 'postgres'),
    );
    expect(facts?.notTold).toEqual(['anything: the server did not answer within 50 ms']);
  });

  it.each([
    ['lock_not_available', '55P03'],
    ['query_canceled', '57014'],
    ['too_many_connections', '53300'],
  ])(
    'says that it was late when the role of the agent could not be had: %s',
    async (said, code) => {
      const full = Object.assign(new pg.DatabaseError(said, said.length, 'error'), { code });
      const cause = new Error('it could not be made', { cause: full });
      const guard = { ...asAgent('x'), roleFor: () => Promise.reject(cause) };
      const intent = await sqlIntent('delete from payments where id = 5');
      const facts = await finder(server.port, { guard }).find(
        intent,
        target('main-db', 'postgres'),
      );
      expect(facts?.notTold.join()).toMatch(
        /^rows: .*the server did not answer within 20000 ms \(/,
      );
    },
  );

  it('says that it was late when the agent has taken every connection that its role may have', async () => {
    const admin = new pg.Client({ connectionString: server.url() });
    await admin.connect();
    await admin.query('alter role hf_cursor connection limit 0');
    try {
      const intent = await sqlIntent('delete from payments where id = 5');
      const facts = await finder(server.port).find(intent, target('main-db', 'postgres'));
      expect(facts?.rows).toBeNull();
      expect(facts?.notTold.join()).toMatch(
        /^rows: .*the server did not answer within 20000 ms \(too many connections for role/,
      );
    } finally {
      await admin.query('alter role hf_cursor connection limit -1');
      await admin.end();
    }
  });

  it('does not reject when it is away', async () => {
    const intent = await sqlIntent('drop table payments');
    const facts = await finder(1).find(intent, target('main-db', 'postgres'));
    expect(facts?.notTold.join()).toMatch(
      /^what it touches, rows, size, dependents: The target could not be reached/,
    );
  });
});

describe('an agent that holds the lock that its card waits for', () => {
  const FOR_GOOD: TakingBack = { level: 'none', reversal: 'none', reason: 'not protected' };
  const HOLD: Hold = { kind: 'hold', rule: 'guarded.write', reason: 'It changes.', people: 1 };

  it('has a name typed, and more rows than anybody saw void what was signed', async () => {
    const scratch = await startScratchStore();
    undo.push(() => scratch.stop());
    const clock = new ManualClock();
    const enrolled = new Enrolled(scratch.database, clock, () => {});
    await enrolled.enrol('ana');
    const store = new SqlHoldStore(scratch.database, enrolled.checks, HOLD_ROWS);
    const note = () => {};
    const desk = new WaitingDesk({
      store,
      news: { on: () => () => {} },
      clock,
      note,
      policyVersion: () => 'policy 1',
      facts: finder(server.port),
    });
    const holds = new Holds({ store, clock, note });
    const intent = await sqlIntent('delete from payments where id <= 2000');
    const tried = () => desk.submit(intent, target('main-db', 'postgres'), HOLD, 0, FOR_GOOD);
    const second = new pg.Client({ connectionString: server.url() });
    await second.connect();
    try {
      await second.query('begin; lock table payments in access exclusive mode');
      const { ticket } = await tried();
      const { card } = await holds.show(ticket.id);
      expect(card).toMatchObject({ rowsAtMost: null, typedName: 'main-db' });
      expect(card.facts?.notTold.join()).toContain('the server did not answer within');
      const code = enrolled.code('ana');
      const word = { kind: 'totp', holdId: ticket.id, person: 'ana', code } as const;
      const blind = await refusalOf(holds.approve({ ...word, digestShown: null }));
      expect(blind.code).toBe('HF_TYPED_NAME');
      await holds.approve({ ...word, digestShown: null, typedName: 'main-db' });
      await second.query('rollback');
      const standing = await tried();
      expect(standing).toMatchObject({
        kind: 'waiting',
        voided: {
          changes: [expect.stringMatching(/could not be told in time, and now it is \d+/)],
        },
      });
    } finally {
      await second.end();
    }
  }, 60_000);
});

describe('the mark of a search path', () => {
  it.each([
    [
      { schemas: ['a', 'b'], said: ['a', 'b'] },
      { schemas: ['a', 'b'], isInOrder: true },
    ],
    [
      { schemas: ['a', 'b'], said: ['b', 'a'] },
      { schemas: ['a', 'b'], isInOrder: false },
    ],
    [
      { schemas: ['a'], said: null },
      { schemas: ['a'], isInOrder: false },
    ],
    [
      { schemas: [], said: [] },
      { schemas: [], isInOrder: false },
    ],
    [
      { schemas: [], said: null },
      { schemas: [], isInOrder: false },
    ],
  ])('%j is read back', (judged, path) => {
    expect(namePathIn(pathMark(judged))).toEqual(path);
  });
  it('is any path where nobody can tell', () => {
    expect(namePathIn(Buffer.from('\0session\x001'))).toEqual({ schemas: [], isInOrder: false });
  });
});

const edges = (...nodes: readonly unknown[]) => ({ edges: nodes.map((node) => ({ node })) });
const page = { pageInfo: { hasNextPage: false } };
const PROJECT = {
  id: 'p-1',
  name: 'acme',
  environments: edges({
    id: 'e-1',
    name: 'production',
    serviceInstances: edges({ serviceId: 's-1', serviceName: 'postgres' }),
    volumeInstances: {
      ...edges({
        id: 'vi-1',
        serviceId: 's-1',
        currentSizeMB: 84,
        volume: { id: 'v-1', name: 'pg-data' },
      }),
      ...page,
    },
  }),
  services: edges({ id: 's-1', name: 'postgres' }),
};

describe('a provider', () => {
  let api: HttpServer;
  let questions = 0;
  let backups: unknown = [];
  let railway: Provider;

  beforeAll(async () => {
    api = createHttpServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        questions += 1;
        const data = body.includes('HoldfastProjects')
          ? { projects: { ...edges({ id: 'p-1', name: 'acme' }), ...page } }
          : body.includes('HoldfastBackups')
            ? { volumeInstanceBackupList: backups }
            : { project: PROJECT };
        response.end(JSON.stringify({ data }));
      });
    });
    await new Promise<void>((done) => api.listen(0, '127.0.0.1', done));
    undo.push(() => {
      api.closeAllConnections();
      api.close();
    });
    railway = new RailwayProvider({
      origin: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      clock: new ManualClock(),
      kind: 'account',
      secret: async () => 'a secret',
      placeOf: () => ({
        target: 'railway/acme/production',
        environment: 'production',
        strictness: 1,
      }),
      databaseOf: async () => 'database main-db with about 241,422 rows in 7 table(s), 84 MB',
      sql: { read: () => expect.unreachable('there is no SQL in it') },
      description: null,
    });
  });

  async function factsOf(
    query: string,
    provider: Provider | null = railway,
  ): Promise<CardFacts | null> {
    const request = graphqlRequest('/graphql/v2', query);
    const { evidence, reading } = await railway.read(request);
    const before = questions;
    const facts = await new TargetFacts({
      config: { targets: [] },
      env: {},
      clock: new ManualClock(),
      guards: new Map(),
      providers: new Map(provider === null ? [] : [['railway', provider]]),
    }).find(
      intentOf(reading, httpActs({ ...request, headers: [], provider: 'railway' }, evidence)),
      target('railway/acme/production', 'http'),
    );
    expect(questions, 'a question was asked for the card').toBe(before);
    return facts;
  }

  it('tells the volume, its size, the database behind it and the backups that die with it', async () => {
    backups = [1, 2, 3].map((n) => ({ id: `b-${n}`, createdAt: `2026-11-2${n}T10:00:00Z` }));
    const facts = await factsOf('mutation { volumeDelete(volumeId: "v-1") }');
    expect(facts?.objects).toEqual([
      {
        name: 'pg-data in production of acme',
        type: 'volume',
        rows: null,
        bytes: { value: 84 * 1_024 * 1_024, how: 'estimate' },
      },
    ]);
    expect(facts?.dependents).toEqual([
      {
        name: 'database main-db with about 241,422 rows in 7 table(s), 84 MB',
        type: 'database',
        what: 'goes',
      },
      { name: 'postgres', type: 'service', what: 'breaks' },
    ]);
    expect(facts?.recoveryLost).toEqual([
      '3 backup(s) lie in pg-data in production of acme and die with it, the newest of ' +
        '2026-11-23T10:00, 2026-11-22T10:00, 2026-11-21T10:00',
    ]);
    expect(facts?.notTold).toEqual([]);
  });

  it('says when there is no backup at all', async () => {
    backups = [];
    const facts = await factsOf('mutation { volumeDelete(volumeId: "v-1") }');
    expect(facts?.recoveryLost).toEqual([
      'pg-data in production of acme has no backup at Railway: nothing there brings it back',
    ]);
  });

  it('finds the volumes of a service, of an environment and of a project that are destroyed', async () => {
    for (const query of [
      'mutation { serviceDelete(id: "s-1") }',
      'mutation { environmentDelete(id: "e-1") }',
      'mutation { projectDelete(id: "p-1") }',
    ]) {
      const facts = await factsOf(query);
      expect(facts?.objects.map(({ name }) => name)).toContain('pg-data in production of acme');
    }
  });

  it('says what it could not look up', async () => {
    backups = 'no list';
    const facts = await factsOf('mutation { volumeDelete(volumeId: "v-1") }');
    expect(facts?.notTold).toEqual([
      'backups of pg-data in production of acme: they were not listed',
    ]);
    const other = await factsOf('mutation { volumeDelete(volumeId: "v-2") }');
    expect(other?.objects).toEqual([{ name: 'v-2', type: 'volume', rows: null, bytes: null }]);
  });

  it('tells of any other provider what its reading says, and that it is not more', async () => {
    const facts = await factsOf(
      'mutation { volumeInstanceBackupDelete(volumeInstanceId: "vi-1", volumeInstanceBackupId: "b-1") }',
      null,
    );
    expect(facts?.objects.length).toBeGreaterThan(0);
    expect(facts?.recoveryLost.join()).toContain('is one itself, and goes');
    expect(facts?.notTold.join()).toContain('does not look them up at railway');
  });

  it('has no facts of what only reads', async () => {
    expect(await factsOf('{ project(id: "p-1") { name } }')).toBeNull();
  });

  it('does not reject when a provider does', async () => {
    const broken = Object.create(railway, {
      touched: {
        value: (_request: unknown, effects: readonly Effect[]) => {
          throw new Error(`nothing of ${effects.length}`);
        },
      },
    }) as Provider;
    const facts = await factsOf('mutation { volumeDelete(volumeId: "v-1") }', broken);
    expect(facts?.notTold).toEqual(['anything of it: nothing of 1']);
  });
});
