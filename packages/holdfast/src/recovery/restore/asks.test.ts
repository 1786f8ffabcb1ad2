import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../../model/errors.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { Counter } from '../counter.ts';
import { AskedRestores, answerAsks } from './asks.ts';
import type { CopyWords, ViewWords } from './copy-shape.ts';
import type { RestoreBegin, RestoreLook, Restores } from './restores.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-asks-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const COPY: CopyWords = {
  id: 'restore_1',
  target: 'shop',
  vault: 'here',
  wish: { kind: 'newest' },
  asOf: null,
  askedAt: '2026-11-28T12:00:00.000Z',
  askedBy: 'ada',
  standing: { state: 'running', progress: null },
};

const VIEW: ViewWords = {
  vault: 'here',
  asOf: '2026-11-28T11:30:00.000Z',
  view: 'By its own word.',
  window: { from: '2026-11-28T11:00:00.000Z', to: '2026-11-28T11:30:00.000Z' },
  points: [{ id: 'p1', endedAt: '2026-11-28T11:00:00.000Z', drilledAt: null, isSealed: true }],
};

/** Says what it was asked; a promotion says with which facts. */
function fake(asked: unknown[]): Restores {
  const not = () => Promise.reject(new Error('not asked for here'));
  return {
    view: async (look: RestoreLook) => {
      asked.push(look);
      return { ...VIEW, asOf: look.asOf };
    },
    begin: async (order: RestoreBegin) => {
      asked.push(order);
      return { ...COPY, target: order.target };
    },
    list: async () => [COPY],
    show: async (_target, id) => {
      throw new HoldfastError('HF_NOT_FOUND', { expected: 'one', found: id, hint: 'None.' });
    },
    diff: not,
    preview: not,
    mustBeFree: not,
    writeBack: not,
    promotion: not,
    promote: async (target, id, facts) => `${target} ${id} ${JSON.stringify(facts)}`,
    keep: async () => ({ folder: '/kept', major: 18, next: ['Start it.'] }),
    discard: async () => COPY,
  };
}

function scene(name: string) {
  const folder = join(root, name);
  const counter = new Counter(folder);
  const clock = new ManualClock('2026-11-28T12:00:00Z', name);
  const stop = new AbortController();
  let isGone = false;
  const restores = new AskedRestores({
    ...{ counter, clock, signal: stop.signal },
    isGone: async () => isGone,
  });
  const asked: unknown[] = [];
  const signed = async (target: string, id: string) => {
    if (id === 'proposal_signed') return { target, n: 1 };
    throw new HoldfastError('HF_PROPOSAL_STATE', { expected: 'one', found: id, hint: 'Sign it.' });
  };
  const troubles: unknown[] = [];
  const trouble = (error: unknown) => troubles.push(error);
  const gateway = () => {
    const timer = setInterval(() => answerAsks(counter, fake(asked), signed, trouble), 10);
    return () => clearInterval(timer);
  };
  const passing = (ms: number) => {
    const timer = setInterval(() => clock.pass(ms), 20);
    return () => clearInterval(timer);
  };
  const die = () => {
    isGone = true;
  };
  return { asked, counter, die, folder, gateway, passing, restores, stop, troubles };
}

const BEGIN: RestoreBegin = {
  target: 'shop',
  vault: null,
  wish: { kind: 'at', at: '2026-11-28T11:00:00.000Z' },
  asOf: '2026-11-28T11:30:00.000Z',
  by: 'ada',
  into: null,
};

