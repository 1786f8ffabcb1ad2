import pg from 'pg';
import { describe, expect, it, vi } from 'vitest';
import { HoldfastError } from '../../model/errors.ts';
import type { HoldfastEvent } from '../../model/event.ts';
import { RESTORE_IDLE_MS, RESTORE_TURN_MS_MAX } from '../../model/limits.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import type { Tell } from '../engines/engine.ts';
import type { CopiesParts } from './copies-parts.ts';
import type { StandingTarget } from './copy.ts';
import type { CopyWords, WriteBackWords } from './copy-shape.ts';
import { RestoredCopies } from './restored-copies.ts';

const NEWEST = {
  target: 'shop',
  vault: null,
  wish: { kind: 'newest' },
  asOf: null,
  by: 'ada',
  into: null,
} as const;

const PROVEN_AT = '2026-11-28T01:00:00.000Z';

interface Asked {
  readonly vault: string;
  readonly folder: string;
  readonly tell: Tell;
  readonly signal: AbortSignal;
  readonly come: (restored: StandingTarget) => void;
  readonly fail: (error: unknown) => void;
}

/** Restores that go on until the test says how they end; heavy work runs when the test lets it. */
function scene(options: Partial<Pick<CopiesParts, 'note' | 'drilledAt' | 'viewOf'>> = {}) {
  const clock = new ManualClock();
  const events: HoldfastEvent[] = [];
  const waiting: (() => Promise<void>)[] = [];
  const looking: (() => Promise<void>)[] = [];
  const asked: Asked[] = [];
  const copies = new RestoredCopies({
    targetOf: (name) =>
      name === 'shop'
        ? {
            target: {
              name,
              environment: { name: 'production', level: 'sealed' },
              protocol: 'postgres',
              resolvedBy: 'declared',
            },
            vaults: ['here', 'far'],
            database: 'app',
            open: () => {
              throw new Error('nobody opens the live one here');
            },
          }
        : null,
    restore: (_target, vault, { folder }, tell, signal) =>
      new Promise<StandingTarget>((come, fail) => {
        signal.addEventListener('abort', () => fail(signal.reason), { once: true });
        asked.push({ vault, folder, tell, signal, come, fail });
      }),
    viewOf: options.viewOf ?? (() => Promise.reject(new Error('not asked for here'))),
    drilledAt: options.drilledAt ?? (async () => null),
    folder: '/drills',
    inTurn: (work) => void waiting.push(work),
    lookInTurn: (work) => void looking.push(work),
    clock,
    note: options.note ?? (async (event) => void events.push(event)),
    record: async (event) => void events.push(event),
  });
  const letIn = () => void waiting.shift()?.();
  const letLook = () => void looking.shift()?.();
  const stateOf = async ({ id }: CopyWords) => (await copies.show('shop', id)).standing;
  const kinds = () => events.map(({ kind }) => kind);
  return { asked, clock, copies, events, kinds, letIn, letLook, looking, stateOf, waiting };
}

/** A copy that came back, and what was done with it; how its shutting down ends is the test's. */
function standing() {
  const done: string[] = [];
  let end: (error: Error | null) => void = () => {};
  const restored: StandingTarget = {
    point: {
      ...{ format: 'holdfast/point/1', id: 'point-1', target: 'shop', engine: 'pull' },
      server: { version: 180_000, systemIdentifier: '7', walSegmentBytes: 1, hasChecksums: true },
      wal: { timeline: 1, startLsn: '0/1', endLsn: '0/2' },
      ...{ startedAt: '2026-11-28T00:14:00.000Z', endedAt: '2026-11-28T00:15:00.000Z' },
      ...{ files: [], prior: null, recipients: [], previous: null, digest: 'd'.repeat(64) },
    },
    isSealed: true,
    goal: { at: null, lsn: '0/2' },
    window: { from: new Date(0), to: new Date(1) },
    rtoMs: 1,
    view: null,
    phases: { fetchMs: 1, restoreMs: 1, replayMs: 1, firstQueryMs: 1 },
    connect: async () => {
      const client = new pg.Client();
      vi.spyOn(client, 'query').mockImplementation(async () => ({ rows: [{ mark: '9' }] }));
      vi.spyOn(client, 'end').mockImplementation(async () => {});
      return client;
    },
    database: () => {
      throw new Error('nobody reads it here');
    },
    keep: () => {
      done.push('keep');
      return new Promise((kept, fail) => {
        end = (error) =>
          error === null ? kept({ folder: '/into', major: 18, next: [] }) : fail(error);
      });
    },
    discard: async () => void done.push('discard'),
  };
  return { done, restored, end: (error: Error | null) => end(error) };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
}

