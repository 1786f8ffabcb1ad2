/** Every cell of the table of roles, asked of the routes themselves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../src/api/contract/index.ts';
import type { Route } from '../../src/api/contract/route.ts';
import { isPermission, ROLES, rolesAllow } from '../../src/identity/roles.ts';
import { ApiWorld, type Browser } from './support.ts';

/** It does not end. */
const STREAMS = ['events.stream'];

const routes = Object.entries<Route>(ROUTES).filter(
  ([name, { access }]) => isPermission(access) && !STREAMS.includes(name),
);

let world: ApiWorld;
const people = new Map<string, Browser>();

beforeAll(async () => {
  world = await ApiWorld.start();
  for (const role of ROLES) people.set(role, await world.person(`the-${role}`, [role]));
});
afterAll(async () => {
  await world?.stop();
});

describe.each(ROLES)('an %s', (role) => {
  it.each(routes)('%s', async (_, { access, method, path }) => {
    const where = path.replaceAll(/:(\w+)/g, 'nothing_such');
    const answer = await people.get(role)?.ask(where, { method });
    const isAllowed = isPermission(access) && rolesAllow([role], access);
    expect([answer?.status === 403, answer?.status === 401]).toEqual([!isAllowed, false]);
  });
});

it('is closed to an agent and to nobody, route by route', async () => {
  for (const [name, { method, path }] of routes) {
    const where = path.replaceAll(/:(\w+)/g, 'nothing_such');
    expect([name, (await world.ask(where, { method })).status]).toEqual([
      name,
      method === 'GET' ? 401 : expect.toSatisfy((status) => status === 401 || status === 403),
    ]);
  }
});
