/** What could be brought back is asked again at release: a point that went stale meanwhile refuses what people signed. */
import { expect, it } from 'vitest';
import { NOTHING_PROVEN, type RecoveryFacts } from '../model/recovery-facts.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import type { EnvironmentLevel } from '../model/target.ts';
import { anybody, FakeDesk, FakeRecorder, guardedTarget } from '../testing/fake-parts.ts';
import { effect, judgeOf, understood } from '../testing/policy-words.ts';
import { intentOf } from '../testing/trail-fixtures.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { Pipeline } from './pipeline.ts';

const GREEN: RecoveryFacts = {
  provenAgeMinutes: 60,
  outsideBlastRadius: true,
  rpoSeconds: 2,
  colour: 'green',
};
const DROP = understood(effect('destroy', { verb: 'DROP TABLE' }));

/** Signed by two people while it waits; `then` is what is known of recovery when they have. */
async function signed(level: EnvironmentLevel, then: RecoveryFacts) {
  let recovery = GREEN;
  const desk = new FakeDesk();
  desk.standing = 'signed';
  desk.meanwhile = () => {
    recovery = then;
  };
  const recorder = new FakeRecorder();
  const asked: string[] = [];
  const said: Refusal[] = [];
  let forwarded = 0;
  const facts = { asked: 'main-db', searchPath: [] };
  const pipeline = new Pipeline({
    targets: {
      resolve: () => ({ ...guardedTarget, environment: { name: 'production', level } }),
    },
    judge: judgeOf(),
    allowances: anybody,
    recoveryOf: (target) => {
      asked.push(target);
      return recovery;
    },
    desk,
    deferrals: null,
    recorder,
    holdWaitMs: 1_000,
  });
  const exchange: Exchange = {
    intent: intentOf('drop table t', DROP),
    protection: UNPROTECTED,
    reversal: { kind: 'none', reason: 'it is not protected' },
    lasting: 'at-once',
    locate: () => facts,
    freshen: async () => null,
    forward: () => {
      forwarded += 1;
      return undefined;
    },
    refuse: (refusal) => said.push(refusal),
  };
  await pipeline.handle(exchange);
  return { asked: new Set(asked), desk, forwarded, said };
}

it('guarded: passes while recovery is as it was, and the card names its figures', async () => {
  const { asked, desk, forwarded } = await signed('guarded', GREEN);
  expect([forwarded, desk.consumed, [...asked]]).toEqual([1, 1, [guardedTarget.name]]);
  expect(desk.after[0]?.takingBack.reason).toBe(
    'it is not protected; its newest proven recovery point is 1 h old and lies outside its blast radius, ' +
      '2 s of changes would be lost, and its recovery is green',
  );
});

it('guarded: does not pass on one signature when recovery turned red', async () => {
  const { desk, forwarded, said } = await signed('guarded', NOTHING_PROVEN);
  expect([forwarded, desk.consumed, said.length]).toEqual([0, 0, 1]);
});

it('sealed: a point that went stale between signing and release refuses', async () => {
  const { desk, forwarded, said } = await signed('sealed', { ...GREEN, provenAgeMinutes: 1_561 });
  expect([forwarded, desk.consumed]).toEqual([0, 0]);
  expect(said).toEqual([
    expect.objectContaining({ message: expect.stringContaining('26 h 1 min old') }),
  ]);
});
