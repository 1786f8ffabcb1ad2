/** What the trail does while its store is away, and that nothing is written twice or lost after. */
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { TRAIL_KEPT_NOTES_MAX, TRAIL_QUEUE_ENTRIES_MAX } from '../model/limits.ts';
import { LONELY_INSTANCE, MemoryTrailStore } from '../testing/memory-trail-store.ts';
import { decisionOf, intentOf, TARGET } from '../testing/trail-fixtures.ts';
import { verifyStore } from './audit.ts';
import { signerFromSeed } from './signer.ts';
import { TrailLog, type TrailParts } from './trail-log.ts';
import { EMPTY_HEAD } from './verify/tree.ts';

const signer = signerFromSeed('holdfast/test', Buffer.alloc(32, 7));
const DONE = { kind: 'done', tag: 'DELETE 1', transaction: 'ended' } as const;
const logs: TrailLog[] = [];

async function start(
  store: MemoryTrailStore,
  changes: Partial<TrailParts> = {},
): Promise<TrailLog> {
  const log = await TrailLog.start({
    store,
    instances: LONELY_INSTANCE,
    signer,
    clock: systemClock,
    instanceId: 'instance_test',
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
    ...changes,
  });
  logs.push(log);
  return log;
}

/** The sequencer tries again within TRAIL_RETRY_MS_MAX. */
async function back(store: MemoryTrailStore, log: TrailLog): Promise<void> {
  store.health = 'up';
  for (let tries = 0; tries < 500 && !log.status().available; tries++) {
    await new Promise((done) => setTimeout(done, 10));
  }
  expect(await log.flush()).toBe(true);
}

function valuesOf(store: MemoryTrailStore, kind: string): unknown[] {
  const found = store.entries.filter((entry) => entry.kind === kind);
  return found.map(({ bytes }): unknown => JSON.parse(bytes.toString()));
}

async function verified(store: MemoryTrailStore): Promise<void> {
  expect(await verifyStore(store, signer.verifierKey.text)).toMatchObject({
    ok: true,
    findings: [],
  });
}

afterEach(async () => {
  for (const log of logs.splice(0)) await log.stop();
});

describe('while the store is away', () => {
  it('rejects decisions, at once for those that come later', async () => {
    const store = new MemoryTrailStore();
    const log = await start(store);
    store.health = 'down';
    const first = [log.decide(decisionOf('a')), log.decide(decisionOf('b'))];
    for (const decision of first) {
      await expect(decision).rejects.toMatchObject({ code: 'HF_TRAIL_UNAVAILABLE' });
    }
    const appends = store.appends;
    await expect(log.decide(decisionOf('c'))).rejects.toMatchObject({
      code: 'HF_TRAIL_UNAVAILABLE',
    });
    expect(store.appends).toBe(appends);
    await back(store, log);
    const ref = await log.decide(decisionOf('d'));
    log.outcome(ref, DONE);
    await log.stop();
    expect(valuesOf(store, 'decision')).toHaveLength(1);
    expect(valuesOf(store, 'trail-resumed')).toHaveLength(1);
    await verified(store);
  });

  it.each(['down', 'answer-lost'] as const)('keeps outcomes (%s)', async (health) => {
    const store = new MemoryTrailStore();
    const log = await start(store);
    const refs = await Promise.all(['a', 'b'].map((text) => log.decide(decisionOf(text))));
    store.health = health;
    for (const ref of refs) log.outcome(ref, DONE);
    await expect(log.decide(decisionOf('c'))).rejects.toMatchObject({
      code: 'HF_TRAIL_UNAVAILABLE',
    });
    await back(store, log);
    await log.stop();
    const outcomes = valuesOf(store, 'outcome');
    // With the answer lost, the third decision lies in the trail, and must not stay open.
    expect(outcomes).toHaveLength(health === 'down' ? 2 : 3);
    expect(outcomes.slice(0, 2)).toMatchObject([
      { decision: Number(refs[0]?.index), outcome: DONE },
      { decision: Number(refs[1]?.index), outcome: DONE },
    ]);
    if (health === 'answer-lost') {
      expect(outcomes.slice(2)).toMatchObject([{ outcome: { kind: 'not-forwarded' } }]);
    }
    await verified(store);
  });

  it('refuses reads by default, and none of them is counted as passed', async () => {
    const store = new MemoryTrailStore();
    const log = await start(store);
    store.health = 'down';
    await log.decide(decisionOf('a')).catch(() => {});
    expect(log.read(intentOf('select 1'), TARGET)).toBe(false);
    await back(store, log);
    expect(log.read(intentOf('select 1'), TARGET)).toBe(true);
    await log.stop();
    expect(valuesOf(store, 'reads')).toMatchObject([{ total: 1 }]);
    expect(valuesOf(store, 'reads-not-recorded')).toEqual([]);
  });

  it('forwards reads when configured so, and says how many afterwards', async () => {
    const store = new MemoryTrailStore();
    const log = await start(store, { readsWhenUnavailable: 'forward' });
    store.health = 'down';
    await log.decide(decisionOf('a')).catch(() => {});
    for (let at = 0; at < 7; at++) expect(log.read(intentOf('select 1'), TARGET)).toBe(true);
    await back(store, log);
    await log.stop();
    expect(valuesOf(store, 'reads-not-recorded')).toMatchObject([{ facts: { units: 7 } }]);
  });

  it('keeps a bounded number of notes, and says how many it lost', async () => {
    const store = new MemoryTrailStore();
    const log = await start(store);
    store.health = 'down';
    await log.decide(decisionOf('a')).catch(() => {});
    const note = { kind: 'session-opened', facts: {}, message: 'm' } as const;
    for (let at = 0; at < TRAIL_KEPT_NOTES_MAX + 25; at++) log.note(note);
    await back(store, log);
    await log.stop();
    expect(valuesOf(store, 'session-opened')).toHaveLength(TRAIL_KEPT_NOTES_MAX);
    expect(valuesOf(store, 'trail-resumed')).toMatchObject([{ facts: { notesLost: 25 } }]);
  });
});

it('refuses a decision that would wait behind too many others', async () => {
  const store = new MemoryTrailStore();
  const log = await start(store);
  const waiting = Array.from({ length: TRAIL_QUEUE_ENTRIES_MAX + 1 }, () =>
    log.decide(decisionOf('a')).then(
      ({ index }) => index,
      (error) => error,
    ),
  );
  const results = await Promise.all(waiting);
  expect(results.filter((result) => typeof result === 'bigint')).toHaveLength(
    TRAIL_QUEUE_ENTRIES_MAX,
  );
  expect(results.at(-1)).toMatchObject({ code: 'HF_TRAIL_UNAVAILABLE' });
});

it('goes no further on a trail that became shorter', async () => {
  const store = new MemoryTrailStore();
  const log = await start(store);
  log.outcome(await log.decide(decisionOf('a')), DONE);
  await log.flush();
  store.cutTo(EMPTY_HEAD);
  await expect(log.decide(decisionOf('b'))).rejects.toMatchObject({ code: 'HF_TRAIL_BROKEN' });
  expect(log.read(intentOf('select 1'), TARGET)).toBe(false);
  expect(store.entries).toEqual([]);
});

it('shares one append among what comes in one turn', async () => {
  const store = new MemoryTrailStore();
  const log = await start(store);
  const appends = store.appends;
  await Promise.all(Array.from({ length: 50 }, () => log.decide(decisionOf('a'))));
  expect(store.appends - appends).toBe(1);
});
