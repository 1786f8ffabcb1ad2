/**
 * What an agent changes at Railway in a guarded environment passes at once, and a person takes it back by
 * the command line: a whole Holdfast before the stand-in, real requests, real codes.
 */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { somebodysWord } from '../../holdfast/test/support/gateway.ts';
import { type Between, standBetween } from './support/between.ts';
import { type Guarded, type Said, startGuarded } from './support/guarded.ts';
import { startTown, type Town } from './support/town.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const SECRET = 'postgres://app:made-up-and-never-shown@postgres.internal/staging';
const SEALED = 'nobody-reads-this-one';
const REFERENCE = ['$', '{{shared.REGION}}'].join('');

let town: Town;
let between: Between;
let guarded: Guarded;

beforeAll(async () => {
  town = await startTown();
  between = await standBetween(town.standIn);
  guarded = await startGuarded(town, null, { production: 'guarded', origin: between.origin });
});
afterAll(async () => {
  await guarded?.stop();
  await between?.stop();
  await town?.stop();
});

const service = () => town.ready.serviceId;
const staging = () => town.ready.staging.id;
const world = () => town.ready.world;

beforeEach(() => {
  between.way = () => 'pass';
  town.standIn.executed.length = 0;
  const own = world().variables(staging(), service());
  own.clear();
  own.set('PGDATA', '/var/lib/postgresql/data');
  own.set('DATABASE_URL', SECRET);
  own.set('FROM_SHARED', REFERENCE);
  const shared = world().variables(staging(), null);
  shared.clear();
  shared.set('REGION', 'eu-west4');
});

function variables(serviceId: string | null = service()): Record<string, string> {
  return Object.fromEntries(world().variables(staging(), serviceId));
}

const at = (given: object = {}) => ({
  projectId: town.ready.projectId,
  environmentId: staging(),
  serviceId: service(),
  ...given,
});

async function agent(
  query: string,
  given: object = {},
  token = guarded.tokens.staging,
): Promise<string> {
  const response = await fetch(guarded.base, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: given }),
  });
  return await response.text();
}

const upsert = (input: object) =>
  agent('mutation U($i: VariableUpsertInput!) { variableUpsert(input: $i) }', { i: input });
const remove = (input: object) =>
  agent('mutation D($i: VariableDeleteInput!) { variableDelete(input: $i) }', { i: input });
const collect = (input: object) =>
  agent('mutation C($i: VariableCollectionUpsertInput!) { variableCollectionUpsert(input: $i) }', {
    i: input,
  });

/** The newest item, once what came of its act is written down. */
async function newest(happened: string | null = 'done'): Promise<string> {
  const store = guarded.holdfast.rooms.undoStore;
  if (happened !== null) {
    await expect
      .poll(async () => (await store.list({ limit: 1 }))[0]?.inverse?.happened)
      .toBe(happened);
  }
  return (await store.list({ limit: 1 }))[0]?.id ?? '';
}

async function items(): Promise<number> {
  return (await guarded.holdfast.rooms.undoStore.list({ limit: 500 })).length;
}

async function apply(item: string, ...words: readonly string[]): Promise<Said> {
  const { person, code } = await somebodysWord(guarded.holdfast, '');
  return guarded.cli('undo', 'apply', item, ...words, '--as', person, '--code', code, '--json');
}

const PASSED = '{"data":{';

