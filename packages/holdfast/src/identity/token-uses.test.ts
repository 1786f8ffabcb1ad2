import { expect, it } from 'vitest';
import { ManualClock } from '../testing/manual-clock.ts';
import type { TokenUse } from './agent-store.ts';
import { TokenUses } from './token-uses.ts';

function world() {
  const clock = new ManualClock('2026-11-27T12:00:00Z');
  const written: ReadonlyMap<string, TokenUse>[] = [];
  const troubles: unknown[] = [];
  const at = { isAway: false };
  const uses = new TokenUses({
    store: {
      recordUses: async (seen) => {
        if (at.isAway) throw new Error('away');
        written.push(new Map(seen));
      },
    },
    clock,
    trouble: (error) => troubles.push(error),
  });
  return { at, clock, troubles, uses, written };
}

it('writes what was used since, once, and nothing when nothing was', async () => {
  const { clock, uses, written } = world();
  const mark = uses.begin('token_1', '10.0.0.4:50123', 'postgres');
  await uses.flush();
  await uses.flush();
  expect(written).toHaveLength(1);
  expect(written[0]?.get('token_1')).toEqual({
    at: new Date('2026-11-27T12:00:00Z'),
    source: '10.0.0.4',
    protocol: 'postgres',
  });
  clock.pass(60_000);
  mark.isUsed = true;
  await uses.flush();
  expect(written[1]?.get('token_1')?.at).toEqual(new Date('2026-11-27T12:01:00Z'));
});

it('keeps the use of a session that ended, and of an address of version 6', async () => {
  const { uses, written } = world();
  uses.end(uses.begin('token_1', '::1:50123', 'http'));
  uses.end({ isUsed: true });
  await uses.stop();
  expect(written.map((one) => [...one].map(([id, { source }]) => [id, source]))).toEqual([
    [['token_1', '::1']],
  ]);
});

it('tries again when the store was away, and lets what came later stand', async () => {
  const { at, clock, troubles, uses, written } = world();
  at.isAway = true;
  const first = uses.begin('token_1', '10.0.0.1:1', 'postgres');
  uses.begin('token_2', '10.0.0.2:1', 'http');
  await uses.flush();
  expect([written.length, troubles.length]).toEqual([0, 1]);
  at.isAway = false;
  clock.pass(1_000);
  first.isUsed = true;
  await uses.stop();
  const [seen] = written;
  expect(seen?.get('token_1')?.at).toEqual(new Date('2026-11-27T12:00:01Z'));
  expect(seen?.get('token_2')?.at).toEqual(new Date('2026-11-27T12:00:00Z'));
});
