/** The reliability report over the API: who may have it, as what, and what is refused before it begins. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { RELIABILITY_REPORT } from '../../src/trail/report/report-shape.ts';
import { decide } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

const NOVEMBER = 'from=2026-11-01T00:00:00Z&to=2026-12-01T00:00:00Z';
const HOSTILE = '<script>alert(1)</script>';

let world: ApiWorld;
let ida: Browser;

beforeAll(async () => {
  world = await ApiWorld.start();
  ida = await world.person('ida', ['auditor']);
  const verdict = { kind: 'refuse', rule: HOSTILE, reason: HOSTILE, hint: HOSTILE } as const;
  await decide(world, { text: `DROP TABLE x -- ${HOSTILE}`, verdict });
  await (await world.rooms.trail()).flush();
});
afterAll(async () => {
  await world?.stop();
});

it('is a page that a browser saves, in which nothing of others is more than text', async () => {
  const { headers, json, status } = await ida.ask(`/v1/report?${NOVEMBER}`);
  expect(status).toBe(200);
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  expect(headers['content-disposition']).toBe(
    'attachment; filename="holdfast-report-2026-11-01-2026-12-01.html"',
  );
  const page = String(json);
  expect(page).toMatch(/^<!doctype html>[\s\S]+<\/html>\n$/);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).not.toContain('<script');
});

it('is JSON to count again, the same that the events end with', async () => {
  const file = await ida.ask(`/v1/report?${NOVEMBER}&format=json`);
  expect(file.headers['content-disposition']).toMatch(/2026-12-01\.json"$/);
  const report = RELIABILITY_REPORT.parse(file.json);
  expect(report.trail).toMatchObject({ ok: true, isOver: false });
  expect(report.refusals).toMatchObject({ total: 1, rules: [{ rule: HOSTILE }] });
  const answer = await ida.ask(`/v1/report/events?${NOVEMBER}`);
  const events = String(answer.json)
    .split('\n\n')
    .filter((one) => one.startsWith('data: '))
    .map((one) => JSON.parse(one.slice(6)));
  expect(events.at(-1)).toMatchObject({ kind: 'report', report: { targets: report.targets } });
});

it('is of one target where one is asked for', async () => {
  const { json } = await ida.ask(`/v1/report?${NOVEMBER}&format=json&target=nothing-such`);
  expect(RELIABILITY_REPORT.parse(json)).toMatchObject({
    target: 'nothing-such',
    refusals: { total: 0 },
  });
});

it.each([
  ['no period', ''],
  ['half of one', 'from=2026-11-01T00:00:00Z'],
  ['one that ends before it begins', 'from=2026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z'],
  ['one of a thousand years', 'from=1026-12-01T00:00:00Z&to=2026-11-01T00:00:00Z'],
  ['a day that is none', 'from=2026-02-30T00:00:00Z&to=2026-11-01T00:00:00Z'],
  ['another format', `${NOVEMBER}&format=pdf`],
  ['a word too many', `${NOVEMBER}&script=x`],
])('refuses %s with a problem, not with half a file', async (_story, query) => {
  for (const path of ['/v1/report', '/v1/report/events']) {
    const { headers, status } = await ida.ask(`${path}?${query}`);
    if (path.endsWith('events') && query.includes('format=')) continue;
    expect([path, status]).toEqual([path, 422]);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
  }
});

it('is for owners and auditors, as the trail itself is', async () => {
  const ben = await world.person('ben', ['approver', 'operator']);
  const ola = await world.person('ola', ['owner']);
  for (const path of [`/v1/report?${NOVEMBER}`, `/v1/report/events?${NOVEMBER}`]) {
    expect((await ben.ask(path)).status).toBe(403);
    expect((await ola.ask(path)).status).toBe(200);
    expect((await world.ask(path)).status).toBe(401);
  }
});

it('breaks off, and does not end, where the trail cannot be read to its end', async () => {
  const { trailStore } = world.rooms;
  const read = vi.spyOn(trailStore, 'read').mockRejectedValue(new Error('the store is away'));
  try {
    await expect(ida.ask(`/v1/report?${NOVEMBER}`)).rejects.toThrow();
    const events = await ida.ask(`/v1/report/events?${NOVEMBER}`);
    expect(String(events.json)).toContain('event: problem');
    expect(String(events.json)).not.toContain('"report"');
  } finally {
    read.mockRestore();
  }
});