/** Acts that pass at once, and what they leave; then as it was before. */
it.each<readonly [story: string, act: () => Promise<string>, after: () => object]>([
  [
    'a variable that is set to another value',
    () => upsert(at({ name: 'DATABASE_URL', value: 'other' })),
    () => ({ PGDATA: '/var/lib/postgresql/data', DATABASE_URL: 'other', FROM_SHARED: REFERENCE }),
  ],
  [
    'a variable that there was not',
    () => upsert(at({ name: 'NEW', value: '' })),
    () => ({ ...BEFORE, NEW: '' }),
  ],
  [
    'a variable that is removed',
    () => remove(at({ name: 'DATABASE_URL' })),
    () => ({ PGDATA: '/var/lib/postgresql/data', FROM_SHARED: REFERENCE }),
  ],
  ['a variable that is not there, removed', () => remove(at({ name: 'NOT' })), () => BEFORE],
  [
    'a reference, which comes back as one and not as its value',
    () => upsert(at({ name: 'FROM_SHARED', value: 'fixed' })),
    () => ({ ...BEFORE, FROM_SHARED: 'fixed' }),
  ],
  [
    'several, one of them new',
    () => collect(at({ variables: { PGDATA: '/x', MORE: '1' } })),
    () => ({ ...BEFORE, PGDATA: '/x', MORE: '1' }),
  ],
  [
    'all of them replaced',
    () => collect(at({ replace: true, variables: { ONLY: 'this' } })),
    () => ({ ONLY: 'this' }),
  ],
  [
    'all of them replaced by nothing',
    () => collect(at({ replace: true, variables: {} })),
    () => ({}),
  ],
  [
    'a name that objects have of themselves',
    () => upsert(at({ name: '__proto__', value: 'x' })),
    () => Object.fromEntries([...Object.entries(BEFORE), ['__proto__', 'x']]),
  ],
  [
    'two of one name in one document, under aliases, by a fragment and with literals',
    () =>
      agent(
        `mutation M($e: String!, $v: String = "second") { ...F }
        fragment F on Mutation {
          one: variableUpsert(input: {${literal()}, name: "DATABASE_URL", value: "first"})
          two: variableDelete(input: {${literal()}, name: "PGDATA"})
          three: variableUpsert(input: {${literal()}, name: "DATABASE_URL", value: $v}) }`,
        { e: staging() },
      ),
    () => ({ DATABASE_URL: 'second', FROM_SHARED: REFERENCE }),
  ],
  [
    'all replaced after one was made, in one document',
    () =>
      agent(
        `mutation M($e: String!) {
          variableUpsert(input: {${literal()}, name: "EARLIER", value: "1"})
          variableCollectionUpsert(input: {${literal()}, replace: true, variables: {A: "2"}}) }`,
        { e: staging() },
      ),
    () => ({ A: '2' }),
  ],
])('%s: passes at once, and a person takes it back', async (_story, act, after) => {
  expect(await act()).toContain(PASSED);
  expect(variables()).toEqual(after());
  const item = await newest();
  const { code, out } = await apply(item);
  expect([code, out]).toEqual([0, expect.stringContaining('"isWhole":true')]);
  expect(variables()).toEqual(BEFORE);
});

const BEFORE = {
  PGDATA: '/var/lib/postgresql/data',
  DATABASE_URL: SECRET,
  FROM_SHARED: REFERENCE,
};
const literal = () =>
  `projectId: "${town.ready.projectId}", environmentId: $e, serviceId: "${service()}"`;

it('takes a shared variable back', async () => {
  expect(await upsert(at({ serviceId: null, name: 'REGION', value: 'us' }))).toContain(PASSED);
  expect(variables(null)).toEqual({ REGION: 'us' });
  expect((await apply(await newest())).code).toBe(0);
  expect(variables(null)).toEqual({ REGION: 'eu-west4' });
});

it('shows names and never a value: in lists, previews, the trail, and at rest', async () => {
  await upsert(at({ name: 'DATABASE_URL', value: 'other' }));
  const item = await newest();
  const shown = [
    await guarded.cli('undo', 'list'),
    await guarded.cli('undo', 'list', '--json'),
    await guarded.cli('undo', 'show', item),
    await guarded.cli('undo', 'show', item, '--json'),
    await guarded.cli('undo', 'preview', item),
    await guarded.cli('undo', 'preview', item, '--json'),
  ];
  for (const { code, err, out } of shown) {
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('variable DATABASE_URL of postgres in staging');
    expect(out).not.toContain(SECRET);
  }
  const applied = await apply(item);
  expect(applied.out).not.toContain(SECRET);
  const recorded = await guarded.recorded();
  expect(recorded).toContain('undo-sent');
  expect(recorded).toContain('"reversal":"inverse"');
  expect(recorded).not.toContain(SECRET);
  const { database } = guarded.holdfast.rooms;
  const { rows } = await database.run((db) =>
    sql<{ name: string; row: string }>`
      select 'item' as name, i::text as row from holdfast.undo_items i
      union all select 'part', p::text from holdfast.undo_parts p
      union all select 'sealed', encode(v.sealed, 'escape') from holdfast.undo_inverses v
      union all select 'hold', h::text from holdfast.holds h`.execute(db),
  );
  expect(rows.filter(({ name }) => name === 'sealed').length).toBeGreaterThan(1);
  expect(rows.filter(({ row }) => row?.includes('made-up-and-never-shown'))).toEqual([]);
});

