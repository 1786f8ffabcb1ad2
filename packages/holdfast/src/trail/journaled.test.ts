/** The trail over a journal: what is jotted, what is durable, and what a start after a crash finds. */
import { describe, expect, it } from 'vitest';
import { systemClock } from '../model/clock.ts';
import { HoldfastError } from '../model/errors.ts';
import { LONELY_INSTANCE, MemoryTrailStore } from '../testing/memory-trail-store.ts';
import { decisionOf } from '../testing/trail-fixtures.ts';
import { verifyStore } from './audit.ts';
import type { Journal, JournalRecord } from './journal.ts';
import { signerFromSeed } from './signer.ts';
import { TrailLog } from './trail-log.ts';

const signer = signerFromSeed('holdfast/journal', Buffer.alloc(32, 3));
const DONE = { kind: 'done', tag: 'DELETE 1', transaction: 'ended' } as const;

class MemoryJournal implements Journal {
  readonly leftover: JournalRecord[];
  readonly written: Buffer[] = [];
  released = 0;
  isFull = false;
  #makeDurable: (() => void)[] = [];

  constructor(leftover: JournalRecord[] = []) {
    this.leftover = leftover;
  }
  get next(): number {
    return this.written.length + 1;
  }
  write(bytes: Buffer): void {
    if (this.isFull) throw new HoldfastError('HF_TRAIL_UNAVAILABLE', NO_SPACE);
    this.written.push(bytes);
  }
  durable(): Promise<void> {
    return new Promise((done) => this.#makeDurable.push(done));
  }
  hasten(): void {}
  sync(): void {
    for (const done of this.#makeDurable.splice(0)) done();
  }
  release(sequence: number): void {
    this.released = sequence;
  }
  forgetLeftover(): void {
    this.leftover.length = 0;
  }
  close(): void {}
}

const NO_SPACE = { expected: 'room', found: 'ENOSPC', hint: 'Make room.' };

function start(store: MemoryTrailStore, journal: Journal, instanceId = 'instance_b') {
  return TrailLog.start({
    store,
    journal,
    instances: LONELY_INSTANCE,
    signer,
    clock: systemClock,
    instanceId,
    readsWhenUnavailable: 'refuse',
    onFault: () => {},
  });
}

async function entriesOf(store: MemoryTrailStore) {
  return store.entries.map(({ bytes }) => JSON.parse(bytes.toString()));
}

describe('the trail over a journal', () => {
  it('has a jotted decision in the journal when jot returns, and in the trail soon after', async () => {
    const store = new MemoryTrailStore();
    const journal = new MemoryJournal();
    const log = await start(store, journal);
    const ref = log.jot(decisionOf('delete from t where id = 1'));
    expect(journal.written).toHaveLength(1);
    expect(ref?.index).toBeNull();
    if (ref !== null) log.outcome(ref, DONE);
    await log.flush();
    await log.flush();
    expect(ref?.index).not.toBeNull();
    expect(journal.released).toBe(1);
    const kinds = (await entriesOf(store)).map(({ kind, sequence }) => [kind, sequence]);
    expect(kinds).toEqual([
      ['instance-started', undefined],
      ['decision', 1],
      ['outcome', undefined],
    ]);
    await log.stop();
    expect((await verifyStore(store, signer.verifierKey.text)).ok).toBe(true);
  });

  it('lets decide through only when the journal is durable', async () => {
    const journal = new MemoryJournal();
    const log = await start(new MemoryTrailStore(), journal);
    let isThrough = false;
    const deciding = log.decide(decisionOf('drop table t')).then(() => {
      isThrough = true;
    });
    await log.flush(); // in the trail already, and still not durable here
    expect(isThrough).toBe(false);
    journal.sync();
    await deciding;
    await log.stop();
  });

  it('refuses what cannot be written down, and nothing of it is in the trail', async () => {
    const store = new MemoryTrailStore();
    const journal = new MemoryJournal();
    const log = await start(store, journal);
    journal.isFull = true;
    expect(() => log.jot(decisionOf('delete from t where id = 1'))).toThrow(/ENOSPC/);
    await expect(log.decide(decisionOf('drop table t'))).rejects.toThrow(/ENOSPC/);
    await log.stop();
    expect((await entriesOf(store)).filter(({ kind }) => kind === 'decision')).toEqual([]);
  });

  it('jots nothing while the store is away, and loses nothing that was jotted before', async () => {
    const store = new MemoryTrailStore();
    const journal = new MemoryJournal();
    const log = await start(store, journal);
    log.jot(decisionOf('delete from t where id = 1'));
    store.health = 'down';
    await log.flush();
    expect(() => log.jot(decisionOf('delete from t where id = 2'))).toThrow(/trail/);
    store.health = 'up';
    for (let i = 0; i < 200 && !log.status().available; i++) {
      await new Promise((done) => setTimeout(done, 10));
    }
    await log.stop();
    const texts = (await entriesOf(store))
      .filter(({ kind }) => kind === 'decision')
      .map(({ text }) => text.start);
    expect(texts).toEqual(['delete from t where id = 1']);
    expect((await verifyStore(store, signer.verifierKey.text)).ok).toBe(true);
  });

  it('takes over what a dead process had only jotted: once each, with an unknown outcome', async () => {
    const store = new MemoryTrailStore();
    const dead = new MemoryJournal();
    const log = await start(store, dead, 'instance_a');
    log.jot(decisionOf('delete from t where id = 1'));
    await log.flush(); // the first one reached the trail, the second did not
    log.jot(decisionOf('delete from t where id = 2'));
    const records = dead.written.map((bytes, at) => ({
      instanceId: 'instance_a',
      sequence: at + 1,
      bytes: Buffer.from(bytes),
    }));
    const journal = new MemoryJournal(records);
    const next = await start(store, journal);
    expect(journal.leftover).toEqual([]);
    await next.stop();
    const entries = await entriesOf(store);
    const decisions = entries.filter(({ kind }) => kind === 'decision');
    expect(decisions.map(({ text }) => text.start)).toEqual([
      'delete from t where id = 1',
      'delete from t where id = 2',
    ]);
    const second = entries.findIndex(({ sequence }) => sequence === 2);
    const outcomes = entries.filter(({ decision }) => decision === second);
    expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['unknown']);
  });

  it('says unknown of what a take-over that was cut short had only placed', async () => {
    const store = new MemoryTrailStore();
    const dead = new MemoryJournal();
    const log = await start(store, dead, 'instance_a');
    log.jot(decisionOf('delete from t where id = 1'));
    await log.flush(); // in the trail, without an outcome; and a command called the instance settled
    const records = dead.written.map((bytes, at) => ({
      instanceId: 'instance_a',
      sequence: at + 1,
      bytes: Buffer.from(bytes),
    }));
    const next = await start(store, new MemoryJournal(records));
    await next.stop();
    const entries = await entriesOf(store);
    const first = entries.findIndex(({ sequence }) => sequence === 1);
    const outcomes = entries.filter(({ decision }) => decision === first);
    expect(outcomes.map(({ outcome }) => outcome.kind)).toEqual(['unknown']);
  });
});
