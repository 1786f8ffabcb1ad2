import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../model/errors.ts';
import { NOTHING_PROVEN } from '../model/recovery-facts.ts';
import { Counter } from './counter.ts';
import { NOWHERE } from './same-as.ts';
import type { TargetReport } from './target-report.ts';
import { errorOf } from './trouble.ts';
import type { WorkOrder } from './work.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-counter-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const ORDER: WorkOrder = {
  id: '00112233aabbccdd',
  kind: 'drill',
  target: 'shop',
  vault: null,
  point: null,
  goal: 'random',
};
const REPORT: TargetReport = {
  format: 'holdfast/recovery-report/1',
  target: 'shop',
  at: '2026-11-28T12:00:00.000Z',
  isRunning: true,
  colour: 'red',
  because: ['No recovery point has been proven by a drill.'],
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

describe('the counter between a gateway and a command', () => {
  it('keeps reports, and lets nobody else in', () => {
    const folder = join(root, 'reports');
    const counter = new Counter(folder);
    expect(counter.report('shop')).toBeNull();
    counter.leaveReport(REPORT);
    expect(counter.report('shop')).toEqual(REPORT);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    writeFileSync(join(folder, 'shop.report.json'), '{"colour":"green"}');
    expect(counter.report('shop')).toBeNull();
  });

  it('takes no report for how a target stands that is old, of the future, or of no gateway', () => {
    const counter = new Counter(join(root, 'fresh'));
    const after = (seconds: number): Date => new Date(Date.parse(REPORT.at) + seconds * 1000);
    expect(counter.freshReport('shop', after(0))).toBeNull();
    counter.leaveReport(REPORT);
    expect(counter.freshReport('shop', after(0))).toEqual(REPORT);
    expect(counter.freshReport('shop', after(59))).toEqual(REPORT);
    expect(counter.freshReport('shop', after(60))).toBeNull();
    expect(counter.freshReport('shop', after(-1))).toBeNull();
    counter.leaveReport({ ...REPORT, isRunning: false });
    expect(counter.freshReport('shop', after(1))).toBeNull();
  });

  it('does not read an answer with a drill that is not one of ours', () => {
    const folder = join(root, 'drills');
    const counter = new Counter(folder);
    const result = { vault: 'far', point: null, drill: null, proof: null, notKept: null };
    counter.isDone(ORDER.id, [result]);
    expect(counter.answer(ORDER.id)).toEqual({ state: 'done', results: [result] });
    const path = join(folder, `${ORDER.id}.answer.json`);
    for (const drill of [{ verdict: 'passed' }, 'passed', undefined]) {
      writeFileSync(path, JSON.stringify({ state: 'done', results: [{ ...result, drill }] }));
      expect(counter.answer(ORDER.id)).toBeNull();
    }
  });

  it('hands each order over once, and none that does not read', () => {
    const folder = join(root, 'orders');
    const counter = new Counter(folder);
    counter.leaveOrder(ORDER);
    writeFileSync(join(folder, 'x.order.json'), JSON.stringify({ ...ORDER, id: '../../etc' }));
    writeFileSync(join(folder, 'y.order.json'), 'no JSON');
    expect([counter.isLeft(ORDER.id), counter.answer(ORDER.id)]).toEqual([true, null]);
    expect(counter.takeOrders()).toEqual([ORDER]);
    expect(counter.takeOrders()).toEqual([]);
    // Whoever waits for it sees that it was taken.
    expect([counter.isLeft(ORDER.id), counter.answer(ORDER.id)]).toEqual([
      false,
      { state: 'taken' },
    ]);
    counter.takeBack(ORDER.id);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('tells how far it is, and how it ended', () => {
    const counter = new Counter(join(root, 'answers'));
    const progress = {
      phase: 'backup',
      doneBytes: 1,
      totalBytes: null,
      bytesPerSecond: 0,
    } as const;
    expect(counter.answer(ORDER.id)).toBeNull();
    counter.isRunning(ORDER.id, progress);
    expect(counter.answer(ORDER.id)).toEqual({ state: 'running', progress });
    counter.hasFailed(
      ORDER.id,
      new HoldfastError('HF_RECOVERY_KEY', { expected: 'a', found: 'b', hint: 'c' }),
    );
    const failed = counter.answer(ORDER.id);
    if (failed?.state !== 'failed') throw new Error('it has failed');
    expect(errorOf(failed)).toMatchObject({ code: 'HF_RECOVERY_KEY', found: 'b' });
    expect(errorOf({ ...failed, code: 'toString' }).code).toBe('HF_INTERNAL');
    counter.leaveOrder(ORDER);
    counter.clear();
    expect([counter.answer(ORDER.id), counter.takeOrders()]).toEqual([null, []]);
  });
});
