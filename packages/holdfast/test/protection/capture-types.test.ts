/**
 * Every built-in type of the server: written, deleted, drained as text, read back and put back as the
 * same bytes. On PostgreSQL 18 and, where it is installed, 15.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTargetDatabase } from '../../src/protection/postgres/admin.ts';
import { readShapes } from '../../src/protection/postgres/capture/shapes.ts';
import { ident, literal } from '../../src/protection/postgres/layout.ts';
import type { TargetDatabase } from '../../src/protection/target-database.ts';
import {
  CAPTURED_SERVERS,
  type CapturedDatabase,
  startCapturedDatabase,
} from '../../src/testing/captured-database.ts';
import { UNWRITABLE, VALUES } from './type-values.ts';

const OWN_TYPES = `
create type mood as enum ('it''s', 'a "b"', 'NULL');
create type pair as (a int, "B b" text);
create domain cents as numeric(12, 2) check (value >= 0);
create domain tags as text[];
create domain of_pair as pair;
create type span as range (subtype = float8);`;

/** A row of nulls is not NULL: the composite below tells them apart. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  mood: [`it's`, 'a "b"', 'NULL'],
  'mood[]': ['{NULL,"NULL","it\'s"}', '[3:4]={"a \\"b\\"",NULL}'],
  pair: ['(,)', '(1,"")', '(2,"x,\\"y\\"")'],
  'pair[]': ['{"(,)",NULL}'],
  cents: ['0.00', '12.30'],
  'cents[]': ['{1.00,NULL}'],
  tags: ['{}', '[0:1]={a,NULL}'],
  of_pair: ['(1,z)'],
  span: ['empty', '[0.1,)'],
  'varchar(3)': ['ab '],
  'char(4)': ['a'],
  'numeric(6,3)': ['1.100'],
  'bit(3)': ['101'],
  'varbit(9)': ['1'],
  'interval day to second(2)': ['1 day 02:03:04.05'],
  'timestamptz(1)': ['2026-01-01 00:00:00.1+00'],
};

for (const { name, options, isThere } of CAPTURED_SERVERS) {
  // Skipped where Debian's PostgreSQL 15 is not installed: there is no npm package of it here.
  describe.skipIf(!isThere)(name, () => {
    let db: CapturedDatabase;
    let target: TargetDatabase;
    beforeAll(async () => {
      db = await startCapturedDatabase(options);
      const { port, hostname } = new URL(db.url('postgres'));
      target = openTargetDatabase({
        target: 'scratch',
        connection: {
          host: hostname,
          port: Number(port),
          user: 'postgres',
          database: 'postgres',
          password: () => null,
          ssl: false,
        },
      });
    });
    afterAll(async () => {
      await target.close();
      await db.stop();
    });

    it('keeps every type to the byte', async () => {
      await db.tables(OWN_TYPES);
      // The session that writes is set as oddly as a client may set it.
      await db.admin.query(`set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard';
        set timezone = 'Asia/Kathmandu'; set extra_float_digits = -5; set bytea_output = 'escape'`);
      const { rows: types } = await db.admin.query(`
        select t.oid, t.typname as name, t.typarray::regtype::text as list from pg_type t
         where t.typnamespace = 'pg_catalog'::regnamespace and t.typtype in ('b', 'r', 'm')
           and t.typcategory <> 'A' order by t.typname`);
      const cases: { type: string; values: readonly string[] }[] = [];
      const unknown: string[] = [];
      for (const type of types) {
        const values = VALUES[type.name];
        if (UNWRITABLE.includes(type.name)) continue;
        if (values === undefined) unknown.push(type.name);
        else cases.push(...withArrays(String(type.name), String(type.list), values));
      }
      expect(unknown, 'a type without values in type-values.ts').toEqual([]);
      cases.push(
        ...Object.entries(OWN).map(([type, values]) => ({ type: `public.${type}`, values })),
      );
      const noXml = await db.admin.query(`select '<a/>'::xml`).then(
        () => false,
        () => true,
      );
      const inexact: string[] = [];
      for (const [place, one] of cases.entries()) {
        if (noXml && one.type.includes('xml')) continue;
        inexact.push(...(await roundTrip(`t${place}`, one)));
      }
      expect(inexact).toEqual([]);
    });

    function withArrays(type: string, list: string, values: readonly string[]) {
      const element = ident(type);
      const items = values.map((value) => `${literal(value)}::pg_catalog.${element}`);
      const one = { type: `pg_catalog.${element}`, values };
      // A box is separated by ";" in its array: written by the server itself all the same.
      return list === '-'
        ? [one]
        : [one, { type: list, values: [], rows: [`array[${items}, null]`, `array[]::${list}`] }];
    }

    async function roundTrip(
      table: string,
      one: { type: string; values: readonly string[]; rows?: readonly string[] },
    ): Promise<string[]> {
      const type = one.type.replace(
        /^public\.(varchar|char|numeric|bit|varbit|interval|timestamptz)\b(?=[( ])/,
        '$1',
      );
      const cells = one.rows ?? [...one.values.map((value) => literal(value)), 'null'];
      const rows = cells.map((cell, place) => `(${place}, ${cell})`);
      await db.admin.query(`create table ${table} (id int, v ${type}); alter table ${table} owner to shop;
        set datestyle = 'ISO'; set intervalstyle = 'postgres'`);
      for (const row of rows) await db.admin.query(`insert into ${table} values ${row}`);
      await db.admin.query(`create table ${table}_before as table ${table};
        set datestyle = 'SQL, DMY'; set intervalstyle = 'sql_standard'`);
      await db.admin.query(`select holdfast.attach('${table}'); delete from ${table}`);
      const shape = (await readShapes(target)).find((found) => found.table === table);
      const kept = shape?.columns[1]?.kept;
      if (!shape || !kept) return [`${one.type}: no shape`];
      return target.transaction('read committed', async (session) => {
        const chunks: Buffer[] = [];
        for await (const chunk of session.copyOut(`copy holdfast.c${shape.shapeId} to stdout`)) {
          chunks.push(Buffer.from(chunk));
        }
        await session.query(
          `create temp table back (seq bigint, n bigint, side "char", c1 int, c2 ${kept})`,
        );
        await session.copyIn('copy pg_temp.back from stdin', chunks);
        const wrong = await session.query(`
          insert into public.${table} select c1, c2::${shape.columns[1]?.type} from pg_temp.back;
          select b.id, b.v::text as before, a.v::text as after from public.${table}_before b
            left join public.${table} a using (id)
           where a.id is null or not pg_catalog.record_image_eq(row(a.v), row(b.v))`);
        await session.query('drop table pg_temp.back');
        return wrong.map((row) => `${one.type} (kept as ${kept}): ${JSON.stringify(row)}`);
      });
    }
  });
}