it('the undo is an item itself; undone, the change is there again, and can be taken back again', async () => {
  await remove(at({ name: 'DATABASE_URL' }));
  const item = await newest();
  expect((await apply(item)).code).toBe(0);
  const undo = await newest();
  const [listed] = await guarded.holdfast.rooms.undoStore.list({ limit: 1 });
  expect(listed).toMatchObject({ undoOf: item, agentName: null, state: 'kept' });
  const again = await apply(item);
  expect([again.code, again.out]).toEqual([1, expect.stringContaining('undone already')]);
  expect((await apply(undo)).code).toBe(0);
  expect(variables()).toEqual({ PGDATA: '/var/lib/postgresql/data', FROM_SHARED: REFERENCE });
  expect((await apply(item)).code).toBe(0);
  expect(variables()).toEqual(BEFORE);
});

it('overwrites what somebody set since only when told to', async () => {
  await collect(at({ variables: { DATABASE_URL: 'agent', PGDATA: '/agent' } }));
  const item = await newest();
  world().variables(staging(), service()).set('DATABASE_URL', 'a person');
  const preview = await guarded.cli('undo', 'preview', item, '--json');
  expect(preview.code).toBe(1);
  expect(JSON.parse(preview.out).report).toMatchObject({
    undecided: 1,
    conflicts: [{ kind: 'changed', table: 'variable DATABASE_URL of postgres in staging' }],
    sql: ['set variable PGDATA of postgres in staging to the value it had before'],
  });
  expect(preview.out).not.toContain('a person');
  const refused = await apply(item);
  expect([refused.code, refused.out]).toEqual([1, expect.stringContaining('HF_UNDO_CONFLICT')]);
  expect(variables()).toMatchObject({ DATABASE_URL: 'a person', PGDATA: '/agent' });
  expect((await apply(item, '--conflict', 'skip')).out).toContain('"isWhole":false');
  expect(variables()).toMatchObject({ DATABASE_URL: 'a person', PGDATA: BEFORE.PGDATA });
  expect((await apply(item, '--conflict', 'ours')).out).toContain('"isWhole":true');
  expect(variables()).toEqual(BEFORE);
});

it('takes several changes of one value back to before the first of them', async () => {
  const since = new Date().toISOString();
  await upsert(at({ name: 'DATABASE_URL', value: 'one' }));
  await newest();
  await upsert(at({ name: 'DATABASE_URL', value: 'two' }));
  await remove(at({ name: 'PGDATA' }));
  await newest();
  const { person, code } = await somebodysWord(guarded.holdfast, '');
  const range = ['--agent', 'cursor', '--since', since, '--as', person, '--code', code];
  const { out } = await guarded.cli('undo', 'apply', ...range, '--json');
  expect(JSON.parse(out).report).toMatchObject({ isWhole: true, undecided: 0 });
  expect(variables()).toEqual(BEFORE);
});

it('wants a person and a code, and whole items', async () => {
  await remove(at({ name: 'PGDATA' }));
  const item = await newest();
  const nobody = await guarded.cli(
    'undo',
    'apply',
    item,
    '--as',
    'x',
    '--code',
    '000000',
    '--json',
  );
  expect([nobody.code, nobody.out]).toEqual([1, expect.stringContaining('HF_NOT_FOUND')]);
  const part = await apply(item, '--table', 'public.x');
  expect([part.code, part.out]).toEqual([2, expect.stringContaining('whole items')]);
  expect(variables()).not.toHaveProperty('PGDATA');
});

