/**
 * Large objects through libpq's own functions go by fastpath, which carries no text to be judged: a
 * clear error, nothing made, and the session goes on. By SQL they are judged like any other write.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../support/gateway.ts';
import { missing, PSQL, run } from './drivers/programs.ts';

let gateway: Gateway;
beforeAll(async () => {
  gateway = await startGateway({ level: 'guarded' });
});
afterAll(() => gateway?.stop());

it('refuses the large objects of libpq politely, and the session goes on', async (ctx) => {
  const why = missing(PSQL);
  if (why !== null) return ctx.skip(why);
  // psql's \lo_import calls lo_create, lo_open and lowrite by fastpath.
  const input = '\\lo_import /etc/hostname\nrollback;\nselect 1 + 41;\n';
  const ran = await run(PSQL, gateway.through, [], { input });
  const said = ran.out + ran.err;
  expect(said).toContain('Holdfast refuses fastpath function calls');
  expect(said).toContain('42');
  const made = await gateway.upstream.ask('select count(*)::int as n from pg_largeobject_metadata');
  expect(made).toEqual([{ n: 0 }]);
});
