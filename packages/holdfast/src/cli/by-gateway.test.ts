import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { NOTHING_PROVEN } from '../model/recovery-facts.ts';
import { Counter } from '../recovery/counter.ts';
import { NOWHERE } from '../recovery/same-as.ts';
import type { TargetReport } from '../recovery/target-report.ts';
import type { WorkOrder } from '../recovery/work.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { byGateway } from './by-gateway.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-by-gateway-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ORDER: WorkOrder = {
  id: '00112233aabbccdd',
  kind: 'drill',
  target: 'shop',
  vault: null,
  point: null,
  goal: 'random',
};
const RESULT = { vault: 'far', point: null, drill: null, proof: null, notKept: null };

function reportAt(at: Date): TargetReport {
  return {
    format: 'holdfast/recovery-report/1',
    target: 'shop',
    at: at.toISOString(),
    isRunning: true,
    colour: 'red',
    because: [],
    proven: null,
    outside: null,
    rpoMs: null,
    rtoMs: null,
    promise: { rpoMs: 1, rtoMs: 2, provenAgeMsMax: 3 },
    facts: NOTHING_PROVEN,
    whereabouts: NOWHERE,
    snapshots: [],
    vaults: [],
  };
}

/** `act` is what the gateway does at each look at whether it is there; time goes on by `stepMs` meanwhile. */
function scene(name: string) {
  const folder = join(root, name);
  const counter = new Counter(folder);
  const clock = new ManualClock();
  const stop = new AbortController();
  const said: string[] = [];
  const words = (text: string) => said.push(text);
  const tell = { say: () => said.push('progress'), words, line: words };
  const wait = (isGone: () => Promise<boolean>) =>
    byGateway(ORDER, { counter, clock, signal: stop.signal, tell, isGone });
  const passing = (ms: number) => {
    const timer = setInterval(() => clock.pass(ms), 50);
    return () => clearInterval(timer);
  };
  return { clock, counter, folder, passing, said, stop, wait };
}

describe('an order that is left for the gateway', () => {
  it('ends in its answer', async () => {
    const { counter, folder, said, wait } = scene('answer');
    const waiting = wait(async () => false);
    expect(counter.takeOrders()).toEqual([ORDER]);
    expect(counter.answer(ORDER.id)).toEqual({ state: 'taken' });
    counter.isDone(ORDER.id, [RESULT]);
    expect(await waiting).toEqual([RESULT]);
    expect(readdirSync(folder)).toEqual([]);
    expect(said).toEqual([]);
  });

  it('ends in an error when the gateway that took it is gone', async () => {
    const { counter, folder, passing, wait } = scene('gone');
    const waiting = wait(async () => true);
    counter.takeOrders();
    counter.isRunning(ORDER.id, null);
    const still = passing(1_000);
    await expect(waiting).rejects.toMatchObject({ found: 'the gateway that had it is gone' });
    still();
    expect(readdirSync(folder)).toEqual([]);
  });

  it('takes the last word of a gateway that stopped in good order', async () => {
    const { counter, passing, wait } = scene('last word');
    const waiting = wait(async () => {
      counter.isDone(ORDER.id, [RESULT]);
      return true;
    });
    counter.takeOrders();
    const still = passing(1_000);
    expect(await waiting).toEqual([RESULT]);
    still();
  });

  it('ends in an error when a gateway that started anew dropped it', async () => {
    const { counter, wait } = scene('dropped');
    const waiting = wait(async () => false);
    counter.takeOrders();
    counter.clear();
    await expect(waiting).rejects.toMatchObject({
      found: 'a gateway that started anew dropped it',
    });
  });

  it('ends in an error when the gateway is there and tells nothing any more', async () => {
    const { counter, passing, wait } = scene('hangs');
    const waiting = wait(async () => false);
    counter.takeOrders();
    counter.isRunning(ORDER.id, null);
    const still = passing(60_000);
    await expect(waiting).rejects.toMatchObject({ found: 'the gateway tells nothing' });
    still();
  });

  it('ends in an error when nobody here takes it', async () => {
    const { clock, counter, passing, wait } = scene('nobody');
    counter.leaveReport(reportAt(clock.now()));
    const still = passing(20_000);
    await expect(wait(async () => false)).rejects.toMatchObject({ code: 'HF_VAULT_UNREACHABLE' });
    still();
    expect(counter.takeOrders()).toEqual([]);
  });

  it('says that it waits while the gateway is at other work', async () => {
    const { clock, counter, said, wait } = scene('busy');
    const waiting = wait(async () => {
      counter.isDone(ORDER.id, [RESULT]);
      return false;
    });
    counter.takeOrders();
    clock.pass(16_000);
    expect(await waiting).toEqual([RESULT]);
    expect(said).toEqual(['waiting: the gateway is at other work on recovery']);
  });

  it('is taken back at once by Ctrl-C', async () => {
    const { counter, said, stop, wait } = scene('ctrl-c');
    const waiting = wait(async () => false);
    expect(counter.isLeft(ORDER.id)).toBe(true);
    stop.abort(new Error('stopped by Ctrl-C'));
    expect(said).toEqual(['Taken back: nothing was begun.']);
    await expect(waiting).rejects.toThrow('stopped by Ctrl-C');
    expect(counter.takeOrders()).toEqual([]);
  });

  it('goes on at the gateway that has it, and that is told', async () => {
    const { counter, said, stop, wait } = scene('goes on');
    const waiting = wait(async () => false);
    expect(counter.takeOrders()).toEqual([ORDER]);
    counter.isRunning(ORDER.id, null);
    stop.abort(new Error('stopped by Ctrl-C'));
    expect(said).toEqual(['The gateway goes on with it: holdfast recovery status shop']);
    await expect(waiting).rejects.toThrow('stopped by Ctrl-C');
    // Nothing is told of what was over before.
    expect(said).toHaveLength(1);
  });
});
