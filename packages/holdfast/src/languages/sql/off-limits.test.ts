import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSqlReader } from './reader.ts';
import type { SqlReader } from './sql-reading.ts';

let reader: SqlReader;
beforeAll(async () => {
  reader = await createSqlReader();
});
afterAll(() => reader.close());

async function isRefused(sql: string): Promise<boolean> {
  const bytes = Buffer.from(sql);
  const reading = await reader.read(bytes, 0, bytes.length);
  return reading.kind === 'could-not-tell' && reading.reason.code === 'off-limits';
}

it.each([
  'select * from holdfast.journal',
  'select * from "holdfast"."c1"',
  'select (select count(*) from holdfast.receipts)',
  'delete from holdfast_trash_17.bookings where id = 1',
  "call holdfast.run('x')",
  'select holdfast.in_receipt()',
  'drop schema holdfast cascade',
  'alter schema holdfast rename to mine',
  'create view v as select * from holdfast.journal',
  'create table holdfast.mine (a int)',
  'create schema holdfast_rebuild',
  'create view holdfast_rebuild.batch as select 1',
  'set search_path = public, holdfast',
  `set search_path to "holdfast"`,
  "select set_config('search_path', 'holdfast', true)",
  "select set_config('search_path', 'public, HoldFast', true)",
  "set holdfast.receipt = 'x'",
  'set role holdfast_owner',
  'grant holdfast_owner to me',
  'set role holdfast_ddl',
  'grant holdfast_undo to me',
  'select * from holdfast.receipt_key',
  'alter role hf_other password null',
  'drop owned by holdfast_agents',
  'prepare holdfast_receipt as select 1',
  'execute holdfast_receipt',
])('what is of Holdfast itself: %s', async (sql) => expect(await isRefused(sql)).toBe(true));

it.each([
  'select holdfast from t',
  'select * from app.holdfast',
  "select 'holdfast.journal'",
  'create table holdfasts (a int)',
  'select * from holdfast_trashcan.t',
  'select * from holdfast_rebuilds.t',
  'set search_path = app',
])('what only sounds like it: %s', async (sql) => expect(await isRefused(sql)).toBe(false));
