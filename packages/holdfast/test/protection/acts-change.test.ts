/** Statements that change something in place, run through `holdfast.run` and taken back: everything equal to before. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ScratchPostgres } from '../../src/testing/scratch-postgres.ts';
import { Ground, SERVERS } from './acts-ground.ts';
import { SHOP } from './acts-shop.ts';

const CHANGES: readonly (readonly [story: string, statements: readonly string[]])[] = [
  ['a column with a default', ['alter table shop.client drop column area']],
  [
    'a column with an index, a policy and a comment',
    ['alter table shop.orders drop column note cascade'],
  ],
  ['the key column others refer to', ['alter table shop.client drop column id cascade']],
  ['a serial column', ['alter table shop.orders drop column id cascade']],
  ['a column of a table without a key', ['alter table shop.loose drop column v']],
  ['a generated column', ['alter table shop.orders drop column twice cascade']],
  ['a column of another type', ['alter table shop.client alter column area type varchar(3)']],
  ['a column of another type, no key', ['alter table shop.loose alter column v type varchar(10)']],
  [
    'a column whose values are replaced',
    ['alter table shop.client alter column name type varchar(50) using upper(name)'],
  ],
  ['a constraint', ['alter table shop.orders drop constraint noted']],
  ['a key others refer to', ['alter table shop.client drop constraint client_pkey cascade']],
  ['NOT NULL', ['alter table shop.client alter column name drop not null']],
  ['NOT NULL set', ['alter table shop.client alter column area set not null']],
  ['a default dropped', ['alter table shop.orders alter column state drop default']],
  ['a default set', ["alter table shop.client alter column area set default 'y'"]],
  ['an identity', ['alter table shop.client alter column id drop identity']],
  ['a table renamed', ['alter table shop.client rename to customer']],
  ['a column renamed', ['alter table shop.client rename column name to called']],
  ['a constraint renamed', ['alter table shop.client rename constraint client_pkey to pk']],
  ['an index renamed', ['alter index shop.orders_state rename to by_state']],
  ['a schema renamed', ['alter schema shop rename to store']],
  ['a table in another schema', ['alter table shop.orders set schema aside']],
  ['a partition detached', ['alter table shop.log detach partition shop.log_2']],
  ['an owner', ['alter table shop.line owner to other']],
  ['row security', ['alter table shop.orders disable row level security']],
  ['a trigger disabled', ['alter table shop.orders disable trigger stamped']],
  ['a policy changed', ['alter policy own on shop.orders to public using (true)']],
  ['grants taken', ['revoke all on shop.orders from readers cascade']],
  ['grants given', ['grant insert, update (id) on shop.orders, shop.client to readers']],
  ['a value renamed', ["alter type shop.state rename value 'paid' to 'done'"]],
  ['a function renamed', ['alter function shop.double(int) rename to twice']],
  [
    'several at once',
    [
      'alter table shop.client drop column name cascade, alter column area type varchar(9), alter column area set not null, add column more int default 3, add constraint few check (more < 9)',
    ],
  ],
];

describe.each(SERVERS)('PostgreSQL $server', ({ server, binFolder, missing }) => {
  describe.skipIf(missing)(`changes on ${server}`, () => {
    let postgres: ScratchPostgres;
    beforeAll(async () => {
      postgres = await Ground.start(binFolder);
    });
    afterAll(() => postgres?.stop());

    test.each(CHANGES.map((row, n) => ({ story: row[0], statements: row[1], n })))(
      'undone: $story',
      async ({ statements, n }) => {
        const ground = await Ground.in(postgres, binFolder, `changes_${n}`);
        try {
          await ground.asApp(SHOP);
          const before = await ground.picture();
          const agent = await ground.agent();
          for (const statement of statements) await ground.run(agent, statement);
          const between = await ground.picture();
          expect(between).not.toBe(before);
          expect(await ground.acts()).toHaveLength(statements.length);
          const redo = (await ground.acts()).map((act) => act.redo);
          await ground.undoAll();
          expect(await ground.picture()).toBe(before);
          for (const steps of redo) await ground.take(steps);
          expect(await ground.picture()).toBe(between);
        } finally {
          await ground.stop();
        }
      },
    );
  });
});
