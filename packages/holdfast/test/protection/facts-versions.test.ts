/** The facts of a card say the same SQL to every server version we stand by. */
import { existsSync } from 'node:fs';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { createSqlReader } from '../../src/languages/sql/reader.ts';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { PostgresFacts } from '../../src/protection/postgres/facts/finder.ts';
import { Gathering } from '../../src/protection/postgres/facts/gathering.ts';
import { startScratchPostgres } from '../../src/testing/scratch-postgres.ts';

const DEBIAN_15 = '/usr/lib/postgresql/15/bin';
const SERVERS = [
  { version: 15, binFolder: DEBIAN_15 },
  { version: 18, binFolder: undefined },
];
const MS_MAX = 20_000;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

describe.each(SERVERS)('PostgreSQL $version', ({ binFolder, version }) => {
  it.skipIf(binFolder !== undefined && !existsSync(binFolder))(
    'tells what an act touches',
    async () => {
      const server = await startScratchPostgres(binFolder === undefined ? {} : { binFolder });
      undo.push(() => server.stop());
      const admin = new pg.Client({ connectionString: server.url() });
      await admin.connect();
      undo.push(() => admin.end());
      await admin.query(`
      create role agent login;
      create table a (id int primary key); insert into a select generate_series(1, 1000);
      create table b (a int references a on delete cascade); create view v as select * from a;
      create publication p for table a; analyze; grant all on a to agent`);
      const connection = { ...server, database: 'postgres', password: () => null, ssl: false };
      const db = openTargetDatabase({ target: 'main-db', connection });
      undo.push(() => db.close());
      const reader = await createSqlReader();
      undo.push(() => reader.close());
      const factsOf = async (text: string, parameterCount = 0) => {
        const bytes = Buffer.from(text);
        const { effects } = await reader.read(bytes, 0, bytes.length);
        const into = new Gathering();
        await new PostgresFacts({ db, msMax: MS_MAX }).lookUp(
          {
            effects,
            isWhole: true,
            statement: { text, parameterCount },
            path: { schemas: ['public'], isInOrder: true },
            settings: [],
          },
          async () => ({ ...connection, user: 'agent' }),
          into,
        );
        return into.found(MS_MAX);
      };
      const picked = await factsOf('delete from a where id = 5');
      expect(picked.rows).toEqual({ value: 1, how: 'estimate' });
      const dropped = await factsOf('drop table a cascade');
      expect(dropped.rows?.value).toBe(1_000);
      expect(dropped.dependents.map(({ name, what }) => `${what} ${name}`)).toEqual([
        'goes b_a_fkey on public.b',
        'goes public.v',
        'breaks p',
      ]);
      const bound = await factsOf('delete from a where id = $1', 1);
      // Without their values it is planned from 16 on.
      if (version >= 16) expect(bound.rows).toEqual({ value: 1, how: 'estimate' });
      else expect(bound.notTold.join()).toContain('this server plans none without their values');
    },
  );
});