describe('what a command asks of the gateway’s copies', () => {
  it('is answered as it was asked, errors too, and leaves nothing there', async () => {
    const { asked, folder, gateway, restores } = scene('answers');
    const over = gateway();
    const look = { target: 'shop', vault: 'here', asOf: VIEW.asOf };
    expect(await restores.view(look)).toEqual(VIEW);
    expect(await restores.begin(BEGIN)).toEqual(COPY);
    expect(asked).toEqual([look, BEGIN]);
    expect(await restores.list('shop')).toEqual([COPY]);
    expect((await restores.keep('shop', 'restore_1')).next).toEqual(['Start it.']);
    await expect(restores.show('shop', 'restore_2')).rejects.toMatchObject({
      code: 'HF_NOT_FOUND',
      found: 'restore_2',
    });
    over();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('promotes with what the store says was signed, and nothing else', async () => {
    const { counter, gateway, restores } = scene('promotes');
    const over = gateway();
    expect(await restores.promote('shop', 'proposal_signed')).toContain('{"target":"shop","n":1}');
    await expect(restores.promote('shop', 'proposal_other')).rejects.toMatchObject({
      code: 'HF_PROPOSAL_STATE',
    });
    // Facts that somebody puts beside it make it no question at all.
    counter.leaveAsk('0011223344556677', {
      ...{ call: 'promote', target: 'shop', proposalId: 'proposal_signed' },
      facts: { n: 2 },
    });
    await expect
      .poll(() => counter.told('0011223344556677'))
      .toMatchObject({ state: 'failed', code: 'HF_USAGE' });
    over();
  });

  it.each([
    ['nobody takes it', 'says nothing here', 5_000],
    ['the gateway that took it is gone', 'the gateway is gone', 1_000],
    ['a gateway that started anew dropped it', 'dropped it', 0],
  ])('ends when %s', async (name, words, passMs) => {
    const { counter, die, passing, restores } = scene(name);
    const waiting = restores.list('shop');
    if (name !== 'nobody takes it') counter.takeAsks({ state: 'taken' });
    if (name.includes('gone')) die();
    if (name.includes('anew')) counter.clear();
    const still = passing(passMs);
    await expect(waiting).rejects.toThrow(words);
    still();
  });

  it('that would write is not known to be undone when nobody answers', async () => {
    const { counter, die, passing, restores } = scene('written');
    const words = { tables: [], changed: 'keep', extra: 'keep' } as const;
    const by = { name: 'ada', facts: {} };
    const writing = restores.writeBack('shop', 'restore_1', { ...words, tables: [] }, by);
    counter.takeAsks({ state: 'taken' });
    die();
    const still = passing(1_000);
    await expect(writing).rejects.toMatchObject({ code: 'HF_RESTORE_UNKNOWN' });
    // Nobody took this one, so nothing was done.
    await expect(restores.promote('shop', 'proposal_signed')).rejects.toMatchObject({
      code: 'HF_VAULT_UNREACHABLE',
    });
    still();
  });

  it('is told to the log when the answer cannot be written, and the gateway lives on', async () => {
    const { counter, folder, gateway, restores, troubles } = scene('full');
    counter.leaveAsk('0011223344556677', { call: 'list', target: 'shop' });
    // No file can be put in its place: as a disk that is full, for this one answer.
    mkdirSync(join(folder, '0011223344556677.told.json'));
    const over = gateway();
    await expect.poll(() => troubles.length).toBeGreaterThan(0);
    rmSync(join(folder, '0011223344556677.told.json'), { recursive: true });
    expect(await restores.list('shop')).toEqual([COPY]);
    over();
  });

  it('is awaited after Ctrl-C once the gateway has begun it, so that it can be removed', async () => {
    const { counter, restores, stop } = scene('begun');
    const waiting = restores.begin(BEGIN);
    const [taken] = counter.takeAsks({ state: 'taken' });
    stop.abort(new Error('stopped by Ctrl-C'));
    await new Promise((done) => setTimeout(done, 200));
    counter.leaveTold(taken?.id ?? '', { state: 'done', said: COPY });
    expect(await waiting).toEqual(COPY);
  });

  it('is taken back by Ctrl-C; what cleans up is asked all the same', async () => {
    const { asked, counter, gateway, restores, stop } = scene('ctrl-c');
    const waiting = restores.begin(BEGIN);
    stop.abort(new Error('stopped by Ctrl-C'));
    await expect(waiting).rejects.toThrow('stopped by Ctrl-C');
    expect(counter.takeAsks({ state: 'taken' })).toEqual([]);
    const over = gateway();
    expect(await restores.discard('shop', 'restore_1', 'ada')).toEqual(COPY);
    expect(asked).toEqual([]);
    over();
  });
});
