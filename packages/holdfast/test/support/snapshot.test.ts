/** The harness is tried before it judges others: each kind of change must show, and nothing else. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fillCompany } from './company.ts';
import { differenceOf, rowCount, type Snapshot, takeSnapshot } from './snapshot.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const DEBIAN = '/usr/lib/postgresql/15/bin';

const CHANGES: readonly { readonly story: string; readonly sql: string; readonly back: string }[] =
  [
    {
      story: 'one value in one row',
      sql: `update public.orders set note = note || ' ' where id = 11`,
      back: `update public.orders set note = left(note, -1) where id = 11`,
    },
    {
      story: 'a row twice in a table without a key',
      sql: `insert into public.poc_staging select * from public.poc_staging where id = 7`,
      back: `delete from public.poc_staging where ctid = (select max(ctid) from public.poc_staging where id = 7)`,
    },
    {
      story: 'whitespace in a json text',
      sql: `update public.customers set raw = '{"b":1, "a":3, "a":2}' where id = 3`,
      back: `update public.customers set raw = '{"b":1,  "a":3, "a":2}' where id = 3`,
    },
    {
      story: 'a sequence that went on',
      sql: `select nextval('public.invoice_numbers')`,
      back: `select setval('public.invoice_numbers', 123456)`,
    },
    {
      story: 'a sequence whose next value was taken back by setval with is_called',
      sql: `select setval('public.orders_id_seq', 70000, true)`,
      back: `select setval('public.orders_id_seq', 70000, false)`,
    },
    {
      story: 'a trigger that is off',
      sql: `alter table public.orders disable trigger orders_log`,
      back: `alter table public.orders enable trigger orders_log`,
    },
    {
      story: 'a foreign key that the server no longer watches',
      sql: `alter table public.orders disable trigger all`,
      back: `alter table public.orders enable trigger all`,
    },
    {
      story: 'a column grant',
      sql: `grant select (issued_on) on billing.invoices to clerk`,
      back: `revoke select (issued_on) on billing.invoices from clerk`,
    },
    {
      story: 'row security',
      sql: `alter table public.customers disable row level security`,
      back: `alter table public.customers enable row level security`,
    },
    {
      story: 'a comment',
      sql: `comment on column public.orders.note is null`,
      back: `comment on column public.orders.note is 'free text'`,
    },
    {
      story: 'a default',
      sql: `alter table public.orders alter status drop default`,
      back: `alter table public.orders alter status set default 'draft'`,
    },
    {
      story: 'a materialized view that was refreshed',
      sql: `update public.order_items set quantity = 9 where order_id = 1; refresh materialized view reporting.sales; update public.order_items set quantity = 1 + (1 + line) % 5 where order_id = 1`,
      back: `refresh materialized view reporting.sales`,
    },
    {
      story: 'a partition that is a table of its own',
      sql: `alter table billing.invoices detach partition billing.invoices_2025`,
      back: `alter table billing.invoices attach partition billing.invoices_2025 for values from ('2025-01-01') to ('2026-01-01')`,
    },
    {
      story: 'another owner',
      sql: `alter function public.touch() owner to postgres`,
      back: `alter function public.touch() owner to app`,
    },
    {
      story: 'a statistics object',
      sql: `drop statistics public.orders_shape`,
      back: `create statistics public.orders_shape (dependencies, ndistinct) on customer_id, status from public.orders; alter statistics public.orders_shape owner to app`,
    },
  ];

describe.each([
  { server: 'PostgreSQL 18', binFolder: undefined },
  { server: 'PostgreSQL 15', binFolder: DEBIAN },
])('$server', ({ binFolder }) => {
  let upstream: Upstream | undefined;
  let before: Snapshot | undefined;
  const absent = binFolder !== undefined && !existsSync(binFolder);
  beforeAll(async () => {
    if (absent) return;
    upstream = await startUpstream(binFolder);
    await fillCompany(upstream);
    before = await takeSnapshot(upstream.server.url(upstream.direct.database));
  });
  afterAll(() => upstream?.stop());

  it('is about a company of some size', (ctx) => {
    ctx.skip(absent, 'postgresql-15 is not installed');
    expect(rowCount(before ?? new Map())).toBeGreaterThan(20_000);
  });

  it.for(CHANGES)('sees $story, and that it was taken back', async ({ sql, back }, ctx) => {
    if (upstream === undefined || before === undefined) {
      return ctx.skip(absent, 'postgresql-15 is not installed');
    }
    const url = upstream.server.url(upstream.direct.database);
    await upstream.ask(sql);
    expect(differenceOf(before, await takeSnapshot(url))).not.toBe('');
    await upstream.ask(back);
    expect(differenceOf(before, await takeSnapshot(url))).toBe('');
  });
});
