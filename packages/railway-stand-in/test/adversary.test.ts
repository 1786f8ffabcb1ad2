/**
 * An agent with a token for staging, which wants what is not its own: rows that once got through, and do not
 * any more, and some that never did. Everything through a whole Holdfast, by real requests.
 */
import { request as httpRequest } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type Guarded, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let town: Town;
let guarded: Guarded;

beforeAll(async () => {
  town = await startTown({ batching: true, get: true });
  guarded = await startGuarded(town, null);
});
afterAll(async () => {
  await guarded?.stop();
  await town?.stop();
});
beforeEach(() => {
  town.standIn.executed.length = 0;
});

const staging = () => town.ready.staging.id;
const production = () => town.ready.production.id;
const project = () => town.ready.projectId;

function raw(headers: Readonly<Record<string, string>>, body: string): Promise<string> {
  const authorization = `Bearer ${guarded.tokens.staging}`;
  return new Promise((done, fail) => {
    const wish = { method: 'POST', headers: { authorization, ...headers } };
    const asked = httpRequest(guarded.base, wish, (response) => {
      text(response).then(done, fail);
    });
    asked.once('error', fail);
    asked.end(body);
  });
}
const JSON_TYPE = { 'content-type': 'application/json' };
const agent = (query: string, variables: object = {}): Promise<string> =>
  raw(JSON_TYPE, JSON.stringify({ query, variables }));
const ran = (): readonly string[] => town.standIn.executed.map(({ field }) => field);

const readOf = (id: string): string =>
  `serviceInstance(environmentId: "${id}", serviceId: "${town.ready.serviceId}") { id }`;
const bare = (id: string): string => id.replaceAll('-', '');

/** Requests of a token for staging, none of which is for staging only. */
it.each<readonly [story: string, send: () => Promise<string>]>([
  ['production by itself', () => agent(`{ ${readOf(production())} }`)],
  [
    'production beside staging, in one document',
    () => agent(`{ mine: ${readOf(staging())} other: ${readOf(production())} }`),
  ],
  [
    'production beside staging, in one batch',
    () =>
      raw(
        JSON_TYPE,
        JSON.stringify([
          { query: `{ ${readOf(staging())} }` },
          { query: `{ ${readOf(production())} }` },
        ]),
      ),
  ],
  ['its id in capitals', () => agent(`{ ${readOf(production().toUpperCase())} }`)],
  ['its id without dashes', () => agent(`{ ${readOf(bare(production()))} }`)],
  ['its id in braces', () => agent(`{ ${readOf(`{${production()}}`)} }`)],
  ['an id with a space behind it', () => agent(`{ ${readOf(`${production()} `)} }`)],
  ['an environment of nobody', () => agent(`{ ${readOf('nobody')} }`)],
])('does not read %s', async (_story, send) => {
  // The list of what there is where is taken first, by our own questions.
  await agent(`{ ${readOf(staging())} }`);
  town.standIn.executed.length = 0;
  expect(await send()).toContain('HF_TARGET_FORBIDDEN');
  expect(ran()).not.toContain('serviceInstance');
});

it('reads its own environment in whatever way its id is written', async () => {
  for (const id of [staging(), staging().toUpperCase(), bare(staging())]) {
    expect(await agent(`{ ${readOf(id)} }`)).not.toContain('HF_');
  }
});

it.each([
  ['called a form', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['called nothing', {}],
])('a form that is hidden in JSON is not sent on: %s', async (_story, headers) => {
  const hidden = `mutation{volumeDelete(volumeId:%22${town.ready.volumeId}%22)}`;
  const answer = await raw(headers, JSON.stringify({ query: `{ __typename } #&query=${hidden}#` }));
  expect(answer).toContain('HF_REFUSED');
  expect(ran()).not.toContain('__typename');
});

/** What a person has to look at, in an environment where ordinary work passes. */
it.each<readonly [story: string, send: () => Promise<string>]>([
  [
    'an environment that would be called as another, whose rules would be its own',
    () =>
      agent(
        'mutation N($e: String!) { environmentRename(id: $e, input: { name: "production" }) { id } }',
        {
          e: staging(),
        },
      ),
  ],
  [
    'a service with an image, which gets a password by reference',
    () =>
      agent('mutation C($i: ServiceCreateInput!) { serviceCreate(input: $i) { id } }', {
        i: {
          projectId: project(),
          environmentId: staging(),
          name: 'helper',
          source: { image: 'somebody/anything' },
          variables: { URL: ['$', '{{postgres.DATABASE_URL}}'].join('') },
        },
      }),
  ],
  [
    'a repository that a service would run from then on',
    () =>
      agent(
        'mutation T($i: DeploymentTriggerCreateInput!) { deploymentTriggerCreate(input: $i) { id } }',
        {
          i: {
            projectId: project(),
            environmentId: staging(),
            serviceId: town.ready.serviceId,
            branch: 'main',
            provider: 'github',
            repository: 'somebody/anything',
          },
        },
      ),
  ],
  [
    'a sandbox that is a copy of one elsewhere',
    () =>
      agent('mutation S($i: SandboxCreateInput!) { sandboxCreate(input: $i) { id } }', {
        i: { environmentId: staging(), sourceSandboxId: 'of-production' },
      }),
  ],
])('is held: %s', async (_story, send) => {
  expect(await send()).toMatch(/HF_HELD/);
  expect(town.standIn.executed.filter(({ operation }) => operation === 'mutation')).toEqual([]);
});

it('an empty service is ordinary work', async () => {
  const answer = await agent(
    'mutation C($i: ServiceCreateInput!) { serviceCreate(input: $i) { id } }',
    {
      i: { projectId: project(), environmentId: staging(), name: 'empty' },
    },
  );
  expect(answer).toContain('{"data":{');
});
