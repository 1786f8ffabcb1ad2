/**
 * The report over trails that the real writer wrote: each figure with the entries it is from, a record that
 * was changed, a search that was led astray, and words of strangers.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HoldfastEvent } from '../../model/event.ts';
import { ManualClock } from '../../testing/manual-clock.ts';
import { LONELY_INSTANCE, MemoryTrailStore } from '../../testing/memory-trail-store.ts';
import { refusalOf } from '../../testing/refusal.ts';
import { decisionOf } from '../../testing/trail-fixtures.ts';
import { signerFromSeed } from '../signer.ts';
import { TrailLog } from '../trail-log.ts';
import { pageOf } from './html/page.ts';
import { digestOf, makeReport } from './reliability-report.ts';
import { RELIABILITY_REPORT, type ReliabilityReport } from './report-shape.ts';
import { summaryOf } from './summary.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ORIGIN = 'holdfast/report';
const signer = signerFromSeed(ORIGIN, Buffer.alloc(32, 7));
const stranger = signerFromSeed(ORIGIN, Buffer.alloc(32, 8));
const NOVEMBER = { from: '2026-11-01T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' };

let store: MemoryTrailStore;
let clock: ManualClock;
let log: TrailLog;

beforeEach(async () => {
  store = new MemoryTrailStore();
  clock = new ManualClock('2026-10-20T00:00:00.000Z');
  log = await started();
});
afterEach(() => log.stop());

function started(): Promise<TrailLog> {
  return TrailLog.start({
    store,
    instances: LONELY_INSTANCE,
    signer,
    clock,
    instanceId: 'instance_report',
    journal: null,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
  });
}

/** At that time, which is not before the last one. */
function at(iso: string): void {
  clock.pass(Date.parse(iso) - clock.now().getTime());
}

/** The entry it becomes. */
async function note(
  kind: HoldfastEvent['kind'],
  facts: HoldfastEvent['facts'],
  message: string = kind,
) {
  await log.record({ kind, facts, message });
  return store.entries.length - 1;
}

function question(target: string | null = null, { from, to } = NOVEMBER) {
  return { from: new Date(from), to: new Date(to), target };
}

function make(asked = question(), key = signer.verifierKey): Promise<ReliabilityReport> {
  return makeReport({ store, key, origin: ORIGIN, clock }, asked);
}

async function signedReport(asked = question()): Promise<ReliabilityReport> {
  await log.flush();
  return make(asked);
}

const PROMISE = { promisedRpoMs: 60_000, promisedRtoMs: 900_000, promisedProvenAgeMs: 26 * HOUR };

function measured(from: string, more: HoldfastEvent['facts'] = {}): HoldfastEvent['facts'] {
  const looked = { looks: 180, late: 0, without: 0, green: 180, amber: 0, red: 0 };
  return { target: 'shop', from, ...looked, rpoMs: 400, rtoMs: 3_000, ...PROMISE, ...more };
}

const PHASES = { fetchMs: 100, restoreMs: 900, replayMs: 400, firstQueryMs: 20, checkMs: 300 };

