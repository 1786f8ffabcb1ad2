/** Holds, proposals and deferrals: page by page, and the words of people on them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { purgeAct } from '../../src/protection/undo/purge.ts';
import { cardFor, openHolds } from './ground.ts';
import { ApiWorld, type Browser } from './support.ts';

interface Page {
  readonly items: readonly { readonly id: string; readonly state: string }[];
  readonly next: string | null;
}

let world: ApiWorld;
let ana: Browser;
let ben: Browser;

beforeAll(async () => {
  world = await ApiWorld.start(`
environments: { production: { level: guarded } }
targets: { main-db: { environment: production, upstream: { url: 'postgres://me@127.0.0.1:1/db' } } }`);
  ana = await world.person('ana', ['owner']);
  ben = await world.person('ben', ['approver']);
});
afterAll(async () => {
  await world?.stop();
});

async function all(path: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let next: string | null = null; ; ) {
    const { json } = await ana.ask(`${path}${next === null ? '' : `&cursor=${next}`}`);
    const page: Page = JSON.parse(JSON.stringify(json));
    ids.push(...page.items.map(({ id }) => id));
    next = page.next;
    if (next === null) return ids;
  }
}

describe('holds', () => {
  it('come newest first, each once, however they are cut into pages', async () => {
    const opened = await openHolds(world, 11, (at) => ({
      agentName: at % 2 === 0 ? 'cursor' : 'codex',
      target: at < 4 ? 'main-db' : 'other-db',
    }));
    const newest = opened.toReversed();
    for (const limit of [1, 3, 5, 11, 50]) {
      expect(await all(`/v1/holds?limit=${limit}`)).toEqual(newest);
    }
    const codex = newest.filter((_, at) => (10 - at) % 2 === 1);
    expect(await all('/v1/holds?limit=2&agent=codex')).toEqual(codex);
    expect(await all('/v1/holds?limit=2&target=main-db')).toHaveLength(4);
    expect(await all('/v1/holds?limit=2&target=main-db&agent=codex')).toHaveLength(2);
    expect(await all('/v1/holds?limit=2&state=denied')).toEqual([]);
  });

  it('that were opened at one moment are told apart by their id', async () => {
    const now = world.clock.now();
    for (const [at, id] of ['hold_aaa', 'hold_bbb', 'hold_ccc'].entries()) {
      await world.rooms.holdStore.findOrOpen(
        {
          id,
          card: cardFor(10_000 + at, { target: 'twin-db' }),
          peopleNeeded: 1,
          openedAt: now,
          expiresAt: new Date(now.getTime() + 60_000),
          approvalUntil: null,
        },
        now,
      );
    }
    const ids = await all('/v1/holds?limit=1&target=twin-db');
    expect(ids).toEqual(['hold_ccc', 'hold_bbb', 'hold_aaa']);
  });

  it('are not open once their time has run out, whether or not that is written down', async () => {
    world.clock.pass(61_000);
    expect(await all('/v1/holds?limit=5&target=twin-db')).toEqual([]);
    expect(await all('/v1/holds?limit=2&target=twin-db&state=expired')).toHaveLength(3);
    expect(await all('/v1/holds?limit=2&target=twin-db&state=all')).toHaveLength(3);
  });

  it('refuse a cursor that is none of ours', async () => {
    const forged = Buffer.from('["2026-01-01T00:00:00Z",{"$gt":""}]').toString('base64url');
    for (const cursor of ['x', forged, Buffer.from('[1,2]').toString('base64url')]) {
      const { json, status } = await ana.ask(`/v1/holds?cursor=${cursor}`);
      expect([status, json]).toMatchObject([422, { code: 'HF_USAGE' }]);
    }
  });
});

describe('proposals', () => {
  const act = () =>
    purgeAct([], {
      name: `db-${world.clock.now().getTime()}`,
      environment: { name: 'production', level: 'guarded' },
      protocol: 'postgres',
      resolvedBy: 'declared',
    });

  it('are carried out with the last signature, and show who signed', async () => {
    const { card, id } = await world.rooms.proposals.open(act());
    const path = `/v1/proposals/${id}/approve`;
    const digestShown = card.digest.slice(0, 16);
    const first = { person: 'ana', code: world.code('ana'), digestShown };
    expect((await ana.ask(path, { method: 'POST', body: first })).json).toMatchObject({
      state: 'waiting',
      signatures: [{ person: 'ana' }],
    });
    const second = { person: 'ben', code: world.code('ben'), digestShown };
    const { json } = await ben.ask(path, { method: 'POST', body: second });
    expect(json).toMatchObject({ state: 'consumed', act: 'purge', outcome: { kind: 'done' } });
    expect((await ana.ask(`/v1/proposals/${id}`)).json).toEqual(json);
  });

  it('take nobody’s word for another, and no word of who may not decide', async () => {
    const { id } = await world.rooms.proposals.open(act());
    const path = `/v1/proposals/${id}/approve`;
    const ofBen = { person: 'ben', code: world.code('ben') };
    const byAna = await ana.ask(path, { method: 'POST', body: ofBen });
    expect([byAna.status, byAna.json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);

    const eve = await world.person('eve', ['auditor']);
    const ofEve = { person: 'eve', code: world.code('eve') };
    expect((await eve.ask(path, { method: 'POST', body: ofEve })).status).toBe(403);
    // Nor beside the store itself, where a machine asks and a name is said.
    const headers = { authorization: world.room.machineAuthorization };
    const machine = await world.ask(path, { method: 'POST', body: ofEve, headers });
    expect([machine.status, machine.json]).toMatchObject([403, { code: 'HF_FORBIDDEN' }]);
    const shown = await ana.ask(`/v1/proposals/${id}`);
    expect(shown.json).toMatchObject({ state: 'waiting', signatures: [] });
  });

  it('stay denied', async () => {
    const { id } = await world.rooms.proposals.open(act());
    const body = { person: 'ben', code: world.code('ben'), comment: 'not today' };
    const denied = await ben.ask(`/v1/proposals/${id}/deny`, { method: 'POST', body });
    expect(denied.json).toMatchObject({ state: 'denied', decidedBy: 'ben', note: 'not today' });
    const word = { person: 'ana', code: world.code('ana') };
    const late = await ana.ask(`/v1/proposals/${id}/approve`, { method: 'POST', body: word });
    expect([late.status, late.json]).toMatchObject([409, { code: 'HF_PROPOSAL_STATE' }]);
  });

  it('want the digest that was shown, and the right code', async () => {
    const { id } = await world.rooms.proposals.open(act());
    const path = `/v1/proposals/${id}/approve`;
    const other = { person: 'ana', code: world.code('ana'), digestShown: 'f'.repeat(16) };
    expect((await ana.ask(path, { method: 'POST', body: other })).status).toBe(409);
    const wrong = { person: 'ana', code: '000000' };
    const refused = await ana.ask(path, { method: 'POST', body: wrong });
    expect([refused.status, refused.json]).toMatchObject([401, { code: 'HF_TOTP_WRONG' }]);
  });
});

describe('deferrals', () => {
  async function deferred(at: number): Promise<string> {
    const { deferral } = await world.rooms.deferralStore.schedule({
      id: `deferral_${at}`,
      card: cardFor(20_000 + at),
      holdId: null,
      acts: [Buffer.from('path'), Buffer.from(''), Buffer.from(`DROP TABLE t${at}`)],
      searchPath: ['public'],
      scheduledAt: new Date(world.clock.now().getTime() + at),
      dueTickMs: 172_800_000n,
    });
    return deferral.id;
  }

  it('are listed with their countdown, and called off by one person for good', async () => {
    const ids = [await deferred(1), await deferred(2), await deferred(3)];
    expect(await all('/v1/deferrals?limit=2')).toEqual(ids.toReversed());
    const shown = await ana.ask('/v1/deferrals/deferral_2');
    expect(shown.json).toMatchObject({ text: 'DROP TABLE t2', parameters: [], state: 'scheduled' });
    const body = { person: 'ben', code: world.code('ben'), note: 'wrong table' };
    const path = '/v1/deferrals/deferral_2/cancel';
    const cancelled = await ben.ask(path, { method: 'POST', body });
    expect(cancelled.json).toMatchObject({ state: 'cancelled', decidedBy: 'ben' });
    const again = { ...body, code: world.code('ben') };
    expect((await ben.ask(path, { method: 'POST', body: again })).status).toBe(409);
    expect(await all('/v1/deferrals?limit=1')).toEqual(['deferral_3', 'deferral_1']);
    expect(await all('/v1/deferrals?limit=1&state=all')).toHaveLength(3);
  });

  it('are hastened by a proposal only', async () => {
    const hasten = await ben.ask('/v1/deferrals/deferral_1/hasten', { method: 'POST' });
    expect(hasten.json).toMatchObject({ act: 'hasten', state: 'waiting', signatures: [] });
    const over = await ben.ask('/v1/deferrals/deferral_2/hasten', { method: 'POST' });
    expect([over.status, over.json]).toMatchObject([409, { code: 'HF_DEFERRAL_STATE' }]);
    expect((await ana.ask('/v1/deferrals/deferral_9')).status).toBe(404);
  });
});
