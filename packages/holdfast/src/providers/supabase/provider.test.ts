import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../languages/sql/reader.ts';
import type { SqlReader } from '../../languages/sql/sql-reading.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { restRequest } from '../../testing/provider-requests.ts';
import { SupabaseProvider } from './provider.ts';

const ANSWERS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['/v1/projects', [{ id: 'prodref', name: 'acme', organization_id: 'org' }]],
  [
    '/v1/projects/prodref/branches',
    [
      { id: 'b-0', name: 'main', project_ref: 'prodref', is_default: true },
      { id: 'b-1', name: 'staging', project_ref: 'stagref', is_default: false },
    ],
  ],
]);
let server: Server;
let sql: SqlReader;
let provider: SupabaseProvider;

beforeAll(async () => {
  sql = await createSqlReader();
  server = createServer(({ url = '' }, response) => {
    const found = ANSWERS.get(url);
    response.statusCode = found === undefined ? 404 : 200;
    response.end(JSON.stringify(found ?? {}));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const places = new Map([
    ['acme/main', { target: 'production-db', environment: 'production', strictness: 2 }],
    ['acme/staging', { target: 'staging-db', environment: 'staging', strictness: 1 }],
  ]);
  provider = new SupabaseProvider({
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    clock: new ManualClock(),
    kind: 'account',
    description: null,
    sql,
    secret: async () => 'k',
    placeOf: (project, at) => places.get(`${project}/${at}`) ?? null,
    databaseOf: async () => null,
  });
});
afterAll(async () => {
  await sql.close();
  server.closeAllConnections();
  await new Promise<void>((done) => server.close(() => done()));
});

/** `kind verb` of each effect, or the reason why nobody can tell. */
async function effects(line: string, body?: unknown): Promise<readonly string[]> {
  const { reading } = await provider.read(restRequest(line, body));
  if (reading.kind === 'could-not-tell') return [reading.reason.code];
  return reading.effects.map(({ kind, verb }) => `${kind} ${verb}`);
}

const QUERY = 'POST /v1/projects/prodref/database/query';
const MIGRATION = 'POST /v1/projects/prodref/database/migrations';
const NOTED = 'write POST /v1/projects/{ref}/database/migrations';

describe('raw SQL', () => {
  it.each([
    ['that reads', QUERY, { query: 'SELECT 1' }, ['read SELECT']],
    ['that drops', QUERY, { query: 'DROP TABLE orders' }, ['destroy DROP TABLE']],
    [
      'that says of itself that it only reads',
      QUERY,
      { query: 'DROP TABLE orders', read_only: true },
      ['destroy DROP TABLE'],
    ],
    [
      'behind a harmless statement',
      QUERY,
      { query: 'SELECT 1; TRUNCATE orders' },
      ['read SELECT', 'destroy TRUNCATE'],
    ],
    [
      'prepared and run in one text',
      QUERY,
      { query: 'PREPARE x AS DELETE FROM orders; EXECUTE x' },
      ['destroy DELETE'],
    ],
    ['prepared elsewhere', QUERY, { query: 'EXECUTE x' }, ['unknown EXECUTE']],
    [
      'that changes how SQL is read',
      QUERY,
      { query: 'SET standard_conforming_strings = off' },
      ['lexing-setting'],
    ],
    ['that cannot be read', QUERY, { query: 'DRP TABLE' }, ['syntax-error']],
    ['that is not there', QUERY, {}, ['ambiguous']],
    ['without a body', QUERY, undefined, ['ambiguous']],
    ['that is no text', QUERY, { query: ['DROP TABLE orders'] }, ['ambiguous']],
    ['under another key', QUERY, { query: 'SELECT 1', sql: 'DROP TABLE orders' }, ['ambiguous']],
    [
      'of a migration',
      MIGRATION,
      { query: 'CREATE TABLE a (b int)', name: 'a' },
      ['reshape CREATE TABLE', NOTED],
    ],
    [
      'that would take a migration back',
      MIGRATION,
      { query: 'SELECT 1', rollback: 'DROP TABLE orders' },
      ['read SELECT', 'destroy DROP TABLE', NOTED],
    ],
  ])('%s', async (_story, line, body, expected) => {
    const found = await effects(line, body);
    // A session act has an effect of its own in some readings; what counts is that none is lost.
    expect(found).toEqual(expect.arrayContaining(expected));
  });

  it('is in a worker when it is long, and is read all the same', async () => {
    const query = `SELECT ${"'x',".repeat(20_000)} 1; DROP TABLE orders`;
    expect(await effects(QUERY, { query })).toContain('destroy DROP TABLE');
  });

  it.each([
    ['that reads', 'SELECT 1', ['read SELECT']],
    ['that calls a function of an owner', 'SELECT public.wipe()', ['execute FUNCTION']],
    ['that ends being a reader', 'RESET ROLE; DROP TABLE orders', ['destroy DROP TABLE']],
  ])('is read on the path for readers too: %s', async (_story, query, expected) => {
    const line = 'POST /v1/projects/prodref/database/query/read-only';
    const kinds = (await effects(line, { query })).map((one) => one.split(' ')[0]);
    expect(kinds).toEqual(expect.arrayContaining(expected.map((one) => one.split(' ')[0])));
  });
});

it.each([
  ['keys without reveal', 'GET /v1/projects/prodref/api-keys', 'grant'],
  ['variables', 'GET /v1/projects/prodref/secrets', 'grant'],
  ['the key of encryption', 'GET /v1/projects/prodref/pgsodium', 'grant'],
  ['a branch, which has the password in it', 'GET /v1/branches/b-1', 'grant'],
  ['a list', 'GET /v1/projects/prodref/functions', 'read'],
  ['something new that is read', 'GET /v1/projects/prodref/vault', 'unknown'],
])('does not take a GET for harmless because it is one: %s', async (_story, line, kind) => {
  expect((await effects(line))[0]?.split(' ')[0]).toBe(kind);
});

it.each([
  ['a project, which takes its branches with it', 'DELETE /v1/projects/prodref', 'production-db'],
  ['its branches', 'DELETE /v1/projects/prodref/branches', 'production-db'],
  ['a branch by id', 'DELETE /v1/branches/b-1', 'staging-db'],
  ['a branch by the ref of its project', 'POST /v1/branches/stagref/reset', 'staging-db'],
  ['a branch as a project', 'POST /v1/projects/stagref/pause', 'staging-db'],
  ['a project that is not listed', 'DELETE /v1/projects/other', 'supabase (not found)'],
])('places %s', async (_story, line, expected) => {
  expect((await provider.read(restRequest(line))).place.asked).toBe(expected);
});

it('places the merge of a branch in production, where its migrations run', async () => {
  const { place } = await provider.read(restRequest('POST /v1/branches/b-1/merge'));
  expect(place.asked).toBe('production-db');
});

it('takes the files of a function for code, and any other files for what nobody can read', async () => {
  const files = { mediaType: 'multipart/form-data', body: Buffer.from('--x\r\n') };
  const deploy = restRequest('POST /v1/projects/stagref/functions/deploy?slug=a');
  const { place, reading } = await provider.read({ ...deploy, ...files });
  expect(reading.effects.map(({ kind }) => kind)).toEqual(['execute']);
  expect(place.asked).toBe('staging-db');
  const other = await provider.read({ ...restRequest(QUERY), ...files });
  expect(other.reading.kind).toBe('could-not-tell');
});
