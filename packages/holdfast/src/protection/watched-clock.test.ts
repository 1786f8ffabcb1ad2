/** Watched time on a real store: two processes, jumps, pauses and a store that goes away. */
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LEDGER_CREDIT_MS_MAX } from '../model/limits.ts';
import { SqlLedgerStore } from '../store/ledger-store.ts';
import { ManualClock } from '../testing/manual-clock.ts';
import { type ScratchStore, startScratchStore } from '../testing/scratch-store.ts';
import { WatchedClock } from './watched-clock.ts';

let scratch: ScratchStore;
let clock: ManualClock;
let one: WatchedClock;
let two: WatchedClock;

beforeAll(async () => {
  scratch = await startScratchStore();
}, 60_000);
afterAll(() => scratch?.stop());

beforeEach(async () => {
  await scratch.database.run((db) => sql`update holdfast.undo_ledger set tick_ms = 0`.execute(db));
  clock = new ManualClock();
  one = watcher();
  two = watcher();
  return async () => {
    await one.stop();
    await two.stop();
  };
});

function watcher(): WatchedClock {
  return new WatchedClock({ ledger: new SqlLedgerStore(scratch.database), clock });
}

async function passes(ms: number): Promise<void> {
  clock.pass(ms);
  await one.step();
  await two.step();
}

describe('watched time', () => {
  it('is counted once, however many watch', async () => {
    await passes(700);
    for (let step = 0; step < 4; step += 1) await passes(1_000);
    expect(await one.tickMs()).toBe(4_000n);
    expect(await two.tickMs()).toBe(4_000n);
  });

  it('does not move when the wall clock is set forward or back', async () => {
    await passes(0);
    clock.jump(72 * 3_600_000);
    await passes(1_000);
    clock.jump(-144 * 3_600_000);
    await passes(1_000);
    expect(await one.tickMs()).toBe(2_000n);
  });

  it('does not count a pause nobody watched: a suspended machine, a stopped process', async () => {
    await passes(0);
    await passes(1_000);
    await passes(48 * 3_600_000);
    await passes(LEDGER_CREDIT_MS_MAX + 1);
    await passes(1_000);
    expect(await one.tickMs()).toBe(2_000n);
  });

  it('goes over to another process when the holder is gone, without the time in between', async () => {
    await passes(0);
    await passes(1_000);
    await one.stop();
    clock.pass(2_000);
    await two.step();
    clock.pass(1_000);
    await two.step();
    expect(await two.tickMs()).toBe(2_000n);
  });

  it('is not credited over a connection that lost the lock, and goes on after it', async () => {
    await passes(0);
    await scratch.database.run((db) =>
      sql`select pg_terminate_backend(pid) from pg_locks
          where locktype = 'advisory' and pid <> pg_backend_pid()`.execute(db),
    );
    clock.pass(1_000);
    await one.step().catch(() => {});
    const before = await one.tickMs();
    expect(before).toBeLessThanOrEqual(1_000n);
    await one.step();
    clock.pass(1_000);
    await one.step();
    expect(await one.tickMs()).toBe(before + 1_000n);
  });

  it('is shown as a moment, which moves along while nobody watches', () => {
    expect(one.expiresAt(5_000n, 2_000n).getTime() - clock.now().getTime()).toBe(3_000);
    expect(one.expiresAt(1_000n, 2_000n)).toEqual(clock.now());
  });
});