/** As today: held, and nothing of it reaches Railway. */
const HELD: readonly (readonly [
  story: string,
  act: () => Promise<string>,
  way?: (body: string) => number,
])[] = [
  [
    'what cannot be taken back beside what can',
    () =>
      agent(
        `mutation M($e: String!) { ok: variableDelete(input: {${literal()}, name: "PGDATA"})
          no: deploymentStop(id: "${town.ready.staging.deploymentId}") }`,
        { e: staging() },
      ),
  ],
  [
    'a volume beside a variable',
    () =>
      agent(
        `mutation M($e: String!) { ok: variableDelete(input: {${literal()}, name: "PGDATA"})
          no: volumeDelete(volumeId: "${town.ready.volumeId}") }`,
        { e: staging() },
      ),
  ],
  [
    'the name of a service, by which a card finds the database that dies with it',
    () =>
      agent(
        `mutation M($i: ServiceUpdateInput!) { serviceUpdate(id: "${service()}", input: $i) { id } }`,
        { i: { name: 'x' } },
      ),
  ],
  [
    'a secret that is read along with it',
    () =>
      agent(
        `mutation M($i: ServiceUpdateInput!) { serviceUpdate(id: "${service()}", input: $i) {
          project { environments { edges { node { config(decryptVariables: true) } } } } } }`,
        { i: { icon: 'x' } },
      ),
  ],
  [
    'a command that the service runs, beside a setting',
    () => instance({ numReplicas: 2, startCommand: 'sh' }),
  ],
  ['a plan in which commands stand', () => instance({ nixpacksPlan: { start: { cmd: 'sh' } } })],
  ['a file that chooses what is run', () => instance({ dockerfilePath: 'Other' })],
  ['a region, which moves data', () => instance({ region: 'us' })],
  ['a setting that was not set before', () => instance({ healthcheckPath: '/x' })],
  ['a setting that is taken away', () => instance({ numReplicas: null })],
  [
    'a setting in every environment',
    () =>
      agent(
        `mutation I($i: ServiceInstanceUpdateInput!) { serviceInstanceUpdate(serviceId: "${service()}", input: $i) }`,
        { i: { numReplicas: 2 } },
      ),
  ],
  [
    'a variable that says what is run',
    () => upsert(at({ name: 'NIXPACKS_START_CMD', value: 'sh' })),
  ],
  ['one that a loader reads', () => upsert(at({ name: 'NODE_OPTIONS', value: '--require x' }))],
  ['a value that is no text', () => collect(at({ variables: { PGDATA: 5 } }))],
  ['a value that is nothing', () => collect(at({ variables: { PGDATA: null } }))],
  ['a service of nobody', () => remove(at({ serviceId: 'nobody', name: 'PGDATA' }))],
  ['a project of nobody', () => remove(at({ projectId: 'nobody', name: 'PGDATA' }))],
  [
    'another name of the environment, by which other rules would be the rules for it',
    () =>
      agent('mutation N($e: String!) { environmentRename(id: $e, input: { name: "x" }) { id } }', {
        e: staging(),
      }),
  ],
  [
    'a name that is another in the environment of a program',
    () => upsert(at({ name: 'NODE_OPTIONS=--require x', value: 'y' })),
  ],
  ['a name with a space before it', () => upsert(at({ name: ' NODE_OPTIONS', value: 'x' }))],
  ['a command in another spelling', () => upsert(at({ name: 'startCommand', value: 'sh' }))],
  [
    'a password of another service, which its own would then show',
    () =>
      upsert(at({ name: 'PUBLIC_NOTE', value: `see ${['$', '{{api.DATABASE_URL}}'].join('')}` })),
  ],
  ['a domain that is removed', () => agent(`mutation { customDomainDelete(id: "${domain()}") }`)],
  [
    'a domain without a port before',
    () =>
      agent(
        `mutation M($e: String!) { customDomainUpdate(environmentId: $e, id: "${domain()}", targetPort: 1) }`,
        { e: staging() },
      ),
  ],
  [
    'a state that the rate limit keeps us from reading',
    () => remove(at({ name: 'PGDATA' })),
    (body) => (body.includes('HoldfastState') ? 429 : 0),
  ],
  [
    'a state that Railway does not tell',
    () => remove(at({ name: 'PGDATA' })),
    (body) => (body.includes('HoldfastState') ? 500 : 0),
  ],
];