describe('a report of a target', () => {
  it('has what could have been lost, each hour, against what was promised', async () => {
    at('2026-10-31T23:00:00.000Z');
    await note('recovery-measured', measured('2026-10-31T22:00:00.000Z', { rpoMs: 99_000_000 }));
    at('2026-11-01T01:00:00.000Z');
    const first = await note('recovery-measured', measured('2026-10-31T23:00:00.000Z'));
    at('2026-11-02T05:00:00.000Z');
    const late = { looks: 100, late: 7, without: 2, green: 90, amber: 3, red: 7, rpoMs: 75_000 };
    const worst = await note('recovery-measured', measured('2026-11-02T04:00:00.000Z', late));
    at('2026-11-03T05:00:00.000Z');
    const changed = { promisedRpoMs: 30_000 };
    const last = await note('recovery-measured', measured('2026-11-03T04:00:00.000Z', changed));
    const [shop] = (await signedReport()).targets;
    expect(shop).toMatchObject({
      target: 'shop',
      promise: { entry: last, rpoMs: 30_000, rtoMs: 900_000, changes: 1 },
      rpo: {
        worstMs: 75_000,
        worstEntry: worst,
        looks: 460,
        late: 7,
        without: 2,
        colours: { green: 450, amber: 3, red: 7 },
        // From the beginning of the month to the last entry: 53 hours, of which 3 were measured.
        unmeasuredMs: 50 * HOUR,
        source: { kinds: ['recovery-measured'], entries: 3, first, last },
      },
    });
    // A stretch at which nothing reached a vault has no number, however small what else was measured.
    expect(shop?.rpo.stretches.map(({ rpoMs }) => rpoMs)).toEqual([400, null, 400]);
  });

  it('holds each figure against the promise of its own time, and says when that changed', async () => {
    const drill = { target: 'shop', vault: 'far', point: 'p', drill: 'd', ...PHASES };
    const tight = { promisedRpoMs: 30_000, promisedRtoMs: 60_000 };
    // 40 s to come back: kept before the tenth (15 min), and after it too (60 s); 100 s only before it.
    at('2026-11-02T02:30:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 100_000 });
    at('2026-11-02T03:00:00.000Z');
    await note('recovery-measured', measured('2026-11-02T02:00:00.000Z', { rpoMs: 50_000 }));
    at('2026-11-10T09:30:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 40_000 });
    at('2026-11-10T10:00:00.000Z');
    await note('recovery-measured', measured('2026-11-10T09:00:00.000Z', tight));
    const kept = await signedReport();
    const [before] = kept.targets;
    expect(before?.rto).toMatchObject({ worstMs: 100_000, late: 0, unjudged: 0 });
    expect(before?.promise).toMatchObject({
      rtoMs: 60_000,
      changes: 1,
      list: [
        { at: '2026-11-02T02:00:00.000Z', rpoMs: 60_000, rtoMs: 900_000 },
        { at: '2026-11-10T09:00:00.000Z', rpoMs: 30_000, rtoMs: 60_000 },
      ],
      unlisted: 0,
    });
    // 50 s that could have been lost were under what was promised then, and are over what is now.
    expect(before?.rpo.stretches).toMatchObject([
      { rpoMs: 50_000, promisedMs: 60_000 },
      { rpoMs: 400, promisedMs: 30_000 },
    ]);
    const page = pageOf(kept);
    expect(page).not.toContain('class="late"');
    expect(page).toContain(
      '1 min 40 s (promised: 15 min, from 10 November 2026, 09:00:00 on 1 min)',
    );
    expect(page).toContain('promised: 1 min, from 10 November 2026, 09:00:00 on 30 s');
    // A step of the line for each promise.
    expect(page.match(/class="promise"/g)).toHaveLength(2);

    at('2026-11-11T09:00:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 70_000 });
    const broken = await signedReport();
    expect(broken.targets[0]?.rto).toMatchObject({ worstMs: 100_000, late: 1, unjudged: 0 });
    expect(pageOf(broken)).toContain('1 took longer than was promised then');
  });

  it('makes nothing good by a promise that came later, and judges nothing by none', async () => {
    const drill = { target: 'shop', vault: 'far', point: 'p', drill: 'd', ...PHASES };
    at('2026-11-02T02:30:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 100_000 });
    at('2026-11-02T05:00:00.000Z');
    const tight = { promisedRtoMs: 60_000 };
    await note('recovery-measured', measured('2026-11-02T04:00:00.000Z', tight));
    at('2026-11-02T05:30:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 80_000 });
    at('2026-11-02T06:00:00.000Z');
    await note('recovery-measured', measured('2026-11-02T05:00:00.000Z', tight));
    at('2026-11-03T06:00:00.000Z');
    await note('recovery-measured', measured('2026-11-03T05:00:00.000Z'));
    const report = await signedReport();
    // Of the first nobody knows; the second was late by a minute's promise, whatever was promised afterwards.
    expect(report.targets[0]?.rto).toMatchObject({ late: 1, unjudged: 1 });
    expect(pageOf(report)).toContain('of 1 the record does not say what was promised');
  });

  it('has its rehearsals with their parts, its proofs by day, and its points', async () => {
    at('2026-11-05T02:00:00.000Z');
    const drill = { target: 'shop', vault: 'far', point: '20261105T000000Z-1', drill: 'd1' };
    const first = await note('drill-passed', { ...drill, rtoMs: 2_000, rpoMs: 0, ...PHASES });
    await note('blast-radius-proved', { target: 'shop', vault: 'far', verdict: 'PROVEN' });
    await note('recovery-point-taken', { target: 'shop', vault: 'far', point: 'p', bytes: 1_500 });
    at('2026-11-05T09:00:00.000Z');
    await note('blast-radius-unknown', { target: 'shop', vault: 'far', verdict: 'UNKNOWN' });
    at('2026-11-06T02:00:00.000Z');
    await note('drill-passed', { ...drill, rtoMs: 6_000, rpoMs: 10, ...PHASES, fetchMs: 300 });
    const failed = await note('drill-failed', { ...drill, rtoMs: 99_000, reason: 'rows differ' });
    await note('drill-not-run', { ...drill, rtoMs: null, rpoMs: null, reason: 'no server' });
    await note('blast-radius-refuted', { target: 'shop', vault: 'far', verdict: 'REFUTED' });
    await note('recovery-point-failed', { target: 'shop', vault: 'far', reason: 'full' });
    const [shop] = (await signedReport()).targets;
    expect(shop?.drills).toMatchObject({
      passed: 2,
      failed: 1,
      notRun: 1,
      phases: PHASES,
      source: { entries: 4, first, last: failed + 1 },
    });
    expect(shop?.drills.list[2]).toMatchObject({ verdict: 'failed', reason: 'rows differ' });
    // One that failed took its time, too; it is no time in which anything came back.
    expect(shop?.rto).toMatchObject({
      worstMs: 6_000,
      medianMs: 2_000,
      newestMs: 6_000,
      source: { entries: 2 },
    });
    expect(shop?.proofs).toMatchObject({ proven: 1, refuted: 1, unknown: 1 });
    expect(shop?.proofs.days).toMatchObject([
      { day: '2026-11-05', vault: 'far', proven: 1, unknown: 1, refuted: 0 },
      { day: '2026-11-06', vault: 'far', proven: 0, unknown: 0, refuted: 1 },
    ]);
    expect(shop?.points).toMatchObject({ taken: 1, failed: 1, bytes: 1_500 });
  });

  it('leaves out the other targets when one is asked for, and keeps what is of none', async () => {
    at('2026-11-05T00:00:00.000Z');
    await note('drill-failed', { target: 'shop', vault: 'far', point: 'p', reason: 'x' });
    await note('drill-failed', { target: 'other', vault: 'far', point: 'p', reason: 'x' });
    await note('agent-paused', { agent: 'codex', by: 'ana', note: '' });
    await note('token-issued', { agent: 'a', token: 't1', targets: 'other,third', expires: '' });
    await note('token-issued', { agent: 'a', token: 't2', targets: 'other,shop', expires: '' });
    const report = await signedReport(question('shop'));
    expect(report.targets.map(({ target }) => target)).toEqual(['shop']);
    expect(report.incidents.list.map(({ kind }) => kind)).toEqual(['drill-failed', 'agent-paused']);
    expect(report.tokens.issued).toBe(1);
  });
});

describe('a report of people and agents', () => {
  it('has what waited, how it was decided, and how long that took', async () => {
    const waits = [5, 10, 20, 30, 40, 50, 60, 70, 80, 3_600];
    at('2026-10-31T23:59:00.000Z');
    const early = await note('hold-opened', { hold: 'h_early', target: 'shop' });
    at('2026-11-01T00:01:00.000Z');
    const first = await note('hold-denied', { hold: 'h_early', target: 'shop' });
    for (const [number, seconds] of waits.entries()) {
      const facts = { hold: `h_${number}`, target: 'shop' };
      await note('hold-opened', facts);
      clock.pass(seconds * 1_000);
      await note('hold-signed', { ...facts, complete: false });
      await note('hold-signed', { ...facts, complete: true });
    }
    await note('hold-opened', { hold: 'h_x', target: 'shop' });
    await note('hold-expired', { hold: 'h_x', target: 'shop' });
    await note('hold-signed', { hold: 'h_of_old', target: 'shop', complete: true });
    const last = await note('hold-voided', { hold: 'h_9', target: 'shop' });
    const { holds } = await signedReport();
    expect(early).toBeLessThan(first);
    expect(holds).toMatchObject({ opened: 11, approved: 11, denied: 1, expired: 1, voided: 1 });
    // 5 10 20 30 40 50 60 70 80 120 3600: the hold of October was answered after two minutes.
    expect(holds.waiting).toEqual({
      medianMs: 50_000,
      p90Ms: 120_000,
      longestMs: 3_600_000,
      counted: 11,
      untimed: 1,
    });
    expect(holds.source).toMatchObject({ entries: 25, first, last });
  });

  it('has what was refused, by rule, and what was decided', async () => {
    at('2026-11-05T00:00:00.000Z');
    const refuse = (rule: string) =>
      ({ kind: 'refuse', rule, reason: 'No.', hint: 'Ask.' }) as const;
    for (const rule of ['sealed.all', 'sealed.recovery', 'sealed.recovery']) {
      const ref = await log.decide(decisionOf('DROP TABLE x', { verdict: refuse(rule) }));
      log.outcome(ref, { kind: 'not-forwarded', reason: 'refused' });
    }
    const ref = await log.decide(decisionOf('DELETE FROM x WHERE id = 1'));
    log.outcome(ref, { kind: 'done', tag: 'DELETE 1', transaction: 'ended' });
    const report = await signedReport();
    expect(report.decisions).toMatchObject({ forward: 1, refuse: 3, hold: 0, protect: 0 });
    expect(report.refusals).toMatchObject({ total: 3, others: 0, source: { entries: 3 } });
    expect(report.refusals.rules).toMatchObject([
      { rule: 'sealed.recovery', entries: 2 },
      { rule: 'sealed.all', entries: 1 },
    ]);
  });

  it('has what was taken back; conflicts that an entry does not tell are not made up', async () => {
    at('2026-11-05T00:00:00.000Z');
    const undo = { target: 'shop', items: 'undo_1', count: 2, rows: 30, whole: true };
    await note('undo-applied', { ...undo, conflicts: 3 });
    expect((await signedReport()).undo).toMatchObject({ applied: 1, rows: 30, conflicts: 3 });
    await note('undo-applied', { ...undo, whole: false });
    expect((await signedReport()).undo).toMatchObject({
      applied: 2,
      items: 4,
      rows: 60,
      conflicts: null,
      partly: 1,
    });
  });

  it('has what was restored beside a target, and what was written out of it', async () => {
    at('2026-11-05T00:00:00.000Z');
    expect(summaryOf(await signedReport()).map(({ text }) => text)).toContain(
      'Nothing was taken back.',
    );
    const copy = { restore: 'restore_1', target: 'shop', vault: 'far' };
    const first = await note('restore-came-back', { ...copy, point: 'p', rtoMs: 9 });
    const sums = { inserted: 3_000, setBack: 100, deleted: 0, conflicts: 7 };
    await note('restore-written-back', { ...copy, by: 'ada', write: 'restore_w', ...sums });
    const last = await note('restore-promoted', {
      ...{ target: 'shop', proposal: 'prop_1', write: 'restore_p' },
      ...{ inserted: 0, setBack: 0, deleted: 5, conflicts: 0 },
    });
    await note('restore-came-back', { ...copy, target: 'other' });
    const report = await signedReport(question('shop'));
    expect(report.restores).toEqual({
      ...{ came: 1, writtenBack: 1, promoted: 1, rows: 3_105, failed: 0, outOfReach: 0 },
      source: { kinds: expect.any(Array), which: '', entries: 3, first, last },
    });
    const texts = summaryOf(report).map(({ text }) => text);
    expect(texts).toContain('Restores: 1 to look at, 1 written back, 1 promoted: 3,105 rows.');
    expect(texts).not.toContain('Nothing was taken back.');
    expect(pageOf(report)).toContain('1 to look at, 1 written back, 1 promoted: 3,105 rows;');
    // As older versions wrote it: the rows are not known, and not made up.
    await note('restore-promoted', { target: 'shop', proposal: 'prop_2' });
    const older = await signedReport(question('shop'));
    expect(older.restores).toMatchObject({ promoted: 2, rows: null });
    expect(older.notInTrail.join(' ')).toContain('Rows of some restores that were promoted');
    expect(pageOf(older)).toContain('rows not in the record');
  });

  it('calls a restore that asked for what is not there no incident, and any other one', async () => {
    at('2026-11-05T00:00:00.000Z');
    const copy = { restore: 'restore_1', target: 'shop', vault: 'far', reason: 'x' };
    const failed = (code: string | null, wishKind?: string) =>
      note('restore-failed', { ...copy, code, ...(wishKind === undefined ? {} : { wishKind }) });
    for (const kind of ['at', 'lsn', 'point']) {
      await failed('HF_RESTORE_WINDOW', kind);
      await failed('HF_RECOVERY_GOAL', kind);
    }
    await failed('HF_RECOVERY_FOLDER', 'newest');
    await failed('HF_USAGE', 'point');
    const typed = await signedReport();
    expect(typed.incidents.total).toBe(0);
    expect(typed.restores).toMatchObject({ failed: 0, outOfReach: 8 });
    expect(summaryOf(typed)).toContainEqual({
      is: 'plain',
      text: 'Restores: 0 to look at, 0 written back, 0 promoted. 8 others asked for what is not there, or into a folder that was not empty.',
    });
    // All there is was asked for, and nothing was there; what was stored is damaged; it does not say.
    const first = await failed('HF_RESTORE_WINDOW', 'newest');
    await failed('HF_RECOVERY_DAMAGED', 'at');
    await failed('HF_RECOVERY_WAL', 'at');
    await failed('HF_RESTORE_ROOM', 'at');
    await failed('HF_RESTORE_WINDOW');
    await failed(null, 'at');
    const last = await note('restore-failed', copy);
    const report = await signedReport();
    expect(report.incidents.kinds).toEqual([
      {
        kind: 'restore-failed',
        source: {
          ...{ kinds: ['restore-failed'], which: expect.stringContaining('facts.code') },
          ...{ entries: 7, first, last },
        },
      },
    ]);
    expect(report.restores).toMatchObject({ failed: 7, outOfReach: 8 });
    expect(summaryOf(report).find(({ text }) => text.startsWith('Restores:'))?.is).toBe('bad');
  });

  it('has the oldest token that was alive, also one of before the period', async () => {
    at('2026-10-25T00:00:00.000Z');
    const issued = (token: string, days: number) =>
      note('token-issued', {
        agent: 'codex',
        token,
        targets: 'shop',
        expires: new Date(clock.now().getTime() + days * DAY).toISOString(),
      });
    await issued('t_gone', 6);
    const old = await issued('t_old', 30);
    at('2026-11-01T00:00:00.000Z');
    await issued('t_new', 9);
    at('2026-11-04T00:00:00.000Z');
    const revoked = await note('token-revoked', { token: 't_old' });
    expect((await signedReport()).tokens).toMatchObject({
      issued: 1,
      revoked: 1,
      oldest: { token: 't_old', ageMs: 10 * DAY, issuedEntry: old, revokedEntry: revoked },
    });
    at('2026-11-20T00:00:00.000Z');
    // It ran out on the tenth: nine days, which is not the oldest.
    expect((await signedReport()).tokens.oldest).toMatchObject({ token: 't_old', isAlive: false });
    const december = { from: '2026-11-05T00:00:00.000Z', to: '2026-12-01T00:00:00.000Z' };
    expect((await signedReport(question(null, december))).tokens).toMatchObject({
      issued: 0,
      oldest: { token: 't_new', ageMs: 9 * DAY, revokedEntry: null, isAlive: false },
    });
  });

  it('has incidents with the entries that say so, and not what only looks like one', async () => {
    at('2026-11-05T00:00:00.000Z');
    const standing = { target: 'shop', before: 'green', reason: 'old' };
    const red = await note('recovery-standing', { ...standing, now: 'red' });
    await note('recovery-standing', { ...standing, now: 'amber' });
    await note('protection-changed', { target: 'shop', level: 'full', findings: 0 });
    const amiss = await note('protection-changed', { target: 'shop', level: 'full', findings: 2 });
    await note('instance-stopped', { instance: 'i', killed: false });
    for (let times = 0; times < 60; times++) {
      await note('foreign-credential', { agent: 'codex' }, 'A real credential came.');
    }
    const { incidents } = await signedReport();
    expect(incidents.total).toBe(62);
    expect(incidents.kinds.map(({ kind, source }) => [kind, source.entries])).toEqual([
      ['recovery-standing', 1],
      ['protection-changed', 1],
      ['foreign-credential', 60],
    ]);
    expect(incidents.list.slice(0, 2).map(({ entry }) => entry)).toEqual([red, amiss]);
    expect([incidents.list.length, incidents.unlisted]).toEqual([52, 10]);
  });
});

describe('the record that it is of', () => {
  it('is verified around the period, and what lies in it is by its own times', async () => {
    at('2026-11-01T00:00:00.000Z');
    const first = await note('agent-paused', { agent: 'a', by: 'ana', note: '' });
    at('2026-11-30T23:59:59.999Z');
    const last = await note('agent-paused', { agent: 'b', by: 'ana', note: '' });
    at('2026-12-01T00:00:00.000Z');
    await note('agent-paused', { agent: 'c', by: 'ana', note: '' });
    const report = await signedReport();
    expect(report.trail).toMatchObject({
      ok: true,
      from: 0,
      to: store.entries.length,
      checkpoint: store.kept.at(-1)?.note,
      unsigned: 0,
      beginsAt: null,
      isOver: true,
      period: { entries: 2, first, last },
    });
    expect(RELIABILITY_REPORT.parse(report)).toEqual(report);
    const { digest, ...body } = report;
    expect(digestOf(body)).toBe(digest);
  });

  it('is not counted where no checkpoint covers it', async () => {
    at('2026-11-05T00:00:00.000Z');
    await note('agent-paused', { agent: 'a', by: 'ana', note: '' });
    const unsigned = await make();
    expect(unsigned.trail).toMatchObject({ ok: false, to: 0, checkpoint: null });
    expect(unsigned.trail.unsigned).toBe(store.entries.length);
    await log.flush();
    await note('agent-paused', { agent: 'b', by: 'ana', note: '' });
    const report = await make();
    expect(report.trail).toMatchObject({ ok: true, unsigned: 1 });
    expect(report.incidents.total).toBe(1);
  });

  it('says in red that it does not hold, before any figure', async () => {
    at('2026-11-05T00:00:00.000Z');
    const changed = await note('drill-failed', { target: 'shop', vault: 'v', point: 'p' });
    await log.flush();
    const entry = store.entries[changed];
    if (entry === undefined) throw new Error('no entry');
    const bytes = Buffer.from(entry.bytes.toString().replace('drill-failed', 'drill-passed'));
    store.entries[changed] = { ...entry, bytes };
    const report = await make();
    expect(report.trail.ok).toBe(false);
    expect(report.trail.findings[0]).toMatchObject({ code: 'root-differs' });
    expect(summaryOf(report)[0]).toMatchObject({ is: 'bad' });
    const page = pageOf(report);
    const said = page.indexOf('The record does not hold. Do not rely on any figure below.');
    expect(said).toBeGreaterThan(0);
    expect(said).toBeLessThan(page.indexOf('In short'));
  });

  it('does not hold by the key of somebody else, nor with a gap', async () => {
    at('2026-11-05T00:00:00.000Z');
    for (let times = 0; times < 20; times++) await note('signed-in', { person: 'ana' });
    await log.flush();
    const other = await make(question(), stranger.verifierKey);
    expect(other.trail.findings[0]).toMatchObject({ code: 'not-signed-by-key' });
    store.entries.splice(5, 1);
    const gap = await make();
    expect(gap.trail).toMatchObject({ ok: false, to: 5 });
    expect(gap.trail.findings.map(({ code }) => code)).toContain('entries-missing');
  });

  it('begins at a checkpoint where it is long, and so little is read', async () => {
    for (let day = 0; day < 80; day++) {
      await note('drill-failed', { target: 'shop', vault: 'v', point: String(day) });
      await log.flush();
      clock.pass(DAY);
    }
    const week = { from: '2026-12-20T00:00:00.000Z', to: '2026-12-27T00:00:00.000Z' };
    const report = await make(question(null, week));
    // Thirty days before it are read as well, for what was open; and one day and an hour behind it.
    expect(report.trail).toMatchObject({ ok: true });
    expect([report.trail.from, report.trail.to]).toEqual([expect.any(Number), expect.any(Number)]);
    expect(report.trail.from).toBeGreaterThan(20);
    expect(report.trail.to).toBeLessThan(75);
    expect(report.incidents.total).toBe(7);
    const days = report.incidents.list.map((one) => one.at.slice(0, 10));
    expect([days[0], days.at(-1)]).toEqual(['2026-12-20', '2026-12-26']);
  });

  it('is not led astray by an entry whose time was changed: that is read, and found out', async () => {
    for (let day = 0; day < 80; day++) {
      await note('drill-failed', { target: 'shop', vault: 'v', point: String(day) });
      await log.flush();
      clock.pass(DAY);
    }
    const week = { from: '2026-12-20T00:00:00.000Z', to: '2026-12-27T00:00:00.000Z' };
    const honest = await make(question(null, week));
    // Whoever hides the week makes the search believe that it lies elsewhere: each single entry is tried.
    for (let index = 0; index < store.entries.length; index++) {
      const entry = store.entries[index];
      if (entry === undefined) throw new Error('no entry');
      for (const time of ['2020-01-01T00:00:00.000Z', '2031-01-01T00:00:00.000Z']) {
        const text = entry.bytes.toString().replace(/"time":"[^"]+"/, `"time":"${time}"`);
        store.entries[index] = { ...entry, bytes: Buffer.from(text) };
        const report = await make(question(null, week));
        const isSame = report.incidents.total === honest.incidents.total;
        expect([index, time, !report.trail.ok || isSame]).toEqual([index, time, true]);
      }
      store.entries[index] = entry;
    }
  });

  it('a checkpoint whose stored tree was changed is not begun at', async () => {
    for (let day = 0; day < 80; day++) {
      await note('drill-failed', { target: 'shop', vault: 'v', point: String(day) });
      await log.flush();
      clock.pass(DAY);
    }
    const week = { from: '2026-12-20T00:00:00.000Z', to: '2026-12-27T00:00:00.000Z' };
    const honest = await make(question(null, week));
    const began = store.kept.findIndex(({ size }) => Number(size) === honest.trail.from);
    const kept = store.kept[began];
    if (kept === undefined) throw new Error('no checkpoint');
    const forged = stranger.sign({ size: kept.size, root: Buffer.alloc(32) });
    for (const changed of [
      { ...kept, frontier: [] },
      { ...kept, frontier: kept.frontier.map(() => Buffer.alloc(32)) },
      { ...kept, note: 'no note' },
      { ...kept, note: forged },
    ]) {
      store.kept[began] = changed;
      const report = await make(question(null, week));
      expect(report.trail.from).toBe(0);
      expect(report.incidents.total).toBe(7);
      // Whose note is no checkpoint of ours is a finding; a wrong tree beside a right note harms nothing.
      expect(report.trail.ok).toBe(changed.note === kept.note);
    }
  });

  it('numbers that are none, and too large ones, make no figure and stop no report', async () => {
    at('2026-11-05T00:00:00.000Z');
    const most = Number.MAX_SAFE_INTEGER;
    const odd = { target: 'shop', vault: 'v', point: 'p', reason: null };
    for (const bytes of [most, most, -5, 'many', true, null]) {
      await note('recovery-point-taken', { ...odd, bytes });
      await note('drill-passed', { ...odd, rtoMs: bytes, rpoMs: bytes, fetchMs: bytes });
      await note('undo-applied', { target: 'shop', count: bytes, rows: bytes, conflicts: bytes });
      await note('restore-written-back', { target: 'shop', inserted: bytes, setBack: bytes });
      const looked = { looks: bytes, late: bytes, without: 0, rpoMs: bytes, from: String(bytes) };
      await note('recovery-measured', { target: 'shop', ...looked, promisedRpoMs: bytes });
      await note('token-issued', { agent: 'a', token: String(bytes), expires: bytes });
    }
    const report = await signedReport();
    expect(RELIABILITY_REPORT.parse(report)).toEqual(report);
    expect(report.targets[0]).toMatchObject({
      points: { taken: 6, bytes: most },
      promise: null,
      rto: { source: { entries: 2 } },
    });
    expect(report.undo).toMatchObject({ rows: most, conflicts: null });
    expect(pageOf(report)).not.toMatch(/NaN|Infinity|undefined|\[object/);
  });

  it('a period that is none, or longer than anybody asks for, is refused', async () => {
    const backwards = { from: NOVEMBER.to, to: NOVEMBER.from };
    expect((await refusalOf(make(question(null, backwards)))).code).toBe('HF_USAGE');
    const ages = { from: '2001-01-01T00:00:00.000Z', to: NOVEMBER.to };
    expect((await refusalOf(make(question(null, ages)))).code).toBe('HF_USAGE');
  });

  it('an empty period has no figures, and says what is not there', async () => {
    at('2026-12-05T00:00:00.000Z');
    const report = await signedReport();
    expect(report.trail).toMatchObject({ ok: true, period: { entries: 0, first: null } });
    expect(report.notInTrail.join(' ')).toContain('no entry of the period says so');
    expect(pageOf(report)).toContain('None of the kinds');
  });
});

describe('what others wrote', () => {
  const HOSTILE = `<script>alert(1)</script><img src=x onerror=alert(2)> "'&\u202eevil\u0000`;

  it('is text on the page, wherever it stands', async () => {
    at('2026-11-05T00:00:00.000Z');
    const target = `shop${HOSTILE}`;
    await note('recovery-measured', { ...measured('2026-11-04T23:00:00.000Z'), target });
    await note('drill-failed', { target, vault: HOSTILE, point: HOSTILE, reason: HOSTILE });
    await note('blast-radius-refuted', { target, vault: HOSTILE }, HOSTILE);
    await note('agent-paused', { agent: HOSTILE, by: 'ana', note: HOSTILE }, HOSTILE);
    await note('token-issued', { agent: HOSTILE, token: HOSTILE, targets: '', expires: '' });
    const verdict = { kind: 'refuse', rule: HOSTILE, reason: HOSTILE, hint: HOSTILE } as const;
    const ref = await log.decide(decisionOf(HOSTILE, { verdict }));
    log.outcome(ref, { kind: 'not-forwarded', reason: 'refused' });
    const page = pageOf(await signedReport(question()));
    expect(page).not.toMatch(/<script|<img|\u202e/);
    expect(page).not.toContain('\0');
    expect(page.match(/&lt;script&gt;alert\(1\)&lt;\/script&gt;/g)?.length).toBeGreaterThan(5);
    expect(page).toContain('\\u{202e}');
    // Nothing on the page is ours to run, nor from elsewhere.
    expect(page).not.toMatch(/https?:|url\(|<[^>]* (?:src|href|on\w+)=/);
  });

  it('a target whose name is not the one asked for stays out by its text', async () => {
    at('2026-11-05T00:00:00.000Z');
    await note('drill-failed', { target: 'shop', vault: 'v', point: 'p' });
    const report = await signedReport(question(`shop${HOSTILE}`));
    expect(report.targets).toEqual([]);
    expect(pageOf(report)).not.toMatch(/<script|<img/);
  });

  it('a trail that ends in bytes of others has them counted nowhere, and does not hold', async () => {
    at('2026-11-05T00:00:00.000Z');
    await note('drill-failed', { target: 'shop', vault: 'v', point: 'p' });
    await log.flush();
    const last = store.entries.length - 1;
    const entry = store.entries[last];
    if (entry === undefined) throw new Error('no entry');
    for (const text of ['', '[]', '{"kind":"drill-failed"}', '\ud800', '{"v":1e999}']) {
      store.entries[last] = { ...entry, bytes: Buffer.from(text) };
      const report = await make();
      expect([text, report.trail.ok, report.trail.unreadable]).toEqual([text, false, 1]);
    }
    store.entries[last] = entry;
  });
});
