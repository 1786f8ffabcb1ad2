import { expect, it } from 'vitest';
import type { Reading } from '../model/effect.ts';
import { UNPROTECTED } from '../model/reversal.ts';
import { FakeDesk, FakeRecorder, oneTarget, simpleJudge } from '../testing/fake-parts.ts';
import { intentOf } from '../testing/trail-fixtures.ts';
import type { Exchange, Refusal } from './exchange.ts';
import { Pipeline } from './pipeline.ts';

const DROP: Reading = {
  kind: 'understood',
  effects: [
    {
      kind: 'destroy',
      verb: 'DROP TABLE',
      object: null,
      reach: 'whole',
      additive: false,
      why: null,
    },
  ],
};

it('answers no although recording the no fails in a way nobody thought of', async () => {
  const recorder = new FakeRecorder();
  recorder.decide = () => Promise.reject(new TypeError('a fault of ours'));
  const said: Refusal[] = [];
  const exchange: Exchange = {
    intent: intentOf('drop table t', DROP),
    lasting: 'at-once',
    protection: UNPROTECTED,
    reversal: { kind: 'none', reason: 'a test' },
    locate: () => ({ asked: 'main-db', searchPath: ['public'] }),
    forward: () => expect.unreachable('nothing may be forwarded'),
    refuse: (refusal) => said.push(refusal),
  };
  const parts = {
    targets: oneTarget,
    judge: simpleJudge,
    desk: new FakeDesk(),
    deferrals: null,
    recorder,
  };
  await new Pipeline({ ...parts, holdWaitMs: 0 }).handle(exchange);
  expect(said.map(({ code }) => code)).toEqual(['HF_HELD']);
});