it.each(HELD.map(([story, act, way]) => ({ story, act, way })))(
  'is held: $story',
  async ({ act, way }) => {
    const before = JSON.stringify([variables(), settings()]);
    const count = await items();
    between.way = (body) => {
      const status = way?.(body) ?? 0;
      return status === 0 ? 'pass' : { status };
    };
    expect(await act()).toMatch(/HF_HELD|HF_TARGET_FORBIDDEN/);
    expect(town.standIn.executed.filter(({ operation }) => operation === 'mutation')).toEqual([]);
    expect(JSON.stringify([variables(), settings()])).toBe(before);
    expect(await items()).toBe(count);
    // A pause that the limit asked for is not the next test's.
    if (way !== undefined) await new Promise((done) => setTimeout(done, 1_100));
  },
);

const domain = () => town.ready.staging.domainId;
const settings = () => Object.fromEntries(world().serviceInstance(staging(), service()).settings);
const instance = (input: object) =>
  agent(
    `mutation I($e: String, $i: ServiceInstanceUpdateInput!) {
      serviceInstanceUpdate(environmentId: $e, serviceId: "${service()}", input: $i) }`,
    { e: staging(), i: input },
  );

it('holds what touches a sealed variable, whose value nobody can read', async () => {
  world().variables(staging(), service()).set('HIDDEN', SEALED);
  world().sealVariable(staging(), service(), 'HIDDEN');
  expect(await upsert(at({ name: 'HIDDEN', value: 'x' }))).toContain('HF_HELD');
  expect(await collect(at({ replace: true, variables: { HIDDEN: 'y' } }))).toContain('HF_HELD');
  // What does not touch it passes.
  expect(await upsert(at({ name: 'PGDATA', value: '/x' }))).toContain(PASSED);
  await newest();
});

it('keeps a token of staging out of production, as ever', async () => {
  const answer = await remove(at({ environmentId: town.ready.production.id, name: 'PGDATA' }));
  expect(answer).toContain('HF_TARGET_FORBIDDEN');
});

it('keeps it out although something of staging stands beside it, which both could be taken back', async () => {
  const own = world().variables(town.ready.production.id, service());
  own.set('KEPT', 'of production');
  const there = `projectId: "${town.ready.projectId}", serviceId: "${service()}", name: "KEPT"`;
  const answer = await agent(
    `mutation M($e: String!, $p: String!) {
      mine: variableDelete(input: {${there}, environmentId: $e})
      other: variableDelete(input: {${there}, environmentId: $p}) }`,
    { e: staging(), p: town.ready.production.id },
  );
  expect(answer).toContain('HF_TARGET_FORBIDDEN');
  expect(own.get('KEPT')).toBe('of production');
});

it('takes settings, names and ports back', async () => {
  world().serviceInstance(staging(), service()).settings.set('healthcheckPath', '/health');
  world()
    .serviceInstance(town.ready.production.id, service())
    .settings.set('healthcheckPath', '/p');
  expect(await instance({ numReplicas: 3, healthcheckPath: '/other' })).toContain(PASSED);
  expect(settings()).toMatchObject({ numReplicas: 3, healthcheckPath: '/other' });
  expect((await apply(await newest())).out).toContain('"isWhole":true');
  expect(settings()).toMatchObject({ numReplicas: 1, healthcheckPath: '/health' });

  // A service is in both environments: a token of one of them may, where neither is sealed.
  const look = `mutation S($i: ServiceUpdateInput!) { serviceUpdate(id: "${service()}", input: $i) { id } }`;
  world().service(service()).icon = 'elephant';
  expect(await agent(look, { i: { icon: 'mouse' } })).toContain(PASSED);
  expect(world().service(service()).icon).toBe('mouse');
  expect((await apply(await newest())).out).toContain('"isWhole":true');
  expect(world().service(service()).icon).toBe('elephant');

  const names = `mutation N($v: String!) { volumeUpdate(volumeId: $v, input: { name: "other" }) { id } }`;
  expect(await agent(names, { v: town.ready.volumeId })).toContain(PASSED);
  expect(world().volume(town.ready.volumeId).name).toBe('other');
  expect((await apply(await newest())).out).toContain('"isWhole":true');
  expect(world().volume(town.ready.volumeId).name).toBe('postgres-volume');

  const port = `mutation M($e: String!, $p: Int) { customDomainUpdate(environmentId: $e, id: "${domain()}", targetPort: $p) }`;
  world().thing('customDomain', domain()).fields.set('targetPort', 8080);
  expect(await agent(port, { e: staging(), p: 1 })).toContain(PASSED);
  expect((await apply(await newest())).out).toContain('"isWhole":true');
  expect(world().thing('customDomain', domain()).fields.get('targetPort')).toBe(8080);
});

