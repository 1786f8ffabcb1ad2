/** The same request under the same key is done once, whoever is in between. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Idempotency } from '../../src/api/idempotency.ts';
import { IDEMPOTENCY_MS } from '../../src/model/limits.ts';
import { SqlIdempotencyStore } from '../../src/store/idempotency-store.ts';
import { openHolds } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

let world: ApiWorld;
let ana: Browser;
let ben: Browser;

beforeAll(async () => {
  world = await ApiWorld.start(`
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }`);
  ana = await world.person('ana', ['owner']);
  ben = await world.person('ben', ['approver']);
});
afterAll(async () => {
  await world?.stop();
});

async function proposed(): Promise<string> {
  const [id = ''] = await openHolds(world, 1);
  const { proposals } = world.rooms;
  const proposal = await proposals.open({
    kind: 'purge',
    target: {
      name: 'main-db',
      environment: { name: 'production', level: 'guarded' },
      protocol: 'postgres',
      resolvedBy: 'declared',
    },
    facts: { items: [id] },
    words: 'Purge.',
    reason: 'Because.',
  });
  return proposal.id;
}

function keyed(key: string) {
  return { 'idempotency-key': key };
}

it('answers the second time as the first, and does nothing more', async () => {
  const id = await proposed();
  const body = { person: 'ana', code: world.code('ana') };
  const options = { method: 'POST', body, headers: keyed('one') } as const;
  const first = await ana.ask(`/v1/proposals/${id}/approve`, options);
  // The code is spent: without the key it would be refused.
  const second = await ana.ask(`/v1/proposals/${id}/approve`, options);
  expect([second.status, second.json]).toEqual([200, first.json]);
  const without = await ana.ask(`/v1/proposals/${id}/approve`, { method: 'POST', body });
  expect(without.json).toMatchObject({ code: 'HF_TOTP_WRONG' });
});

it('answers a refusal again as well', async () => {
  const id = await proposed();
  const options = {
    method: 'POST',
    body: { person: 'ana', code: '000000' },
    headers: keyed('two'),
  } as const;
  const first = await ana.ask(`/v1/proposals/${id}/approve`, options);
  const second = await ana.ask(`/v1/proposals/${id}/approve`, options);
  expect([first.status, second.status]).toEqual([401, 401]);
  // One wrong code was counted, not two.
  expect(second.json).toEqual(first.json);
  expect(second.headers['content-type']).toMatch(/^application\/problem\+json/);
});

it('refuses another request under the same key, and keeps keys of people apart', async () => {
  const [one, two] = [await proposed(), await proposed()];
  const ask = (who: Browser, id: string, comment: string) =>
    who.ask(`/v1/proposals/${id}/deny`, {
      method: 'POST',
      body: { person: who.person, code: world.code(who.person), comment },
      headers: keyed('three'),
    });
  expect((await ask(ana, one, 'no')).status).toBe(200);
  const other = await ask(ana, two, 'no');
  expect([other.status, other.json]).toMatchObject([422, { code: 'HF_KEY_REUSED' }]);
  expect((await ask(ben, two, 'no')).json).toMatchObject({ id: two, state: 'denied' });
});

it('does once what comes many times at once', async () => {
  const id = await proposed();
  const body = { person: 'ana', code: world.code('ana') };
  const options = { method: 'POST', body, headers: keyed('four') } as const;
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => ana.ask(`/v1/proposals/${id}/approve`, options)),
  );
  const codes = answers.map(({ status }) => status);
  expect(codes.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(codes).toContain(200);
  expect((await ana.ask(`/v1/proposals/${id}`)).json).toMatchObject({
    signatures: [{ person: 'ana' }],
  });
});

it('takes no key that is none', async () => {
  const id = await proposed();
  for (const key of ['', 'x'.repeat(256), 'ü']) {
    const { status } = await ana.ask(`/v1/proposals/${id}/deny`, {
      method: 'POST',
      body: { person: 'ana', code: world.code('ana') },
      headers: keyed(key),
    });
    expect([400, 422]).toContain(status);
  }
});

it('forgets a key after a day', async () => {
  const store = new SqlIdempotencyStore(world.rooms.database);
  const keys = new Idempotency(store, world.clock);
  let done = 0;
  const once = (isSecret = false, key = 'five') =>
    keys.once(
      {
        principal: { kind: 'machine' },
        key,
        route: 'r',
        params: {},
        query: {},
        body: {},
        isSecret,
      },
      async () => {
        done += 1;
        return { status: 200, json: `{"done":${done}}` };
      },
    );
  expect([await once(), await once()].map(({ json }) => json)).toEqual([
    '{"done":1}',
    '{"done":1}',
  ]);
  world.clock.pass(IDEMPOTENCY_MS);
  expect((await once()).json).toBe('{"done":2}');

  // What is shown once is not kept to be shown again, and not done again either.
  expect((await once(true, 'six')).json).toBe('{"done":3}');
  await expect(once(true, 'six')).rejects.toMatchObject({ code: 'HF_KEY_REUSED' });
  expect(done).toBe(3);
});

it('does not do again what was cut off in the middle', async () => {
  const store = new SqlIdempotencyStore(world.rooms.database);
  const keys = new Idempotency(store, world.clock);
  const request = {
    principal: { kind: 'machine' },
    key: 'seven',
    route: 'r',
    params: {},
    query: {},
    body: {},
    isSecret: false,
  } as const;
  const killed = keys.once(request, async () => {
    throw new Error('the process ended here');
  });
  await expect(killed).rejects.toThrow('the process ended here');
  await expect(keys.once(request, async () => ({ status: 200, json: '{}' }))).rejects.toMatchObject(
    { code: 'HF_IN_PROGRESS' },
  );
});
