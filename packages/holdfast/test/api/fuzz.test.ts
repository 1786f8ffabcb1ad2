/**
 * The API fuzzed from its own document: for every route, as an owner and as nobody, what the schema says
 * and then what it does not. Never a fault of ours, always a problem in one shape, nothing of our insides,
 * and nothing of what agents asked is decided by it.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ROUTES } from '../../src/api/contract/index.ts';
import { openApiOf } from '../../src/api/openapi.ts';
import { decide, openHolds } from './ground.ts';
import { ApiWorld, type AskOptions, type Browser, type Shown } from './support.ts';

const SCHEMA = z.record(z.string(), z.unknown());
const OPERATION = z.object({
  operationId: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string(), schema: SCHEMA })).default([]),
  requestBody: z
    .object({ content: z.object({ 'application/json': z.object({ schema: SCHEMA }) }) })
    .optional(),
});
const DOCUMENT = z.object({ paths: z.record(z.string(), z.record(z.string(), OPERATION)) });
const METHOD = z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);

const operations = Object.entries(
  DOCUMENT.parse(JSON.parse(JSON.stringify(openApiOf(ROUTES)))).paths,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    path,
    method: METHOD.parse(method.toUpperCase()),
    ...operation,
  })),
);

/** Not told twice: a stream that does not end, and the end of the session we ask with. */
const LEFT_OUT = ['events.stream', 'session.close'];
const RUNS = 14;

const HOSTILE = [
  '\u202eevil',
  '\u0000',
  '\ud800',
  '<script>alert(1)</script>',
  "'; drop table holdfast.holds; --",
  '../../../../etc/passwd',
  '%00%ff',
  '{{7*7}}',
  '$ne',
  '__proto__',
  'x'.repeat(70_000),
  '9'.repeat(400),
  '-1',
  '1e309',
  'NaN',
  '2026-13-45T99:99:99Z',
] as const;

const odd = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 4 }),
  fc.dictionary(fc.constantFrom('a', '__proto__', 'constructor'), fc.constantFrom(...HOSTILE)),
);

/** What fits a schema, roughly: enough to come past the first check now and then. */
function fitting(schema: z.output<typeof SCHEMA>): fc.Arbitrary<unknown> {
  const { anyOf, default: otherwise, enum: words, items, properties, type } = schema;
  if (Array.isArray(words) && words.length > 0) return fc.constantFrom(...words);
  if (Array.isArray(anyOf)) return fc.oneof(...anyOf.map((one) => fitting(SCHEMA.parse(one))));
  if (otherwise !== undefined && type !== 'object') return fc.constant(otherwise);
  switch (type) {
    case 'object': {
      const parts = Object.entries(SCHEMA.parse(properties ?? {}));
      return fc.record(
        Object.fromEntries(parts.map(([name, one]) => [name, fitting(SCHEMA.parse(one))])),
        { requiredKeys: [] },
      );
    }
    case 'array':
      return fc.array(fitting(SCHEMA.parse(items ?? {})), { maxLength: 3 });
    case 'integer':
    case 'number':
      return fc.integer({ min: 0, max: 300 });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return fc.constantFrom('main-db', 'ana', '123456', 'hold_x', 'DELETE FROM t', '0');
  }
}

const either = (schema: z.output<typeof SCHEMA>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: fitting(schema), weight: 3 }, { arbitrary: odd, weight: 2 });

let world: ApiWorld;
let ana: Browser;
let holds: readonly string[];
let asked = 0;

beforeAll(async () => {
  world = await ApiWorld.start(`
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }`);
  ana = await world.person('ana', ['owner']);
  holds = await openHolds(world, 3);
  await decide(world, { text: 'DELETE FROM t' });
});
afterAll(async () => {
  await world?.stop();
});

function requestOf({ method, parameters, path, requestBody }: (typeof operations)[number]) {
  const parts = parameters.filter((one) => one.in !== 'header');
  const values = fc.record(
    Object.fromEntries(parts.map(({ name, schema }) => [name, either(schema)])),
    { requiredKeys: parts.filter((one) => one.in === 'path').map(({ name }) => name) },
  );
  const body = requestBody?.content['application/json'].schema;
  return fc.record({
    url: values.map((given) => {
      const query = new URLSearchParams();
      let where = path;
      for (const [name, value] of Object.entries(given)) {
        const text = (JSON.stringify(value) ?? '')
          .slice(0, 8_000)
          .replaceAll(/\p{Surrogate}/gu, '?');
        const isInPath = path.includes(`{${name}}`);
        if (isInPath) where = where.replace(`{${name}}`, encodeURIComponent(text) || 'x');
        else query.set(name, text);
      }
      return `${where}${query.size > 0 ? `?${query}` : ''}`;
    }),
    body: body === undefined ? fc.constant(undefined) : either(body),
    method: fc.constant(method),
  });
}

async function check(options: AskOptions & { readonly url: string }, shown?: Shown) {
  asked += 1;
  const { url, ...rest } = options;
  const answer = await world.ask(url, { ...rest, address: `10.1.${asked % 250}.2` }, shown);
  const text = JSON.stringify(answer.json);
  expect(text).not.toMatch(/\\n +at |node_modules|\.[jt]s:\d/);
  if (answer.status < 300) return;
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json).toMatchObject({
    status: answer.status,
    code: expect.stringMatching(/^HF_/),
    hint: expect.any(String),
  });
  // What lies beyond us (a target that is not there) is said with 502 and 503, and is no fault of ours.
  expect([500, 501, 504].includes(answer.status) ? text : '').toBe('');
}

describe('every route', () => {
  const rows = operations.filter(({ operationId }) => !LEFT_OUT.includes(operationId));
  it.each(rows.map((one) => [one.operationId, one] as const))('%s', async (_, operation) => {
    const property = fc.asyncProperty(requestOf(operation), async ({ body, method, url }) => {
      const request = {
        method,
        url,
        ...(body === undefined ? {} : { body: Object(body) }),
      };
      await check(request, ana);
      await check(request);
      world.clock.pass(100);
    });
    await fc.assert(property, {
      numRuns: RUNS,
      interruptAfterTimeLimit: 20_000,
      endOnFailure: true,
    });
  });
});

it('has decided nothing, and broken nothing', async () => {
  const { json } = await ana.ask('/v1/holds?limit=200');
  expect(json).toMatchObject({ items: holds.toReversed().map((id) => ({ id, state: 'waiting' })) });
  expect(world.troubles).toEqual([]);
});

it('takes no body that is too large, or not JSON', async () => {
  const path = '/v1/policy/explain';
  const large = { target: 'main-db', sql: 'x'.repeat(300_000) };
  const answer = await ana.ask(path, { method: 'POST', body: large });
  expect([answer.status, answer.json]).toMatchObject([413, { code: 'HF_LIMIT' }]);
  const headers = { 'content-type': 'text/html' };
  expect((await ana.ask(path, { method: 'POST', body: large, headers })).status).toBe(415);
});