it('is held when it cannot be kept, and sent when it can again', async () => {
  const { database } = guarded.holdfast.rooms;
  const count = await items();
  await database.run((db) => sql`alter table holdfast.undo_inverses rename to away`.execute(db));
  try {
    expect(await remove(at({ name: 'PGDATA' }))).toContain('HF_HELD');
    expect(variables()).toEqual(BEFORE);
  } finally {
    await database.run((db) => sql`alter table holdfast.away rename to undo_inverses`.execute(db));
  }
  expect(await items()).toBe(count);
  expect(await remove(at({ name: 'PGDATA' }))).toContain(PASSED);
  await newest();
});

it('an answer that never came: the item stands, and an undo looks at what is there', async () => {
  between.way = (body) => (body.includes('variableDelete') ? 'lose' : 'pass');
  expect(await remove(at({ name: 'DATABASE_URL' }))).toContain('HF_UPSTREAM_LOST');
  between.way = () => 'pass';
  const item = await newest('unknown');
  const shown = await guarded.cli('undo', 'show', item);
  expect(shown.out).toContain('not known: no answer was recorded');
  expect((await guarded.cli('undo', 'list')).out).toContain('not known to have happened');
  expect((await apply(item)).out).toContain('"isWhole":true');
  expect(variables()).toEqual(BEFORE);
});

it('an undo whose answer never came is looked at, and not sent twice', async () => {
  await remove(at({ name: 'DATABASE_URL' }));
  const item = await newest();
  const sent: string[] = [];
  between.way = (body) => {
    if (!body.includes('HoldfastUndo')) return 'pass';
    sent.push(body);
    return { status: 503 };
  };
  const lost = await apply(item);
  expect([lost.code, lost.out]).toEqual([3, expect.stringContaining('HF_UPSTREAM_LOST')]);
  expect(lost.out).not.toContain(SECRET);
  expect(sent).toHaveLength(1);
  expect(variables()).not.toHaveProperty('DATABASE_URL');
  expect(await guarded.recorded()).toContain('"outcome":"unknown"');
  between.way = (body) => (body.includes('HoldfastUndo') ? 'lose' : 'pass');
  const seen = await apply(item);
  expect([seen.code, seen.out]).toEqual([0, expect.stringContaining('"isWhole":true')]);
  expect(variables()).toEqual(BEFORE);
});

it('what somebody set between the look and the change is lost, as the docs say', async () => {
  between.way = (body) => {
    if (body.includes('variableUpsert(')) {
      world().variables(staging(), service()).set('DATABASE_URL', 'in between');
    }
    return 'pass';
  };
  await upsert(at({ name: 'DATABASE_URL', value: 'agent' }));
  between.way = () => 'pass';
  // Railway takes no mark of what was read along with a change. What was read comes back.
  expect((await apply(await newest())).out).toContain('"isWhole":true');
  expect(variables()).toEqual(BEFORE);
});

it('is purged after its time, and then nothing of it is left', async () => {
  await remove(at({ name: 'DATABASE_URL' }));
  const item = await newest();
  const { database, undoStore } = guarded.holdfast.rooms;
  const left = JSON.parse((await guarded.cli('undo', 'show', item, '--json')).out).item.leftMs;
  expect(left / 3_600_000).toBeCloseTo(48, 1);
  const alone = await guarded.cli('undo', 'purge', item, '--json');
  expect(alone.out).toMatch(/HF_QUORUM|proposal/);
  await database.run((db) =>
    sql`update holdfast.undo_items set kept_until_tick_ms = 0 where id = ${item}`.execute(db),
  );
  for (const due of await undoStore.beginPurge(10)) await undoStore.finishPurge(due.id);
  const { rows } = await database.run((db) =>
    sql`select sealed from holdfast.undo_inverses where item_id = ${item}`.execute(db),
  );
  expect(rows).toEqual([{ sealed: null }]);
  expect((await guarded.cli('undo', 'show', item)).out).toContain('purged');
  expect((await apply(item)).out).toContain('its data is gone');
});
