/** The trail for people: found, shown, verified and taken away. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Refuse } from '../../src/model/verdict.ts';
import { intentOf, TARGET } from '../../src/testing/trail-fixtures.ts';
import { verifyExport } from '../../src/trail/verify/verify.ts';
import { decide } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

interface Line {
  readonly index: number;
  readonly kind: string;
  readonly text: string;
  readonly agent: string | null;
  readonly outcome: { readonly kind: string } | null;
}
interface Page {
  readonly items: readonly Line[];
  readonly next: string | null;
  readonly size: number;
  readonly behind: number;
}

const REFUSED: Refuse = { kind: 'refuse', rule: 'sealed.all', reason: 'No.', hint: 'Ask.' };
const HOSTILE = 'DELETE FROM "<script>alert(1)</script>" -- \u202e\u0000 "quoted" \\ ünï';

let world: ApiWorld;
let ana: Browser;

beforeAll(async () => {
  world = await ApiWorld.start();
  ana = await world.person('ana', ['owner']);
  await decide(
    world,
    { text: 'DELETE FROM bookings WHERE id = 1' },
    { text: 'DROP TABLE bookings', agent: 'codex', verdict: REFUSED },
    { text: HOSTILE, target: 'other-db', holdId: 'hold_x' },
  );
});
afterAll(async () => {
  await world?.stop();
});

async function list(query: string): Promise<Page> {
  const { json, status } = await ana.ask(`/v1/trail?${query}`);
  expect(status).toBe(200);
  return JSON.parse(JSON.stringify(json));
}

async function texts(query: string): Promise<readonly string[]> {
  return (await list(query)).items.map(({ text }) => text);
}

/** A checkpoint is signed every so often, by a clock of its own. */
async function signed(): Promise<void> {
  await expect
    .poll(async () => (await world.rooms.trailStore.newestCheckpoints(1)).length, {
      timeout: 20_000,
    })
    .toBe(1);
}

it('is listed newest first, each entry once, whatever the pages', async () => {
  const whole = await list('limit=200');
  expect(whole.items.map(({ index }) => index)).toEqual(
    Array.from({ length: whole.size }, (_, at) => whole.size - 1 - at),
  );
  expect([whole.next, whole.behind]).toEqual([null, 0]);
  const found: number[] = [];
  for (let next: string | null = null; ; ) {
    const page: Page = await list(`limit=2${next === null ? '' : `&cursor=${next}`}`);
    found.push(...page.items.map(({ index }) => index));
    next = page.next;
    if (next === null) break;
  }
  expect(found).toEqual(whole.items.map(({ index }) => index));
});

it('is narrowed by who, where, what was decided, and of which hold', async () => {
  expect(await texts('agent=codex')).toEqual(['DROP TABLE bookings']);
  expect(await texts('target=other-db')).toEqual([HOSTILE]);
  expect(await texts('verdict=refuse')).toEqual(['DROP TABLE bookings']);
  expect(await texts('hold=hold_x')).toEqual([HOSTILE]);
  expect(await texts('kind=decision&agent=codex&verdict=forward')).toEqual([]);
  expect((await list('kind=decision')).items.map(({ outcome }) => outcome?.kind)).toEqual([
    'done',
    'done',
    'done',
  ]);
});

it('is searched by any text in it, also by one that JSON and LIKE would misread', async () => {
  expect(await texts('text=drop%20table')).toEqual(['DROP TABLE bookings']);
  expect(await texts(`text=${encodeURIComponent('"QUOTED" \\ ünï')}`)).toEqual([HOSTILE]);
  expect(await texts('text=%25')).toEqual([]);
  expect(await texts(`text=${encodeURIComponent("'; DROP TABLE holdfast.holds; --")}`)).toEqual([]);
});

it('is narrowed by time', async () => {
  const now = world.clock.now();
  world.clock.pass(600_000);
  await decide(world, { text: 'SELECT later' });
  const since = new Date(now.getTime() + 1_000).toISOString();
  expect(await texts(`kind=decision&since=${since}`)).toEqual(['SELECT later']);
  expect(await texts(`kind=decision&until=${since}`)).toHaveLength(3);
  expect((await ana.ask('/v1/trail?since=yesterday')).status).toBe(422);
});

it('shows one entry as it was hashed', async () => {
  const [line] = (await list('hold=hold_x')).items;
  const { json } = await ana.ask(`/v1/trail/${line?.index}`);
  expect(json).toMatchObject({ index: line?.index, entry: { kind: 'decision', hold: 'hold_x' } });
  const beyond = await ana.ask('/v1/trail/999999');
  expect([beyond.status, beyond.json]).toMatchObject([404, { code: 'HF_NOT_FOUND' }]);
  expect((await ana.ask('/v1/trail/-1')).status).toBe(422);
});

it('verifies for whoever asks, and says how that ended', async () => {
  await signed();
  const answer = await ana.ask('/v1/trail/verify');
  expect(answer.headers['content-type']).toMatch(/^text\/event-stream/);
  const events = String(answer.json)
    .split('\n\n')
    .filter((one) => one.startsWith('data: '));
  const last = JSON.parse(events.at(-1)?.slice(6) ?? '');
  expect(last).toMatchObject({ kind: 'report', report: { ok: true, findingCount: 0 } });
  const status = await ana.ask('/v1/trail/status');
  expect(status.json).toMatchObject({ origin: 'holdfast', checkpoint: { size: last.report.to } });
});

it('is taken away by owners and auditors, as a file that verifies offline', async () => {
  await signed();
  const answer = await ana.ask('/v1/trail/export');
  expect(answer.headers['content-disposition']).toMatch(/^attachment/);
  async function* chunks(): AsyncGenerator<Buffer> {
    yield Buffer.from(String(answer.json), 'utf8');
  }
  const report = await verifyExport(chunks(), { key: null, keptNote: null });
  expect(report).toMatchObject({ ok: true, from: 0 });
  const ben = await world.person('ben', ['approver', 'operator']);
  expect((await ben.ask('/v1/trail/export')).status).toBe(403);
});

it('finds a batch of reads by each agent in it', async () => {
  const trail = await world.rooms.trail();
  const reading = { kind: 'understood', effects: [] } as const;
  for (const name of ['ape', 'bee']) {
    const intent = intentOf('SELECT 1', reading);
    const session = { ...intent.session, id: `session_${name}` };
    trail.read({ ...intent, session, actor: { ...intent.actor, name } }, TARGET);
  }
  await trail.flush();
  const [ofApe] = (await list('agent=ape')).items;
  const [ofBee] = (await list('agent=bee')).items;
  expect(ofApe).toMatchObject({ kind: 'reads', agent: null });
  expect(ofApe?.index).toBe(ofBee?.index);
});

it('goes on behind an entry whose names nobody could index', async () => {
  const trail = await world.rooms.trail();
  const target = '\u{1f40d}\u0000'.repeat(2_000);
  trail.note({ kind: 'session-refused', facts: { target, agent: target }, message: target });
  await trail.flush();
  await decide(world, { text: 'SELECT behind_it', agent: 'after' });
  expect(await texts('agent=after')).toEqual(['SELECT behind_it']);
  expect((await list('kind=session-refused')).items).toHaveLength(1);
});