describe('a vault as it was', () => {
  const view = {
    view: 'By its own word.',
    window: { from: new Date(0), to: new Date(1_000) },
    points: [{ id: 'p1', endedAt: PROVEN_AT, drilledAt: null, isSealed: true }],
  };

  it('is looked at without a restore, in the vault that is named or the first', async () => {
    const looked: unknown[] = [];
    const { copies, events, waiting } = scene({
      viewOf: async (...look) => {
        looked.push(look);
        return view;
      },
    });
    const asOf = '2025-11-27T00:00:00.000Z';
    const window = { from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:01.000Z' };
    const found = await copies.view({ target: 'shop', vault: null, asOf });
    expect(found).toEqual({ vault: 'here', asOf, view: view.view, window, points: view.points });
    await copies.view({ target: 'shop', vault: 'far', asOf });
    expect(looked).toEqual([
      ['shop', 'here', new Date(asOf)],
      ['shop', 'far', new Date(asOf)],
    ]);
    expect([events, waiting]).toEqual([[], []]);
  });

  it.each([
    ['a time to come', { asOf: '2999-01-01T00:00:00.000Z' }, 'a time that is over'],
    ['a vault of another target', { vault: '<b>far</b>' }, 'a vault of shop: here, far'],
    ['a target without recovery', { target: 'side' }, 'a target with `recovery`'],
  ])('is not looked at as of %s, nor restored', async (_, wrong, expected) => {
    const { copies, waiting } = scene({ viewOf: async () => view });
    const look = { target: 'shop', vault: null, asOf: '2025-11-27T00:00:00.000Z', ...wrong };
    await expect(copies.view(look)).rejects.toMatchObject({
      expected: expect.stringContaining(expected),
    });
    await expect(copies.begin({ ...NEWEST, ...look })).rejects.toMatchObject({
      expected: expect.stringContaining(expected),
    });
    expect(waiting).toEqual([]);
  });
});

describe('restored copies', () => {
  it('wait for their turn, then say how far they are', async () => {
    const { asked, copies, letIn, stateOf } = scene();
    const copy = await copies.begin(NEWEST);
    expect(copy).toMatchObject({ target: 'shop', vault: 'here', askedBy: 'ada' });
    expect(await stateOf(copy)).toEqual({ state: 'running', progress: null });
    expect(asked).toHaveLength(0);
    letIn();
    expect(asked[0]?.folder).toBe(`/drills/${copy.id}`);
    asked[0]?.tell({ phase: 'fetch', doneBytes: 50, totalBytes: 150, bytesPerSecond: 10 });
    expect(await stateOf(copy)).toMatchObject({
      progress: { phase: 'fetch', doneBytes: 50, leftMs: 10_000 },
    });
    await copies.close();
  });

  it.for([
    ['that a drill proved', true, (): Promise<string> => Promise.resolve(PROVEN_AT), PROVEN_AT],
    [
      'that no drill proved, of another Holdfast',
      null,
      (): Promise<null> => Promise.resolve(null),
      null,
    ],
    [
      'of which the vault does not say it now',
      false,
      (): Promise<null> => Promise.reject(new Error('away')),
      null,
    ],
  ] as const)(
    'say whose the point is that they are of, and whether it is proven: one %s',
    async ([, isSealed, drilledAt, said]) => {
      const { asked, copies, events, letIn, stateOf } = scene({ drilledAt });
      const copy = await copies.begin(NEWEST);
      letIn();
      asked[0]?.come({ ...standing().restored, isSealed });
      await vi.waitFor(async () => expect((await stateOf(copy)).state).toBe('ready'));
      expect(await stateOf(copy)).toMatchObject({
        point: { id: 'point-1', drilledAt: said, isSealed },
      });
      expect(events.at(-1)).toMatchObject({
        kind: 'restore-came-back',
        facts: { drilledAt: said, isSealed },
      });
      await copies.close();
    },
  );

  it('are few at a time, and those that are over count no more', async () => {
    const { asked, copies, events, kinds, letIn, stateOf } = scene();
    const first = await copies.begin(NEWEST);
    await copies.begin({ ...NEWEST, vault: 'far' });
    await expect(copies.begin(NEWEST)).rejects.toMatchObject({ code: 'HF_LIMIT' });
    letIn();
    asked[0]?.fail(
      new HoldfastError('HF_RESTORE_ROOM', {
        expected: '9 MB free in /drills',
        found: '1 MB',
        hint: 'Name a folder on a larger disk.',
      }),
    );
    await settled();
    expect(await stateOf(first)).toEqual({
      state: 'failed',
      code: 'HF_RESTORE_ROOM',
      expected: '9 MB free in /drills',
      found: '1 MB',
      hint: 'Name a folder on a larger disk.',
    });
    expect(kinds()).toContain('restore-failed');
    // By the code a report tells what failed from what was asked wrongly.
    expect(events.find(({ kind }) => kind === 'restore-failed')?.facts).toMatchObject({
      code: 'HF_RESTORE_ROOM',
      wishKind: 'newest',
    });
    const third = await copies.begin(NEWEST);
    expect((await copies.list('shop')).map(({ id }) => id)[0]).toBe(third.id);
    await copies.close();
  });

  it('are broken off while they wait and while they run', async () => {
    const { asked, copies, kinds, letIn, stateOf, waiting } = scene();
    const running = await copies.begin(NEWEST);
    const still = await copies.begin(NEWEST);
    letIn();
    await copies.discard('shop', running.id, 'bea');
    await copies.discard('shop', still.id, 'bea');
    expect(asked[0]?.signal.aborted).toBe(true);
    expect(await stateOf(running)).toEqual({ state: 'discarded', why: 'asked' });
    expect(await stateOf(still)).toEqual({ state: 'discarded', why: 'asked' });
    // Its turn comes all the same, and does nothing.
    await waiting.shift()?.();
    expect(asked).toHaveLength(1);
    expect(kinds().filter((kind) => kind === 'restore-discarded')).toHaveLength(2);
    await copies.discard('shop', still.id, 'bea');
    expect(kinds().filter((kind) => kind === 'restore-discarded')).toHaveLength(2);
  });

  it('do not begin when it cannot be written down', async () => {
    const { copies, waiting } = scene({
      note: async () => {
        throw new Error('the trail is away');
      },
    });
    await expect(copies.begin(NEWEST)).rejects.toThrow('the trail is away');
    expect(await copies.list('shop')).toEqual([]);
    expect(waiting).toEqual([]);
  });

  it('know their own target and vaults only', async () => {
    const { copies } = scene();
    await expect(copies.begin({ ...NEWEST, target: 'other' })).rejects.toThrow(/recovery/);
    await expect(copies.begin({ ...NEWEST, vault: 'mars' })).rejects.toThrow(/here, far/);
    const copy = await copies.begin(NEWEST);
    await expect(copies.show('other', copy.id)).rejects.toMatchObject({ code: 'HF_NOT_FOUND' });
    await expect(copies.show('shop', 'restore_x')).rejects.toMatchObject({ code: 'HF_NOT_FOUND' });
    await copies.close();
  });

  it('are looked at and written back from only when they are ready', async () => {
    const { copies, kinds } = scene();
    const { id } = await copies.begin(NEWEST);
    const table = { schema: 'public', name: 'bookings', keys: [['1']] };
    const words = { tables: [table], changed: 'keep', extra: 'keep' } as const;
    const by = { name: 'ada', facts: {} };
    for (const work of [
      () => copies.diff('shop', id, 'ada'),
      () => copies.preview('shop', id, { ...words, tables: [table] }),
      () => copies.writeBack('shop', id, { ...words, tables: [table] }, by),
      () => copies.promotion('shop', id, { ...words, tables: [table] }),
      () => copies.keep('shop', id),
    ]) {
      await expect(work()).rejects.toMatchObject({ code: 'HF_RESTORE_STATE' });
    }
    expect(kinds()).toEqual(['restore-asked']);
    await copies.close();
  });

  const TABLE = { schema: 'public', name: 'bookings', keys: null };
  const LOOK: WriteBackWords = { tables: [TABLE], changed: 'keep', extra: 'keep' };
  const OTHER: WriteBackWords = { ...LOOK, tables: [{ ...TABLE, name: 'guests' }] };

  async function ready() {
    const made = scene();
    const { restored } = standing();
    const copy = await made.copies.begin(NEWEST);
    made.letIn();
    made.asked[0]?.come(restored);
    await settled();
    return { ...made, copy };
  }

  it('are previewed in turn, of each copy one at a time, and not twice for the same', async () => {
    const { copies, copy, kinds, letLook, looking } = await ready();
    const first = copies.preview('shop', copy.id, LOOK);
    const same = copies.preview('shop', copy.id, LOOK);
    const by = { name: 'ada', facts: {} };
    for (const other of [
      () => copies.preview('shop', copy.id, OTHER),
      () => copies.promotion('shop', copy.id, { ...OTHER, tables: [TABLE], extra: 'delete' }),
      () => copies.writeBack('shop', copy.id, LOOK, by),
      // Asked before a code is spent.
      () => copies.mustBeFree('shop', copy.id),
    ]) {
      await expect(other()).rejects.toMatchObject({ code: 'HF_LIMIT' });
    }
    expect(kinds()).not.toContain('restore-writing');
    expect(looking).toHaveLength(1);
    letLook();
    // It was its turn: the one and only look went as far as this test lets it.
    await expect(first).rejects.toThrow('nobody reads it here');
    await expect(same).rejects.toThrow('nobody reads it here');
    await copies.mustBeFree('shop', copy.id);
    const next = copies.preview('shop', copy.id, OTHER);
    expect(looking).toHaveLength(1);
    letLook();
    await expect(next).rejects.toThrow('nobody reads it here');
    await copies.close();
  });

  it('say so when the turn of a preview does not come', async () => {
    const { copies, copy, looking } = await ready();
    vi.useFakeTimers();
    try {
      const look = copies.preview('shop', copy.id, LOOK);
      const said = expect(look).rejects.toMatchObject({
        code: 'HF_LIMIT',
        expected: 'its turn within 60 s',
      });
      await vi.advanceTimersByTimeAsync(RESTORE_TURN_MS_MAX);
      await said;
    } finally {
      vi.useRealTimers();
    }
    // Its turn comes all the same, and does nothing; another may be asked for.
    await looking.shift()?.();
    const next = copies.preview('shop', copy.id, OTHER);
    const gone = expect(next).rejects.toMatchObject({ code: 'HF_RESTORE_STATE' });
    await copies.discard('shop', copy.id, 'bea');
    await gone;
  });

  it('whose promotion nobody knows the end of say so, as a write-back does', async () => {
    const { asked, copies, events, kinds, letIn } = scene();
    const facts = {
      ...{ database: 'app', vault: 'here', asOf: null, point: 'point-1' },
      ...{ pointDigest: 'd'.repeat(64), systemIdentifier: '7', at: null, lsn: '0/2' },
      ...{ tables: [], changed: 'keep', extra: 'keep' },
    };
    const ended = async (error: unknown): Promise<unknown> => {
      const work = copies.promote('shop', 'proposal_x', facts);
      work.catch(() => {});
      letIn();
      await settled();
      asked.at(-1)?.fail(error);
      return work.catch((said: unknown) => said);
    };
    const known = new Error('the vault is away');
    expect(await ended(known)).toBe(known);
    expect(kinds()).toEqual([]);
    const words = { expected: 'an answer', found: 'none', hint: 'Look.' };
    const unknown = new HoldfastError('HF_RESTORE_UNKNOWN', words);
    expect(await ended(unknown)).toBe(unknown);
    expect(events).toMatchObject([
      { kind: 'restore-unknown', facts: { target: 'shop', proposal: 'proposal_x' } },
    ]);
  });

  it('that still wait are not idle, however long', async () => {
    const { clock, copies, stateOf } = scene();
    const copy = await copies.begin(NEWEST);
    clock.pass(2 * RESTORE_IDLE_MS);
    await copies.discardIdle();
    expect(await stateOf(copy)).toMatchObject({ state: 'running' });
    await copies.close();
    expect(await stateOf(copy)).toEqual({ state: 'discarded', why: 'stopped' });
    await expect(copies.begin(NEWEST)).rejects.toThrow('Holdfast stops');
  });

  it('that are being kept are removed by nobody meanwhile', async () => {
    const { asked, clock, copies, kinds, letIn, stateOf } = scene();
    const { done, end, restored } = standing();
    const copy = await copies.begin({ ...NEWEST, into: '/into' });
    letIn();
    asked[0]?.come(restored);
    await settled();
    expect(await stateOf(copy)).toMatchObject({ state: 'ready' });
    // Not one turn lies between them: it waits for what still uses the copy.
    const kept = copies.keep('shop', copy.id);
    const discarded = copies.discard('shop', copy.id, 'bea');
    await expect(discarded).rejects.toThrow('that it is being kept');
    await expect(copies.keep('shop', copy.id)).rejects.toThrow('that it is being kept');
    clock.pass(2 * RESTORE_IDLE_MS);
    await copies.discardIdle();
    const closed = copies.close();
    await settled();
    end(null);
    expect(await kept).toMatchObject({ folder: '/into' });
    await closed;
    expect(done).toEqual(['keep']);
    expect(await stateOf(copy)).toEqual({ state: 'discarded', why: 'kept' });
    expect(kinds()).not.toContain('restore-discarded');
  });

  it('that could not be kept stand as before, and are removed when asked', async () => {
    const { asked, copies, letIn, stateOf } = scene();
    const { done, end, restored } = standing();
    const copy = await copies.begin({ ...NEWEST, into: '/into' });
    letIn();
    asked[0]?.come(restored);
    await settled();
    const kept = copies.keep('shop', copy.id);
    await settled();
    end(new Error('it did not shut down'));
    await expect(kept).rejects.toThrow('it did not shut down');
    expect(await stateOf(copy)).toMatchObject({ state: 'ready' });
    await copies.discard('shop', copy.id, 'bea');
    expect(done).toEqual(['keep', 'discard']);
  });
});
