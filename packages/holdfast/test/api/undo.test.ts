/** What can be taken back, for people: listed page by page, kept longer, and never applied by the wrong one. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { undoRoutes } from '../../src/api/routes/undo.ts';
import { HoldfastError } from '../../src/model/errors.ts';
import type { UndoReport } from '../../src/protection/undo/undo-report.ts';
import { Undos } from '../../src/protection/undo/undos.ts';
import { chunkOf, drainedItem, keepThese } from '../../src/testing/drained.ts';
import { ApiWorld, type Browser } from './support.ts';

let world: ApiWorld;
let ana: Browser;

interface Page {
  readonly items: readonly { readonly id: string; readonly rows: number }[];
  readonly next: string | null;
  readonly away: readonly string[];
}

beforeAll(async () => {
  world = await ApiWorld.start(`
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }`);
  ana = await world.person('ana', ['owner']);
  await world.person('ben', ['approver']);
  const items = [1, 2, 3, 4, 5].map((at) => drainedItem(at));
  const chunks = [1, 2, 3, 4, 5].map((at) => chunkOf(at, `${at}\t0\n`));
  await keepThese(world.rooms.undoStore, items, chunks);
});
afterAll(async () => {
  await world?.stop();
});

async function page(query: string): Promise<Page> {
  const { json, status } = await ana.ask(`/v1/undo?${query}`);
  expect(status).toBe(200);
  return JSON.parse(JSON.stringify(json));
}

async function ids(): Promise<readonly string[]> {
  return (await page('limit=200')).items.map(({ id }) => id);
}

it('is listed page by page, and says whose newest may be missing', async () => {
  const whole = await page('limit=200');
  expect(whole.items).toHaveLength(5);
  // Its database is not there: what lies in it still could not be drained.
  expect([whole.next, whole.away]).toEqual([null, ['main-db']]);
  const found: string[] = [];
  for (let next: string | null = null; ; ) {
    const one: Page = await page(`limit=2${next === null ? '' : `&cursor=${next}`}`);
    found.push(...one.items.map(({ id }) => id));
    next = one.next;
    if (next === null) break;
  }
  expect(found).toEqual(whole.items.map(({ id }) => id));
  expect((await page('limit=5&target=other')).items).toEqual([]);
  const [id] = found;
  expect((await ana.ask(`/v1/undo/${id}`)).json).toMatchObject({ id, state: 'kept', acts: [] });
  expect((await ana.ask('/v1/undo/undo_none')).status).toBe(404);
  expect((await ana.ask('/v1/undo/vault')).json).toMatchObject({ kept: [{ items: 5 }] });
});

it('is kept longer by who may undo, with their code', async () => {
  const body = { ids: await ids(), byMs: 86_400_000, person: 'ana', code: world.code('ana') };
  const options = { method: 'POST', body } as const;
  expect((await ana.ask('/v1/undo/extend', options)).json).toEqual({ extended: 5 });
  // An approver may not, neither with a session nor named by the machine.
  const ofBen = { ...body, person: 'ben', code: world.code('ben') };
  const headers = { authorization: world.room.machineAuthorization };
  const asked = await world.ask('/v1/undo/extend', { method: 'POST', body: ofBen, headers });
  expect([asked.status, asked.json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
});

it('does not take "everything" for an answer to "what"', async () => {
  for (const path of ['/v1/undo/preview', '/v1/undo/purge']) {
    const { json, status } = await ana.ask(path, { method: 'POST', body: {} });
    expect([status, json]).toMatchObject([422, { code: 'HF_USAGE' }]);
  }
  const [id] = await ids();
  const body = { ids: [id], key: [{ name: 'id', value: '1' }] };
  expect((await ana.ask('/v1/undo/preview', { method: 'POST', body })).status).toBe(422);
});

it('goes before its time by a proposal only', async () => {
  const [id] = await ids();
  const { json } = await ana.ask('/v1/undo/purge', { method: 'POST', body: { ids: [id] } });
  expect(json).toMatchObject({
    act: 'purge',
    state: 'waiting',
    exactly: expect.stringContaining(`${id}`),
  });
});

it('answers with the conflicts when something is not decided, and with nothing changed', async () => {
  const report: UndoReport = {
    items: ['undo_1'],
    tables: [],
    acts: [],
    conflicts: [],
    conflictsTotal: 3,
    undecided: 3,
    notes: [],
    sql: [],
    isWhole: false,
  };
  class Conflicting extends Undos {
    override async apply(): Promise<UndoReport> {
      throw new HoldfastError('HF_UNDO_CONFLICT', {
        expected: 'every conflict to be decided',
        found: '3 that are not',
        hint: 'Decide.',
        cause: report,
      });
    }
  }
  const { people, proposals, undoStore, vault } = world.rooms;
  const undos = new Conflicting({
    store: undoStore,
    clock: world.clock,
    note: () => {},
    run: async () => report,
    inverses: { preview: async () => report, apply: async () => ({ outcome: null, report }) },
    targetOf: () => {
      throw new Error('not asked');
    },
    drainOnce: async () => {},
    targets: [],
    prove: async () => ({ name: 'ana', facts: { method: 'totp' } }),
    tickMs: async () => 0n,
  });
  const routes = undoRoutes({
    withUndos: (work) => work(undos),
    isDrained: true,
    proposals,
    people,
    vault,
    freeBytesMin: 0,
    targetOf: () => {
      throw new Error('not asked');
    },
  });
  const answer = await routes['undo.apply']({
    principal: { kind: 'machine' },
    source: '',
    userAgent: '',
    cookies: { session: null, device: null },
    lastEventId: null,
    gone: new AbortController().signal,
    knownAs: [],
    keepSession: () => {},
    keepDevice: () => {},
    params: {},
    query: {},
    body: {
      ids: ['undo_1'],
      tables: null,
      key: [],
      decisions: [],
      person: 'ana',
      code: '123456',
    },
  });
  expect(answer).toMatchObject({ applied: false, report: { undecided: 3 } });
});
