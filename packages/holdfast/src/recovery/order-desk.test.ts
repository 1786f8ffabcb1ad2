import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../model/event.ts';
import { RECOVERY_ORDERS_MAX } from '../model/limits.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { Counter } from './counter.ts';
import { type OrderAsked, OrderDesk } from './order-desk.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-desk-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ASKED: OrderAsked = {
  ...{ kind: 'backup', target: 'shop', vault: null, point: null, goal: 'witness', by: 'oda' },
};

function desk(name: string, record: (event: HoldfastEvent) => Promise<void> = async () => {}) {
  const folder = join(root, name);
  const counter = new Counter(folder);
  let woken = 0;
  const wake = (): void => {
    woken += 1;
  };
  const made = new OrderDesk({ counter, clock: new ManualClock(), record, wake });
  return { made, counter, folder, woken: () => woken };
}

describe('the desk that orders of people go over', () => {
  it('leaves an order on the counter once it is in the trail, and wakes who takes it', async () => {
    const events: HoldfastEvent[] = [];
    const { counter, made, woken } = desk('once', async (event) => void events.push(event));
    const { id, standing } = await made.order(ASKED);
    expect(standing).toEqual({ state: 'waiting' });
    expect(events).toMatchObject([
      { kind: 'recovery-ordered', facts: { by: 'oda', work: 'backup', order: id } },
    ]);
    expect(woken()).toBe(1);
    expect(counter.takeOrders()).toMatchObject([{ id, kind: 'backup', target: 'shop' }]);
  });

  it('orders nothing that the trail does not take', async () => {
    const { folder, made } = desk('no-trail', async () => {
      throw new Error('the disk is full');
    });
    await expect(made.order(ASKED)).rejects.toThrow('the disk is full');
    expect(made.list('shop')).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('orders once what is asked for twice, until it is over', async () => {
    const { counter, made } = desk('twice');
    const [first, second] = await Promise.all([made.order(ASKED), made.order(ASKED)]);
    expect(second.id).toBe(first.id);
    expect(counter.takeOrders()).toHaveLength(1);
    counter.isDone(first.id, []);
    expect((await made.order(ASKED)).id).not.toBe(first.id);
  });

  it('takes no more than can be done in reasonable time', async () => {
    const { made } = desk('many');
    for (let at = 0; at < RECOVERY_ORDERS_MAX; at += 1) {
      await made.order({ ...ASKED, vault: `v${at}` });
    }
    await expect(made.order({ ...ASKED, vault: 'one-more' })).rejects.toMatchObject({
      code: 'HF_LIMIT',
    });
  });

  it('says how far it is, with the time left, and what came of it after the file is gone', async () => {
    const { counter, folder, made } = desk('far');
    const { id } = await made.order(ASKED);
    counter.takeOrders();
    counter.isRunning(id, {
      ...{ phase: 'backup', doneBytes: 250, totalBytes: 1_000, bytesPerSecond: 250 },
    });
    expect(made.show('shop', id).standing).toMatchObject({
      state: 'running',
      progress: { phase: 'backup', leftMs: 3_000 },
    });
    const point = { id: 'p1', endedAt: '2026-11-28T12:00:00.000Z', bytes: 10 };
    counter.isDone(id, [{ vault: 'here', point, drill: null, proof: null, notKept: null }]);
    const over = { state: 'done', isWell: true, results: [{ vault: 'here', point }] };
    expect(made.show('shop', id).standing).toMatchObject(over);
    expect(readdirSync(folder)).toEqual([]);
    expect(made.show('shop', id).standing).toMatchObject(over);
  });

  it('says what went wrong, and that work which left no result did not go well', async () => {
    const { counter, made } = desk('wrong');
    const first = await made.order(ASKED);
    const second = await made.order({ ...ASKED, kind: 'prove' });
    counter.hasFailed(first.id, new Error('no room'));
    counter.isDone(second.id, []);
    expect(made.list('shop').map(({ standing }) => standing)).toMatchObject([
      { state: 'done', isWell: false },
      { state: 'failed', found: 'no room' },
    ]);
  });

  it('shows an order only under its own target', async () => {
    const { made } = desk('own');
    const { id } = await made.order(ASKED);
    expect(() => made.show('other', id)).toThrow(expect.objectContaining({ code: 'HF_NOT_FOUND' }));
    expect(made.list('other')).toEqual([]);
  });
});
